import { type Consumer, type ConsumerOptions, createConsumer } from '../../client/consumer.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import { realSystem } from '../../system/system.ts';
import { type FakeCluster, startFakeCluster } from './fake-cluster.ts';
import { createFakeGroup } from './fake-group.ts';

const system = realSystem();
const at = { topic: 't', partition: 0 };
let cluster: FakeCluster;
const consumers: Consumer[] = [];

beforeEach(async () => {
  cluster = await startFakeCluster(system, { brokers: 2 });
});

afterEach(async () => {
  for (const consumer of consumers.splice(0)) await consumer.close(1000);
  await cluster.close();
});

const consumer = (options: Partial<ConsumerOptions> = {}): Consumer => {
  const created = createConsumer(system, {
    bootstrapServers: cluster.bootstrapServers,
    autoOffsetReset: 'earliest',
    retryBackoffMs: 5,
    ...options,
  });
  consumers.push(created);
  return created;
};

/** The first records there are. */
const read = async (from: Consumer): Promise<string[]> => {
  for (;;) {
    const records = await from.poll(5000);
    if (records.length > 0) return records.map(({ value }) => String(value));
  }
};

test('one partition without a leader does not keep the others from being read', async () => {
  const [, second] = cluster.addTopic('t', 2);
  if (second !== undefined) second.leaderId = -1;
  cluster.append('t', 0, ['a', 'b']);
  const c = consumer();
  c.assign([at, { topic: 't', partition: 1 }]);
  expect(await read(c)).toEqual(['a', 'b']);
});

test('a topic that may not be read is an error', async () => {
  cluster.addTopic('t', 1);
  for (const { handlers } of cluster.brokers) {
    const { metadata } = handlers;
    handlers.metadata = async (request, context) => {
      const answer = await metadata?.(request, context);
      if (answer === undefined || answer === null || answer === 'close') return 'close';
      const topics = answer.topics.map((topic) => ({ ...topic, errorCode: 29, partitions: [] }));
      return { ...answer, topics };
    };
  }
  const c = consumer();
  c.assign([at]);
  await expect(read(c)).rejects.toMatchObject({ code: 29 });
});

test('polls go on while it takes long to find a position', async () => {
  cluster.addTopic('t', 1);
  cluster.append('t', 0, ['a']);
  const group = createFakeGroup(() => cluster.brokers[0]?.port ?? 0);
  let failuresLeft = 3;
  for (const { handlers } of cluster.brokers) {
    Object.assign(handlers, group.handlers);
    handlers.offsetFetch = (request, context) => {
      if (failuresLeft-- <= 0) return group.handlers.offsetFetch?.(request, context) ?? null;
      return { groups: [{ groupId: 'g', topics: [], errorCode: 14 }] };
    };
  }
  const c = consumer({ groupId: 'g', defaultApiTimeoutMs: 1 });
  c.assign([at]);
  expect(await read(c)).toEqual(['a']);
});

test('a seek wins over a check of the position that was before it', async () => {
  const [partition] = cluster.addTopic('t', 1);
  const batches = Array.from({ length: 30 }, (_, baseOffset) => {
    const records = [{ key: null, value: Buffer.from(`${baseOffset}`) }];
    return buildBatch({ records, baseOffset, partitionLeaderEpoch: 0 });
  });
  Object.assign(partition ?? {}, { batches: batches.slice(0, 10), endOffset: 10 });
  const c = consumer();
  c.assign([at]);
  expect((await read(c)).length).toBe(10);
  // The leader moves; its answer, that the epoch ends at 10, is slow.
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isAsked = false;
  for (const { handlers } of cluster.brokers) {
    handlers.offsetForLeaderEpoch = async () => {
      isAsked = true;
      await held;
      const end = { errorCode: 0, partition: 0, leaderEpoch: 0, endOffset: 10 };
      return { topics: [{ topic: 't', partitions: [end] }] };
    };
  }
  Object.assign(partition ?? {}, { batches, endOffset: 30, leaderId: 1, leaderEpoch: 5 });
  while (!isAsked) await c.poll(20);
  c.seek(at, 25);
  release();
  expect((await read(c))[0]).toBe('25');
});
