/** DescribeGroups: state, protocol and members of groups. */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { handler } from './handler.ts';

/** READ, DELETE and DESCRIBE as bits: all that can be done to a group. */
const ALL_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8);
const OPERATIONS_NOT_ASKED_FOR = -(2 ** 31);

export const describeGroupsHandler = handler(apis.describeGroups, (services, request) => ({
  groups: request.groups.map((groupId) => {
    const group = services.groups.describe(groupId);
    const isAsked = request.includeAuthorizedOperations && group.errorCode === errorCodes.NONE;
    return { ...group, authorizedOperations: isAsked ? ALL_OPERATIONS : OPERATIONS_NOT_ASKED_FOR };
  }),
}));
