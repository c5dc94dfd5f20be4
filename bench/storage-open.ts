/**
 * How long a broker's logs take to open: `node dist/bench/storage-open.js [--partitions N]
 * [--gigabytes N] [--parts many,large] [--dir DIR]`. One directory with many partitions of a few
 * records, then one partition with many gigabytes; each is filled by a process of its own and opened
 * by a fresh one, after a clean shutdown and after kill -9 with a few records more in each
 * partition. Files are in the page cache. Memory is what is resident when all logs are open.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultCleanerSettings } from '../log/cleaner/log-cleaner.ts';
import { defaultLogConfig } from '../log/log-config.ts';
import { LogManager } from '../log/log-manager.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { buildBatch } from '../protocol/record-batch.ts';
import { realSystem } from '../system/system.ts';

const RECORDS_PER_BATCH = 3;
const LARGE_BATCH_BYTES = 64 * 1024;
/** How many partitions are made, or appended to, at a time. */
const AT_A_TIME = 64;
const APPENDS_IN_FLIGHT = 64;

const openLogs = (directory: string): Promise<LogManager> =>
  LogManager.open(realSystem(), {
    logDirs: [directory],
    brokerId: 1,
    cleaner: defaultCleanerSettings,
  });

const smallBatch = (): Buffer =>
  buildBatch({
    timestamp: Date.now(),
    records: Array.from({ length: RECORDS_PER_BATCH }, (_, index) => ({
      key: Buffer.from(`key-${index}`),
      value: Buffer.alloc(100, 7),
    })),
  });

const append = (log: PartitionLog, batch: Buffer): Promise<unknown> =>
  log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client' });

const toEach = async <T>(
  items: readonly T[],
  act: (item: T) => Promise<unknown>,
): Promise<void> => {
  for (let start = 0; start < items.length; start += AT_A_TIME)
    await Promise.all(items.slice(start, start + AT_A_TIME).map(act));
};

type Task = 'fillMany' | 'fillLarge' | 'open';

/** What a process is asked to do; `open` stays open until it is killed. */
interface Asked {
  readonly task: Task;
  readonly directory: string;
  readonly partitions: number;
  readonly bytes: number;
}

interface Opened {
  readonly openMs: number;
  readonly cpuSeconds: number;
  readonly residentMb: number;
  readonly count: number;
}

const options = { topicId: null, config: defaultLogConfig };

const fillMany = async (logs: LogManager, { partitions }: Asked): Promise<void> => {
  const numbers = Array.from({ length: partitions }, (_, number) => number);
  await toEach(numbers, async (number) =>
    append(await logs.getOrCreate('many', number, options), smallBatch()),
  );
};

const fillLarge = async (logs: LogManager, { bytes }: Asked): Promise<void> => {
  const log = await logs.getOrCreate('large', 0, options);
  const value = randomFillSync(Buffer.alloc(LARGE_BATCH_BYTES));
  const batch = buildBatch({ records: [{ key: null, value }], timestamp: Date.now() });
  const lane = async (): Promise<void> => {
    while (log.sizeBytes < bytes) await append(log, Buffer.from(batch));
  };
  await Promise.all(Array.from({ length: APPENDS_IN_FLIGHT }, lane));
};

const residentMb = (): number => {
  const line = /VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1024;
};

const runTask = async (asked: Asked): Promise<void> => {
  const start = performance.now();
  const cpu = process.cpuUsage();
  const logs = await openLogs(asked.directory);
  if (asked.task === 'open') {
    const openMs = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    const opened = {
      openMs,
      cpuSeconds: (user + system) / 1e6,
      residentMb: residentMb(),
      count: [...logs.all()].length,
    };
    // What the next process finds, if this one is killed.
    await toEach([...logs.all()], (log) => append(log, smallBatch()));
    process.send?.(opened satisfies Opened);
    return;
  }
  await (asked.task === 'fillMany' ? fillMany : fillLarge)(logs, asked);
  await logs.close();
  process.send?.({});
  process.disconnect?.();
};

/** This program again. */
const start = ({ task, directory, partitions, bytes }: Asked): ChildProcess => {
  const args = ['--task', task, '--dir', directory, '--partitions', String(partitions)];
  return spawn(
    process.execPath,
    [process.argv[1] ?? '', ...args, '--gigabytes', String(bytes / 1e9)],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
};

/** Its answer; then it ends, by SIGKILL if it would not by itself. */
const ask = async (asked: Asked): Promise<Opened> => {
  const child = start(asked);
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    return await new Promise((resolve, reject) => {
      child.once('message', (message) => resolve(message as Opened));
      child.once('close', (code) => reject(new Error(`${asked.task} has ended with ${code}`)));
    });
  } finally {
    if (asked.task === 'open') child.kill('SIGKILL');
    await ended;
  }
};

const row = (
  name: string,
  shutdown: string,
  { openMs, cpuSeconds, residentMb, count }: Opened,
): string =>
  `| ${[name, shutdown, count, openMs.toFixed(0), cpuSeconds.toFixed(2), residentMb.toFixed(0)].join(' | ')} |\n`;

/** Fills a directory and opens it twice: it was left in order the first time, and killed before the second. */
const measure = async (folder: string, name: string, asked: Omit<Asked, 'directory'>) => {
  const directory = mkdtempSync(join(folder, 'storage-open-'));
  try {
    await ask({ ...asked, directory });
    for (const shutdown of ['clean', 'kill -9'])
      process.stdout.write(row(name, shutdown, await ask({ ...asked, task: 'open', directory })));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const HEAD = `| logs | shutdown before | partitions | open, ms | CPU s | memory, MB |
|---|---|---|---|---|---|
`;

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      task: { type: 'string' },
      partitions: { type: 'string', default: '10000' },
      gigabytes: { type: 'string', default: '20' },
      parts: { type: 'string', default: 'many,large' },
      dir: { type: 'string', default: tmpdir() },
    },
  });
  const sizes = { partitions: Number(values.partitions), bytes: Number(values.gigabytes) * 1e9 };
  if (values.task !== undefined)
    return runTask({ ...sizes, task: values.task as Task, directory: values.dir });
  const parts = values.parts.split(',');
  process.stdout.write(HEAD);
  if (parts.includes('many'))
    await measure(values.dir, 'many small ones', { ...sizes, task: 'fillMany' });
  if (parts.includes('large'))
    await measure(values.dir, `one of ${values.gigabytes} GB`, { ...sizes, task: 'fillLarge' });
};

await main();
