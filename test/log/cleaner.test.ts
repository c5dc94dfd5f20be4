import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { defaultCleanerSettings, LogCleaner } from '../../log/cleaner/log-cleaner.ts';
import { LogManager } from '../../log/log-manager.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import { realSystem, type System } from '../../system/system.ts';
import { ManualClock, manualSystem, settle } from '../support/manual-clock.ts';
import { cleanerOf } from './cleaner-support.ts';
import {
  contextOf,
  openLog,
  readAll,
  readBatches,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

const managers: LogManager[] = [];

afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
  removeTempDirectories();
});

const config = {
  ...smallConfig,
  segmentBytes: 1000,
  cleanupCompact: true,
  cleanupDelete: false,
  minCleanableDirtyRatio: 0,
  fileDeleteDelayMs: 1_000_000,
};
const thenMs = 1_700_000_000_000;

const put = async (
  log: PartitionLog,
  keys: readonly string[],
  timestamp = thenMs,
): Promise<void> => {
  const records = keys.map((key) => ({
    key: Buffer.from(key),
    value: Buffer.from(`${key} ${'x'.repeat(40)}`),
  }));
  const batch = buildBatch({ records, timestamp });
  await log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client' });
};

/** Rounds of the same keys, so that all but the last of each can go. */
const fill = async (log: PartitionLog, rounds = 20, timestamp = thenMs): Promise<void> => {
  for (let round = 0; round < rounds; round++) await put(log, ['a', 'b', 'c'], timestamp);
  await log.settled();
};

const filled = async (
  changed: Partial<typeof config> = {},
  system = realSystem(),
): Promise<PartitionLog> => {
  const options = { config: { ...config, ...changed } };
  const log = await openLog(`${tempDirectory()}/topic-0`, options, contextOf(system));
  await fill(log);
  return log;
};

const sealedBytes = (log: PartitionLog): number =>
  log.segments.slice(0, -1).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

const copies = (log: PartitionLog): string[] =>
  readdirSync(log.directory).filter((name) => /\.(cleaned|swap)$/.test(name));

const checkpointIn = (log: PartitionLog): string =>
  readFileSync(`${log.directory}/../cleaner-offset-checkpoint`, 'utf8');

/** A disk on which reads of data wait once, and then tell. */
const gatedSystem = (): { system: System; reached: Promise<void>; open: () => void } => {
  const real = realSystem();
  let open = (): void => {};
  let reach = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const disk: System['disk'] = {
    ...real.disk,
    setModified: async (path, modifiedMs) => {
      reach();
      await gate;
      await real.disk.setModified(path, modifiedMs);
    },
  };
  return { system: { ...real, disk }, reached, open };
};

describe('a run', () => {
  test('leaves files of the right age, an offset for the next run, and nothing else behind', async () => {
    const log = await filled();
    const cleaner = await cleanerOf(realSystem(), [log]);
    expect(checkpointIn(log)).toBe('');
    const bases = log.segments.map(({ baseOffset }) => baseOffset);
    const [firstSource] = log.segments;
    const before = sealedBytes(log);
    expect(await cleaner.cleanDirtiest()).toBe(true);
    expect(sealedBytes(log)).toBeLessThan(before);
    expect(checkpointIn(log)).toBe(`0\n1\ntopic 0 ${bases.at(-1)}\n`);
    expect(copies(log)).toEqual([]);
    const [first] = log.segments;
    expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual(bases);
    expect(statSync(`${first?.path}.log`).mtimeMs).toBeCloseTo(firstSource?.modifiedMs ?? 0, -1);
    expect(log.sizeBytes).toBe(sealedBytes(log) + (log.segments.at(-1)?.sizeBytes ?? 0));
    expect(await cleaner.cleanDirtiest()).toBe(false);
    await cleaner.stop();
    await log.close();
  });

  test.each([
    ['is cut', (log: PartitionLog) => log.truncateTo(10)],
    ['starts over', (log: PartitionLog) => log.truncateFullyAndStartAt(500)],
    [
      'changes its policy',
      async (log: PartitionLog) => {
        log.config = { ...config, cleanupCompact: false };
      },
    ],
    ['is closed', async (log: PartitionLog) => void log.close()],
  ])('ends when the log %s meanwhile, and leaves the log as it is', async (_name, change) => {
    const { system, reached, open } = gatedSystem();
    const log = await filled({}, system);
    const cleaner = await cleanerOf(system, [log]);
    const cleaning = cleaner.cleanDirtiest();
    await reached;
    await change(log);
    open();
    expect(await cleaning).toBe(false);
    expect(cleaner.uncleanable.size).toBe(0);
    await log.abandon();
    expect(copies(log)).toEqual([]);
    expect(checkpointIn(log)).toBe('');
    await cleaner.stop();
  });

  test('does not hold back appends, and readers see every key all the time', async () => {
    const { system, reached, open } = gatedSystem();
    const log = await filled({}, system);
    const cleaner = await cleanerOf(system, [log]);
    const cleaning = cleaner.cleanDirtiest();
    await reached;
    await put(log, ['new']);
    expect((await readAll(log)).at(-1)).toContain('new');
    const reads = [
      readAll(log),
      readBatches(log, 30),
      log.offsetForTimestamp(thenMs),
      log.maxTimestamp(),
    ];
    open();
    for (const read of reads) await read;
    expect(await cleaning).toBe(true);
    const values = new Set((await readAll(log)).map((line) => line.split(/[: ]/)[1]));
    expect([...values].sort()).toEqual(['a', 'b', 'c', 'new']);
    expect(log.hasFailed).toBe(false);
    await cleaner.stop();
    await log.close();
  });

  test('that the map cannot take at once is continued by the next', async () => {
    const log = await openLog(`${tempDirectory()}/topic-0`, { config });
    for (let round = 0; round < 3; round++)
      for (let key = 0; key < 40; key++) await put(log, [`key-${key}`]);
    await put(log, ['end']);
    await log.settled();
    const cleaner = await cleanerOf(realSystem(), [log], {
      settings: { dedupeBufferBytes: 24 * 12 },
    });
    let runs = 0;
    while (await cleaner.cleanDirtiest()) runs += 1;
    expect(runs).toBeGreaterThan(5);
    expect(cleaner.uncleanable.size).toBe(0);
    const activeBase = log.segments.at(-1)?.baseOffset ?? 0;
    const keys = (await readAll(log))
      .filter((line) => Number.parseInt(line, 10) < activeBase)
      .map((line) => line.split(/[: ]/)[1]);
    expect(new Set(keys).size).toBe(keys.length);
    await cleaner.stop();
    await log.close();
  });
});

