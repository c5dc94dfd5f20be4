import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultLogConfig } from '../../log/log-config.ts';
import { LogManager, type LogManagerOptions, MisfitError } from '../../log/log-manager.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { Clock } from '../../system/clock.ts';
import { realSystem, type System } from '../../system/system.ts';
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

const TOPIC_ID = 'c3_gRW8dQ2ShQhFbzWRqZg';
const CLUSTER_ID = 'HADai6A7TkqPWU3RcxR8mA';
const options = { topicId: TOPIC_ID, config: smallConfig };

const open = async (
  logDirs: readonly string[],
  changed: Partial<LogManagerOptions> = {},
  system: System = realSystem(),
): Promise<LogManager> => {
  const manager = await LogManager.open(system, {
    logDirs,
    brokerId: 1,
    clusterId: CLUSTER_ID,
    defaultConfig: smallConfig,
    ...changed,
  });
  opened.push(manager);
  return manager;
};

const text = (...path: string[]): string => readFileSync(join(...path), 'utf8');

/** Timers fire when the test says so. */
const manualClock = (): Clock & { fire(): void } => {
  let pending: (() => void)[] = [];
  return {
    ...realSystem().clock,
    setTimer: (_delayMs, callback) => {
      pending.push(callback);
      return { cancel: () => (pending = pending.filter((other) => other !== callback)) };
    },
    fire: () => {
      for (const callback of pending.splice(0)) callback();
    },
  };
};

describe('a log directory', () => {
  test('is identified, marked clean on close and found again', async () => {
    const directory = tempDirectory();
    const manager = await open([directory]);
    const log = await manager.getOrCreate('topic', 3, options);
    await append(log, ['a', 'b']);
    await manager.checkpointHighWatermarks([{ topic: 'topic', partition: 3, offset: 1 }]);
    expect(existsSync(join(directory, '.kafka_cleanshutdown'))).toBe(false);
    await manager.close();
    expect(text(directory, 'meta.properties')).toMatch(
      /^#\n#.+\nbroker\.id=1\nversion=0\ncluster\.id=HADai6A7TkqPWU3RcxR8mA\n$/,
    );
    expect(text(directory, '.kafka_cleanshutdown')).toBe('{"version":0,"brokerEpoch":-1}');
    expect(text(directory, 'recovery-point-offset-checkpoint')).toBe('0\n1\ntopic 3 2\n');
    expect(text(directory, 'replication-offset-checkpoint')).toBe('0\n1\ntopic 3 1\n');
    expect(text(directory, 'log-start-offset-checkpoint')).toBe('0\n0\n');
    expect(existsSync(join(directory, '.lock'))).toBe(false);

    const again = await open([directory], { brokerId: null, clusterId: null });
    expect([again.brokerId, again.clusterId]).toEqual([1, CLUSTER_ID]);
    expect(existsSync(join(directory, '.kafka_cleanshutdown'))).toBe(false);
    expect(again.topicId('topic', 3)).toBe(TOPIC_ID);
    expect(again.topicId('topic', 4)).toBeNull();
    expect(again.highWatermark('topic', 3)).toBe(1);
    expect(again.highWatermark('topic', 4)).toBe(0);
    expect(await readAll(again.get('topic', 3) as PartitionLog)).toEqual(['0:a', '1:b']);
  });

  test('the log start survives where it lies within a segment', async () => {
    const directory = tempDirectory();
    const manager = await open([directory]);
    const log = await manager.getOrCreate('topic', 0, options);
    await append(log, ['a']);
    await append(log, ['b']);
    await log.advanceLogStartOffset(1);
    await manager.close();
    expect(text(directory, 'log-start-offset-checkpoint')).toBe('0\n1\ntopic 0 1\n');
    const again = await open([directory]);
    expect(again.get('topic', 0)?.logStartOffset).toBe(1);
  });

  test('of another broker or cluster, in use, or with foreign content is refused', async () => {
    const directory = tempDirectory();
    const manager = await open([directory]);
    await expect(open([directory])).rejects.toThrow('in use');
    await manager.close();
    await expect(open([directory], { brokerId: 2 })).rejects.toThrow(MisfitError);
    await expect(open([directory], { clusterId: 'other' })).rejects.toThrow(MisfitError);
    mkdirSync(join(directory, 'lost+found'));
    await expect(open([directory])).rejects.toThrow(MisfitError);
    rmSync(join(directory, 'lost+found'), { recursive: true });
    writeFileSync(join(directory, 'meta.properties'), 'version=1\n');
    await expect(open([directory])).rejects.toThrow('ZooKeeper');
    rmSync(join(directory, 'meta.properties'));
    await expect(open([directory], { brokerId: null })).rejects.toThrow('set broker.id');
    expect((await open([directory])).onlineDirectories).toEqual([directory]);
  });

  test('the same partition in two directories ends the start', async () => {
    const [first, second] = [tempDirectory(), tempDirectory()];
    mkdirSync(join(first, 'topic-0'));
    mkdirSync(join(second, 'topic-0'));
    await expect(open([first, second])).rejects.toThrow('another log directory');
  });

  test('recovery points that are no numbers are passed over, high watermarks are not', async () => {
    const [first, second] = [tempDirectory(), tempDirectory()];
    writeFileSync(join(first, 'recovery-point-offset-checkpoint'), '0\n1\ntopic 0 x\n');
    writeFileSync(join(second, 'replication-offset-checkpoint'), '0\n1\ntopic 0 x\n');
    const manager = await open([first, second]);
    expect(manager.onlineDirectories).toEqual([first]);
    expect(manager.offlineDirectories).toEqual([second]);
  });
});

