import { DecodeError, EncodeError } from '../../protocol/bytes.ts';
import { decode, encode, encodeToBuffer } from '../../protocol/compile.ts';
import { fetchRequest, fetchResponse } from '../../protocol/messages/fetch.ts';
import { produceRequest } from '../../protocol/messages/produce.ts';
import {
  array,
  bytes,
  int8,
  int32,
  int64Big,
  message,
  string,
  struct,
  timestamp,
} from '../../protocol/schema.ts';

const hexOf = (buffer: Buffer): string => buffer.toString('hex');
const fromHex = (hex: string): Buffer => Buffer.from(hex, 'hex');

const sample = message(
  'Sample',
  { versions: '0-2', flexible: '1+' },
  {
    id: int32('0+'),
    name: string('0+', { nullable: '1+', default: 'none' }),
    kept: int8('1+', { default: 5 }),
    dropped: int8('1+', { ignorable: true }),
    late: string('2+', { nullable: '2+', default: null, tag: 3 }),
    epoch: int64Big('1+', { default: -1n, tag: 1 }),
    place: struct('1+', { x: int32('1+', { default: 7 }), deep: array('1+', 'int8') }, { tag: 0 }),
    maybe: struct('2+', { y: int8('2+') }, { nullable: '2+', default: null }),
    until: timestamp('2+'),
    blob: bytes('2+', { tag: 2 }),
  },
);

describe('defaults', () => {
  test('stand in decoded values for what the version lacks', () => {
    expect(decode(sample, 0, fromHex('00000001000161'))).toEqual({
      id: 1,
      name: 'a',
      kept: 5,
      dropped: 0,
      late: null,
      epoch: -1n,
      place: { x: 7, deep: [] },
      maybe: null,
      until: 0,
      blob: Buffer.alloc(0),
    });
  });

  test('are written for what is left out', () => {
    expect(hexOf(encodeToBuffer(sample, 0, { id: 1 }))).toBe('0000000100046e6f6e65');
    expect(hexOf(encodeToBuffer(sample, 1, { id: 1 }))).toBe('00000001056e6f6e65050000');
  });

  test('that are given are allowed in a version without the field', () => {
    const value = { id: 1, kept: 5, epoch: -1n, place: { x: 7, deep: [] }, blob: Buffer.alloc(0) };
    expect(encodeToBuffer(sample, 0, value)).toEqual(encodeToBuffer(sample, 0, { id: 1 }));
  });

  test('of decoded values are never shared', () => {
    const first = decode(sample, 0, fromHex('00000001000161'));
    const second = decode(sample, 0, fromHex('00000001000161'));
    expect(first.place).not.toBe(second.place);
    expect(first.place.deep).not.toBe(second.place.deep);
  });
});

describe('a version without the field', () => {
  test.each([
    ['kept', { kept: 4 }],
    ['late', { late: '' }],
    ['epoch', { epoch: 0n }],
    ['place', { place: { x: 8, deep: [] } }],
    ['place', { place: { deep: [1] } }],
    ['maybe', { maybe: { y: 0 } }],
    ['until', { until: 1 }],
    ['blob', { blob: Buffer.from('x') }],
  ])('takes no other value of %s', (name, extra) => {
    const attempt = () => encode(sample, 0, { id: 1, ...extra });
    expect(attempt).toThrow(EncodeError);
    expect(attempt).toThrow(`Sample.${name}`);
  });

  test('drops an ignorable value', () => {
    expect(() => encode(sample, 0, { id: 1, dropped: 9 })).not.toThrow();
  });

  test('names nested fields by their path', () => {
    const topics = [
      {
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1, lastFetchedEpoch: 3 }],
      },
    ];
    expect(() => encode(fetchRequest, 11, { maxWaitMs: 0, minBytes: 0, topics })).toThrow(
      'FetchRequest.topics[].partitions[].lastFetchedEpoch',
    );
  });

  test('is refused as a whole where the message lacks it', () => {
    expect(() => encode(sample, 3, { id: 1 })).toThrow(EncodeError);
    expect(() => decode(sample, -1, Buffer.alloc(9))).toThrow(DecodeError);
  });
});

