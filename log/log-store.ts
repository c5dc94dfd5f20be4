/**
 * The files of one log and the offsets they stand for: segments in order, where the log begins and
 * ends, what is known to be on the device. Carries out; does not decide when, and does not order
 * its callers: partition-log.ts runs one of these jobs at a time, besides the append queue, which
 * only adds at the end.
 */
import type { PendingAppend } from './append-queue.ts';
import type { EpochCache } from './epoch-cache.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { type LoadedLog, loadLog } from './log-loader.ts';
import { MetadataFiles } from './metadata-files.ts';
import type { ProducerFiles } from './producer-files.ts';
import type { ProducerStates } from './producer-state.ts';
import { countExpired } from './retention.ts';
import { Segment, type SegmentOptions } from './segment.ts';
import { SegmentChanges, swapIn } from './segment-changes.ts';
import { type LogRead, type ReadLimits, readSegment } from './segment-read.ts';
import type { AbortedTransaction } from './transaction-index.ts';

/** What the cleaner has made of some segments: complete files that end in `.cleaned`. */
export type SegmentCopy = SegmentOptions;

export class LogStore {
  readonly directory: string;
  /** Ascending, never empty; the last one is the active one. */
  readonly segments: Segment[];
  readonly epochs: EpochCache;
  readonly producers: ProducerStates;
  config: LogConfig;
  logStartOffset: number;
  /** Behind the last record that has been written. */
  logEndOffset: number;
  /** Everything below has reached the device. */
  recoveryPoint: number;
  lastFlushMs: number;
  sizeBytes: number;
  /** Topic id and leader epochs, as far as they are files. */
  readonly metadata: MetadataFiles;
  /** Goes up with every cut, so that what began before it can tell. */
  truncations = 0;
  /** Up to here records have been synced by `sync`. */
  #syncedOffset = 0;
  readonly #changes = new SegmentChanges();
  readonly #context: LogContext;
  readonly #producerFiles: ProducerFiles;

  /** Opens another directory with the same records as `log`, whose epochs it takes over. */
  static async openCopy(
    context: LogContext,
    log: Pick<LogStore, 'config' | 'logStartOffset' | 'epochs'> & {
      readonly topicId: string | null;
    },
    files: { readonly directory: string; readonly recoveryPoint: number },
  ): Promise<LogStore> {
    const { config, topicId, logStartOffset } = log;
    const options = { ...files, config, topicId, logStartOffset, isClean: true };
    const loaded = await loadLog(context, options);
    loaded.epochs.replace(log.epochs.entries);
    const store = new LogStore(context, loaded, options);
    await store.metadata.write();
    return store;
  }

  constructor(
    context: LogContext,
    loaded: LoadedLog,
    options: { directory: string; config: LogConfig; topicId: string | null },
  ) {
    this.#context = context;
    this.directory = options.directory;
    this.config = options.config;
    this.segments = loaded.segments;
    this.epochs = loaded.epochs;
    const { directory } = options;
    const { epochs, topicId } = loaded;
    this.metadata = new MetadataFiles(context.system.disk, { directory, epochs, topicId });
    this.producers = loaded.producers;
    this.#producerFiles = loaded.producerFiles;
    this.logStartOffset = loaded.logStartOffset;
    this.logEndOffset = loaded.logEndOffset;
    this.recoveryPoint = loaded.recoveryPoint;
    this.lastFlushMs = context.system.clock.nowMs();
    this.sizeBytes = totalBytes(loaded.segments);
    if (options.topicId !== null) this.metadata.assignTopicId(options.topicId);
  }

