/**
 * Record batches: a view that reads and restamps the header of one batch in place, and the builder.
 * Magic 2 (KIP-98) in full; of the old magics 0 and 1, which a log may still hold, only what their
 * header says. Base offset and leader epoch lie outside the checksum, so that restamping those
 * costs nothing; a changed timestamp does. Judging batches is for log/validate-append.ts.
 */

import { crc32, crc32c } from './checksum.ts';
import { type Codec, codecs, compress, decompress } from './compression.ts';
import { errorCodes, ProtocolError } from './errors.ts';
import {
  readInt8,
  readInt16,
  readInt32,
  readInt64,
  readUint32,
  writeInt16,
  writeInt32,
  writeInt64,
} from './integers.ts';
import {
  incrementSequence,
  type Record,
  RecordCursor,
  type RecordInput,
  recordBytes,
  saturateTimestamp,
  writeRecord,
} from './record.ts';

export type { Header, Record, RecordInput } from './record.ts';

/** Offset and size in front of every batch. */
export const LOG_OVERHEAD = 12;
/** The header of a batch of magic 2, LOG_OVERHEAD included. */
export const BATCH_OVERHEAD = 61;
/** How much a batch may hold once decompressed, unless the caller says otherwise. */
export const DECOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;

export type TimestampType = 'createTime' | 'logAppendTime';

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
const TRANSACTIONAL_BIT = 0x10;
const CONTROL_BIT = 0x20;
const DELETE_HORIZON_BIT = 0x40;
const CRC_START = 21;

/** A view over the batch at `position` of `buffer`, which must hold it whole. Keeps the buffer. */
export class RecordBatch {
  readonly buffer: Buffer;
  readonly position: number;

  constructor(buffer: Buffer, position: number) {
    this.buffer = buffer;
    this.position = position;
  }

  /**
   * Magic 0 and 1: the offset of the message, of a compressed one that of its last inner message.
   */
  get baseOffset(): number {
    return readInt64(this.buffer, this.position);
  }

  /** The whole batch, offset and size field included. */
  get sizeBytes(): number {
    return readInt32(this.buffer, this.position + 8) + LOG_OVERHEAD;
  }

  get partitionLeaderEpoch(): number {
    return this.isOld ? -1 : readInt32(this.buffer, this.position + 12);
  }

  get magic(): number {
    return readInt8(this.buffer, this.position + 16);
  }

  /** Magic 0 or 1, a single message or a compressed wrapper. */
  get isOld(): boolean {
    return this.magic < 2;
  }

  get crc(): number {
    return readUint32(this.buffer, this.position + (this.isOld ? 12 : 17));
  }

  get attributes(): number {
    return this.isOld
      ? (this.buffer[this.position + 17] as number)
      : readInt16(this.buffer, this.position + CRC_START);
  }

  /** Throws UNKNOWN_SERVER_ERROR, as Kafka answers, for numbers that no codec has. */
  get compression(): Codec {
    const codec = codecs[this.attributes & CODEC_MASK];
    if (codec === undefined) {
      throw new ProtocolError(errorCodes.UNKNOWN_SERVER_ERROR, 'unknown compression codec');
    }
    return codec;
  }

  get timestampType(): TimestampType {
    return this.magic > 0 && (this.attributes & LOG_APPEND_TIME_BIT) !== 0
      ? 'logAppendTime'
      : 'createTime';
  }

  get isTransactional(): boolean {
    return !this.isOld && (this.attributes & TRANSACTIONAL_BIT) !== 0;
  }

  get isControl(): boolean {
    return !this.isOld && (this.attributes & CONTROL_BIT) !== 0;
  }

  /** The cleaner has put the time when tombstones and markers may go into the base timestamp. */
  get hasDeleteHorizon(): boolean {
    return !this.isOld && (this.attributes & DELETE_HORIZON_BIT) !== 0;
  }

