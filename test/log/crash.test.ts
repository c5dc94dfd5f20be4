import type { PartitionLog } from '../../log/partition-log.ts';
import { realSystem } from '../../system/system.ts';
import { FaultyDisk } from './faulty-disk.ts';
import {
  append,
  contextOf,
  openLog,
  readAll,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

afterEach(removeTempDirectories);

const config = { ...smallConfig, segmentBytes: 600, indexIntervalBytes: 50 };
const producer = { producerId: 7, producerEpoch: 0 };

interface Outcome {
  /** Records that were acknowledged and not cut off again. */
  acknowledged: number;
  /** Where cutting may have left the log when the disk died while it cut. */
  cutTo: number | null;
  recoveryPoint: number;
  changes: number;
}

/** Appends, rolls, cuts and appends again until the disk dies. */
const runUntilDeath = async (directory: string, dieAt: number): Promise<Outcome> => {
  const real = realSystem();
  const faulty = new FaultyDisk(real.disk, dieAt);
  const outcome: Outcome = { acknowledged: 0, cutTo: null, recoveryPoint: 0, changes: 0 };
  let log: PartitionLog | null = null;
  try {
    log = await openLog(directory, { config }, contextOf({ ...real, disk: faulty.disk }));
    await appendUpTo(log, 24, outcome);
    outcome.cutTo = 9;
    outcome.acknowledged = 9;
    outcome.recoveryPoint = Math.min(outcome.recoveryPoint, 9);
    await log.truncateTo(9);
    outcome.cutTo = null;
    outcome.recoveryPoint = log.recoveryPoint;
    await appendUpTo(log, 16, outcome);
    await log.close();
  } catch (error) {
    expect(faulty.isDead).toBe(true);
    expect(String(error)).toMatch(/failed|disk is gone/);
  }
  outcome.changes = faulty.count;
  await log?.abandon().catch(() => {});
  return outcome;
};

const appendUpTo = async (log: PartitionLog, end: number, outcome: Outcome): Promise<void> => {
  while (outcome.acknowledged < end) {
    const offset = outcome.acknowledged;
    await append(log, [`value-${offset}`], { ...producer, baseSequence: offset });
    outcome.acknowledged = offset + 1;
    outcome.recoveryPoint = log.recoveryPoint;
  }
};

const checkRecovered = async (directory: string, outcome: Outcome): Promise<void> => {
  const { recoveryPoint } = outcome;
  const log = await openLog(directory, { config, recoveryPoint });
  const records = await readAll(log);
  expect(records).toEqual(records.map((_, offset) => `${offset}:value-${offset}`));
  expect(records.length).toBe(log.logEndOffset);
  expect(log.logEndOffset).toBeGreaterThanOrEqual(outcome.acknowledged);
  const [entry] = [...log.producers.activeProducers()];
  expect(entry?.lastSequence ?? -1).toBe(log.logEndOffset - 1);
  if (log.logEndOffset > 0) expect(log.latestEpoch()).toBe(0);
  // It goes on as if nothing had happened.
  const next = log.logEndOffset;
  const info = await append(log, ['next'], { ...producer, baseSequence: next });
  expect(info.baseOffset).toBe(next);
  expect((await readAll(log)).at(-1)).toBe(`${next}:next`);
  await log.close();
};

test('whatever the change to the disk at which it dies, no acknowledged record is lost', async () => {
  const { changes } = await runUntilDeath(tempDirectory(), Number.POSITIVE_INFINITY);
  expect(changes).toBeGreaterThan(50);
  for (let dieAt = 1; dieAt <= changes; dieAt++) {
    const directory = tempDirectory();
    const outcome = await runUntilDeath(directory, dieAt);
    expect(outcome.changes).toBeGreaterThanOrEqual(dieAt);
    await checkRecovered(directory, outcome);
  }
});

test('recovery itself may die and be started over', async () => {
  const directory = tempDirectory();
  const outcome = await runUntilDeath(directory, 40);
  for (let dieAt = 1; dieAt < 12; dieAt++) {
    const real = realSystem();
    const faulty = new FaultyDisk(real.disk, dieAt);
    const context = contextOf({ ...real, disk: faulty.disk });
    const { recoveryPoint } = outcome;
    const opened = await openLog(directory, { config, recoveryPoint }, context).catch(() => null);
    await opened?.abandon();
  }
  await checkRecovered(directory, outcome);
});

test('after a failed write nothing is accepted any more and the directory is reported', async () => {
  const real = realSystem();
  const faulty = new FaultyDisk(real.disk, 14);
  const failed: string[] = [];
  const context = contextOf(
    { ...real, disk: faulty.disk },
    { failed: (path) => failed.push(path) },
  );
  const directory = tempDirectory();
  const log = await openLog(directory, { config }, context);
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => append(log, [`value-${index}`])),
  );
  expect(results.at(-1)?.status).toBe('rejected');
  expect(failed).toEqual([directory]);
  expect(log.hasFailed).toBe(true);
  await expect(append(log, ['a'])).rejects.toThrow('failed');
  await expect(log.flush()).rejects.toThrow('failed');
  await log.close();
});
