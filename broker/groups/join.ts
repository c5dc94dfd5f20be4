/**
 * JoinGroup: new members, members that come back, and static members under a new id. Pure.
 * Reproduces GroupCoordinator.handleJoinGroup (KIP-62, KIP-345 static members, KIP-394 member ids
 * first, KIP-814).
 */
import { errorCodes } from '../../protocol/errors.ts';
import { unreachable } from '../../system/assert.ts';
import { type Group, type GroupProtocol, type Member, NO_ASSIGNMENT } from './group.ts';
import { memberError } from './membership.ts';
import {
  answerJoin,
  answerSync,
  armSession,
  joinError,
  joinSuccess,
  maybePrepareRebalance,
  prepareRebalance,
  syncError,
  tryCompleteJoin,
} from './rebalance.ts';
import type { Step } from './step.ts';

export interface JoinRequest {
  readonly ticket: number;
  /** Empty: the group gives an id. */
  readonly memberId: string;
  /** The id to give, if one is needed. */
  readonly newMemberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly GroupProtocol[];
  /** The client of a dynamic member learns its id before it takes part (v4 and above). */
  readonly requiresKnownMemberId: boolean;
  /** A leader can be told that the assignment stands (v9 and above). */
  readonly canSkipAssignment: boolean;
}

/** A new member cannot send heartbeats while it waits; its client gives up long before this. */
const NEW_MEMBER_TIMEOUT_MS = 300_000;

/** Answers the request, or parks it until the rebalance is complete. */
export const join = (group: Group, request: JoinRequest, step: Step): void => {
  if (!hasRoomFor(group, request.memberId)) {
    group.remove(request.memberId);
    refuse(request, '', errorCodes.GROUP_MAX_SIZE_REACHED, step);
  } else if (request.memberId === '') {
    joinAsNewMember(group, request, step);
  } else {
    joinAsKnownMember(group, request, step);
  }
  tryCompleteJoin(group, step);
};

const refuse = (request: JoinRequest, memberId: string, errorCode: number, step: Step): void => {
  const result = joinError(memberId, errorCode);
  step.commands.push({ type: 'answerJoin', ticket: request.ticket, result });
};

const hasRoomFor = (group: Group, memberId: string): boolean => {
  const member = group.members.get(memberId);
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true;
    case 'PreparingRebalance':
      // First come, first served: members of the last generation that are late lose their place.
      return (
        (member !== undefined && member.joinTicket !== null) ||
        group.joiningCount < group.limits.sizeMax
      );
    case 'CompletingRebalance':
    case 'Stable':
      return member !== undefined || group.members.size < group.limits.sizeMax;
    default:
      return unreachable(group.state);
  }
};

/** What keeps anybody with these protocols out; NONE if nothing does. */
const groupError = (group: Group, request: JoinRequest): number => {
  if (group.state === 'Dead') return errorCodes.COORDINATOR_NOT_AVAILABLE;
  if (!group.supports(request.protocolType, request.protocols))
    return errorCodes.INCONSISTENT_GROUP_PROTOCOL;
  return errorCodes.NONE;
};

const joinAsNewMember = (group: Group, request: JoinRequest, step: Step): void => {
  const errorCode = groupError(group, request);
  if (errorCode !== errorCodes.NONE) return refuse(request, '', errorCode, step);
  const { groupInstanceId, newMemberId } = request;
  if (groupInstanceId !== null) {
    const oldMemberId = group.memberIdOf(groupInstanceId);
    if (oldMemberId === undefined) addAndRebalance(group, newMemberId, request, step);
    else replaceStaticMember(group, oldMemberId, request, step);
  } else if (request.requiresKnownMemberId) {
    const deadlineMs = group.wakeAt(step.elapsedMs + request.sessionTimeoutMs);
    group.pendingMembers.set(newMemberId, deadlineMs);
    refuse(request, newMemberId, errorCodes.MEMBER_ID_REQUIRED, step);
  } else {
    addAndRebalance(group, newMemberId, request, step);
  }
};

const addAndRebalance = (
  group: Group,
  memberId: string,
  request: JoinRequest,
  step: Step,
): void => {
  if (group.state === 'PreparingRebalance' && group.generationId === 0) group.hasNewMember = true;
  group.add({
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    protocolType: request.protocolType,
    protocols: request.protocols,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    assignment: NO_ASSIGNMENT,
    joinTicket: request.ticket,
    syncTicket: null,
    isNew: true,
    sessionDeadlineMs: group.wakeAt(step.elapsedMs + NEW_MEMBER_TIMEOUT_MS),
  });
  maybePrepareRebalance(group, step);
};