  get lastOffsetDelta(): number {
    return this.isOld ? 0 : readInt32(this.buffer, this.position + 23);
  }

  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta;
  }

  get nextOffset(): number {
    return this.lastOffset + 1;
  }

  get baseTimestamp(): number {
    return this.isOld
      ? this.maxTimestamp
      : saturateTimestamp(readInt64(this.buffer, this.position + 27));
  }

  /** Magic 0 has no timestamps: -1. */
  get maxTimestamp(): number {
    if (this.magic === 0) return -1;
    return saturateTimestamp(readInt64(this.buffer, this.position + (this.isOld ? 18 : 35)));
  }

  get producerId(): number {
    return this.isOld ? -1 : readInt64(this.buffer, this.position + 43);
  }

  get producerEpoch(): number {
    return this.isOld ? -1 : readInt16(this.buffer, this.position + 51);
  }

  get baseSequence(): number {
    return this.isOld ? -1 : readInt32(this.buffer, this.position + 53);
  }

  get lastSequence(): number {
    const first = this.baseSequence;
    return first === -1 ? -1 : incrementSequence(first, this.lastOffsetDelta);
  }

  /** Magic 0 and 1 do not say: -1. */
  get recordCount(): number {
    return this.isOld ? -1 : readInt32(this.buffer, this.position + 57);
  }

  get hasProducerId(): boolean {
    return this.producerId > -1;
  }

  /** Whether the batch is long enough for its header and its checksum is right. */
  isCrcValid(): boolean {
    const end = this.position + this.sizeBytes;
    if (this.isOld) {
      const overhead = LOG_OVERHEAD + (this.magic === 0 ? 14 : 22);
      return (
        end - this.position >= overhead && crc32(this.buffer, this.position + 16, end) === this.crc
      );
    }
    return (
      end - this.position >= BATCH_OVERHEAD &&
      crc32c(this.buffer, this.position + CRC_START, end) === this.crc
    );
  }

  setBaseOffset(offset: number): void {
    writeInt64(this.buffer, this.position, offset);
  }

  setPartitionLeaderEpoch(epoch: number): void {
    writeInt32(this.buffer, this.position + 12, epoch);
  }

  /**
   * Sets timestamp type and largest timestamp (magic 2); renews the checksum only if one of them
   * changes.
   */
  setMaxTimestamp(type: TimestampType, timestamp: number): void {
    if (this.timestampType === type && this.maxTimestamp === timestamp) return;
    const bit = type === 'logAppendTime' ? LOG_APPEND_TIME_BIT : 0;
    const attributes = (this.attributes & ~LOG_APPEND_TIME_BIT) | bit;
    writeInt16(this.buffer, this.position + CRC_START, attributes);
    writeInt64(this.buffer, this.position + 35, timestamp);
    this.renewCrc();
  }

  /** Writes the checksum of what the batch holds now (magic 2). */
  renewCrc(): void {
    const end = this.position + this.sizeBytes;
    const crc = crc32c(this.buffer, this.position + CRC_START, end);
    writeInt32(this.buffer, this.position + 17, crc);
  }

  /** The bytes of the batch, a view. */
  bytes(): Buffer {
    return this.buffer.subarray(this.position, this.position + this.sizeBytes);
  }

  /** The bytes after the header: records, or their compressed form. A view. */
  payload(): Buffer {
    return this.buffer.subarray(this.position + BATCH_OVERHEAD, this.position + this.sizeBytes);
  }

  /**
   * The bytes of the records, decompressed to at most `bytesMax`. A view where there is nothing to
   * decompress.
   */
  recordBytes(bytesMax = DECOMPRESSED_BYTES_MAX): Buffer {
    return decompress(this.compression, this.payload(), bytesMax);
  }

  /** Walks the records (magic 2) without making objects; `bytes` is what `recordBytes` gave. */
  cursor(bytes = this.recordBytes()): RecordCursor {
    return new RecordCursor(bytes, this.recordCount);
  }

  /**
   * The records (magic 2), one after the other; throws InvalidRecordError at the first broken one.
   */
  *records(bytesMax = DECOMPRESSED_BYTES_MAX): Generator<Record> {
    const cursor = this.cursor(this.recordBytes(bytesMax));
    const { baseOffset, baseTimestamp, baseSequence } = this;
    const appendTime = this.timestampType === 'logAppendTime' ? this.maxTimestamp : null;
    while (cursor.next()) {
      yield {
        offset: baseOffset + cursor.offsetDelta,
        timestamp: appendTime ?? saturateTimestamp(baseTimestamp + cursor.timestampDelta),
        key: cursor.key(),
        value: cursor.value(),
        headers: cursor.headers(),
        sequence: baseSequence < 0 ? -1 : incrementSequence(baseSequence, cursor.offsetDelta),
      };
    }
  }
}

