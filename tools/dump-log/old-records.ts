/**
 * The messages that stand for one of magic 0 or 1, for showing: nothing about them is checked, not
 * even the checksum, and damage ends in what it ends in with Kafka's LegacyRecord.
 */
import { ProtocolError } from '../../protocol/errors.ts';
import { decompressValue } from '../../protocol/old-messages.ts';
import { LOG_OVERHEAD, RecordBatch } from '../../protocol/record-batch.ts';
import { illegalArgument, JavaFailure } from '../options/java-failure.ts';
import { failedToDecompress, invalidRecord } from './batch-records.ts';
import type { DumpedRecord } from './dumped-record.ts';

const SIZE_MIN = 14;

/** Throws JavaFailure. */
export function* oldRecords(message: RecordBatch): Generator<DumpedRecord> {
  if (message.compression === 'none') {
    yield recordOf(message, baseOffsetOf(message), timestampOf(message));
    return;
  }
  const inner = wrapped(message);
  const base = message.magic === 1 ? baseOf(message, inner) : 0n;
  const isAppendTime = message.timestampType === 'logAppendTime';
  for (const one of inner) {
    if (one.compression !== 'none') throw invalidRecord('Inner messages must not be compressed');
    const timestamp = isAppendTime && one.magic === 1 ? timestampOf(message) : timestampOf(one);
    yield recordOf(one, base + baseOffsetOf(one), timestamp);
  }
}

const wrapped = (message: RecordBatch): RecordBatch[] => {
  const { magic, compression } = message;
  if (magic < 0) {
    throw invalidRecord(`Invalid wrapper magic found in legacy deep record iterator ${magic}`);
  }
  if (compression === 'zstd') {
    throw invalidRecord(
      `Invalid wrapper compressionType found in legacy deep record iterator ${magic}`,
    );
  }
  const value = messageValue(message);
  if (value === null) {
    throw invalidRecord(`Found invalid compressed record set with null value (magic = ${magic})`);
  }
  const inner = messagesIn(decompressed(message, value));
  if (inner.length > 0) return inner;
  throw invalidRecord('Found invalid compressed record set with no inner records');
};

const decompressed = (message: RecordBatch, value: Buffer): Buffer => {
  try {
    return decompressValue(message, value);
  } catch (error) {
    if (error instanceof ProtocolError) throw failedToDecompress();
    throw error;
  }
};

/** Whole messages; one that is cut off is left out. */
const messagesIn = (bytes: Buffer): RecordBatch[] => {
  const messages: RecordBatch[] = [];
  let position = 0;
  while (bytes.length - position >= LOG_OVERHEAD) {
    const size = bytes.readInt32BE(position + 8);
    if (size < SIZE_MIN) {
      throw new JavaFailure(
        'org.apache.kafka.common.errors.CorruptRecordException',
        `Record size is less than the minimum record overhead (${SIZE_MIN})`,
      );
    }
    if (position + LOG_OVERHEAD + size > bytes.length) break;
    messages.push(new RecordBatch(bytes, position));
    position += LOG_OVERHEAD + size;
  }
  return messages;
};

/** What the offsets within a message of magic 1 count from. */
const baseOf = (message: RecordBatch, inner: readonly RecordBatch[]): bigint => {
  const outer = baseOffsetOf(message);
  // Old versions of librdkafka leave it at 0.
  if (outer === 0n) return 0n;
  const last = baseOffsetOf(inner.at(-1) as RecordBatch);
  if (outer >= last) return outer - last;
  throw invalidRecord(
    `Found invalid wrapper offset in compressed v1 message set, wrapper offset '${outer}' is less ` +
      `than the last inner message offset '${last}' and it is not zero.`,
  );
};

const baseOffsetOf = (message: RecordBatch): bigint =>
  message.buffer.readBigInt64BE(message.position);

const timestampOf = (message: RecordBatch): bigint =>
  message.magic === 0 ? -1n : message.buffer.readBigInt64BE(message.position + 18);

const recordOf = (message: RecordBatch, offset: bigint, timestamp: bigint): DumpedRecord => {
  const bytes = message.bytes();
  const keyAt = keyPlace(message);
  const keySize = intAt(bytes, keyAt);
  return {
    offset,
    timestamp,
    keySize,
    valueSize: intAt(bytes, keyAt + 4 + Math.max(0, keySize)),
    content: () => ({ key: sizedAt(bytes, keyAt), value: messageValue(message) }),
    sequence: -1,
    headerKeys: [],
    old: { isValid: message.isCrcValid(), crc: message.crc },
  };
};

const keyPlace = ({ magic }: RecordBatch): number => LOG_OVERHEAD + (magic === 0 ? 6 : 14);

const intAt = (bytes: Buffer, at: number): number => {
  if (at + 4 <= bytes.length) return bytes.readInt32BE(at);
  throw new JavaFailure('java.lang.IndexOutOfBoundsException', '');
};

const messageValue = (message: RecordBatch): Buffer | null => {
  const bytes = message.bytes();
  const keyAt = keyPlace(message);
  return sizedAt(bytes, keyAt + 4 + Math.max(0, intAt(bytes, keyAt)));
};

/** Bytes behind their size; null for a negative one. */
const sizedAt = (bytes: Buffer, at: number): Buffer | null => {
  const size = intAt(bytes, at);
  if (size < 0) return null;
  const start = at + 4;
  if (size <= bytes.length - start) return bytes.subarray(start, start + size);
  throw illegalArgument(`newLimit > capacity: (${size} > ${bytes.length - start})`);
};
