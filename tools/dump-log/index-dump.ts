/**
 * Dumps `.index` and `.timeindex` files and compares them with their log, as Kafka's DumpLogSegments
 * does: an offset index entry has to be the end of the one batch at its position, a time index entry
 * the end of a batch and the largest timestamp in it.
 */
import { INDEX_SUFFIX, LOG_SUFFIX } from '../../log/file-names.ts';
import type { RecordBatch } from '../../protocol/record-batch.ts';
import { JavaFailure } from '../options/java-failure.ts';
import { type Dump, siblingOf, startOffsetOf } from './dump.ts';
import { dumpedRecordsOf } from './dumped-records.ts';
import {
  checkOffsetIndex,
  checkTimeIndex,
  type IndexReader,
  type OffsetEntry,
  openOffsetIndex,
  openTimeIndex,
  positionFor,
  type TimeEntry,
} from './index-reader.ts';
import { LogRecords, lastOffsetOf } from './log-records.ts';

const NO_TIMESTAMP = -1n;

/** Throws JavaFailure. */
export const dumpOffsetIndex = async (dump: Dump): Promise<void> => {
  const startOffset = startOffsetOf(dump.baseName);
  const log = await LogRecords.open(dump.system, siblingOf(dump, LOG_SUFFIX));
  try {
    const index = await openOffsetIndex(dump.system, dump.file, startOffset);
    try {
      await dumpOffsetEntries(dump, { log, index, startOffset });
    } finally {
      await index.close();
    }
  } finally {
    await log.close();
  }
};

const dumpOffsetEntries = async (
  { options, output, findings, file }: Dump,
  files: { log: LogRecords; index: IndexReader<OffsetEntry>; startOffset: bigint },
): Promise<void> => {
  const { log, index, startOffset } = files;
  if (index.count === 0) return output.line(`${file.given} is empty.`);
  if (options.has('index-sanity-check')) {
    checkOffsetIndex(index);
    return output.line(`${file.given} passed sanity check.`);
  }
  const sizeMax = options.number('max-message-size') ?? 0;
  for (let slot = 0; slot < index.count; slot++) {
    const { offset, position } = index.at(slot);
    // After a crash the file ends in zeroes.
    if (offset === startOffset && slot > 0) return;
    const logOffset = await log.lastOffsetAt(position, log.endOf(position, sizeMax));
    if (logOffset === null) throw new JavaFailure('java.util.NoSuchElementException', '');
    if (logOffset !== offset) findings.indexMismatches.add(file.absolute, offset, logOffset);
    if (options.has('verify-index-only')) continue;
    output.line(`offset: ${offset} position: ${position}`);
    await output.pause();
  }
};

interface TimeFiles {
  readonly log: LogRecords;
  readonly index: IndexReader<OffsetEntry>;
  readonly timeIndex: IndexReader<TimeEntry>;
  readonly startOffset: bigint;
}

/** Throws JavaFailure. */
export const dumpTimeIndex = async (dump: Dump): Promise<void> => {
  const { system } = dump;
  const startOffset = startOffsetOf(dump.baseName);
  const closers: (() => Promise<void>)[] = [];
  try {
    const log = await LogRecords.open(system, siblingOf(dump, LOG_SUFFIX));
    closers.push(() => log.close());
    const index = await openOffsetIndex(system, siblingOf(dump, INDEX_SUFFIX), startOffset);
    closers.push(() => index.close());
    const timeIndex = await openTimeIndex(system, dump.file, startOffset);
    closers.push(() => timeIndex.close());
    await dumpTimeEntries(dump, { log, index, timeIndex, startOffset });
  } finally {
    for (const close of closers) await close();
  }
};

const dumpTimeEntries = async (dump: Dump, files: TimeFiles): Promise<void> => {
  const { options, output, findings, file } = dump;
  const { timeIndex } = files;
  if (options.has('index-sanity-check')) {
    checkTimeIndex(timeIndex);
    return output.line(`${file.given} passed sanity check.`);
  }
  let previous = NO_TIMESTAMP;
  for (let slot = 0; slot < timeIndex.count; slot++) {
    const { timestamp, offset } = timeIndex.at(slot);
    // After a crash the file ends in zeroes.
    if (offset === files.startOffset && slot > 0) return;
    const batch = await batchWith(files, offset);
    if (batch === null || lastOffsetOf(batch) !== offset) {
      findings.offsetsNotFound.add(
        file.absolute,
        offset,
        batch === null ? -1n : lastOffsetOf(batch),
      );
    } else {
      const found = largestTimestampIn(batch);
      if (found !== timestamp) findings.timeMismatches.add(file.absolute, timestamp, found);
      if (previous >= timestamp) findings.timesOutOfOrder.add(file.absolute, timestamp, previous);
    }
    if (!options.has('verify-index-only')) {
      output.line(`timestamp: ${timestamp} offset: ${offset}`);
    }
    previous = timestamp;
    await output.pause();
  }
};

/** The first batch, from where the offset index points to, that ends at or behind `offset`. */
const batchWith = async (
  { log, index }: TimeFiles,
  offset: bigint,
): Promise<RecordBatch | null> => {
  const from = positionFor(index, offset);
  const end = log.endOf(from, log.sizeBytes);
  for await (const { batch } of log.batches(from, end)) {
    if (lastOffsetOf(batch) >= offset) return batch;
  }
  return null;
};

const largestTimestampIn = (batch: RecordBatch): bigint => {
  let largest = NO_TIMESTAMP;
  for (const { timestamp } of dumpedRecordsOf(batch)) {
    if (timestamp > largest) largest = timestamp;
  }
  return largest;
};
