/**
 * Opens the directory of one partition, in the order of Kafka's LogLoader: clears leftovers of
 * deletions and of an interrupted replacement, rebuilds what is missing or may be torn, and finds
 * out where the log begins and ends.
 */
import { basename } from 'node:path';
import { scanSlices, wholeBatches } from './batch-scan.ts';
import { CheckpointEntryError, decodeEpochs } from './checkpoints.ts';
import { EpochCache } from './epoch-cache.ts';
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  directoryPurpose,
  EPOCHS_FILE,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  offsetName,
  offsetOf,
  PARTITION_METADATA_FILE,
  SEGMENT_SUFFIXES,
  SNAPSHOT_SUFFIX,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { DamagedLogError } from './log-damage.ts';
import { decodePartitionMetadata } from './partition-metadata.ts';
import { ProducerFiles } from './producer-files.ts';
import { ProducerStates } from './producer-state.ts';
import { pointsToBatch, type Recovered, recoverSegment } from './recovery.ts';
import { Segment } from './segment.ts';

export interface LoadOptions {
  readonly directory: string;
  readonly config: LogConfig;
  /** The broker stopped in order: nothing can be torn. */
  readonly isClean: boolean;
  /** Everything below is known to have reached the device; from the checkpoint of the directory. */
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  /** Told how many segments are left to recover, before each of them. */
  readonly onRecovering?: (segmentsLeft: number) => void;
}

export interface LoadedLog {
  /** Ascending, never empty; the last one is active. */
  readonly segments: Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly recoveryPoint: number;
  readonly epochs: EpochCache;
  readonly producers: ProducerStates;
  readonly producerFiles: ProducerFiles;
  /** What `partition.metadata` says; null without the file. */
  readonly topicId: string | null;
}

/**
 * Loads a partition's log; creates an empty one where the directory has no segment. Throws what
 * makes it unusable.
 */
export const loadLog = (context: LogContext, options: LoadOptions): Promise<LoadedLog> =>
  new Loading(context, options).run();

class Loading {
  readonly #context: LogContext;
  readonly #options: LoadOptions;
  readonly #producers = new ProducerStates();
  readonly #producerFiles: ProducerFiles;
  #segments: Segment[] = [];
  /** Bases of segments that did not exist when this began. */
  readonly #splits = new Set<number>();
  #epochs = new EpochCache();
  /** Producer state is only worth what has been replayed; until then it stands nowhere. */
  #hasProducers = false;

  constructor(context: LogContext, options: LoadOptions) {
    this.#context = context;
    this.#options = options;
    this.#producerFiles = new ProducerFiles(context, options.directory);
  }

