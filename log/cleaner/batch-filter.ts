/**
 * Which records of a batch survive a cleaning run, and the batch that is left (Kafka's
 * Cleaner.cleanInto and MemoryRecords.filterTo). Pure. Offsets never change: a batch keeps its base
 * and its last offset, which also keeps its sequences. Tombstones and markers first get a delete
 * horizon (KIP-534), so that every consumer has the time to see them.
 *
 * Everything is a generator that yields after a stretch of records, so that the caller can let
 * others run in the middle of a large batch. What a codec does takes as long as it takes: it is left
 * to the caller, who may have a thread for it.
 */
import { messagesIn, type OldMagic, wrapOldMessages } from '../../protocol/old-messages.ts';
import { type RecordCursor, writeRecord } from '../../protocol/record.ts';
import {
  BATCH_OVERHEAD,
  type BatchHeader,
  type RecordBatch,
  writeBatchHeader,
} from '../../protocol/record-batch.ts';
import { bufferPool } from '../../system/buffer-pool.ts';
import { CorruptLogError } from '../batch-scan.ts';
import type { OffsetMap } from './offset-map.ts';
import type { TransactionTracker } from './transaction-tracker.ts';

/** Between two of these a caller may let others run. */
const STRETCH_RECORDS = 64;

/** The last that is known of a producer that may still write. */
export interface ProducerEnd {
  /** Of its last batch of data; -1 when none is known. */
  readonly lastOffset: number;
  readonly epoch: number;
}

export interface FilterOptions {
  readonly map: OffsetMap;
  readonly transactions: TransactionTracker;
  readonly producers: ReadonlyMap<number, ProducerEnd>;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  /** Whether tombstones of magic 0 and 1, which have no horizon, stay. */
  readonly keepsOldTombstones: boolean;
}

/** A batch that has still to be put together (`assembleBatch`). */
export interface UnassembledBatch {
  readonly header: BatchHeader;
  /** Not compressed. */
  readonly records: Buffer;
}

/**
 * Puts the last offset of each key of a batch into the map; false when that is full. `bytes` is what
 * the batch's `recordBytes` gives; old formats do without.
 */
export function* addToMap(
  batch: RecordBatch,
  bytes: Buffer,
  map: OffsetMap,
  firstOffset: number,
): Generator<void, boolean> {
  let count = 0;
  const put = (key: Buffer | null, offset: number): boolean => {
    if (key === null || offset < firstOffset) return true;
    if (map.isFull) return false;
    map.put(key, offset);
    return true;
  };
  if (batch.isOld) {
    for (const { key, offset } of messagesIn(batch)) if (!put(key, offset)) return false;
    return true;
  }
  const { baseOffset } = batch;
  const cursor = batch.cursor(bytes);
  while (cursor.next()) {
    if (!put(cursor.key(), baseOffset + cursor.offsetDelta)) return false;
    if (++count % STRETCH_RECORDS === 0) yield;
  }
  return true;
}

/**
 * What is left of a batch, perhaps the batch itself; null when nothing is. `bytes` as above. The
 * caller is the holder of what is new.
 */
export function* filterBatch(
  batch: RecordBatch,
  bytes: Buffer,
  options: FilterOptions,
): Generator<void, Buffer | UnassembledBatch | null> {
  const { transactions, nowMs } = options;
  const isOver = batch.isControl ? transactions.onControlBatch(batch) : transactions.onBatch(batch);
  const rest = isLastOfProducer(batch, options.producers) ? emptied(batch) : null;
  // A marker goes in the run after the one in which it was found to be without batches, no sooner.
  const isMarkerDue = batch.hasDeleteHorizon && batch.baseTimestamp <= nowMs;
  if (isOver && (!batch.isControl || isMarkerDue)) return rest;
  if (batch.isOld) return filterOldBatch(batch, options);
  const judged = yield* judge(batch, bytes, options);
  if (judged.keptCount === 0) return rest;
  const needsHorizon =
    !batch.hasDeleteHorizon && (judged.hasTombstones || (batch.isControl && isOver));
  if (judged.keptCount === batch.recordCount && !needsHorizon) return batch.bytes();
  // What gets a new checksum must have had a right one.
  if (!batch.isCrcValid()) throw new CorruptLogError(`a batch with a bad checksum`);
  const horizon = needsHorizon ? nowMs + options.deleteRetentionMs : horizonOf(batch);
  return yield* rebuild(batch, bytes, judged, horizon);
}

