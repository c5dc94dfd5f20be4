import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SLICE_BYTES } from '../../log/batch-scan.ts';
import { LogManager } from '../../log/log-manager.ts';
import type { Logger } from '../../system/logger.ts';
import { realSystem, type System } from '../../system/system.ts';
import { append, removeTempDirectories, smallConfig, tempDirectory } from './log-support.ts';

const opened: LogManager[] = [];

afterEach(async () => {
  for (const manager of opened.splice(0)) await manager.close();
  removeTempDirectories();
});

const config = { ...smallConfig, segmentBytes: 2_000_000, segmentIndexBytes: 100_000 };
const real = realSystem();

const open = async (directory: string, system: System = real): Promise<LogManager> => {
  const manager = await LogManager.open(system, {
    logDirs: [directory],
    brokerId: 1,
    defaultConfig: config,
    cleaner: null,
  });
  opened.push(manager);
  return manager;
};

/** Two logs with some 12 MB between them, as after a kill with nothing checkpointed. */
const killed = async (): Promise<{ directory: string; bytes: number }> => {
  const directory = tempDirectory();
  const manager = await open(directory);
  let bytes = 0;
  for (const partition of [0, 1]) {
    const log = await manager.getOrCreate('t', partition, { topicId: null, config });
    const values = Array.from({ length: 10 }, () => 'x'.repeat(2_000));
    for (let count = 0; count < 300; count++) await append(log, values);
    bytes += log.sizeBytes;
  }
  await manager.close();
  for (const name of ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint'])
    rmSync(join(directory, name));
  return { directory, bytes };
};

/** The lines logged at a level, as text. */
const linesOf = (lines: string[]): Logger => {
  const note =
    (level: string) =>
    (_fields: object, message: string): void =>
      void lines.push(`${level} ${message}`);
  const logger: Logger = {
    debug: () => {},
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
    child: () => logger,
  };
  return logger;
};

test('recovery of long logs gives way to others at each slice', async () => {
  const { directory, bytes } = await killed();
  let turns = 0;
  let isOver = false;
  const other = (): void => {
    turns += 1;
    if (!isOver) setImmediate(other);
  };
  setImmediate(other);
  await open(directory);
  isOver = true;
  // Two logs are recovered at a time, a slice of each in a turn at the most.
  expect(turns).toBeGreaterThan(bytes / SLICE_BYTES / 2);
});

describe('how far the loading is', () => {
  /** A clock whose timers fire whenever a file is read or removed. */
  const told = async (directory: string): Promise<string[]> => {
    const lines: string[] = [];
    const timers = new Set<() => void>();
    const clock = {
      ...real.clock,
      setTimer: (_delayMs: number, callback: () => void) => {
        timers.add(callback);
        return { cancel: () => void timers.delete(callback) };
      },
    };
    let isLoading = true;
    const fire = (): void => {
      const due = isLoading ? [...timers] : [];
      for (const callback of due) timers.delete(callback);
      for (const callback of due) callback();
    };
    const disk = {
      ...real.disk,
      readFile: async (path: string) => {
        fire();
        return real.disk.readFile(path);
      },
      remove: async (path: string) => {
        fire();
        return real.disk.remove(path);
      },
    };
    const manager = await open(directory, { ...real, clock, disk, logger: linesOf(lines) });
    isLoading = false;
    await manager.close();
    return lines.filter((line) => line.includes('remaining logs'));
  };

  test('is a warning while logs are recovered', async () => {
    const { directory } = await killed();
    const lines = await told(directory);
    expect(lines.length).toBeGreaterThan(2);
    expect(lines[0]).toMatch(/^warn remaining logs to recover in .*: 2, of those under way \d/);
    expect(lines.some((line) => / [1-9]\d* segments$/.test(line))).toBe(true);
  });

  test('is no warning after a stop in order', async () => {
    const { directory } = await killed();
    await (await open(directory)).close();
    const lines = await told(directory);
    expect(lines[0]).toMatch(/^info remaining logs to load in .*: 2$/);
    expect(lines.some((line) => line.startsWith('warn'))).toBe(false);
  });
});
