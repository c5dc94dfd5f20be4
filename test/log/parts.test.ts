/** The small parts of log/: indexes, checkpoints, epochs, the tail, names, metadata. */
import {
  CheckpointError,
  decodeEpochs,
  decodeOffsets,
  encodeEpochs,
  encodeOffsets,
  parsePartitionName,
} from '../../log/checkpoints.ts';
import { EpochCache } from '../../log/epoch-cache.ts';
import {
  deletedDirectoryName,
  directoryPurpose,
  offsetName,
  offsetOf,
} from '../../log/file-names.ts';
import { defaultLogConfig, logConfigOf } from '../../log/log-config.ts';
import { decodeMetaProperties, misfit } from '../../log/meta-properties.ts';
import { OffsetIndex } from '../../log/offset-index.ts';
import { decodePartitionMetadata } from '../../log/partition-metadata.ts';
import { Tail, TailBudget } from '../../log/tail.ts';
import { TimeIndex } from '../../log/time-index.ts';
import { realRandom } from '../../system/random.ts';

describe('indexes', () => {
  test('the offset index has the bytes of the sheet and finds the floor', () => {
    const index = new OffsetIndex('x', 100);
    index.append(102, 0);
    index.append(110, 4321);
    expect(index.file.bytes.subarray(0, 16).toString('hex')).toBe(
      '00000002000000000000000a000010e1',
    );
    const positions = [100, 101, 102, 109, 110, 500].map((offset) => index.positionAt(offset));
    expect(positions).toEqual([0, 0, 0, 0, 4321, 4321]);
    expect(index.rangeAt(103)).toEqual({ from: 0, to: 4321 });
    expect(() => index.append(110, 5000)).toThrow('goes back');
    index.truncateTo(110);
    expect(index.entries()).toEqual([{ offset: 102, position: 0 }]);
  });

  test('the time index has the bytes of the sheet and passes over times that do not rise', () => {
    const index = new TimeIndex('x', 100);
    index.append(-1, 101);
    index.append(1003, 102);
    index.append(1003, 105);
    index.append(2000, 111);
    expect(index.file.bytes.subarray(0, 24).toString('hex')).toBe(
      '00000000000003eb0000000200000000000007d00000000b',
    );
    expect(index.floor(1002)).toBeNull();
    expect(index.floor(1999)).toEqual({ timestamp: 1003, offset: 102 });
    index.truncateTo(111);
    expect(index.last()).toEqual({ timestamp: 1003, offset: 102 });
  });
});

describe('checkpoints', () => {
  test('offsets and epochs have the text of the sheet', () => {
    const offsets = new Map([
      ['a-b-0', 5],
      ['t-12', 0],
    ]);
    expect(encodeOffsets(offsets)).toBe('0\n2\na-b 0 5\nt 12 0\n');
    expect(decodeOffsets(encodeOffsets(offsets))).toEqual(offsets);
    const entries = [
      { epoch: 0, startOffset: 0 },
      { epoch: 5, startOffset: 120 },
    ];
    expect(encodeEpochs(entries)).toBe('0\n2\n0 0\n5 120\n');
    expect(decodeEpochs('0\n2\n0 0\n5 120\n')).toEqual(entries);
  });

  test.each(['', '0\n', '0\n0\n'])('%j has no entries', (text) => {
    expect(decodeOffsets(text).size).toBe(0);
  });

  test.each([
    '1\n0\n',
    '0\nx\n',
    '0\n2\nt 0 1\n',
    '0\n1\nt 0\n',
    '0\n1\nt 0 x\n',
    '0\n1\nt 0 -1\n',
  ])('%j is refused', (text) => {
    expect(() => decodeOffsets(text)).toThrow(CheckpointError);
  });

  test('partition names are split at the last hyphen', () => {
    expect(parsePartitionName('a-b-7')).toEqual({ topic: 'a-b', partition: 7 });
    for (const name of ['a', '-1', 'a-', 'a-x']) expect(parsePartitionName(name)).toBeNull();
  });
});

