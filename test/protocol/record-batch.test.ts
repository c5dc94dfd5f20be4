import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { batches, batchSizeAt } from '../../protocol/batches.ts';
import { codecs } from '../../protocol/compression.ts';
import {
  buildEndTransactionMarker,
  endTransactionMarkerOf,
} from '../../protocol/control-record.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { InvalidRecordError, incrementSequence } from '../../protocol/record.ts';
import { type BatchOptions, buildBatch, RecordBatch } from '../../protocol/record-batch.ts';

const fixtures = join(__dirname, '../fixtures/records');

const three: BatchOptions['records'] = [
  { timestamp: 1000, key: Buffer.from('k'), value: Buffer.from('v') },
  {
    timestamp: 1003,
    key: null,
    value: Buffer.from('vv'),
    headers: [
      { key: 'h', value: Buffer.from('x') },
      { key: 'n', value: null },
    ],
  },
  { timestamp: 999, key: Buffer.from('k'), value: null },
];
const one = three.slice(0, 1);

const plain =
  '00000000000000000000003affffffff02716a618900000000000000000000000003e800000000000003e8' +
  'ffffffffffffffffffffffffffff0000000110000000026b027600';
const transactional =
  '0000000000000064000000520000000902157b108100100000000200000000000003e800000000000003eb' +
  '00000000000000070003000000050000000310000000026b0276001e000602010476760402680278026e010e' +
  '000104026b0100';
const appendTime =
  '00000000000000000000003affffffff02c730ba5a00080000000000000000000003e80000000000001388' +
  'ffffffffffffffffffffffffffff0000000110000000026b027600';
const horizon =
  '0000000000000064000000480000000902d6bfd91c0040000000020000000005266f8800000000000003e8' +
  '0000000000000007000300000005000000021600bfaeb3520002610276001400c1aeb35204026b0100';
const empty =
  '00000000000000640000003100000009026d9afba4001000000002ffffffffffffffff00000000000003eb' +
  '000000000000000700030000000500000000';
const commit =
  '0000000000000067000000420000000902603c2aa800300000000000000000000007d000000000000007d0' +
  '00000000000000070003ffffffff000000012000000008000000010c00000000000400';

const batchOf = (hex: string): RecordBatch => new RecordBatch(Buffer.from(hex, 'hex'), 0);

const codeOf = (action: () => unknown): number | undefined => {
  try {
    action();
  } catch (error) {
    return (error as { code?: number }).code;
  }
  return undefined;
};

describe('building', () => {
  test('gives the bytes Kafka gives', () => {
    expect(buildBatch({ records: one }).toString('hex')).toBe(plain);
    const built = buildBatch({
      records: three,
      baseOffset: 100,
      partitionLeaderEpoch: 9,
      producerId: 7,
      producerEpoch: 3,
      baseSequence: 5,
      isTransactional: true,
    });
    expect(built.toString('hex')).toBe(transactional);
  });

  test.each(codecs)('with %s reads back', (compression) => {
    const records = Array.from({ length: 500 }, (_, index) => ({
      key: Buffer.from(`key ${index % 7}`),
      value: Buffer.alloc(300, `value ${index} `),
      timestamp: 1_700_000_000_000 + index,
      headers: [{ key: 'schlüssel', value: Buffer.from([index & 255]) }],
    }));
    const bytes = buildBatch({ records, compression, baseOffset: 7 });
    const [batch] = batches(bytes);
    expect(batch?.compression).toBe(compression);
    expect(batch?.isCrcValid()).toBe(true);
    expect(batch?.nextOffset).toBe(507);
    const found = [...(batch?.records() ?? [])];
    expect(found.map(({ offset, sequence, ...record }) => record)).toEqual(records);
    expect(found.at(-1)).toMatchObject({ offset: 506, sequence: -1 });
  });

  test('takes timestamps that lie far apart', () => {
    const times = [2 ** 51, 0, 1_700_000_000_000, -1, 5];
    const records = times.map((timestamp) => ({ key: null, value: null, timestamp }));
    const batch = new RecordBatch(buildBatch({ records }), 0);
    expect([...batch.records()].map((record) => record.timestamp)).toEqual(times);
    expect(batch.maxTimestamp).toBe(2 ** 51);
  });
});

