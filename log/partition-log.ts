/**
 * One partition's log: append, read, truncate, roll, retention. Single owner, one event loop.
 * Appends are queued with their offsets and written in order (appender.ts); whatever else changes
 * files runs one job at a time (log-store.ts does it), and a job that moves the end of the log
 * first lets the queue run dry while new appends wait behind it. Knows nothing of high watermark,
 * ISR or roles: Kafka's UnifiedLog without those.
 */
import { Appender, type AppendInfo, type LeaderAppendOptions } from './appender.ts';
import type { EpochCache, EpochEnd } from './epoch-cache.ts';
import { LogCleaning } from './log-cleaning.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { LogGuard, outOfRange, storageError } from './log-guard.ts';
import { loadLog } from './log-loader.ts';
import { LogOrder } from './log-order.ts';
import { LogStore } from './log-store.ts';
import type { ProducerStates } from './producer-state.ts';
import type { Segment } from './segment.ts';
import { EMPTY_READ, type LogRead, type ReadLimits } from './segment-read.ts';
import { findByTimestamp, findMaxTimestamp, type TimestampOffset } from './time-lookup.ts';
import type { AbortedTransaction } from './transaction-index.ts';

export { type AppendInfo, type LeaderAppendOptions, UnexpectedOffsetError } from './appender.ts';
export type { LogRead, ReadLimits } from './segment-read.ts';
export type { TimestampOffset } from './time-lookup.ts';

export interface PartitionLogOptions {
  readonly directory: string;
  readonly topic: string;
  readonly partition: number;
  readonly config: LogConfig;
  /** Written to `partition.metadata` where that does not exist yet. */
  readonly topicId: string | null;
  readonly isClean: boolean;
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  readonly onRecovering?: (segmentsLeft: number) => void;
}

export class PartitionLog {
  readonly topic: string;
  readonly partition: number;
  /** Called after the log end offset has moved. */
  onEndOffset: (() => void) | null = null;
  /** Called after the log has been cut, with its new end. */
  onCut: ((endOffset: number) => void) | null = null;
  /** For the cleaner alone. */
  readonly cleaning: LogCleaning;

  readonly #context: LogContext;
  #store: LogStore;
  readonly #appender: Appender;
  /** Of appends, and of everything else that changes files. */
  readonly #order = new LogOrder();
  readonly #guard: LogGuard;
  /** Nothing has been appended since the last `releaseIdle`. */
  #isIdle = false;

  /** Opens the directory, which must exist, and recovers it where that is needed. */
  static async open(context: LogContext, options: PartitionLogOptions): Promise<PartitionLog> {
    const loaded = await loadLog(context, options);
    return new PartitionLog(context, options, new LogStore(context, loaded, options));
  }

