/** The controller tells brokers about brokers and partitions. */
import {
  array,
  bool,
  type Fields,
  int8,
  int16,
  int32,
  int64Big,
  message,
  string,
  uuid,
} from '../schema.ts';

const updateMetadataPartitionState = {
  topicName: string('0-4', { ignorable: true }),
  partitionIndex: int32('0+'),
  controllerEpoch: int32('0+'),
  leader: int32('0+'),
  leaderEpoch: int32('0+'),
  isr: array('0+', 'int32'),
  zkVersion: int32('0+'),
  replicas: array('0+', 'int32'),
  offlineReplicas: array('4+', 'int32', { ignorable: true }),
} as const satisfies Fields;

export const updateMetadataRequest = message(
  'UpdateMetadataRequest',
  { versions: '0-8', flexible: '6+' },
  {
    controllerId: int32('0+'),
    isKRaftController: bool('8+', { default: false }),
    type: int8('8+', { default: 0, tag: 0 }),
    controllerEpoch: int32('0+'),
    brokerEpoch: int64Big('5+', { default: -1n, ignorable: true }),
    ungroupedPartitionStates: array('0-4', updateMetadataPartitionState),
    topicStates: array('5+', {
      topicName: string('5+'),
      topicId: uuid('7+', { ignorable: true }),
      partitionStates: array('5+', updateMetadataPartitionState),
    }),
    liveBrokers: array('0+', {
      id: int32('0+'),
      v0Host: string('0', { ignorable: true }),
      v0Port: int32('0', { ignorable: true }),
      endpoints: array(
        '1+',
        {
          port: int32('1+'),
          host: string('1+'),
          listener: string('3+', { ignorable: true }),
          securityProtocol: int16('1+'),
        },
        { ignorable: true },
      ),
      rack: string('2+', { nullable: '0+', ignorable: true }),
    }),
  },
);

export const updateMetadataResponse = message(
  'UpdateMetadataResponse',
  { versions: '0-8', flexible: '6+' },
  {
    errorCode: int16('0+'),
  },
);
