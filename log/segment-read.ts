/**
 * Reads whole batches from a segment's file: one positioned read through the sparse index in the
 * usual case. What is not in the page cache is read on the thread pool, so that a disk seek never
 * stops the event loop.
 */
import { LOG_OVERHEAD, RecordBatch } from '../protocol/record-batch.ts';
import { bufferPool } from '../system/buffer-pool.ts';
import type { DiskFile } from '../system/disk.ts';
import { CorruptLogError } from './batch-scan.ts';
import type { Segment } from './segment.ts';

export interface ReadLimits {
  readonly maxBytes: number;
  /** Exclusive: batches that reach it are left out. */
  readonly endOffset: number;
  /** The first batch is returned even when it alone exceeds `maxBytes`. */
  readonly minOneBatch: boolean;
}

export interface LogRead {
  readonly buffers: readonly Buffer[];
  readonly sizeBytes: number;
}

export const EMPTY_READ: LogRead = { buffers: [], sizeBytes: 0 };

/** As much of a batch as tells its offsets: up to the last offset delta of magic 2. */
const OFFSETS_BYTES = 27;
/** Bytes of a batch of magic 0 may be fewer. */
const OLD_BATCH_BYTES_MIN = LOG_OVERHEAD + 14;

/**
 * The batches from the one that holds `offset` on; null when the segment has none that reaches it
 * (the rest of the segment was compacted away), so that the next one must be asked.
 */
export const readSegment = (
  segment: Segment,
  offset: number,
  limits: ReadLimits,
): Promise<LogRead | null> =>
  segment.withFile(async (file) => {
    await segment.loadIndexes();
    const end = segment.sizeBytes;
    // A cut begins with new ones, so that a read under way does no harm.
    const { readPlaces } = segment;
    const place = readPlaces.at(offset);
    const range = place === null ? segment.index.rangeAt(offset) : { from: place, to: place };
    let position = Math.min(range.from, end);
    // Enough for the stretch up to the next index entry, in which the batch begins, and for what is
    // asked for.
    let wanted = Math.max(range.to - range.from, 0) + Math.max(limits.maxBytes, OFFSETS_BYTES);
    while (end - position >= OLD_BATCH_BYTES_MIN) {
      const buffer = await readUpTo(file, position, Math.min(wanted, end - position));
      const found = findBatch(buffer, offset);
      if (found.isFound) {
        const at = position + found.position;
        // Damage: a size that points out of the file. What follows is in the next segment.
        if (new RecordBatch(buffer, found.position).sizeBytes > end - at) return null;
        const { read, nextOffset } = await collect(file, buffer, at, found, limits);
        if (read.sizeBytes > 0) readPlaces.note(nextOffset, at + read.sizeBytes);
        return read;
      }
      if (found.position === 0) return null;
      position += found.position;
      wanted = Math.max(limits.maxBytes, OFFSETS_BYTES);
    }
    return null;
  });

interface Found {
  /** In the buffer: where the batch begins, or else where to read on. */
  readonly position: number;
  readonly isFound: boolean;
}

/** Steps over the batches that end below `offset`. */
const findBatch = (buffer: Buffer, offset: number): Found => {
  let position = 0;
  while (buffer.length - position >= OFFSETS_BYTES || holdsOldBatch(buffer, position)) {
    const batch = new RecordBatch(buffer, position);
    if (batch.sizeBytes < OLD_BATCH_BYTES_MIN)
      throw new CorruptLogError(`a batch of ${batch.sizeBytes} bytes`);
    if (batch.lastOffset >= offset) return { position, isFound: true };
    position += batch.sizeBytes;
    if (position > buffer.length) break;
  }
  return { position, isFound: false };
};

const holdsOldBatch = (buffer: Buffer, position: number): boolean =>
  buffer.length - position >= OLD_BATCH_BYTES_MIN && new RecordBatch(buffer, position).isOld;

/**
 * Whole batches from `found.position` of `buffer` on, and the offset behind them; reads the first one
 * anew where the buffer has only its start.
 */
const collect = async (
  file: DiskFile,
  buffer: Buffer,
  filePosition: number,
  found: Found,
  limits: ReadLimits,
): Promise<{ read: LogRead; nextOffset: number }> => {
  const first = new RecordBatch(buffer, found.position);
  const { sizeBytes: firstSize } = first;
  let { nextOffset } = first;
  const nothing = { read: EMPTY_READ, nextOffset };
  if (first.lastOffset >= limits.endOffset) return nothing;
  if (firstSize > limits.maxBytes && !limits.minOneBatch) return nothing;
  if (found.position + firstSize > buffer.length) {
    const whole = await readUpTo(file, filePosition, firstSize);
    if (whole.length < firstSize) return nothing;
    return { read: { buffers: [whole], sizeBytes: firstSize }, nextOffset };
  }
  let end = found.position + firstSize;
  const limit = Math.min(buffer.length, found.position + limits.maxBytes);
  while (limit - end >= OFFSETS_BYTES || holdsOldBatch(buffer.subarray(0, limit), end)) {
    const next = new RecordBatch(buffer, end);
    if (next.sizeBytes < OLD_BATCH_BYTES_MIN || end + next.sizeBytes > limit) break;
    if (next.lastOffset >= limits.endOffset) break;
    end += next.sizeBytes;
    nextOffset = next.nextOffset;
  }
  const bytes = buffer.subarray(found.position, end);
  return { read: { buffers: [bytes], sizeBytes: bytes.length }, nextOffset };
};

const readUpTo = async (file: DiskFile, position: number, length: number): Promise<Buffer> => {
  // The reader is its holder and may release it.
  const buffer = bufferPool.take(length);
  if (file.readCached?.(buffer, position) === length) return buffer;
  const count = await file.read(buffer, position);
  return count === length ? buffer : buffer.subarray(0, count);
};
