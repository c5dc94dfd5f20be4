/**
 * The consumer: a subscription within a group, or partitions chosen by hand; `poll` gives records and does all that has to
 * be done in between: rebalances, positions, commits. Settings and their defaults are the Java client's. Calls of one
 * consumer must not overlap, except `wakeup` and `close`.
 */

import type { System } from '../system/system.ts';
import { Cluster } from './cluster.ts';
import { ConsumerGroup } from './consumer-group.ts';
import {
  type ConsumerOptions,
  type ConsumerSettings,
  consumerSettings,
  type RebalanceListener,
} from './consumer-options.ts';
import { ClientClosed, ConfigError, isRetriable, TimeoutError, Wakeup } from './errors.ts';
import type { ConsumerRecord } from './fetched-records.ts';
import { Fetcher } from './fetcher.ts';
import { GroupCoordinator } from './group-coordinator.ts';
import {
  EARLIEST,
  type FoundOffset,
  LATEST,
  listOffsets,
  type OffsetQuery,
} from './list-offsets.ts';
import { PositionFinder } from './position-finder.ts';
import {
  type CommittedOffset,
  type PartitionPosition,
  Positions,
  partitionKey,
  type TopicPartition,
} from './positions.ts';
import { retrying, settledWithin } from './retry.ts';

export type { ConsumerOptions, RebalanceListener } from './consumer-options.ts';
export type { ConsumerRecord } from './fetched-records.ts';

/** A consumer; it connects with the first call that needs it. */
export const createConsumer = (system: System, options: ConsumerOptions): Consumer =>
  new Consumer(system, options);

export class Consumer {
  readonly #system: System;
  readonly #settings: ConsumerSettings;
  readonly #cluster: Cluster;
  readonly #positions = new Positions();
  readonly #fetcher: Fetcher;
  readonly #finder: PositionFinder;
  /** Both null without a group id. */
  readonly #coordinator: GroupCoordinator | null;
  readonly #group: ConsumerGroup | null;
  #finding: Promise<void> | null = null;
  #findingFailure: unknown = null;
  #isWoken = false;
  #isClosed = false;

  constructor(system: System, options: ConsumerOptions) {
    const settings = consumerSettings(options);
    this.#system = system;
    this.#settings = settings;
    this.#cluster = new Cluster(system, settings);
    const { autoOffsetReset, groupId } = settings;
    const resetTo = autoOffsetReset === 'none' ? null : autoOffsetReset;
    const isReadCommitted = settings.isolationLevel === 'read_committed';
    const collaborators = { cluster: this.#cluster, positions: this.#positions };
    this.#fetcher = new Fetcher(system, collaborators, { ...settings, isReadCommitted, resetTo });
    const notify = (): void => this.#fetcher.notify();
    const coordinator =
      groupId === undefined ? null : new GroupCoordinator(system, this.#cluster, groupId);
    this.#coordinator = coordinator;
    this.#finder = new PositionFinder(collaborators, {
      resetTo,
      isReadCommitted,
      fetchCommitted:
        coordinator === null
          ? null
          : (partitions, deadlineMs) => coordinator.committed(partitions, deadlineMs),
    });
    this.#group =
      coordinator === null
        ? null
        : new ConsumerGroup(system, { ...collaborators, coordinator, notify }, settings);
    this.#cluster.onUpdate.add(notify);
  }

