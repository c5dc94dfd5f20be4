/**
 * What the tests of log/ share: temp directories, logs in them, batches, and all records of a log
 * as text.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wholeBatches } from '../../log/batch-scan.ts';
import { defaultLogConfig, type LogConfig } from '../../log/log-config.ts';
import { createLogContext, type LogContext } from '../../log/log-context.ts';
import { PartitionLog, type PartitionLogOptions } from '../../log/partition-log.ts';
import { buildBatch, type RecordBatch } from '../../protocol/record-batch.ts';
import { realSystem, type System } from '../../system/system.ts';

const fixtures = join(__dirname, '../fixtures/log');
const made: string[] = [];

/** Removes all temp directories of the test file. */
export const removeTempDirectories = (): void => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
};

export const tempDirectory = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'barnabas-log-'));
  made.push(path);
  return path;
};

/** A writable copy of a directory that Kafka wrote. */
export const copyOfFixture = (name: string): string => {
  const path = tempDirectory();
  cpSync(join(fixtures, name), path, { recursive: true });
  return path;
};

export const readJson = (name: string): unknown =>
  JSON.parse(readFileSync(join(fixtures, name), 'utf8'));

export interface ExpectedSegment {
  readonly base: number;
  /** Base offset, last offset, position, size, largest timestamp. */
  readonly batches: readonly (readonly [number, number, number, number, number])[];
  readonly index: readonly (readonly [number, number])[] | null;
  readonly timeIndex: readonly (readonly [number, number])[] | null;
  readonly aborted?: readonly Record<string, number>[];
}

export interface ExpectedPartition {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
  readonly epochs: string;
  readonly metadata: string;
  readonly snapshots: Record<string, readonly Record<string, number>[]>;
  readonly segments: readonly ExpectedSegment[];
}

/** What Kafka's own classes read from the directories beside it. */
export const expectedOf = (name: string): Record<string, ExpectedPartition> =>
  (readJson('expected.json') as Record<string, Record<string, ExpectedPartition>>)[name] ?? {};

/** Kafka wrote the fixtures with small index files, and the records are old. */
export const fixtureConfig: LogConfig = {
  ...defaultLogConfig,
  segmentIndexBytes: 4096,
  retentionMs: -1,
};

export const smallConfig: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 2000,
  segmentIndexBytes: 256,
  indexIntervalBytes: 200,
};

export const contextOf = (
  system: System = realSystem(),
  hooks: Parameters<typeof createLogContext>[1] = {},
): LogContext => createLogContext(system, hooks);

export const openLog = (
  directory: string,
  options: Partial<PartitionLogOptions> = {},
  context: LogContext = contextOf(),
): Promise<PartitionLog> => {
  mkdirSync(directory, { recursive: true });
  return PartitionLog.open(context, {
    directory,
    topic: 'topic',
    partition: 0,
    config: smallConfig,
    topicId: null,
    isClean: false,
    recoveryPoint: 0,
    logStartOffset: 0,
    ...options,
  });
};

/** A batch of `values.length` records, as a client sends it. */
export const batchOf = (
  values: readonly string[],
  options: Omit<Parameters<typeof buildBatch>[0], 'records'> = {},
): Buffer =>
  buildBatch({
    timestamp: 1_700_000_000_000,
    ...options,
    records: values.map((value) => ({ key: Buffer.from('k'), value: Buffer.from(value) })),
  });

export const append = (
  log: PartitionLog,
  values: readonly string[],
  options: Omit<Parameters<typeof buildBatch>[0], 'records'> = {},
  leaderEpoch = log.latestEpoch() ?? 0,
): ReturnType<PartitionLog['appendAsLeader']> =>
  log.appendAsLeader(batchOf(values, options), { leaderEpoch, origin: 'client' });

const everything = { maxBytes: 500, endOffset: Number.MAX_SAFE_INTEGER, minOneBatch: true };

/** The batches from `from` on, by as many reads as that takes. */
export const readBatches = async (log: PartitionLog, from: number): Promise<RecordBatch[]> => {
  const found: RecordBatch[] = [];
  let offset = from;
  while (offset < log.logEndOffset) {
    const { buffers, sizeBytes } = await log.read(offset, everything);
    if (sizeBytes === 0) break;
    const bytes = Buffer.concat(buffers);
    for (const batch of wholeBatches(bytes)) {
      found.push(batch);
      offset = batch.nextOffset;
    }
  }
  return found;
};

/** `offset:value` of all records. */
export const readAll = async (log: PartitionLog, from = log.logStartOffset): Promise<string[]> => {
  const found: string[] = [];
  for (const batch of await readBatches(log, from))
    for (const { offset, value } of batch.records()) found.push(`${offset}:${value}`);
  return found;
};

/** The same log as after a kill: a copy of its files as they are now. */
export const copyOfLog = (log: PartitionLog): string => {
  const path = tempDirectory();
  cpSync(log.directory, path, { recursive: true });
  return path;
};
