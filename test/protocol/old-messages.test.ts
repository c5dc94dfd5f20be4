/** Messages of magic 0 and 1, against logs of Apache Kafka and what old consumers got from it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { batches } from '../../protocol/batches.ts';
import { downConvert } from '../../protocol/down-conversion.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { writeInt64 } from '../../protocol/integers.ts';
import { encodeOldMessage, messagesIn, wrapOldMessages } from '../../protocol/old-messages.ts';
import { buildBatch } from '../../protocol/record-batch.ts';

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

const oldMessagesOf = (records: Buffer, options: Parameters<typeof downConvert>[1]): Buffer =>
  Buffer.concat(downConvert(records, options));

const codes = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe.each(Object.entries(logs))('messages of %s', (_name, { bytes, records }) => {
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
      const sent = fromBase64(dialogue[`produced${version}`]);
      const [first] = batches(sent);
      const batch = first?.isOld === true ? buildBatch({ records: messagesIn(first) }) : sent;
      writeInt64(batch, 0, version);
      log.push(batch);
    }
    const records = Buffer.concat(log);
    const get = (magic: 0 | 1) => oldMessagesOf(records, { magic, fetchOffset: 0 });
    expect(get(0).toString('base64')).toBe(dialogue.fetched0);
    expect(get(1).toString('base64')).toBe(dialogue.fetched2);
  });

  test.each(['none', 'gzip', 'snappy', 'lz4'] as const)('batches in %s keep offsets', (codec) => {
    const records = batchAt(5, codec);
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

  test('zstd refuses the result, or ends it before the chunk that it is in', () => {
    const zstd = batchAt(8, 'zstd');
    const options = { magic: 1, fetchOffset: 0 } as const;
    const rowCount = (...parts: Buffer[]) =>
      rowsOf(oldMessagesOf(Buffer.concat(parts), options)).length;
    expect(codes(() => oldMessagesOf(zstd, options))).toBe(errorCodes.UNSUPPORTED_COMPRESSION_TYPE);
    expect(rowCount(batchAt(5, 'none'), zstd)).toBe(3);
    // The first batch is a chunk of its own.
    expect(rowCount(batchAt(2, 'none'), batchAt(5, 'none'), zstd)).toBe(3);
    const large = buildBatch({ records: [{ key: null, value: Buffer.alloc(100_000) }] });
    expect(rowCount(batchAt(2, 'none'), large, large, zstd)).toBe(4);
  });

  test('the result is cut off at the size of what was read, or of the first batch converted', () => {
    const small = buildBatch({
      records: Array.from({ length: 50 }, () => ({ key: null, value: null, timestamp: 1 })),
    });
    const options = { magic: 1, fetchOffset: 0 } as const;
    const one = oldMessagesOf(small, options);
    expect(one.length).toBe(50 * 34);
    expect(rowsOf(one)).toHaveLength(50);
    const two = oldMessagesOf(Buffer.concat([small, small]), options);
    expect(two.length).toBe(one.length);
    expect(rowsOf(two)).toHaveLength(50);
  });

  test('a message of LogAppendTime says so inside its wrapper, too', () => {
    const batch = batchAt(5, 'gzip');
    const [view] = batches(batch);
    view?.setMaxTimestamp('logAppendTime', 5000);
    const [wrapper] = batches(oldMessagesOf(batch, { magic: 1, fetchOffset: 0 }));
    expect(wrapper).toMatchObject({ timestampType: 'logAppendTime', maxTimestamp: 5000 });
    const timestamps = wrapper === undefined ? [] : messagesIn(wrapper);
    expect(timestamps.map(({ timestamp }) => timestamp)).toEqual([5000, 5000, 5000]);
  });

  test('what is broken in the log is an error, or ends the result', () => {
    const broken = batchAt(8, 'gzip');
    broken.fill(0, 61);
    const options = { magic: 1, fetchOffset: 0 } as const;
    expect(codes(() => oldMessagesOf(broken, options))).toBe(errorCodes.CORRUPT_MESSAGE);
    const records = Buffer.concat([batchAt(5, 'none'), broken]);
    expect(rowsOf(oldMessagesOf(records, options))).toHaveLength(3);
  });

  test('where nothing is left there is a message that does not end', () => {
    const control = buildBatch({ records: [{ key: null, value: null }], isControl: true });
    const old = oldMessagesOf(control, { magic: 1, fetchOffset: 0 });
    expect(old).toHaveLength(12);
    expect([...batches(old)]).toEqual([]);
  });
});

describe('Kafka writes the same', () => {
  const [one, two] = [
    { offset: 5, timestamp: 1000, key: Buffer.from('k'), value: Buffer.from('v') },
    { offset: 6, timestamp: 1001, key: null, value: Buffer.from('vv') },
  ];
  const plain = { codec: 'none', isAppendTime: false } as const;

  test('magic 0', () => {
    const options = { ...plain, magic: 0 } as const;
    const written = Buffer.concat([one, two].map((each) => encodeOldMessage(each, options)));
    expect(written.toString('hex')).toBe(
      '0000000000000005000000101fecd70a0000000000016b0000000176' +
        '000000000000000600000010a4278ff10000ffffffff000000027676',
    );
  });

  test('magic 1', () => {
    const options = { ...plain, magic: 1 } as const;
    const written = Buffer.concat([one, two].map((each) => encodeOldMessage(each, options)));
    expect(written.toString('hex')).toBe(
      '000000000000000500000018e4e321bc010000000000000003e8000000016b0000000176' +
        '0000000000000006000000189ea6a687010000000000000003e9ffffffff000000027676',
    );
  });

  test('magic 0 in lz4, with the checksum that is taken over the wrong bytes', () => {
    const kafka = Buffer.from(
      '000000000000000500000038830bcb430003ffffffff0000002a04224d1860401a1b00000012000100f0060500' +
        '0000101fecd70a0000000000016b000000017600000000',
      'hex',
    );
    const options = { magic: 0, codec: 'lz4', isAppendTime: false, timestamp: -1 } as const;
    const written = wrapOldMessages([one], options);
    for (const bytes of [kafka, written]) {
      const [message] = batches(bytes);
      expect(message?.isCrcValid()).toBe(true);
      expect(rowsOf(bytes)).toEqual([[5, -1, 'aw==', 'dg==']]);
      expect(bytes[32]).toBe(0x1a);
    }
  });
});

test('a batch of very many records becomes old messages, too', () => {
  // More than a call may have arguments.
  const records = Array.from({ length: 130_000 }, () => ({ key: null, value: null }));
  const old = oldMessagesOf(buildBatch({ records }), { magic: 1, fetchOffset: 0 });
  expect([...batches(old)]).toHaveLength(records.length);
});
