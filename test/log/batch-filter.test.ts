import { filterBatch } from '../../log/cleaner/batch-filter.ts';
import { OffsetMap } from '../../log/cleaner/offset-map.ts';
import { assembleBatch, buildBatch, RecordBatch } from '../../protocol/record-batch.ts';
import { filterOptions } from './cleaner-support.ts';

/** What is left where the first key has a successor further on. */
const filtered = (bytes: Buffer): RecordBatch => {
  const map = new OffsetMap({ bytesMax: 1e6, loadFactor: 0.9, entriesMax: 100 });
  map.put(Buffer.from('first'), 1000);
  map.latestOffset = 1000;
  const batch = new RecordBatch(bytes, 0);
  const job = filterBatch(batch, batch.recordBytes(), filterOptions(map));
  let step = job.next();
  while (!step.done) step = job.next();
  const left = step.value;
  if (left === null) throw new Error('nothing is left');
  return new RecordBatch('header' in left ? assembleBatch(left.header, left.records) : left, 0);
};

const KEY_BYTES = 100;
const header = { key: 'h'.repeat(KEY_BYTES), value: Buffer.from('of a header') };
const records = ['first', 'second', 'third'].map((key, index) => ({
  key: Buffer.from(key),
  value: Buffer.from(`value ${index}`),
  headers: [header, header],
  timestamp: 1000 + index * 10_000_000,
}));

test.each(['none', 'gzip'] as const)('records that stay keep all they have (%s)', (compression) => {
  const batch = filtered(buildBatch({ records, compression, baseOffset: 7 }));
  expect(batch.isCrcValid()).toBe(true);
  expect(batch).toMatchObject({ compression, baseOffset: 7, lastOffset: 9, recordCount: 2 });
  expect([...batch.records()]).toEqual(
    records.slice(1).map((record, index) => ({ ...record, offset: 8 + index, sequence: -1 })),
  );
});

test('keys of headers that are not UTF-8 leave room for what they become', () => {
  const bytes = buildBatch({ records });
  for (
    let at = bytes.indexOf('h'.repeat(KEY_BYTES));
    at >= 0;
    at = bytes.indexOf('h'.repeat(KEY_BYTES))
  )
    bytes.fill(0xff, at, at + KEY_BYTES);
  const whole = new RecordBatch(bytes, 0);
  whole.renewCrc();
  const batch = filtered(bytes);
  expect(batch.isCrcValid()).toBe(true);
  expect([...batch.records()].map(({ headers }) => headers)).toEqual(
    [...whole.records()].slice(1).map(({ headers }) => headers),
  );
});