  async run(): Promise<LoadedLog> {
    const { config } = this.#options;
    const names = await this.#cleanUp();
    const topicId = await this.#readTopicId(names);
    await this.#readEpochs(names);
    this.#producerFiles.noteFiles(names);
    await this.#openSegments(names);
    await this.#recover(names);
    let logEndOffset = (await this.#segments.at(-1)?.nextOffset()) ?? 0;
    let { logStartOffset } = this.#options;
    if (this.#segments.length === 0 || logEndOffset < logStartOffset) {
      await this.#startEmpty(logStartOffset);
      logEndOffset = logStartOffset;
    } else {
      await this.#segments.at(-1)?.activate(config.segmentIndexBytes);
    }
    await this.#segments.at(-1)?.loadFirstTimestamp();
    // Before an append with an older timestamp would pass for the largest.
    await this.#segments.at(-1)?.loadLargest();
    this.#epochs.truncateFromEnd(logEndOffset);
    this.#epochs.truncateFromStart(this.#options.logStartOffset);
    logStartOffset = Math.max(logStartOffset, this.#segments[0]?.baseOffset ?? 0);
    await this.#finishProducers(logStartOffset, logEndOffset);
    const checkpointed = this.#options.isClean ? logEndOffset : this.#options.recoveryPoint;
    return {
      segments: this.#segments,
      logStartOffset,
      logEndOffset,
      recoveryPoint: Math.min(checkpointed, logEndOffset),
      epochs: this.#epochs,
      producers: this.#producers,
      producerFiles: this.#producerFiles,
      topicId,
    };
  }

  /**
   * Removes deleted files and incomplete replacements, completes complete ones; returns the names
   * that are left.
   */
  async #cleanUp(): Promise<string[]> {
    const { disk } = this.#context.system;
    const { directory } = this.#options;
    const names = await disk.list(directory);
    if (!names.some(isLeftover)) return names;
    const cleaned = names.filter((name) => name.endsWith(CLEANED_SUFFIX)).map(baseOf);
    const firstCleaned = Math.min(...cleaned, Number.POSITIVE_INFINITY);
    let swaps: string[] = [];
    for (const name of names) {
      if (name.endsWith(SWAP_SUFFIX) && baseOf(name) < firstCleaned) swaps.push(name);
      else if (isLeftover(name)) await disk.remove(`${directory}/${name}`);
    }
    for (const name of swaps.filter((swap) => swap.endsWith(LOG_SUFFIX + SWAP_SUFFIX)))
      await this.#removeReplaced(name, names);
    // Data first: as long as it has not its name, this is begun anew, and what has one is removed.
    const isData = (name: string): boolean => name.endsWith(LOG_SUFFIX + SWAP_SUFFIX);
    swaps = [...swaps.filter(isData), ...swaps.filter((name) => !isData(name))];
    for (const name of swaps)
      await disk.rename(
        `${directory}/${name}`,
        `${directory}/${name.slice(0, -SWAP_SUFFIX.length)}`,
      );
    return disk.list(directory);
  }

  /** Removes the segments, with their snapshots, whose records the replacement `swapName` holds. */
  async #removeReplaced(swapName: string, names: readonly string[]): Promise<void> {
    const { disk } = this.#context.system;
    const { directory } = this.#options;
    const from = baseOf(swapName);
    const file = disk.openSync(`${directory}/${swapName}`, 'read');
    let end = from;
    try {
      for await (const slice of scanSlices(file, 0, file.size()))
        for (const batch of wholeBatches(slice.buffer)) end = batch.nextOffset;
    } finally {
      await file.close();
    }
    for (const name of names) {
      const base = offsetOf(name);
      if (isLeftover(name) || base === null || base < from) continue;
      // The snapshot at the base says how things stood before it, which has not changed. A copy
      // without records still replaces what has its name.
      if (base === from ? name.endsWith(SNAPSHOT_SUFFIX) : base >= end) continue;
      await disk.remove(`${directory}/${name}`);
    }
  }

