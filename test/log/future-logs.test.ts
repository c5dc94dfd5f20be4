import { existsSync, readdirSync } from 'node:fs';
import { LogManager, type LogManagerOptions } from '../../log/log-manager.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { realSystem, type System } from '../../system/system.ts';
import { until } from '../integration/waiting.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  append,
  readAll,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

const { clock } = realSystem();
const managers: LogManager[] = [];
let directories: string[] = [];

beforeEach(() => {
  directories = [tempDirectory(), tempDirectory()];
});

afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
  removeTempDirectories();
});

const open = async (
  changed: Partial<LogManagerOptions> = {},
  system: System = realSystem(),
): Promise<LogManager> => {
  const manager = await LogManager.open(system, {
    logDirs: directories,
    brokerId: 1,
    clusterId: 'HADai6A7TkqPWU3RcxR8mA',
    defaultConfig: smallConfig,
    ...changed,
  });
  managers.push(manager);
  return manager;
};

/** Larger than what is copied while appends wait. */
const largeConfig = { ...smallConfig, segmentBytes: 1_000_000, maxMessageBytes: 1_000_000 };
const PADDING = '.'.repeat(50_000);

const createLarge = async (manager: LogManager): Promise<PartitionLog> => {
  const log = await manager.getOrCreate('t', 0, { topicId: null, config: largeConfig });
  for (let index = 0; index < 160; index++) await append(log, [`value ${index}${PADDING}`], {}, 1);
  return log;
};

const withoutPadding = async (log: PartitionLog): Promise<string[]> =>
  (await readAll(log)).map((text) => text.replace(PADDING, ''));

const create = (manager: LogManager, partition = 0): Promise<PartitionLog> =>
  manager.getOrCreate('t', partition, { topicId: null, config: smallConfig });

const parentOf = (log: PartitionLog): string =>
  log.directory.slice(0, log.directory.lastIndexOf('/'));

/** The directory in which a log is not. */
const otherThan = (log: PartitionLog): string =>
  directories.find((path) => path !== parentOf(log)) ?? '';

const fill = async (log: PartitionLog, count: number, leaderEpoch?: number): Promise<void> => {
  const first = log.nextOffset;
  for (let index = 0; index < count; index++)
    await append(log, [`value ${first + index}`], {}, leaderEpoch);
};

const values = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `${from + index}:value ${from + index}`);

const moved = (log: PartitionLog, to: string): Promise<unknown> =>
  until(`the log is in ${to}`, () => parentOf(log) === to);

test('a log moves with its records, epochs and producers, and goes on in its new directory', async () => {
  const manager = await open();
  const log = await create(manager);
  await fill(log, 100, 3);
  // Loading forgets producers that have been silent for a day.
  const timestamp = Date.now();
  const sent = { producerId: 7, producerEpoch: 1, baseSequence: 0, timestamp };
  const first = await append(log, ['from a producer'], sent, 3);
  log.assignEpochStart(5, log.nextOffset);
  const from = parentOf(log);
  const to = otherThan(log);
  await manager.moveTo('t', 0, to);
  await moved(log, to);
  expect(await readAll(log)).toEqual([...values(0, 100), '100:from a producer']);
  expect(log.epochs.entries).toEqual([
    { epoch: 3, startOffset: 0 },
    { epoch: 5, startOffset: 101 },
  ]);
  expect(await append(log, ['from a producer'], sent, 5)).toMatchObject({
    baseOffset: first.baseOffset,
    isDuplicate: true,
  });
  await append(log, ['more'], {}, 5);
  await until('the old one is put away', () =>
    readdirSync(from).some((name) => /^t-0\.\w+-delete$/.test(name)),
  );
  expect(existsSync(`${from}/t-0`)).toBe(false);
  expect(manager.future('t', 0)).toBeUndefined();
  await managers.pop()?.close();
  const again = (await open()).get('t', 0);
  expect(again && parentOf(again)).toBe(to);
  expect(again && (await readAll(again)).slice(-2)).toEqual(['100:from a producer', '101:more']);
  expect(again?.epochs.entries.at(-1)).toEqual({ epoch: 5, startOffset: 101 });
});

test('appends and reads go on while a log moves to and fro, and none is lost', async () => {
  const manager = await open();
  const log = await create(manager);
  await fill(log, 300);
  let isDone = false;
  const writing = (async () => {
    while (!isDone) {
      await fill(log, 5);
      await clock.sleep(1);
    }
  })();
  const reading = (async () => {
    while (!isDone) {
      await clock.sleep(1);
      const end = log.logEndOffset;
      expect((await readAll(log, Math.max(0, end - 20))).slice(0, 3)).toEqual(
        values(Math.max(0, end - 20), end).slice(0, 3),
      );
    }
  })();
  for (let round = 0; round < 6; round++) {
    const to = otherThan(log);
    await manager.moveTo('t', 0, to);
    await moved(log, to);
  }
  isDone = true;
  await Promise.all([writing, reading]);
  expect(await readAll(log)).toEqual(values(0, log.logEndOffset));
});