describe('the epoch cache', () => {
  const cacheOf = (...entries: [number, number][]): EpochCache =>
    new EpochCache(entries.map(([epoch, startOffset]) => ({ epoch, startOffset })));
  const shown = (cache: EpochCache): number[][] =>
    cache.entries.map(({ epoch, startOffset }) => [epoch, startOffset]);

  test('keeps the first start of an epoch and drops what a new one contradicts', () => {
    const cache = cacheOf([2, 0], [4, 10]);
    cache.assign(4, 15);
    expect(cache.isDirty).toBe(false);
    cache.assign(6, 10);
    expect(shown(cache)).toEqual([
      [2, 0],
      [6, 10],
    ]);
    cache.assign(3, 20);
    expect(shown(cache)).toEqual([
      [2, 0],
      [3, 20],
    ]);
    expect(cache.takeText()).toBe('0\n2\n2 0\n3 20\n');
    expect(cache.isDirty).toBe(false);
  });

  test('believes the batches found after a crash, not its own later epochs', () => {
    const cache = cacheOf([2, 0], [6, 10], [8, 16], [9, 18]);
    cache.noteRecovered(6, 14);
    expect(cache.entries).toHaveLength(4);
    cache.noteRecovered(6, 16);
    expect(shown(cache)).toEqual([
      [2, 0],
      [6, 10],
    ]);
    expect(cache.isDirty).toBe(true);
    cache.noteRecovered(7, 20);
    expect(shown(cache).at(-1)).toEqual([7, 20]);
  });

  test('answers by the table of OffsetForLeaderEpoch', () => {
    const cache = cacheOf([2, 5], [4, 10]);
    const ask = (epoch: number): number[] => {
      const { leaderEpoch, endOffset } = cache.endOffsetFor(epoch, 17);
      return [leaderEpoch, endOffset];
    };
    expect([-1, 1, 2, 3, 4, 5].map(ask)).toEqual([
      [-1, -1],
      [1, 5],
      [2, 10],
      [2, 10],
      [4, 17],
      [-1, -1],
    ]);
    expect([4, 5, 9, 10].map((offset) => cache.epochAt(offset))).toEqual([null, 2, 2, 4]);
  });

  test('is cut from both ends', () => {
    const cache = cacheOf([0, 0], [2, 5], [4, 10], [5, 12]);
    cache.truncateFromStart(7);
    expect(shown(cache)[0]).toEqual([2, 7]);
    cache.truncateFromEnd(12);
    expect(shown(cache)).toEqual([
      [2, 7],
      [4, 10],
    ]);
    cache.truncateFromStart(10);
    expect(shown(cache)).toEqual([[4, 10]]);
    cache.takeText();
    cache.truncateFromStart(10);
    cache.truncateFromStart(3);
    expect(cache.isDirty).toBe(false);
    cache.clear();
    expect(cache.latest()).toBeNull();
  });
});

describe('the tail', () => {
  const all = { maxBytes: 1e9, endOffset: 1e9, minOneBatch: true };
  const MIB = 1024 * 1024;

  test('drops the oldest beyond its share and knows where it begins', () => {
    const tail = new Tail(new TailBudget(MIB));
    for (let offset = 0; offset < 200; offset++) tail.push(Buffer.alloc(10_000), offset, offset);
    expect(tail.bytes).toBeLessThanOrEqual(MIB);
    expect(tail.read(0, all)).toBeNull();
    const oldest = 200 - tail.bytes / 10_000;
    expect(tail.read(oldest - 1, all)).toBeNull();
    expect(tail.read(oldest, all)?.buffers).toHaveLength(200 - oldest);
  });

  test('finds every batch it holds, however many it has dropped', () => {
    const tail = new Tail(new TailBudget(MIB));
    for (let offset = 0; offset < 1000; offset++) {
      const batch = Buffer.alloc(10_000);
      batch.writeInt32BE(offset);
      tail.push(batch, offset, offset);
      const oldest = offset + 1 - tail.bytes / 10_000;
      expect(tail.read(oldest - 1, all)).toBeNull();
      for (const wanted of [oldest, Math.floor((oldest + offset) / 2), offset])
        expect(tail.read(wanted, all)?.buffers[0]?.readInt32BE()).toBe(wanted);
    }
    tail.clear();
    expect(tail.bytes).toBe(0);
    tail.push(Buffer.alloc(10_000), 1000, 1000);
    expect(tail.read(1000, all)?.buffers).toHaveLength(1);
  });

  test('the logs that were idle longest give way when the budget is used up', () => {
    const budget = new TailBudget(2 * MIB);
    const tails = [new Tail(budget), new Tail(budget), new Tail(budget)];
    for (const tail of tails) tail.push(Buffer.alloc(900_000), 0, 0);
    expect(tails.map(({ bytes }) => bytes)).toEqual([0, 900_000, 900_000]);
    expect(budget.bytes).toBe(1_800_000);
    tails[1]?.clear();
    expect(budget.bytes).toBe(900_000);
  });

  test('does not pin a frame for a small batch of it', () => {
    const tail = new Tail(new TailBudget());
    const frame = Buffer.alloc(100_000, 1);
    tail.push(frame.subarray(0, 5000), 0, 0);
    frame.fill(2);
    expect(tail.read(0, all)?.buffers[0]?.every((byte) => byte === 1)).toBe(true);
  });
});

