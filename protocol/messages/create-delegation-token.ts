/** Creates a delegation token (KIP-48). */
import { array, bytes, int16, int32, message, string, timestamp } from '../schema.ts';

export const createDelegationTokenRequest = message(
  'CreateDelegationTokenRequest',
  { versions: '0-3', flexible: '2+' },
  {
    ownerPrincipalType: string('3+', { nullable: '3+' }),
    ownerPrincipalName: string('3+', { nullable: '3+' }),
    renewers: array('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
    }),
    maxLifetimeMs: timestamp('0+'),
  },
);

export const createDelegationTokenResponse = message(
  'CreateDelegationTokenResponse',
  { versions: '0-3', flexible: '2+' },
  {
    errorCode: int16('0+'),
    principalType: string('0+'),
    principalName: string('0+'),
    tokenRequesterPrincipalType: string('3+'),
    tokenRequesterPrincipalName: string('3+'),
    issueTimestampMs: timestamp('0+'),
    expiryTimestampMs: timestamp('0+'),
    maxTimestampMs: timestamp('0+'),
    tokenId: string('0+'),
    hmac: bytes('0+'),
    throttleTimeMs: int32('0+'),
  },
);
