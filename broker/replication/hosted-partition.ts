/**
 * One replica on this broker: its state machine, its log, and the requests that wait for either to move. The shell around
 * partition.ts; everything that must not be interrupted happens here without an await (Kafka holds a lock there).
 */
import type { PartitionLog } from '../../log/partition-log.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import type { IsrAnswer, IsrProposal, LeaderFacts, PartitionState } from './partition.ts';
import { recordIdleFetches } from './replica.ts';

/** What a replica asks of the broker around it. */
export interface ReplicaHost {
  /** Elapsed time. */
  nowMs(): number;
  readonly lagMsMax: number;
  isAlive(brokerId: number): boolean;
  /** Sends a proposal to the controller; the answer comes back through `applyIsrAnswer`. */
  proposeIsr(partition: HostedPartition, proposal: IsrProposal): void;
}

/** A produce request that waits until the high watermark has passed its records. */
interface AckWait {
  readonly offset: number;
  isDone: boolean;
  readonly complete: (errorCode: number) => void;
}

/** Somebody who wants to hear of news of a partition: a fetch request that waits, or a partition of a fetch session. */
export interface FetchWatch {
  /**
   * `isUrgent`: there may be records to read, or a reason not to read on. Otherwise something has changed that is told
   * with the next answer, but answers nobody early (a follower hears of the high watermark so, KAFKA-9952).
   */
  notify(isUrgent: boolean): void;
}

