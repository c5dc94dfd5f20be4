/** Messages of magic 0 and 1, against logs of Apache Kafka, what old producers sent to it and old consumers got from it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '../../protocol/errors.ts';
import { batchOfOldMessages, messagesIn, oldMessagesOf } from '../../protocol/old-messages.ts';
import { batches, buildBatch, RecordBatch, writeLong } from '../../protocol/record-batch.ts';

type Row = readonly [offset: number, timestamp: number, key: string | null, value: string | null];

const { logs, dialogue } = JSON.parse(
  readFileSync(join(__dirname, '../fixtures/records/old-messages.json'), 'utf8'),
) as {
  readonly logs: { readonly [name: string]: { readonly bytes: string; readonly records: Row[] } };
  readonly dialogue: { readonly [name: string]: string };
};

const fromBase64 = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64');

const rowsOf = (buffer: Buffer): Row[] =>
  [...batches(buffer)]
    .flatMap((batch) => (batch.isOld ? messagesIn(batch) : [...batch.records()]))
    .map(({ offset, timestamp, key, value }) => [
      offset,
      timestamp,
      key?.toString('base64') ?? null,
      value?.toString('base64') ?? null,
    ]);

const codes = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe.each(Object.entries(logs))('messages of %s', (name, { bytes, records }) => {
  const log = fromBase64(bytes);

  test('are read as Kafka reads them', () => {
    expect(rowsOf(log)).toEqual(records);
  });

  test('become magic 0 for the oldest consumers', () => {
    const old = oldMessagesOf(log, { magic: 0, fetchOffset: 0 });
    expect(old.length).toBeGreaterThanOrEqual(log.length);
    expect([...batches(old)].every((message) => message.magic === 0 && message.isCrcValid())).toBe(
      true,
    );
    expect(rowsOf(old)).toEqual(records.map(([offset, , key, value]) => [offset, -1, key, value]));
  });

  test('may be produced, one message at a time, unless they say LogAppendTime', () => {
    for (const message of batches(log)) {
      const sent = Buffer.from(message.bytes());
      if (name.includes('append-time')) {
        const code = codes(() => batchOfOldMessages(sent));
        expect(code).toBe(errorCodes.INVALID_TIMESTAMP);
        continue;
      }
      const expected = rowsOf(sent).map(([, ...rest], index) => [index, ...rest]);
      expect(rowsOf(batchOfOldMessages(sent))).toEqual(expected);
    }
  });
});

const batchAt = (baseOffset: number, compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd') =>
  buildBatch({
    baseOffset,
    compression,
    records: [0, 1, 2].map((index) => ({
      key: Buffer.from(`k${index}`),
      value: index === 1 ? null : Buffer.from(`v${index}`.repeat(100)),
      timestamp: 1_700_000_000_000 + index,
      headers: [{ key: 'h', value: null }],
    })),
  });

describe('what consumers of old formats get', () => {
  test('equals what they get from Kafka, byte for byte', () => {
    const log: Buffer[] = [];
    for (let version = 0; version <= 11; version++) {
      const sent = batchOfOldMessages(fromBase64(dialogue[`produced${version}`]));
      writeLong(sent, 0, version);
      log.push(sent);
    }
    const records = Buffer.concat(log);
    const get = (magic: 0 | 1) => oldMessagesOf(records, { magic, fetchOffset: 0 });
    expect(get(0).toString('base64')).toBe(dialogue.fetched0);
    expect(get(1).toString('base64')).toBe(dialogue.fetched2);
  });

  test.each(['none', 'gzip', 'snappy', 'lz4'] as const)('batches in %s keep offsets', (codec) => {
    const records = Buffer.concat([batchAt(5, codec), batchAt(20, codec)]);
    for (const magic of [0, 1] as const) {
      const old = oldMessagesOf(records, { magic, fetchOffset: 0 });
      const rows = rowsOf(records).map(([offset, timestamp, ...rest]) => [
        offset,
        magic === 0 ? -1 : timestamp,
        ...rest,
      ]);
      expect(rowsOf(old)).toEqual(rows);
    }
  });

  test('records below the fetch offset are left out where that costs nothing', () => {
    const get = (codec: 'none' | 'gzip') =>
      rowsOf(oldMessagesOf(batchAt(5, codec), { magic: 1, fetchOffset: 7 })).length;
    expect([get('none'), get('gzip')]).toEqual([1, 3]);
  });

  test('zstd ends the result, or refuses it', () => {
    const zstd = batchAt(8, 'zstd');
    const options = { magic: 1, fetchOffset: 0 } as const;
    expect(codes(() => oldMessagesOf(zstd, options))).toBe(errorCodes.UNSUPPORTED_COMPRESSION_TYPE);
    expect(rowsOf(oldMessagesOf(Buffer.concat([batchAt(5, 'none'), zstd]), options))).toHaveLength(
      3,
    );
  });

  test('where nothing is left there is a message that does not end', () => {
    const control = buildBatch({ records: [{ key: null, value: null }], isControl: true });
    const old = oldMessagesOf(control, { magic: 1, fetchOffset: 0 });
    expect(old).toHaveLength(12);
    expect([...batches(old)]).toEqual([]);
  });
});

describe('what producers of old formats may not send', () => {
  const plain = fromBase64(logs['magic0-none']?.bytes);
  const first = Buffer.from(new RecordBatch(plain, 0).bytes());
  const newer = Buffer.from(new RecordBatch(fromBase64(logs['magic1-none']?.bytes), 0).bytes());
  const wrapper = Buffer.from(new RecordBatch(fromBase64(logs['magic0-gzip']?.bytes), 0).bytes());
  const damaged = Buffer.from(first);
  damaged[damaged.length - 1] = 7;

  test.each([
    ['two formats', Buffer.concat([first, newer]), 'INVALID_RECORD'],
    ['a compressed message beside others', Buffer.concat([first, wrapper]), 'INVALID_RECORD'],
    ['a damaged message', damaged, 'CORRUPT_MESSAGE'],
  ] as const)('%s', (_name, records, code) => {
    expect(codes(() => batchOfOldMessages(records))).toBe(errorCodes[code]);
  });

  test('a batch of today is left as it is', () => {
    const batch = batchAt(0, 'gzip');
    expect(batchOfOldMessages(batch)).toBe(batch);
  });
});
