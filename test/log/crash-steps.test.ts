/**
 * A broker's logs in two directories, through everything that is done with them; the disk dies at
 * each of its changes in turn, and the logs are opened again: nothing that had reached the device is
 * lost, nothing torn is served, indexes agree with the data, and the manager starts.
 */
import { LogManager } from '../../log/log-manager.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { RecordBatch } from '../../protocol/record-batch.ts';
import { realSystem, type System } from '../../system/system.ts';
import { append, readBatches, smallConfig } from './log-support.ts';
import { type Death, MemoryDisk } from './memory-disk.ts';

const TOPIC_ID = 'c3_gRW8dQ2ShQhFbzWRqZg';
const START_MS = 1_700_000_000_000;
const DIRECTORIES = ['/a', '/b'];
const config = {
  ...smallConfig,
  segmentBytes: 600,
  indexIntervalBytes: 50,
  segmentIndexBytes: 120,
  retentionMs: -1,
  fileDeleteDelayMs: 0,
};

/** What one partition may look like after a crash. */
interface Expected {
  /** By offset; what was cut off and written anew has another value. */
  values: string[];
  /** Before a cut that may or may not have happened. */
  before: string[] | null;
  /** Written and acknowledged. */
  written: number;
  /** Known to have reached the device. */
  synced: number;
  startMin: number;
  startMax: number;
  highWatermark: number;
  isMade: boolean;
  /** Deleted, or about to be. */
  deleted: 'no' | 'maybe' | 'yes';
  isSettled: boolean;
}

const nothing = (): Expected => ({
  values: [],
  before: null,
  written: 0,
  synced: 0,
  startMin: 0,
  startMax: 0,
  highWatermark: 0,
  isMade: false,
  deleted: 'no',
  isSettled: false,
});

class Run {
  readonly expected = new Map([0, 1, 2].map((partition) => [partition, nothing()]));
  readonly #manager: LogManager;

  constructor(manager: LogManager) {
    this.#manager = manager;
  }

  of(partition: number): Expected {
    return this.expected.get(partition) as Expected;
  }

  log(partition: number): PartitionLog {
    const log = this.#manager.get('t', partition);
    if (log === undefined) throw new Error('the disk is gone, and the log with it');
    return log;
  }

  async make(partition: number): Promise<void> {
    await this.#manager.getOrCreate('t', partition, { topicId: TOPIC_ID, config });
    this.of(partition).isMade = true;
  }

  async append(partition: number, count: number, epoch: number): Promise<void> {
    const expected = this.of(partition);
    for (let index = 0; index < count; index++) {
      const log = this.log(partition);
      const offset = expected.written;
      const value = `${epoch}-${offset}`;
      expected.values[offset] = value;
      const ids = { producerId: 7, producerEpoch: 0, baseSequence: offset };
      await append(log, [value], { ...ids, timestamp: START_MS + offset }, epoch);
      expected.written = offset + 1;
      expected.before = null;
      this.note(partition);
    }
  }

  /** What the log itself says it need not look at after a crash. */
  note(partition: number): void {
    const expected = this.of(partition);
    expected.synced = Math.max(expected.synced, this.log(partition).recoveryPoint);
  }

  async flush(partition: number): Promise<void> {
    await this.log(partition).flush();
    this.note(partition);
  }

  async cut(partition: number, offset: number): Promise<void> {
    const expected = this.of(partition);
    expected.before = [...expected.values];
    expected.values = expected.values.slice(0, offset);
    expected.written = Math.min(expected.written, offset);
    expected.synced = Math.min(expected.synced, offset);
    await this.log(partition).truncateTo(offset);
    expected.before = null;
  }

