/** Dumps the files of a log's transactional state: producer snapshots and indexes of aborted transactions. */
import { crc32c } from '../../protocol/checksum.ts';
import { SEQUENCE_MAX } from '../../protocol/record.ts';
import { JavaFailure } from '../options/java-failure.ts';
import { type Dump, offsetFrom } from './dump.ts';
import { openFile } from './log-records.ts';

/** A snapshot that cannot be used; told on standard error, and nothing else happens. */
export class CorruptSnapshot extends Error {
  override readonly name = 'CorruptSnapshot';
}

const SNAPSHOT_VERSION = 1;
const CRC_START = 6;
const ENTRIES_START = 10;
const ENTRY_BYTES = 46;

/** Field by field as they are stored, for what is said about a file that ends too early. */
const entryFields: readonly (readonly [string, number])[] = [
  ['producer_id', 8],
  ['epoch', 2],
  ['last_sequence', 4],
  ['last_offset', 8],
  ['offset_delta', 4],
  ['timestamp', 8],
  ['coordinator_epoch', 4],
  ['current_txn_first_offset', 8],
];

const UNDERFLOW = 'java.nio.BufferUnderflowException';

/** Throws CorruptSnapshot, JavaFailure. */
export const dumpProducerSnapshot = async (dump: Dump): Promise<void> => {
  const { output } = dump;
  const bytes = await wholeFile(dump);
  const end = checkSnapshot(bytes);
  for (let at = ENTRIES_START; at < end; at += ENTRY_BYTES) {
    output.line(entryText(bytes, at));
    await output.pause();
  }
};

/** Kafka reads it in one piece, too: a producer takes 46 bytes. */
const wholeFile = async (dump: Dump): Promise<Buffer> => {
  const file = await openFile(dump.system, dump.file);
  try {
    const bytes = Buffer.alloc(file.size());
    await file.read(bytes, 0);
    return bytes;
  } finally {
    await file.close();
  }
};

/** Where the entries end. Throws CorruptSnapshot with Kafka's sentences, in the order of its checks. */
const checkSnapshot = (bytes: Buffer): number => {
  const end = checkSchema(bytes);
  const version = bytes.readInt16BE(0);
  if (version !== SNAPSHOT_VERSION) {
    throw new CorruptSnapshot(`Snapshot contained an unknown file version ${version}`);
  }
  const stored = bytes.readUInt32BE(2);
  const computed = crc32c(bytes, CRC_START, bytes.length);
  if (stored !== computed) {
    throw new CorruptSnapshot(
      `Snapshot is corrupt (CRC is no longer valid). Stored crc: ${stored}. ` +
        `Computed crc: ${computed}`,
    );
  }
  return end;
};

const checkSchema = (bytes: Buffer): number => {
  const broken = (field: string, reason: string): CorruptSnapshot =>
    new CorruptSnapshot(
      `Snapshot failed schema validation: Error reading field '${field}': ${reason}`,
    );
  if (bytes.length < 2) throw broken('version', UNDERFLOW);
  if (bytes.length < CRC_START) throw broken('crc', UNDERFLOW);
  if (bytes.length < ENTRIES_START) throw broken('producer_entries', UNDERFLOW);
  const count = bytes.readInt32BE(CRC_START);
  const left = bytes.length - ENTRIES_START;
  if (count < 0) throw broken('producer_entries', `Array size ${count} cannot be negative`);
  if (count > left) {
    throw broken(
      'producer_entries',
      `Error reading array of size ${count}, only ${left} bytes available`,
    );
  }
  if (count * ENTRY_BYTES > left) {
    const field = fieldCutAt(left % ENTRY_BYTES);
    throw broken('producer_entries', `Error reading field '${field}': ${UNDERFLOW}`);
  }
  return ENTRIES_START + count * ENTRY_BYTES;
};

/** The field that does not fit into the first `bytes` bytes of an entry. */
const fieldCutAt = (bytes: number): string => {
  let end = 0;
  for (const [name, size] of entryFields) {
    end += size;
    if (end > bytes) return name;
  }
  return '';
};

const entryText = (bytes: Buffer, at: number): string => {
  const lastOffset = bytes.readBigInt64BE(at + 14);
  const timestamp = bytes.readBigInt64BE(at + 26);
  const firstOfTransaction = bytes.readBigInt64BE(at + 38);
  const transaction = firstOfTransaction >= 0n ? `[${firstOfTransaction}]` : '.empty';
  const text =
    `producerId: ${bytes.readBigInt64BE(at)} producerEpoch: ${bytes.readInt16BE(at + 8)} ` +
    `coordinatorEpoch: ${bytes.readInt32BE(at + 34)} ` +
    `currentTxnFirstOffset: OptionalLong${transaction} lastTimestamp: ${timestamp} `;
  if (lastOffset < 0n) return text;
  const lastSequence = bytes.readInt32BE(at + 10);
  const delta = bytes.readInt32BE(at + 22);
  return (
    `${text}firstSequence: ${decremented(lastSequence, delta)} lastSequence: ${lastSequence} ` +
    `lastOffset: ${lastOffset} offsetDelta: ${delta} timestamp: ${timestamp}`
  );
};

/** Before 0 comes the largest sequence number. */
const decremented = (sequence: number, count: number): number =>
  sequence < count ? SEQUENCE_MAX - (count - sequence) + 1 : sequence - count;

const ABORTED_BYTES = 34;
const ABORTED_VERSION = 0;

/** Throws JavaFailure; then nothing was printed. */
export const dumpTransactionIndex = async (dump: Dump): Promise<void> => {
  const { file, output, baseName } = dump;
  offsetFrom(baseName.slice(0, baseName.indexOf('.')));
  // A segment without aborted transactions has none.
  if ((await dump.system.disk.info(file.absolute)) === null) return;
  const bytes = await wholeFile(dump);
  const lines: string[] = [];
  for (let at = 0; at + ABORTED_BYTES <= bytes.length; at += ABORTED_BYTES) {
    // Kafka looks at the first of the two bytes only.
    const version = bytes.readInt8(at);
    if (version > ABORTED_VERSION) {
      throw new JavaFailure(
        'org.apache.kafka.common.KafkaException',
        `Unexpected aborted transaction version ${version} in transaction index ` +
          `${file.absolute}, current version is ${ABORTED_VERSION}`,
      );
    }
    const numberAt = (place: number): bigint => bytes.readBigInt64BE(at + place);
    lines.push(
      `version: ${version} producerId: ${numberAt(2)} firstOffset: ${numberAt(10)} ` +
        `lastOffset: ${numberAt(18)} lastStableOffset: ${numberAt(26)}`,
    );
  }
  for (const line of lines) {
    output.line(line);
    await output.pause();
  }
};
