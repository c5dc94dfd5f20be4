import { addToMap, type FilterOptions, filterBatch } from '../../log/cleaner/batch-filter.ts';
import {
  cleanableRange,
  firstDirtyOffset,
  groupSegments,
  isDue,
  type LogState,
} from '../../log/cleaner/cleaning-plan.ts';
import { OffsetMap } from '../../log/cleaner/offset-map.ts';
import { TransactionTracker } from '../../log/cleaner/transaction-tracker.ts';
import { defaultLogConfig } from '../../log/log-config.ts';
import { Throttle } from '../../log/throttle.ts';
import { buildEndTransactionMarker } from '../../protocol/control-record.ts';
import { messagesIn, wrapOldMessages } from '../../protocol/old-messages.ts';
import { assembleBatch, buildBatch, RecordBatch } from '../../protocol/record-batch.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { describeBatch, filterOptions } from './cleaner-support.ts';

const finish = <T>(job: Generator<void, T>): T => {
  for (;;) {
    const step = job.next();
    if (step.done) return step.value;
  }
};

const mapOf = (entries: Record<string, number>, latestOffset = 1_000_000): OffsetMap => {
  const map = new OffsetMap({ bytesMax: 1e6, loadFactor: 0.9, entriesMax: 100 });
  for (const [key, offset] of Object.entries(entries)) map.put(Buffer.from(key), offset);
  map.latestOffset = latestOffset;
  return map;
};

const records = (pairs: readonly (readonly [string | null, string | null])[]) =>
  pairs.map(([key, value], index) => ({
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    timestamp: 1000 + index,
  }));

const filter = (batch: Buffer, options: FilterOptions): Buffer | null => {
  const view = new RecordBatch(batch, 0);
  const bytes = view.isOld ? batch : view.recordBytes();
  const left = finish(filterBatch(view, bytes, options));
  return left === null || !('header' in left) ? left : assembleBatch(left.header, left.records);
};

const addAll = (batch: Buffer, map: OffsetMap, firstOffset: number): boolean => {
  const view = new RecordBatch(batch, 0);
  return finish(addToMap(view, view.recordBytes(), map, firstOffset));
};

describe('the offset map', () => {
  test('has the last offset of each key, and nothing of others', () => {
    const map = new OffsetMap({ bytesMax: 24 * 5000, loadFactor: 0.9, entriesMax: 1e9 });
    let offset = 0;
    for (let round = 0; round < 3; round++)
      for (let key = 0; key < 1000; key++) map.put(Buffer.from(`key-${key}`), offset++);
    expect(map.size).toBe(1000);
    for (let key = 0; key < 1000; key++)
      expect(map.get(Buffer.from(`key-${key}`))).toBe(2000 + key);
    expect(map.get(Buffer.from('other'))).toBe(-1);
    expect(mapOf({ '': 0 }).get(Buffer.alloc(0))).toBe(0);
  });

  test('takes no more than its memory and its load factor allow, and not more than is needed', () => {
    const map = new OffsetMap({ bytesMax: 24 * 100, loadFactor: 0.5, entriesMax: 1e9 });
    let count = 0;
    while (!map.isFull) map.put(Buffer.from(`${count++}`), count);
    expect(count).toBe(map.capacity);
    expect(count).toBeGreaterThan(40);
    expect(count).toBeLessThanOrEqual(50);
    for (let key = 0; key < count; key++) expect(map.get(Buffer.from(`${key}`))).toBe(key + 1);
    const small = new OffsetMap({ bytesMax: 1e9, loadFactor: 0.9, entriesMax: 10 });
    expect(small.capacity).toBeGreaterThanOrEqual(10);
    expect(small.capacity).toBeLessThan(50);
  });

  test('is told when a batch does not fit any more', () => {
    const map = new OffsetMap({ bytesMax: 24 * 7, loadFactor: 0.9, entriesMax: 100 });
    const batch = buildBatch({ records: records([...'abcdefghij'].map((key) => [key, 'v'])) });
    expect(addAll(batch, map, 0)).toBe(false);
    expect(map.isFull).toBe(true);
    const other = mapOf({});
    expect(addAll(batch, other, 4)).toBe(true);
    expect([other.get(Buffer.from('d')), other.get(Buffer.from('e'))]).toEqual([-1, 4]);
  });
});

