import { javaHash } from '../../protocol/java-hash.ts';
import { hashMapOrder, logLine } from '../../tools/output.ts';

test("hashes text as Java's String does", () => {
  expect(javaHash('')).toBe(0);
  expect(javaHash('hello')).toBe(99_162_322);
  expect(javaHash('a rather long text, to overflow')).toBe(
    [...'a rather long text, to overflow'].reduce(
      (hash, letter) => (Math.imul(31, hash) + letter.charCodeAt(0)) | 0,
      0,
    ),
  );
});

test("lists items as Java's hash map does", () => {
  const names = ['cleanup.policy', 'max.message.bytes', 'retention.ms'];
  const padded = [...names, ...Array.from({ length: 30 }, (_, index) => `filler-${index}`)];
  const order = hashMapOrder(padded, (name) => name).filter((name) => names.includes(name));
  expect(order).toEqual(['cleanup.policy', 'retention.ms', 'max.message.bytes']);
});

test('writes a log line in the form of the tools', () => {
  expect(logLine(0, 'WARN', 'text', 'a.B')).toMatch(
    /^\[19\d\d-\d\d-\d\d \d\d:\d\d:00,000\] WARN text \(a\.B\)\n$/,
  );
});
