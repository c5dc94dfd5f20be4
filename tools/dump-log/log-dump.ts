/**
 * Dumps a log: a line per batch, and with deep iteration a line per record. Old messages (magic 0 and
 * 1) have lines of their own form; the brace behind their checksum is Kafka's.
 */
import { LOG_SUFFIX } from '../../log/file-names.ts';
import type { RecordBatch } from '../../protocol/record-batch.ts';
import { illegalArgument, JavaFailure } from '../options/java-failure.ts';
import { sequenceAfter } from './batch-records.ts';
import { controlText } from './control-text.ts';
import { type Dump, startOffsetOf } from './dump.ts';
import type { DumpedRecord, RecordParser } from './dumped-record.ts';
import { dumpedRecordsOf } from './dumped-records.ts';
import { LogRecords, lastOffsetOf } from './log-records.ts';
import { BYTES_MAX_DEFAULT, contentOptions } from './options.ts';
import { recordParser } from './record-parsers.ts';

/** What is shown of a log. */
interface View {
  readonly isDeep: boolean;
  readonly hasMetadata: boolean;
  /** Null: keys and values are not shown. */
  readonly parser: RecordParser | null;
  readonly bytesMax: number;
}

/** Throws JavaFailure. */
export const dumpLogFile = async (dump: Dump): Promise<void> => {
  const { options, output, baseName } = dump;
  const hasContent = contentOptions.some((name) => options.has(name));
  const parser = recordParser(options, output);
  const view: View = {
    isDeep: hasContent || options.has('deep-iteration'),
    hasMetadata: !options.has('skip-record-metadata'),
    parser: hasContent ? parser : null,
    bytesMax: options.number('max-bytes') ?? BYTES_MAX_DEFAULT,
  };
  output.line(baseName.endsWith(LOG_SUFFIX) ? logTitle(baseName) : snapshotTitle(baseName));
  const log = await LogRecords.open(dump.system, dump.file);
  try {
    await dumpBatches(dump, log, view);
  } finally {
    await log.close();
  }
};

const logTitle = (baseName: string): string => `Log starting offset: ${startOffsetOf(baseName)}`;

const OFFSET_DIGITS = 20;

/** A snapshot of a KRaft log. */
const snapshotTitle = (baseName: string): string => {
  if (baseName === 'bootstrap.checkpoint') return 'KRaft bootstrap snapshot';
  const { length } = baseName;
  if (length < OFFSET_DIGITS) {
    const message = `begin 0, end ${OFFSET_DIGITS}, length ${length}`;
    throw new JavaFailure('java.lang.StringIndexOutOfBoundsException', message);
  }
  const [, offset, epoch] = /^(\d{20})-(\d{10})\.checkpoint$/.exec(baseName) ?? [];
  if (offset === undefined) {
    throw new JavaFailure('java.util.NoSuchElementException', 'No value present');
  }
  return `Snapshot end offset: ${Number(offset)}, epoch: ${Number(epoch)}`;
};

const dumpBatches = async (dump: Dump, log: LogRecords, view: View): Promise<void> => {
  const { output, findings, file } = dump;
  const end = log.endOf(0, view.bytesMax);
  let validBytes = 0;
  let lastOffset = -1n;
  for await (const { batch, position } of log.batches(0, end)) {
    output.text(batchStart(batch));
    output.line(batchEnd(batch, position));
    if (view.isDeep) {
      for (const record of dumpedRecordsOf(batch)) {
        if (lastOffset !== -1n && record.offset !== lastOffset + 1n) {
          findings.gaps.add(file.absolute, lastOffset, record.offset);
        }
        lastOffset = record.offset;
        dumpRecord(dump, { batch, record, view });
        await output.pause();
      }
    }
    validBytes = position + batch.sizeBytes;
    await output.pause();
  }
  if (validBytes < end && view.bytesMax === BYTES_MAX_DEFAULT) {
    output.line(`Found ${end - validBytes} invalid bytes at the end of ${dump.baseName}`);
  }
};

