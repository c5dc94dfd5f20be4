/**
 * What a leader checks before it takes records, and how it brings them into the form the topic
 * wants (Kafka's LogValidator): sizes, checksum, counts, keys, timestamps; in place where the codec
 * fits, rebuilt where it does not. Pure. Messages of magic 0 and 1 become a batch
 * (validate-messages.ts). Offsets are given later, in queue order (`stampBatch`); sequences are
 * checked by producer-state.ts.
 */

import { batchAfter, batchAt } from '../protocol/batches.ts';
import { type Codec, CompressionError } from '../protocol/compression.ts';
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { InvalidRecordError, saturateTimestamp } from '../protocol/record.ts';
import {
  assembleBatch,
  buildBatch,
  RecordBatch,
  type TimestampType,
} from '../protocol/record-batch.ts';
import { Refusals } from './validate-errors.ts';
import { validateMessages } from './validate-messages.ts';
import {
  checkSize,
  checkWritable,
  invalid,
  levelOf,
  RecordRules,
  targetCodec,
  UNCOMPRESSED_BYTES_MAX,
  type ValidatedBatch,
  type ValidationOptions,
} from './validate-rules.ts';

/**
 * Checks what `records` holds, one batch or messages of the old formats; changes the timestamp
 * fields of the batch in place, or rebuilds it. Null when there is nothing whole in it, which is no
 * error. Throws ProtocolError, for refused records InvalidRecordsError; then the bytes are
 * unchanged.
 */
export const validateForLeader = (
  records: Buffer,
  options: ValidationOptions,
): ValidatedBatch | null => {
  const found = wholeBatches(records, options);
  const [first] = found;
  if (first === undefined) return null;
  try {
    if (first.isOld) return validateMessages(found, options);
    if (found.length > 1) throw invalid('more than one record batch');
    checkHeader(first, options);
    return checkRecords(first, options);
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

/**
 * All batches and messages, with what Kafka checks before it looks at any of them closely. What
 * follows and is not whole is ignored.
 */
const wholeBatches = (records: Buffer, { config, origin }: ValidationOptions): RecordBatch[] => {
  const found: RecordBatch[] = [];
  for (let batch = batchAt(records, 0); batch !== null; batch = batchAfter(batch)) {
    if (origin === 'client' && !batch.isOld && batch.baseOffset !== 0)
      throw invalid('base offset is not 0');
    checkSize(batch, config.maxMessageBytes);
    if (!batch.isCrcValid()) throw new ProtocolError(errorCodes.CORRUPT_MESSAGE);
    // Asked for its error, which comes before those of LogValidator.
    void batch.compression;
    found.push(batch);
  }
  return found;
};

/** What the header alone tells, in Kafka's order. */
const checkHeader = (batch: RecordBatch, { origin }: ValidationOptions): void => {
  if (origin !== 'client') return;
  const count = batch.recordCount;
  if (count <= 0 || count !== batch.lastOffsetDelta + 1) {
    throw invalid(`${count} records for last offset delta ${batch.lastOffsetDelta}`);
  }
  if (batch.isControl) throw invalid('clients may not write control batches');
  if (batch.hasProducerId && batch.baseSequence < 0) throw invalid('producer id without sequence');
  // Exact up to 2^53; brokers never hand out such an id.
  if (!Number.isSafeInteger(batch.producerId)) throw invalid('producer id out of range');
};

interface Walked {
  /** -1 when no record has a timestamp. */
  readonly maxTimestamp: number;
  /** The smallest of them. */
  readonly minTimestamp: number;
  /** The offsets count 0, 1, 2 … */
  readonly hasPlainOffsets: boolean;
}

const checkRecords = (batch: RecordBatch, options: ValidationOptions): ValidatedBatch => {
  const { config, nowMs, uncompressedBytesMax = UNCOMPRESSED_BYTES_MAX } = options;
  const source = batch.compression;
  // Markers are never compressed.
  const isKept = batch.isControl && source === 'none';
  const target = isKept ? source : targetCodec(source, config.compressionType);
  const bytes = batch.recordBytes(uncompressedBytesMax);
  const walked = walk(batch, bytes, options);
  const isAppendTime = config.messageTimestampType === 'LogAppendTime';
  const timestampType: TimestampType = isAppendTime ? 'logAppendTime' : 'createTime';
  const maxTimestamp = isAppendTime ? nowMs : walked.maxTimestamp;
  const logAppendTimeMs = isAppendTime ? nowMs : -1;
  if (source === target) {
    // Without compression Kafka does not look at the offsets of the records, only at their count.
    // With it, it means to write them anew, and fails at that (measured).
    if (source !== 'none' && !walked.hasPlainOffsets)
      throw new ProtocolError(errorCodes.UNKNOWN_SERVER_ERROR, 'offsets that do not count up');
    batch.setMaxTimestamp(timestampType, maxTimestamp);
    return { batch, maxTimestamp, logAppendTimeMs, isRebuilt: false };
  }
  checkWritable(walked.minTimestamp);
  const rebuilt = rebuild(batch, bytes, {
    compression: target,
    level: levelOf(target, config),
    hasPlainOffsets: walked.hasPlainOffsets,
  });
  rebuilt.setMaxTimestamp(timestampType, maxTimestamp);
  checkSize(rebuilt, config.maxMessageBytes);
  return { batch: rebuilt, maxTimestamp, logAppendTimeMs, isRebuilt: true };
};

/** Goes through the records once: structure, keys, timestamps. Makes no object per record. */
const walk = (batch: RecordBatch, bytes: Buffer, options: ValidationOptions): Walked => {
  const { baseTimestamp } = batch;
  const appendTime = batch.timestampType === 'logAppendTime' ? batch.maxTimestamp : null;
  const refusals = new Refusals();
  const rules = new RecordRules(options, refusals);
  const cursor = batch.cursor(bytes);
  let maxTimestamp = -1;
  let minTimestamp = 0;
  let hasPlainOffsets = true;
  for (let index = 0; cursor.next(); index++) {
    const timestamp = appendTime ?? saturateTimestamp(baseTimestamp + cursor.timestampDelta);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    if (timestamp < minTimestamp) minTimestamp = timestamp;
    if (cursor.offsetDelta !== index) hasPlainOffsets = false;
    rules.check(index, cursor.keyBytes >= 0, timestamp, appendTime !== null);
  }
  refusals.throwIfAny();
  return { maxTimestamp, minTimestamp, hasPlainOffsets };
};

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
  // A batch that says LogAppendTime has one time for all records, and none of it stays behind.
  if (!options.hasPlainOffsets || batch.timestampType === 'logAppendTime') {
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
