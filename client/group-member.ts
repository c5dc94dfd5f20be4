/**
 * Membership of a consumer group by the classic protocol: join, sync, heartbeat, leave (C7 of the Java client's behaviour).
 * The consumer starts a rejoin when `needsRejoin` says so, between two polls; heartbeats go on by themselves.
 */

import { backoffMs } from '../network/backoff.ts';
import { apis } from '../protocol/apis.ts';
import { errorCodes } from '../protocol/errors.ts';
import type { Timer } from '../system/clock.ts';
import type { System } from '../system/system.ts';
import type { Assignor } from './assignors.ts';
import type { Cluster } from './cluster.ts';
import { ClientClosed, isRetriable, ProtocolError, TimeoutError } from './errors.ts';
import type { GroupCoordinator, Membership } from './group-coordinator.ts';
import { GroupLeader, type JoinResponse } from './group-leader.ts';
import { decodeAssignment, encodeSubscription, PROTOCOL_TYPE } from './group-protocol.ts';
import type { TopicPartition } from './positions.ts';

export interface MemberOptions {
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxPollIntervalMs: number;
  readonly assignors: readonly Assignor[];
  readonly clientRack: string;
  readonly requestTimeoutMs: number;
}

/** What the consumer brings along when it joins. */
export interface JoinInput {
  readonly topics: readonly string[];
  readonly ownedPartitions: readonly TopicPartition[];
}

export interface JoinOutcome {
  readonly partitions: readonly TopicPartition[];
  readonly assignor: Assignor;
  /** The place in the group was lost on the way: what was owned before may be others' by now. */
  readonly isLost: boolean;
}

/** The broker holds a JoinGroup until the rebalance has gathered everybody; this much more for the way. */
const JOIN_EXTRA_MS = 5000;

const {
  FENCED_INSTANCE_ID,
  ILLEGAL_GENERATION,
  MEMBER_ID_REQUIRED,
  REBALANCE_IN_PROGRESS,
  UNKNOWN_MEMBER_ID,
} = errorCodes;

export class GroupMember {
  /** Set when the group rebalances, or this member's wishes have changed. */
  needsRejoin = true;
  /** What the next poll has to throw: another one has taken this static member's place. */
  failure: Error | null = null;
  /** Called when a heartbeat has changed what the next poll has to do. */
  onChange: () => void = () => {};
  readonly #system: System;
  readonly #cluster: Cluster;
  readonly #coordinator: GroupCoordinator;
  readonly #options: MemberOptions;
  readonly #leader: GroupLeader;
  #memberId = '';
  #generationId = -1;
  #isStable = false;
  #reason = '';
  /** Heartbeats run from the answered JoinGroup on. */
  #heartbeatTimer: Timer | null = null;
  #lastHeardMs = 0;
  #lastPollMs = 0;
  /** Goes up with every join and leave, so that one under way knows that it is over. */
  #round = 0;
  /** How often the place in the group was lost. */
  #lossCount = 0;
  #isClosed = false;

  constructor(
    system: System,
    collaborators: { cluster: Cluster; coordinator: GroupCoordinator },
    options: MemberOptions,
  ) {
    this.#system = system;
    this.#cluster = collaborators.cluster;
    this.#coordinator = collaborators.coordinator;
    this.#options = options;
    this.#leader = new GroupLeader(collaborators);
    this.#cluster.onUpdate.add(() => this.#checkTopics());
  }

  get memberId(): string {
    return this.#memberId;
  }

  get generationId(): number {
    return this.#generationId;
  }

  /** Has an assignment that the group still goes by. */
  get isStable(): boolean {
    return this.#isStable && !this.needsRejoin;
  }

  /** All members have to give up everything in a rebalance, unless every assignor is cooperative. */
  get isCooperative(): boolean {
    return this.#options.assignors.every(({ isCooperative }) => isCooperative);
  }

