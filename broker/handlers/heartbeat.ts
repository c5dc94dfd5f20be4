/** Heartbeat: keeps a member's session alive and tells it when the group rebalances. */
import { apis } from '../../protocol/apis.ts';
import { handler } from './handler.ts';

export const heartbeatHandler = handler(apis.heartbeat, (services, request) => ({
  errorCode: services.groups.heartbeat(request.groupId, request),
}));
