import { gzipSync } from 'node:zlib';
import { xxhash32 } from '../../protocol/codecs/xxhash32.ts';
import { CompressionError, codecs, compress, decompress } from '../../protocol/compression.ts';
import { buildBatch, RecordBatch } from '../../protocol/record-batch.ts';

const packed = codecs.filter((codec) => codec !== 'none');
const r1 = Buffer.from('10000000026b027600', 'hex');

const reasonOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof CompressionError) return error.reason;
    throw error;
  }
  return 'none';
};

const noise = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  let state = 7;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[index] = state >>> 16;
  }
  return bytes;
};

/** What Java clients produced for the record r1. */
const vectors = {
  snappy: '82534e415050590000000001000000010000000b092010000000026b027600',
  lz4: '04224d186040820900008010000000026b02760000000000',
  gzip: '1f8b08000000000000ff1360606060ca662a630000a37fcfa609000000',
  zstd: '28b52ffd005848000010000000026b027600010000',
};

describe.each(packed)('%s', (codec) => {
  const texts = {
    nothing: Buffer.alloc(0),
    'one byte': Buffer.from('x'),
    text: Buffer.from('the quick brown fox jumps over the lazy dog '.repeat(5000)),
    noise: noise(200_000),
    'exactly two blocks': noise(131_072),
  };

  test.each(Object.entries(texts))('gives back %s', (_name, bytes) => {
    const small = compress(codec, bytes);
    expect(decompress(codec, small, bytes.length).equals(bytes)).toBe(true);
  });

  test('reads what Java wrote', () => {
    const bytes = Buffer.from(vectors[codec as keyof typeof vectors], 'hex');
    expect(decompress(codec, bytes, 100)).toEqual(r1);
  });

  test('stops at the limit', () => {
    const bomb = compress(codec, Buffer.alloc(3_000_000));
    expect(bomb.length).toBeLessThan(200_000);
    expect(reasonOf(() => decompress(codec, bomb, 2_999_999))).toBe('tooLarge');
    expect(decompress(codec, bomb, 3_000_000)).toHaveLength(3_000_000);
  });

  test('refuses a stream that is cut short', () => {
    const bytes = compress(codec, texts.noise);
    for (const length of [1, 5, 9, 20, 100, 70_000, bytes.length - 1]) {
      expect(reasonOf(() => decompress(codec, bytes.subarray(0, length), 1e6))).toBe('corrupt');
    }
  });

  test('throws nothing but CompressionError at damaged bytes', () => {
    const bytes = compress(codec, texts.text.subarray(0, 2000));
    for (let position = 0; position < bytes.length; position++) {
      const damaged = Buffer.from(bytes);
      damaged[position] = (damaged[position] as number) ^ (1 << (position % 8));
      expect(() => reasonOf(() => decompress(codec, damaged, 10_000))).not.toThrow();
    }
  });
});

test('gzip takes a level and reads several members', () => {
  const text = Buffer.from('abcdefgh'.repeat(10_000));
  expect(compress('gzip', text, 9).length).toBeLessThan(compress('gzip', text, 1).length);
  const two = Buffer.concat([gzipSync('one '), gzipSync('two')]);
  expect(decompress('gzip', two, 100).toString()).toBe('one two');
});

test('zstd takes a level and reads several frames', () => {
  const text = Buffer.from('abcdefgh'.repeat(100).concat(noise(500).toString('hex')).repeat(9));
  expect(compress('zstd', text, 19).length).toBeLessThan(compress('zstd', text, -50).length);
  const two = Buffer.concat([compress('zstd', text), compress('zstd', text)]);
  expect(decompress('zstd', two, 1e6)).toEqual(Buffer.concat([text, text]));
});

describe('snappy', () => {
  const framed = compress('snappy', r1);

  test('reads a bare block as librdkafka may send it', () => {
    expect(decompress('snappy', framed.subarray(20), 100)).toEqual(r1);
  });

  test('reads streams one after the other', () => {
    const two = Buffer.concat([framed, framed]);
    expect(decompress('snappy', two, 100)).toEqual(Buffer.concat([r1, r1]));
  });

  test('believes no claim of a huge block', () => {
    const huge = Buffer.concat([framed.subarray(0, 20), Buffer.from('ffffffff0f00', 'hex')]);
    huge.writeInt32BE(6, 16);
    expect(reasonOf(() => decompress('snappy', huge, 1e6))).toBe('tooLarge');
  });
});

describe('lz4', () => {
  test('writes the frame that Kafka writes', () => {
    expect(compress('lz4', r1).toString('hex')).toBe(vectors.lz4);
  });

  const frame = (descriptor: string, rest: string): Buffer => {
    const bytes = Buffer.from(descriptor, 'hex');
    const check = Buffer.from([(xxhash32(bytes) >>> 8) & 0xff]);
    return Buffer.concat([Buffer.from('04224d18', 'hex'), bytes, check, Buffer.from(rest, 'hex')]);
  };
  const block = `09000080${r1.toString('hex')}`;

  test('reads larger blocks, a content size and block checksums', () => {
    expect(decompress('lz4', frame('6070', `${block}00000000`), 100)).toEqual(r1);
    expect(decompress('lz4', frame('68400900000000000000', `${block}00000000`), 100)).toEqual(r1);
    const hash = Buffer.alloc(4);
    hash.writeUInt32LE(xxhash32(r1));
    const checked = `${block}${hash.toString('hex')}00000000`;
    expect(decompress('lz4', frame('7040', checked), 100)).toEqual(r1);
    const wrong = `${block}0000000000000000`;
    expect(reasonOf(() => decompress('lz4', frame('7040', wrong), 100))).toBe('corrupt');
  });

  test('ignores what follows the end mark', () => {
    expect(decompress('lz4', frame('6040', `${block}00000000abcdef`), 100)).toEqual(r1);
  });

  test('refuses linked blocks, other versions, reserved bits and a wrong header checksum', () => {
    for (const descriptor of ['4040', 'a040', '6140', '6030', '60c0', '6041']) {
      expect(reasonOf(() => decompress('lz4', frame(descriptor, '00000000'), 100))).toBe('corrupt');
    }
    const wrong = frame('6040', '00000000');
    wrong[6] = 0x1a;
    expect(reasonOf(() => decompress('lz4', wrong, 100))).toBe('corrupt');
  });

  test('hashes as xxHash32 does', () => {
    expect(xxhash32(Buffer.alloc(0))).toBe(0x02cc5d05);
    expect(xxhash32(Buffer.from('abc'))).toBe(0x32d153ff);
    expect(xxhash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
  });
});

test('a batch with an unknown codec is refused', () => {
  const bytes = buildBatch({ records: [{ key: null, value: null }] });
  bytes.writeInt16BE(5, 21);
  expect(() => [...new RecordBatch(bytes, 0).records()]).toThrow(/codec/);
});