  /** Null when not in a generation: nothing may be committed. */
  get membership(): Membership | null {
    if (this.#generationId < 0 || !this.#isStable) return null;
    const { groupInstanceId } = this.#options;
    return { generationId: this.#generationId, memberId: this.#memberId, groupInstanceId };
  }

  /** To be called at every poll: a consumer that does not poll is not alive. */
  polled(): void {
    this.#lastPollMs = this.#system.clock.elapsedMs();
  }

  requestRejoin(reason: string): void {
    this.needsRejoin = true;
    this.#reason = reason;
  }

  /**
   * Joins and syncs until it has an assignment; null when it has left, or begun to join anew, meanwhile. Rejects with what
   * cannot be mended, or `ClientClosed`.
   */
  async join(input: (isLost: boolean) => Promise<JoinInput>): Promise<JoinOutcome | null> {
    const { clock, random } = this.#system;
    const round = ++this.#round;
    const lossCount = this.#lossCount;
    for (let failures = 0; ; ) {
      try {
        this.#checkRound(round);
        const given = await input(this.#lossCount !== lossCount);
        this.#checkRound(round);
        const outcome = await this.#joinOnce(given, round);
        return { ...outcome, isLost: this.#lossCount !== lossCount };
      } catch (error) {
        if (round !== this.#round) return null;
        this.needsRejoin = true;
        if (!this.#mayRejoin(error)) throw error;
        const isImmediate = error instanceof ProtocolError && error.code === MEMBER_ID_REQUIRED;
        if (!isImmediate) await clock.sleep(backoffMs(random, failures++, this.#cluster.backoff));
      }
    }
  }

  /** Throws when nobody waits for this round any more; the answer to it changes nothing then. */
  #checkRound(round: number): void {
    if (this.#isClosed) throw new ClientClosed('the consumer is closed');
    if (round !== this.#round) throw new ClientClosed('the consumer has left the group');
  }

  /** Says goodbye, unless it is a static member, which may come back. Failures do not matter. */
  async leave(reason: string, timeoutMs: number): Promise<void> {
    this.#round++;
    this.#stopHeartbeat();
    const memberId = this.#memberId;
    const { groupInstanceId } = this.#options;
    this.#reset();
    if (memberId === '' || groupInstanceId !== null || !this.#coordinator.isKnown) return;
    const { groupId } = this.#coordinator;
    const deadlineMs = this.#cluster.deadline(timeoutMs);
    try {
      const key = await this.#coordinator.find(deadlineMs);
      await this.#cluster.sendAs(
        key,
        apis.leaveGroup,
        (version) =>
          version >= 3
            ? { groupId, members: [{ memberId, ...(version >= 5 ? { reason } : {}) }] }
            : { groupId, memberId },
        { timeoutMs },
      );
    } catch (error) {
      this.#system.logger.debug({ err: error }, 'the group was left without its knowing');
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#stopHeartbeat();
  }

  /** Forgets its place in the group after a commit was refused. */
  lost(): void {
    this.#stopHeartbeat();
    this.#reset();
  }

  async #joinOnce(input: JoinInput, round: number): Promise<Omit<JoinOutcome, 'isLost'>> {
    const { maxPollIntervalMs, requestTimeoutMs } = this.#options;
    this.#isStable = false;
    this.#stopHeartbeat();
    // Cleared first: whatever changes from here on asks for another round.
    this.needsRejoin = false;
    const timeoutMs = Math.max(requestTimeoutMs, maxPollIntervalMs + JOIN_EXTRA_MS);
    const deadlineMs = this.#cluster.deadline(timeoutMs);
    const joined = await this.#sendJoin(input, { timeoutMs, deadlineMs, round });
    const assignment = await this.#sync(joined, deadlineMs);
    this.#checkRound(round);
    this.#isStable = true;
    this.#reason = '';
    return assignment;
  }

  async #sendJoin(
    input: JoinInput,
    { round, ...limits }: { timeoutMs: number; deadlineMs: number; round: number },
  ): Promise<JoinResponse> {
    const { sessionTimeoutMs, maxPollIntervalMs, groupInstanceId, clientRack } = this.#options;
    const protocols = this.#options.assignors.map((assignor) => ({
      name: assignor.name,
      metadata: encodeSubscription({
        ...input,
        userData: assignor.userData(this.#generationId),
        generationId: this.#generationId,
        rackId: clientRack === '' ? null : clientRack,
      }),
    }));
    const body = {
      groupId: this.#coordinator.groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs: maxPollIntervalMs,
      memberId: this.#memberId,
      ...(groupInstanceId === null ? {} : { groupInstanceId }),
      protocolType: PROTOCOL_TYPE,
      protocols,
      reason: this.#reason.slice(0, 255),
    };
    const response = await this.#coordinator.send(apis.joinGroup, body, limits);
    this.#checkRound(round);
    if (response.errorCode === MEMBER_ID_REQUIRED) {
      this.#memberId = response.memberId;
      this.#reason = `need to re-join with the given member-id: ${response.memberId}`;
    }
    this.#coordinator.check(response.errorCode);
    this.#memberId = response.memberId;
    this.#generationId = response.generationId;
    this.#startHeartbeat();
    return response;
  }

  async #sync(joined: JoinResponse, deadlineMs: number): Promise<Omit<JoinOutcome, 'isLost'>> {
    const assignor = this.#options.assignors.find(({ name }) => name === joined.protocolName);
    if (assignor === undefined) {
      throw new ProtocolError(errorCodes.INCONSISTENT_GROUP_PROTOCOL);
    }
    const isLeader = joined.leader === joined.memberId;
    if (!isLeader) this.#leader.forget();
    const assignments = isLeader ? await this.#leader.assign(joined, assignor, deadlineMs) : [];
    const { groupInstanceId } = this.#options;
    const body = {
      groupId: this.#coordinator.groupId,
      generationId: this.#generationId,
      memberId: this.#memberId,
      ...(groupInstanceId === null ? {} : { groupInstanceId }),
      protocolType: PROTOCOL_TYPE,
      protocolName: assignor.name,
      assignments,
    };
    const { maxPollIntervalMs, requestTimeoutMs } = this.#options;
    const timeoutMs = Math.max(requestTimeoutMs, maxPollIntervalMs + JOIN_EXTRA_MS);
    const options = { deadlineMs, timeoutMs };
    const response = await this.#coordinator.send(apis.syncGroup, body, options);
    this.#coordinator.check(response.errorCode);
    return { partitions: decodeAssignment(response.assignment), assignor };
  }

  /** A leader whose topics have got more partitions, or have come or gone, starts a rebalance. */
  #checkTopics(): void {
    if (!this.isStable) return;
    const topic = this.#leader.changedTopic();
    if (topic === null) return;
    this.requestRejoin(`cached metadata has changed for topic ${topic}`);
    this.onChange();
  }

  /** Whether another round may help, having forgotten what the answer says is void. */
  #mayRejoin(error: unknown): boolean {
    if (isRetriable(error) || error instanceof TimeoutError) return true;
    if (!(error instanceof ProtocolError)) return false;
    if (error.code === UNKNOWN_MEMBER_ID) this.#reset();
    if (error.code === ILLEGAL_GENERATION) {
      this.#generationId = -1;
      this.#lossCount++;
    }
    const { code } = error;
    return (
      code === UNKNOWN_MEMBER_ID ||
      code === ILLEGAL_GENERATION ||
      code === REBALANCE_IN_PROGRESS ||
      code === MEMBER_ID_REQUIRED
    );
  }

  #reset(): void {
    this.#lossCount++;
    this.#memberId = '';
    this.#generationId = -1;
    this.#isStable = false;
    this.#leader.forget();
    this.needsRejoin = true;
  }

  #startHeartbeat(): void {
    this.#lastHeardMs = this.#system.clock.elapsedMs();
    this.#armHeartbeat();
  }

  #stopHeartbeat(): void {
    this.#heartbeatTimer?.cancel();
    this.#heartbeatTimer = null;
  }

