/** DeleteGroups: deletes groups without members, with their offsets (KIP-229). */
import { apis } from '../../protocol/apis.ts';
import { handler } from './handler.ts';

export const deleteGroupsHandler = handler(apis.deleteGroups, async (services, request) => ({
  throttleTimeMs: 0,
  results: await Promise.all(
    Array.from(new Set(request.groupsNames), async (groupId) => ({
      groupId,
      errorCode: await services.groups.deleteGroup(groupId),
    })),
  ),
}));