  /** Below this all records have reached the device, if not their indexes. */
  get syncedOffset(): number {
    return Math.max(this.recoveryPoint, this.#syncedOffset);
  }

  get active(): Segment {
    return this.segments[this.segments.length - 1] as Segment;
  }

  /** Takes note of appends whose bytes are in the active segment's file. */
  noteWritten(group: readonly PendingAppend[]): void {
    const { active, config } = this;
    const nowMs = this.#context.system.clock.nowMs();
    for (const append of group) {
      if (append.sizeBytes === 0) continue;
      active.noteAppend(append, config.indexIntervalBytes);
      active.modifiedMs = nowMs;
      this.sizeBytes += append.sizeBytes;
      if (append.aborted.length > 0) active.transactions.appendSync(this.#disk, append.aborted);
      this.logEndOffset = append.lastOffset + 1;
    }
  }

  /** The segment that holds `offset`, and those behind it. */
  segmentsFrom(offset: number): Segment[] {
    const slot = this.segments.findLastIndex((segment) => segment.baseOffset <= offset);
    return this.segments.slice(Math.max(slot, 0));
  }

  /** Reads from disk; null when the log was cut or the segment removed meanwhile. */
  read(offset: number, limits: ReadLimits): Promise<LogRead | null> {
    const { truncations } = this;
    return this.stable(() => this.#read(offset, limits, truncations));
  }

  /** Runs a job that only reads segments; again when they went or were replaced meanwhile. */
  stable<T>(read: () => Promise<T>): Promise<T> {
    return this.#changes.stable(read);
  }

  async #read(offset: number, limits: ReadLimits, truncations: number): Promise<LogRead | null> {
    if (truncations !== this.truncations) return null;
    for (const segment of this.segmentsFrom(offset)) {
      if (segment.sizeBytes === 0) continue;
      let read: LogRead | null = null;
      try {
        read = await readSegment(segment, offset, limits);
      } catch (error) {
        // Its files have been renamed: no failure of the disk.
        if (!this.segments.includes(segment)) return null;
        throw error;
      }
      if (truncations !== this.truncations) return null;
      if (read !== null) return read;
    }
    return null;
  }

  /** Lets go of all files, which are another's now or are going to be removed; reads under way find nothing. */
  async leave(): Promise<void> {
    this.truncations += 1;
    for (const segment of this.segments.splice(0)) await segment.leave();
  }

  /** Aborted transactions that overlap [startOffset, endOffset). */
  abortedTransactions(startOffset: number, endOffset: number): Promise<AbortedTransaction[]> {
    return this.stable(() => this.#abortedTransactions(startOffset, endOffset));
  }

  async #abortedTransactions(startOffset: number, endOffset: number) {
    const found: AbortedTransaction[] = [];
    for (const segment of this.segmentsFrom(startOffset)) {
      for (const entry of await segment.transactions.read(this.#disk)) {
        if (entry.lastOffset >= startOffset && entry.firstOffset < endOffset) found.push(entry);
        if (entry.lastStableOffset >= endOffset) return found;
      }
    }
    return found;
  }

  /** Makes a new segment the active one. The old one is still to be sealed and flushed. */
  async roll(baseOffset: number, snapshot: Buffer): Promise<void> {
    const segment = await this.#createSegment(baseOffset);
    await this.#producerFiles.write(baseOffset, snapshot);
    this.segments.push(segment);
  }

  /** Trims a segment that was rolled, unless a cut has made it the active one again. */
  async sealRolled(rolled: Segment): Promise<void> {
    if (rolled !== this.active && this.segments.includes(rolled))
      await rolled.seal({ sync: false });
  }

  /** Brings a sealed segment to the device, and with it everything below its end. */
  async flushRolled(rolled: Segment): Promise<void> {
    const at = this.segments.indexOf(rolled);
    const next = at < 0 ? undefined : this.segments[at + 1];
    // Deleted, compacted or cut off meanwhile, or the active one again behind a cut, which has flushed it.
    if (next === undefined) return;
    for (const segment of this.segmentsFrom(this.recoveryPoint))
      if (segment.baseOffset <= rolled.baseOffset) await segment.flush(null);
    await this.#producerFiles.sync(next.baseOffset);
    await this.#disk.syncDirectory(this.directory);
    this.recoveryPoint = Math.max(this.recoveryPoint, next.baseOffset);
  }

  /** Brings the records written, up to `endOffset`, to the device; indexes follow with a flush. */
  async sync(endOffset: number): Promise<void> {
    for (const segment of this.segmentsFrom(this.syncedOffset))
      if (this.segments.includes(segment)) await segment.withFile((file) => file.sync());
    this.#syncedOffset = endOffset;
  }

  /** Brings everything written so far to the device. */
  async flush(): Promise<void> {
    const endOffset = this.logEndOffset;
    const unflushed = this.segmentsFrom(this.recoveryPoint);
    for (const segment of unflushed)
      await segment.flush(segment === this.active ? this.config.segmentIndexBytes : null);
    if (unflushed.some((segment) => segment.baseOffset >= this.recoveryPoint))
      await this.#disk.syncDirectory(this.directory);
    this.recoveryPoint = Math.max(this.recoveryPoint, endOffset);
    this.lastFlushMs = this.#context.system.clock.nowMs();
  }

  /** Leaves the files as a clean shutdown has them. */
  async seal(): Promise<void> {
    if (this.recoveryPoint < this.logEndOffset) await this.flush();
    // The mark of a clean stop will vouch for all of this: nothing of it is looked at again.
    // One may have been rolled while the close waited for the queue.
    for (const segment of this.segments)
      if (segment === this.active || !segment.isSealed) await segment.seal({ sync: true });
    await this.#snapshot();
    await this.#producerFiles.sync(this.logEndOffset);
    await this.#disk.syncDirectory(this.directory);
  }

  /** Removes everything from `offset` on, whole batches. */
  async cutAt(offset: number): Promise<void> {
    const kept = this.segments.findLastIndex((segment) => segment.baseOffset <= offset);
    this.truncations += 1;
    this.#changes.note();
    this.logEndOffset = offset;
    await this.#removeSegments(this.segments.splice(kept + 1).reverse());
    await this.active.truncateTo(offset, this.config.segmentIndexBytes);
    // Before the epochs say what comes next: a loss of power must not bring back what was cut off
    // and leave it under the epoch of its replacement.
    await this.active.flush(this.config.segmentIndexBytes);
    await this.#producerFiles.remove((other) => other > offset);
    await this.#disk.syncDirectory(this.directory);
    this.logStartOffset = Math.min(this.logStartOffset, offset);
    this.sizeBytes = totalBytes(this.segments);
    this.epochs.truncateFromEnd(offset);
    await this.metadata.write();
    await this.#producerFiles.rebuild(this.producers, this.segments, {
      logStartOffset: this.logStartOffset,
      endOffset: offset,
    });
    await this.#snapshot();
    this.#lowerRecoveryPoint(offset);
    this.#context.truncated(this.directory, this.active.baseOffset);
  }

  /** Removes everything; the log goes on, empty, at `offset`. */
  async startOver(offset: number): Promise<void> {
    this.truncations += 1;
    this.#changes.note();
    await this.#removeSegments(this.segments.splice(0).reverse());
    await this.#producerFiles.remove(() => true);
    this.segments.push(await this.#createSegment(offset));
    this.producers.reset(offset);
    this.logStartOffset = offset;
    this.logEndOffset = offset;
    this.sizeBytes = 0;
    this.epochs.clear();
    await this.metadata.write();
    this.#lowerRecoveryPoint(offset);
    this.recoveryPoint = offset;
    this.#context.truncated(this.directory, offset);
  }

  /** Raises the start of the log; segments below go at the next retention pass. */
  async raiseLogStart(offset: number): Promise<void> {
    this.logStartOffset = Math.max(this.logStartOffset, offset);
    this.recoveryPoint = Math.max(this.recoveryPoint, this.logStartOffset);
    this.producers.advanceLogStartOffset(this.logStartOffset);
    this.epochs.truncateFromStart(this.logStartOffset);
    await this.metadata.write();
  }

  /** How many of the oldest segments retention lets go. */
  async countExpired(highWatermark: number): Promise<number> {
    const { segments, config } = this;
    const nowMs = this.#context.system.clock.nowMs();
    const facts = [];
    // Times are read from the time indexes only as far as one after the other has expired.
    let isTimeNeeded = config.cleanupDelete && config.retentionMs >= 0;
    for (const [slot, segment] of segments.entries()) {
      const largestTimestamp = isTimeNeeded ? await segment.largestTimestamp() : nowMs;
      isTimeNeeded &&= nowMs - largestTimestamp > config.retentionMs;
      const endOffset = segments[slot + 1]?.baseOffset ?? this.logEndOffset;
      const { sizeBytes } = segment;
      facts.push({ endOffset, sizeBytes, largestTimestamp, isActive: segment === this.active });
    }
    const { logStartOffset } = this;
    return countExpired({ segments: facts, logStartOffset, highWatermark, nowMs }, config);
  }

  /** Removes the `count` oldest segments; with all of them a new one is made first. */
  async removeOldest(count: number): Promise<void> {
    if (count === this.segments.length) {
      const rolled = this.active;
      await this.roll(this.logEndOffset, this.producers.snapshot());
      await this.sealRolled(rolled);
      await this.flushRolled(rolled);
    }
    const removed = this.segments.splice(0, count);
    this.#changes.note();
    this.sizeBytes = totalBytes(this.segments);
    await this.raiseLogStart(this.segments[0]?.baseOffset ?? this.logEndOffset);
    await this.#removeSegments(removed);
  }

  /**
   * Puts a copy in the place of neighbouring sealed segments, whose first one's offset it has; false
   * when they are not there any more. A crash leaves either them or the copy (log-loader.ts).
   */
  async replace(group: readonly Segment[], copy: SegmentCopy): Promise<boolean> {
    const [first] = group;
    if (first === undefined || group.includes(this.active)) return false;
    const slot = this.segments.indexOf(first);
    if (group.some((segment, index) => segment !== this.segments[slot + index])) return false;
    await this.#changes.run(async () => {
      await swapIn(this.#disk, first.path, () => this.#removeSegments(group.toReversed(), first));
      const segment = new Segment(this.#disk, this.directory, first.baseOffset, copy);
      this.segments.splice(slot, group.length, segment);
      this.sizeBytes += copy.sizeBytes - totalBytes(group);
    });
    return true;
  }

  /** Gives back file handles and index memory; of the active segment at most the handle. */
  async release(options: { isActiveIdle: boolean }): Promise<void> {
    const { active } = this;
    for (const segment of this.segments)
      if (segment !== active) await segment.release({ isActive: false });
    if (options.isActiveIdle) await active.release({ isActive: true });
  }

  async #createSegment(baseOffset: number): Promise<Segment> {
    const { config, directory } = this;
    const { disk, clock } = this.#context.system;
    const isEmpty = { sizeBytes: 0, modifiedMs: clock.nowMs() };
    const segment = new Segment(disk, directory, baseOffset, isEmpty);
    await segment.create({
      indexBytes: config.segmentIndexBytes,
      preallocateBytes: config.preallocate ? config.segmentBytes : 0,
    });
    return segment;
  }

  /**
   * In this order, with their snapshots, but for that of `replaced`, in whose place another segment
   * comes.
   */
  async #removeSegments(segments: readonly Segment[], replaced?: Segment): Promise<void> {
    const paths: string[] = [];
    for (const segment of segments) {
      paths.push(...(await segment.markDeleted()));
      if (segment !== replaced)
        paths.push(...(await this.#producerFiles.markDeleted(segment.baseOffset)));
    }
    await this.#disk.syncDirectory(this.directory);
    this.#context.removeLater(paths, this.config.fileDeleteDelayMs);
  }

  async #snapshot(): Promise<void> {
    const { logEndOffset, logStartOffset } = this;
    if (this.#producerFiles.latest >= logEndOffset || logEndOffset <= logStartOffset) return;
    await this.#producerFiles.write(logEndOffset, this.producers.snapshot());
  }

  #lowerRecoveryPoint(offset: number): void {
    this.#syncedOffset = Math.min(this.#syncedOffset, offset);
    if (this.recoveryPoint <= offset) return;
    this.recoveryPoint = offset;
    this.#context.recoveryPointLowered(this.directory);
  }

  get #disk() {
    return this.#context.system.disk;
  }
}

const totalBytes = (segments: readonly Segment[]): number =>
  segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
