/** SyncGroup: brings the leader's assignment of a generation, and takes the member's own home. */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { syncError } from '../groups/rebalance.ts';
import { handler } from './handler.ts';

/** From here on the client says which protocol it believes was chosen (KIP-559). */
const PROTOCOL_VERSION = 5;

export const syncGroupHandler = handler(apis.syncGroup, async (services, request, context) => {
  const { groupId, generationId, memberId, groupInstanceId, protocolType, protocolName } = request;
  const lacksProtocol = protocolType === null || protocolName === null;
  if (context.apiVersion >= PROTOCOL_VERSION && lacksProtocol)
    return syncError(errorCodes.INCONSISTENT_GROUP_PROTOCOL);
  return services.groups.sync({
    groupId,
    generationId,
    memberId,
    groupInstanceId,
    protocolType,
    protocolName,
    assignments: new Map(
      request.assignments.map((entry) => [entry.memberId, entry.assignment] as const),
    ),
  });
});
