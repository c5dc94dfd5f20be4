/** Clients of the first versions of Produce, Fetch and ListOffsets, on real logs. */
import { fetchHandler } from '../../broker/handlers/fetch.ts';
import { listOffsetsHandler } from '../../broker/handlers/list-offsets.ts';
import { produceHandler } from '../../broker/handlers/produce.ts';
import type { LogConfig } from '../../log/log-config.ts';
import { batches } from '../../protocol/batches.ts';
import { downConvert } from '../../protocol/down-conversion.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { messagesIn } from '../../protocol/old-messages.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import { call } from './fake-services.ts';
import {
  batchOf,
  ReplicaCluster,
  removeDirectories,
  TOPIC,
} from './replication/replica-cluster.ts';

let cluster: ReplicaCluster;

afterEach(async () => {
  await cluster.stop();
  removeDirectories();
});

/** One broker, which leads the topic's partition. */
const start = async (log: Partial<LogConfig> = {}) => {
  cluster = await ReplicaCluster.start({ brokerCount: 1, log });
  await cluster.decide({ leader: 1, epoch: 0, replicas: [1] });
  return cluster.broker(1);
};

const partitionIn = (answer: Record<string, unknown>, list: string, inner: string) =>
  (answer[list] as never)[0][inner][0] as Record<string, unknown>;

const produce = async (version: number, records: Buffer): Promise<Record<string, unknown>> => {
  const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
  const body = { acks: 1, timeoutMs: 1000, topicData };
  const answer = await call(produceHandler, cluster.broker(1).services, version, body);
  return partitionIn(answer, 'responses', 'partitionResponses');
};

const fetch = async (version: number, fetchOffset = 0): Promise<Record<string, unknown>> => {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 100_000 }];
  const body = { replicaId: -1, maxWaitMs: 0, minBytes: 1, topics: [{ topic: TOPIC, partitions }] };
  const answer = await call(fetchHandler, cluster.broker(1).services, version, body);
  return partitionIn(answer, 'responses', 'partitions');
};

const offsets = async (timestamp: number, maxNumOffsets = 10): Promise<unknown> => {
  const partitions = [{ partitionIndex: 0, timestamp, maxNumOffsets }];
  const body = { replicaId: -1, topics: [{ name: TOPIC, partitions }] };
  const answer = await call(listOffsetsHandler, cluster.broker(1).services, 0, body);
  return partitionIn(answer, 'topics', 'partitions').oldStyleOffsets;
};

const readBy = ({ records }: Record<string, unknown>): string[] =>
  [...batches(records as Buffer)].flatMap((batch) =>
    (batch.isOld ? messagesIn(batch) : [...batch.records()]).map(
      ({ offset, value }) => `${batch.magic} ${offset} ${value}`,
    ),
  );

const old = (magic: 0 | 1, ...values: string[]): Buffer =>
  Buffer.concat(downConvert(batchOf(values), { magic, fetchOffset: 0 }));

test('what producers of any age write, consumers of any age read', async () => {
  await start();
  expect(await produce(0, old(0, 'a', 'b'))).toMatchObject({ errorCode: 0, baseOffset: 0 });
  expect(await produce(2, old(1, 'c'))).toMatchObject({ errorCode: 0, baseOffset: 2 });
  expect(await produce(3, batchOf(['d']))).toMatchObject({ errorCode: 0, baseOffset: 3 });
  const read = (magic: number) => ['0 a', '1 b', '2 c', '3 d'].map((text) => `${magic} ${text}`);
  expect(readBy(await fetch(0))).toEqual(read(0));
  expect(readBy(await fetch(1))).toEqual(read(0));
  expect(readBy(await fetch(2))).toEqual(read(1));
  expect(readBy(await fetch(3))).toEqual(read(1));
  expect(readBy(await fetch(4))).toEqual(read(2));
});

test('damaged old messages are refused', async () => {
  await start();
  const damaged = old(0, 'a');
  damaged[26] = 0;
  expect(await produce(1, damaged)).toMatchObject({ errorCode: errorCodes.CORRUPT_MESSAGE });
  expect(await offsets(-1)).toEqual([0]);
});

test('a topic may refuse to convert for consumers', async () => {
  await start({ messageDownconversionEnable: false });
  await produce(3, batchOf(['a']));
  expect(await fetch(3)).toMatchObject({ errorCode: errorCodes.UNSUPPORTED_VERSION });
  expect(readBy(await fetch(4))).toEqual(['2 0 a']);
});

test('consumers that know no zstd get an error instead of it', async () => {
  await start();
  const records = [{ key: null, value: Buffer.from('a') }];
  await produce(7, buildBatch({ records, compression: 'zstd' }));
  const errorCode = errorCodes.UNSUPPORTED_COMPRESSION_TYPE;
  expect(await fetch(3)).toMatchObject({ errorCode });
  expect(await fetch(9)).toMatchObject({ errorCode: 0 });
  await cluster.stop();
  await start({ compressionType: 'zstd' });
  await produce(3, batchOf(['a']));
  expect(await fetch(9)).toMatchObject({ errorCode });
  expect(await fetch(10)).toMatchObject({ errorCode: 0 });
});

describe('ListOffsets version 0', () => {
  test('lists where segments begin and the log ends, the newest first', async () => {
    await start({ segmentBytes: 200 });
    for (const value of ['a', 'b', 'c']) await produce(3, batchOf([value.repeat(100)]));
    expect(await offsets(-1)).toEqual([3, 2, 1, 0]);
    expect(await offsets(-1, 2)).toEqual([3, 2]);
    expect(await offsets(-2)).toEqual([0]);
    expect(await offsets(1)).toEqual([]);
    expect(await offsets(Number.MAX_SAFE_INTEGER)).toEqual([3, 2, 1, 0]);
  });

  test('has only the start of an empty log', async () => {
    await start();
    expect(await offsets(-1)).toEqual([0]);
    expect(await offsets(-2)).toEqual([0]);
  });
});
