/**
 * JoinGroup: takes part in the next generation of a group; answered when the rebalance has gathered
 * its members.
 */
import { apis } from '../../protocol/apis.ts';
import { handler } from './handler.ts';

/** From here on dynamic members are given their id before they join (KIP-394). */
const KNOWN_MEMBER_VERSION = 4;
/** From here on the protocol's name may be null. */
const NULL_PROTOCOL_VERSION = 7;
/** From here on a leader can be told to leave the assignment as it is (KIP-814). */
const SKIP_ASSIGNMENT_VERSION = 9;

export const joinGroupHandler = handler(apis.joinGroup, async (services, request, context) => {
  const { apiVersion } = context;
  const { groupInstanceId, sessionTimeoutMs } = request;
  const result = await services.groups.join({
    groupId: request.groupId,
    memberId: request.memberId,
    groupInstanceId,
    clientId: context.clientId,
    clientHost: `/${context.clientHost}`,
    sessionTimeoutMs,
    rebalanceTimeoutMs: apiVersion === 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols,
    requiresKnownMemberId: apiVersion >= KNOWN_MEMBER_VERSION && groupInstanceId === null,
    canSkipAssignment: apiVersion >= SKIP_ASSIGNMENT_VERSION,
  });
  const protocolName =
    apiVersion >= NULL_PROTOCOL_VERSION ? result.protocolName || null : (result.protocolName ?? '');
  const { errorCode, memberId, generationId, protocolType, skipAssignment, members } = result;
  return {
    errorCode,
    memberId,
    generationId,
    protocolType,
    protocolName,
    leader: result.leaderId,
    skipAssignment,
    members,
  };
});
