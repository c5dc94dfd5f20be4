/** Changes when a delegation token expires (KIP-48). */
import { bytes, int16, int32, message, timestamp } from '../schema.ts';

export const expireDelegationTokenRequest = message(
  'ExpireDelegationTokenRequest',
  { versions: '0-2', flexible: '2+' },
  {
    hmac: bytes('0+'),
    expiryTimePeriodMs: timestamp('0+'),
  },
);

export const expireDelegationTokenResponse = message(
  'ExpireDelegationTokenResponse',
  { versions: '0-2', flexible: '2+' },
  {
    errorCode: int16('0+'),
    expiryTimestampMs: timestamp('0+'),
    throttleTimeMs: int32('0+'),
  },
);
