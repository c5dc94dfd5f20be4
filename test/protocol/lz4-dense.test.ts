import { compress, decompress } from '../../protocol/compression.ts';

/** Bytes that look random and are the same in every run. */
const noise = (length: number, values = 256): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = (state >>> 16) % values;
  }
  return bytes;
};

const json = Buffer.from(
  Array.from({ length: 3000 }, (_, i) =>
    JSON.stringify({ id: i * 7919, even: i % 2 === 0 }),
  ).join(),
);

const samples: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ...[1, 4, 12, 13, 16, 17].map(
    (length) => [`${length} equal bytes`, Buffer.alloc(length)] as const,
  ),
  ['many equal bytes', Buffer.alloc(200_000)],
  ['noise', noise(70_000)],
  ['noise of two values', noise(70_000, 2)],
  ['a long run of literals before a match', Buffer.concat([noise(300), noise(300)])],
  ['records as JSON', json],
];

test.each(samples)('%s comes back at every level', (_, raw) => {
  for (const level of [1, 2, 6, 9, 12, 17])
    expect(decompress('lz4', compress('lz4', raw, level), raw.length).equals(raw)).toBe(true);
});

test('a higher level makes records smaller', () => {
  const sizes = [1, 4, 12].map((level) => compress('lz4', json, level).length);
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  expect(new Set(sizes).size).toBe(3);
  expect(sizes.at(-1)).toBeLessThan(compress('lz4', json).length);
});

test('the default level is the fast coder, as in Kafka', () => {
  expect(compress('lz4', json, 9)).toEqual(compress('lz4', json));
});
