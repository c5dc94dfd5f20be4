/**
 * One run of the cleaner over one log (Kafka's Cleaner.doClean): first the last offset of each key
 * of the dirty part goes into a map, as far as that reaches, then everything from the start of the
 * log on is copied without what has a successor, group by group. Reads only what is sealed; the log
 * itself is touched once for each group, when the copy takes the place of its segments.
 */
import { RecordBatch } from '../../protocol/record-batch.ts';
import { bufferPool } from '../../system/buffer-pool.ts';
import type { System } from '../../system/system.ts';
import { CorruptLogError, scanSlices, wholeBatches } from '../batch-scan.ts';
import { INDEX_SUFFIX, TIME_INDEX_SUFFIX } from '../file-names.ts';
import type { LogConfig } from '../log-config.ts';
import { assembleRecords, decompressRecords } from '../off-thread.ts';
import type { PartitionLog } from '../partition-log.ts';
import type { Segment } from '../segment.ts';
import { addToMap, type FilterOptions, filterBatch, type ProducerEnd } from './batch-filter.ts';
import { CleanedSegment } from './cleaned-segment.ts';
import { type CleanableRange, groupSegments } from './cleaning-plan.ts';
import { OffsetMap } from './offset-map.ts';
import type { Pacer } from './pacer.ts';
import { TransactionTracker } from './transaction-tracker.ts';

/** The log was cut, closed or given another policy meanwhile; nothing is wrong with it. */
export class CleaningAbortedError extends Error {
  override readonly name = 'CleaningAbortedError';
}

export interface RunOptions {
  readonly range: CleanableRange;
  readonly mapBytesMax: number;
  readonly loadFactor: number;
  /** For reads, and as much again for writes. */
  readonly ioBytes: number;
  readonly pacer: Pacer;
}

export interface RunResult {
  /** Everything below is clean. */
  readonly endOffset: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Throws `CleaningAbortedError`, what is wrong with the log's content, or the disk's error. */
export const cleanLog = (
  system: System,
  log: PartitionLog,
  options: RunOptions,
): Promise<RunResult> => new CleaningRun(system, log, options).run();

class CleaningRun {
  readonly #system: System;
  readonly #log: PartitionLog;
  readonly #options: RunOptions;
  readonly #config: LogConfig;
  readonly #nowMs: number;
  readonly #directory: string;

  constructor(system: System, log: PartitionLog, options: RunOptions) {
    this.#system = system;
    this.#log = log;
    this.#options = options;
    this.#config = log.config;
    this.#nowMs = system.clock.nowMs();
    this.#directory = log.directory;
  }

