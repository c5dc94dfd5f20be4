/**
 * The rebalance of a group, from gathering its members to handing out the new generation, and what
 * its deadlines do. Pure. Reproduces Kafka's DelayedJoin, InitialDelayedJoin (KIP-134), DelayedSync
 * (KIP-134, KAFKA-13435) and DelayedHeartbeat: a deadline is a number in the group, and `expire` is
 * called once one may have passed.
 */
import { errorCodes } from '../../protocol/errors.ts';
import { assert } from '../../system/assert.ts';
import { type Group, type Member, NO_ASSIGNMENT } from './group.ts';
import type { JoinResult, SyncResult } from './results.ts';
import type { Step } from './step.ts';

export const joinError = (memberId: string, errorCode: number): JoinResult => ({
  errorCode,
  memberId,
  generationId: -1,
  protocolType: null,
  protocolName: null,
  leaderId: '',
  skipAssignment: false,
  members: [],
});

export const syncError = (errorCode: number): SyncResult => ({
  errorCode,
  protocolType: null,
  protocolName: null,
  assignment: NO_ASSIGNMENT,
});

/** (Re)starts the member's session. */
export const armSession = (group: Group, member: Member, step: Step): void => {
  member.sessionDeadlineMs = group.wakeAt(step.elapsedMs + member.sessionTimeoutMs);
};

/** Answers the member's parked JoinGroup, if there is one. */
export const answerJoin = (group: Group, member: Member, result: JoinResult, step: Step): void => {
  if (member.joinTicket === null) return;
  step.commands.push({ type: 'answerJoin', ticket: member.joinTicket, result });
  group.setJoinTicket(member, null);
};

/** Answers the member's parked SyncGroup; false when there is none. */
export const answerSync = (member: Member, result: SyncResult, step: Step): boolean => {
  if (member.syncTicket === null) return false;
  step.commands.push({ type: 'answerSync', ticket: member.syncTicket, result });
  member.syncTicket = null;
  return true;
};

export const maybePrepareRebalance = (group: Group, step: Step): void => {
  if (group.canRebalance) prepareRebalance(group, step);
};

/** Calls all members together: from now on they must join again. */
export const prepareRebalance = (group: Group, step: Step): void => {
  if (group.state === 'CompletingRebalance')
    failAssignment(group, errorCodes.REBALANCE_IN_PROGRESS, step);
  group.pendingSyncs.clear();
  group.syncDeadlineMs = Number.POSITIVE_INFINITY;
  const timeoutMs = group.rebalanceTimeoutMs;
  const isFirst = group.state === 'Empty';
  group.transitionTo('PreparingRebalance', step.nowMs);
  if (isFirst) {
    const delayMs = group.limits.initialRebalanceDelayMs;
    group.joinPhase = {
      type: 'initial',
      deadlineMs: group.wakeAt(step.elapsedMs + delayMs),
      delayMs,
      remainingMs: Math.max(timeoutMs - delayMs, 0),
    };
  } else {
    gatherMembers(group, timeoutMs, step);
    tryCompleteJoin(group, step);
  }
};

const gatherMembers = (group: Group, timeoutMs: number, step: Step): void => {
  group.joinPhase = { type: 'gather', deadlineMs: group.wakeAt(step.elapsedMs + timeoutMs) };
};

/**
 * Ends gathering once everybody is there; the first gathering of an empty group always takes its
 * time.
 */
export const tryCompleteJoin = (group: Group, step: Step): void => {
  if (group.state !== 'PreparingRebalance' || group.joinPhase?.type !== 'gather') return;
  if (group.joiningCount === group.members.size && group.pendingMembers.size === 0)
    completeJoin(group, step);
};

const completeJoin = (group: Group, step: Step): void => {
  assert(group.state === 'PreparingRebalance', 'joining completes while members are gathered');
  // Static members may stay away for as long as their session lasts (KIP-345).
  for (const member of [...group.members.values()]) {
    if (member.joinTicket === null && member.groupInstanceId === null)
      group.remove(member.memberId);
  }
  if (group.members.size > 0 && !electJoinedLeader(group)) {
    // Only absent static members are left: wait until one comes or all their sessions have expired.
    gatherMembers(group, group.rebalanceTimeoutMs, step);
    return;
  }
  group.nextGeneration(step.nowMs);
  if (group.members.size === 0) {
    step.commands.push({ type: 'store', snapshot: group.snapshot(), purpose: { type: 'empty' } });
    return;
  }
  for (const member of group.members.values()) {
    answerJoin(group, member, joinSuccess(group, member), step);
    armSession(group, member, step);
    member.isNew = false;
    group.pendingSyncs.add(member.memberId);
  }
  group.syncDeadlineMs = group.wakeAt(step.elapsedMs + group.rebalanceTimeoutMs);
};

