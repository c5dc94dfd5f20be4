/**
 * The log by itself, as Produce and Fetch use it: `node dist/bench/storage.js [--codecs LIST] [--sizes LIST] [--seconds S]
 * [--megabytes N] [--dir DIR]`. Each row appends batches of one size and codec to a new log, validation in threads included,
 * and reads them again from the page cache. Sizes and MB/s count the records before compression; "disk" counts the batches as
 * they are stored. CPU seconds are those of the whole process, threads included, for each GB of records.
 */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { defaultLogConfig } from '../log/log-config.ts';
import { LogManager } from '../log/log-manager.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { batchSizeAt } from '../protocol/batches.ts';
import { type Codec, codecs } from '../protocol/compression.ts';
import { BATCH_OVERHEAD, buildBatch } from '../protocol/record-batch.ts';
import { bufferPool } from '../system/buffer-pool.ts';
import { realSystem } from '../system/system.ts';

/** As many requests are under way as a few busy connections would have. */
const APPENDS_IN_FLIGHT = 16;
/** max.partition.fetch.bytes of a consumer. */
const FETCH_BYTES = 1024 * 1024;
const RECORD_BYTES = 1024;
/** What a record needs besides its value, roughly. */
const RECORD_OVERHEAD = 24;
/** Different batches that are sent in turn. */
const PREPARED_BYTES = 16 * 1024 * 1024;
const PREPARED_COUNT_MAX = 1024;
const MB = 1e6;
const GB = 1e9;

interface Prepared {
  readonly batches: readonly Buffer[];
  readonly recordsPerBatch: number;
  /** Of one batch, not compressed. */
  readonly plainBytes: number;
}

/** Keyed records of about 1 KB, one half noise, the other text that repeats itself. */
const prepare = (batchBytes: number, compression: Codec): Prepared => {
  const recordsPerBatch = Math.max(1, Math.floor((batchBytes - BATCH_OVERHEAD) / RECORD_BYTES));
  const valueBytes = Math.min(RECORD_BYTES, batchBytes) - RECORD_OVERHEAD;
  const build = (codec: Codec): Buffer =>
    buildBatch({
      compression: codec,
      timestamp: Date.now(),
      records: Array.from({ length: recordsPerBatch }, (_, index) => {
        const value = Buffer.alloc(valueBytes, 'text that is there many times, ');
        randomFillSync(value, 0, valueBytes / 2);
        return { key: Buffer.from(`key-${index}`), value };
      }),
    });
  const plainBytes = build('none').length;
  const count = Math.min(PREPARED_COUNT_MAX, Math.ceil(PREPARED_BYTES / batchBytes));
  const batches = Array.from({ length: count }, () => build(compression));
  return { batches, recordsPerBatch, plainBytes };
};

interface Figures {
  /** Of records. */
  readonly mbPerSecond: number;
  readonly diskMbPerSecond: number;
  readonly cpuSecondsPerGb: number;
}

interface Moved {
  plainBytes: number;
  diskBytes: number;
}

const measure = async (job: () => Promise<Moved>): Promise<Figures> => {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const { plainBytes, diskBytes } = await job();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    mbPerSecond: plainBytes / MB / seconds,
    diskMbPerSecond: diskBytes / MB / seconds,
    cpuSecondsPerGb: (user + system) / 1e6 / (plainBytes / GB),
  };
};

interface Limits {
  readonly seconds: number;
  /** On the disk. */
  readonly bytesMax: number;
}

/** Appends until the time is over, or the log large enough. */
const append = async (log: PartitionLog, prepared: Prepared, limits: Limits): Promise<Moved> => {
  const { batches, plainBytes } = prepared;
  const end = performance.now() + limits.seconds * 1000;
  const moved: Moved = { plainBytes: 0, diskBytes: 0 };
  let turn = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < end && moved.diskBytes < limits.bytesMax) {
      const batch = batches[turn++ % batches.length] as Buffer;
      // A frame of its own, as from a connection: the log stamps it, and may keep it for a while.
      const frame = bufferPool.take(batch.length);
      batch.copy(frame);
      await log.appendAsLeader(frame, { leaderEpoch: 0, origin: 'client' });
      bufferPool.release(frame);
      moved.plainBytes += plainBytes;
      moved.diskBytes += batch.length;
    }
  };
  await Promise.all(Array.from({ length: APPENDS_IN_FLIGHT }, lane));
  return moved;
};