  async run(): Promise<RunResult> {
    try {
      return await this.#clean();
    } catch (cause) {
      // Its files are not where they were: no failure of the disk.
      if (this.#log.directory === this.#directory) throw cause;
      throw new CleaningAbortedError('the log has moved', { cause });
    }
  }

  async #clean(): Promise<RunResult> {
    const { firstDirtyOffset, firstUncleanableOffset } = this.#options.range;
    const lastClean = this.#log.segments.findLast((one) => one.baseOffset < firstDirtyOffset);
    const map = await this.#buildMap();
    const endOffset = map.latestOffset + 1;
    if (endOffset <= firstDirtyOffset && firstDirtyOffset < firstUncleanableOffset)
      throw new Error(`a batch at ${firstDirtyOffset} has more keys than the offset map takes`);
    const transactions = new TransactionTracker();
    const oldHorizonMs =
      lastClean === undefined ? 0 : lastClean.modifiedMs - this.#config.deleteRetentionMs;
    let bytesBefore = 0;
    let bytesAfter = 0;
    for (const group of await this.#groups(endOffset)) {
      bytesBefore += group.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      bytesAfter += await this.#cleanGroup(group, (segment) => ({
        map,
        transactions,
        producers: this.#producers(),
        nowMs: this.#nowMs,
        deleteRetentionMs: this.#config.deleteRetentionMs,
        keepsOldTombstones: segment.modifiedMs > oldHorizonMs,
      }));
    }
    return { endOffset, bytesBefore, bytesAfter };
  }

  async #buildMap(): Promise<OffsetMap> {
    const { range, mapBytesMax, loadFactor } = this.#options;
    const { firstDirtyOffset: start, firstUncleanableOffset: end } = range;
    const map = new OffsetMap({ bytesMax: mapBytesMax, loadFactor, entriesMax: end - start });
    const transactions = new TransactionTracker();
    transactions.add(await this.#log.abortedTransactions(start, end));
    const dirty = this.#segmentsUpTo(end).filter(
      (_, slot, all) => (all[slot + 1]?.baseOffset ?? end) > start,
    );
    for (const [slot, segment] of dirty.entries()) {
      const isWhole = await this.#addSegment(segment, map, transactions);
      if (!isWhole) return map;
      // The segment may end in a gap.
      map.latestOffset = Math.max(map.latestOffset, (dirty[slot + 1]?.baseOffset ?? end) - 1);
    }
    return map;
  }

  /** False when the map was full before the end of the segment. */
  async #addSegment(
    segment: Segment,
    map: OffsetMap,
    transactions: TransactionTracker,
  ): Promise<boolean> {
    const { pacer, range } = this.#options;
    const { firstDirtyOffset } = range;
    await segment.loadIndexes();
    const from = segment.index.positionAt(firstDirtyOffset);
    return this.#scan(segment, from, async (batch) => {
      if (batch.isControl) transactions.onControlBatch(batch);
      // What was aborted replaces nothing.
      else if (!transactions.onBatch(batch)) {
        const bytes = await this.#recordBytes(batch);
        if (!(await pacer.run(addToMap(batch, bytes, map, firstDirtyOffset)))) return false;
      }
      if (batch.lastOffset >= firstDirtyOffset)
        map.latestOffset = Math.max(map.latestOffset, batch.lastOffset);
      return true;
    });
  }

  async #groups(endOffset: number): Promise<Segment[][]> {
    const { disk } = this.#system;
    const sized = [];
    for (const segment of this.#segmentsUpTo(endOffset)) {
      const index = await disk.info(segment.path + INDEX_SUFFIX);
      const timeIndex = await disk.info(segment.path + TIME_INDEX_SUFFIX);
      const { baseOffset, sizeBytes } = segment;
      const indexBytes = index?.size ?? 0;
      sized.push({
        segment,
        baseOffset,
        sizeBytes,
        indexBytes,
        timeIndexBytes: timeIndex?.size ?? 0,
      });
    }
    this.#options.pacer.resume();
    const end = this.#options.range.firstUncleanableOffset;
    return groupSegments(sized, end, this.#config).map((group) =>
      group.map(({ segment }) => segment),
    );
  }

  /** Returns the size of what the group has become. */
  async #cleanGroup(
    group: readonly Segment[],
    filterOf: (segment: Segment) => FilterOptions,
  ): Promise<number> {
    const { disk } = this.#system;
    const { ioBytes } = this.#options;
    const [first, last] = [group[0] as Segment, group.at(-1) as Segment];
    const cleaned = new CleanedSegment(disk, this.#directory, first.baseOffset, {
      config: this.#config,
      ioBytes,
    });
    let isTaken = false;
    try {
      await cleaned.create();
      for (const segment of group) await this.#copy(segment, cleaned, filterOf(segment));
      await cleaned.finish(last.modifiedMs);
      this.#options.pacer.resume();
      isTaken = await this.#log.cleaning.replaceSegments(group, {
        sizeBytes: cleaned.sizeBytes,
        modifiedMs: last.modifiedMs,
      });
    } finally {
      // Once the log has begun to take it, it is the log's.
      if (!isTaken && !this.#log.hasFailed) await cleaned.discard();
    }
    if (!isTaken) throw new CleaningAbortedError('the segments are not there any more');
    return cleaned.sizeBytes;
  }

  async #copy(segment: Segment, cleaned: CleanedSegment, filter: FilterOptions): Promise<void> {
    const { pacer } = this.#options;
    const { transactions } = filter;
    const { segments } = this.#log;
    const next = segments[segments.indexOf(segment) + 1]?.baseOffset ?? segment.baseOffset;
    transactions.add(await this.#log.abortedTransactions(segment.baseOffset, next));
    await this.#scan(segment, 0, async (batch) => {
      const left = await this.#filter(batch, filter);
      cleaned.addTransactions(transactions.takeRetained());
      if (left !== null) cleaned.add(new RecordBatch(left, 0));
      const isNew = left !== null && left.buffer !== batch.buffer.buffer;
      if (isNew) bufferPool.release(left);
      if (cleaned.isFlushDue) await pacer.moved(await cleaned.flush());
      return true;
    });
  }

  async #filter(batch: RecordBatch, filter: FilterOptions): Promise<Buffer | null> {
    const { pacer } = this.#options;
    const left = await pacer.run(filterBatch(batch, await this.#recordBytes(batch), filter));
    if (left === null || !('header' in left)) return left;
    const { header, records } = left;
    const assembled = await pacer.outcome(assembleRecords(this.#system, header, records));
    bufferPool.release(records);
    return assembled;
  }

  /** Batches of old formats are taken apart where they are looked at. */
  async #recordBytes(batch: RecordBatch): Promise<Buffer> {
    if (batch.isOld) return batch.bytes();
    return this.#options.pacer.outcome(decompressRecords(this.#system, batch));
  }

  /**
   * Calls `visit` with every batch from a position on until it returns false, and returns that.
   * Throws where the segment does not consist of whole batches: what cannot be read must not be
   * lost.
   */
  async #scan(
    segment: Segment,
    from: number,
    visit: (batch: RecordBatch) => Promise<boolean>,
  ): Promise<boolean> {
    const { pacer, ioBytes } = this.#options;
    pacer.resume();
    if (!this.#log.segments.includes(segment))
      throw new CleaningAbortedError('a segment is not there any more');
    return segment.withFile(async (file) => {
      let position = from;
      for await (const slice of scanSlices(file, from, segment.sizeBytes, ioBytes, bufferPool)) {
        try {
          await pacer.moved(slice.buffer.length);
          for (const batch of wholeBatches(slice.buffer)) {
            if (!(await visit(batch))) return false;
            await pacer.breathe();
          }
        } finally {
          bufferPool.release(slice.buffer);
        }
        position = slice.position + slice.buffer.length;
      }
      if (position !== segment.sizeBytes)
        throw new CorruptLogError(`no batch at position ${position} of ${segment.path}`);
      return true;
    });
  }

  /** What is known of the producers that may still write. */
  #producers(): Map<number, ProducerEnd> {
    return new Map(
      this.#log.producers
        .entries()
        .map(({ producerId, lastOffset, epoch }) => [producerId, { lastOffset, epoch }]),
    );
  }

  #segmentsUpTo(endOffset: number): Segment[] {
    return this.#log.segments.filter(({ baseOffset }) => baseOffset < endOffset);
  }
}
