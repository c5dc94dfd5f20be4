import { existsSync, readdirSync } from 'node:fs';
import { defaultLogConfig } from '../../log/log-config.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { countExpired, type RetentionState } from '../../log/retention.ts';
import { errorCodes } from '../../protocol/errors.ts';
import {
  append,
  batchOf,
  contextOf,
  copyOfLog,
  openLog,
  readAll,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

afterEach(removeTempDirectories);

const fill = async (log: PartitionLog, count: number, leaderEpoch = 0): Promise<void> => {
  for (let left = count; left > 0; left--)
    await append(log, [`value-${log.logEndOffset}`], {}, leaderEpoch);
};

const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `${from + index}:value-${from + index}`);

describe('truncation', () => {
  test('cuts within a segment, at a base and at the end, and the log goes on from there', async () => {
    const log = await openLog(tempDirectory());
    await fill(log, 60);
    const base = log.segments.at(-1)?.baseOffset ?? 0;
    for (const offset of [60, base + 2, base, 5]) {
      await log.truncateTo(offset);
      expect(log.logEndOffset).toBe(offset);
      expect(await readAll(log)).toEqual(lines(0, offset));
      expect(log.recoveryPoint).toBeLessThanOrEqual(offset);
    }
    await fill(log, 10);
    expect(await readAll(log)).toEqual(lines(0, 15));
    const killed = await openLog(copyOfLog(log), { recoveryPoint: log.recoveryPoint });
    expect(await readAll(killed)).toEqual(lines(0, 15));
    await killed.close();
    await log.close();
  });

  test('waits for queued appends; later ones wait for it', async () => {
    const log = await openLog(tempDirectory());
    const ends: number[] = [];
    log.onEndOffset = () => ends.push(log.logEndOffset);
    const queued = [append(log, ['value-0']), append(log, ['value-1'])];
    const cut = log.truncateTo(1);
    const later = [append(log, ['value-1']), append(log, ['value-2'])];
    await cut;
    const infos = await Promise.all([...queued, ...later]);
    expect(infos.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 1, 2]);
    expect(await readAll(log)).toEqual(lines(0, 3));
    expect(ends).toEqual([2, 1, 3]);
    await log.close();
  });

  test('takes epochs and producers back', async () => {
    const log = await openLog(tempDirectory());
    const producer = { producerId: 7, producerEpoch: 0 };
    await append(log, ['a', 'b'], { ...producer, baseSequence: 0 }, 1);
    log.assignEpochStart(2, 2);
    await append(log, ['c'], { ...producer, baseSequence: 2 }, 2);
    log.assignEpochStart(4, 3);
    expect(log.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 2 });
    expect(log.endOffsetForEpoch(3)).toEqual({ leaderEpoch: 2, endOffset: 3 });
    expect(log.endOffsetForEpoch(4)).toEqual({ leaderEpoch: 4, endOffset: 3 });
    expect(log.endOffsetForEpoch(5)).toEqual({ leaderEpoch: -1, endOffset: -1 });
    await log.truncateTo(3);
    expect(log.latestEpoch()).toBe(2);
    await log.truncateTo(2);
    expect(log.latestEpoch()).toBe(1);
    const again = await append(log, ['d'], { ...producer, baseSequence: 2 }, 5);
    expect(again).toMatchObject({ baseOffset: 2, isDuplicate: false });
    await log.close();
  });

  test('a new term begins behind what is on its way to the disk, and ends the one before', async () => {
    const log = await openLog(tempDirectory());
    const queued = append(log, ['a', 'b'], {}, 1);
    expect([log.logEndOffset, log.nextOffset]).toEqual([0, 2]);
    log.assignEpochStart(2, log.nextOffset);
    const late = append(log, ['c'], {}, 1);
    await expect(late).rejects.toMatchObject({ code: errorCodes.NOT_LEADER_OR_FOLLOWER });
    await queued;
    expect(log.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 2 });
    await log.close();
  });

  test('a cut in a batch removes the whole batch', async () => {
    const log = await openLog(tempDirectory());
    await append(log, ['a']);
    await append(log, ['b', 'c', 'd']);
    await log.truncateTo(2);
    expect(log.logEndOffset).toBe(2);
    expect(await readAll(log)).toEqual(['0:a']);
    await log.close();
  });

  test('in full starts over at any offset', async () => {
    const removed: string[] = [];
    const lowered: string[] = [];
    const context = contextOf(undefined, {
      removeLater: (paths) => removed.push(...paths),
      recoveryPointLowered: (directory) => lowered.push(directory),
    });
    const directory = tempDirectory();
    const log = await openLog(directory, {}, context);
    await fill(log, 60);
    const count = log.segments.length;
    await log.truncateFullyAndStartAt(1000);
    expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).toEqual([1000, 1000, 0]);
    expect(log.latestEpoch()).toBeNull();
    await fill(log, 3);
    expect(await readAll(log)).toEqual(lines(1000, 1003));
    await log.truncateTo(10);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([10, 10]);
    expect(lowered).toContain(directory);
    expect(removed.filter((path) => path.endsWith('.log.deleted'))).toHaveLength(count + 1);
    await log.close();
    const again = await openLog(directory, { isClean: true, logStartOffset: 10 });
    expect([again.logStartOffset, again.logEndOffset]).toEqual([10, 10]);
    expect(readdirSync(directory).filter((name) => name.endsWith('.deleted'))).toEqual([]);
    await again.close();
  });
});

