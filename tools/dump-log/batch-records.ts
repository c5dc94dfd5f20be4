/**
 * The records of a batch of magic 2 for showing, in exact numbers and with the failures of Kafka's
 * DefaultRecord: what is shown of a damaged batch ends where it ends in Kafka.
 */
import { CompressionError } from '../../protocol/compression.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { RecordBatch } from '../../protocol/record-batch.ts';
import { illegalArgument, JavaFailure } from '../options/java-failure.ts';
import type { DumpedRecord } from './dumped-record.ts';
import { JavaBuffer } from './java-buffer.ts';
import { javaText } from './java-text.ts';

const HEADER_BYTES = 61;
const INT32_MAX = 2 ** 31 - 1;

export const invalidRecord = (message: string, cause?: unknown): JavaFailure =>
  new JavaFailure('org.apache.kafka.common.InvalidRecordException', message, { cause });

export const failedToDecompress = (): JavaFailure =>
  new JavaFailure('org.apache.kafka.common.KafkaException', 'Failed to decompress record stream');

const isOf = (error: unknown, ...classes: readonly string[]): boolean =>
  error instanceof JavaFailure && classes.some((name) => error.javaClass === `java.${name}`);

const ILLEGAL = 'lang.IllegalArgumentException';
const UNDERFLOW = 'nio.BufferUnderflowException';
const PREMATURE_END = 'Incorrect declared batch size, premature EOF reached';

/** Throws JavaFailure at the first record that cannot be read; of a compressed batch before all. */
export function* batchRecords(batch: RecordBatch): Generator<DumpedRecord> {
  if (batch.sizeBytes < HEADER_BYTES) {
    throw new JavaFailure('java.lang.IndexOutOfBoundsException', '');
  }
  const count = batch.recordCount;
  if (count === 0) return;
  if (batch.compression === 'none') {
    const bytes = new JavaBuffer(batch.payload());
    yield* read(batch, bytes, () => plainRecord(batch, bytes));
    return;
  }
  const bytes = new JavaBuffer(decompressed(batch));
  yield* [...read(batch, bytes, () => streamedRecord(batch, bytes))];
}

function* read(
  batch: RecordBatch,
  bytes: JavaBuffer,
  next: () => DumpedRecord,
): Generator<DumpedRecord> {
  const count = batch.recordCount;
  if (count < 0) {
    throw invalidRecord(`Found invalid record count ${count} in magic v${batch.magic} batch`);
  }
  for (let index = 1; index <= count; index++) {
    const record = next();
    // Kafka looks behind the last record before it hands it out.
    if (index === count && bytes.remaining > 0) {
      throw invalidRecord('Incorrect declared batch size, records still remaining in file');
    }
    yield record;
  }
}

/** What the codecs' Java libraries say has many forms; Kafka's own sentence stands for them. */
const decompressed = (batch: RecordBatch): Buffer => {
  try {
    return batch.recordBytes();
  } catch (error) {
    if (!(error instanceof CompressionError || error instanceof ProtocolError)) throw error;
    throw failedToDecompress();
  }
};

const plainRecord = (batch: RecordBatch, bytes: JavaBuffer): DumpedRecord => {
  let size: number;
  try {
    size = bytes.varint();
  } catch (error) {
    if (isOf(error, UNDERFLOW)) throw invalidRecord(PREMATURE_END);
    throw error;
  }
  return recordOf(batch, bytes, size);
};

/** A record of a compressed batch is cut out of the stream first. */
const streamedRecord = (batch: RecordBatch, bytes: JavaBuffer): DumpedRecord => {
  let size: number;
  try {
    size = bytes.streamedVarint();
    if (size < 0) throw illegalArgument(`capacity < 0: (${size} < 0)`);
  } catch (error) {
    throw invalidRecord(PREMATURE_END, error);
  }
  if (size > bytes.remaining) {
    throw invalidRecord(
      `Invalid record size: expected ${size} bytes in record payload, but the record payload ` +
        'reached EOF.',
    );
  }
  return recordOf(batch, new JavaBuffer(bytes.slice(size) ?? Buffer.alloc(0)), size);
};

const recordOf = (batch: RecordBatch, bytes: JavaBuffer, size: number): DumpedRecord => {
  if (bytes.remaining < size) {
    throw invalidRecord(
      `Invalid record size: expected ${size} bytes in record payload, but instead the buffer has ` +
        `only ${bytes.remaining} remaining bytes.`,
    );
  }
  const start = bytes.position;
  try {
    const record = fieldsOf(batch, bytes);
    const found = bytes.position - start;
    if (found === size) return record;
    throw invalidRecord(
      `Invalid record size: expected to read ${size} bytes in record payload, but instead read ` +
        `${found}`,
    );
  } catch (error) {
    if (isOf(error, UNDERFLOW, ILLEGAL)) {
      throw invalidRecord('Found invalid record structure', error);
    }
    throw error;
  }
};

const fieldsOf = (batch: RecordBatch, bytes: JavaBuffer): DumpedRecord => {
  const longAt = (at: number): bigint => batch.buffer.readBigInt64BE(batch.position + at);
  bytes.byte(); // attributes, which have no meaning yet
  const timestampDelta = bytes.varlong();
  const isAppendTime = batch.timestampType === 'logAppendTime';
  const offsetDelta = bytes.varint();
  const key = bytes.slice(bytes.varint());
  const value = bytes.slice(bytes.varint());
  return {
    offset: BigInt.asIntN(64, longAt(0) + BigInt(offsetDelta)),
    timestamp: isAppendTime ? longAt(35) : BigInt.asIntN(64, longAt(27) + timestampDelta),
    keySize: key?.length ?? -1,
    valueSize: value?.length ?? -1,
    content: () => ({ key, value }),
    sequence: batch.baseSequence < 0 ? -1 : sequenceAfter(batch.baseSequence, offsetDelta),
    headerKeys: headerKeysOf(bytes),
    old: null,
  };
};

const headerKeysOf = (bytes: JavaBuffer): string[] => {
  const count = bytes.varint();
  if (count < 0) throw invalidRecord(`Found invalid number of record headers ${count}`);
  if (count > bytes.remaining) {
    throw invalidRecord(
      `Found invalid number of record headers. ${count} is larger than the remaining size of the ` +
        'buffer',
    );
  }
  const keys: string[] = [];
  for (let index = 0; index < count; index++) {
    const size = bytes.varint();
    if (size < 0) throw invalidRecord(`Invalid negative header key size ${size}`);
    keys.push(javaText(bytes.slice(size) ?? Buffer.alloc(0)));
    bytes.slice(bytes.varint());
  }
  return keys;
};

/** The sequence number `delta` behind `base`, in Java's arithmetic, which wraps for a damaged batch. */
export const sequenceAfter = (base: number, delta: number): number => {
  if (base > ((INT32_MAX - delta) | 0)) return (delta - ((INT32_MAX - base) | 0) - 1) | 0;
  return (base + delta) | 0;
};
