import { decodeString } from '../../protocol/known-strings.ts';

const decode = (bytes: Buffer): string =>
  decodeString(Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>')]), 1, bytes.length + 1);

test.each([
  '',
  'a',
  'orders',
  'x'.repeat(64),
  'x'.repeat(65),
  'y'.repeat(30_000),
  'caf\u00e9',
  '\u65e5\u672c',
  '\u{1f600}',
  '\0',
])('%j is the same the first time and later', (text) => {
  for (let round = 0; round < 3; round++) expect(decode(Buffer.from(text))).toBe(text);
});

test('many strings do not get mixed up', () => {
  const texts = Array.from({ length: 5000 }, (_, index) => `topic-${index * 7}`);
  for (let round = 0; round < 2; round++) {
    for (const text of texts) expect(decode(Buffer.from(text))).toBe(text);
  }
});

test('bytes that are no UTF-8 are replaced, also where they spell the characters of a known string', () => {
  const wrong: string[] = [];
  // So many that both forms of some have the same hash.
  for (let index = 0; index < 20_000; index++) {
    const codes = [3, 7, 11].map((bits) => 0x80 + ((Math.imul(index, 0x9e3779b1) >>> bits) % 128));
    const text = String.fromCharCode(...codes);
    if (decode(Buffer.from(text)) !== text) wrong.push(text);
    if (decode(Buffer.from(text, 'latin1')) === text) wrong.push(`${text} in latin1`);
  }
  expect(wrong).toEqual([]);
});
