/** Jobs on a log that meet others half-way, at the moments where that once went wrong. */
import { copyFileSync } from 'node:fs';
import { LogManager } from '../../log/log-manager.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { Segment } from '../../log/segment.ts';
import { GatedDisk } from './gated-disk.ts';
import {
  append,
  contextOf,
  openLog,
  readAll,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

afterEach(removeTempDirectories);

let disk: GatedDisk;

beforeEach(() => {
  disk = new GatedDisk();
});

const idOf = (name: string): string => `${name}3_gRW8dQ2ShQhFbzWRqZg`;

const appendEach = async (log: PartitionLog, count: number): Promise<void> => {
  for (let index = 0; index < count; index++)
    await append(log, [`value-${index}`], { timestamp: 1_000 + index });
};

/** What needs no more than that happens meanwhile. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test('a look-up in a log that is being deleted is no failure of its disk', async () => {
  const config = { ...smallConfig, segmentBytes: 600 };
  const options = { logDirs: [tempDirectory()], brokerId: 1, defaultConfig: config };
  const first = await LogManager.open(disk.system, options);
  await appendEach(await first.getOrCreate('topic', 0, { topicId: idOf('c'), config }), 40);
  await first.getOrCreate('other', 0, { topicId: idOf('d'), config });
  await first.close();

  const manager = await LogManager.open(disk.system, options);
  const log = manager.get('topic', 0) as PartitionLog;
  // In a log that was not used yet, each segment's time index is read first.
  const read = disk.hold('read', '.timeindex');
  const lookUp = log.offsetForTimestamp(1_009).catch((error: unknown) => error);
  await read.reached;
  await manager.delete('topic', 0);
  read.release();
  await lookUp;
  expect(manager.offlineDirectories).toEqual([]);
  expect(manager.get('other', 0)?.isUsable).toBe(true);
  await manager.close();
});

test('a rolled segment that a cut has made active again is not trimmed under an append', async () => {
  const config = { ...smallConfig, segmentBytes: 400_000 };
  const log = await openLog(tempDirectory(), { config }, contextOf(disk.system));
  const large = 'x'.repeat(300_000);
  await append(log, ['a']);
  await append(log, [large]);
  const roll = disk.hold('writeFile', '.snapshot');
  const rolling = append(log, [large]);
  await roll.reached;
  const cut = log.truncateTo(1);
  const flush = log.flush();
  const syncOfCut = disk.hold('sync', '.log');
  roll.release();
  await rolling;
  await syncOfCut.reached;
  const syncOfFlush = disk.hold('sync', '.log');
  syncOfCut.release();
  await cut;
  await syncOfFlush.reached;
  const write = disk.hold('write', '.log');
  const appended = append(log, ['b'.repeat(300_000)]);
  await write.reached;
  syncOfFlush.release();
  await flush;
  // Jobs behind the flush have theirs.
  await turns();
  write.release();
  await appended;
  // As the file has it, not the memory.
  const found: boolean[] = [];
  await log.segments.at(-1)?.scan(0, (batch) => {
    found.push(batch.isCrcValid());
    return true;
  });
  expect(found).toEqual([true, true]);
  await log.close();
});

test('a segment that is rolled while its log closes is sealed, too', async () => {
  const config = {
    ...smallConfig,
    segmentBytes: 400,
    preallocate: true,
    indexIntervalBytes: 9_999,
  };
  const directory = tempDirectory();
  const log = await openLog(directory, { config }, contextOf(disk.system));
  // Later than the file's own time, which stands in where no index tells one.
  const nowMs = Date.now();
  await append(log, ['x'.repeat(150)], { timestamp: nowMs + 1_000_000 });
  const roll = disk.hold('writeFile', '.snapshot');
  const rolling = append(log, ['x'.repeat(250)], { timestamp: nowMs });
  await roll.reached;
  const closing = log.close();
  roll.release();
  await rolling;
  await closing;
  const again = await openLog(directory, { config, isClean: true, recoveryPoint: 2 });
  expect(again.segments).toHaveLength(2);
  expect(await again.offsetForTimestamp(nowMs + 500_000)).toMatchObject({ offset: 0 });
  expect(await readAll(again)).toHaveLength(2);
  await again.close();
});

test('a look-up in a segment that is being replaced leaves no file open', async () => {
  const config = { ...smallConfig, segmentBytes: 400, cleanupCompact: true };
  const directory = tempDirectory();
  const first = await openLog(directory, { config }, contextOf(disk.system));
  await appendEach(first, 20);
  await first.close();
  const reopened = { config, isClean: true, recoveryPoint: 20 };
  const log = await openLog(directory, reopened, contextOf(disk.system));
  const old = log.segments[0] as Segment;
  const read = disk.hold('read', '.timeindex');
  const lookUp = log.offsetForTimestamp(1_001);
  await read.reached;
  for (const suffix of ['.log', '.index', '.timeindex'])
    copyFileSync(old.path + suffix, `${old.path}${suffix}.cleaned`);
  const copy = { sizeBytes: old.sizeBytes, modifiedMs: 0 };
  expect(await log.cleaning.replaceSegments([old], copy)).toBe(true);
  read.release();
  expect(await lookUp).toMatchObject({ offset: 1 });
  await log.close();
  await turns();
  expect(disk.openPaths).toEqual([]);
});

test('the high watermark of a log that is deleted while checkpoints are written is gone', async () => {
  const [one, two] = [tempDirectory(), tempDirectory()];
  const options = { logDirs: [one, two], brokerId: 1, defaultConfig: smallConfig };
  const manager = await LogManager.open(disk.system, options);
  const create = (topic: string, id: string) =>
    manager.getOrCreate(topic, 0, { topicId: idOf(id), config: smallConfig });
  const logs = [await create('a', 'c'), await create('b', 'd')];
  for (const log of logs) await appendEach(log, 3);
  const { topic } = logs.find(({ directory }) => directory.startsWith(two)) as PartitionLog;
  const rename = disk.hold('rename', `${one}/replication-offset-checkpoint`);
  const writing = manager.checkpointHighWatermarks(
    logs.map((log) => ({ topic: log.topic, partition: 0, offset: 3 })),
  );
  await rename.reached;
  await manager.delete(topic, 0);
  rename.release();
  await writing;
  const again = await create(topic, 'e');
  expect([again.logEndOffset, manager.highWatermark(topic, 0)]).toEqual([0, 0]);
  await manager.close();
});
