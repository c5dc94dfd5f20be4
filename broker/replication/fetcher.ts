/**
 * Follows one leader: fetches for all partitions it leads and we follow, appends, truncates where the logs diverge. One
 * request at a time, long polling, each answer appended before the next request says so. Reproduces Kafka's
 * AbstractFetcherThread with truncation by the fetch itself (KIP-595), which every broker since 2.7 speaks.
 */
import { UnexpectedOffsetError } from '../../log/partition-log.ts';
import { ChannelClosed, RequestTimeout } from '../../network/errors.ts';
import { apis } from '../../protocol/apis.ts';
import { batches } from '../../protocol/batches.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import type { Timer } from '../../system/clock.ts';
import type { System } from '../../system/system.ts';
import type { BrokerChannel } from './broker-channel.ts';
import {
  FetcherSession,
  type FetchResponse,
  type FetchSettings,
  type Followed,
} from './fetch-state.ts';
import type { HostedPartition } from './hosted-partition.ts';
import { resolveOutOfRange } from './out-of-range.ts';
import { type DivergingEpoch, truncationOffset } from './truncation.ts';

type PartitionResponse = FetchResponse['responses'][number]['partitions'][number];

export interface FetcherSettings extends FetchSettings {
  readonly backoffMs: number;
  readonly requestTimeoutMs: number;
}

/** The first pause after an error; each further one is twice as long, up to replica.fetch.backoff.ms. */
const FIRST_BACKOFF_MS = 20;

export class Fetcher {
  readonly #system: System;
  readonly #channel: BrokerChannel;
  readonly #settings: FetcherSettings;
  readonly #session = new FetcherSession();
  /** By topic, then number. */
  readonly #followed = new Map<string, Map<number, Followed>>();
  /** Responses name topics by the ids they were asked for with. */
  readonly #topicNames = new Map<string, string>();
  /** All partitions in a row; null after a change. */
  #all: readonly Followed[] | null = null;
  #isClosed = false;
  #isRunning = false;
  /** A request is under way that may wait at the leader. */
  #isAsking = false;
  #isInterrupted = false;
  #interruptedAtMs = Number.NEGATIVE_INFINITY;
  #roundNumber = 0;
  #wake: (() => void) | null = null;
  #wakeTimer: Timer | null = null;

  constructor(system: System, channel: BrokerChannel, settings: FetcherSettings) {
    this.#system = system;
    this.#channel = channel;
    this.#settings = settings;
  }

  /** Starts to follow; the caller has seen to it that nobody else appends to the log. */
  add(replica: HostedPartition, leaderEpoch: number): void {
    const { topic, partition } = replica;
    const followed: Followed = {
      replica,
      topicId: ZERO_UUID,
      sent: null,
      leaderEpoch,
      fetchOffset: replica.log.logEndOffset,
      lastFetchedEpoch: replica.log.latestEpoch() ?? -1,
      delayedUntilMs: 0,
      failureCount: 0,
      askedInRound: -1,
      busy: null,
      isRemoved: false,
    };
    this.#detach(this.#find(topic, partition));
    const partitions = this.#followed.get(topic);
    if (partitions === undefined) this.#followed.set(topic, new Map([[partition, followed]]));
    else partitions.set(partition, followed);
    this.#all = null;
    this.setTopicId(replica, replica.topicId);
    this.#poke();
    if (!this.#isRunning) void this.#run();
    else if (this.#isAsking) this.#interrupt();
  }

  /** The id with which the partition is asked for from now on; the zero id: its name. */
  setTopicId({ topic, partition }: HostedPartition, topicId: string): void {
    const followed = this.#find(topic, partition);
    if (followed === undefined) return;
    followed.topicId = topicId;
    if (topicId !== ZERO_UUID) this.#topicNames.set(topicId, topic);
  }

  /** Stops following; resolves when what is being done to the log has ended. */
  async remove(replica: HostedPartition): Promise<void> {
    const followed = this.#find(replica.topic, replica.partition);
    if (followed?.replica !== replica) return;
    this.#detach(followed);
    this.#poke();
    await followed.busy;
  }

  get isIdle(): boolean {
    return this.#followed.size === 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#channel.close();
    this.#poke();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // Partitions come in numbers: all those of this turn go into the first request.
    await new Promise<void>((resolve) => this.#system.clock.defer(resolve));
    while (!this.#isClosed && !this.isIdle) {
      try {
        await this.#round();
      } catch (error) {
        this.#session.reset();
        if (this.#isClosed) break;
        if (this.#isInterrupted) {
          this.#isInterrupted = false;
          continue;
        }
        this.#system.logger.info({ err: error }, 'a fetch from the leader failed');
        this.#delay(this.#partitions());
      }
    }
    this.#isRunning = false;
  }

  /**
   * Ends a request that waits for records at the leader, so that a new partition is not kept waiting with it: until it is
   * fetched, its producers may get no acknowledgement. Not often, since the session begins anew.
   */
  #interrupt(): void {
    const nowMs = this.#system.clock.elapsedMs();
    if (this.#isInterrupted || nowMs - this.#interruptedAtMs < this.#settings.maxWaitMs) return;
    this.#isInterrupted = true;
    this.#interruptedAtMs = nowMs;
    this.#system.clock.defer(() => {
      // Answered meanwhile: the next request has the partition in it.
      if (this.#isAsking) this.#channel.interrupt();
      else this.#isInterrupted = false;
    });
  }

  #find(topic: string, partition: number): Followed | undefined {
    return this.#followed.get(topic)?.get(partition);
  }

  #partitions(): readonly Followed[] {
    this.#all ??= [...this.#followed.values()].flatMap((partitions) => [...partitions.values()]);
    return this.#all;
  }

  #detach(followed: Followed | undefined): void {
    if (followed === undefined || followed.isRemoved) return;
    const { topic, partition } = followed.replica;
    const partitions = this.#followed.get(topic);
    partitions?.delete(partition);
    if (partitions?.size === 0) {
      this.#followed.delete(topic);
      this.#topicNames.delete(followed.topicId);
    }
    followed.isRemoved = true;
    this.#all = null;
  }

