/**
 * One partition as this broker sees it: leader or follower, epochs, ISR, and the high watermark, whose owner this is.
 * Pure: no I/O and no clock; the replica manager feeds in log offsets and times and carries out what comes back.
 * Reproduces Kafka's Partition (KIP-101, KIP-279, KIP-497, KAFKA-7128, KAFKA-15583).
 */
import { assert } from '../../system/assert.ts';
import { committedIsr, type IsrState, isrOf, maximalIsr, proposedIsr } from './isr.ts';
import {
  isCaughtUp,
  newRemoteReplica,
  type RemoteReplica,
  recordFetch,
  resetForLeaderEpoch,
} from './replica.ts';

export const NO_LEADER = -1;

/** What a LeaderAndIsr request says of one partition. */
export interface LeaderAndIsr {
  readonly controllerEpoch: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

/** A change of the ISR for the controller to confirm. */
export interface IsrProposal {
  readonly isr: readonly number[];
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
}

/** The controller's answer to a proposal. */
export type IsrAnswer =
  | {
      readonly type: 'accepted';
      readonly isr: readonly number[];
      readonly leaderEpoch: number;
      readonly partitionEpoch: number;
    }
  /** Refused for now: a later fetch or shrink check may propose again. */
  | { readonly type: 'refused' }
  /** This leader's view is out of date: a LeaderAndIsr request will bring the new one. */
  | { readonly type: 'superseded' }
  /** Nothing is known of the outcome. */
  | { readonly type: 'failed' };

export interface FollowerFetch {
  readonly brokerId: number;
  readonly fetchOffset: number;
  readonly logStartOffset: number;
}

/** Facts about the local log and the cluster that a decision needs. */
export interface LeaderFacts {
  readonly logEndOffset: number;
  readonly nowMs: number;
  readonly minInsyncReplicas: number;
  readonly lagMsMax: number;
  /** Whether a broker is registered, by the metadata cache. */
  isAlive(brokerId: number): boolean;
}

export class PartitionState {
  readonly topic: string;
  readonly partition: number;
  readonly brokerId: number;
  leaderId = NO_LEADER;
  /** Never goes back within a process; -1 until the first LeaderAndIsr request. */
  leaderEpoch = -1;
  /** Version of the partition's state znode. */
  partitionEpoch = 0;
  /** Epoch of the controller that made the last decision. */
  controllerEpoch = 0;
  /** Where this leader's epoch begins in the log; null on a follower. */
  leaderEpochStartOffset: number | null = null;
  replicas: readonly number[] = [];
  addingReplicas: readonly number[] = [];
  removingReplicas: readonly number[] = [];
  isrState: IsrState = committedIsr([]);
  /** Every record below it is on all in-sync replicas. */
  highWatermark: number;
  /** The other replicas' progress; empty on a follower. */
  readonly #remotes = new Map<number, RemoteReplica>();

  constructor(topic: string, partition: number, brokerId: number, highWatermark: number) {
    this.topic = topic;
    this.partition = partition;
    this.brokerId = brokerId;
    this.highWatermark = highWatermark;
  }

  get isLeader(): boolean {
    return this.leaderId === this.brokerId && this.leaderEpochStartOffset !== null;
  }

  get isr(): readonly number[] {
    return isrOf(this.isrState);
  }

  get maximalIsr(): readonly number[] {
    return maximalIsr(this.isrState);
  }

  remoteReplica(brokerId: number): RemoteReplica | undefined {
    return this.#remotes.get(brokerId);
  }

  remoteReplicas(): Iterable<RemoteReplica> {
    return this.#remotes.values();
  }

