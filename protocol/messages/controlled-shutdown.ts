/** A broker asks the controller to move its leaderships away before it stops. */
import { array, int16, int32, int64Big, message, string } from '../schema.ts';

export const controlledShutdownRequest = message(
  'ControlledShutdownRequest',
  { versions: '0-3', flexible: '3+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64Big('2+', { default: -1n, ignorable: true }),
  },
);

export const controlledShutdownResponse = message(
  'ControlledShutdownResponse',
  { versions: '0-3', flexible: '3+' },
  {
    errorCode: int16('0+'),
    remainingPartitions: array('0+', {
      topicName: string('0+'),
      partitionIndex: int32('0+'),
    }),
  },
);