describe('a log', () => {
  test('with bytes that are no batch is left alone, and others are cleaned', async () => {
    const [bad, good] = [await filled(), await filled()];
    const [segment] = bad.segments;
    const path = `${segment?.path}.log`;
    const bytes = readFileSync(path);
    bytes.writeInt32BE(3, 8);
    writeFileSync(path, bytes);
    const cleaner = await cleanerOf(realSystem(), [bad, good]);
    while (!(await cleaner.cleanDirtiest()) && cleaner.uncleanable.size === 0);
    while (await cleaner.cleanDirtiest());
    expect([...cleaner.uncleanable]).toEqual([bad]);
    expect(copies(bad)).toEqual([]);
    expect(bad.hasFailed).toBe(false);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(sealedBytes(good)).toBeLessThan(400);
    await cleaner.stop();
    await bad.abandon();
    await good.close();
  });

  test('whose file is shorter than it should be loses nothing by a run', async () => {
    const log = await filled();
    const path = `${log.segments[0]?.path}.log`;
    truncateSync(path, statSync(path).size - 5);
    const cleaner = await cleanerOf(realSystem(), [log]);
    expect(await cleaner.cleanDirtiest()).toBe(false);
    expect(cleaner.uncleanable.has(log)).toBe(true);
    expect(copies(log)).toEqual([]);
    await cleaner.stop();
    await log.abandon();
  });

  test('with more keys in a batch than the map takes is left alone', async () => {
    const log = await openLog(`${tempDirectory()}/topic-0`, { config });
    await put(
      log,
      Array.from({ length: 14 }, (_, key) => `key-${key}`),
    );
    await fill(log);
    const cleaner = await cleanerOf(realSystem(), [log], {
      settings: { dedupeBufferBytes: 24 * 7 },
    });
    expect(await cleaner.cleanDirtiest()).toBe(false);
    expect(cleaner.uncleanable.has(log)).toBe(true);
    await cleaner.stop();
    await log.close();
  });

  test('is cleaned up to the high watermark, and not before its records are old enough', async () => {
    const log = await filled({ minCompactionLagMs: 60_000 });
    let highWatermark = log.segments[2]?.baseOffset ?? 0;
    let nowMs = thenMs + 60_000;
    const real = realSystem();
    const system: System = { ...real, clock: { ...real.clock, nowMs: () => nowMs } };
    const cleaner = await cleanerOf(system, [log], { highWatermark: () => highWatermark });
    nowMs -= 1;
    expect(await cleaner.cleanDirtiest()).toBe(false);
    nowMs += 1;
    expect(await cleaner.cleanDirtiest()).toBe(true);
    expect(checkpointIn(log)).toContain(`topic 0 ${highWatermark}\n`);
    expect(await cleaner.cleanDirtiest()).toBe(false);
    highWatermark = log.logEndOffset;
    expect(await cleaner.cleanDirtiest()).toBe(true);
    await cleaner.stop();
    await log.close();
  });

  test('is due when a record has waited for too long, however clean the rest is', async () => {
    const log = await filled({ minCleanableDirtyRatio: 1, maxCompactionLagMs: 5000 });
    let nowMs = thenMs + 5000;
    const real = realSystem();
    const system: System = { ...real, clock: { ...real.clock, nowMs: () => nowMs } };
    const cleaner = await cleanerOf(system, [log]);
    expect(await cleaner.cleanDirtiest()).toBe(false);
    nowMs += 1;
    expect(await cleaner.cleanDirtiest()).toBe(true);
    await cleaner.stop();
    await log.close();
  });

  test('that was cut is dirty from there on', async () => {
    const directory = tempDirectory();
    const manager = await LogManager.open(realSystem(), {
      ...{ logDirs: [directory], brokerId: 1, defaultConfig: config },
      cleaner: { ...defaultCleanerSettings, threadCount: 0 },
    });
    managers.push(manager);
    const log = await manager.getOrCreate('topic', 0, { topicId: null, config });
    manager.currentHighWatermark = (one) => one.logEndOffset;
    await fill(log);
    expect(await manager.cleaner?.cleanDirtiest()).toBe(true);
    await log.truncateTo(1);
    await fill(log, 3);
    await manager.cleaner?.stop();
    expect(checkpointIn(log)).toBe('0\n1\ntopic 0 0\n');
    await manager.delete('topic', 0);
    await manager.cleaner?.stop();
    expect(readFileSync(`${directory}/cleaner-offset-checkpoint`, 'utf8')).toBe('0\n0\n');
  });
});