test('names of files and directories', () => {
  expect(offsetName(42)).toBe('00000000000000000042');
  expect(offsetOf('00000000000000000042.log.deleted')).toBe(42);
  expect(offsetOf('leader-epoch-checkpoint')).toBeNull();
  const name = deletedDirectoryName(realRandom, 'x'.repeat(249), 10);
  expect(name).toHaveLength(255);
  expect(directoryPurpose(name)).toBe('delete');
  expect(directoryPurpose('t-0.0123-future')).toBe('future');
  expect(directoryPurpose('t-0')).toBeNull();
});

test('topic settings go over the defaults', () => {
  const config = logConfigOf(
    defaultLogConfig,
    new Map([
      ['segment.bytes', '100'],
      ['retention.ms', '9223372036854775807'],
      ['cleanup.policy', 'compact'],
      ['compression.type', 'gzip'],
      ['preallocate', 'true'],
      ['message.downconversion.enable', 'false'],
      ['message.timestamp.type', 'LogAppendTime'],
      ['message.timestamp.difference.max.ms', '5'],
      ['message.timestamp.after.max.ms', '6'],
      ['min.insync.replicas', '2'],
    ]),
  );
  expect(config).toMatchObject({
    segmentBytes: 100,
    retentionMs: Number.MAX_SAFE_INTEGER,
    cleanupCompact: true,
    cleanupDelete: false,
    compressionType: 'gzip',
    preallocate: true,
    messageDownconversionEnable: false,
    messageTimestampType: 'LogAppendTime',
    messageTimestampBeforeMaxMs: 5,
    messageTimestampAfterMaxMs: 6,
    indexIntervalBytes: 4096,
  });
});

test('meta.properties: what Java writes is read, what does not fit is told', () => {
  const meta = decodeMetaProperties(
    '#\n#Sun Nov 22\nbroker.id=1\nversion=0\ncluster.id=ab\\=c\ndirectory.id=D1\n',
  );
  expect(meta).toEqual({ brokerId: 1, clusterId: 'ab=c', directoryId: 'D1' });
  expect(() => decodeMetaProperties('broker.id=x')).toThrow('not a number');
  const found = new Map([
    ['/a', meta],
    ['/b', { ...meta, directoryId: 'D2' }],
  ]);
  expect(misfit(found, { brokerId: 1, clusterId: null })).toBeNull();
  expect(misfit(found, { brokerId: 2, clusterId: null })).toContain('broker 1');
  expect(misfit(found, { brokerId: null, clusterId: 'z' })).toContain('cluster ab=c');
  expect(misfit(new Map([...found, ['/c', meta]]), { brokerId: null, clusterId: null })).toContain(
    'directory id',
  );
});

test.each([
  '',
  'version: 0\n',
  'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA',
  'version 0',
  'a: b: c',
])('partition.metadata %j is refused', (text) => {
  expect(() => decodePartitionMetadata(text)).toThrow();
});