/** The leader of a generation must be one that takes part in it; false when nobody does. */
const electJoinedLeader = (group: Group): boolean => {
  const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId);
  if (leader !== undefined && leader.joinTicket !== null) return true;
  for (const member of group.members.values()) {
    if (member.joinTicket === null) continue;
    group.leaderId = member.memberId;
    return true;
  }
  return false;
};

/** What a member of the current generation is told; only the leader learns who the others are. */
export const joinSuccess = (group: Group, member: Member): JoinResult => ({
  errorCode: errorCodes.NONE,
  memberId: member.memberId,
  generationId: group.generationId,
  protocolType: group.protocolType,
  protocolName: group.protocolName,
  leaderId: group.leaderId ?? '',
  skipAssignment: false,
  members: group.isLeader(member.memberId) ? group.joinedMembers() : [],
});

/**
 * Drops the assignments of a generation that will not come about; members that wait for theirs are
 * told why.
 */
export const failAssignment = (group: Group, errorCode: number, step: Step): void => {
  for (const member of group.members.values()) {
    member.assignment = NO_ASSIGNMENT;
    if (answerSync(member, syncError(errorCode), step)) armSession(group, member, step);
  }
};

/**
 * Takes a member out for good, because it left or its session expired; the others share its
 * partitions out.
 */
export const removeMember = (group: Group, member: Member, step: Step): void => {
  answerJoin(group, member, joinError('', errorCodes.UNKNOWN_MEMBER_ID), step);
  answerSync(member, syncError(errorCodes.UNKNOWN_MEMBER_ID), step);
  group.remove(member.memberId);
  if (group.state === 'Stable' || group.state === 'CompletingRebalance')
    prepareRebalance(group, step);
  else tryCompleteJoin(group, step);
};

/** Takes back an id that nobody has joined with. */
export const removePendingMember = (group: Group, memberId: string, step: Step): void => {
  group.pendingMembers.delete(memberId);
  tryCompleteJoin(group, step);
};

/** Acts on the deadlines that have passed, and finds the next one. */
export const expire = (group: Group, step: Step): void => {
  if (group.state === 'Dead' || step.elapsedMs < group.wakeUpMs) return;
  expireSessions(group, step);
  expireJoinPhase(group, step);
  expireSyncs(group, step);
  group.wakeUpMs = nextDeadline(group);
};

const expireSessions = (group: Group, step: Step): void => {
  for (const [memberId, deadlineMs] of [...group.pendingMembers]) {
    if (deadlineMs <= step.elapsedMs) removePendingMember(group, memberId, step);
  }
  for (const member of [...group.members.values()]) {
    if (member.sessionDeadlineMs > step.elapsedMs) continue;
    member.sessionDeadlineMs = Number.POSITIVE_INFINITY;
    // A member whose request we hold is alive as far as anybody knows; the answer restarts its
    // session.
    const isHeld = !member.isNew && (member.joinTicket !== null || member.syncTicket !== null);
    if (!isHeld && group.members.get(member.memberId) === member) removeMember(group, member, step);
  }
};

const expireJoinPhase = (group: Group, step: Step): void => {
  const phase = group.joinPhase;
  if (phase === null || phase.deadlineMs > step.elapsedMs) return;
  if (phase.type === 'gather' || !group.hasNewMember || phase.remainingMs === 0) {
    completeJoin(group, step);
    return;
  }
  // Somebody came during the delay, so more may come: wait again, within the rebalance timeout.
  group.hasNewMember = false;
  const delayMs = Math.min(group.limits.initialRebalanceDelayMs, phase.remainingMs);
  group.joinPhase = {
    type: 'initial',
    deadlineMs: group.wakeAt(step.elapsedMs + delayMs),
    delayMs,
    remainingMs: Math.max(phase.remainingMs - phase.delayMs, 0),
  };
};

/** Members that joined but do not ask for their assignment hold partitions that nobody reads. */
const expireSyncs = (group: Group, step: Step): void => {
  if (group.syncDeadlineMs > step.elapsedMs) return;
  group.syncDeadlineMs = Number.POSITIVE_INFINITY;
  if (group.pendingSyncs.size === 0) return;
  for (const memberId of [...group.pendingSyncs]) {
    const member = group.members.get(memberId);
    // A static member that has come back may wait for its record to be stored.
    if (member !== undefined)
      answerJoin(group, member, joinError('', errorCodes.UNKNOWN_MEMBER_ID), step);
    group.remove(memberId);
  }
  maybePrepareRebalance(group, step);
};

const nextDeadline = (group: Group): number => {
  let deadlineMs = Math.min(
    group.joinPhase?.deadlineMs ?? Number.POSITIVE_INFINITY,
    group.syncDeadlineMs,
  );
  for (const pendingMs of group.pendingMembers.values())
    deadlineMs = Math.min(deadlineMs, pendingMs);
  for (const member of group.members.values())
    deadlineMs = Math.min(deadlineMs, member.sessionDeadlineMs);
  return deadlineMs;
};