describe('logs', () => {
  test('are spread over the directories, and made once', async () => {
    const directories = [tempDirectory(), tempDirectory()];
    const manager = await open(directories);
    const [a, b, again] = await Promise.all([
      manager.getOrCreate('topic', 0, options),
      manager.getOrCreate('topic', 1, { ...options, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }),
      manager.getOrCreate('topic', 0, options),
    ]);
    expect(again).toBe(a);
    expect(b?.topicId).toBeNull();
    await manager.getOrCreate('topic', 1, options);
    expect(manager.topicId('topic', 1)).toBe(TOPIC_ID);
    const c = await manager.getOrCreate('topic', 2, options);
    const d = await manager.getOrCreate('topic', 3, options);
    expect(new Set([c, d].map((log) => log.directory.split('/topic')[0])).size).toBe(2);
    expect([...manager.all()]).toHaveLength(4);
  });

  test('a new log has the files Kafka makes', async () => {
    const directory = tempDirectory();
    const manager = await open([directory]);
    const log = await manager.getOrCreate('topic', 0, { ...options, config: defaultLogConfig });
    await log.settled();
    const stats = readdirSync(log.directory).sort();
    expect(stats).toEqual([
      '00000000000000000000.index',
      '00000000000000000000.log',
      '00000000000000000000.timeindex',
      'leader-epoch-checkpoint',
    ]);
    expect(readFileSync(`${log.directory}/00000000000000000000.timeindex`).length).toBe(10485756);
  });

  test('are deleted by renaming first, and removed later', async () => {
    const directory = tempDirectory();
    const clock = manualClock();
    const system = { ...realSystem(), clock };
    const manager = await open([directory], {}, system);
    const log = await manager.getOrCreate('topic', 0, options);
    await append(log, ['a']);
    await manager.delete('topic', 0);
    await manager.delete('topic', 0);
    expect(manager.get('topic', 0)).toBeUndefined();
    const renamed = readdirSync(directory).filter((name) => name.endsWith('-delete'));
    expect(renamed).toEqual([expect.stringMatching(/^topic-0\.[0-9a-f]{32}-delete$/)]);
    await expect(append(log, ['b'])).rejects.toThrow('closed');
    const fresh = await manager.getOrCreate('topic', 0, options);
    expect(fresh.logEndOffset).toBe(0);
    await manager.close();
    // A deletion that was interrupted is taken up by the next start.
    const again = await open([directory], {}, system);
    expect([...again.all()]).toHaveLength(1);
  });

  test('are loaded a few at a time, more of them with more recovery threads', async () => {
    const directory = tempDirectory();
    const manager = await open([directory]);
    for (let i = 0; i < 40; i++) await manager.getOrCreate('topic', i, options);
    await manager.close();
    const { disk } = realSystem();
    const busiest = async (recoveryThreadsPerDataDir: number): Promise<number> => {
      let [running, most] = [0, 0];
      const list = async (path: string): Promise<string[]> => {
        most = Math.max(most, ++running);
        const names = await disk.list(path);
        running -= 1;
        return names;
      };
      const system = { ...realSystem(), disk: { ...disk, list } };
      const configFor = async () => ({
        default: smallConfig,
        topics: new Map(),
        recoveryThreadsPerDataDir,
      });
      await (await open([directory], { configFor }, system)).close();
      return most;
    };
    expect([await busiest(1), await busiest(2)]).toEqual([8, 16]);
  });

  test('what was renamed is removed when its delay is over', async () => {
    const directory = tempDirectory();
    const clock = manualClock();
    const real = realSystem();
    let done = (_path: string): void => {};
    const removed = new Promise<string>((resolve) => {
      done = resolve;
    });
    const removeTree = async (path: string): Promise<void> => {
      await real.disk.removeTree(path);
      done(path);
    };
    const system = { ...real, clock, disk: { ...real.disk, removeTree } };
    const config = { ...smallConfig, fileDeleteDelayMs: 0 };
    const manager = await open([directory], { defaultConfig: config }, system);
    await manager.getOrCreate('topic', 0, options);
    await manager.delete('topic', 0);
    clock.fire();
    expect(existsSync(await removed)).toBe(false);
  });

  test('retention and checkpoints run from time to time', async () => {
    const directory = tempDirectory();
    const clock = manualClock();
    const manager = await open([directory], {}, { ...realSystem(), clock });
    const log = await manager.getOrCreate('topic', 0, { ...options });
    await append(log, ['a']);
    await log.flush();
    manager.currentHighWatermark = () => 1;
    const deleted = new Promise<void>((resolve) => {
      manager.currentHighWatermark = (of) => {
        resolve();
        return of.logEndOffset;
      };
    });
    clock.fire();
    await deleted;
    await manager.close();
    expect(log.logStartOffset).toBe(1);
    expect(text(directory, 'recovery-point-offset-checkpoint')).toBe('0\n1\ntopic 0 1\n');
  });
});

