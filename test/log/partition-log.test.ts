import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { defaultLogConfig } from '../../log/log-config.ts';
import type { LogRead, PartitionLog } from '../../log/partition-log.ts';
import { UnexpectedOffsetError } from '../../log/partition-log.ts';
import { TailBudget } from '../../log/tail.ts';
import { errorCodes } from '../../protocol/errors.ts';
import {
  append,
  batchOf,
  contextOf,
  copyOfLog,
  openLog,
  readAll,
  readBatches,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

afterEach(removeTempDirectories);

const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `value-${from + index}`);

const appendEach = async (log: PartitionLog, values: readonly string[]): Promise<void> => {
  for (const value of values) await append(log, [value]);
};

const lines = (values: readonly string[]): string[] =>
  values.map((value, offset) => `${offset}:${value}`);

const sizeOf = ({ sizeBytes }: LogRead): number => sizeBytes;

describe('appending', () => {
  test('gives offsets in the order of calls and resolves when the records can be read', async () => {
    const log = await openLog(tempDirectory());
    const infos = await Promise.all([
      append(log, ['a', 'b']),
      append(log, ['c']),
      append(log, ['d', 'e', 'f']),
    ]);
    expect(infos.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset])).toEqual([
      [0, 1],
      [2, 2],
      [3, 5],
    ]);
    expect(log.logEndOffset).toBe(6);
    expect(await readAll(log)).toEqual(['0:a', '1:b', '2:c', '3:d', '4:e', '5:f']);
    await log.close();
  });

  test('the log end offset moves only with the write, and its listener is called', async () => {
    const log = await openLog(tempDirectory());
    const ends: number[] = [];
    log.onEndOffset = () => ends.push(log.logEndOffset);
    const first = append(log, ['a']);
    const second = append(log, ['b']);
    expect(log.logEndOffset).toBe(0);
    await Promise.all([first, second]);
    expect(ends).toEqual([2]);
    await log.close();
  });

  test('large groups are written in order with what arrives meanwhile', async () => {
    const log = await openLog(tempDirectory(), { config: defaultLogConfig });
    const big = 'x'.repeat(300_000);
    const infos = await Promise.all([
      append(log, [big]),
      append(log, ['small']),
      append(log, [big]),
    ]);
    infos.push(await append(log, ['last']));
    expect(infos.map((info) => info.baseOffset)).toEqual([0, 1, 2, 3]);
    expect((await readAll(log)).map((line) => line.length)).toEqual([300_002, 7, 300_002, 6]);
    await log.close();
  });

  test('a refused batch leaves no trace', async () => {
    const log = await openLog(tempDirectory());
    const damaged = batchOf(['a']);
    damaged[damaged.length - 1] = 1;
    const refused = log.appendAsLeader(damaged, { leaderEpoch: 0, origin: 'client' });
    await expect(refused).rejects.toMatchObject({ code: errorCodes.CORRUPT_MESSAGE });
    const tooLarge = append(log, ['x'.repeat(3000)]);
    await expect(tooLarge).rejects.toMatchObject({ code: errorCodes.RECORD_LIST_TOO_LARGE });
    expect((await append(log, ['b'])).baseOffset).toBe(0);
    await log.close();
  });

  test('a repeated batch of an idempotent producer gets its old offsets', async () => {
    const log = await openLog(tempDirectory());
    const producer = { producerId: 7, producerEpoch: 0, baseSequence: 0 };
    const [first, again] = await Promise.all([
      append(log, ['a', 'b'], producer),
      append(log, ['a', 'b'], producer),
    ]);
    expect(first).toMatchObject({ baseOffset: 0, isDuplicate: false });
    expect(again).toMatchObject({ baseOffset: 0, lastOffset: 1, isDuplicate: true });
    const gap = append(log, ['c'], { ...producer, baseSequence: 5 });
    await expect(gap).rejects.toMatchObject({ code: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER });
    expect(log.logEndOffset).toBe(2);
    await log.close();
  });

  test('the topic id and the leader epoch are on disk before the first record', async () => {
    const directory = tempDirectory();
    const log = await openLog(directory, { topicId: 'c3_gRW8dQ2ShQhFbzWRqZg' });
    expect(log.topicId).toBe('c3_gRW8dQ2ShQhFbzWRqZg');
    expect(existsSync(join(directory, 'partition.metadata'))).toBe(false);
    await append(log, ['a'], {}, 3);
    expect(readFileSync(join(directory, 'partition.metadata'), 'utf8')).toBe(
      'version: 0\ntopic_id: c3_gRW8dQ2ShQhFbzWRqZg',
    );
    expect(readFileSync(join(directory, 'leader-epoch-checkpoint'), 'utf8')).toBe('0\n1\n3 0\n');
    await log.close();
  });
});

