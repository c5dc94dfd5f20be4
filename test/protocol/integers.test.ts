import {
  readInt8,
  readInt16,
  readInt32,
  readInt64,
  readUint32,
  writeInt16,
  writeInt32,
  writeInt64,
} from '../../protocol/integers.ts';

const bytes = Buffer.alloc(20, 0xaa);
const int16s = [0, 1, -1, 255, 256, 0x7fff, -0x8000];
const int32s = [...int16s, 65536, 0x7fffffff, -0x80000000, 0x01020304, -0x01020304];
const int64s = [
  ...int32s,
  2 ** 32,
  -(2 ** 32),
  2 ** 32 - 1,
  -(2 ** 32) - 1,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
];

test.each([0, 1, 5])('what is written at %d is read there, by us and by Buffer', (at) => {
  for (const value of [0, 1, -1, 127, -128]) {
    bytes.writeInt8(value, at);
    expect(readInt8(bytes, at)).toBe(value);
  }
  for (const value of int16s) {
    writeInt16(bytes, at, value);
    expect([readInt16(bytes, at), bytes.readInt16BE(at)]).toEqual([value, value]);
  }
  for (const value of int32s) {
    writeInt32(bytes, at, value);
    expect([readInt32(bytes, at), bytes.readInt32BE(at)]).toEqual([value, value]);
    expect(readUint32(bytes, at)).toBe(value >>> 0);
  }
  for (const value of int64s) {
    writeInt64(bytes, at, value);
    expect(readInt64(bytes, at)).toBe(value);
    expect(bytes.readBigInt64BE(at)).toBe(BigInt(value));
  }
});

test('writing touches no byte beside', () => {
  const room = Buffer.alloc(10, 0xaa);
  writeInt64(room, 1, -2);
  writeInt32(room, 3, 7);
  writeInt16(room, 5, 9);
  expect(room.toString('hex')).toBe('aaffff00000009fffeaa');
});
