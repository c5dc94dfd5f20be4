/** Large compressed batches in the cleaner: threads do what the codec asks, and the outcome is the same. */
import { assembleRecords, decompressRecords } from '../../log/off-thread.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { run } from '../../log/record-tasks.ts';
import type { Codec } from '../../protocol/compression.ts';
import { buildBatch, RecordBatch } from '../../protocol/record-batch.ts';
import { realSystem } from '../../system/system.ts';
import { WorkerError, type WorkerPool } from '../../system/workers.ts';
import { cleanerOf, describeLog } from './cleaner-support.ts';
import {
  contextOf,
  openLog,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

afterAll(removeTempDirectories);

/** Does the work at once, sharing nothing, and counts it by its kind. */
class CountingPool implements WorkerPool {
  readonly counts = new Map<string, number>();
  onTask: (task: string) => Promise<void> = async () => {};
  fails = false;

  async run(request: unknown): Promise<unknown> {
    const { task } = request as { readonly task: string };
    this.counts.set(task, (this.counts.get(task) ?? 0) + 1);
    await this.onTask(task);
    if (this.fails) throw new WorkerError('no thread');
    return structuredClone(run(structuredClone(request)).result);
  }
}

const config = {
  ...smallConfig,
  segmentBytes: 400_000,
  maxMessageBytes: 1_000_000,
  cleanupCompact: true,
  cleanupDelete: false,
  minCleanableDirtyRatio: 0,
};

/** Bytes that no codec makes much smaller. */
const noise = (bytes: number, seed: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  let state = seed;
  for (let index = 0; index < bytes; index++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    buffer[index] = state >>> 16;
  }
  return buffer;
};

const VALUE_BYTES = 600;

const batchOf = (keys: readonly string[], compression: Codec, seed: number): Buffer =>
  buildBatch({
    compression,
    timestamp: 1_700_000_000_000,
    records: keys.map((key, index) => ({
      key: Buffer.from(key),
      value: noise(VALUE_BYTES, seed + index),
    })),
  });

const keys = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `key-${from + index}`);

/** Half of the keys of each batch have a successor in the next one. */
const filled = async (system: ReturnType<typeof realSystem>, codec: Codec) => {
  const log = await openLog(`${tempDirectory()}/topic-0`, { config }, contextOf(system));
  for (let round = 0; round < 5; round++) {
    const records = batchOf(keys(round * 150, 300), codec, round);
    await log.appendAsLeader(records, { leaderEpoch: 0, origin: 'client' });
  }
  await log.settled();
  return log;
};

const cleaned = async (
  pool: CountingPool | null,
  codec: Codec = 'gzip',
): Promise<{ log: PartitionLog; isCleaned: boolean; described: string[] }> => {
  const { workers: _, ...alone } = realSystem();
  const system = pool === null ? alone : { ...alone, workers: { pool: () => pool } };
  const log = await filled(system, codec);
  pool?.counts.clear();
  const cleaner = await cleanerOf(system, [log]);
  const isCleaned = await cleaner.cleanDirtiest();
  await cleaner.stop();
  const described = isCleaned ? await describeLog(log) : [];
  return { log, isCleaned, described };
};

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'what is left of %s is the same with threads and without',
  async (codec) => {
    const pool = new CountingPool();
    const [here, there] = [await cleaned(null, codec), await cleaned(pool, codec)];
    expect(there.isCleaned).toBe(true);
    expect(pool.counts.get('decompress')).toBeGreaterThan(0);
    expect(pool.counts.get('assemble')).toBeGreaterThan(0);
    expect(there.described).toEqual(here.described);
    await here.log.close();
    await there.log.close();
  },
);

test('without threads that work it gets through as well', async () => {
  const pool = new CountingPool();
  pool.fails = true;
  const { log, isCleaned, described } = await cleaned(pool);
  expect(isCleaned).toBe(true);
  expect(pool.counts.get('assemble')).toBeGreaterThan(0);
  expect(described.length).toBeGreaterThan(0);
  await log.close();
});

test('a log that is cut while a thread works is left as it is', async () => {
  const pool = new CountingPool();
  const system = { ...realSystem(), workers: { pool: () => pool } };
  const log = await filled(system, 'gzip');
  let cut: Promise<void> | null = null;
  pool.onTask = async (task) => {
    if (task === 'assemble') cut ??= log.truncateTo(300);
    await cut;
  };
  const cleaner = await cleanerOf(system, [log]);
  expect(await cleaner.cleanDirtiest()).toBe(false);
  expect(cut).not.toBeNull();
  expect(cleaner.uncleanable.size).toBe(0);
  expect(log.logEndOffset).toBe(300);
  const offsets = (await describeLog(log)).map((line) => line.split(' ', 1)[0]);
  expect(offsets).toEqual(['0-299']);
  await cleaner.stop();
  await log.close();
});

test('small and plain batches stay on the event loop, a few bytes that become many do not', async () => {
  const pool = new CountingPool();
  const system = { workers: { pool: () => pool } };
  const view = (bytes: Buffer): RecordBatch => new RecordBatch(bytes, 0);
  const small = view(batchOf(['a'], 'gzip', 1));
  const plain = view(batchOf(keys(0, 300), 'none', 1));
  for (const batch of [small, plain]) {
    const bytes = decompressRecords(system, batch);
    expect(batch.recordBytes().equals(bytes as Buffer)).toBe(true);
    const header = { lastOffsetDelta: 0, baseTimestamp: 0, maxTimestamp: 0, recordCount: 1 };
    const { compression } = batch;
    const made = assembleRecords(system, { ...header, compression }, bytes as Buffer);
    expect(made).toBeInstanceOf(Buffer);
  }
  expect(pool.counts.size).toBe(0);
  const record = { key: Buffer.from('a'), value: Buffer.alloc(5_000_000) };
  const bomb = view(buildBatch({ compression: 'gzip', records: [record] }));
  expect(bomb.sizeBytes).toBeLessThan(6000);
  // Not toEqual, which takes its time over millions of bytes.
  expect(bomb.recordBytes().equals(await decompressRecords(system, bomb))).toBe(true);
  expect(pool.counts.get('decompress')).toBe(1);
});
