/**
 * Whatever is appended, in whichever format, to whichever topic, is read back: random records, the same in every run, for
 * each codec, compression.type and timestamp type.
 */
import { createHash } from 'node:crypto';
import { defaultLogConfig, type LogConfig } from '../../log/log-config.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { type Codec, codecs } from '../../protocol/compression.ts';
import { encodeOldMessage, wrapOldMessages } from '../../protocol/old-messages.ts';
import { buildBatch, type Record, type RecordInput } from '../../protocol/record-batch.ts';
import { openLog, readBatches, removeTempDirectories, tempDirectory } from './log-support.ts';

afterAll(removeTempDirectories);

const nowMs = 1_700_000_000_000;
const ROUNDS = 4;

type Input = RecordInput & { readonly timestamp: number };

/** Numbers below a limit, the same for the same seed. */
const numbers = (seed: number): ((limit: number) => number) => {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
};

const randomRecords = (below: (limit: number) => number): Input[] => {
  const bytes = (): Buffer | null =>
    below(5) === 0 ? null : Buffer.alloc(below(8) === 0 ? below(40_000) : below(60), below(256));
  return Array.from({ length: 1 + below(40) }, () => ({
    key: bytes(),
    value: bytes(),
    timestamp: below(10) === 0 ? -1 : nowMs - 500_000 + below(1_000_000),
    headers: Array.from({ length: below(3) }, (_, index) => ({
      key: `h\u00e9ader ${index}`,
      value: bytes(),
    })),
  }));
};

const asMessages = (records: readonly Input[], magic: 0 | 1, codec: Codec): Buffer => {
  const plain = { magic, codec: 'none', isAppendTime: false } as const;
  const messages = records.map(({ key, value, timestamp }, offset) => ({
    offset,
    timestamp,
    key,
    value,
  }));
  if (codec === 'none')
    return Buffer.concat(messages.map((message) => encodeOldMessage(message, plain)));
  return wrapOldMessages(messages, { magic, codec, isAppendTime: false, timestamp: nowMs });
};

/** One record in a line; long bytes by their hash. */
const rowOf = (record: Omit<Record, 'sequence'>): string => {
  const text = (bytes: Buffer | null): string =>
    bytes === null ? 'null' : createHash('md5').update(bytes).digest('hex');
  const headers = record.headers.map(({ key, value }) => `${key}=${text(value)}`);
  const { offset, timestamp, key, value } = record;
  return [offset, timestamp, text(key), text(value), ...headers].join(' ');
};

const compressionTypes = ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const timestampTypes = ['CreateTime', 'LogAppendTime'] as const;
const formats = [0, 1, 2] as const;

const cases = codecs.flatMap((codec) =>
  compressionTypes.flatMap((compressionType) =>
    timestampTypes.map((messageTimestampType) => ({
      codec,
      compressionType,
      messageTimestampType,
    })),
  ),
);

const opened = (config: Partial<LogConfig>): Promise<PartitionLog> =>
  openLog(tempDirectory(), {
    config: { ...defaultLogConfig, segmentIndexBytes: 4096, ...config },
  });

test.each(cases)('$codec to $compressionType, $messageTimestampType', async (given) => {
  const { codec, ...config } = given;
  const log = await opened(config);
  const isAppendTime = config.messageTimestampType === 'LogAppendTime';
  const expected: string[] = [];
  const wanted = codec === 'none' || config.compressionType !== 'producer';
  for (let seed = 1; seed <= ROUNDS; seed++) {
    for (const magic of formats) {
      if (magic < 2 && codec === 'zstd') continue;
      const records = randomRecords(numbers(seed * 3 + magic));
      const bytes =
        magic === 2
          ? buildBatch({ records, compression: codec })
          : asMessages(records, magic, codec);
      const options = { leaderEpoch: 4, origin: 'client' } as const;
      const { baseOffset, logAppendTimeMs } = await log.appendAsLeader(bytes, options);
      const createTime = (timestamp: number) => (magic === 0 ? -1 : timestamp);
      for (const [index, record] of records.entries())
        expected.push(
          rowOf({
            ...record,
            offset: baseOffset + index,
            timestamp: isAppendTime ? logAppendTimeMs : createTime(record.timestamp),
            headers: magic === 2 ? (record.headers ?? []) : [],
          }),
        );
    }
  }
  const stored = await readBatches(log, 0);
  expect(stored.flatMap((batch) => [...batch.records()].map(rowOf))).toEqual(expected);
  for (const batch of stored) {
    expect(batch.isCrcValid()).toBe(true);
    expect(batch.magic).toBe(2);
    expect(batch.partitionLeaderEpoch).toBe(4);
    const type = config.compressionType;
    const named = type === 'uncompressed' ? 'none' : type;
    if (wanted && type !== 'producer') expect(batch.compression).toBe(named);
    else expect(batch.compression).toBe(codec);
    const timestamps = [...batch.records()].map(({ timestamp }) => timestamp);
    expect(batch.maxTimestamp).toBe(Math.max(...timestamps));
  }
  await log.close();
});
