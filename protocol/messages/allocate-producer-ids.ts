/** A broker asks the controller for a block of producer ids (KIP-730). */
import { int16, int32, int64, int64Big, message } from '../schema.ts';

export const allocateProducerIdsRequest = message(
  'AllocateProducerIdsRequest',
  { versions: '0', flexible: '0+' },
  {
    brokerId: int32('0+'),
    brokerEpoch: int64Big('0+', { default: -1n }),
  },
);

export const allocateProducerIdsResponse = message(
  'AllocateProducerIdsResponse',
  { versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerIdStart: int64('0+'),
    producerIdLen: int32('0+'),
  },
);