describe('replicated records', () => {
  const sent = (baseOffset: number, values: readonly string[], epoch = 0): Buffer =>
    batchOf(values, { baseOffset, partitionLeaderEpoch: epoch });

  test('keep their offsets and epochs; a partial last batch is dropped', async () => {
    const log = await openLog(tempDirectory());
    const cut = sent(10, ['d']).subarray(0, 40);
    const info = await log.appendAsFollower(
      Buffer.concat([sent(0, ['a', 'b'], 2), sent(5, ['c'], 4), cut]),
    );
    expect(info).toMatchObject({ baseOffset: 0, lastOffset: 5 });
    expect(log.logEndOffset).toBe(6);
    expect(log.epochs.entries).toEqual([
      { epoch: 2, startOffset: 0 },
      { epoch: 4, startOffset: 5 },
    ]);
    expect(await readAll(log)).toEqual(['0:a', '1:b', '5:c']);
    expect(await log.appendAsFollower(cut)).toBeNull();
    await log.close();
  });

  test('that do not continue the log are refused', async () => {
    const log = await openLog(tempDirectory());
    await log.appendAsFollower(sent(0, ['a', 'b']));
    await expect(log.appendAsFollower(sent(1, ['c']))).rejects.toThrow(UnexpectedOffsetError);
    const backwards = Buffer.concat([sent(4, ['c']), sent(3, ['d'])]);
    await expect(log.appendAsFollower(backwards)).rejects.toThrow(UnexpectedOffsetError);
    const damaged = sent(2, ['c']);
    damaged[damaged.length - 1] = 1;
    await expect(log.appendAsFollower(damaged)).rejects.toMatchObject({
      code: errorCodes.CORRUPT_MESSAGE,
    });
    expect(log.logEndOffset).toBe(2);
    await log.close();
  });

  test('an empty log starts over where the batch begins in which the leader starts', async () => {
    const log = await openLog(tempDirectory());
    await log.truncateFullyAndStartAt(6);
    const first = log.appendAsFollower(sent(5, ['a', 'b', 'c']));
    const second = log.appendAsFollower(sent(8, ['d']));
    expect(await first).toMatchObject({ baseOffset: 5, lastOffset: 7 });
    expect(await second).toMatchObject({ baseOffset: 8 });
    expect([log.logStartOffset, log.logEndOffset]).toEqual([5, 9]);
    await log.close();
  });
});

