/**
 * Decides what is done to records on the event loop and what in a thread. Plain batches and small compressed ones are worked
 * on at once: handing them over would cost more. Large ones, and small ones that turn out to hold much more than they should,
 * go to a thread, so that nobody can hold up the loop with a few bytes. Where there are no threads everything is done at once.
 */
import { type Codec, CompressionError, codecs } from '../protocol/compression.ts';
import { type DownConversion, downConvert } from '../protocol/down-conversion.ts';
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { assembleBatch, type BatchHeader, type RecordBatch } from '../protocol/record-batch.ts';
import type { System } from '../system/system.ts';
import { WorkerError, type WorkerPool } from '../system/workers.ts';
import {
  bytesFrom,
  convertedFrom,
  RECORD_TASKS_URL,
  type RecordRequest,
  type RecordResult,
  validatedFrom,
} from './record-tasks.ts';
import { validateForLeader } from './validate-append.ts';
import { targetCodec, type ValidatedBatch, type ValidationOptions } from './validate-rules.ts';

/**
 * The largest batches that are worked on at once: measured, handing one over costs a tenth of a millisecond, and these take
 * up to one.
 */
const INLINE_BYTES_MAX: Readonly<Record<Codec, number>> = {
  none: Number.POSITIVE_INFINITY,
  snappy: 128 * 1024,
  lz4: 128 * 1024,
  zstd: 32 * 1024,
  gzip: 32 * 1024,
};
/** What a batch that is worked on at once may become when decompressed. */
const INLINE_UNCOMPRESSED_BYTES_MAX = 1024 * 1024;
/** The same for those that have to be written anew; compressing is dear. */
const INLINE_REBUILT_BYTES_MAX = 16 * 1024;
const INLINE_REBUILT_UNCOMPRESSED_BYTES_MAX = 64 * 1024;
/** Records that are converted at once, however small they were made. */
const INLINE_CONVERSION_BYTES_MAX = 1024;

const CODEC_MASK = 0x07;
const MAGIC_AT = 16;
const OLD_ATTRIBUTES_AT = 17;
const ATTRIBUTES_AT = 22;

/** As `validateForLeader`; a promise where a thread does it, on a copy of the records. */
export const validateRecords = (
  system: Pick<System, 'workers'>,
  records: Buffer,
  options: ValidationOptions,
): ValidatedBatch | null | Promise<ValidatedBatch | null> => {
  const source = codecOf(records);
  const isRebuilt =
    isOld(records) || targetCodec(source, options.config.compressionType) !== source;
  if (source === 'none' && !isRebuilt) return validateForLeader(records, options);
  const pool = system.workers?.pool(RECORD_TASKS_URL) ?? null;
  if (pool === null) return validateForLeader(records, options);
  if (records.length <= (isRebuilt ? INLINE_REBUILT_BYTES_MAX : INLINE_BYTES_MAX[source])) {
    const uncompressedBytesMax = isRebuilt
      ? INLINE_REBUILT_UNCOMPRESSED_BYTES_MAX
      : INLINE_UNCOMPRESSED_BYTES_MAX;
    try {
      return validateForLeader(records, { ...options, uncompressedBytesMax });
    } catch (error) {
      // It may be too large for the topic, or for this thread only.
      const isTooLarge = error instanceof ProtocolError && error.code === MESSAGE_TOO_LARGE;
      if (!isTooLarge) throw error;
    }
  }
  return validateInThread(pool, records, options);
};

const { MESSAGE_TOO_LARGE } = errorCodes;

const isOld = (records: Buffer): boolean =>
  records.length > MAGIC_AT && (records[MAGIC_AT] as number) < 2;

/** The codec that the first batch says it has; what cannot be read counts as none, and fails at once. */
const codecOf = (records: Buffer): Codec => {
  if (records.length <= ATTRIBUTES_AT) return 'none';
  const at = isOld(records) ? OLD_ATTRIBUTES_AT : ATTRIBUTES_AT;
  return codecs[(records[at] as number) & CODEC_MASK] ?? 'none';
};

const validateInThread = async (
  pool: WorkerPool,
  records: Buffer,
  options: ValidationOptions,
): Promise<ValidatedBatch | null> => {
  const request = { task: 'validate', options } as const;
  const result = await runInThread(pool, records, request);
  return result === null ? validateForLeader(records, options) : validatedFrom(result);
};

/** As `downConvert`; large amounts in a thread. Rejects with ProtocolError. */
export const convertRecords = async (
  system: Pick<System, 'workers'>,
  records: Buffer,
  options: DownConversion,
): Promise<readonly Buffer[]> => {
  const isSmall = records.length <= INLINE_CONVERSION_BYTES_MAX;
  const pool = isSmall ? null : (system.workers?.pool(RECORD_TASKS_URL) ?? null);
  if (pool === null) return downConvert(records, options);
  const result = await runInThread(pool, records, { task: 'convert', options });
  return result === null ? downConvert(records, options) : convertedFrom(result);
};

/** The bytes of a batch's records (magic 2); a promise where a thread decompresses them. Throws CompressionError. */
export const decompressRecords = (
  system: Pick<System, 'workers'>,
  batch: RecordBatch,
): Buffer | Promise<Buffer> => {
  const { compression, sizeBytes } = batch;
  const pool = compression === 'none' ? null : (system.workers?.pool(RECORD_TASKS_URL) ?? null);
  if (pool === null) return batch.recordBytes();
  if (sizeBytes <= INLINE_BYTES_MAX[compression]) {
    try {
      return batch.recordBytes(INLINE_UNCOMPRESSED_BYTES_MAX);
    } catch (error) {
      const isTooLarge = error instanceof CompressionError && error.reason === 'tooLarge';
      if (!isTooLarge) throw error;
    }
  }
  return runInThread(pool, batch.bytes(), { task: 'decompress' }).then((result) =>
    result === null ? batch.recordBytes() : bytesFrom(result),
  );
};

/** As `assembleBatch`; a promise where a thread compresses the records. */
export const assembleRecords = (
  system: Pick<System, 'workers'>,
  header: BatchHeader,
  records: Buffer,
): Buffer | Promise<Buffer> => {
  const isCheap =
    (header.compression ?? 'none') === 'none' ||
    records.length <= INLINE_REBUILT_UNCOMPRESSED_BYTES_MAX;
  const pool = isCheap ? null : (system.workers?.pool(RECORD_TASKS_URL) ?? null);
  if (pool === null) return assembleBatch(header, records);
  return runInThread(pool, records, { task: 'assemble', header }).then((result) =>
    result === null ? assembleBatch(header, records) : bytesFrom(result),
  );
};

type Task = RecordRequest extends infer R
  ? R extends unknown
    ? Omit<R, 'records'>
    : never
  : never;

/** Null when the thread has failed: then the work is done here. */
const runInThread = async (
  pool: WorkerPool,
  records: Buffer,
  request: Task,
): Promise<RecordResult | null> => {
  const copy = new Uint8Array(records);
  try {
    return (await pool.run({ ...request, records: copy }, [copy.buffer])) as RecordResult;
  } catch (error) {
    if (error instanceof WorkerError) return null;
    throw error;
  }
};
