import { DecodeError, EncodeError, Reader } from '../../protocol/bytes.ts';
import { Writer } from '../../protocol/writer.ts';

const written = (write: (writer: Writer) => void): string => {
  const writer = new Writer();
  write(writer);
  return Buffer.concat(writer.finish()).toString('hex');
};
const reader = (hex: string): Reader => new Reader(Buffer.from(hex, 'hex'));

describe('integers', () => {
  test.each([
    [0, '0000000000000000'],
    [-1, 'ffffffffffffffff'],
    [2 ** 31, '0000000080000000'],
    [-(2 ** 31) - 1, 'ffffffff7fffffff'],
    [-(2 ** 32), 'ffffffff00000000'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
  ])('int64 %d is written and read', (value, hex) => {
    expect(written((writer) => writer.int64(value))).toBe(hex);
    expect(reader(hex).int64()).toBe(value);
    expect(reader(hex).timestamp()).toBe(value);
  });

  test.each(['0020000000000000', '7fffffffffffffff', '8000000000000000', 'ffe0000000000000'])(
    'int64 %s is refused, as a timestamp it stops at the limit',
    (hex) => {
      expect(() => reader(hex).int64()).toThrow(DecodeError);
      const limit = hex < '8' ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
      expect(reader(hex).timestamp()).toBe(limit);
      expect(reader(hex).int64Big()).toBe(BigInt.asIntN(64, BigInt(`0x${hex}`)));
    },
  );

  test('values that do not fit are refused', () => {
    const writer = new Writer();
    expect(() => writer.int8(128)).toThrow(EncodeError);
    expect(() => writer.int16(-32769)).toThrow(EncodeError);
    expect(() => writer.uint16(-1)).toThrow(EncodeError);
    expect(() => writer.int32(2 ** 31)).toThrow(EncodeError);
    expect(() => writer.int32(Number.NaN)).toThrow(EncodeError);
    expect(() => writer.int32(1.5)).toThrow(EncodeError);
    expect(() => writer.int64(2 ** 53)).toThrow(EncodeError);
    expect(() => writer.int64Big(2n ** 63n)).toThrow(EncodeError);
    expect(() => writer.uuid('short')).toThrow(EncodeError);
    expect(() => writer.uuid('!'.repeat(22))).toThrow(EncodeError);
    expect(() => writer.string('x'.repeat(32768))).toThrow(EncodeError);
    expect(() => writer.string('ä'.repeat(16384))).toThrow(EncodeError);
  });

  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [0x7fffffff, 'ffffffff07'],
    [0xffffffff, 'ffffffff0f'],
  ])('varint %d is written and read', (value, hex) => {
    expect(written((writer) => writer.uvarint(value))).toBe(hex);
    expect(reader(hex).uvarint()).toBe(value);
  });

  test('a varint ends within five bytes', () => {
    expect(() => reader('8080808080').uvarint()).toThrow(DecodeError);
    expect(() => reader('8080').uvarint()).toThrow(DecodeError);
    expect(reader('8080808000').uvarint()).toBe(0);
  });

  test('any byte but zero is true', () => {
    expect(reader('02').bool()).toBe(true);
    expect(reader('00').bool()).toBe(false);
  });

  test('doubles keep their bits', () => {
    expect(written((writer) => writer.float64(0.1))).toBe('3fb999999999999a');
    expect(reader('3fb999999999999a').float64()).toBe(0.1);
  });
});