interface Judged {
  /** One byte a record: 1 for those that stay. */
  readonly isKept: Uint8Array;
  readonly keptCount: number;
  /** What those need at the most when they are written anew. */
  readonly keptBytesMax: number;
  /** Whether a record without value is among those that stay. */
  readonly hasTombstones: boolean;
}

function* judge(
  batch: RecordBatch,
  bytes: Buffer,
  options: FilterOptions,
): Generator<void, Judged> {
  const { map, nowMs } = options;
  const { baseOffset, isControl, recordCount } = batch;
  const isKept = new Uint8Array(Math.max(0, recordCount));
  const keepsTombstones = !batch.hasDeleteHorizon || nowMs < batch.baseTimestamp;
  let keptCount = 0;
  let keptBytesMax = 0;
  let hasTombstones = false;
  const cursor = batch.cursor(bytes);
  for (let index = 0; cursor.next(); index++) {
    const stays =
      isControl ||
      isRetained(map, keepsTombstones, {
        key: cursor.key(),
        hasValue: cursor.valueBytes >= 0,
        offset: baseOffset + cursor.offsetDelta,
      });
    if (stays) {
      isKept[index] = 1;
      keptCount += 1;
      keptBytesMax += rewrittenBytesMax(cursor);
      hasTombstones ||= cursor.valueBytes < 0;
    }
    if (index % STRETCH_RECORDS === STRETCH_RECORDS - 1) yield;
  }
  return { isKept, keptCount, keptBytesMax, hasTombstones };
}

/** How much longer the length and the timestamp of a record may become. */
const GROWTH_BYTES_MAX = 16;

/** Of the current record. A byte of a header's key that is not UTF-8 becomes three. */
const rewrittenBytesMax = ({ start, end, headersPosition }: RecordCursor): number =>
  end - start + GROWTH_BYTES_MAX + 2 * (end - headersPosition);

const isRetained = (
  map: OffsetMap,
  keepsTombstones: boolean,
  record: { readonly key: Buffer | null; readonly hasValue: boolean; readonly offset: number },
): boolean => {
  if (record.offset > map.latestOffset) return true;
  // Without a key nothing can ever replace it, and it could never go.
  if (record.key === null) return false;
  return record.offset >= map.get(record.key) && (record.hasValue || keepsTombstones);
};

/** -1: none is set. */
const horizonOf = (batch: RecordBatch): number =>
  batch.hasDeleteHorizon ? batch.baseTimestamp : -1;

/**
 * The batch with the last sequence of a producer, or, for one without data, with its epoch, must
 * not go: without it duplicates and fenced producers would not be recognized after a restart.
 */
const isLastOfProducer = (
  batch: RecordBatch,
  producers: ReadonlyMap<number, ProducerEnd>,
): boolean => {
  if (!batch.hasProducerId) return false;
  const last = producers.get(batch.producerId);
  if (last === undefined) return false;
  return last.lastOffset >= 0
    ? batch.lastOffset === last.lastOffset
    : batch.isControl && batch.producerEpoch === last.epoch;
};