describe('reading', () => {
  test('is synchronous for recent records and bounded in every way', async () => {
    const log = await openLog(tempDirectory());
    await appendEach(log, numbered(5));
    const one = batchOf(['value-0']).length;
    const bounds = { maxBytes: 10_000, endOffset: 4, minOneBatch: true };
    const read = (offset: number, changed: Partial<typeof bounds>): LogRead =>
      log.read(offset, { ...bounds, ...changed }) as LogRead;
    expect(read(0, {}).sizeBytes).toBe(4 * one);
    expect(read(1, { maxBytes: 2 * one + 5 }).sizeBytes).toBe(2 * one);
    expect(read(1, { maxBytes: 1 }).sizeBytes).toBe(one);
    expect(read(1, { maxBytes: 1, minOneBatch: false }).sizeBytes).toBe(0);
    expect(read(4, {}).sizeBytes).toBe(0);
    expect(read(5, { endOffset: 100 }).sizeBytes).toBe(0);
    expect(() => log.read(6, bounds)).toThrow(
      expect.objectContaining({ code: errorCodes.OFFSET_OUT_OF_RANGE }),
    );
    await log.close();
  });

  test('gives the same from disk as from memory', async () => {
    const values = numbered(60);
    const withTail = await openLog(tempDirectory());
    const tails = new TailBudget(0);
    const without = await openLog(tempDirectory(), {}, contextOf(undefined, { tails }));
    await appendEach(withTail, values);
    await appendEach(without, values);
    for (const maxBytes of [1, 150, 700]) {
      for (let offset = 0; offset < 60; offset += 7) {
        for (const minOneBatch of [true, false]) {
          const limits = { maxBytes, endOffset: 55, minOneBatch };
          const cold = await without.read(offset, limits);
          const warm = withTail.read(offset, limits) as LogRead;
          const bytes = Buffer.concat(cold.buffers);
          // A read from disk ends with its segment.
          expect(bytes).toEqual(Buffer.concat(warm.buffers).subarray(0, bytes.length));
          expect(sizeOf(cold) > 0).toBe(sizeOf(warm) > 0);
        }
      }
    }
    expect(await readAll(without)).toEqual(lines(values));
    await withTail.close();
    await without.close();
  });

  test('goes on when idle files have been given back', async () => {
    const log = await openLog(
      tempDirectory(),
      {},
      contextOf(undefined, { tails: new TailBudget(0) }),
    );
    await appendEach(log, numbered(60));
    await log.releaseIdle();
    await log.releaseIdle();
    expect(await readAll(log)).toEqual(lines(numbered(60)));
    await append(log, ['more']);
    expect((await readAll(log, 60))[0]).toBe('60:more');
    await log.close();
  });
});

describe('segments', () => {
  const names = (directory: string, suffix: string): string[] =>
    readdirSync(directory).filter((name) => name.endsWith(suffix));

  test('roll by size, with trimmed indexes and a producer snapshot at each new base', async () => {
    const directory = tempDirectory();
    const log = await openLog(directory);
    await appendEach(log, numbered(60));
    await log.settled();
    const logs = names(directory, '.log');
    expect(logs.length).toBeGreaterThan(2);
    const bases = log.segments.map(({ baseOffset }) => String(baseOffset).padStart(20, '0'));
    expect(logs).toEqual(bases.map((base) => `${base}.log`));
    expect(names(directory, '.snapshot')).toEqual(bases.slice(1).map((base) => `${base}.snapshot`));
    const [first] = log.segments;
    const size = (suffix: string): number => statSync(`${first?.path}${suffix}`).size;
    expect(size('.index')).toBe(8 * (first?.index.entries().length ?? 0));
    expect(size('.timeindex')).toBe(12);
    const active = log.segments.at(-1);
    expect(statSync(`${active?.path}.index`).size).toBe(256);
    expect(statSync(`${active?.path}.timeindex`).size).toBe(252);
    expect(log.recoveryPoint).toBe(active?.baseOffset);
    await log.close();
    expect(statSync(`${active?.path}.timeindex`).size).toBe(12);
  });

  test('roll by the time the records span', async () => {
    const log = await openLog(tempDirectory(), { config: { ...smallConfig, segmentMs: 1000 } });
    for (const timestamp of [5000, 5900, 6001, 6500, 9000]) await append(log, ['a'], { timestamp });
    expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 2, 4]);
    await log.close();
  });

  test('roll when an index is full', async () => {
    const config = { ...defaultLogConfig, segmentIndexBytes: 36, indexIntervalBytes: 0 };
    const log = await openLog(tempDirectory(), { config });
    for (let count = 0; count < 9; count++) await append(log, ['a'], { timestamp: 1000 + count });
    expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 3, 6]);
    expect(log.segments.map((segment) => segment.timeIndex.entries().length)).toEqual([2, 2, 2]);
    await log.close();
  });

  test('roll when an offset is out of reach of the base', async () => {
    const log = await openLog(tempDirectory());
    await log.appendAsFollower(batchOf(['a'], { baseOffset: 0, partitionLeaderEpoch: 0 }));
    await log.appendAsFollower(batchOf(['b'], { baseOffset: 2 ** 31, partitionLeaderEpoch: 0 }));
    expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 2 ** 31]);
    expect(await readAll(log)).toEqual(['0:a', `${2 ** 31}:b`]);
    await log.close();
  });

  test('a snapshot never knows of records at or behind its offset', async () => {
    const directory = tempDirectory();
    const log = await openLog(directory);
    const producer = { producerId: 7, producerEpoch: 0 };
    // All in one turn, so that rolls are written long after the last append has been planned.
    await Promise.all(
      numbered(60).map((value, baseSequence) =>
        append(log, [value], { ...producer, baseSequence }),
      ),
    );
    for (const name of names(directory, '.snapshot')) {
      const bytes = readFileSync(join(directory, name));
      expect(bytes.readBigInt64BE(10 + 14)).toBe(BigInt(Number.parseInt(name, 10)) - 1n);
    }
    await log.close();
  });

  test('preallocated files are cut to what they hold', async () => {
    const config = { ...smallConfig, preallocate: true };
    const directory = tempDirectory();
    const log = await openLog(directory, { config });
    await append(log, ['a']);
    const path = join(directory, '00000000000000000000.log');
    expect(statSync(path).size).toBe(2000);
    const killed = await openLog(copyOfLog(log), { config });
    expect(await readAll(killed)).toEqual(['0:a']);
    await killed.close();
    await log.close();
    expect(statSync(path).size).toBe(log.sizeBytes);
  });
});