  /** min.insync.replicas, or the count of replicas where there are fewer. */
  effectiveMinIsr(minInsyncReplicas: number): number {
    return Math.min(minInsyncReplicas, this.#remotes.size + 1);
  }

  isUnderMinIsr(minInsyncReplicas: number): boolean {
    return this.isr.length < this.effectiveMinIsr(minInsyncReplicas);
  }

  /**
   * Becomes, or stays, the leader. False when the decision is older than what is known.
   * On a new epoch the caller has first written (leaderEpoch, logEndOffset) into the epoch cache.
   */
  makeLeader(state: LeaderAndIsr, logEndOffset: number, nowMs: number): boolean {
    if (state.partitionEpoch < this.partitionEpoch) return false;
    const isNewEpoch = state.leaderEpoch > this.leaderEpoch;
    // In an epoch that this broker never heard of another one may have led, and followers have cut their logs for it.
    const wasLeader = this.isLeader && state.leaderEpoch === this.leaderEpoch + 1;
    this.#assign(state);
    // Whatever change was in flight, the controller has decided after it.
    this.isrState = committedIsr(state.isr);
    this.#trackReplicas(state.replicas);
    if (isNewEpoch) {
      this.leaderEpochStartOffset = logEndOffset;
      for (const replica of this.#remotes.values()) {
        resetForLeaderEpoch(replica, {
          leaderLogEndOffset: logEndOffset,
          nowMs,
          isInIsr: state.isr.includes(replica.brokerId),
          wasLeader,
        });
      }
    }
    this.leaderEpoch = Math.max(this.leaderEpoch, state.leaderEpoch);
    this.leaderId = this.brokerId;
    this.partitionEpoch = state.partitionEpoch;
    assert(this.leaderEpochStartOffset !== null, 'a leader knows where its epoch starts');
    return true;
  }

  /** Becomes, or stays, a follower; true when the epoch is new, so that the log must be checked against the leader's. */
  makeFollower(state: LeaderAndIsr): boolean {
    if (state.partitionEpoch < this.partitionEpoch) return false;
    const isNewEpoch = state.leaderEpoch > this.leaderEpoch;
    this.#assign(state);
    this.leaderId = state.leader;
    this.leaderEpochStartOffset = null;
    this.isrState = committedIsr([]);
    this.#remotes.clear();
    this.leaderEpoch = Math.max(this.leaderEpoch, state.leaderEpoch);
    this.partitionEpoch = state.partitionEpoch;
    return isNewEpoch;
  }

  /**
   * Takes note of a follower's fetch and returns the ISR change it calls for, if any.
   * The caller has checked the epoch and that the fetch did not diverge (KAFKA-13141).
   */
  recordFollowerFetch(fetch: FollowerFetch, facts: LeaderFacts): IsrProposal | null {
    const replica = this.#remotes.get(fetch.brokerId);
    assert(this.isLeader && replica !== undefined, 'only a leader records fetches of its replicas');
    recordFetch(replica, {
      fetchOffset: fetch.fetchOffset,
      logStartOffset: fetch.logStartOffset,
      leaderLogEndOffset: facts.logEndOffset,
      nowMs: facts.nowMs,
    });
    return this.#expandIsr(replica, facts);
  }

  /**
   * A follower joins when it has everything committed and everything from before this leader's epoch: the high
   * watermark of a new leader may lag behind what its predecessor acknowledged (KAFKA-7128).
   */
  #expandIsr(replica: RemoteReplica, facts: LeaderFacts): IsrProposal | null {
    if (this.isrState.type !== 'committed' || this.isr.includes(replica.brokerId)) return null;
    if (!facts.isAlive(replica.brokerId)) return null;
    if (replica.logEndOffset < this.highWatermark) return null;
    if (replica.logEndOffset < (this.leaderEpochStartOffset ?? Number.POSITIVE_INFINITY))
      return null;
    this.isrState = { type: 'pendingExpand', added: replica.brokerId, committed: this.isr };
    return this.#proposal();
  }

  /** Proposes to drop the replicas that have lagged for longer than `lagMsMax`. */
  shrinkIsr(facts: Pick<LeaderFacts, 'logEndOffset' | 'nowMs' | 'lagMsMax'>): IsrProposal | null {
    if (!this.isLeader || this.isrState.type !== 'committed') return null;
    const lagging = this.isr.filter((id) => {
      if (id === this.brokerId) return false;
      const replica = this.#remotes.get(id);
      return (
        replica === undefined ||
        !isCaughtUp(replica, facts.logEndOffset, facts.nowMs, facts.lagMsMax)
      );
    });
    if (lagging.length === 0) return null;
    this.isrState = { type: 'pendingShrink', removed: lagging, committed: this.isr };
    return this.#proposal();
  }

