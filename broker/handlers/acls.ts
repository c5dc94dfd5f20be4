/** The ACL APIs without an authorizer: there is nothing to describe or change (code 54). */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { handler } from './handler.ts';

const DISABLED = {
  errorCode: errorCodes.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured on the broker',
};

export const describeAclsHandler = handler(apis.describeAcls, () => ({
  throttleTimeMs: 0,
  ...DISABLED,
  resources: [],
}));

export const createAclsHandler = handler(apis.createAcls, (_services, request) => ({
  throttleTimeMs: 0,
  results: request.creations.map(() => DISABLED),
}));

export const deleteAclsHandler = handler(apis.deleteAcls, (_services, request) => ({
  throttleTimeMs: 0,
  filterResults: request.filters.map(() => ({ ...DISABLED, matchingAcls: [] })),
}));
