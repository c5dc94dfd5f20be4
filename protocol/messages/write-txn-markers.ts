/** The transaction coordinator writes commit and abort markers (KIP-98). */
import { array, bool, int16, int32, int64, message, string } from '../schema.ts';

export const writeTxnMarkersRequest = message(
  'WriteTxnMarkersRequest',
  { versions: '0-1', flexible: '1+' },
  {
    markers: array('0+', {
      producerId: int64('0+'),
      producerEpoch: int16('0+'),
      transactionResult: bool('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitionIndexes: array('0+', 'int32'),
      }),
      coordinatorEpoch: int32('0+'),
    }),
  },
);

export const writeTxnMarkersResponse = message(
  'WriteTxnMarkersResponse',
  { versions: '0-1', flexible: '1+' },
  {
    markers: array('0+', {
      producerId: int64('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    }),
  },
);