describe('the start of the log', () => {
  test('moves up; what lies below is not served and its segments go', async () => {
    const log = await openLog(tempDirectory(), { config: { ...smallConfig, retentionMs: -1 } });
    await fill(log, 60);
    const [, second] = log.segments;
    const start = (second?.baseOffset ?? 0) + 3;
    await log.advanceLogStartOffset(start);
    await log.advanceLogStartOffset(1);
    expect(log.logStartOffset).toBe(start);
    expect(() => log.read(0, { maxBytes: 1, endOffset: 60, minOneBatch: true })).toThrow();
    expect(await readAll(log)).toEqual(lines(start, 60));
    expect(log.epochs.entries).toEqual([{ epoch: 0, startOffset: start }]);
    expect(await log.deleteOldSegments(0)).toBe(0);
    expect(await log.deleteOldSegments(60)).toBe(1);
    expect(log.logStartOffset).toBe(start);
    expect(log.segments[0]).toBe(second);
    await expect(log.advanceLogStartOffset(61)).rejects.toMatchObject({
      code: errorCodes.OFFSET_OUT_OF_RANGE,
    });
    await log.close();
  });

  test('a start behind the end of what was found makes an empty log there', async () => {
    const directory = tempDirectory();
    const log = await openLog(directory);
    await fill(log, 3);
    await log.close();
    const again = await openLog(directory, { isClean: true, logStartOffset: 50 });
    expect([again.logStartOffset, again.logEndOffset]).toEqual([50, 50]);
    await again.close();
  });
});

describe('retention', () => {
  test('by time removes all segments, the active one too, but never past the high watermark', async () => {
    const removed: string[] = [];
    const context = contextOf(undefined, { removeLater: (paths) => removed.push(...paths) });
    const log = await openLog(tempDirectory(), {}, context);
    await fill(log, 60);
    const count = log.segments.length;
    expect(await log.deleteOldSegments(log.segments[1]?.baseOffset ?? 0)).toBe(1);
    expect(await log.deleteOldSegments(60)).toBe(count - 1);
    expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).toEqual([60, 60, 0]);
    expect(removed.every((path) => existsSync(path))).toBe(true);
    await fill(log, 2);
    expect(await readAll(log)).toEqual(lines(60, 62));
    await log.close();
  });

  const segments = [100, 200, 300].map((endOffset) => ({
    endOffset,
    sizeBytes: 10,
    largestTimestamp: endOffset,
    isActive: endOffset === 300,
  }));
  const state: RetentionState = { segments, logStartOffset: 0, highWatermark: 300, nowMs: 400 };
  const keep = { ...defaultLogConfig, retentionMs: -1 };

  test.each([
    ['nothing without limits', {}, {}, 0],
    ['what lies below the log start', { logStartOffset: 200 }, {}, 2],
    ['never the active segment for its start', { logStartOffset: 300 }, {}, 2],
    ['what exceeds the size', {}, { retentionBytes: 15 }, 1],
    ['everything at size 0', {}, { retentionBytes: 0 }, 3],
    ['what is older than the limit', {}, { retentionMs: 150 }, 2],
    ['nothing behind the high watermark', { highWatermark: 150 }, { retentionMs: 0 }, 1],
    [
      'only the start counts for compacted topics',
      { logStartOffset: 100 },
      {
        retentionMs: 0,
        cleanupDelete: false,
      },
      1,
    ],
  ])('%s', (_, changed, config, count) => {
    expect(countExpired({ ...state, ...changed }, { ...keep, ...config })).toBe(count);
  });
});

test('messages of the old formats make a follower forget its epochs', async () => {
  const old = Buffer.from(
    '000000000000000500000018e4e321bc010000000000000003e8000000016b0000000176' +
      '0000000000000006000000189ea6a687010000000000000003e9ffffffff000000027676',
    'hex',
  );
  const log = await openLog(tempDirectory());
  await log.appendAsFollower(batchOf(['a'], { baseOffset: 0, partitionLeaderEpoch: 3 }));
  expect(await log.appendAsFollower(old)).toMatchObject({ baseOffset: 5, lastOffset: 6 });
  expect(log.latestEpoch()).toBeNull();
  expect(await log.maxTimestamp()).toMatchObject({ offset: 0 });
  expect(await log.offsetForTimestamp(0)).toMatchObject({ offset: 0 });
  await log.close();
});
