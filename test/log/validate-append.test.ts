import { defaultLogConfig, type LogConfig } from '../../log/log-config.ts';
import { stampBatch, validateForLeader } from '../../log/validate-append.ts';
import { InvalidRecordsError } from '../../log/validate-errors.ts';
import type { ValidatedBatch } from '../../log/validate-rules.ts';
import { codecs } from '../../protocol/compression.ts';
import { buildEndTransactionMarker } from '../../protocol/control-record.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { recordBytes, writeRecord } from '../../protocol/record.ts';
import {
  assembleBatch,
  type BatchOptions,
  buildBatch,
  RecordBatch,
} from '../../protocol/record-batch.ts';

const nowMs = 1_700_000_100_000;

const bytes = (text: string): Buffer => Buffer.from(text);
const records = [
  { key: bytes('a'), value: bytes('one'), timestamp: nowMs - 20 },
  { key: bytes('b'), value: null, timestamp: nowMs - 10 },
  { key: null, value: bytes('three'), timestamp: nowMs - 15 },
];

const build = (options: Partial<BatchOptions> = {}): Buffer => buildBatch({ records, ...options });

const validate = (
  batch: Buffer,
  config: Partial<LogConfig> = {},
  origin: 'client' | 'coordinator' = 'client',
): ValidatedBatch => {
  const options = { config: { ...defaultLogConfig, ...config }, origin, nowMs };
  const validated = validateForLeader(batch, options);
  if (validated === null) throw new Error('there was nothing to validate');
  return validated;
};

const refusal = (action: () => unknown): ProtocolError => {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error('was not refused');
};

const edited = (batch: Buffer, edit: (batch: Buffer) => void): Buffer => {
  edit(batch);
  new RecordBatch(batch, 0).renewCrc();
  return batch;
};

describe('a good batch', () => {
  test.each(codecs)('with %s stays as it is', (compression) => {
    const batch = build({ compression });
    const before = Buffer.from(batch);
    expect(validate(batch)).toMatchObject({
      maxTimestamp: nowMs - 10,
      logAppendTimeMs: -1,
      isRebuilt: false,
    });
    expect(batch.equals(before)).toBe(true);
  });

  test('gets its offsets and leader epoch in place', () => {
    const bytes = build();
    const { batch } = validate(bytes);
    stampBatch(batch, 4711, 8);
    expect(new RecordBatch(bytes, 0)).toMatchObject({
      baseOffset: 4711,
      lastOffset: 4713,
      partitionLeaderEpoch: 8,
    });
    expect(batch.isCrcValid()).toBe(true);
  });

  test('gets the right largest timestamp, whatever the client wrote', () => {
    const bytes = edited(build(), (batch) => batch.writeBigInt64BE(5n, 35));
    const { batch } = validate(bytes);
    expect(batch.maxTimestamp).toBe(nowMs - 10);
    expect(batch.isCrcValid()).toBe(true);
  });

  test('gets the time of the broker under LogAppendTime', () => {
    const { batch, maxTimestamp, logAppendTimeMs } = validate(build(), {
      messageTimestampType: 'LogAppendTime',
    });
    expect([maxTimestamp, logAppendTimeMs]).toEqual([nowMs, nowMs]);
    expect(batch).toMatchObject({ timestampType: 'logAppendTime', maxTimestamp: nowMs });
    expect(batch.baseTimestamp).toBe(nowMs - 20);
    expect(batch.isCrcValid()).toBe(true);
  });

  test('may be followed by part of another', () => {
    const bytes = Buffer.concat([build(), build().subarray(0, 40)]);
    expect(validate(bytes).batch.recordCount).toBe(3);
  });

  test('without timestamps passes any limit', () => {
    const batch = buildBatch({ records: [{ key: null, value: null }] });
    expect(validate(batch, { messageTimestampBeforeMaxMs: 1 }).maxTimestamp).toBe(-1);
  });
});