describe('reopening', () => {
  test('after a clean close everything is as it was', async () => {
    const directory = tempDirectory();
    const log = await openLog(directory, { topicId: 'c3_gRW8dQ2ShQhFbzWRqZg' });
    const producer = { producerId: 7, producerEpoch: 1 };
    await append(log, ['a', 'b'], { ...producer, baseSequence: 0, timestamp: Date.now() }, 4);
    await appendEach(log, numbered(50));
    const { segments } = log;
    const shape = segments.map((segment) => [segment.baseOffset, segment.sizeBytes]);
    await log.close();
    const again = await openLog(directory, { isClean: true });
    expect(again.segments.map((s) => [s.baseOffset, s.sizeBytes])).toEqual(shape);
    expect([again.logStartOffset, again.logEndOffset, again.recoveryPoint]).toEqual([0, 52, 52]);
    expect(again.topicId).toBe('c3_gRW8dQ2ShQhFbzWRqZg');
    expect(again.sizeBytes).toBe(log.sizeBytes);
    expect((await readBatches(again, 0)).length).toBe(51);
    const duplicate = await append(again, ['a', 'b'], { ...producer, baseSequence: 0 }, 4);
    expect(duplicate.isDuplicate).toBe(true);
    await again.close();
  });

  test('an interrupted replacement is completed when whole and dropped when not', async () => {
    const directory = tempDirectory();
    const log = await openLog(directory);
    await appendEach(log, numbered(60));
    await log.close();
    const first = join(directory, '00000000000000000000');
    renameSync(`${first}.log`, `${first}.log.swap`);
    const later = join(directory, '00000000000000000999');
    for (const suffix of ['.log.cleaned', '.log.swap', '.index.deleted', '.timeindex'])
      writeFileSync(later + suffix, 'x');
    const again = await openLog(directory, { isClean: true });
    expect(await readAll(again)).toEqual(lines(numbered(60)));
    const rest = readdirSync(directory).filter((name) =>
      /\.(swap|cleaned|deleted)$|999/.test(name),
    );
    expect(rest).toEqual([]);
    await again.close();
  });

  test('a closed log refuses everything', async () => {
    const log = await openLog(tempDirectory());
    await log.close();
    await log.close();
    const closed = { code: errorCodes.NOT_LEADER_OR_FOLLOWER };
    await expect(append(log, ['a'])).rejects.toMatchObject(closed);
    await expect(log.truncateTo(0)).rejects.toMatchObject(closed);
    await expect(log.maxTimestamp()).rejects.toMatchObject(closed);
    expect(() => log.read(0, { maxBytes: 1, endOffset: 1, minOneBatch: true })).toThrow();
  });
});
