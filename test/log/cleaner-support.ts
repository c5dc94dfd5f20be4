/**
 * What the tests of the cleaner share: a log that is cleaned when the test says so, and what it
 * holds as text.
 */
import type { FilterOptions } from '../../log/cleaner/batch-filter.ts';
import {
  type CleanerSettings,
  defaultCleanerSettings,
  LogCleaner,
} from '../../log/cleaner/log-cleaner.ts';
import type { OffsetMap } from '../../log/cleaner/offset-map.ts';
import { TransactionTracker } from '../../log/cleaner/transaction-tracker.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { RecordBatch } from '../../protocol/record-batch.ts';
import type { System } from '../../system/system.ts';
import { readBatches } from './log-support.ts';

/** A cleaner over these logs that runs only when asked to. */
export const cleanerOf = async (
  system: System,
  logs: readonly PartitionLog[],
  options: {
    readonly settings?: Partial<CleanerSettings>;
    readonly highWatermark?: (log: PartitionLog) => number;
  } = {},
): Promise<LogCleaner> => {
  const parentOf = ({ directory }: PartitionLog): string =>
    directory.slice(0, directory.lastIndexOf('/'));
  const cleaner = new LogCleaner(
    system,
    {
      logs: {
        all: () => logs,
        currentHighWatermark: options.highWatermark ?? ((log) => log.logEndOffset),
      },
      failed: (directory, error) => {
        throw new Error(`${directory} has failed`, { cause: error });
      },
    },
    { ...defaultCleanerSettings, threadCount: 0, ...options.settings },
  );
  for (const directory of new Set(logs.map(parentOf))) await cleaner.addDirectory(directory);
  cleaner.start();
  return cleaner;
};

/** How batches are filtered where a test does not say otherwise: nothing is known but the map. */
export const filterOptions = (
  map: OffsetMap,
  changed: Partial<FilterOptions> = {},
): FilterOptions => ({
  map,
  transactions: new TransactionTracker(),
  producers: new Map(),
  nowMs: 5000,
  deleteRetentionMs: 86_400_000,
  keepsOldTombstones: false,
  ...changed,
});

/** One line for a batch and what is in it. */
export const describeBatch = (batch: RecordBatch): string => {
  const { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, compression } = batch;
  const flags = [
    batch.isTransactional ? 'transactional' : '',
    batch.isControl ? 'control' : '',
    batch.hasDeleteHorizon ? 'horizon' : '',
    batch.timestampType,
    compression,
  ];
  const records = [...batch.records()].map(
    ({ offset, timestamp, key, value, headers }) =>
      `${offset}@${timestamp} ${key?.toString('hex')}=${value?.toString('hex')} ${headers.length}`,
  );
  const ids = `${producerId}/${producerEpoch}/${baseSequence}`;
  const epoch = batch.partitionLeaderEpoch;
  return `${baseOffset}-${lastOffset} ${ids} ${epoch} ${batch.maxTimestamp} ${flags.join(' ')}: ${records.join(', ')}`;
};

/** All batches of a log, from its files. */
export const describeLog = async (log: PartitionLog): Promise<string[]> =>
  (await readBatches(log, log.logStartOffset)).map(describeBatch);
