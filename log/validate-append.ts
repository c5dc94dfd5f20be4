/**
 * What a leader checks before it takes records, and how it brings them into the form the topic
 * wants (Kafka's LogValidator): sizes, checksum, counts, keys, timestamps; in place where the codec
 * fits, rebuilt where it does not. Pure. Offsets are given later, in queue order (`stampBatch`);
 * sequences are checked by producer-state.ts. Batches of magic 0 and 1 are refused.
 */

import { type Codec, CompressionError } from '../protocol/compression.ts';
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { InvalidRecordError, saturateTimestamp } from '../protocol/record.ts';
import {
  assembleBatch,
  batches,
  buildBatch,
  RecordBatch,
  type TimestampType,
} from '../protocol/record-batch.ts';
import type { LogConfig } from './log-config.ts';

export interface ValidationOptions {
  readonly config: Pick<
    LogConfig,
    | 'maxMessageBytes'
    | 'cleanupCompact'
    | 'compressionType'
    | 'compressionGzipLevel'
    | 'compressionLz4Level'
    | 'compressionZstdLevel'
    | 'messageTimestampType'
    | 'messageTimestampBeforeMaxMs'
    | 'messageTimestampAfterMaxMs'
  >;
  /** Coordinators may write control batches and need not keep sequences. */
  readonly origin: 'client' | 'coordinator';
  readonly nowMs: number;
}

/** A batch that may be appended once it is stamped. */
export interface ValidatedBatch {
  /** A view of the given bytes, or of new ones if the batch had to be rebuilt. */
  readonly batch: RecordBatch;
  readonly maxTimestamp: number;
  /** The broker's time under LogAppendTime, -1 under CreateTime. */
  readonly logAppendTimeMs: number;
  readonly isRebuilt: boolean;
}

/** Why one record of a batch was refused. */
export interface RecordError {
  /** The place of the record in its batch. */
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string;
}

/** Some records were refused, and with them the batch; the answer names each. */
export class InvalidRecordsError extends ProtocolError {
  readonly recordErrors: readonly RecordError[];

  constructor(code: number, recordErrors: readonly RecordError[]) {
    super(code, `${recordErrors.length} invalid records: ${summary(recordErrors)}`);
    this.recordErrors = recordErrors;
  }
}

/** The message shows this many of the errors. */
const ERRORS_SHOWN_MAX = 3;

const summary = (recordErrors: readonly RecordError[]): string =>
  recordErrors
    .slice(0, ERRORS_SHOWN_MAX)
    .map((error) => `record ${error.batchIndex}: ${error.batchIndexErrorMessage}`)
    .join('; ');

/** The largest uncompressed form of one batch that is taken apart to be checked. */
const UNCOMPRESSED_BYTES_MAX = 128 * 1024 * 1024;

/**
 * Checks the one batch in `records`, changes its timestamp fields in place, or rebuilds it. Throws
 * ProtocolError, for refused records InvalidRecordsError; then the bytes are unchanged.
 */
export const validateForLeader = (records: Buffer, options: ValidationOptions): ValidatedBatch => {
  const batch = onlyBatch(records);
  checkBatch(batch, options);
  try {
    return checkRecords(batch, options);
  } catch (error) {
    if (error instanceof InvalidRecordError) {
      throw new ProtocolError(errorCodes.INVALID_RECORD, error.message, { cause: error });
    }
    if (error instanceof CompressionError) {
      const isTooLarge = error.reason === 'tooLarge';
      const code = isTooLarge ? errorCodes.MESSAGE_TOO_LARGE : errorCodes.UNKNOWN_SERVER_ERROR;
      throw new ProtocolError(code, error.message, { cause: error });
    }
    throw error;
  }
};

/** Gives a batch its place in the log; neither field is part of the checksum. */
export const stampBatch = (batch: RecordBatch, baseOffset: number, leaderEpoch: number): void => {
  batch.setBaseOffset(baseOffset);
  batch.setPartitionLeaderEpoch(leaderEpoch);
};

const invalid = (message: string): ProtocolError =>
  new ProtocolError(errorCodes.INVALID_RECORD, message);

/** What follows the batch and is not a whole batch is ignored, as Kafka does. */
const onlyBatch = (records: Buffer): RecordBatch => {
  const [batch, second] = batches(records);
  if (batch === undefined) throw invalid('no record batch');
  if (batch.isOld) throw new ProtocolError(errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT);
  if (second !== undefined) throw invalid('more than one record batch');
  return batch;
};

/** What the header alone tells, in Kafka's order. */
const checkBatch = (batch: RecordBatch, { config, origin }: ValidationOptions): void => {
  const isClient = origin === 'client';
  if (isClient && batch.baseOffset !== 0) throw invalid('base offset is not 0');
  if (batch.sizeBytes > config.maxMessageBytes) throw tooLarge(batch, config.maxMessageBytes);
  if (!batch.isCrcValid()) throw new ProtocolError(errorCodes.CORRUPT_MESSAGE);
  if (!isClient) return;
  const count = batch.recordCount;
  if (count <= 0 || count !== batch.lastOffsetDelta + 1) {
    throw invalid(`${count} records for last offset delta ${batch.lastOffsetDelta}`);
  }
  if (batch.isControl) throw invalid('clients may not write control batches');
  if (batch.hasProducerId && batch.baseSequence < 0) throw invalid('producer id without sequence');
  // Exact up to 2^53; brokers never hand out such an id.
  if (!Number.isSafeInteger(batch.producerId)) throw invalid('producer id out of range');
};

