/**
 * The batches of a buffer, one behind the other, as a log file, a request or a fetched partition holds them. What is in a
 * batch is record-batch.ts.
 */
import { errorCodes, ProtocolError } from './errors.ts';
import { readInt32 } from './integers.ts';
import { BATCH_OVERHEAD, LOG_OVERHEAD, RecordBatch } from './record-batch.ts';

/** What the size field must say at least, for any magic. */
export const BATCH_SIZE_FIELD_MIN = 14;

/**
 * Bytes of the batch at `position` including overhead, -1 when fewer than 12 bytes are left. May
 * exceed the buffer.
 */
export const batchSizeAt = (buffer: Buffer, position: number): number =>
  buffer.length - position < LOG_OVERHEAD ? -1 : readInt32(buffer, position + 8) + LOG_OVERHEAD;

/**
 * The whole batch at `position`; null when there is none. Throws CORRUPT_MESSAGE at a size or magic that no batch can
 * have; like Kafka it looks at the size before completeness.
 */
export const batchAt = (buffer: Buffer, position: number): RecordBatch | null => {
  const size = batchSizeAt(buffer, position);
  if (size === -1) return null;
  if (size < LOG_OVERHEAD + BATCH_SIZE_FIELD_MIN) {
    throw new ProtocolError(errorCodes.CORRUPT_MESSAGE, `batch of ${size} bytes`);
  }
  if (buffer.length - position < LOG_OVERHEAD + 5) return null;
  const magic = buffer[position + 16] as number;
  if (magic > 2) {
    throw new ProtocolError(errorCodes.CORRUPT_MESSAGE, `batch with magic ${magic}`);
  }
  if (size > buffer.length - position) return null;
  if (magic === 2 && size < BATCH_OVERHEAD) {
    throw new ProtocolError(errorCodes.CORRUPT_MESSAGE, `batch of ${size} bytes`);
  }
  return new RecordBatch(buffer, position);
};

/** The whole batch behind `batch` in the same buffer; null when there is none. Throws as `batchAt`. */
export const batchAfter = (batch: RecordBatch): RecordBatch | null =>
  batchAt(batch.buffer, batch.position + batch.sizeBytes);

/** The whole batches of a buffer; a partial one at the end is left out. Throws as `batchAt`. */
export function* batches(buffer: Buffer): Generator<RecordBatch> {
  for (let batch = batchAt(buffer, 0); batch !== null; batch = batchAfter(batch)) yield batch;
}