describe('a batch', () => {
  test('with a tombstone and a record replaced becomes byte for byte what Kafka makes of it', () => {
    const batch = buildBatch({
      baseOffset: 100,
      records: [
        { key: Buffer.from('a'), value: Buffer.from('v'), timestamp: 1000 },
        { key: Buffer.from('b'), value: Buffer.from('v'), timestamp: 1003 },
        { key: Buffer.from('k'), value: null, timestamp: 999 },
      ],
      producerId: 7,
      producerEpoch: 3,
      baseSequence: 5,
      partitionLeaderEpoch: 9,
    });
    const left = filter(batch, filterOptions(mapOf({ a: 100, b: 200, k: 102 })));
    expect(left?.toString('hex')).toBe(
      '0000000000000064000000480000000902d6bfd91c0040000000020000000005266f8800000000000003e8' +
        '0000000000000007000300000005000000021600bfaeb3520002610276001400c1aeb35204026b0100',
    );
  });

  test('that is the last of a producer leaves an empty header as Kafka does', () => {
    const batch = buildBatch({
      baseOffset: 100,
      records: records([
        ['a', 'v'],
        ['b', 'v'],
        ['c', 'v'],
      ]).map((record, index) => ({ ...record, timestamp: index === 1 ? 1003 : 1000 })),
      producerId: 7,
      producerEpoch: 3,
      baseSequence: 5,
      isTransactional: true,
      partitionLeaderEpoch: 9,
    });
    const map = mapOf({ a: 200, b: 200, c: 200 });
    const producers = new Map([[7, { lastOffset: 102, epoch: 3 }]]);
    const left = filter(batch, filterOptions(map, { producers }));
    expect(left?.toString('hex')).toBe(
      '00000000000000640000003100000009026d9afba4001000000002ffffffffffffffff00000000000003eb' +
        '000000000000000700030000000500000000',
    );
    // And again, as long as the producer writes nothing else.
    expect(filter(left as Buffer, filterOptions(map, { producers }))).toEqual(left);
    expect(filter(left as Buffer, filterOptions(map))).toBeNull();
    expect(filter(batch, filterOptions(map))).toBeNull();
  });

  test('of which everything stays is not touched', () => {
    const batch = buildBatch({ records: records([['a', 'v']]), compression: 'gzip' });
    const left = filter(batch, filterOptions(mapOf({ a: 0 })));
    expect(left?.equals(batch)).toBe(true);
  });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'that loses records keeps its codec (%s), timestamps, headers and offsets',
    (compression) => {
      const headers = [
        { key: 'h', value: Buffer.from('x') },
        { key: 'n', value: null },
      ];
      const batch = buildBatch({
        baseOffset: 40,
        compression,
        records: records([
          ['a', 'old'],
          ['b', 'kept'],
          ['a', 'new'],
        ]).map((record) => ({ ...record, headers })),
      });
      const left = filter(batch, filterOptions(mapOf({ a: 42, b: 41 }))) as Buffer;
      const view = new RecordBatch(left, 0);
      expect(view.isCrcValid()).toBe(true);
      expect([view.compression, view.baseOffset, view.lastOffset]).toEqual([compression, 40, 42]);
      expect([view.baseTimestamp, view.maxTimestamp, view.recordCount]).toEqual([1001, 1002, 2]);
      expect([...view.records()]).toEqual([...new RecordBatch(batch, 0).records()].slice(1));
    },
  );

  test('with LogAppendTime keeps that time', () => {
    const batch = buildBatch({
      records: records([
        ['a', 'old'],
        ['a', null],
      ]),
    });
    new RecordBatch(batch, 0).setMaxTimestamp('logAppendTime', 4000);
    const left = new RecordBatch(filter(batch, filterOptions(mapOf({ a: 1 }))) as Buffer, 0);
    expect(left.isCrcValid()).toBe(true);
    expect(left.timestampType).toBe('logAppendTime');
    expect([...left.records()].map(({ timestamp }) => timestamp)).toEqual([4000]);
  });

  test('keeps a tombstone until its horizon has passed, and the horizon through other changes', () => {
    const batch = buildBatch({
      records: records([
        ['a', 'v'],
        ['k', null],
      ]),
    });
    const first = filter(batch, filterOptions(mapOf({ a: 0, k: 1 }), { deleteRetentionMs: 10 }));
    const horizon = (bytes: Buffer | null): unknown => {
      const view = new RecordBatch(bytes as Buffer, 0);
      return [view.hasDeleteHorizon, view.baseTimestamp, view.recordCount];
    };
    expect(horizon(first)).toEqual([true, 5010, 2]);
    const later = { nowMs: 5009, deleteRetentionMs: 10 };
    const second = filter(first as Buffer, filterOptions(mapOf({ a: 7, k: 1 }), later));
    expect(horizon(second)).toEqual([true, 5010, 1]);
    expect([...new RecordBatch(second as Buffer, 0).records()][0]).toMatchObject({
      offset: 1,
      timestamp: 1001,
      value: null,
    });
    expect(filter(second as Buffer, filterOptions(mapOf({}), { nowMs: 5010 }))).toBeNull();
  });

  test('loses records without key, and none behind what the map knows', () => {
    const batch = buildBatch({
      baseOffset: 10,
      records: records([
        [null, 'v'],
        ['a', 'v'],
        [null, 'v'],
        ['a', 'v'],
      ]),
    });
    const left = filter(batch, filterOptions(mapOf({ a: 13 }, 11))) as Buffer;
    expect([...new RecordBatch(left, 0).records()].map(({ offset }) => offset)).toEqual([12, 13]);
  });

  test('with a wrong checksum is not given a right one', () => {
    const batch = buildBatch({
      records: records([
        ['a', 'v'],
        ['a', 'w'],
      ]),
    });
    batch[17] = (batch[17] ?? 0) ^ 1;
    expect(() => filter(batch, filterOptions(mapOf({ a: 1 })))).toThrow('checksum');
  });

  test.each([0, 1] as const)(
    'of messages of magic %i is wrapped anew around what stays',
    (magic) => {
      const pairs = [
        ['a', 'v'],
        ['b', 'v'],
        ['a', 'w'],
        ['t', null],
      ] as const;
      const messages = records(pairs).map((one, index) => ({ ...one, offset: 30 + index }));
      const settings = { magic, codec: 'gzip', isAppendTime: false, timestamp: 1003 } as const;
      const old = wrapOldMessages(messages, settings);
      const map = mapOf({ a: 32, b: 31, t: 33 });
      const kept = (bytes: Buffer | null) =>
        messagesIn(new RecordBatch(bytes as Buffer, 0)).map(({ offset, key }) => `${offset}${key}`);
      expect(kept(filter(old, filterOptions(map)))).toEqual(['31b', '32a']);
      const left = filter(old, filterOptions(map, { keepsOldTombstones: true }));
      expect(kept(left)).toEqual(['31b', '32a', '33t']);
      expect(new RecordBatch(left as Buffer, 0).isCrcValid()).toBe(true);
      expect(filter(old, filterOptions(mapOf({ a: 99, b: 99 })))).toBeNull();
    },
  );
});