  /**
   * The controller's answer to `proposal`. Returns the proposal to send again, if it should be.
   * An answer to a proposal that has been overtaken changes nothing.
   */
  applyIsrAnswer(proposal: IsrProposal, answer: IsrAnswer): IsrProposal | null {
    if (!this.#isInFlight(proposal)) return null;
    switch (answer.type) {
      case 'accepted':
        // An answer for another epoch leaves the change in flight: a LeaderAndIsr request settles it.
        if (answer.leaderEpoch !== this.leaderEpoch || answer.partitionEpoch < this.partitionEpoch)
          return null;
        this.isrState = committedIsr(answer.isr);
        this.partitionEpoch = answer.partitionEpoch;
        return null;
      case 'refused':
        this.isrState = committedIsr(this.isr);
        return null;
      case 'superseded':
        return null;
      case 'failed':
        return proposal;
    }
  }

  /**
   * Raises the high watermark to what all in-sync replicas have; true when it moved.
   * Replicas that are caught up but not yet in the ISR hold it too, so that they can ever join.
   */
  advanceHighWatermark(facts: LeaderFacts): boolean {
    if (!this.isLeader || this.isUnderMinIsr(facts.minInsyncReplicas)) return false;
    let candidate = facts.logEndOffset;
    if (candidate <= this.highWatermark) return false;
    const holders = this.maximalIsr;
    // A reassignment that ends takes replicas away before the ISR; until that has followed, one of them could still be
    // elected, so it counts (Kafka goes on without it).
    for (const id of holders) {
      if (id !== this.brokerId && !this.#remotes.has(id)) return false;
    }
    for (const replica of this.#remotes.values()) {
      if (replica.logEndOffset >= candidate) continue;
      const isHolding =
        holders.includes(replica.brokerId) ||
        (isCaughtUp(replica, facts.logEndOffset, facts.nowMs, facts.lagMsMax) &&
          facts.isAlive(replica.brokerId));
      if (isHolding) candidate = replica.logEndOffset;
    }
    if (candidate <= this.highWatermark) return false;
    assert(candidate <= facts.logEndOffset, 'the high watermark is within the log');
    this.highWatermark = candidate;
    return true;
  }

  /** A follower's high watermark is its leader's, as far as its own log reaches; it may go down. */
  followHighWatermark(
    leaderHighWatermark: number,
    logStartOffset: number,
    logEndOffset: number,
  ): boolean {
    const before = this.highWatermark;
    this.highWatermark = Math.max(logStartOffset, Math.min(leaderHighWatermark, logEndOffset));
    return this.highWatermark !== before;
  }

  /** The log now ends at `logEndOffset`, after a truncation. */
  truncated(logStartOffset: number, logEndOffset: number): void {
    this.highWatermark = Math.max(logStartOffset, Math.min(this.highWatermark, logEndOffset));
  }

  #assign(state: LeaderAndIsr): void {
    this.controllerEpoch = state.controllerEpoch;
    this.replicas = state.replicas;
    this.addingReplicas = state.addingReplicas;
    this.removingReplicas = state.removingReplicas;
  }

  #trackReplicas(replicas: readonly number[]): void {
    // New ones first: at no moment may the watermark be computed over too few replicas (KAFKA-10301).
    for (const id of replicas) {
      if (id !== this.brokerId && !this.#remotes.has(id))
        this.#remotes.set(id, newRemoteReplica(id));
    }
    for (const id of [...this.#remotes.keys()]) {
      if (!replicas.includes(id)) this.#remotes.delete(id);
    }
  }

  #proposal(): IsrProposal {
    const isr = proposedIsr(this.isrState);
    assert(isr.includes(this.brokerId), 'a leader never proposes an ISR without itself');
    return { isr, leaderEpoch: this.leaderEpoch, partitionEpoch: this.partitionEpoch };
  }

  #isInFlight(proposal: IsrProposal): boolean {
    return (
      this.isLeader &&
      this.isrState.type !== 'committed' &&
      proposal.leaderEpoch === this.leaderEpoch &&
      proposal.partitionEpoch === this.partitionEpoch &&
      sameIds(proposal.isr, proposedIsr(this.isrState))
    );
  }
}

const sameIds = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, index) => id === b[index]);