describe('compression.type', () => {
  test.each(codecs)('none becomes %s', (codec) => {
    const source = build({ producerId: 9, producerEpoch: 2, baseSequence: 40 });
    const compressionType = codec === 'none' ? 'uncompressed' : codec;
    const { batch, isRebuilt, maxTimestamp } = validate(source, { compressionType });
    expect(isRebuilt).toBe(codec !== 'none');
    expect(maxTimestamp).toBe(nowMs - 10);
    expect(batch).toMatchObject({
      compression: codec,
      producerId: 9,
      producerEpoch: 2,
      baseSequence: 40,
      isTransactional: false,
      recordCount: 3,
      lastOffset: 2,
      maxTimestamp: nowMs - 10,
    });
    expect(batch.isCrcValid()).toBe(true);
    expect([...batch.records()]).toMatchObject(records);
  });

  test('uncompressed takes compression away', () => {
    const { batch } = validate(build({ compression: 'zstd' }), { compressionType: 'uncompressed' });
    expect(batch.bytes()).toEqual(build());
  });

  test('leaves control batches alone', () => {
    const marker = buildEndTransactionMarker({
      producerId: 1,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      isCommit: true,
      timestamp: nowMs,
    });
    const { isRebuilt } = validate(marker, { compressionType: 'gzip' }, 'coordinator');
    expect(isRebuilt).toBe(false);
  });

  test('does not excuse a batch that is too large once rebuilt', () => {
    const large = [{ key: null, value: Buffer.alloc(10_000), timestamp: nowMs }];
    const batch = build({ records: large, compression: 'gzip' });
    const config = { compressionType: 'uncompressed', maxMessageBytes: 5000 } as const;
    expect(refusal(() => validate(batch, config)).code).toBe(errorCodes.MESSAGE_TOO_LARGE);
  });
});

test('offsets inside a compressed batch that do not count up are written anew with the codec', () => {
  const parts = records.map((record, index) => {
    const deltas = { offsetDelta: index + 5, timestampDelta: record.timestamp - nowMs };
    const part = Buffer.alloc(recordBytes(record, deltas));
    writeRecord(part, 0, record, deltas);
    return part;
  });
  const header = {
    compression: 'lz4',
    lastOffsetDelta: 2,
    baseTimestamp: nowMs,
    maxTimestamp: nowMs,
    recordCount: 3,
  } as const;
  const source = assembleBatch(header, Buffer.concat(parts));
  // Kafka means to do it without a change of codec, too, and fails.
  expect(refusal(() => validate(Buffer.from(source))).code).toBe(errorCodes.UNKNOWN_SERVER_ERROR);
  const { batch, isRebuilt } = validate(source, { compressionType: 'gzip' });
  expect(isRebuilt).toBe(true);
  expect(batch.compression).toBe('gzip');
  expect([...batch.records()]).toMatchObject(
    records.map((record, offset) => ({ ...record, offset })),
  );
});