test('what is cut from a log while it moves is cut from its copy', async () => {
  const manager = await open();
  manager.moveBytesPerSecondMax = () => 2_000_000;
  const log = await createLarge(manager);
  const to = otherThan(log);
  await manager.moveTo('t', 0, to);
  await until('part of it is copied', () => (manager.future('t', 0)?.logEndOffset ?? 0) > 20);
  await log.truncateTo(10);
  await append(log, ['another end'], {}, 2);
  manager.moveBytesPerSecondMax = () => Number.POSITIVE_INFINITY;
  await moved(log, to);
  expect(await withoutPadding(log)).toEqual([...values(0, 10), '10:another end']);
});

test('a broker that stops in the middle goes on with the copy when it starts again', async () => {
  const manager = await open();
  manager.moveBytesPerSecondMax = () => 2_000_000;
  const log = await createLarge(manager);
  const to = otherThan(log);
  await manager.moveTo('t', 0, to);
  await until('part of it is copied', () => (manager.future('t', 0)?.logEndOffset ?? 0) > 20);
  await managers.pop()?.close();
  expect(readdirSync(to).filter((name) => /^t-0\.[0-9a-f]{32}-future$/.test(name))).toHaveLength(1);
  const again = (await open()).get('t', 0) as PartitionLog;
  await moved(again, to);
  expect(await withoutPadding(again)).toEqual(values(0, 160));
});

test('moving back to where the log is ends a move, and nothing of it stays', async () => {
  const manager = await open();
  manager.moveBytesPerSecondMax = () => 1_000_000;
  const log = await createLarge(manager);
  const from = parentOf(log);
  const to = otherThan(log);
  await manager.moveTo('t', 0, to);
  expect(manager.everyLog()).toHaveLength(2);
  await manager.moveTo('t', 0, from);
  expect(manager.future('t', 0)).toBeUndefined();
  expect(parentOf(log)).toBe(from);
  expect(readdirSync(to).filter((name) => name.endsWith('-future'))).toEqual([]);
  expect(await withoutPadding(log)).toEqual(values(0, 160));
});

test('a log that is deleted while it moves is gone from both directories', async () => {
  const manager = await open();
  manager.moveBytesPerSecondMax = () => 1_000_000;
  const log = await createLarge(manager);
  await manager.moveTo('t', 0, otherThan(log));
  await manager.delete('t', 0);
  const left = directories
    .flatMap((path) => readdirSync(path))
    .filter((name) => name.startsWith('t-0'));
  expect(left.every((name) => name.endsWith('-delete'))).toBe(true);
  expect(manager.everyLog()).toEqual([]);
});

test('a log that does not exist yet is made where it was to move', async () => {
  const manager = await open();
  for (const partition of [0, 1, 2, 3])
    await manager.moveTo('t', partition, directories[1] as string);
  for (const partition of [0, 1, 2, 3])
    expect(parentOf(await create(manager, partition))).toBe(directories[1]);
});

test('a limit of bytes per second is kept, however low, and does not hold up the end', async () => {
  const manual = new ManualClock();
  const manager = await open({}, { ...realSystem(), clock: manual });
  manager.moveBytesPerSecondMax = () => 100_000;
  const log = await createLarge(manager);
  await manager.moveTo('t', 0, otherThan(log));
  const copiedBytes = (): number => manager.future('t', 0)?.sizeBytes ?? 0;
  await until('the first piece is copied', () => copiedBytes() > 0);
  const pieceBytes = copiedBytes();
  for (let second = 0; second < 8; second++) await manual.advance(1000);
  expect(copiedBytes()).toBe(pieceBytes);
  for (let second = 0; second < 4; second++) await manual.advance(1000);
  await until('the next piece is copied', () => copiedBytes() > pieceBytes);
  await managers.pop()?.close();
});

test('a log that is deleted while it takes its new name is gone, and no directory has failed', async () => {
  const real = realSystem();
  let goOn: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let isRenaming = false;
  const rename = async (from: string, to: string): Promise<void> => {
    if (from.endsWith('-future') && to.endsWith('/t-0')) {
      isRenaming = true;
      await held;
    }
    await real.disk.rename(from, to);
  };
  const manager = await open({}, { ...real, disk: { ...real.disk, rename } });
  const log = await create(manager);
  await fill(log, 10);
  await manager.moveTo('t', 0, otherThan(log));
  await until('it is about to take its name', () => isRenaming);
  const deleted = manager.delete('t', 0);
  for (let round = 0; round < 20; round++) await clock.sleep(1);
  goOn();
  await deleted;
  expect(manager.offlineDirectories).toEqual([]);
  expect(manager.everyLog()).toEqual([]);
  const left = directories
    .flatMap((path) => readdirSync(path))
    .filter((name) => name.startsWith('t-0'));
  expect(left.filter((name) => !name.endsWith('-delete'))).toEqual([]);
});