describe('a view', () => {
  test('tells what the header says', () => {
    expect(batchOf(transactional)).toMatchObject({
      baseOffset: 100,
      sizeBytes: 94,
      partitionLeaderEpoch: 9,
      magic: 2,
      crc: 0x157b1081,
      compression: 'none',
      timestampType: 'createTime',
      isTransactional: true,
      isControl: false,
      hasDeleteHorizon: false,
      lastOffset: 102,
      nextOffset: 103,
      baseTimestamp: 1000,
      maxTimestamp: 1003,
      producerId: 7,
      producerEpoch: 3,
      baseSequence: 5,
      lastSequence: 7,
      recordCount: 3,
    });
  });

  test('reads records', () => {
    const found = [...batchOf(transactional).records()];
    expect(found).toEqual(
      three.map((record, index) => ({
        headers: [],
        ...record,
        offset: 100 + index,
        sequence: 5 + index,
      })),
    );
  });

  test('reads records behind a delete horizon, whose deltas are negative and leave gaps', () => {
    const batch = batchOf(horizon);
    expect(batch.hasDeleteHorizon).toBe(true);
    expect([...batch.records()]).toMatchObject([
      { offset: 100, timestamp: 1000 },
      { offset: 102, timestamp: 999, value: null },
    ]);
  });

  test('reads an emptied batch', () => {
    const batch = batchOf(empty);
    expect(batch.isCrcValid()).toBe(true);
    expect(batch.lastOffset).toBe(102);
    expect([...batch.records()]).toEqual([]);
  });

  test('restamps offset and leader epoch without touching the checksum', () => {
    const batch = batchOf(plain);
    batch.setBaseOffset(2 ** 40 + 3);
    batch.setPartitionLeaderEpoch(17);
    expect(batch).toMatchObject({ baseOffset: 2 ** 40 + 3, partitionLeaderEpoch: 17 });
    expect(batch.isCrcValid()).toBe(true);
  });

  test('renews the checksum with a changed timestamp', () => {
    const batch = batchOf(plain);
    batch.setMaxTimestamp('logAppendTime', 5000);
    expect(batch.bytes().toString('hex')).toBe(appendTime);
    expect([...batch.records()][0]?.timestamp).toBe(5000);
    batch.setMaxTimestamp('createTime', 1000);
    expect(batch.bytes().toString('hex')).toBe(plain);
  });

  test('notices any changed byte that the checksum covers', () => {
    for (let position = 17; position < plain.length / 2; position++) {
      const batch = batchOf(plain);
      batch.buffer[position] = (batch.buffer[position] as number) ^ 1;
      expect(batch.isCrcValid()).toBe(false);
    }
  });

  test('reads the header of old messages', () => {
    const old =
      '000000000000000500000018e4e321bc010000000000000003e8000000016b000000017600000000000000' +
      '06000000189ea6a687010000000000000003e9ffffffff000000027676';
    const found = [...batches(Buffer.from(old, 'hex'))];
    expect(found).toMatchObject([
      { magic: 1, baseOffset: 5, lastOffset: 5, maxTimestamp: 1000, producerId: -1 },
      { magic: 1, baseOffset: 6, nextOffset: 7, maxTimestamp: 1001, isControl: false },
    ]);
    expect(found.every((batch) => batch.isCrcValid())).toBe(true);
  });
});

describe('batches', () => {
  test('leaves out a partial batch at the end', () => {
    const bytes = Buffer.from(plain + transactional, 'hex');
    for (let length = 0; length <= bytes.length; length++) {
      const expected = length < 70 ? 0 : length < 164 ? 1 : 2;
      expect([...batches(bytes.subarray(0, length))]).toHaveLength(expected);
    }
    expect(batchSizeAt(bytes, 0)).toBe(70);
    expect(batchSizeAt(bytes, 70)).toBe(94);
    expect(batchSizeAt(bytes, bytes.length - 11)).toBe(-1);
  });

  test('refuses sizes and magics that cannot be', () => {
    const size = Buffer.from(plain, 'hex');
    size.writeInt32BE(13, 8);
    expect(codeOf(() => [...batches(size)])).toBe(errorCodes.CORRUPT_MESSAGE);
    size.writeInt32BE(48, 8);
    expect(codeOf(() => [...batches(size)])).toBe(errorCodes.CORRUPT_MESSAGE);
    const magic = Buffer.from(plain, 'hex');
    magic[16] = 3;
    expect(codeOf(() => [...batches(magic)])).toBe(errorCodes.CORRUPT_MESSAGE);
  });
});

