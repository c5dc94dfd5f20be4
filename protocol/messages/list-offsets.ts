/** Offsets by timestamp, and the earliest, latest and other special ones (KIP-79, KIP-734, KIP-405). */
import { array, int8, int16, int32, int64, message, string, timestamp } from '../schema.ts';

export const listOffsetsRequest = message(
  'ListOffsetsRequest',
  { versions: '0-9', flexible: '6+' },
  {
    replicaId: int32('0+'),
    isolationLevel: int8('2+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: timestamp('0+'),
        maxNumOffsets: int32('0', { default: 1 }),
      }),
    }),
  },
);

export const listOffsetsResponse = message(
  'ListOffsetsResponse',
  { versions: '0-9', flexible: '6+' },
  {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        oldStyleOffsets: array('0', 'int64'),
        timestamp: timestamp('1+', { default: -1 }),
        offset: int64('1+', { default: -1 }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
);
