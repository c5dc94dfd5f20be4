/** The controller tells a broker to stop replicas, and perhaps to delete them (KIP-570). */
import { array, bool, int16, int32, int64Big, message, string } from '../schema.ts';

export const stopReplicaRequest = message(
  'StopReplicaRequest',
  { versions: '0-4', flexible: '2+' },
  {
    controllerId: int32('0+'),
    isKRaftController: bool('4+', { default: false }),
    controllerEpoch: int32('0+'),
    brokerEpoch: int64Big('1+', { default: -1n, ignorable: true }),
    deletePartitions: bool('0-2'),
    ungroupedPartitions: array('0', {
      topicName: string('0'),
      partitionIndex: int32('0'),
    }),
    topics: array('1-2', {
      name: string('1-2'),
      partitionIndexes: array('1-2', 'int32'),
    }),
    topicStates: array('3+', {
      topicName: string('3+'),
      partitionStates: array('3+', {
        partitionIndex: int32('3+'),
        leaderEpoch: int32('3+', { default: -1 }),
        deletePartition: bool('3+'),
      }),
    }),
  },
);

export const stopReplicaResponse = message(
  'StopReplicaResponse',
  { versions: '0-4', flexible: '2+' },
  {
    errorCode: int16('0+'),
    partitionErrors: array('0+', {
      topicName: string('0+'),
      partitionIndex: int32('0+'),
      errorCode: int16('0+'),
    }),
  },
);
