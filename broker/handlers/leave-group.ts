/**
 * LeaveGroup: takes members out of a group without waiting for their sessions to end; several from
 * version 3 on (KIP-345).
 */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { handler } from './handler.ts';

const BATCHED_VERSION = 3;

export const leaveGroupHandler = handler(apis.leaveGroup, (services, request, context) => {
  const { groupId } = request;
  if (context.apiVersion < BATCHED_VERSION) {
    const only = { memberId: request.memberId, groupInstanceId: null };
    const { errorCode, members } = services.groups.leave(groupId, [only]);
    return { errorCode: errorCode === errorCodes.NONE ? (members[0] ?? errorCode) : errorCode };
  }
  const { errorCode, members } = services.groups.leave(groupId, request.members);
  return {
    errorCode,
    members: members.map((code, index) => ({
      memberId: request.members[index]?.memberId ?? '',
      groupInstanceId: request.members[index]?.groupInstanceId ?? null,
      errorCode: code,
    })),
  };
});