const tooLarge = (batch: RecordBatch, bytesMax: number): ProtocolError =>
  new ProtocolError(
    errorCodes.MESSAGE_TOO_LARGE,
    `the batch has ${batch.sizeBytes} bytes, the topic allows ${bytesMax}`,
  );

interface Walked {
  /** -1 when no record has a timestamp. */
  readonly maxTimestamp: number;
  /** The offsets count 0, 1, 2 … */
  readonly hasPlainOffsets: boolean;
}

const checkRecords = (batch: RecordBatch, options: ValidationOptions): ValidatedBatch => {
  const { config, nowMs } = options;
  const source = batch.compression;
  const target = targetCodec(batch, config.compressionType);
  const bytes = batch.recordBytes(UNCOMPRESSED_BYTES_MAX);
  const walked = walk(batch, bytes, options);
  const isAppendTime = config.messageTimestampType === 'LogAppendTime';
  const timestampType: TimestampType = isAppendTime ? 'logAppendTime' : 'createTime';
  const maxTimestamp = isAppendTime ? nowMs : walked.maxTimestamp;
  const logAppendTimeMs = isAppendTime ? nowMs : -1;
  // Without compression Kafka does not look at the offsets of the records, only at their count.
  if (source === target && (walked.hasPlainOffsets || source === 'none')) {
    batch.setMaxTimestamp(timestampType, maxTimestamp);
    return { batch, maxTimestamp, logAppendTimeMs, isRebuilt: false };
  }
  const rebuilt = rebuild(batch, bytes, {
    compression: target,
    level: levelOf(target, config),
    hasPlainOffsets: walked.hasPlainOffsets,
  });
  rebuilt.setMaxTimestamp(timestampType, maxTimestamp);
  if (rebuilt.sizeBytes > config.maxMessageBytes) throw tooLarge(rebuilt, config.maxMessageBytes);
  return { batch: rebuilt, maxTimestamp, logAppendTimeMs, isRebuilt: true };
};

const targetCodec = (batch: RecordBatch, type: LogConfig['compressionType']): Codec => {
  const source = batch.compression;
  if (type === 'producer' || (batch.isControl && source === 'none')) return source;
  return type === 'uncompressed' ? 'none' : type;
};

const levelOf = (codec: Codec, config: ValidationOptions['config']): number | undefined => {
  if (codec === 'gzip') return config.compressionGzipLevel;
  if (codec === 'lz4') return config.compressionLz4Level;
  return codec === 'zstd' ? config.compressionZstdLevel : undefined;
};

/** Goes through the records once: structure, keys, timestamps. Makes no object per record. */
const walk = (batch: RecordBatch, bytes: Buffer, options: ValidationOptions): Walked => {
  const { config, nowMs } = options;
  const { baseTimestamp } = batch;
  const appendTime = batch.timestampType === 'logAppendTime' ? batch.maxTimestamp : null;
  const isCreateTime = config.messageTimestampType === 'CreateTime';
  const timestampMin = nowMs - config.messageTimestampBeforeMaxMs;
  const timestampMax = nowMs + config.messageTimestampAfterMaxMs;
  const refused = new Refusals();
  const cursor = batch.cursor(bytes);
  let maxTimestamp = -1;
  let hasPlainOffsets = true;
  for (let index = 0; cursor.next(); index++) {
    const timestamp = appendTime ?? saturateTimestamp(baseTimestamp + cursor.timestampDelta);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    if (cursor.offsetDelta !== index) hasPlainOffsets = false;
    if (config.cleanupCompact && cursor.keyBytes < 0) refused.add(index, 'key');
    else if (isCreateTime && timestamp !== -1) {
      if (timestamp < timestampMin || timestamp > timestampMax) refused.add(index, 'time');
    } else if (appendTime !== null) refused.add(index, 'type');
  }
  refused.throwIfAny();
  return { maxTimestamp, hasPlainOffsets };
};

const REASONS = {
  key: 'a compacted topic takes no record without a key',
  time: 'the timestamp is out of the range that the topic allows',
  type: 'a producer may not set the timestamp type LogAppendTime',
} as const;

/** The refused records of a batch; costs nothing while there are none. */
class Refusals {
  #errors: RecordError[] | null = null;
  #code: number = errorCodes.INVALID_RECORD;

  add(batchIndex: number, reason: keyof typeof REASONS): void {
    this.#errors ??= [];
    this.#errors.push({ batchIndex, batchIndexErrorMessage: REASONS[reason] });
    if (reason !== 'key') this.#code = errorCodes.INVALID_TIMESTAMP;
  }

  throwIfAny(): void {
    if (this.#errors !== null) throw new InvalidRecordsError(this.#code, this.#errors);
  }
}

interface RebuildOptions {
  readonly compression: Codec;
  readonly level: number | undefined;
  readonly hasPlainOffsets: boolean;
}

/** The same records in a new batch with another codec, offsets counted from 0. */
const rebuild = (batch: RecordBatch, bytes: Buffer, options: RebuildOptions): RecordBatch => {
  const { compression, level } = options;
  const identity = {
    compression,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
  };
  if (!options.hasPlainOffsets) {
    const records = [...batch.records(UNCOMPRESSED_BYTES_MAX)];
    const levelOption = level === undefined ? {} : { compressionLevel: level };
    return new RecordBatch(buildBatch({ ...identity, ...levelOption, records }), 0);
  }
  const header = {
    ...identity,
    lastOffsetDelta: batch.lastOffsetDelta,
    baseTimestamp: batch.baseTimestamp,
    maxTimestamp: batch.maxTimestamp,
    recordCount: batch.recordCount,
  };
  return new RecordBatch(assembleBatch(header, bytes, level), 0);
};
