/**
 * Writes the replacement of a group of segments, under names that end in `.cleaned`: what carries
 * them is not complete and is removed at the next start. Data goes out in pieces of the I/O buffer;
 * indexes are built anew, an entry for each index interval.
 */
import type { RecordBatch } from '../../protocol/record-batch.ts';
import { bufferPool } from '../../system/buffer-pool.ts';
import type { Disk, DiskFile } from '../../system/disk.ts';
import {
  CLEANED_SUFFIX,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  offsetName,
  SEGMENT_SUFFIXES,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../file-names.ts';
import type { LogConfig } from '../log-config.ts';
import { OffsetIndex } from '../offset-index.ts';
import { RELATIVE_OFFSET_MAX } from '../segment.ts';
import { type TimeEntry, TimeIndex } from '../time-index.ts';
import { type AbortedTransaction, TransactionIndex } from '../transaction-index.ts';

const NO_TIMESTAMP: TimeEntry = { timestamp: -1, offset: -1 };

export class CleanedSegment {
  readonly baseOffset: number;
  sizeBytes = 0;
  readonly #disk: Disk;
  /** Directory and offset, without a suffix. */
  readonly #path: string;
  readonly #config: LogConfig;
  readonly #ioBytes: number;
  readonly #index: OffsetIndex;
  readonly #timeIndex: TimeIndex;
  readonly #transactions: TransactionIndex;
  #file: DiskFile | null = null;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #largest = NO_TIMESTAMP;
  #bytesSinceIndexEntry = 0;

  constructor(
    disk: Disk,
    directory: string,
    baseOffset: number,
    options: { readonly config: LogConfig; readonly ioBytes: number },
  ) {
    this.#disk = disk;
    this.baseOffset = baseOffset;
    this.#path = `${directory}/${offsetName(baseOffset)}`;
    this.#config = options.config;
    this.#ioBytes = options.ioBytes;
    this.#index = new OffsetIndex(this.#path + INDEX_SUFFIX + CLEANED_SUFFIX, baseOffset);
    this.#timeIndex = new TimeIndex(this.#path + TIME_INDEX_SUFFIX + CLEANED_SUFFIX, baseOffset);
    this.#transactions = new TransactionIndex(
      this.#path + TRANSACTION_INDEX_SUFFIX + CLEANED_SUFFIX,
    );
  }

  /** Makes the files, over what an earlier run may have left. */
  async create(): Promise<void> {
    await this.discard();
    this.#file = this.#disk.openSync(this.#path + LOG_SUFFIX + CLEANED_SUFFIX, 'write');
    this.#index.file.reset();
    this.#timeIndex.file.reset();
  }

  /** Adds a batch; holds its memory (system/buffer-pool.ts) until it is written. */
  add(batch: RecordBatch): void {
    const { lastOffset, maxTimestamp } = batch;
    if (lastOffset - this.baseOffset > RELATIVE_OFFSET_MAX)
      throw new Error(`offset ${lastOffset} is out of reach of segment ${this.baseOffset}`);
    if (maxTimestamp > this.#largest.timestamp)
      this.#largest = { timestamp: maxTimestamp, offset: lastOffset };
    const { indexIntervalBytes, segmentIndexBytes } = this.#config;
    if (this.#bytesSinceIndexEntry > indexIntervalBytes && !this.#index.isFull(segmentIndexBytes)) {
      this.#index.append(lastOffset, this.sizeBytes);
      if (!this.#timeIndex.isFull(segmentIndexBytes)) this.#noteTime();
      this.#bytesSinceIndexEntry = 0;
    }
    const bytes = batch.bytes();
    this.#bytesSinceIndexEntry += bytes.length;
    this.sizeBytes += bytes.length;
    bufferPool.retain(bytes);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  addTransactions(entries: readonly AbortedTransaction[]): void {
    if (entries.length === 0) return;
    this.#transactions.appendSync(this.#disk, entries);
  }

  /** Whether enough is gathered to be written. */
  get isFlushDue(): boolean {
    return this.#pendingBytes >= this.#ioBytes;
  }

  /** Writes what is gathered; returns the count of bytes. */
  async flush(): Promise<number> {
    const pending = this.#pending;
    const bytes = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (bytes > 0) await this.#file?.write(pending, this.sizeBytes - bytes);
    for (const written of pending) bufferPool.release(written);
    return bytes;
  }

  /** Writes the rest, brings everything to the device and lets go of the files. */
  async finish(modifiedMs: number): Promise<void> {
    await this.flush();
    this.#noteTime();
    await this.#index.file.write(this.#disk, { fullBytes: null, sync: true });
    await this.#timeIndex.file.write(this.#disk, { fullBytes: null, sync: true });
    await this.#transactions.sync(this.#disk);
    await this.#file?.sync();
    await this.#close();
    // Retention goes by it where records have no timestamp.
    for (const suffix of [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX])
      await this.#disk.setModified(this.#path + suffix + CLEANED_SUFFIX, modifiedMs);
  }

  /** Removes the files. */
  async discard(): Promise<void> {
    await this.#close();
    for (const suffix of SEGMENT_SUFFIXES)
      await this.#disk.remove(this.#path + suffix + CLEANED_SUFFIX);
  }

  #noteTime(): void {
    this.#timeIndex.append(this.#largest.timestamp, this.#largest.offset);
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}