const headerOf = (batch: RecordBatch): Omit<BatchHeader, 'baseTimestamp' | 'recordCount'> => ({
  baseOffset: batch.baseOffset,
  lastOffsetDelta: batch.lastOffsetDelta,
  partitionLeaderEpoch: batch.partitionLeaderEpoch,
  timestampType: batch.timestampType,
  maxTimestamp: batch.maxTimestamp,
  isTransactional: batch.isTransactional,
  isControl: batch.isControl,
  producerId: batch.producerId,
  producerEpoch: batch.producerEpoch,
  baseSequence: batch.baseSequence,
});

/** The header alone, with all it says of offsets and the producer. */
const emptied = (batch: RecordBatch): Buffer => {
  const bytes = Buffer.allocUnsafe(BATCH_OVERHEAD);
  writeBatchHeader(bytes, { ...headerOf(batch), baseTimestamp: -1, recordCount: 0 });
  return bytes;
};

/**
 * A batch with the records that stay, in the same codec. All of them go into one buffer of the
 * pool: one for each would make work for the garbage collector, which everybody has to wait for.
 */
function* rebuild(
  batch: RecordBatch,
  bytes: Buffer,
  judged: Judged,
  horizon: number,
): Generator<void, Buffer | UnassembledBatch> {
  const isAppendTime = batch.timestampType === 'logAppendTime';
  const isPlain = batch.compression === 'none';
  const first = batch.baseTimestamp;
  let baseTimestamp = horizon;
  let maxTimestamp = isAppendTime ? batch.maxTimestamp : -1;
  // Uncompressed records are written where they stay, behind the room for the header.
  const room = isPlain ? BATCH_OVERHEAD : 0;
  const target = bufferPool.take(room + judged.keptBytesMax);
  let position = room;
  const cursor = batch.cursor(bytes);
  for (let index = 0; cursor.next(); index++) {
    if (judged.isKept[index] === 1) {
      const timestamp = isAppendTime ? batch.maxTimestamp : first + cursor.timestampDelta;
      if (position === room && horizon < 0) baseTimestamp = timestamp;
      if (timestamp > maxTimestamp) maxTimestamp = timestamp;
      position = writeKept(target, position, cursor, timestamp - baseTimestamp);
    }
    if (index % STRETCH_RECORDS === STRETCH_RECORDS - 1) yield;
  }
  const header: BatchHeader = {
    ...headerOf(batch),
    compression: batch.compression,
    baseTimestamp,
    maxTimestamp,
    hasDeleteHorizon: horizon >= 0,
    recordCount: judged.keptCount,
  };
  const written = target.subarray(0, position);
  if (!isPlain) return { header, records: written };
  writeBatchHeader(written, header);
  return written;
}

/** Writes the current record of `cursor` with this timestamp delta; returns the position after it. */
const writeKept = (
  target: Buffer,
  position: number,
  cursor: RecordCursor,
  timestampDelta: number,
): number => {
  if (timestampDelta === cursor.timestampDelta)
    return position + cursor.buffer.copy(target, position, cursor.start, cursor.end);
  const record = { key: cursor.key(), value: cursor.value(), headers: cursor.headers() };
  return writeRecord(target, position, record, {
    offsetDelta: cursor.offsetDelta,
    timestampDelta,
  });
};

/** Messages of magic 0 and 1: one that is compressed is wrapped anew around those that stay. */
const filterOldBatch = (batch: RecordBatch, options: FilterOptions): Buffer | null => {
  const messages = messagesIn(batch);
  const kept = messages.filter(({ key, value, offset }) =>
    isRetained(options.map, options.keepsOldTombstones, { key, hasValue: value !== null, offset }),
  );
  if (kept.length === 0) return null;
  if (kept.length === messages.length) return batch.bytes();
  const magic: OldMagic = batch.magic === 0 ? 0 : 1;
  const isAppendTime = batch.timestampType === 'logAppendTime';
  return wrapOldMessages(kept, {
    magic,
    codec: batch.compression,
    isAppendTime,
    timestamp: isAppendTime
      ? batch.maxTimestamp
      : kept.reduce((max, { timestamp }) => Math.max(max, timestamp), -1),
  });
};
