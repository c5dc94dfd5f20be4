/**
 * Who is a member: Heartbeat, LeaveGroup, the right to commit offsets, and the end of a group on
 * this broker. Pure. Reproduces GroupCoordinator's validateCurrentMember, handleHeartbeat,
 * handleLeaveGroup and validateOffsetCommit.
 */
import { errorCodes } from '../../protocol/errors.ts';
import { unreachable } from '../../system/assert.ts';
import type { Group } from './group.ts';
import {
  answerJoin,
  answerSync,
  armSession,
  joinError,
  removeMember,
  removePendingMember,
  syncError,
} from './rebalance.ts';
import type { Step } from './step.ts';

export interface MemberIdentity {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface GenerationIdentity extends MemberIdentity {
  readonly generationId: number;
}

/** Why somebody is not the member it says it is; NONE when it is. */
export const memberError = (
  group: Group,
  memberId: string,
  groupInstanceId: string | null,
): number => {
  if (groupInstanceId !== null) {
    const current = group.memberIdOf(groupInstanceId);
    if (current === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
    if (current !== memberId) return errorCodes.FENCED_INSTANCE_ID;
  }
  return group.members.has(memberId) ? errorCodes.NONE : errorCodes.UNKNOWN_MEMBER_ID;
};

const generationError = (group: Group, identity: GenerationIdentity): number => {
  const errorCode = memberError(group, identity.memberId, identity.groupInstanceId);
  if (errorCode !== errorCodes.NONE) return errorCode;
  return identity.generationId === group.generationId
    ? errorCodes.NONE
    : errorCodes.ILLEGAL_GENERATION;
};

const armSessionOf = (group: Group, memberId: string, step: Step): void => {
  const member = group.members.get(memberId);
  if (member !== undefined) armSession(group, member, step);
};

/** A member is alive; the code tells it whether it must join again. */
export const heartbeat = (group: Group, identity: GenerationIdentity, step: Step): number => {
  if (group.state === 'Dead') return errorCodes.COORDINATOR_NOT_AVAILABLE;
  const errorCode = generationError(group, identity);
  if (errorCode !== errorCodes.NONE) return errorCode;
  if (group.state === 'Empty') return errorCodes.UNKNOWN_MEMBER_ID;
  armSessionOf(group, identity.memberId, step);
  return group.state === 'PreparingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE;
};

/** Takes members out one after the other; the codes are in the order of `members`. */
export const leave = (
  group: Group,
  members: readonly MemberIdentity[],
  step: Step,
): readonly number[] => members.map((identity) => leaveOne(group, identity, step));

const leaveOne = (group: Group, identity: MemberIdentity, step: Step): number => {
  const { groupInstanceId } = identity;
  let { memberId } = identity;
  if (memberId === '') {
    // An administrator knows a static member by its instance id only.
    const current = groupInstanceId === null ? undefined : group.memberIdOf(groupInstanceId);
    if (current === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
    memberId = current;
  } else if (group.pendingMembers.has(memberId)) {
    removePendingMember(group, memberId, step);
    return errorCodes.NONE;
  } else {
    const errorCode = memberError(group, memberId, groupInstanceId);
    if (errorCode !== errorCodes.NONE) return errorCode;
  }
  const member = group.members.get(memberId);
  if (member === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
  removeMember(group, member, step);
  return errorCodes.NONE;
};

/**
 * Whether offsets may be committed now; counts as a sign of life. Commits inside a transaction are
 * bound to the member too (KIP-447), but are allowed in every state and are no sign of life.
 */
export const commitError = (
  group: Group,
  identity: GenerationIdentity,
  options: { readonly isTransactional: boolean },
  step: Step,
): number => {
  const errorCode = identityErrorOfCommit(group, identity, options.isTransactional);
  if (errorCode !== errorCodes.NONE || options.isTransactional) return errorCode;
  switch (group.state) {
    case 'Empty':
      return errorCodes.NONE;
    case 'Stable':
    case 'PreparingRebalance':
      // While members are called together the old owners may still commit what they have consumed.
      armSessionOf(group, identity.memberId, step);
      return errorCodes.NONE;
    case 'CompletingRebalance':
      return errorCodes.REBALANCE_IN_PROGRESS;
    case 'Dead':
      return errorCodes.COORDINATOR_NOT_AVAILABLE;
    default:
      return unreachable(group.state);
  }
};

const identityErrorOfCommit = (
  group: Group,
  identity: GenerationIdentity,
  isTransactional: boolean,
): number => {
  if (group.state === 'Dead') return errorCodes.COORDINATOR_NOT_AVAILABLE;
  // A consumer that assigns its partitions itself uses the group to store offsets only.
  if (identity.generationId < 0 && group.state === 'Empty') return errorCodes.NONE;
  const isMember =
    identity.generationId >= 0 || identity.memberId !== '' || identity.groupInstanceId !== null;
  if (isMember) return generationError(group, identity);
  return isTransactional || group.state === 'Empty'
    ? errorCodes.NONE
    : errorCodes.UNKNOWN_MEMBER_ID;
};

/**
 * This broker no longer coordinates the group: whoever waits is sent to look for the new
 * coordinator.
 */
export const unload = (group: Group, step: Step): void => {
  group.transitionTo('Dead', step.nowMs);
  for (const member of group.members.values()) {
    answerJoin(group, member, joinError(member.memberId, errorCodes.NOT_COORDINATOR), step);
    answerSync(member, syncError(errorCodes.NOT_COORDINATOR), step);
  }
};
