import { crc32, crc32c, crc32cByTable } from '../../protocol/checksum.ts';

/** Bytes that follow no pattern, the same in every run. */
const noise = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[index] = state >>> 16;
  }
  return bytes;
};

describe('crc32c', () => {
  test('gives the check value of the Castagnoli polynomial', () => {
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32), 0, 32)).toBe(0x8a9136aa);
  });

  test('by table and native agree at every size and alignment', () => {
    const bytes = noise(5000);
    for (let size = 0; size < 600; size += 7) {
      for (const start of [0, 1, 5]) {
        expect(crc32c(bytes, start, start + size)).toBe(
          crc32cByTable(bytes, start, start + size, 0),
        );
      }
    }
    expect(crc32c(bytes, 21, 5000)).toBe(crc32cByTable(bytes, 21, 5000, 0));
  });

  test('continues from a seed', () => {
    const bytes = noise(3000);
    const whole = crc32c(bytes, 0, 3000);
    expect(crc32c(bytes, 100, 3000, crc32c(bytes, 0, 100))).toBe(whole);
    expect(crc32c(bytes, 2900, 3000, crc32c(bytes, 0, 2900))).toBe(whole);
  });

  test('of nothing is 0', () => expect(crc32c(Buffer.alloc(4), 2, 2)).toBe(0));
});

test('crc32 gives the check value of the IEEE polynomial', () => {
  expect(crc32(Buffer.from('-123456789-'), 1, 10)).toBe(0xcbf43926);
});
