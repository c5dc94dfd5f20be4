/** Lists delegation tokens (KIP-48). */
import { array, bytes, int16, int32, message, string, timestamp } from '../schema.ts';

export const describeDelegationTokenRequest = message(
  'DescribeDelegationTokenRequest',
  { versions: '0-3', flexible: '2+' },
  {
    owners: array(
      '0+',
      {
        principalType: string('0+'),
        principalName: string('0+'),
      },
      { nullable: '0+' },
    ),
  },
);

export const describeDelegationTokenResponse = message(
  'DescribeDelegationTokenResponse',
  { versions: '0-3', flexible: '2+' },
  {
    errorCode: int16('0+'),
    tokens: array('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
      tokenRequesterPrincipalType: string('3+'),
      tokenRequesterPrincipalName: string('3+'),
      issueTimestamp: timestamp('0+'),
      expiryTimestamp: timestamp('0+'),
      maxTimestamp: timestamp('0+'),
      tokenId: string('0+'),
      hmac: bytes('0+'),
      renewers: array('0+', {
        principalType: string('0+'),
        principalName: string('0+'),
      }),
    }),
    throttleTimeMs: int32('0+'),
  },
);