export class HostedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly state: PartitionState;
  log: PartitionLog;
  topicId: string;
  minInsyncReplicas: number;
  /** Its directory has failed: only a restart brings it back. */
  isOffline = false;
  readonly #host: ReplicaHost;
  #isDeleted = false;
  /** In the order of the appends. A duplicate may wait behind later records: it is answered a little late, never early. */
  #ackWaits: AckWait[] = [];
  readonly #followerWatches = new Set<FetchWatch>();
  readonly #consumerWatches = new Set<FetchWatch>();

  constructor(
    host: ReplicaHost,
    parts: {
      readonly state: PartitionState;
      readonly log: PartitionLog;
      readonly topicId: string;
      readonly minInsyncReplicas: number;
    },
  ) {
    this.#host = host;
    this.state = parts.state;
    this.topic = parts.state.topic;
    this.partition = parts.state.partition;
    this.log = parts.log;
    this.topicId = parts.topicId;
    this.minInsyncReplicas = parts.minInsyncReplicas;
    this.log.onEndOffset = () => this.#endOffsetMoved();
    this.#tellProducers();
  }

  /** Gives the topic id of a replica that had none. */
  assignTopicId(topicId: string): void {
    if (topicId === ZERO_UUID || this.topicId !== ZERO_UUID) return;
    this.topicId = topicId;
    this.log.assignTopicId(topicId);
  }

  get facts(): LeaderFacts {
    return {
      logEndOffset: this.log.logEndOffset,
      nowMs: this.#host.nowMs(),
      minInsyncReplicas: this.minInsyncReplicas,
      lagMsMax: this.#host.lagMsMax,
      isAlive: (brokerId) => this.#host.isAlive(brokerId),
    };
  }

  /** What read_committed consumers may see: below the first open transaction and the high watermark. */
  get lastStableOffset(): number {
    const { highWatermark } = this.state;
    const unstable = this.log.firstUnstableOffset;
    return unstable === null ? highWatermark : Math.min(unstable, highWatermark);
  }

  /** acks=all is refused before anything is written where too few replicas are in sync. */
  get isUnderMinIsr(): boolean {
    return this.state.isUnderMinIsr(this.minInsyncReplicas);
  }

  /** Takes note of a follower's fetch: its progress, the ISR, the high watermark. */
  recordFollowerFetch(brokerId: number, fetchOffset: number, logStartOffset: number): void {
    const { state } = this;
    const before = state.remoteReplica(brokerId)?.logEndOffset;
    const { facts } = this;
    const proposal = state.recordFollowerFetch({ brokerId, fetchOffset, logStartOffset }, facts);
    if (proposal !== null) this.#host.proposeIsr(this, proposal);
    if (before !== fetchOffset) this.#advanceHighWatermark(facts);
  }

  /** What `recordFollowerFetch` would have made of fetches that were not worth a look, see `isSettled`. */
  recordIdleFetches(brokerId: number, fetchOffset: number, nowMs: number): void {
    const replica = this.state.isLeader ? this.state.remoteReplica(brokerId) : undefined;
    if (replica !== undefined) recordIdleFetches(replica, fetchOffset, nowMs);
  }

  /** Fetches of this follower from the end of the log change nothing but times, until the log grows or roles change. */
  isSettled(brokerId: number): boolean {
    const { isrState } = this.state;
    return isrState.type === 'committed' && isrState.isr.includes(brokerId);
  }

  /** The timer's look at followers that lag. */
  shrinkIsr(): void {
    const proposal = this.state.shrinkIsr(this.facts);
    if (proposal !== null) this.#host.proposeIsr(this, proposal);
  }

  applyIsrAnswer(proposal: IsrProposal, answer: IsrAnswer): void {
    const again = this.state.applyIsrAnswer(proposal, answer);
    if (again !== null) this.#host.proposeIsr(this, again);
    this.#advanceHighWatermark(this.facts);
  }

  /** After a change of role or ISR: what can be told now is told. */
  roleChanged(): void {
    if (this.state.isLeader) this.#advanceHighWatermark(this.facts);
    else this.#failAcks(errorCodes.NOT_LEADER_OR_FOLLOWER);
    this.#notifyAll();
  }

  /** On a follower: the log has been cut. Consumers that were further on hear that their offsets are gone. */
  truncated(): void {
    const { log, state } = this;
    state.truncated(log.logStartOffset, log.logEndOffset);
    this.#tellProducers();
    notify(this.#consumerWatches, true);
  }

  /** The replica is no more: what is being written yet gets no acknowledgement. */
  deleted(): void {
    this.#isDeleted = true;
    this.stop(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  }

  /** The replica is stopped, deleted or offline: whoever waits gets `errorCode`, or reads again and finds out. */
  stop(errorCode: number): void {
    this.#failAcks(errorCode);
    this.#notifyAll();
  }

  /** On a follower: the leader's high watermark as of the last fetch. */
  followHighWatermark(leaderHighWatermark: number): void {
    const { log, state } = this;
    if (!state.followHighWatermark(leaderHighWatermark, log.logStartOffset, log.logEndOffset))
      return;
    this.#tellProducers();
    notify(this.#consumerWatches, true);
  }

  /**
   * Calls `complete` once all in-sync replicas have everything below `offset`. The returned function ends the wait
   * early (a deadline has passed).
   */
  waitForAcks(offset: number, complete: (errorCode: number) => void): () => void {
    if (this.#isDeleted) {
      complete(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
      return () => {};
    }
    if (!this.state.isLeader || this.state.highWatermark >= offset) {
      // The lead may have been lost between the append and now; its waits have been failed already then.
      complete(this.state.isLeader ? this.#ackOutcome() : errorCodes.NOT_LEADER_OR_FOLLOWER);
      return () => {};
    }
    const wait: AckWait = { offset, isDone: false, complete };
    const waits = this.#ackWaits;
    waits.push(wait);
    return () => {
      wait.isDone = true;
      // While the high watermark stands still nobody else would clear them away.
      while (waits[0]?.isDone) waits.shift();
    };
  }

  /** Followers hear when the log has grown, consumers when the high watermark has moved, all of a change of role. */
  watch(watch: FetchWatch, isFollower: boolean): void {
    (isFollower ? this.#followerWatches : this.#consumerWatches).add(watch);
  }

  unwatch(watch: FetchWatch, isFollower: boolean): void {
    (isFollower ? this.#followerWatches : this.#consumerWatches).delete(watch);
  }

  #endOffsetMoved(): void {
    if (this.state.isLeader) this.#advanceHighWatermark(this.facts);
    notify(this.#followerWatches, true);
  }

  #advanceHighWatermark(facts: LeaderFacts): void {
    if (!this.state.advanceHighWatermark(facts)) return;
    const { highWatermark } = this.state;
    this.#tellProducers();
    let count = 0;
    for (const wait of this.#ackWaits) {
      if (wait.offset > highWatermark && !wait.isDone) break;
      count += 1;
    }
    if (count > 0) {
      const outcome = this.#ackOutcome();
      for (const wait of this.#ackWaits.splice(0, count)) {
        if (!wait.isDone) wait.complete(outcome);
      }
    }
    notify(this.#consumerWatches, true);
    notify(this.#followerWatches, false);
  }

  /**
   * Which ended transactions are stable follows from the high watermark; producer states that were built from the log, at
   * a start or behind a cut, do not know it.
   */
  #tellProducers(): void {
    this.log.producers.advanceHighWatermark(this.state.highWatermark);
  }

  /** The ISR may have shrunk below min.insync.replicas since the append. */
  #ackOutcome(): number {
    return this.state.effectiveMinIsr(this.minInsyncReplicas) <= this.state.maximalIsr.length
      ? errorCodes.NONE
      : errorCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND;
  }

  #failAcks(errorCode: number): void {
    const waits = this.#ackWaits;
    this.#ackWaits = [];
    for (const wait of waits) if (!wait.isDone) wait.complete(errorCode);
  }

  #notifyAll(): void {
    notify(this.#followerWatches, true);
    notify(this.#consumerWatches, true);
  }
}

const notify = (watches: Set<FetchWatch>, isUrgent: boolean): void => {
  for (const watch of watches) watch.notify(isUrgent);
};