test('a directory that fails takes its logs along, the others go on', async () => {
  const directories = [tempDirectory(), tempDirectory()];
  const real = realSystem();
  const full = (): never => {
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  };
  const disk = {
    ...real.disk,
    openSync: (path: string, mode: 'read' | 'write') => {
      const file = real.disk.openSync(path, mode);
      if (!/topic-1\/.*\.log$/.test(path)) return file;
      const broken = { writeSync: full, write: full };
      return new Proxy(file, {
        get: (target, key) => {
          const value = Reflect.get({ ...broken }, key) ?? Reflect.get(target, key, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
  const manager = await open(directories, {}, { ...real, disk });
  const reported: [string, string[]][] = [];
  manager.onDirectoryFailure = (directory, logs) =>
    reported.push([directory, logs.map((log) => `${log.topic}-${log.partition}`)]);
  const good = await manager.getOrCreate('topic', 0, options);
  const bad = await manager.getOrCreate('topic', 1, options);
  await expect(append(bad, ['a'])).rejects.toThrow();
  expect(reported).toEqual([[bad.directory.slice(0, -'/topic-1'.length), ['topic-1']]]);
  await expect(append(bad, ['b'])).rejects.toMatchObject({ code: errorCodes.KAFKA_STORAGE_ERROR });
  expect((await append(good, ['c'])).baseOffset).toBe(0);
  expect(manager.get('topic', 1)).toBeUndefined();
  expect(manager.onlineDirectories).toHaveLength(1);
  const moved = await manager.getOrCreate('topic', 2, options);
  expect(moved.directory.startsWith(manager.onlineDirectories[0] ?? '?')).toBe(true);
  expect(existsSync(join(directories[1] ?? '', '.kafka_cleanshutdown'))).toBe(false);
});
