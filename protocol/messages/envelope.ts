/** A forwarded request in its wrapping (KIP-590). */
import { bytes, int16, message } from '../schema.ts';

export const envelopeRequest = message(
  'EnvelopeRequest',
  { versions: '0', flexible: '0+' },
  {
    requestData: bytes('0+'),
    requestPrincipal: bytes('0+', { nullable: '0+' }),
    clientHostAddress: bytes('0+'),
  },
);

export const envelopeResponse = message(
  'EnvelopeResponse',
  { versions: '0', flexible: '0+' },
  {
    responseData: bytes('0+', { nullable: '0+', default: null }),
    errorCode: int16('0+'),
  },
);