export interface BatchHeader {
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
  readonly compression?: Codec;
  readonly timestampType?: TimestampType;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly hasDeleteHorizon?: boolean;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly recordCount: number;
}

/**
 * Writes header and checksum into the first 61 bytes of `batch`, whose payload is already in place.
 */
export const writeBatchHeader = (batch: Buffer, header: BatchHeader): void => {
  writeInt64(batch, 0, header.baseOffset ?? 0);
  writeInt32(batch, 8, batch.length - LOG_OVERHEAD);
  writeInt32(batch, 12, header.partitionLeaderEpoch ?? -1);
  batch[16] = 2;
  const attributes =
    codecs.indexOf(header.compression ?? 'none') |
    (header.timestampType === 'logAppendTime' ? LOG_APPEND_TIME_BIT : 0) |
    (header.isTransactional ? TRANSACTIONAL_BIT : 0) |
    (header.isControl ? CONTROL_BIT : 0) |
    (header.hasDeleteHorizon ? DELETE_HORIZON_BIT : 0);
  writeInt16(batch, CRC_START, attributes);
  writeInt32(batch, 23, header.lastOffsetDelta);
  writeInt64(batch, 27, header.baseTimestamp);
  writeInt64(batch, 35, header.maxTimestamp);
  writeInt64(batch, 43, header.producerId ?? -1);
  writeInt16(batch, 51, header.producerEpoch ?? -1);
  writeInt32(batch, 53, header.baseSequence ?? -1);
  writeInt32(batch, 57, header.recordCount);
  new RecordBatch(batch, 0).renewCrc();
};

/**
 * A batch from a header and the bytes of its uncompressed records, which are compressed as the
 * header says.
 */
export const assembleBatch = (header: BatchHeader, records: Buffer, level?: number): Buffer => {
  const codec = header.compression ?? 'none';
  const payload = codec === 'none' ? records : compress(codec, records, level);
  const batch = Buffer.allocUnsafe(BATCH_OVERHEAD + payload.length);
  payload.copy(batch, BATCH_OVERHEAD);
  writeBatchHeader(batch, header);
  return batch;
};

export interface BatchOptions {
  readonly records: readonly RecordInput[];
  readonly baseOffset?: number;
  readonly compression?: Codec;
  readonly compressionLevel?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  readonly partitionLeaderEpoch?: number;
  /** For records without a timestamp of their own; -1 when left out. */
  readonly timestamp?: number;
}

/** Builds a batch of at least one record, with consecutive offsets. */
export const buildBatch = (options: BatchOptions): Buffer => {
  const { records, compression = 'none', compressionLevel, timestamp = -1, ...fields } = options;
  const baseTimestamp = records[0]?.timestamp ?? timestamp;
  const isPlain = compression === 'none';
  const deltas = { offsetDelta: 0, timestampDelta: 0 };
  let maxTimestamp = -1;
  let bytes = 0;
  for (let index = 0; index < records.length; index++) {
    const record = records[index] as RecordInput;
    const at = record.timestamp ?? timestamp;
    if (at > maxTimestamp) maxTimestamp = at;
    deltas.offsetDelta = index;
    deltas.timestampDelta = at - baseTimestamp;
    bytes += recordBytes(record, deltas);
  }
  // Uncompressed records are written where they stay, behind the room for the header.
  const buffer = Buffer.allocUnsafe(isPlain ? BATCH_OVERHEAD + bytes : bytes);
  let position = isPlain ? BATCH_OVERHEAD : 0;
  for (let index = 0; index < records.length; index++) {
    const record = records[index] as RecordInput;
    deltas.offsetDelta = index;
    deltas.timestampDelta = (record.timestamp ?? timestamp) - baseTimestamp;
    position = writeRecord(buffer, position, record, deltas);
  }
  const header: BatchHeader = {
    ...fields,
    compression,
    lastOffsetDelta: records.length - 1,
    baseTimestamp,
    maxTimestamp,
    recordCount: records.length,
  };
  if (!isPlain) return assembleBatch(header, buffer, compressionLevel);
  writeBatchHeader(buffer, header);
  return buffer;
};
