import { wholeBatches } from '../../log/batch-scan.ts';
import { defaultLogConfig } from '../../log/log-config.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { ReadLimits } from '../../log/segment-read.ts';
import { TailBudget } from '../../log/tail.ts';
import type { Disk, DiskFile } from '../../system/disk.ts';
import { realSystem, type System } from '../../system/system.ts';
import {
  append,
  contextOf,
  copyOfLog,
  openLog,
  removeTempDirectories,
  tempDirectory,
} from './log-support.ts';

afterAll(removeTempDirectories);

/** A system whose files are never read without a turn through the thread pool. */
const withoutCachedReads = (): System => {
  const base = realSystem();
  const plain = (file: DiskFile): DiskFile => {
    const { path } = file;
    return {
      path,
      write: (buffers, position) => file.write(buffers, position),
      writeSync: (buffers, position) => file.writeSync(buffers, position),
      read: (target, position) => file.read(target, position),
      readSync: (target, position) => file.readSync(target, position),
      size: () => file.size(),
      truncate: (size) => file.truncate(size),
      truncateSync: (size) => file.truncateSync(size),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  };
  const disk: Disk = {
    ...base.disk,
    open: async (path, mode) => plain(await base.disk.open(path, mode)),
    openSync: (path, mode) => plain(base.disk.openSync(path, mode)),
  };
  return { ...base, disk };
};

let seed = 5;
const random = (limit: number): number => {
  seed = (seed * 1103515245 + 12345) & 0x7fffffff;
  return seed % limit;
};

test('reads from the page cache and through the thread pool give the same bytes, wherever they begin and end', async () => {
  const config = { ...defaultLogConfig, segmentBytes: 600_000, segmentIndexBytes: 4096 };
  const written = await openLog(tempDirectory(), { config });
  for (let count = 0; count < 150; count++) {
    const values = Array.from({ length: 1 + random(4) }, () => 'v'.repeat(random(8000)));
    await append(written, values);
  }
  await written.close();
  // Opened anew, so that nothing comes from recent appends.
  const cached = await openLog(copyOfLog(written), { config });
  const plain = await openLog(copyOfLog(written), { config }, contextOf(withoutCachedReads()));
  expect(cached.logEndOffset).toBe(plain.logEndOffset);
  for (let count = 0; count < 300; count++) {
    const limits = {
      maxBytes: 1 + random(200_000),
      endOffset: 1 + random(cached.logEndOffset),
      minOneBatch: random(2) === 0,
    };
    const offset = random(cached.logEndOffset);
    const one = await cached.read(offset, limits);
    const other = await plain.read(offset, limits);
    expect(one.sizeBytes).toBe(other.sizeBytes);
    expect(Buffer.concat(one.buffers).equals(Buffer.concat(other.buffers))).toBe(true);
  }
  await cached.close();
  await plain.close();
});

describe('a reader that goes through a log in order', () => {
  const config = { ...defaultLogConfig, segmentBytes: 100_000, segmentIndexBytes: 4096 };
  /** Without recent appends in memory: everything is read from files. */
  const openOnFiles = (directory = tempDirectory()): Promise<PartitionLog> =>
    openLog(directory, { config }, contextOf(realSystem(), { tails: new TailBudget(0) }));

  const appendMany = async (log: PartitionLog, count: number): Promise<void> => {
    for (let batch = 0; batch < count; batch++)
      await append(
        log,
        Array.from({ length: 1 + random(5) }, () => 'v'.repeat(random(2000))),
      );
  };

  const limitsOf = (log: PartitionLog) => ({
    maxBytes: 1 + random(30_000),
    endOffset: log.logEndOffset,
    minOneBatch: true,
  });

  const readBytes = async (
    log: PartitionLog,
    offset: number,
    limits: ReadLimits,
  ): Promise<Buffer> => Buffer.concat((await log.read(offset, limits)).buffers);

  test('gets what one gets that comes by the index', async () => {
    const log = await openOnFiles();
    await appendMany(log, 200);
    const seen: { offset: number; limits: ReadLimits; bytes: Buffer }[] = [];
    for (let offset = 0; offset < log.logEndOffset; ) {
      const limits = limitsOf(log);
      const bytes = await readBytes(log, offset, limits);
      seen.push({ offset, limits, bytes });
      for (const batch of wholeBatches(bytes)) offset = batch.nextOffset;
    }
    await log.close();
    const other = await openOnFiles(copyOfLog(log));
    for (const { offset, limits, bytes } of seen.reverse())
      expect((await readBytes(other, offset, limits)).equals(bytes)).toBe(true);
    await other.close();
  });

  test('goes on after a cut with what stands there now', async () => {
    for (let round = 0; round < 20; round++) {
      const log = await openOnFiles();
      await appendMany(log, 12);
      for (let offset = 0; offset < log.logEndOffset; ) {
        const bytes = await readBytes(log, offset, { ...limitsOf(log), maxBytes: 1 });
        for (const batch of wholeBatches(bytes)) offset = batch.nextOffset;
      }
      await log.truncateTo(random(log.logEndOffset));
      await appendMany(log, 12);
      const asked = Array.from({ length: 10 }, () => ({
        offset: random(log.logEndOffset),
        limits: limitsOf(log),
      }));
      const seen: Buffer[] = [];
      for (const { offset, limits } of asked) seen.push(await readBytes(log, offset, limits));
      await log.close();
      const other = await openOnFiles(copyOfLog(log));
      for (const [index, { offset, limits }] of asked.entries())
        expect((await readBytes(other, offset, limits)).equals(seen[index] as Buffer)).toBe(true);
      await other.close();
    }
  });
});