  private constructor(context: LogContext, options: PartitionLogOptions, store: LogStore) {
    this.#context = context;
    this.topic = options.topic;
    this.partition = options.partition;
    this.#store = store;
    this.#guard = new LogGuard({
      directory: () => this.directory,
      failed: (error) => context.failed(this.directory, error),
    });
    this.#appender = new Appender(context, store, {
      written: () => {
        this.#isIdle = false;
        this.onEndOffset?.();
      },
      rolled: (rolled) => {
        this.#inBackground(() => this.#store.sealRolled(rolled));
        context.rolledFlushes.run(() => this.#inBackground(() => this.#store.flushRolled(rolled)));
      },
      failed: (error) => this.#guard.fail(error),
    });
    this.cleaning = new LogCleaning({
      guard: this.#guard,
      order: this.#order,
      store: () => this.#store,
      forgetRecent: () => this.#appender.tail.clear(),
    });
  }

  get directory(): string {
    return this.#store.directory;
  }
  get topicId(): string | null {
    return this.#store.metadata.topicId;
  }
  get config(): LogConfig {
    return this.#store.config;
  }
  set config(config: LogConfig) {
    this.#store.config = config;
  }
  get epochs(): EpochCache {
    return this.#store.epochs;
  }
  get producers(): ProducerStates {
    return this.#store.producers;
  }
  get logStartOffset(): number {
    return this.#store.logStartOffset;
  }
  get logEndOffset(): number {
    return this.#store.logEndOffset;
  }
  /** Where the next append will go: the log end offset and what is on its way to the disk. */
  get nextOffset(): number {
    return this.#appender.nextOffset;
  }
  /** Everything below has reached the device. */
  get recoveryPoint(): number {
    return this.#store.recoveryPoint;
  }
  /** The same of the records alone: indexes may lag behind, so that recovery still has work. */
  get syncedOffset(): number {
    return this.#store.syncedOffset;
  }
  get sizeBytes(): number {
    return this.#store.sizeBytes;
  }
  get lastFlushMs(): number {
    return this.#store.lastFlushMs;
  }
  get hasFailed(): boolean {
    return this.#guard.hasFailed;
  }
  /** Neither closed nor failed. */
  get isUsable(): boolean {
    return this.#guard.isUsable;
  }
  /** For tools, the cleaner and tests; not to be changed. */
  get segments(): readonly Segment[] {
    return this.#store.segments;
  }
  /** Where read_committed consumers stop at the latest; null: no transaction holds them back. */
  get firstUnstableOffset(): number | null {
    const offset = this.producers.firstUnstableOffset;
    return offset === null ? null : Math.max(offset, this.logStartOffset);
  }

  /** Gives the topic id of a log whose directory did not say it; on disk before the next records. */
  assignTopicId(topicId: string): void {
    this.#store.metadata.assignTopicId(topicId);
    this.#inBackground(() => this.#store.metadata.write());
  }

  /**
   * Validates, stamps in place and queues one batch; resolves when it is written. The order of
   * calls is the order of offsets. Rejects with ProtocolError. A repeated batch of an idempotent
   * producer resolves with its old offsets.
   */
  appendAsLeader(records: Buffer, options: LeaderAppendOptions): Promise<AppendInfo> {
    return this.#inOrder(() => this.#appender.appendAsLeader(records, options));
  }

  /**
   * Appends what a leader sent, offsets and epochs as they are; a partial last batch is dropped.
   * Null without a whole batch. Rejects with UnexpectedOffsetError unless they continue the log.
   */
  appendAsFollower(records: Buffer): Promise<AppendInfo | null> {
    return this.#inOrder(() => {
      const appended = this.#appender.appendAsFollower(records);
      if (appended === null) return Promise.resolve(null);
      if (!('startOverAt' in appended)) return appended;
      // Queued behind nothing: the log is empty. Later appends wait for it, and this one goes before them.
      const { startOverAt } = appended;
      return this.#exclusive(async () => {
        await this.#store.startOver(startOverAt);
        this.#appender.reset();
        const again = this.#appender.appendAsFollower(records);
        return again !== null && 'startOverAt' in again ? null : again;
      });
    });
  }

  /**
   * Whole batches from the one that holds `offset` on, at most `maxBytes`, but at least one with
   * `minOneBatch`; only batches below `endOffset`. Synchronous when the bytes are in the tail of
   * recent appends. The buffers stay valid. Throws ProtocolError(OFFSET_OUT_OF_RANGE).
   */
  read(offset: number, limits: ReadLimits): LogRead | Promise<LogRead> {
    this.#guard.check();
    const { logStartOffset, logEndOffset } = this.#store;
    if (offset < logStartOffset || offset > logEndOffset) throw outOfRange(offset, this);
    const endOffset = Math.min(limits.endOffset, logEndOffset);
    if (offset >= endOffset) return EMPTY_READ;
    const bounded = { ...limits, endOffset };
    return (
      this.#appender.tail.read(offset, bounded) ??
      this.#look(async (store) => (await store.read(offset, bounded)) ?? EMPTY_READ)
    );
  }

  /** Cuts everything from `offset` on, whole batches. Queued appends are written first; later ones wait. */
  truncateTo(offset: number): Promise<void> {
    return this.#exclusive(async () => {
      const store = this.#store;
      if (offset < (store.segments[0]?.baseOffset ?? 0)) await store.startOver(offset);
      else if (offset < store.logEndOffset) await store.cutAt(offset);
      store.epochs.truncateFromEnd(store.logEndOffset);
      await store.metadata.write();
    });
  }

  /** Deletes everything; the log goes on, empty, at `offset`. */
  truncateFullyAndStartAt(offset: number): Promise<void> {
    return this.#exclusive(() => this.#store.startOver(offset));
  }

  /** Where `epoch` ended, by the table of OffsetForLeaderEpoch; -1/-1 when that is unknown. */
  endOffsetForEpoch(epoch: number): EpochEnd {
    return this.epochs.endOffsetFor(epoch, this.logEndOffset);
  }

  latestEpoch(): number | null {
    return this.epochs.latest()?.epoch ?? null;
  }

  /** A leader's term begins. The entry is on disk before the first record of the epoch is. */
  assignEpochStart(leaderEpoch: number, startOffset: number): void {
    this.epochs.assign(leaderEpoch, startOffset);
    this.#inBackground(() => this.#store.metadata.write());
  }

  /** Not bounded by the high watermark, which the caller knows. */
  offsetForTimestamp(timestampMs: number): Promise<TimestampOffset | null> {
    return this.lookUp(() => findByTimestamp([...this.segments], timestampMs, this.logStartOffset));
  }

  /** The first record with the largest timestamp of the log. */
  maxTimestamp(): Promise<TimestampOffset | null> {
    return this.lookUp(() => findMaxTimestamp([...this.segments]));
  }

  /** Aborted transactions that overlap [startOffset, endOffset), for read_committed fetches. */
  abortedTransactions(
    startOffset: number,
    endOffset: number,
  ): Promise<readonly AbortedTransaction[]> {
    return this.#look((store) => store.abortedTransactions(startOffset, endOffset));
  }

  /** Records below `offset` are no longer served; their segments go at the next retention pass. */
  async advanceLogStartOffset(offset: number): Promise<void> {
    if (offset <= this.logStartOffset) return;
    if (offset > this.logEndOffset) throw outOfRange(offset, this);
    await this.#guard.run(() => this.#store.raiseLogStart(offset));
  }

  /** Removes what retention lets go, never past `highWatermark`; returns the count of segments. */
  async deleteOldSegments(highWatermark: number): Promise<number> {
    const expired = (): Promise<number> => this.#store.countExpired(highWatermark);
    if ((await this.lookUp(expired)) === 0) return 0;
    return this.#exclusive(async () => {
      const store = this.#store;
      const count = await expired();
      if (count > 0) await store.removeOldest(count);
      return count;
    });
  }

  /**
   * Goes on with the files of `future` once `finish`, for which appends wait, has made it equal and resolved to its final
   * directory. False when that was null, and nothing changed.
   */
  moveInto(future: PartitionLog, finish: () => Promise<string | null>): Promise<boolean> {
    return this.#exclusive(async () => {
      const directory = await finish();
      if (directory === null) return false;
      const old = this.#store;
      try {
        this.#store = await LogStore.openCopy(this.#context, this, {
          directory,
          recoveryPoint: future.recoveryPoint,
        });
      } catch (cause) {
        // The new directory's failure, not this one's.
        this.#context.failed(directory, cause);
        throw storageError(directory, cause);
      }
      this.#store.config = old.config;
      this.#appender.moveTo(this.#store);
      await this.#store.raiseLogStart(old.logStartOffset);
      await old.leave();
      return true;
    });
  }

  /** Runs a job that only reads segments; again when they were replaced or removed meanwhile. */
  lookUp<T>(job: () => Promise<T>): Promise<T> {
    return this.#look((store) => store.stable(job));
  }

  /** Runs a job that only reads the files of the log; again when it moved to others meanwhile. */
  #look<T>(job: (store: LogStore) => Promise<T>): Promise<T> {
    const attempt = async (): Promise<T> => {
      const store = this.#store;
      const [outcome] = await Promise.allSettled([job(store)]);
      if (store !== this.#store) return attempt();
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    };
    return this.#guard.run(attempt);
  }

  /** Resolves when everything asked for so far has been done: the log end offset stands still. */
  async settled(): Promise<void> {
    await this.#order.idle();
    await this.#appender.idle();
    await this.#context.rolledFlushes.idle();
  }

  /** Brings everything written so far to the device. */
  flush(): Promise<void> {
    return this.#job(() => this.#store.flush());
  }

  /** Forgets producers that have been silent for too long. */
  removeExpiredProducers(): number {
    const { system, producerIdExpirationMs } = this.#context;
    return this.producers.removeExpired(system.clock.nowMs(), producerIdExpirationMs);
  }

  /**
   * Gives back file handles and index memory; those of the active segment if unused since the last
   * call.
   */
  async releaseIdle(): Promise<void> {
    await this.#job(async () => {
      await this.#store.release({ isActiveIdle: this.#isIdle && this.#appender.isIdle });
      this.#isIdle = true;
    });
  }

  /** Flushes, leaves a snapshot and trimmed indexes behind, and lets go of all files. */
  async close(): Promise<void> {
    if (this.#guard.isClosed) return;
    if (!this.#guard.hasFailed)
      await this.#exclusive(async () => {
        await this.#store.metadata.write();
        await this.#store.seal();
        // Before an append that waits behind this job could write again.
        this.#guard.isClosed = true;
      });
    await this.abandon();
  }

  /** Lets go of all files as they are: of a log that is to be deleted, or whose disk has failed. */
  async abandon(): Promise<void> {
    this.#guard.isClosed = true;
    await this.#appender.idle();
    await this.cleaning.idle();
    await this.#order.idle();
    this.#appender.tail.clear();
    for (const segment of this.segments) await segment.leave();
  }

  #inOrder<T>(append: () => Promise<T>): Promise<T> {
    return this.#order.append(() => {
      this.#guard.check();
      return append();
    });
  }

  /** Runs a job that may move the end of the log, with the queue empty and appends held back. */
  #exclusive<T>(job: () => Promise<T>): Promise<T> {
    return this.#order.exclusive(async () => {
      await this.#appender.idle();
      const before = this.logEndOffset;
      try {
        return await this.#guard.run(job);
      } finally {
        if (!this.#guard.hasFailed) this.#appender.reset();
        if (this.logEndOffset < before) this.onCut?.(this.logEndOffset);
        if (this.logEndOffset !== before) this.onEndOffset?.();
      }
    });
  }

  #job<T>(job: () => Promise<T>): Promise<T> {
    return this.#order.job(() => this.#guard.run(job));
  }

  /** A job whose failure the guard tells of. */
  #inBackground(job: () => Promise<void>): Promise<void> {
    return this.#job(job).catch(() => {});
  }
}