const batchStart = (batch: RecordBatch): string => {
  if (batch.isOld) return `offset: ${longAt(batch, 0)}`;
  const horizon = batch.hasDeleteHorizon ? `[${longAt(batch, 27)}]` : '.empty';
  return (
    `baseOffset: ${longAt(batch, 0)} lastOffset: ${lastOffsetOf(batch)} ` +
    `count: ${batch.recordCount} ` +
    `baseSequence: ${batch.baseSequence} ` +
    `lastSequence: ${lastSequenceOf(batch)} ` +
    `producerId: ${longAt(batch, 43)} producerEpoch: ${batch.producerEpoch} ` +
    `partitionLeaderEpoch: ${batch.partitionLeaderEpoch} ` +
    `isTransactional: ${batch.isTransactional} isControl: ${batch.isControl} ` +
    `deleteHorizonMs: OptionalLong${horizon}`
  );
};

const lastSequenceOf = ({ baseSequence, lastOffsetDelta }: RecordBatch): number =>
  baseSequence === -1 ? -1 : sequenceAfter(baseSequence, lastOffsetDelta);

/** Throws JavaFailure for a magic or codec that there is not; the start of the line is out by then. */
const batchEnd = (batch: RecordBatch, position: number): string => {
  if (batch.magic < 0) throw illegalArgument(`Invalid magic used in LegacyRecord: ${batch.magic}`);
  return (
    ` position: ${position} ${timestampTypeOf(batch)}: ${maxTimestampOf(batch)} ` +
    `size: ${batch.sizeBytes} magic: ${batch.magic} ` +
    `compresscodec: ${codecNameOf(batch)} crc: ${batch.crc} isvalid: ${batch.isCrcValid()}`
  );
};

const CODEC_MASK = 0x07;
const CODEC_MAX = 4;

const codecNameOf = (batch: RecordBatch): string => {
  const number = batch.attributes & CODEC_MASK;
  if (number > CODEC_MAX) throw illegalArgument(`Unknown compression type id: ${number}`);
  return batch.compression;
};

/** Timestamps and ids are shown as they stand in the header, beyond 2^53, too. */
const longAt = (batch: RecordBatch, at: number): bigint =>
  batch.buffer.readBigInt64BE(batch.position + at);

const maxTimestampOf = (batch: RecordBatch): bigint => {
  if (batch.magic === 0) return -1n;
  return longAt(batch, batch.isOld ? 18 : 35);
};

const timestampTypeOf = (batch: RecordBatch): string => {
  if (batch.magic === 0) return 'NoTimestampType';
  return batch.timestampType === 'logAppendTime' ? 'LogAppendTime' : 'CreateTime';
};

interface ShownRecord {
  readonly batch: RecordBatch;
  readonly record: DumpedRecord;
  readonly view: View;
}

/** A line; throws JavaFailure in the middle of it where Kafka does. */
const dumpRecord = ({ output }: Dump, { batch, record, view }: ShownRecord): void => {
  let prefix = '| ';
  if (view.hasMetadata) {
    output.text(`| ${metadataText(batch, record)}`);
    prefix = ' ';
    if (batch.isControl) output.text(controlText(record.content()));
  }
  if (view.parser !== null && !batch.isControl) {
    const { key, payload } = view.parser({ offset: record.offset, ...record.content() });
    if (key !== null) {
      output.text(`${prefix}key: ${key}`);
      prefix = ' ';
    }
    if (payload !== null) output.text(` payload: ${payload}`);
  }
  output.line('');
};

const metadataText = (batch: RecordBatch, record: DumpedRecord): string => {
  const { offset, timestamp, keySize, valueSize, sequence, headerKeys, old } = record;
  const text =
    `offset: ${offset} ${timestampTypeOf(batch)}: ${timestamp} ` +
    `keySize: ${keySize} valueSize: ${valueSize}`;
  if (old !== null) return `${text} isValid: ${old.isValid} crc: ${old.crc}}`;
  return `${text} sequence: ${sequence} headerKeys: [${headerKeys.join(',')}]`;
};