describe('transactions', () => {
  const data = (producerId: number, baseOffset: number): Buffer =>
    buildBatch({
      baseOffset,
      records: records([['a', 'v']]),
      producerId,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    });
  const marker = (producerId: number, offset: number, isCommit: boolean): Buffer => {
    const bytes = buildEndTransactionMarker({
      producerId,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      isCommit,
      timestamp: 2000,
    });
    new RecordBatch(bytes, 0).setBaseOffset(offset);
    return bytes;
  };
  const run = (batches: readonly (Buffer | null)[], options: FilterOptions): (Buffer | null)[] =>
    batches.flatMap((batch) => (batch === null ? [] : [filter(batch, options)]));

  test('that were aborted lose their records first, then the marker gets a horizon, then it goes', () => {
    const aborted = { producerId: 1, firstOffset: 10, lastOffset: 12, lastStableOffset: 13 };
    const options = (hasEntry: boolean, nowMs: number): FilterOptions => {
      const transactions = new TransactionTracker();
      if (hasEntry) transactions.add([aborted, aborted]);
      return filterOptions(mapOf({ a: 11 }), { transactions, nowMs, deleteRetentionMs: 10 });
    };
    const batches = [data(1, 10), data(2, 11), marker(1, 12, false), marker(2, 13, true)];
    const first = options(true, 5000);
    const afterFirst = run(batches, first);
    expect(afterFirst).toEqual([null, batches[1], batches[2], batches[3]]);
    expect(first.transactions.takeRetained()).toEqual([aborted]);
    const second = options(true, 6000);
    const afterSecond = run(afterFirst, second);
    expect(second.transactions.takeRetained()).toEqual([]);
    expect(afterSecond[0]).toEqual(batches[1]);
    const withHorizon = new RecordBatch(afterSecond[1] as Buffer, 0);
    expect([withHorizon.hasDeleteHorizon, withHorizon.baseTimestamp]).toEqual([true, 6010]);
    expect(withHorizon.isCrcValid()).toBe(true);
    expect(run(afterSecond, options(false, 6009))[1]).toEqual(afterSecond[1]);
    expect(run(afterSecond, options(false, 6010))).toEqual([batches[1], null, batches[3]]);
  });

  test('of a producer that may still write keep the marker with its epoch', () => {
    const bytes = marker(1, 12, true);
    const first = filter(bytes, filterOptions(mapOf({}), { deleteRetentionMs: 0 })) as Buffer;
    const producers = new Map([[1, { lastOffset: -1, epoch: 0 }]]);
    const left = filter(first, filterOptions(mapOf({}), { producers })) as Buffer;
    expect(describeBatch(new RecordBatch(left, 0))).toContain('12-12 1/0/-1');
    expect(left).toHaveLength(61);
    const newer = new Map([[1, { lastOffset: -1, epoch: 1 }]]);
    expect(filter(first, filterOptions(mapOf({}), { producers: newer }))).toBeNull();
  });
});