  #armHeartbeat(): void {
    this.#heartbeatTimer?.cancel();
    const { heartbeatIntervalMs } = this.#options;
    this.#heartbeatTimer = this.#system.clock.setTimer(heartbeatIntervalMs, () => {
      void this.#heartbeat();
    });
  }

  async #heartbeat(): Promise<void> {
    const timer = this.#heartbeatTimer;
    const { maxPollIntervalMs, sessionTimeoutMs } = this.#options;
    const nowMs = this.#system.clock.elapsedMs();
    if (nowMs - this.#lastPollMs > maxPollIntervalMs) {
      await this.leave('consumer poll timeout has expired.', sessionTimeoutMs);
      return this.onChange();
    }
    if (nowMs - this.#lastHeardMs > sessionTimeoutMs) this.#coordinator.forget();
    const generationId = this.#generationId;
    try {
      await this.#sendHeartbeat();
      this.#lastHeardMs = nowMs;
    } catch (error) {
      if (generationId === this.#generationId) this.#heartbeatFailed(error);
    }
    // Stopped or started anew meanwhile: then somebody else has the say.
    if (this.#heartbeatTimer === timer && !this.#isClosed) this.#armHeartbeat();
  }

  async #sendHeartbeat(): Promise<void> {
    const { groupInstanceId, sessionTimeoutMs } = this.#options;
    const body = {
      groupId: this.#coordinator.groupId,
      generationId: this.#generationId,
      memberId: this.#memberId,
      ...(groupInstanceId === null ? {} : { groupInstanceId }),
    };
    const deadlineMs = this.#cluster.deadline(sessionTimeoutMs);
    const response = await this.#coordinator.send(apis.heartbeat, body, { deadlineMs });
    this.#coordinator.check(response.errorCode);
  }

  #heartbeatFailed(error: unknown): void {
    const code = error instanceof ProtocolError ? error.code : null;
    if (code === REBALANCE_IN_PROGRESS) {
      // It shows that the coordinator lives and knows us.
      this.#lastHeardMs = this.#system.clock.elapsedMs();
      this.requestRejoin('group is already rebalancing');
    } else if (
      code === UNKNOWN_MEMBER_ID ||
      code === ILLEGAL_GENERATION ||
      code === FENCED_INSTANCE_ID
    ) {
      // To join again would only take the place back, and so on for ever.
      if (code === FENCED_INSTANCE_ID) this.failure = error as ProtocolError;
      this.lost();
    }
    this.onChange();
  }
}
