/** Segments that were rolled reach the device in the background, one at a time, whatever else goes on. */
import type { PartitionLog } from '../../log/partition-log.ts';
import type { Disk, DiskFile } from '../../system/disk.ts';
import { realSystem, type System } from '../../system/system.ts';
import {
  append,
  contextOf,
  openLog,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

/** The real disk, where records in one directory reach the device only when the test lets them. */
class SlowDevice {
  readonly system: System;
  held = '';
  countMax = 0;
  /** Bytes of each record file that have reached the device. */
  readonly synced = new Map<string, number>();
  #count = 0;
  #waiting: (() => void)[] = [];
  #arrived: (() => void)[] = [];

  constructor() {
    const real = realSystem();
    const disk: Disk = {
      ...real.disk,
      open: async (path, mode) => this.#file(path, await real.disk.open(path, mode)),
      openSync: (path, mode) => this.#file(path, real.disk.openSync(path, mode)),
    };
    this.system = { ...real, disk };
  }

  /** Resolves when a sync waits. */
  async arrival(): Promise<void> {
    if (this.#waiting.length === 0)
      await new Promise<void>((resolve) => this.#arrived.push(resolve));
  }

  letGo(): void {
    this.held = 'none';
    for (const go of this.#waiting.splice(0)) go();
  }

  #file(path: string, file: DiskFile): DiskFile {
    if (!path.endsWith('.log')) return file;
    return new Proxy(file, {
      get: (_, name) => {
        const value = Reflect.get(file, name, file) as unknown;
        if (typeof value !== 'function') return value;
        return name === 'sync' ? () => this.#sync(path, file) : value.bind(file);
      },
    });
  }

  async #sync(path: string, file: DiskFile): Promise<void> {
    this.#count += 1;
    this.countMax = Math.max(this.countMax, this.#count);
    if (path.startsWith(this.held))
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        for (const arrived of this.#arrived.splice(0)) arrived();
      });
    const info = await realSystem().disk.info(path);
    await file.sync();
    this.synced.set(path, info?.size ?? 0);
    this.#count -= 1;
  }
}

let device: SlowDevice;
let logs: PartitionLog[];
const record = ['x'.repeat(200)];

beforeEach(async () => {
  device = new SlowDevice();
  const context = contextOf(device.system);
  const config = { ...smallConfig, segmentBytes: 300 };
  logs = [];
  for (let index = 0; index < 4; index++)
    logs.push(await openLog(tempDirectory(), { config }, context));
});

afterEach(async () => {
  device.letGo();
  for (const log of logs) await log.close();
  removeTempDirectories();
});

/** All below the recovery point has reached the device. */
const expectFlushed = (log: PartitionLog): void => {
  const below = log.segments.filter(({ baseOffset }) => baseOffset < log.recoveryPoint);
  const bytes = below.map(({ path }) => device.synced.get(`${path}.log`) ?? 0);
  expect(bytes).toEqual(below.map(({ sizeBytes }) => sizeBytes));
};

test('a slow device has one such segment at a time, and appends go on', async () => {
  for (const log of logs) for (let count = 0; count < 3; count++) await append(log, record);
  await device.arrival();
  for (const log of logs) await append(log, record);
  expect(device.countMax).toBe(1);
  expect(logs.map((log) => log.recoveryPoint)).toEqual([0, 0, 0, 0]);
  device.letGo();
  for (const log of logs) await log.settled();
  expect(device.countMax).toBe(1);
  expect(logs.map((log) => log.recoveryPoint)).toEqual([3, 3, 3, 3]);
  for (const log of logs) expectFlushed(log);
});

test('a segment that is cut and rolled again while it waits vouches for no more than it holds', async () => {
  const [first, second] = logs as [PartitionLog, PartitionLog];
  device.held = first.directory;
  for (let count = 0; count < 2; count++) await append(first, record);
  await device.arrival();
  for (const value of ['a', 'b', 'c']) await append(second, [value.repeat(60)]);
  expect(second.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 2]);
  await second.truncateTo(1);
  await append(second, record);
  expect(second.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 1]);
  device.letGo();
  await second.settled();
  expectFlushed(second);
  expect(second.recoveryPoint).toBe(1);
});

test('a log that is closed while its segment waits is flushed by that', async () => {
  const [first, second] = logs as [PartitionLog, PartitionLog];
  device.held = first.directory;
  for (const log of [first, second])
    for (let count = 0; count < 2; count++) await append(log, record);
  await device.arrival();
  await second.close();
  expect(second.recoveryPoint).toBe(2);
  expectFlushed(second);
});
