/** Moves replicas between the log directories of one broker (KIP-113). */
import { array, int16, int32, message, string } from '../schema.ts';

export const alterReplicaLogDirsRequest = message(
  'AlterReplicaLogDirsRequest',
  { versions: '0-2', flexible: '2+' },
  {
    dirs: array('0+', {
      path: string('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', 'int32'),
      }),
    }),
  },
);

export const alterReplicaLogDirsResponse = message(
  'AlterReplicaLogDirsResponse',
  { versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
);