describe('is refused:', () => {
  const cases: readonly (readonly [string, () => Buffer, number])[] = [
    ['two batches', () => Buffer.concat([build(), build()]), errorCodes.INVALID_RECORD],
    ['a base offset', () => build({ baseOffset: 1 }), errorCodes.INVALID_RECORD],
    [
      'a flipped bit',
      () => {
        const batch = build();
        batch[70] = (batch[70] as number) ^ 4;
        return batch;
      },
      errorCodes.CORRUPT_MESSAGE,
    ],
    [
      'another number of records than offsets',
      () => edited(build(), (batch) => batch.writeInt32BE(5, 23)),
      errorCodes.INVALID_RECORD,
    ],
    [
      'fewer records than the header says',
      () =>
        edited(build(), (batch) => {
          batch.writeInt32BE(3, 23);
          batch.writeInt32BE(4, 57);
        }),
      errorCodes.INVALID_RECORD,
    ],
    [
      'more records than the header says',
      () =>
        edited(build({ compression: 'gzip' }), (batch) => {
          batch.writeInt32BE(1, 23);
          batch.writeInt32BE(2, 57);
        }),
      errorCodes.INVALID_RECORD,
    ],
    ['no record', () => edited(build(), (b) => b.writeInt32BE(0, 57)), errorCodes.INVALID_RECORD],
    ['a control batch', () => build({ isControl: true }), errorCodes.INVALID_RECORD],
    [
      'a producer id without sequence',
      () => build({ producerId: 4, producerEpoch: 0 }),
      errorCodes.INVALID_RECORD,
    ],
    [
      'bytes that do not decompress',
      () => edited(build({ compression: 'gzip' }), (batch) => batch.fill(0, 61)),
      errorCodes.UNKNOWN_SERVER_ERROR,
    ],
    [
      'an unknown codec',
      () => edited(build(), (batch) => batch.writeInt16BE(6, 21)),
      errorCodes.UNKNOWN_SERVER_ERROR,
    ],
  ];

  test.each(cases)('%s', (_name, batch, code) => {
    expect(refusal(() => validate(batch())).code).toBe(code);
  });

  test('a batch larger than the topic allows, however little', () => {
    const maxMessageBytes = build().length;
    expect(validate(build(), { maxMessageBytes }).isRebuilt).toBe(false);
    const error = refusal(() => validate(build(), { maxMessageBytes: maxMessageBytes - 1 }));
    expect(error.code).toBe(errorCodes.MESSAGE_TOO_LARGE);
  });

  test('records without key on a compacted topic, each named', () => {
    const error = refusal(() => validate(build(), { cleanupCompact: true }));
    expect(error).toBeInstanceOf(InvalidRecordsError);
    expect(error.code).toBe(errorCodes.INVALID_RECORD);
    expect((error as InvalidRecordsError).recordErrors.map((each) => each.batchIndex)).toEqual([2]);
  });

  test('timestamps too old or too new', () => {
    const old = refusal(() => validate(build(), { messageTimestampBeforeMaxMs: 14 }));
    expect(old).toMatchObject({
      code: errorCodes.INVALID_TIMESTAMP,
      recordErrors: [{ batchIndex: 0 }, { batchIndex: 2 }],
    });
    const future = [{ key: null, value: null, timestamp: nowMs + 5 }];
    const early = refusal(() =>
      validate(build({ records: future }), { messageTimestampAfterMaxMs: 4 }),
    );
    expect(early).toMatchObject({ code: errorCodes.INVALID_TIMESTAMP });
    expect(validate(build(), { messageTimestampBeforeMaxMs: 20 }).isRebuilt).toBe(false);
  });

  test('a timestamp decides over a missing key', () => {
    const limits = { cleanupCompact: true, messageTimestampBeforeMaxMs: 14 };
    const error = refusal(() => validate(build(), limits)) as InvalidRecordsError;
    expect(error.code).toBe(errorCodes.INVALID_TIMESTAMP);
    expect(error.recordErrors).toHaveLength(2);
  });

  test('LogAppendTime set by the producer, unless the topic wants create times in range', () => {
    const flagged = (): Buffer => edited(build(), (batch) => batch.writeInt16BE(8, 21));
    const append = { messageTimestampType: 'LogAppendTime' } as const;
    expect(refusal(() => validate(flagged(), append)).code).toBe(errorCodes.INVALID_TIMESTAMP);
    const { batch } = validate(flagged());
    expect(batch.timestampType).toBe('createTime');
    expect(batch.isCrcValid()).toBe(true);
  });
});

test('nothing whole is nothing to append, and no error', () => {
  const options = { config: defaultLogConfig, origin: 'client', nowMs } as const;
  expect(validateForLeader(Buffer.alloc(0), options)).toBeNull();
  expect(validateForLeader(build().subarray(0, -1), options)).toBeNull();
});

describe('a batch that says LogAppendTime', () => {
  const flagged = (): Buffer => edited(build(), (batch) => batch.writeInt16BE(8, 21));

  test('has one time for all its records when it is written anew', () => {
    const { batch } = validate(flagged(), { compressionType: 'gzip' });
    expect(batch.timestampType).toBe('createTime');
    expect([...batch.records()].map(({ timestamp }) => timestamp)).toEqual([
      nowMs - 10,
      nowMs - 10,
      nowMs - 10,
    ]);
  });
});

test('timestamps below zero pass only where they need not be written', () => {
  const batch = (): Buffer => build({ records: [{ key: bytes('k'), value: null, timestamp: -5 }] });
  expect(validate(batch()).isRebuilt).toBe(false);
  const { code } = refusal(() => validate(batch(), { compressionType: 'gzip' }));
  expect(code).toBe(errorCodes.UNKNOWN_SERVER_ERROR);
});

test('what grows beyond the limit when decompressed is refused', () => {
  const value = Buffer.alloc(1_000_000);
  for (const compression of codecs.filter((codec) => codec !== 'none')) {
    const options = { config: defaultLogConfig, origin: 'client', nowMs } as const;
    const batch = build({ records: [{ key: bytes('k'), value }], compression });
    const { code } = refusal(() =>
      validateForLeader(batch, { ...options, uncompressedBytesMax: 900_000 }),
    );
    expect(code).toBe(errorCodes.MESSAGE_TOO_LARGE);
    expect(validateForLeader(batch, options)?.isRebuilt).toBe(false);
  }
});

test('a coordinator may write control batches and need not count sequences', () => {
  const batch = build({ isControl: true, producerId: 3, producerEpoch: 0 });
  expect(validate(batch, {}, 'coordinator').batch.isControl).toBe(true);
});