  async #round(): Promise<void> {
    const nowMs = this.#system.clock.elapsedMs();
    const all = this.#partitions();
    const isDelayed = all.some(({ delayedUntilMs }) => delayedUntilMs > nowMs);
    const ready = isDelayed ? all.filter(({ delayedUntilMs }) => delayedUntilMs <= nowMs) : all;
    const body = this.#session.request(
      ready,
      this.#settingsUntil(this.#earliestEnd(nowMs) - nowMs),
    );
    if (body === null) return this.#pause(nowMs);
    this.#roundNumber += 1;
    for (const followed of ready) followed.askedInRound = this.#roundNumber;
    this.#isAsking = true;
    const response = await this.#channel
      .send(apis.fetch, body, {
        version: this.#session.version,
        timeoutMs: this.#settings.requestTimeoutMs,
      })
      .finally(() => {
        this.#isAsking = false;
      });
    if (this.#isClosed) return;
    if (!this.#session.accept(response)) return;
    const appends: Promise<void>[] = [];
    for (const topic of response.responses) {
      const name = topic.topic === '' ? (this.#topicNames.get(topic.topicId) ?? '') : topic.topic;
      for (const answer of topic.partitions) {
        const followed = this.#find(name, answer.partitionIndex);
        if (followed?.askedInRound === this.#roundNumber)
          appends.push(this.#take(followed, answer));
      }
    }
    if (appends.length > 0) await Promise.all(appends);
  }

  /** A request must be back when a partition that is left out of it may be fetched again. */
  #settingsUntil(delayMs: number): FetchSettings {
    if (delayMs >= this.#settings.maxWaitMs) return this.#settings;
    return { ...this.#settings, maxWaitMs: Math.ceil(delayMs) };
  }

  /** When the first back-off ends that has not ended yet; infinity without any. */
  #earliestEnd(nowMs: number): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const { delayedUntilMs } of this.#partitions())
      if (delayedUntilMs > nowMs) earliestMs = Math.min(earliestMs, delayedUntilMs);
    return earliestMs;
  }

  async #take(followed: Followed, answer: PartitionResponse): Promise<void> {
    try {
      if (answer.errorCode === errorCodes.NONE) followed.failureCount = 0;
      if (answer.errorCode !== errorCodes.NONE) await this.#takeError(followed, answer.errorCode);
      else if (answer.divergingEpoch.epoch >= 0 || answer.divergingEpoch.endOffset >= 0)
        await this.#alone(followed, () => this.#truncate(followed, answer.divergingEpoch));
      else await this.#alone(followed, () => this.#append(followed, answer));
    } catch (error) {
      const isDamaged = error instanceof ProtocolError && error.code === errorCodes.CORRUPT_MESSAGE;
      const isUnheard = error instanceof ChannelClosed || error instanceof RequestTimeout;
      const { topic, partition } = followed.replica;
      this.#system.logger.error({ err: error, topic, partition }, 'could not take fetched records');
      // Damaged bytes may have been damaged on the way, and a leader that was asked for its offsets may have gone away;
      // anything else waits for the controller's next word.
      if (isDamaged || isUnheard) this.#delay([followed]);
      else this.#detach(followed);
    }
  }

  /** Changes the log; whoever stops following waits for the end. Not while a leader is asked something: that may take long. */
  async #alone(followed: Followed, job: () => Promise<void>): Promise<void> {
    if (followed.isRemoved) return;
    const work = job();
    // The failure is the caller's; who waits for the end does not care how it came.
    followed.busy = work.catch(() => {});
    try {
      await work;
    } finally {
      followed.busy = null;
    }
  }

  async #append(followed: Followed, answer: PartitionResponse): Promise<void> {
    const { replica } = followed;
    const records = answer.records;
    if (followed.fetchOffset !== replica.log.logEndOffset)
      throw new UnexpectedOffsetError(
        `fetched from ${followed.fetchOffset}, the log ends at ${replica.log.logEndOffset}`,
      );
    if (records !== null && records.length > 0) {
      const lastEpoch = epochOfLastBatch(records);
      const info = await replica.log.appendAsFollower(records);
      if (info !== null) {
        followed.fetchOffset = info.lastOffset + 1;
        followed.lastFetchedEpoch = lastEpoch;
      }
    }
    replica.followHighWatermark(answer.highWatermark);
    if (answer.logStartOffset > replica.log.logStartOffset)
      await replica.log.advanceLogStartOffset(
        Math.min(answer.logStartOffset, replica.state.highWatermark),
      );
  }

  async #truncate(followed: Followed, diverging: DivergingEpoch): Promise<void> {
    const { replica } = followed;
    const { log, topic, partition } = replica;
    const offset = truncationOffset(log, diverging);
    if (offset < replica.state.highWatermark)
      this.#system.logger.warn({ topic, partition, offset }, 'truncating below the high watermark');
    await log.truncateTo(offset);
    replica.truncated();
    this.#restartAt(followed);
  }

  /** Goes on from the end of the local log, whatever became of it. */
  #restartAt(followed: Followed): void {
    const { log } = followed.replica;
    followed.fetchOffset = log.logEndOffset;
    followed.lastFetchedEpoch = log.latestEpoch() ?? -1;
  }

  async #takeError(followed: Followed, errorCode: number): Promise<void> {
    const { topic, partition } = followed.replica;
    if (errorCode === errorCodes.OFFSET_OUT_OF_RANGE) {
      const target = { ...this.#settings, leaderEpoch: followed.leaderEpoch };
      const change = await resolveOutOfRange(this.#channel, followed.replica, target);
      if (change !== null)
        return this.#alone(followed, async () => {
          await change();
          this.#restartAt(followed);
        });
    }
    if (followed.isRemoved) return;
    this.#system.logger.info({ topic, partition, errorCode }, 'the leader refused a fetch');
    // The leader is ahead of what this broker was told: the controller's next request starts it anew.
    if (errorCode === errorCodes.FENCED_LEADER_EPOCH) this.#detach(followed);
    else this.#delay([followed]);
  }

  /**
   * Short at first: a leader that has not heard of its role yet will in a moment, and until the ISR follows it, nobody gets
   * an acknowledgement (Kafka waits the whole back-off each time).
   */
  #delay(partitions: readonly Followed[]): void {
    const nowMs = this.#system.clock.elapsedMs();
    for (const followed of partitions) {
      if (followed.delayedUntilMs > nowMs) continue;
      const pauseMs = FIRST_BACKOFF_MS * 2 ** Math.min(followed.failureCount++, 10);
      followed.delayedUntilMs = nowMs + Math.min(this.#settings.backoffMs, pauseMs);
    }
  }

  /** Waits for a partition to be added, or for the first back-off to end. */
  #pause(nowMs: number): Promise<void> {
    const pauseMs = Math.min(this.#settings.backoffMs, this.#earliestEnd(nowMs) - nowMs);
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#wakeTimer = this.#system.clock.setTimer(pauseMs, () => this.#poke());
    });
  }

  #poke(): void {
    this.#wakeTimer?.cancel();
    this.#wakeTimer = null;
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}

const epochOfLastBatch = (records: Buffer): number => {
  let epoch = -1;
  for (const batch of batches(records)) epoch = batch.partitionLeaderEpoch;
  return epoch;
};
