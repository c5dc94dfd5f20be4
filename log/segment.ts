/**
 * One file of batches with its offset and time index. Knows positions in files; what offsets mean
 * to the log, when to roll and what to validate is the log's business. The last segment of a log is
 * the active one: it alone is written. Files are opened on first use and closed again when idle, so
 * that a log nobody uses costs no descriptor.
 */
import type { RecordBatch } from '../protocol/record-batch.ts';
import { assert } from '../system/assert.ts';
import type { Disk, DiskFile } from '../system/disk.ts';
import { scanSlices, wholeBatches } from './batch-scan.ts';
import {
  DELETED_SUFFIX,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  offsetName,
  SEGMENT_SUFFIXES,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts';
import { OffsetIndex } from './offset-index.ts';
import { ReadPlaces } from './read-places.ts';
import { type TimeEntry, TimeIndex } from './time-index.ts';
import { TransactionIndex } from './transaction-index.ts';

/** What one append adds: bytes that are written already. */
export interface Chunk {
  readonly sizeBytes: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly offsetOfMaxTimestamp: number;
}

export interface SegmentOptions {
  readonly sizeBytes: number;
  /** Stands in for the largest timestamp where records have none. */
  readonly modifiedMs: number;
}

/** No offset of a segment may be further from its base than an int32 reaches. */
export const RELATIVE_OFFSET_MAX = 2 ** 31 - 1;

export class Segment {
  readonly baseOffset: number;
  /** Directory and offset; a suffix makes it the path of one of the files. */
  readonly path: string;
  readonly index: OffsetIndex;
  readonly timeIndex: TimeIndex;
  readonly transactions: TransactionIndex;
  sizeBytes: number;
  /** Largest timestamp of the first append; null until there was one or it has been read back. */
  firstTimestamp: number | null = null;
  /**
   * The largest timestamp and the last offset of its batch; null where not read from the time index
   * yet.
   */
  largest: TimeEntry | null;
  modifiedMs: number;
  readPlaces = new ReadPlaces();
  readonly #disk: Disk;
  #file: DiskFile | null = null;
  #isWritable = false;
  /**
   * The index files hold exactly their entries, so that these may be forgotten and loaded again.
   */
  #isSealed = true;
  #readers = 0;
  /** Its files are another's, or nobody's: who comes late must not leave one of them open. */
  #isGone = false;
  /** Handles to close as soon as no read is under way that may use them. */
  #retired: DiskFile[] = [];
  /** Appended since the last index entry; what the next entry waits for. */
  bytesSinceIndexEntry = 0;

  constructor(disk: Disk, directory: string, baseOffset: number, options: SegmentOptions) {
    this.#disk = disk;
    this.baseOffset = baseOffset;
    this.path = `${directory}/${offsetName(baseOffset)}`;
    this.sizeBytes = options.sizeBytes;
    this.modifiedMs = options.modifiedMs;
    this.index = new OffsetIndex(this.path + INDEX_SUFFIX, baseOffset);
    this.timeIndex = new TimeIndex(this.path + TIME_INDEX_SUFFIX, baseOffset);
    this.transactions = new TransactionIndex(this.path + TRANSACTION_INDEX_SUFFIX);
    this.largest = options.sizeBytes === 0 ? NO_TIMESTAMP : null;
  }

  /** Makes the files of a new active segment, over whatever has its name. */
  async create(options: { indexBytes: number; preallocateBytes: number }): Promise<void> {
    const file = this.writable();
    file.truncateSync(0);
    if (options.preallocateBytes > 0) file.truncateSync(options.preallocateBytes);
    this.index.file.reset();
    this.timeIndex.file.reset();
    await this.#disk.remove(this.path + TRANSACTION_INDEX_SUFFIX);
    await this.activate(options.indexBytes);
  }

  /**
   * Loads the indexes and gives their files full size: this segment is now the one that is written.
   */
  async activate(indexBytes: number): Promise<void> {
    await this.loadIndexes();
    this.#isSealed = false;
    await this.index.file.write(this.#disk, { fullBytes: indexBytes, sync: false });
    await this.timeIndex.file.write(this.#disk, { fullBytes: indexBytes, sync: false });
  }

  get isSealed(): boolean {
    return this.#isSealed;
  }

  async loadIndexes(): Promise<void> {
    if (!this.index.file.isLoaded) await this.index.file.load(this.#disk);
    if (!this.timeIndex.file.isLoaded) await this.timeIndex.file.load(this.#disk);
  }

  /** The data file, open for writing. */
  writable(): DiskFile {
    if (this.#file === null || !this.#isWritable) {
      this.#retireFile();
      this.#file = this.#disk.openSync(this.path + LOG_SUFFIX, 'write');
      this.#isWritable = true;
    }
    return this.#file;
  }

  /**
   * Takes note of bytes just written at the end. The first append of a segment never gets an index
   * entry.
   */
  noteAppend(chunk: Chunk, indexIntervalBytes: number): void {
    const largest = this.largest ?? NO_TIMESTAMP;
    this.firstTimestamp ??= chunk.maxTimestamp;
    if (chunk.maxTimestamp > largest.timestamp)
      this.largest = { timestamp: chunk.maxTimestamp, offset: chunk.offsetOfMaxTimestamp };
    if (this.bytesSinceIndexEntry > indexIntervalBytes) {
      this.index.append(chunk.lastOffset, this.sizeBytes);
      this.#noteTime();
      this.bytesSinceIndexEntry = 0;
    }
    this.bytesSinceIndexEntry += chunk.sizeBytes;
    this.sizeBytes += chunk.sizeBytes;
  }

  /**
   * Runs `job` with the data file open for reading; the file stays open at least until the job is
   * done.
   */
  async withFile<T>(job: (file: DiskFile) => Promise<T>): Promise<T> {
    this.#file ??= this.#disk.openSync(this.path + LOG_SUFFIX, 'read');
    this.#readers += 1;
    try {
      return await job(this.#file);
    } finally {
      this.#readers -= 1;
      if (this.#isGone) this.#retireFile();
      else this.#closeRetired();
    }
  }

  /**
   * Calls `visit` with every batch from `position` on until it returns false; the batches are views
   * that stay valid.
   */
  async scan(
    position: number,
    visit: (batch: RecordBatch, position: number) => boolean,
    sliceBytes?: number,
  ): Promise<void> {
    await this.withFile(async (file) => {
      for await (const slice of scanSlices(file, position, this.sizeBytes, sliceBytes))
        for (const batch of wholeBatches(slice.buffer))
          if (!visit(batch, slice.position + batch.position)) return;
    });
  }

  /**
   * The offset behind the last batch, found from the last index entry on; the base where there is
   * none.
   */
  async nextOffset(): Promise<number> {
    let next = this.baseOffset;
    await this.loadIndexes();
    await this.scan(Math.min(this.index.lastPosition(), this.sizeBytes), (batch) => {
      next = Math.max(next, batch.nextOffset);
      return true;
    });
    return next;
  }

  /**
   * Reads the largest timestamp from the time index, whose last entry a roll or a clean close has
   * written.
   */
  async loadLargest(): Promise<TimeEntry> {
    if (this.largest !== null) return this.largest;
    const last = this.timeIndex.file.isLoaded
      ? this.timeIndex.last()
      : await this.timeIndex.readLast(this.#disk);
    this.largest = last ?? NO_TIMESTAMP;
    return this.largest;
  }

  /** What retention and searches by time go by: the file's own time where no record has one. */
  async largestTimestamp(): Promise<number> {
    const { timestamp } = await this.loadLargest();
    return timestamp >= 0 ? timestamp : this.modifiedMs;
  }

  async loadFirstTimestamp(): Promise<void> {
    if (this.firstTimestamp !== null || this.sizeBytes === 0) return;
    await this.scan(
      0,
      (batch) => {
        this.firstTimestamp = batch.maxTimestamp;
        return false;
      },
      4096,
    );
  }

  /** Cuts the file at the first batch that reaches `offset`; returns the count of bytes cut off. */
  async truncateTo(offset: number, indexBytes: number): Promise<number> {
    await this.loadIndexes();
    let cut = this.sizeBytes;
    await this.scan(this.index.positionAt(offset), (batch, position) => {
      if (batch.lastOffset < offset) return true;
      cut = position;
      return false;
    });
    const lost = this.sizeBytes - cut;
    this.writable().truncateSync(cut);
    this.sizeBytes = cut;
    this.readPlaces = new ReadPlaces();
    this.index.truncateTo(offset);
    this.timeIndex.truncateTo(offset);
    if (cut === 0) this.firstTimestamp = null;
    await this.activate(indexBytes);
    await this.#rereadLargest();
    await this.transactions.truncateTo(this.#disk, offset);
    return lost;
  }

  /**
   * Ends the time in which this segment was written: last time entry, indexes and file cut to what
   * they hold.
   */
  async seal(options: { sync: boolean }): Promise<void> {
    this.#noteTime();
    await this.index.file.write(this.#disk, { fullBytes: null, sync: options.sync });
    await this.timeIndex.file.write(this.#disk, { fullBytes: null, sync: options.sync });
    this.#isSealed = true;
    if (this.#isWritable) this.writable().truncateSync(this.sizeBytes);
    if (!options.sync) return;
    await this.transactions.sync(this.#disk);
    await this.withFile((file) => file.sync());
  }

  /** Brings data and indexes to the device. */
  async flush(indexBytes: number | null): Promise<void> {
    await this.withFile((file) => file.sync());
    await this.index.file.write(this.#disk, { fullBytes: indexBytes, sync: true });
    await this.timeIndex.file.write(this.#disk, { fullBytes: indexBytes, sync: true });
    await this.transactions.sync(this.#disk);
  }

  /** Starts over with empty indexes; recovery fills them from the batches. */
  resetIndexes(): void {
    this.#isSealed = false;
    this.index.file.reset();
    this.timeIndex.file.reset();
    this.largest = NO_TIMESTAMP;
    this.firstTimestamp = null;
    this.bytesSinceIndexEntry = 0;
  }

  /** Takes note of a batch recovery found at `position`. */
  noteRecovered(batch: RecordBatch, position: number, indexIntervalBytes: number): void {
    const largest = this.largest ?? NO_TIMESTAMP;
    this.firstTimestamp ??= batch.maxTimestamp;
    if (batch.maxTimestamp > largest.timestamp)
      this.largest = { timestamp: batch.maxTimestamp, offset: batch.lastOffset };
    if (position - this.index.lastPosition() > indexIntervalBytes) {
      this.index.append(batch.lastOffset, position);
      this.#noteTime();
    }
  }

  /** Closes the data file when no read uses it any more and, unless active, forgets the indexes. */
  async release(options: { isActive: boolean }): Promise<void> {
    this.#retireFile();
    if (options.isActive || !this.#isSealed || this.#readers > 0) return;
    this.index.file.unload();
    this.timeIndex.file.unload();
  }

  /** Renames the files for removal and returns their new paths; reads under way go on. Syncs nothing. */
  async markDeleted(): Promise<string[]> {
    const paths: string[] = [];
    for (const suffix of SEGMENT_SUFFIXES) {
      const path = this.path + suffix;
      if ((await this.#disk.info(path)) === null) continue;
      await this.#disk.move(path, path + DELETED_SUFFIX);
      paths.push(path + DELETED_SUFFIX);
    }
    await this.leave();
    return paths;
  }

  /** Lets go of the files for good. */
  async leave(): Promise<void> {
    this.#isGone = true;
    await this.release({ isActive: false });
  }

  #retireFile(): void {
    if (this.#file !== null) this.#retired.push(this.#file);
    this.#file = null;
    this.#isWritable = false;
    this.#closeRetired();
  }

  #closeRetired(): void {
    if (this.#readers > 0) return;
    for (const file of this.#retired) void file.close();
    this.#retired = [];
  }

  #noteTime(): void {
    if (this.largest !== null) this.timeIndex.append(this.largest.timestamp, this.largest.offset);
  }

  /** After a cut: the last time entry, raised by what follows the last offset entry. */
  async #rereadLargest(): Promise<void> {
    let largest = this.timeIndex.last() ?? NO_TIMESTAMP;
    await this.scan(this.index.lastPosition(), (batch) => {
      if (batch.maxTimestamp > largest.timestamp)
        largest = { timestamp: batch.maxTimestamp, offset: batch.lastOffset };
      return true;
    });
    this.largest = largest;
    assert(this.largest.offset < 0 || this.largest.offset >= this.baseOffset, 'time entry');
  }
}

const NO_TIMESTAMP: TimeEntry = { timestamp: -1, offset: -1 };