  async raiseStart(partition: number, offset: number): Promise<void> {
    const expected = this.of(partition);
    expected.startMax = offset;
    await this.log(partition).advanceLogStartOffset(offset);
    await this.#manager.checkpointLogStarts();
    if (this.#manager.offlineDirectories.length === 0) expected.startMin = offset;
  }

  async retain(partition: number): Promise<void> {
    const log = this.log(partition);
    await log.deleteOldSegments(log.logEndOffset);
  }

  async checkpoint(highWatermark: number): Promise<void> {
    await this.#manager.checkpointRecoveryPoints();
    const values = [0, 1].map((partition) => ({ topic: 't', partition, offset: highWatermark }));
    await this.#manager.checkpointHighWatermarks(values);
    if (this.#manager.offlineDirectories.length > 0) return;
    for (const partition of [0, 1]) this.of(partition).highWatermark = highWatermark;
  }

  async delete(partition: number): Promise<void> {
    const expected = this.of(partition);
    expected.deleted = 'maybe';
    await this.#manager.delete('t', partition);
    if (this.#manager.offlineDirectories.length === 0) expected.deleted = 'yes';
  }

  async move(partition: number): Promise<void> {
    const from = this.log(partition).directory;
    // The checkpoint of the directory it moves to follows with the next one of all.
    this.of(partition).highWatermark = 0;
    const [directory] = DIRECTORIES.filter((path) => !from.startsWith(`${path}/`));
    await this.#manager.moveTo('t', partition, directory ?? '');
    while (this.#manager.future('t', partition) !== undefined) {
      if (this.#manager.offlineDirectories.length > 0) throw new Error('the disk is gone');
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

const workload = async (run: Run): Promise<void> => {
  for (const partition of [0, 1, 2]) await run.make(partition);
  await run.append(0, 15, 0);
  await run.append(1, 10, 0);
  await run.append(2, 3, 0);
  await run.checkpoint(8);
  await run.flush(1);
  await run.raiseStart(0, 9);
  await run.retain(0);
  await run.append(1, 8, 1);
  await run.cut(1, 12);
  await run.append(1, 9, 2);
  await run.checkpoint(12);
  await run.delete(2);
  await run.move(1);
  await run.append(1, 4, 3);
  await run.flush(0);
};

const real = realSystem();
/** Of the time of the records, or their producers would have expired. */
const clock = { ...real.clock, nowMs: () => START_MS + 1000 };
const systemOn = (memory: MemoryDisk): System => ({ ...real, clock, disk: memory.disk });

const openManager = (memory: MemoryDisk): Promise<LogManager> =>
  LogManager.open(systemOn(memory), {
    logDirs: DIRECTORIES,
    brokerId: 1,
    clusterId: 'cluster',
    defaultConfig: config,
    cleaner: null,
  });

/** Runs the workload until the disk dies; null when it died before there was a manager. */
const runUntilDeath = async (memory: MemoryDisk): Promise<Run | null> => {
  let manager: LogManager;
  try {
    manager = await openManager(memory);
  } catch (error) {
    expect(memory.isDead).toBe(true);
    expect(String(error)).toMatch('gone');
    return null;
  }
  const run = new Run(manager);
  try {
    await workload(run);
  } catch (error) {
    if (!memory.isDead) throw error;
  }
  const states = structuredClone([...run.expected]);
  await manager.close();
  for (const [partition, expected] of states) run.expected.set(partition, expected);
  return run;
};

/** Every entry of an index leads to a batch that is there. */
const checkIndexes = async (log: PartitionLog, batches: readonly RecordBatch[]): Promise<void> => {
  const ends = new Set(batches.map(({ nextOffset }) => nextOffset));
  for (const segment of log.segments) {
    await segment.loadIndexes();
    for (const { offset, position } of segment.index.entries()) {
      const bytes = Buffer.alloc(8);
      await segment.withFile((file) => file.read(bytes, position));
      expect([offset, Number(bytes.readBigInt64BE())]).toEqual([offset, offset]);
      if (offset >= log.logStartOffset) expect(ends).toContain(offset + 1);
    }
    for (const { timestamp, offset } of segment.timeIndex.entries())
      expect(timestamp).toBe(START_MS + offset);
  }
};

const checkLog = async (log: PartitionLog, expected: Expected, death: Death): Promise<void> => {
  const { values, before, startMin, startMax } = expected;
  const floor = death === 'kill' ? expected.written : expected.synced;
  expect(log.logEndOffset).toBeGreaterThanOrEqual(floor);
  expect(log.logStartOffset).toBeGreaterThanOrEqual(startMin);
  expect(log.logStartOffset).toBeLessThanOrEqual(startMax);
  const batches = await readBatches(log, log.logStartOffset);
  const offsets = batches.map(({ baseOffset }) => baseOffset);
  expect(offsets).toEqual(
    Array.from({ length: log.logEndOffset - log.logStartOffset }, (_, i) => log.logStartOffset + i),
  );
  const found = batches.flatMap((batch) => [...batch.records()].map(({ value }) => `${value}`));
  const at = (of: readonly string[]): string[] => of.slice(log.logStartOffset, log.logEndOffset);
  const mayBe = [at(values), ...(before === null ? [] : [at(before)])];
  expect(mayBe).toContainEqual(found);
  for (const batch of batches) {
    expect(batch.isCrcValid()).toBe(true);
    // Below a start that was raised epochs are forgotten at once, as in Kafka, records later.
    if (batch.baseOffset >= startMax)
      expect(log.epochs.epochAt(batch.baseOffset)).toBe(batch.partitionLeaderEpoch);
    const [again] = await readBatches(log, batch.baseOffset);
    expect(again?.baseOffset).toBe(batch.baseOffset);
    const byTime = await log.offsetForTimestamp(batch.maxTimestamp);
    expect(byTime?.offset).toBe(batch.baseOffset);
  }
  await checkIndexes(log, batches);
  const [producer] = [...log.producers.activeProducers()];
  if (batches.length > 0) expect(producer?.lastSequence ?? -1).toBe(log.logEndOffset - 1);
};

/** Opens what is left, looks at it, goes on, and opens it once more after a stop in order. */
const checkAfter = async (memory: MemoryDisk, run: Run | null, death: Death): Promise<void> => {
  const manager = await openManager(memory);
  expect(manager.onlineDirectories).toEqual(DIRECTORIES);
  for (const [partition, expected] of run?.expected ?? []) {
    const log = manager.get('t', partition);
    if (expected.deleted === 'yes') expect(log).toBeUndefined();
    if (log === undefined) {
      const isMissed = expected.synced > 0 || (death === 'kill' && expected.isMade);
      if (expected.deleted === 'no') expect(isMissed).toBe(false);
      continue;
    }
    await checkLog(log, expected, death);
    expect(manager.highWatermark('t', partition)).toBeGreaterThanOrEqual(
      expected.deleted === 'no' ? expected.highWatermark : 0,
    );
  }
  const ends = new Map<PartitionLog, number>();
  for (const log of manager.all()) {
    const end = log.logEndOffset;
    const info = await append(
      log,
      ['next'],
      { producerId: 7, producerEpoch: 0, baseSequence: end },
      9,
    );
    expect(info.baseOffset).toBe(end);
    ends.set(log, end + 1);
  }
  await manager.close();
  const again = await openManager(memory);
  for (const [log, end] of ends) {
    const opened = again.get('t', log.partition);
    expect(opened?.logEndOffset).toBe(end);
    expect(await readBatches(opened as PartitionLog, log.logStartOffset)).toHaveLength(
      end - log.logStartOffset,
    );
  }
  await again.close();
};

/** Has the next start die, too. */
const dieInRecovery = async (memory: MemoryDisk, death: Death, seed: number) => {
  memory.dieAt = 1 + (seed % 37);
  const manager = await openManager(memory).catch(() => null);
  await manager?.close();
  return memory.after(death, seed + 1);
};

const changesOf = async (): Promise<number> => {
  const memory = new MemoryDisk();
  const run = await runUntilDeath(memory);
  await checkAfter(memory.after('kill', 0), run, 'kill');
  return memory.count;
};

/** Every so many changes, that the tests do not take long; all of them hold. */
const STRIDES = { kill: 3, 'power loss': 2 };

test.each(['kill', 'power loss'] as const)(
  'whatever the change to the disk at which a %s comes, the logs open and have what they must',
  async (death) => {
    const changes = await changesOf();
    expect(changes).toBeGreaterThan(300);
    for (let dieAt = 1; dieAt <= changes; dieAt += STRIDES[death]) {
      const memory = new MemoryDisk();
      memory.dieAt = dieAt;
      const run = await runUntilDeath(memory);
      const paths = memory.paths();
      try {
        let left = memory.after(death, dieAt);
        if (dieAt % 4 === 1) left = await dieInRecovery(left, death, dieAt);
        await checkAfter(left, run, death);
      } catch (error) {
        throw new Error(`at change ${dieAt}: ${(error as Error).message}\n${paths.join('\n')}`, {
          cause: error,
        });
      }
    }
  },
  120_000,
);