describe('the cleaner of a manager', () => {
  const openWith = async (
    clock: ManualClock,
    changed: Partial<typeof defaultCleanerSettings> = {},
    policy = config,
  ): Promise<{ manager: LogManager; log: PartitionLog }> => {
    const system: System = { ...realSystem(), clock };
    const manager = await LogManager.open(system, {
      ...{ logDirs: [tempDirectory()], brokerId: 1, defaultConfig: policy },
      cleaner: { ...defaultCleanerSettings, ...changed },
    });
    managers.push(manager);
    manager.currentHighWatermark = (log) => log.logEndOffset;
    const log = await manager.getOrCreate('topic', 0, { topicId: null, config: policy });
    return { manager, log };
  };

  /** Lets time pass, and the disk work, for as long as it takes. */
  const until = async (clock: ManualClock, isReached: () => boolean): Promise<void> => {
    while (!isReached()) await clock.advance(1000);
  };

  test('works by itself, again and again', async () => {
    const clock = new ManualClock();
    const { log } = await openWith(clock);
    for (let round = 0; round < 3; round++) {
      await fill(log);
      expect(sealedBytes(log)).toBeGreaterThan(1000);
      await until(clock, () => sealedBytes(log) < 400);
    }
  });

  test('also removes what retention lets go of a topic that is compacted and deleted', async () => {
    const clock = new ManualClock(thenMs + 100_000);
    const policy = {
      ...config,
      cleanupDelete: true,
      retentionMs: 50_000,
      minCleanableDirtyRatio: 1,
    };
    const { log } = await openWith(clock, {}, policy);
    await fill(log);
    await put(log, ['young'], thenMs + 1_000_000_000);
    await until(clock, () => log.logStartOffset > 0);
    expect((await readAll(log)).at(-1)).toContain('young');
  });

  test('stops at once, also when it is told so between two rounds', async () => {
    let stopped: Promise<void> = Promise.resolve();
    const log = {
      ...{ topic: 't', partition: 0, directory: '/data/t-0', isUsable: true, config },
      deleteOldSegments: async () => {
        stopped = cleaner.stop();
        return 0;
      },
    } as unknown as PartitionLog;
    const logs = { all: () => [log], currentHighWatermark: () => 0 };
    const clock = new ManualClock();
    const owner = { logs, failed: () => {} };
    const cleaner = new LogCleaner(manualSystem(clock), owner, defaultCleanerSettings);
    cleaner.start();
    await clock.advance(0);
    for (let round = 0; round < 10; round++) await settle();
    await stopped;
    expect(clock.timerCount).toBe(0);
  });

  test('keeps to the limit of bytes, and stops at once all the same', async () => {
    const clock = new ManualClock();
    const { manager, log } = await openWith(clock, { threadCount: 0, ioBytesPerSecondMax: 10 });
    await fill(log);
    const before = sealedBytes(log);
    const cleaning = manager.cleaner?.cleanDirtiest();
    for (let round = 0; round < 100; round++) await settle();
    expect(sealedBytes(log)).toBe(before);
    await until(clock, () => sealedBytes(log) < before);
    expect(clock.elapsedMs()).toBeGreaterThan((before / 10) * 1000);
    await manager.cleaner?.stop();
    expect(await cleaning).toBe(false);
    expect(copies(log)).toEqual([]);
    expect(manager.cleaner?.uncleanable.size).toBe(0);
  });

  test('takes more runs at a time, or fewer, when its settings change', async () => {
    const clock = new ManualClock();
    const { manager, log } = await openWith(clock, { threadCount: 0 });
    await fill(log);
    await clock.advance(60_000);
    expect(sealedBytes(log)).toBeGreaterThan(1000);
    const { cleaner } = manager;
    if (cleaner === null) throw new Error('no cleaner');
    cleaner.settings = { ...cleaner.settings, threadCount: 2 };
    await until(clock, () => sealedBytes(log) < 400);
  });
});
