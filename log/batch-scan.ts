/**
 * Walks the batches of a segment file in slices, so that neither memory nor the event loop is taken
 * by a whole file at once. Follows Kafka's rules for files: a partial batch ends the walk quietly,
 * an impossible size is corruption, the magic is not judged. Checksums are the caller's business.
 */
import { LOG_OVERHEAD, RecordBatch } from '../protocol/record-batch.ts';
import type { BufferPool } from '../system/buffer-pool.ts';
import type { DiskFile } from '../system/disk.ts';

/** Offset, size, epoch and magic: what must be there for a batch to be recognised. */
const PREFIX_BYTES = 17;
const SIZE_FIELD_MIN = 14;
export const SLICE_BYTES = 256 * 1024;

/** Bytes of a log file that cannot be a batch. */
export class CorruptLogError extends Error {
  override readonly name = 'CorruptLogError';
}

export interface Slice {
  /** Where in the file the slice begins, which is where a batch begins. */
  readonly position: number;
  /** One or more whole batches. */
  readonly buffer: Buffer;
}

/**
 * The size of the batch at `position`; -1 when the buffer has too little of it to tell. Throws
 * `CorruptLogError`.
 */
const sizeAt = (buffer: Buffer, position: number): number => {
  if (buffer.length - position < PREFIX_BYTES) return -1;
  const size = buffer.readInt32BE(position + 8);
  if (size < SIZE_FIELD_MIN) throw new CorruptLogError(`a batch with a size of ${size}`);
  return size + LOG_OVERHEAD;
};

/**
 * End of the last whole batch in `buffer`, or the size of the first one where not even that is
 * whole.
 */
const wholeBytes = (buffer: Buffer): { whole: number; firstSize: number } => {
  let position = 0;
  const firstSize = sizeAt(buffer, 0);
  for (;;) {
    let size: number;
    try {
      size = sizeAt(buffer, position);
    } catch (error) {
      // What lies before the corruption is handed out first; the next slice begins with it and
      // throws.
      if (position > 0) return { whole: position, firstSize };
      throw error;
    }
    if (size === -1 || position + size > buffer.length) return { whole: position, firstSize };
    position += size;
  }
};

/** Where slices get their memory; who takes a slice is its holder. */
export type SliceMemory = Pick<BufferPool, 'take' | 'release'>;

const ownMemory: SliceMemory = {
  take: (byteCount) => Buffer.allocUnsafe(byteCount),
  release: () => {},
};

/** Slices of whole batches of `file` between two positions; throws `CorruptLogError`. */
export async function* scanSlices(
  file: DiskFile,
  from: number,
  end: number,
  sliceBytes = SLICE_BYTES,
  memory: SliceMemory = ownMemory,
): AsyncGenerator<Slice> {
  let position = from;
  let wanted = sliceBytes;
  while (end - position >= PREFIX_BYTES) {
    const buffer = memory.take(Math.min(wanted, end - position));
    const count = await file.read(buffer, position);
    const { whole, firstSize } = wholeBytes(buffer.subarray(0, count));
    if (whole === 0) {
      memory.release(buffer);
      // Not one whole batch: it is either larger than a slice, or it is the partial one at the end.
      if (firstSize === -1 || position + firstSize > end || count < buffer.length) return;
      wanted = firstSize;
      continue;
    }
    // Large batches come one after the other.
    wanted = Math.max(sliceBytes, firstSize);
    yield { position, buffer: buffer.subarray(0, whole) };
    position += whole;
  }
}

/** The batches of a slice, or of any buffer that holds nothing but whole batches of any magic. */
export function* wholeBatches(buffer: Buffer): Generator<RecordBatch> {
  for (let position = 0; position < buffer.length; ) {
    const batch = new RecordBatch(buffer, position);
    yield batch;
    position += batch.sizeBytes;
  }
}
