/**
 * SyncGroup, and what becomes of a group once its record is stored, or could not be. Pure.
 * Reproduces GroupCoordinator.handleSyncGroup and the callbacks of storeGroup.
 */
import { errorCodes } from '../../protocol/errors.ts';
import { unreachable } from '../../system/assert.ts';
import { type Group, type Member, NO_ASSIGNMENT } from './group.ts';
import { memberError } from './membership.ts';
import {
  answerJoin,
  answerSync,
  armSession,
  failAssignment,
  joinSuccess,
  maybePrepareRebalance,
  syncError,
} from './rebalance.ts';
import type { SyncResult } from './results.ts';
import type { Step, StorePurpose } from './step.ts';

export interface SyncRequest {
  readonly ticket: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
  /** Null: the client is too old to say. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** The leader's decision, by member id; empty from everybody else. */
  readonly assignments: ReadonlyMap<string, Buffer>;
}

/** Answers the request, or parks it until the leader's assignment is stored. */
export const sync = (group: Group, request: SyncRequest, step: Step): void => {
  const errorCode = syncRefusal(group, request);
  const member = group.members.get(request.memberId);
  if (errorCode !== errorCodes.NONE || member === undefined) {
    step.commands.push({
      type: 'answerSync',
      ticket: request.ticket,
      result: syncError(errorCode),
    });
    return;
  }
  group.pendingSyncs.delete(request.memberId);
  if (group.state === 'Stable') {
    const result = syncSuccess(group, member);
    step.commands.push({ type: 'answerSync', ticket: request.ticket, result });
    armSession(group, member, step);
    return;
  }
  // A request of the same member that still waits has been given up by its client.
  answerSync(member, syncError(errorCodes.REBALANCE_IN_PROGRESS), step);
  member.syncTicket = request.ticket;
  if (group.isLeader(request.memberId)) storeAssignment(group, request.assignments, step);
};

const syncRefusal = (group: Group, request: SyncRequest): number => {
  const { memberId, groupInstanceId, protocolType, protocolName } = request;
  if (group.state === 'Dead') return errorCodes.COORDINATOR_NOT_AVAILABLE;
  const notMember = memberError(group, memberId, groupInstanceId);
  if (notMember !== errorCodes.NONE) return notMember;
  if (request.generationId !== group.generationId) return errorCodes.ILLEGAL_GENERATION;
  const isConsistent =
    (protocolType === null || protocolType === group.protocolType) &&
    (protocolName === null || protocolName === group.protocolName);
  if (!isConsistent) return errorCodes.INCONSISTENT_GROUP_PROTOCOL;
  if (group.state === 'Empty') return errorCodes.UNKNOWN_MEMBER_ID;
  if (group.state === 'PreparingRebalance') return errorCodes.REBALANCE_IN_PROGRESS;
  return errorCodes.NONE;
};

const syncSuccess = (group: Group, member: Member): SyncResult => ({
  errorCode: errorCodes.NONE,
  protocolType: group.protocolType,
  protocolName: group.protocolName,
  assignment: member.assignment,
});

/**
 * Ids the leader names but the group does not know are dropped; members it forgot get nothing to
 * do.
 */
const storeAssignment = (group: Group, given: ReadonlyMap<string, Buffer>, step: Step): void => {
  const assignment = new Map<string, Buffer>();
  for (const memberId of group.members.keys())
    assignment.set(memberId, given.get(memberId) ?? NO_ASSIGNMENT);
  step.commands.push({
    type: 'store',
    snapshot: group.snapshot(assignment),
    purpose: { type: 'assignment', generationId: group.generationId, assignment },
  });
};

/** The outcome of a `store` command; the error is the one that clients may see. */
export const stored = (
  group: Group,
  purpose: StorePurpose,
  errorCode: number,
  step: Step,
): void => {
  if (group.state === 'Dead') return;
  switch (purpose.type) {
    case 'empty':
      return;
    case 'assignment':
      return assignmentStored(group, purpose, errorCode, step);
    case 'staticMember':
      return staticMemberStored(group, purpose, errorCode, step);
    default:
      unreachable(purpose);
  }
};

const assignmentStored = (
  group: Group,
  purpose: Extract<StorePurpose, { type: 'assignment' }>,
  errorCode: number,
  step: Step,
): void => {
  // The group may have begun to rebalance in the meantime; then the assignment is void.
  if (group.state !== 'CompletingRebalance' || group.generationId !== purpose.generationId) return;
  if (errorCode !== errorCodes.NONE) {
    failAssignment(group, errorCode, step);
    maybePrepareRebalance(group, step);
    return;
  }
  group.transitionTo('Stable', step.nowMs);
  for (const member of group.members.values()) {
    member.assignment = purpose.assignment.get(member.memberId) ?? NO_ASSIGNMENT;
    if (answerSync(member, syncSuccess(group, member), step)) armSession(group, member, step);
  }
};

const staticMemberStored = (
  group: Group,
  purpose: Extract<StorePurpose, { type: 'staticMember' }>,
  errorCode: number,
  step: Step,
): void => {
  const member = group.members.get(purpose.memberId);
  // Replaced again, removed, or answered by a rebalance that came in between.
  if (member === undefined || member.joinTicket !== purpose.ticket) return;
  const result = joinSuccess(group, member);
  if (errorCode === errorCodes.NONE) {
    const isLeader = group.isLeader(member.memberId);
    // An old client must not believe that it leads: it would compute an assignment that nobody
    // takes.
    answerJoin(
      group,
      member,
      purpose.canSkipAssignment
        ? { ...result, skipAssignment: isLeader }
        : { ...result, leaderId: purpose.oldLeaderId, members: [] },
      step,
    );
    return;
  }
  const refusal = { errorCode, memberId: '', leaderId: purpose.oldLeaderId, members: [] };
  answerJoin(group, member, { ...result, ...refusal }, step);
  // As in Kafka its protocols stay: others may have joined by what it offers now.
  Object.assign(member, purpose.oldTimeouts);
  group.rename(member, purpose.oldMemberId);
  armSession(group, member, step);
};