describe('records that are broken', () => {
  test.each(Array.from({ length: 33 }, (_, index) => index))(
    'at byte %d give an InvalidRecordError or records, nothing else',
    (at) => {
      for (let value = 0; value < 256; value += 3) {
        const batch = batchOf(transactional);
        batch.buffer[61 + at] = value;
        try {
          expect([...batch.records()].length).toBeLessThanOrEqual(3);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidRecordError);
        }
      }
    },
  );

  test('in number or in length are noticed', () => {
    for (const count of [-1, 0, 2, 4, 2 ** 31 - 1]) {
      const batch = batchOf(transactional);
      batch.buffer.writeInt32BE(count, 57);
      expect(() => [...batch.records()]).toThrow(InvalidRecordError);
    }
  });
});

describe('control records', () => {
  test('are built as Kafka builds them', () => {
    const marker = buildEndTransactionMarker({
      producerId: 7,
      producerEpoch: 3,
      coordinatorEpoch: 4,
      isCommit: true,
      timestamp: 2000,
    });
    const batch = new RecordBatch(marker, 0);
    batch.setBaseOffset(103);
    batch.setPartitionLeaderEpoch(9);
    expect(marker.toString('hex')).toBe(commit);
    expect(endTransactionMarkerOf(batch)).toEqual({
      type: 'commit',
      coordinatorEpoch: 4,
      offset: 103,
      timestamp: 2000,
    });
  });

  test('are absent from a batch that compaction has emptied', () => {
    expect(endTransactionMarkerOf(batchOf(empty))).toBeNull();
  });
});

test('sequences wrap to 0', () => {
  expect(incrementSequence(2147483647, 1)).toBe(0);
  expect(incrementSequence(2147483646, 3)).toBe(1);
  expect(incrementSequence(5, 2)).toBe(7);
});

interface Expected {
  readonly [field: string]: unknown;
  readonly records: readonly {
    readonly offset: number;
    readonly timestamp: number;
    readonly key: string | null;
    readonly value: string | null;
    readonly headers?: readonly (readonly [string, string | null])[];
  }[];
}

const toBase64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null;

test.each(codecs)('batches Kafka wrote with %s hold what Kafka reads in them', (codec) => {
  const expected = JSON.parse(readFileSync(join(fixtures, 'codecs.json'), 'utf8')) as {
    [name: string]: readonly Expected[];
  };
  const found = [...batches(readFileSync(join(fixtures, `${codec}.log`)))];
  const described = found.map((batch) => ({
    position: batch.position,
    size: batch.sizeBytes,
    crc: batch.crc,
    codec: batch.compression,
    magic: batch.magic,
    timestampType: batch.timestampType === 'createTime' ? 'CreateTime' : 'LogAppendTime',
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    maxTimestamp: batch.maxTimestamp,
    baseTimestamp: batch.baseTimestamp,
    leaderEpoch: batch.partitionLeaderEpoch,
    count: batch.recordCount,
    producerId: batch.producerId,
    lastSequence: batch.lastSequence,
    records: [...batch.records()].map(({ offset, timestamp, key, value, headers }) => ({
      offset,
      timestamp,
      key: toBase64(key),
      value: toBase64(value),
      ...(headers.length > 0 && {
        headers: headers.map((header) => [header.key, toBase64(header.value)]),
      }),
    })),
  }));
  expect(described).toMatchObject(expected[codec] as readonly Expected[]);
  expect(found.every((batch) => batch.isCrcValid())).toBe(true);
});