  /** Subscribes within the group: to topics by name, or to all that match. Replaces what was subscribed before. */
  subscribe(topics: readonly string[] | RegExp, listener: RebalanceListener = {}): void {
    this.#checkOpen();
    if (this.#group === null) throw new ConfigError('subscribing needs a group id');
    if (!this.#isSubscribed && this.#positions.size > 0) {
      throw new ConfigError('partitions were assigned by hand; unsubscribe first');
    }
    this.#group.subscribe(topics, listener);
  }

  /** Takes exactly these partitions, outside of any group protocol. */
  assign(partitions: readonly TopicPartition[]): void {
    this.#checkOpen();
    if (this.#isSubscribed) throw new ConfigError('topics are subscribed; unsubscribe first');
    this.#positions.assign(partitions);
    this.#cluster.trackOnly(new Set(partitions.map(({ topic }) => topic)));
    if (partitions.length > 0) this.#cluster.refreshLater();
  }

  /** Gives everything up and leaves the group. */
  async unsubscribe(): Promise<void> {
    const reason = 'the consumer unsubscribed from all topics';
    await this.#group?.unsubscribe(reason, this.#settings.requestTimeoutMs);
    this.#positions.assign([]);
  }

  assignment(): TopicPartition[] {
    return this.#positions.partitions();
  }

  /** The topics subscribed to; of a pattern, those that match now. */
  subscription(): string[] {
    return this.#group?.topics() ?? [];
  }

  /**
   * Records, in the order of each partition, as soon as there are any; none after `timeoutMs`. Throws `Wakeup`, `NoOffset`,
   * `CorruptBatch`, or a `ProtocolError` that will not go away by itself.
   */
  async poll(timeoutMs: number): Promise<ConsumerRecord[]> {
    this.#checkOpen();
    if (!this.#isSubscribed && this.#positions.size === 0) {
      throw new ConfigError('nothing is subscribed or assigned');
    }
    const deadlineMs = this.#cluster.deadline(timeoutMs);
    for (;;) {
      this.#group?.polled();
      this.#checkWoken();
      const isReady = await this.#prepare();
      this.#group?.autoCommit();
      if (isReady) {
        const records = this.#fetcher.collect(this.#settings.maxPollRecords);
        this.#fetcher.sendFetches();
        if (records.length > 0) return records;
      }
      const leftMs = deadlineMs - this.#system.clock.elapsedMs();
      if (leftMs <= 0) return [];
      this.#checkWoken();
      if (!isReady && this.#group?.isJoinOver) continue;
      // Commits fall due meanwhile, and a poll without end is a sign of life all along.
      const { autoCommitIntervalMs, maxPollIntervalMs } = this.#settings;
      await this.#fetcher.wait(Math.min(leftMs, autoCommitIntervalMs, maxPollIntervalMs / 2));
      this.#checkOpen();
    }
  }

  /** Makes a `poll` that waits, or the next one, throw `Wakeup`. */
  wakeup(): void {
    this.#isWoken = true;
    this.#fetcher.notify();
  }

  /** Commits these offsets, or all positions; tries again until it is done or cannot be. */
  async commit(offsets: readonly CommittedOffset[] = this.#positions.consumed()): Promise<void> {
    const coordinator = this.#needCoordinator();
    const deadlineMs = this.#cluster.deadline(this.#settings.defaultApiTimeoutMs);
    await coordinator.retrying(deadlineMs, 'committing offsets', async () =>
      this.#group?.commitOnce(offsets, deadlineMs),
    );
  }

  /** Committed offsets of those partitions that have one. */
  async committed(partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    const deadlineMs = this.#cluster.deadline(this.#settings.defaultApiTimeoutMs);
    return this.#needCoordinator().committed(partitions, deadlineMs);
  }

  /** Continues at `offset` with the next poll. */
  seek(partition: TopicPartition, offset: number): void {
    if (offset < 0) throw new ConfigError(`no offset is ${offset}`);
    this.#need(partition).seek(offset);
  }

  seekToBeginning(partitions: readonly TopicPartition[] = this.assignment()): void {
    for (const partition of partitions) this.#need(partition).reset('earliest');
  }

  seekToEnd(partitions: readonly TopicPartition[] = this.assignment()): void {
    for (const partition of partitions) this.#need(partition).reset('latest');
  }

  /** The offset of the next record; finds it first if need be. */
  async position(partition: TopicPartition): Promise<number> {
    const position = this.#need(partition);
    const deadlineMs = this.#cluster.deadline(this.#settings.defaultApiTimeoutMs);
    const what = `finding the position in ${partitionKey(partition)}`;
    const options = { ...this.#cluster.backoff, deadlineMs, what };
    while (position.offset === null) {
      await retrying(this.#system, options, () => this.#finder.find(deadlineMs));
    }
    return position.offset;
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#need(partition).isPaused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#need(partition).isPaused = false;
    this.#fetcher.notify();
  }

  paused(): TopicPartition[] {
    return this.assignment().filter((partition) => this.#need(partition).isPaused);
  }

  /** How far behind the end of what it may read; null when not known yet. */
  lag(partition: TopicPartition): number | null {
    const { offset, highWatermark, lastStableOffset } = this.#need(partition);
    const isReadCommitted = this.#settings.isolationLevel === 'read_committed';
    const end = isReadCommitted ? lastStableOffset : highWatermark;
    return offset === null || end < 0 ? null : Math.max(0, end - offset);
  }

  async beginningOffsets(partitions: readonly TopicPartition[]): Promise<FoundOffset[]> {
    return this.#listOffsets(partitions.map((item) => ({ ...item, timestamp: EARLIEST })));
  }

  async endOffsets(partitions: readonly TopicPartition[]): Promise<FoundOffset[]> {
    return this.#listOffsets(partitions.map((item) => ({ ...item, timestamp: LATEST })));
  }

  /** The first record at or behind each time; offset -1 where there is none. */
  async offsetsForTimes(queries: readonly OffsetQuery[]): Promise<FoundOffset[]> {
    return this.#listOffsets(queries);
  }

  /** The partitions of a topic. */
  async partitionsFor(topic: string): Promise<TopicPartition[]> {
    const deadlineMs = this.#cluster.deadline(this.#settings.defaultApiTimeoutMs);
    const { partitions } = await this.#cluster.topic(topic, deadlineMs);
    return partitions.map(({ partition }) => ({ topic, partition }));
  }

  /** Commits if that is automatic, leaves the group, disconnects; takes no longer than `timeoutMs`. */
  async close(timeoutMs = 30_000): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#fetcher.notify();
    await settledWithin(this.#system, this.#goodbye(timeoutMs), timeoutMs);
    this.#group?.stop();
    this.#cluster.close();
  }

  get #isSubscribed(): boolean {
    return this.#group?.isSubscribed ?? false;
  }

  async #goodbye(timeoutMs: number): Promise<void> {
    try {
      await this.#group?.close(timeoutMs);
    } catch (error) {
      this.#system.logger.warn({ err: error }, 'the consumer could not close in good order');
    }
  }

  /** Membership and positions; false while the consumer joins its group, in the background. */
  async #prepare(): Promise<boolean> {
    if (this.#isSubscribed && !(await this.#group?.ensureMember())) return false;
    this.#startFinding();
    // Partitions that have a position are read meanwhile.
    return true;
  }

  /** Finds positions in the background; `poll` throws what it meets. */
  #startFinding(): void {
    const failure = this.#findingFailure;
    this.#findingFailure = null;
    if (failure !== null) throw failure;
    if (this.#finding !== null || !this.#finder.isNeeded) return;
    const deadlineMs = this.#cluster.deadline(this.#settings.defaultApiTimeoutMs);
    this.#finding = this.#finder
      .find(deadlineMs)
      .catch(async (error: unknown) => {
        const isTemporary = isRetriable(error) || error instanceof TimeoutError;
        if (!isTemporary) this.#findingFailure = error;
        else await this.#system.clock.sleep(this.#cluster.backoff.initialMs);
      })
      .finally(() => {
        this.#finding = null;
        this.#fetcher.notify();
      });
  }

  #listOffsets(queries: readonly OffsetQuery[]): Promise<FoundOffset[]> {
    const deadlineMs = this.#cluster.deadline(this.#settings.defaultApiTimeoutMs);
    const isReadCommitted = this.#settings.isolationLevel === 'read_committed';
    return listOffsets(this.#system, this.#cluster, queries, { deadlineMs, isReadCommitted });
  }

  #need(partition: TopicPartition): PartitionPosition {
    const position = this.#positions.get(partition);
    if (position === undefined) {
      throw new ConfigError(`${partitionKey(partition)} is not assigned to this consumer`);
    }
    return position;
  }

  #needCoordinator(): GroupCoordinator {
    if (this.#coordinator === null) throw new ConfigError('committing needs a group id');
    return this.#coordinator;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ClientClosed('the consumer is closed');
  }

  #checkWoken(): void {
    if (!this.#isWoken) return;
    this.#isWoken = false;
    throw new Wakeup('the consumer was woken up');
  }
}
