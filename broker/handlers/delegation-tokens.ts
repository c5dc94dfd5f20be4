/**
 * Delegation tokens (KIP-48) without a secret key: the feature is off. As in Kafka, a connection
 * that could not have used them anyway hears that first: all of ours are unauthenticated.
 */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { handler } from './handler.ts';

const NOT_ALLOWED = errorCodes.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED;

const WITH_REQUESTER = 3;

export const createDelegationTokenHandler = handler(
  apis.createDelegationToken,
  (_services, request, { apiVersion, principal }) => {
    const [type = '', name = ''] = principal.split(':');
    return {
      errorCode: NOT_ALLOWED,
      principalType: request.ownerPrincipalType || type,
      principalName: request.ownerPrincipalName || name,
      ...(apiVersion < WITH_REQUESTER
        ? {}
        : { tokenRequesterPrincipalType: type, tokenRequesterPrincipalName: name }),
      issueTimestampMs: -1,
      expiryTimestampMs: -1,
      maxTimestampMs: -1,
      tokenId: '',
      hmac: Buffer.alloc(0),
      throttleTimeMs: 0,
    };
  },
);

export const renewDelegationTokenHandler = handler(apis.renewDelegationToken, () => ({
  errorCode: NOT_ALLOWED,
  expiryTimestampMs: -1,
  throttleTimeMs: 0,
}));

export const expireDelegationTokenHandler = handler(apis.expireDelegationToken, () => ({
  errorCode: NOT_ALLOWED,
  expiryTimestampMs: -1,
  throttleTimeMs: 0,
}));

export const describeDelegationTokenHandler = handler(apis.describeDelegationToken, () => ({
  errorCode: NOT_ALLOWED,
  tokens: [],
  throttleTimeMs: 0,
}));