/** Reads the log over and over until the time is over. */
const readAll = async (
  log: PartitionLog,
  prepared: Prepared,
  { seconds }: Limits,
): Promise<Moved> => {
  const { recordsPerBatch, plainBytes } = prepared;
  const end = performance.now() + seconds * 1000;
  const moved: Moved = { plainBytes: 0, diskBytes: 0 };
  const limits = { maxBytes: FETCH_BYTES, endOffset: log.logEndOffset, minOneBatch: true };
  let offset = 0;
  while (performance.now() < end) {
    const { buffers, sizeBytes } = await log.read(offset, limits);
    for (const buffer of buffers) {
      for (let position = 0; position < buffer.length; position += batchSizeAt(buffer, position)) {
        offset += recordsPerBatch;
        moved.plainBytes += plainBytes;
      }
      bufferPool.release(buffer);
    }
    moved.diskBytes += sizeBytes;
    if (offset >= limits.endOffset) offset = 0;
  }
  return moved;
};

interface Row {
  readonly appended: Figures;
  readonly read: Figures;
  /** While it appended. */
  readonly longestStallMs: number;
}

const WARMUP_SECONDS = 1;

/** Runs `job` over the logs of a directory, and closes them. */
const withLogs = async <T>(
  directory: string,
  job: (logs: LogManager) => Promise<T>,
): Promise<T> => {
  const logs = await LogManager.open(realSystem(), { logDirs: [directory], brokerId: 1 });
  try {
    return await job(logs);
  } finally {
    await logs.close();
  }
};

const openLog = (logs: LogManager, topic: string): Promise<PartitionLog> =>
  logs.getOrCreate(topic, 0, { topicId: null, config: defaultLogConfig });

const measureRow = async (folder: string, prepared: Prepared, limits: Limits): Promise<Row> => {
  const directory = mkdtempSync(join(folder, 'storage-'));
  const warmup = { ...limits, seconds: Math.min(WARMUP_SECONDS, limits.seconds) };
  try {
    const written = await withLogs(directory, async (logs) => {
      await append(await openLog(logs, 'warm'), prepared, warmup);
      const log = await openLog(logs, 'measured');
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const appended = await measure(() => append(log, prepared, limits));
      delay.disable();
      return { appended, longestStallMs: delay.max / 1e6 };
    });
    // Opened anew, so that nothing comes from the memory of recent appends.
    return await withLogs(directory, async (logs) => {
      await readAll(await openLog(logs, 'warm'), prepared, warmup);
      const log = await openLog(logs, 'measured');
      return { ...written, read: await measure(() => readAll(log, prepared, limits)) };
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const HEAD = `| batch, KB | codec | append, MB/s | to disk, MB/s | CPU s/GB | longest stall, ms | read, MB/s | from disk, MB/s | CPU s/GB |
|---|---|---|---|---|---|---|---|---|
`;

const cellsOf = ({ mbPerSecond, diskMbPerSecond, cpuSecondsPerGb }: Figures): string[] => [
  mbPerSecond.toFixed(0),
  diskMbPerSecond.toFixed(0),
  cpuSecondsPerGb.toFixed(2),
];

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      codecs: { type: 'string', default: codecs.join(',') },
      /** In KB of 1024 bytes. */
      sizes: { type: 'string', default: '1,16,64,1024' },
      seconds: { type: 'string', default: '2' },
      /** On the disk, for one row. */
      megabytes: { type: 'string', default: '1000' },
      dir: { type: 'string', default: tmpdir() },
    },
  });
  const limits = { seconds: Number(values.seconds), bytesMax: Number(values.megabytes) * MB };
  process.stdout.write(HEAD);
  for (const size of values.sizes.split(',')) {
    for (const codec of values.codecs.split(',') as Codec[]) {
      const prepared = prepare(Number(size) * 1024, codec);
      const { appended, read, longestStallMs } = await measureRow(values.dir, prepared, limits);
      const cells = [...cellsOf(appended), longestStallMs.toFixed(0), ...cellsOf(read)];
      process.stdout.write(`| ${[size, codec, ...cells].join(' | ')} |\n`);
    }
  }
};

await main();