  async #readTopicId(names: readonly string[]): Promise<string | null> {
    if (!names.includes(PARTITION_METADATA_FILE)) return null;
    const bytes = await this.#read(PARTITION_METADATA_FILE);
    return decodePartitionMetadata(bytes.toString());
  }

  async #readEpochs(names: readonly string[]): Promise<void> {
    const { disk } = this.#context.system;
    if (!names.includes(EPOCHS_FILE))
      return disk.writeFile(`${this.#options.directory}/${EPOCHS_FILE}`, '');
    try {
      this.#epochs = new EpochCache(decodeEpochs((await this.#read(EPOCHS_FILE)).toString()));
    } catch (cause) {
      if (!(cause instanceof CheckpointEntryError)) throw cause;
      throw new DamagedLogError(`${EPOCHS_FILE} has ${cause.message}`, { cause });
    }
  }

  async #openSegments(names: readonly string[]): Promise<void> {
    const { disk } = this.#context.system;
    const { directory } = this.#options;
    const bases = names.filter((name) => name.endsWith(LOG_SUFFIX)).map(baseOf);
    const isKnown = new Set(bases);
    for (const name of names) {
      const isIndex = SEGMENT_SUFFIXES.some((suffix) => name.endsWith(suffix));
      if (isIndex && !isKnown.has(baseOf(name))) await disk.remove(`${directory}/${name}`);
    }
    for (const base of bases.sort((a, b) => a - b))
      this.#segments.push(
        await this.#segmentAt(base, `${directory}/${offsetName(base)}${LOG_SUFFIX}`),
      );
  }

  async #segmentAt(baseOffset: number, logPath: string): Promise<Segment> {
    const info = await this.#context.system.disk.info(logPath);
    if ((info?.size ?? 0) > SEGMENT_BYTES_MAX)
      throw new DamagedLogError(`${offsetName(baseOffset)}${LOG_SUFFIX} is larger than 2 GiB`);
    return new Segment(this.#context.system.disk, this.#options.directory, baseOffset, {
      sizeBytes: info?.size ?? 0,
      modifiedMs: info?.modifiedMs ?? 0,
    });
  }

  /**
   * Recovers, in order, what lacks an index and, after a crash, everything from the recovery point
   * on.
   */
  async #recover(names: readonly string[]): Promise<void> {
    const { isClean, recoveryPoint } = this.#options;
    const has = new Set(names);
    const floor = this.#segments.findLast((segment) => segment.baseOffset <= recoveryPoint);
    const firstUnsafe = isClean ? Number.POSITIVE_INFINITY : (floor?.baseOffset ?? 0);
    for (const [slot, segment] of this.#segments.entries()) {
      const isUnsafe = segment.baseOffset >= firstUnsafe;
      if (!isUnsafe && !(await this.#lacksIndex(segment, has))) continue;
      this.#options.onRecovering?.(this.#segments.length - slot);
      const recovered = await this.#recoverAt(slot, isUnsafe);
      // What is below the recovery point is not looked at again.
      if (!isUnsafe) await segment.flush(null);
      else if (recovered.lostBytes > 0) return;
      else if (this.#isHoleBehind(slot, recovered)) return this.#dropFrom(slot + 1);
    }
  }

  /**
   * Whether records between this segment and the next never reached the device, the last that did
   * being whole by chance. Kafka goes on with the hole. Where the cleaner has been, offsets may be
   * missing for good reason; not so in a future log, which can be copied again.
   */
  #isHoleBehind(slot: number, { nextOffset, splitAt }: Recovered): boolean {
    const { directory, config } = this.#options;
    const next = this.#segments[slot + 1];
    if (next === undefined || next.baseOffset <= nextOffset || splitAt !== null) return false;
    const isFuture = directoryPurpose(basename(directory)) === 'future';
    if (config.cleanupCompact && !isFuture) return false;
    const fields = { directory, nextOffset, baseOffset: next.baseOffset };
    this.#context.system.logger.warn(fields, 'records are missing, what follows them is cut off');
    return true;
  }

  async #lacksIndex(segment: Segment, names: ReadonlySet<string>): Promise<boolean> {
    const { disk } = this.#context.system;
    const name = offsetName(segment.baseOffset);
    if (!names.has(name + INDEX_SUFFIX) || this.#splits.has(segment.baseOffset)) return true;
    if (!names.has(name + TIME_INDEX_SUFFIX))
      await disk.writeFile(segment.path + TIME_INDEX_SUFFIX, '');
    if (segment === this.#segments.at(-1) && !(await pointsToBatch(segment))) return true;
    return (
      names.has(name + TRANSACTION_INDEX_SUFFIX) &&
      !(await segment.transactions.isSane(disk, segment.baseOffset))
    );
  }

  /** With `dropsRest` segments behind lost bytes go, before anything of them is cut off. */
  async #recoverAt(slot: number, dropsRest: boolean): Promise<Recovered> {
    const { system } = this.#context;
    const { directory, config } = this.#options;
    const segment = this.#segments[slot] as Segment;
    await this.#producersAt(slot);
    const state = { epochs: this.#epochs, producers: this.#producers, config };
    const beforeCut = (): Promise<void> =>
      dropsRest ? this.#dropFrom(slot + 1) : Promise.resolve();
    const recovered = await recoverSegment(system.disk, segment, state, beforeCut);
    const { lostBytes, nextOffset, splitAt } = recovered;
    if (splitAt !== null) await this.#addSplit(slot, splitAt);
    this.#producers.mapEndOffset = nextOffset;
    await this.#producerFiles.write(nextOffset, this.#producers.snapshot());
    const fields = { directory, baseOffset: segment.baseOffset, nextOffset, lostBytes };
    if (lostBytes > 0) system.logger.warn(fields, 'segment recovered, its damaged end is cut off');
    else system.logger.debug(fields, 'segment recovered');
    return recovered;
  }

  /** Takes what has been split off a segment; its own recovery is next. */
  async #addSplit(slot: number, baseOffset: number): Promise<void> {
    if (this.#segments[slot + 1]?.baseOffset === baseOffset) this.#segments.splice(slot + 1, 1);
    const path = `${this.#options.directory}/${offsetName(baseOffset)}`;
    for (const suffix of [INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX])
      await this.#context.system.disk.remove(path + suffix);
    this.#splits.add(baseOffset);
    this.#segments.splice(slot + 1, 0, await this.#segmentAt(baseOffset, path + LOG_SUFFIX));
  }

  /**
   * Brings producer state to the base of a segment; nothing to do right behind the one before it.
   */
  async #producersAt(slot: number): Promise<void> {
    const endOffset = this.#segments[slot]?.baseOffset ?? 0;
    if (this.#hasProducers && this.#producers.mapEndOffset === endOffset) return;
    const logStartOffset = Math.max(
      this.#options.logStartOffset,
      this.#segments[0]?.baseOffset ?? 0,
    );
    this.#hasProducers = true;
    await this.#producerFiles.rebuild(this.#producers, this.#segments, {
      logStartOffset: Math.min(logStartOffset, endOffset),
      endOffset,
    });
  }

  /**
   * What follows lost bytes is not a continuation of the log any more. It is gone from the device
   * before those are cut off: behind a clean end it would be taken for one.
   */
  async #dropFrom(slot: number): Promise<void> {
    const { disk } = this.#context.system;
    const { directory } = this.#options;
    const dropped = this.#segments.splice(slot).reverse();
    if (dropped.length === 0) return;
    for (const segment of dropped) {
      await segment.markDeleted();
      await this.#producerFiles.remove((offset) => offset > segment.baseOffset);
    }
    await disk.syncDirectory(directory);
    for (const name of await disk.list(directory))
      if (name.endsWith(DELETED_SUFFIX)) await disk.remove(`${directory}/${name}`);
  }

  async #startEmpty(offset: number): Promise<void> {
    const { config, directory } = this.#options;
    await this.#dropFrom(0);
    await this.#producerFiles.remove(() => true);
    if (offset > 0) this.#epochs.clear();
    const { disk, clock } = this.#context.system;
    const segment = new Segment(disk, directory, offset, {
      sizeBytes: 0,
      modifiedMs: clock.nowMs(),
    });
    await segment.create({
      indexBytes: config.segmentIndexBytes,
      preallocateBytes: config.preallocate ? config.segmentBytes : 0,
    });
    await segment.release({ isActive: true });
    this.#segments = [segment];
  }

  async #finishProducers(logStartOffset: number, logEndOffset: number): Promise<void> {
    await this.#producerFiles.removeStray(this.#segments);
    await this.#producerFiles.remove((offset) => offset > logEndOffset);
    const { offsets } = this.#producerFiles;
    // A log closed in order without a snapshot had no producer; Kafka does not look for one either.
    if (this.#options.isClean && offsets.length === 0) this.#producers.reset(logEndOffset);
    else if (!this.#hasProducers || this.#producers.mapEndOffset !== logEndOffset)
      await this.#producerFiles.rebuild(this.#producers, this.#segments, {
        logStartOffset,
        endOffset: logEndOffset,
      });
    if (this.#producerFiles.latest < logEndOffset && logEndOffset > logStartOffset)
      await this.#producerFiles.write(logEndOffset, this.#producers.snapshot());
  }

  async #read(name: string): Promise<Buffer> {
    const bytes = await this.#context.system.disk.readFile(`${this.#options.directory}/${name}`);
    return bytes ?? Buffer.alloc(0);
  }
}

const isLeftover = (name: string): boolean =>
  name.endsWith(DELETED_SUFFIX) || name.endsWith(CLEANED_SUFFIX) || name.endsWith(SWAP_SUFFIX);

const baseOf = (name: string): number => offsetOf(name) ?? 0;

/** Positions in a segment are int32. */
const SEGMENT_BYTES_MAX = 2 ** 31 - 1;