describe('null', () => {
  test('is written where the version allows it', () => {
    expect(hexOf(encodeToBuffer(sample, 1, { id: 1, name: null }))).toBe('0000000100050000');
    expect(decode(sample, 1, fromHex('0000000100050000')).name).toBeNull();
  });

  test('is refused where it does not', () => {
    expect(() => encode(sample, 0, { id: 1, name: null })).toThrow('Sample.name');
    expect(() => decode(sample, 0, fromHex('00000001ffff'))).toThrow(DecodeError);
  });

  test('structs have a marker byte', () => {
    const value = { id: 1, name: null, maybe: { y: 9 } };
    const hex = '00000001000500010900000000000000000000';
    expect(hexOf(encodeToBuffer(sample, 2, value))).toBe(hex);
    expect(decode(sample, 2, fromHex(hex)).maybe).toEqual({ y: 9 });
  });
});

describe('tagged fields', () => {
  const head = '00000001000500';

  test('are written in ascending order, those at their default not at all', () => {
    const value = { id: 1, name: null, epoch: 2n, place: { x: 8, deep: [1] } };
    const hex = `${head}0200070000000802010001080000000000000002`;
    expect(hexOf(encodeToBuffer(sample, 1, value))).toBe(hex);
    expect(decode(sample, 1, fromHex(hex))).toMatchObject(value);
  });

  test('that are unknown are skipped', () => {
    const hex = `${head}0201080000000000000002630401020304`;
    expect(decode(sample, 1, fromHex(hex)).epoch).toBe(2n);
  });

  test('of a later version are refused', () => {
    expect(() => decode(sample, 1, fromHex(`${head}01030161`))).toThrow(DecodeError);
  });

  test('longer than their count of bytes are refused', () => {
    expect(() => decode(sample, 1, fromHex(`${head}01630501020304`))).toThrow(DecodeError);
    expect(() => decode(sample, 1, fromHex(`${head}0163ffffffff0f`))).toThrow(DecodeError);
  });

  test('may be larger than one piece', () => {
    const blob = Buffer.alloc(100_000, 3);
    const value = { id: 1, maybe: null, until: 0, blob };
    expect(decode(sample, 2, encodeToBuffer(sample, 2, value)).blob.equals(blob)).toBe(true);
  });
});

describe('bodies', () => {
  test('are decoded from a position on, bytes after them are not looked at', () => {
    const buffer = fromHex('ffff00000001000161eeee');
    expect(decode(sample, 0, buffer, 2)).toMatchObject({ id: 1, name: 'a' });
  });

  test('have records as views when read and as given when written', () => {
    const batches = [Buffer.alloc(2000, 1), Buffer.alloc(3000, 2)];
    const pieces = encode(fetchResponse, 17, {
      responses: [
        {
          topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 0,
              highWatermark: 1,
              abortedTransactions: null,
              records: batches,
            },
          ],
        },
      ],
    });
    expect(pieces).toContain(batches[0]);
    expect(pieces).toContain(batches[1]);
    const frame = Buffer.concat(pieces);
    const records = decode(fetchResponse, 17, frame).responses[0]?.partitions[0]?.records;
    expect(records?.equals(Buffer.concat(batches))).toBe(true);
    expect(records?.buffer).toBe(frame.buffer);
  });

  test('of all versions have values of one shape', () => {
    const value = { acks: 1, timeoutMs: 2, topicData: [] };
    const keys = [0, 3, 11].map((version) =>
      Object.keys(decode(produceRequest, version, encodeToBuffer(produceRequest, version, value))),
    );
    expect(new Set(keys.map(String)).size).toBe(1);
  });
});