describe('strings and bytes', () => {
  test.each(['', 'orders', '日志', `${'x'.repeat(47)}ä`, 'é'.repeat(48), 'y'.repeat(32767)])(
    'a string is the same in both forms',
    (text) => {
      const old = reader(written((writer) => writer.string(text)));
      expect(old.string(old.length16())).toBe(text);
      expect(old.remaining).toBe(0);
      const compact = reader(written((writer) => writer.compactString(text)));
      expect(compact.string(compact.compactLength())).toBe(text);
      expect(compact.remaining).toBe(0);
    },
  );

  test('invalid UTF-8 is replaced', () => {
    expect(reader('ff41').string(2)).toBe('\ufffdA');
  });

  test('lengths that cannot be are refused', () => {
    expect(() => reader('').string(-1)).toThrow(DecodeError);
    expect(() => reader('').bytes(-1)).toThrow(DecodeError);
    expect(() => reader('').count(-1)).toThrow(DecodeError);
    expect(() => reader('4141').string(3)).toThrow(DecodeError);
    expect(() => reader('4141').bytes(2 ** 31)).toThrow(DecodeError);
    expect(() => new Reader(Buffer.alloc(40000)).string(32768)).toThrow(DecodeError);
  });

  test('an array has no more elements than bytes are left, and all together have a limit', () => {
    expect(() => reader('0000').count(3)).toThrow(DecodeError);
    const large = new Reader(Buffer.alloc(3_000_000));
    large.count(3_000_000);
    expect(() => large.count(3_000_000)).toThrow(DecodeError);
  });

  test('bytes are read as a view', () => {
    const buffer = Buffer.from('0102030405', 'hex');
    const view = new Reader(buffer, 1).bytes(2);
    buffer[1] = 9;
    expect(view.toString('hex')).toBe('0903');
  });

  test('a uuid is 22 characters', () => {
    const hex = '000102030405060708090a0b0c0d0eff';
    expect(reader(hex).uuid()).toBe('AAECAwQFBgcICQoLDA0O_w');
    expect(written((writer) => writer.uuid('AAECAwQFBgcICQoLDA0O_w'))).toBe(hex);
  });
});

describe('the writer', () => {
  test('passes large bytes on without a copy and small ones inside a piece', () => {
    const large = Buffer.alloc(1024, 1);
    const small = Buffer.alloc(1023, 2);
    const writer = new Writer(4096);
    writer.int32(1);
    writer.bytes(large);
    writer.bytes(small);
    writer.records([large, small]);
    expect(writer.sizeBytes).toBe(4 + 2 * 2047);
    const pieces = writer.finish();
    expect(pieces.map(({ length }) => length)).toEqual([4, 1024, 1023, 1024, 1023]);
    expect(pieces[1]).toBe(large);
    expect(pieces[3]).toBe(large);
  });

  test('grows by pieces and keeps the order', () => {
    const writer = new Writer(8);
    let expected = '';
    for (let value = 0; value < 10_000; value += 1) {
      writer.int16(value);
      expected += value.toString(16).padStart(4, '0');
    }
    expect(writer.sizeBytes).toBe(20_000);
    expect(Buffer.concat(writer.finish()).toString('hex')).toBe(expected);
  });

  test('writes every type across the end of a piece', () => {
    const write = (writer: Writer): void => {
      writer.bool(true);
      writer.int16(-2);
      writer.uint16(65_535);
      writer.int32(-3);
      writer.int64(-4);
      writer.timestamp(5);
      writer.int64Big(-6n);
      writer.float64(7.5);
      writer.uuid('AAECAwQFBgcICQoLDA0O_w');
      writer.uvarint(300);
      writer.string('text');
      writer.compactString('日志');
      writer.bytes(Buffer.from('some bytes'));
    };
    const whole = written(write);
    for (let pieceBytes = 1; pieceBytes < whole.length / 2; pieceBytes += 1) {
      const writer = new Writer(pieceBytes);
      write(writer);
      expect(Buffer.concat(writer.finish()).toString('hex')).toBe(whole);
    }
  });

  test('takes a size in front at the end', () => {
    const writer = new Writer();
    writer.int32(0);
    writer.bytes(Buffer.alloc(5000, 7));
    const pieces = writer.finish();
    writer.patchFirstInt32(5000);
    expect(Buffer.concat(pieces).readInt32BE(0)).toBe(5000);
  });
});
