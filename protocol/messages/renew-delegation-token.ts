/** Prolongs a delegation token (KIP-48). */
import { bytes, int16, int32, message, timestamp } from '../schema.ts';

export const renewDelegationTokenRequest = message(
  'RenewDelegationTokenRequest',
  { versions: '0-2', flexible: '2+' },
  {
    hmac: bytes('0+'),
    renewPeriodMs: timestamp('0+'),
  },
);

export const renewDelegationTokenResponse = message(
  'RenewDelegationTokenResponse',
  { versions: '0-2', flexible: '2+' },
  {
    errorCode: int16('0+'),
    expiryTimestampMs: timestamp('0+'),
    throttleTimeMs: int32('0+'),
  },
);
