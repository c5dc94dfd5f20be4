/**
 * ListGroups: the groups that this broker coordinates, by state (KIP-518) and type (KIP-848), both
 * without regard to case.
 */
import { apis } from '../../protocol/apis.ts';
import { handler } from './handler.ts';

export const listGroupsHandler = handler(apis.listGroups, (services, request) => {
  const states = new Set(request.statesFilter.map((state) => state.toLowerCase()));
  const types = new Set(request.typesFilter.map((type) => type.toLowerCase()));
  const { errorCode, groups } = services.groups.list();
  return {
    errorCode,
    groups: groups.filter(
      ({ groupState, groupType }) =>
        (states.size === 0 || states.has(groupState.toLowerCase())) &&
        (types.size === 0 || types.has(groupType)),
    ),
  };
});