describe('the plan', () => {
  const log = (changed: Partial<LogState> = {}): LogState => ({
    segments: [0, 100, 200, 300].map((baseOffset) => ({ baseOffset, sizeBytes: 1000 })),
    logStartOffset: 0,
    logEndOffset: 350,
    lastStableOffset: 350,
    recoveryPoint: 350,
    ...changed,
  });

  test('begins where the checkpoint says, unless the log says otherwise', () => {
    const state = log({ logStartOffset: 50 });
    expect(firstDirtyOffset(undefined, state)).toBe(50);
    expect(firstDirtyOffset(20, state)).toBe(50);
    expect(firstDirtyOffset(120, state)).toBe(120);
    expect(firstDirtyOffset(351, state)).toBe(50);
  });

  test.each<[string, Partial<LogState>, number | null, number, number]>([
    ['the active segment', {}, null, 300, 3000],
    ['an open transaction', { lastStableOffset: 220 }, null, 200, 2000],
    ['what the device may lack', { recoveryPoint: 199 }, null, 100, 1000],
    ['records that are too young', {}, 100, 100, 1000],
  ])('ends before %s', (_name, changed, tooYoung, end, cleanableBytes) => {
    const range = cleanableRange(log(changed), 0, tooYoung);
    expect(range).toMatchObject({ firstUncleanableOffset: end, cleanableBytes, ratio: 1 });
  });

  test('counts a segment that is half clean on both sides', () => {
    const range = cleanableRange(log(), 150, null);
    expect(range).toMatchObject({ cleanableBytes: 2000, totalBytes: 4000, ratio: 0.5 });
    const nothing = cleanableRange(log({ lastStableOffset: 150 }), 150, null);
    expect(nothing).toMatchObject({ cleanableBytes: 0, totalBytes: 2000, ratio: 0 });
  });

  test('takes a log that is dirty enough, or has waited for too long', () => {
    const range = cleanableRange(log(), 150, null);
    const config = { ...defaultLogConfig, maxCompactionLagMs: 100 };
    expect(isDue(range, config, { timestamp: null, nowMs: 1000 })).toBe(false);
    expect(isDue(range, config, { timestamp: 900, nowMs: 1000 })).toBe(false);
    expect(isDue(range, config, { timestamp: 899, nowMs: 1000 })).toBe(true);
    const eager = { ...config, minCleanableDirtyRatio: 0.49 };
    expect(isDue(range, eager, { timestamp: null, nowMs: 1000 })).toBe(true);
  });

  test('joins neighbours as far as data, indexes and offsets fit into one segment', () => {
    const segment = (baseOffset: number, sizeBytes: number, indexBytes = 8) => ({
      baseOffset,
      sizeBytes,
      indexBytes,
      timeIndexBytes: indexBytes,
    });
    const config = { ...defaultLogConfig, segmentBytes: 100, segmentIndexBytes: 40 };
    const bases = (segments: ReturnType<typeof segment>[], end = 1e12): number[][] =>
      groupSegments(segments, end, config).map((group) => group.map((one) => one.baseOffset));
    expect(bases([segment(0, 60), segment(10, 40), segment(20, 1)])).toEqual([[0, 10], [20]]);
    expect(bases([segment(0, 1, 20), segment(10, 1, 20), segment(20, 1)])).toEqual([[0, 10], [20]]);
    const far = 2 ** 31;
    expect(bases([segment(0, 1), segment(10, 1)], far)).toEqual([[0, 10]]);
    expect(bases([segment(0, 1), segment(10, 1)], far + 1)).toEqual([[0], [10]]);
    expect(bases([segment(0, 1), segment(10, 0)], far + 1)).toEqual([[0, 10]]);
  });
});

test('the throttle asks to wait for what is over the limit, and forgets what was not used', async () => {
  const clock = new ManualClock();
  const throttle = new Throttle(clock, 1000);
  expect(throttle.delayAfter(100)).toBe(0);
  expect(throttle.delayAfter(400)).toBe(500);
  await clock.advance(600);
  expect(throttle.delayAfter(50)).toBe(0);
  throttle.bytesPerSecondMax = Number.MAX_VALUE;
  expect(throttle.delayAfter(1e12)).toBe(0);
});
