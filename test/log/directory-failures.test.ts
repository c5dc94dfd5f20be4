import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LogManager } from '../../log/log-manager.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { Disk, DiskFile } from '../../system/disk.ts';
import { realSystem } from '../../system/system.ts';
import {
  append,
  readAll,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

const opened: LogManager[] = [];

afterEach(async () => {
  for (const manager of opened.splice(0)) await manager.close();
  removeTempDirectories();
});

const config = { ...smallConfig, segmentBytes: 600, retentionMs: -1 };
const options = { topicId: 'c3_gRW8dQ2ShQhFbzWRqZg', config };
const real = realSystem();

type Kind = 'EIO' | 'ENOSPC' | 'EROFS' | 'removed';

/** What each kind of failure lets through: reads mostly, and of writes what needs no space. */
const refuses: Record<Kind, ReadonlySet<string>> = {
  EIO: new Set([
    ...['open', 'openWrite', 'create', 'write', 'read', 'sync'],
    ...['truncate', 'rename', 'remove', 'list'],
  ]),
  ENOSPC: new Set(['write', 'create']),
  EROFS: new Set(['create', 'write', 'openWrite', 'truncate', 'rename', 'remove']),
  removed: new Set(['open', 'openWrite', 'create', 'rename', 'sync']),
};

/** The real disk, until `fail` says how a folder on it fails. */
class FailingDisk {
  readonly disk: Disk;
  readonly #failing = new Map<string, Kind>();

  constructor() {
    const { disk } = real;
    const open = (path: string, mode: 'read' | 'write'): DiskFile => {
      if (mode === 'write' && !existsSync(path)) this.#check(path, 'create');
      this.#check(path, mode === 'write' ? 'openWrite' : 'open');
      return this.#wrap(disk.openSync(path, mode));
    };
    const guarded =
      <A extends [string, ...unknown[]], R>(operation: string, call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        this.#check(args[0], operation);
        return call(...args);
      };
    this.disk = {
      ...disk,
      openSync: open,
      open: async (path, mode) => open(path, mode),
      readFile: guarded('read', disk.readFile),
      writeFile: guarded('create', disk.writeFile),
      list: guarded('list', disk.list),
      makeDirectory: guarded('create', disk.makeDirectory),
      rename: guarded('rename', disk.rename),
      move: guarded('rename', disk.move),
      remove: guarded('remove', disk.remove),
      removeTree: guarded('remove', disk.removeTree),
      syncDirectory: guarded('sync', disk.syncDirectory),
    };
  }

  fail(folder: string, kind: Kind): void {
    this.#failing.set(folder, kind);
  }

  #check(path: string, operation: string): void {
    for (const [folder, kind] of this.#failing) {
      if (!path.startsWith(`${folder}/`) || !refuses[kind].has(operation)) continue;
      const code = kind === 'removed' ? 'ENOENT' : kind;
      throw Object.assign(new Error(`${code}: ${path}`), { code });
    }
  }

  #wrap(file: DiskFile): DiskFile {
    const guarded = <K extends 'write' | 'writeSync' | 'read' | 'sync' | 'truncateSync'>(
      name: K,
      operation: string,
    ) => ({
      [name]: (...args: unknown[]) => {
        this.#check(file.path, operation);
        return (file[name] as (...given: unknown[]) => unknown).apply(file, args);
      },
    });
    return new Proxy(file, {
      get: (target, key) => {
        const replaced = {
          ...guarded('write', 'write'),
          ...guarded('writeSync', 'write'),
          ...guarded('read', 'read'),
          ...guarded('sync', 'sync'),
          ...guarded('truncateSync', 'truncate'),
        };
        const value = Reflect.get(replaced, key) ?? Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}

const open = async (logDirs: readonly string[], failing = new FailingDisk()) => {
  const system = { ...real, disk: failing.disk };
  const ids = { brokerId: 1, clusterId: 'cluster', defaultConfig: config, cleaner: null };
  const manager = await LogManager.open(system, { logDirs, ...ids });
  opened.push(manager);
  const reported: [string, string[]][] = [];
  manager.onDirectoryFailure = (directory, logs) =>
    reported.push([directory, logs.map(({ topic, partition }) => `${topic}-${partition}`).sort()]);
  return { manager, failing, reported };
};

const until = async (isDone: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 100_000 && !isDone(); turn++)
    await new Promise<void>((resolve) => setImmediate(resolve));
  expect(isDone()).toBe(true);
};

/** What a broker does with the log that meets the failure. */
const meets: Record<string, (manager: LogManager, log: PartitionLog) => Promise<unknown>> = {
  append: async (_manager, log) => {
    // Far enough that a new segment has to be made.
    for (let index = 0; index < 20; index++) await append(log, ['after']);
  },
  checkpoint: (manager) => manager.checkpointRecoveryPoints(),
  'high watermark checkpoint': (manager) =>
    manager.checkpointHighWatermarks([{ topic: 't', partition: 0, offset: 1 }]),
};

const rows = (['EIO', 'ENOSPC', 'EROFS', 'removed'] as const).flatMap((kind) =>
  Object.keys(meets).map((what) => ({ kind, what })),
);

test.each(rows)('$kind, met by a $what, takes one directory offline', async ({ kind, what }) => {
  const directories = [tempDirectory(), tempDirectory()];
  const { manager, failing, reported } = await open(directories);
  const logs = await Promise.all(
    [0, 1, 2, 3].map((partition) => manager.getOrCreate('t', partition, options)),
  );
  for (const log of logs) await append(log, ['before']);
  const bad = logs[0] as PartitionLog;
  const directory = bad.directory.slice(0, -'/t-0'.length);
  const [lost, kept] = [true, false].map((isIn) =>
    logs.filter((log) => log.directory.startsWith(directory) === isIn),
  ) as [PartitionLog[], PartitionLog[]];
  expect([lost.length, kept.length]).toEqual([2, 2]);

  failing.fail(directory, kind);
  // Whoever was being served hears of the disk's own error, those after it of a failed log.
  const errno = kind === 'removed' ? 'ENOENT' : kind;
  await meets[what]?.(manager, bad)?.catch((error: { code: unknown }) =>
    expect([errno, errorCodes.KAFKA_STORAGE_ERROR]).toContain(error.code),
  );
  await until(() => reported.length > 0);
  const names = lost.map(({ partition }) => `t-${partition}`);
  expect(reported).toEqual([[directory, names]]);
  expect(manager.offlineDirectories).toEqual([directory]);
  for (const log of lost) {
    expect(manager.get('t', log.partition)).toBeUndefined();
    await expect(append(log, ['x'])).rejects.toThrow();
  }
  for (const log of kept) {
    const { baseOffset } = await append(log, ['after']);
    expect(baseOffset).toBe(1);
    await log.flush();
  }
  // What is new goes to what is left; the checkpoints of that one go on.
  const fresh = await manager.getOrCreate('t', 9, options);
  expect(fresh.directory.startsWith(directory)).toBe(false);
  await manager.checkpointRecoveryPoints();
  await manager.close();
  const [other] = directories.filter((path) => path !== directory) as [string];
  expect(existsSync(join(other, '.kafka_cleanshutdown'))).toBe(true);
  expect(existsSync(join(directory, '.kafka_cleanshutdown'))).toBe(false);

  // The disk is repaired: all is there again, the records from before included.
  const again = await open(directories);
  for (const log of lost)
    expect((await readAll(again.manager.get('t', log.partition) as PartitionLog))[0]).toBe(
      '0:before',
    );
});

test('with the last directory nothing is left, and the manager says so', async () => {
  const directories = [tempDirectory(), tempDirectory()];
  const { manager, failing, reported } = await open(directories);
  for (const partition of [0, 1]) await manager.getOrCreate('t', partition, options);
  for (const directory of directories) failing.fail(directory, 'EIO');
  await manager.checkpointRecoveryPoints();
  expect(reported.map(([directory]) => directory).sort()).toEqual([...directories].sort());
  expect(manager.onlineDirectories).toEqual([]);
  expect([...manager.all()]).toEqual([]);
  await expect(manager.getOrCreate('t', 5, options)).rejects.toMatchObject({
    code: errorCodes.KAFKA_STORAGE_ERROR,
  });
});

test('closing waits for the lock of a directory that has failed', async () => {
  const directories = [tempDirectory(), tempDirectory()];
  const [bad = ''] = directories;
  const failing = new FailingDisk();
  let released = 0;
  const lock: Disk['lock'] = async (path) => {
    const taken = await real.disk.lock(path);
    if (taken === null) return null;
    const release = async (): Promise<void> => {
      if (path.startsWith(bad)) await real.clock.sleep(50);
      await taken.release();
      released += 1;
    };
    return { release };
  };
  const { manager } = await open(
    directories,
    Object.assign(failing, { disk: { ...failing.disk, lock } }),
  );
  failing.fail(bad, 'EIO');
  await manager.checkpointRecoveryPoints();
  expect(manager.offlineDirectories).toEqual([bad]);
  await manager.close();
  expect(released).toBe(2);
});

test('a log that cannot be loaded takes along those of its directory that are still being loaded', async () => {
  const directories = [tempDirectory(), tempDirectory()];
  const { manager } = await open(directories);
  for (let partition = 0; partition < 12; partition++)
    await append(await manager.getOrCreate('t', partition, options), ['a']);
  await manager.close();
  const [bad = ''] = directories;
  const [first = ''] = readdirSync(bad).filter((name) => name.startsWith('t-'));
  writeFileSync(join(bad, first, 'leader-epoch-checkpoint'), '7\n');
  const again = (await open(directories)).manager;
  await until(() => true);
  expect(again.offlineDirectories).toEqual([bad]);
  expect([...again.all()].filter(({ directory }) => directory.startsWith(bad))).toEqual([]);
  expect([...again.all()]).toHaveLength(6);
});

describe('what a log left behind when it moved, and the broker was killed before it was removed,', () => {
  const twoPlaces = async (): Promise<{ from: string; to: string }> => {
    const [from, to] = [tempDirectory(), tempDirectory()] as [string, string];
    const { manager } = await open([from]);
    await append(await manager.getOrCreate('t', 0, options), ['a']);
    await manager.close();
    cpSync(join(from, 't-0'), join(to, 't-0'), { recursive: true });
    writeFileSync(join(from, 't-0', 'moved-to'), join(to, 't-0'));
    return { from, to };
  };

  test('is removed where the other place has the log', async () => {
    const { from, to } = await twoPlaces();
    const { manager } = await open([from, to]);
    expect(manager.get('t', 0)?.directory).toBe(join(to, 't-0'));
    expect(readdirSync(from).filter((name) => name.startsWith('t-0'))).toEqual([
      expect.stringMatching(/-delete$/),
    ]);
  });

  test('is the log where the other place does not have it', async () => {
    const { from, to } = await twoPlaces();
    rmSync(join(to, 't-0'), { recursive: true });
    const { manager } = await open([from, to]);
    expect(manager.get('t', 0)?.directory).toBe(join(from, 't-0'));
    expect(existsSync(join(from, 't-0', 'moved-to'))).toBe(false);
  });

  test('is left alone where the other place does not work', async () => {
    const { from, to } = await twoPlaces();
    const failing = new FailingDisk();
    failing.fail(to, 'EIO');
    const { manager } = await open([from, to], failing);
    expect(manager.get('t', 0)).toBeUndefined();
    expect(existsSync(join(from, 't-0', 'moved-to'))).toBe(true);
  });
});