const joinAsKnownMember = (group: Group, request: JoinRequest, step: Step): void => {
  const { memberId, groupInstanceId } = request;
  const errorCode = groupError(group, request);
  if (errorCode !== errorCodes.NONE) return refuse(request, memberId, errorCode, step);
  if (group.pendingMembers.has(memberId)) {
    // Ids are handed out in advance to dynamic members only.
    if (groupInstanceId === null) addAndRebalance(group, memberId, request, step);
    else refuse(request, memberId, errorCodes.UNKNOWN_SERVER_ERROR, step);
    return;
  }
  const notMember = memberError(group, memberId, groupInstanceId);
  const member = group.members.get(memberId);
  if (notMember !== errorCodes.NONE || member === undefined)
    return refuse(request, memberId, notMember, step);
  if (mustRejoin(group, member, request)) {
    updateMember(group, member, request, step);
    maybePrepareRebalance(group, step);
  } else if (group.state === 'Empty' || group.state === 'Dead') {
    refuse(request, memberId, errorCodes.UNKNOWN_MEMBER_ID, step);
  } else {
    // The answer to its last JoinGroup was lost: the generation stands.
    const result = joinSuccess(group, member);
    const members = group.state === 'Stable' ? [] : result.members;
    step.commands.push({
      type: 'answerJoin',
      ticket: request.ticket,
      result: { ...result, members },
    });
  }
};

/** Whether the request calls for a new generation, or belongs to one that is being gathered. */
const mustRejoin = (group: Group, member: Member, request: JoinRequest): boolean => {
  switch (group.state) {
    case 'PreparingRebalance':
      return true;
    case 'CompletingRebalance':
      return !isSame(member.protocols, request.protocols);
    case 'Stable':
      // A leader joins again to bring about another assignment, be its own metadata the same or
      // not.
      return group.isLeader(member.memberId) || !isSame(member.protocols, request.protocols);
    case 'Empty':
    case 'Dead':
      return false;
    default:
      return unreachable(group.state);
  }
};

const isSame = (a: readonly GroupProtocol[], b: readonly GroupProtocol[]): boolean =>
  a.length === b.length &&
  a.every(({ name, metadata }, index) => {
    const other = b[index];
    return other !== undefined && other.name === name && other.metadata.equals(metadata);
  });

const updateMember = (group: Group, member: Member, request: JoinRequest, step: Step): void => {
  // A request of the same member that still waits has been given up by its client.
  const isRepeated = joinError(member.memberId, errorCodes.REBALANCE_IN_PROGRESS);
  answerJoin(group, member, isRepeated, step);
  group.setProtocols(member, request.protocols);
  member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
  member.sessionTimeoutMs = request.sessionTimeoutMs;
  group.setJoinTicket(member, request.ticket);
};

/** A static member has restarted. Whoever used its instance id before is fenced. */
const replaceStaticMember = (
  group: Group,
  oldMemberId: string,
  request: JoinRequest,
  step: Step,
): void => {
  const member = group.members.get(oldMemberId);
  if (member === undefined || group.state === 'Empty' || group.state === 'Dead')
    return refuse(request, '', errorCodes.UNKNOWN_SERVER_ERROR, step);
  const oldLeaderId = group.leaderId ?? '';
  const oldTimeouts = {
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs: member.sessionTimeoutMs,
  };
  answerJoin(group, member, joinError(oldMemberId, errorCodes.FENCED_INSTANCE_ID), step);
  answerSync(member, syncError(errorCodes.FENCED_INSTANCE_ID), step);
  group.rename(member, request.newMemberId);
  updateMember(group, member, request, step);
  armSession(group, member, step);
  if (group.state === 'CompletingRebalance') {
    // The leader is working on an assignment that names the old id.
    prepareRebalance(group, step);
  } else if (group.state === 'Stable' && group.selectProtocol() !== group.protocolName) {
    prepareRebalance(group, step);
  } else if (group.state === 'Stable') {
    step.commands.push({
      type: 'store',
      snapshot: group.snapshot(),
      purpose: {
        type: 'staticMember',
        ticket: request.ticket,
        memberId: request.newMemberId,
        oldMemberId,
        oldLeaderId,
        oldTimeouts,
        canSkipAssignment: request.canSkipAssignment,
      },
    });
  }
};
