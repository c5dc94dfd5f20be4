import { type Consumer, type ConsumerOptions, createConsumer } from '../../client/consumer.ts';
import { ClientClosed, CommitFailed, ConfigError, NoOffset, Wakeup } from '../../client/errors.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import { realSystem } from '../../system/system.ts';
import { type FakeCluster, startFakeCluster } from './fake-cluster.ts';
import { createFakeGroup, type FakeGroup } from './fake-group.ts';

const system = realSystem();
let cluster: FakeCluster;
let group: FakeGroup;
const consumers: Consumer[] = [];

beforeEach(async () => {
  cluster = await startFakeCluster(system, { brokers: 2 });
  group = createFakeGroup(() => cluster.brokers[0]?.port ?? 0);
  for (const broker of cluster.brokers) Object.assign(broker.handlers, group.handlers);
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
    heartbeatIntervalMs: 10,
    ...options,
  });
  consumers.push(created);
  return created;
};

/** Polls until there are `count` records, and returns their values. */
const read = async (from: Consumer, count: number): Promise<string[]> => {
  const values: string[] = [];
  while (values.length < count) {
    for (const { value } of await from.poll(5000)) values.push(String(value));
  }
  return values;
};

/** Polls until `condition` holds. */
const pollUntil = async (all: readonly Consumer[], condition: () => boolean): Promise<void> => {
  while (!condition()) await Promise.all(all.map((item) => item.poll(20)));
};

const owned = (item: Consumer): number[] =>
  item
    .assignment()
    .map(({ partition }) => partition)
    .sort();

describe('a consumer with partitions chosen by hand', () => {
  test('reads all partitions, each in order', async () => {
    cluster.addTopic('t', 2);
    cluster.append('t', 0, ['a', 'b']);
    cluster.append('t', 1, ['c']);
    cluster.append('t', 0, ['d']);
    const c = consumer();
    c.assign([0, 1].map((partition) => ({ topic: 't', partition })));
    const values = await read(c, 4);
    expect(values.filter((value) => value !== 'c')).toEqual(['a', 'b', 'd']);
    expect(await c.position({ topic: 't', partition: 0 })).toBe(3);
    expect(c.lag({ topic: 't', partition: 0 })).toBe(0);
  });

  test('hands out at most max.poll.records at a time, and nothing twice', async () => {
    cluster.addTopic('t', 1);
    cluster.append('t', 0, ['a', 'b', 'c', 'd', 'e']);
    const c = consumer({ maxPollRecords: 2 });
    c.assign([{ topic: 't', partition: 0 }]);
    const sizes: number[] = [];
    const values: string[] = [];
    while (values.length < 5) {
      const records = await c.poll(5000);
      sizes.push(records.length);
      values.push(...records.map(({ value }) => String(value)));
    }
    expect(sizes).toEqual([2, 2, 1]);
    expect(values).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('starts where it is told to', async () => {
    cluster.addTopic('t', 1);
    cluster.append('t', 0, ['a', 'b', 'c']);
    const partition = { topic: 't', partition: 0 };
    const c = consumer();
    c.assign([partition]);
    c.seek(partition, 2);
    expect(await read(c, 1)).toEqual(['c']);
    c.seekToBeginning();
    expect(await read(c, 3)).toEqual(['a', 'b', 'c']);
    c.seekToEnd();
    expect(await c.position(partition)).toBe(3);
    expect(await c.beginningOffsets([partition])).toMatchObject([{ offset: 0 }]);
    expect(await c.endOffsets([partition])).toMatchObject([{ offset: 3 }]);
  });

  test('starts at the end, or throws, where nothing is committed', async () => {
    const [partition] = cluster.addTopic('t', 1);
    cluster.append('t', 0, ['old']);
    const latest = consumer({ autoOffsetReset: 'latest' });
    latest.assign([{ topic: 't', partition: 0 }]);
    expect(await latest.position({ topic: 't', partition: 0 })).toBe(partition?.endOffset);
    const none = consumer({ autoOffsetReset: 'none' });
    none.assign([{ topic: 't', partition: 0 }]);
    const failing = async () => {
      for (;;) await none.poll(5000);
    };
    await expect(failing()).rejects.toThrow(NoOffset);
  });

  test('goes on at the first offset left when its position was deleted', async () => {
    const [partition] = cluster.addTopic('t', 1);
    cluster.append('t', 0, ['a', 'b']);
    cluster.append('t', 0, ['c']);
    if (partition !== undefined) partition.startOffset = 2;
    partition?.batches.shift();
    const c = consumer();
    c.assign([{ topic: 't', partition: 0 }]);
    c.seek({ topic: 't', partition: 0 }, 1);
    expect(await read(c, 1)).toEqual(['c']);
  });

  test('follows a partition to its new leader', async () => {
    const [partition] = cluster.addTopic('t', 1);
    cluster.append('t', 0, ['a']);
    const c = consumer();
    c.assign([{ topic: 't', partition: 0 }]);
    await read(c, 1);
    if (partition !== undefined) Object.assign(partition, { leaderId: 1, leaderEpoch: 5 });
    cluster.append('t', 0, ['b']);
    expect(await read(c, 1)).toEqual(['b']);
  });

  test('goes back to where its last epoch ends in the log of a new leader', async () => {
    const [partition] = cluster.addTopic('t', 1);
    cluster.append('t', 0, ['a']);
    cluster.append('t', 0, ['lost']);
    const c = consumer();
    c.assign([{ topic: 't', partition: 0 }]);
    expect(await read(c, 2)).toEqual(['a', 'lost']);
    partition?.batches.pop();
    if (partition !== undefined) {
      Object.assign(partition, { leaderId: 1, leaderEpoch: 5, endOffset: 1 });
    }
    const polling = read(c, 1);
    await new Promise<void>((resolve) => {
      const { handlers } = cluster.brokers[1] ?? { handlers: {} as never };
      const before = handlers.offsetForLeaderEpoch;
      handlers.offsetForLeaderEpoch = (request, context) => {
        system.clock.defer(resolve);
        return before?.(request, context) ?? 'close';
      };
    });
    cluster.append('t', 0, ['new']);
    expect(await polling).toEqual(['new']);
  });

  test('hands out nothing of a paused partition until it is resumed', async () => {
    cluster.addTopic('t', 2);
    cluster.append('t', 0, ['a']);
    cluster.append('t', 1, ['b']);
    const c = consumer();
    c.assign([0, 1].map((partition) => ({ topic: 't', partition })));
    c.pause([{ topic: 't', partition: 0 }]);
    expect(await read(c, 1)).toEqual(['b']);
    expect(c.paused()).toEqual([{ topic: 't', partition: 0 }]);
    c.resume([{ topic: 't', partition: 0 }]);
    expect(await read(c, 1)).toEqual(['a']);
  });

  test('leaves out control batches and, if asked to, aborted records', async () => {
    const [partition] = cluster.addTopic('t', 1);
    const transactional = { producerId: 7, producerEpoch: 0, isTransactional: true };
    const record = (text: string) => ({ key: null, value: Buffer.from(text) });
    const marker = (type: number) => ({ key: Buffer.from([0, 0, 0, type]), value: null });
    const batches = [
      buildBatch({ ...transactional, baseOffset: 0, baseSequence: 0, records: [record('bad')] }),
      buildBatch({ ...transactional, baseOffset: 1, isControl: true, records: [marker(0)] }),
      buildBatch({ ...transactional, baseOffset: 2, baseSequence: 1, records: [record('good')] }),
      buildBatch({ ...transactional, baseOffset: 3, isControl: true, records: [marker(1)] }),
    ];
    if (partition !== undefined) Object.assign(partition, { batches, endOffset: 4 });
    for (const broker of cluster.brokers) {
      const { fetch } = broker.handlers;
      broker.handlers.fetch = async (request, context) => {
        const answer = await fetch?.(request, context);
        if (answer === undefined || answer === null || answer === 'close') return 'close';
        const abortedTransactions = [{ producerId: 7, firstOffset: 0 }];
        const responses = answer.responses.map((topic) => ({
          ...topic,
          partitions: topic.partitions.map((data) => ({ ...data, abortedTransactions })),
        }));
        return { ...answer, responses };
      };
    }
    const all = consumer();
    all.assign([{ topic: 't', partition: 0 }]);
    expect(await read(all, 2)).toEqual(['bad', 'good']);
    const committed = consumer({ isolationLevel: 'read_committed' });
    committed.assign([{ topic: 't', partition: 0 }]);
    expect(await read(committed, 1)).toEqual(['good']);
    await committed.poll(0);
    expect(await committed.position({ topic: 't', partition: 0 })).toBe(4);
  });

  test('commits without being a member', async () => {
    cluster.addTopic('t', 1);
    cluster.append('t', 0, ['a', 'b']);
    const c = consumer({ groupId: 'g' });
    c.assign([{ topic: 't', partition: 0 }]);
    await read(c, 2);
    await c.commit();
    expect(group.offsets.get('t-0')).toBe(2);
    expect(await c.committed([{ topic: 't', partition: 0 }])).toMatchObject([{ offset: 2 }]);
  });

  test('can be woken up, and refuses what makes no sense', async () => {
    cluster.addTopic('t', 1);
    const c = consumer();
    await expect(c.poll(0)).rejects.toThrow(ConfigError);
    expect(() => c.subscribe(['t'])).toThrow(ConfigError);
    c.assign([{ topic: 't', partition: 0 }]);
    const polling = c.poll(60_000);
    c.wakeup();
    await expect(polling).rejects.toThrow(Wakeup);
    expect(() => c.seek({ topic: 't', partition: 9 }, 0)).toThrow(ConfigError);
    await expect(c.commit()).rejects.toThrow(ConfigError);
    await c.close();
    await expect(c.poll(0)).rejects.toThrow(ClientClosed);
  });
});

describe('a consumer in a group', () => {
  test('joins, reads and commits when it closes', async () => {
    cluster.addTopic('t', 2);
    cluster.append('t', 0, ['a']);
    cluster.append('t', 1, ['b']);
    const events: unknown[] = [];
    const c = consumer({ groupId: 'g' });
    c.subscribe(['t'], {
      assigned: (partitions) => void events.push(['assigned', partitions.length]),
      revoked: (partitions) => void events.push(['revoked', partitions.length]),
    });
    expect((await read(c, 2)).sort()).toEqual(['a', 'b']);
    await c.close();
    expect(events).toEqual([
      ['assigned', 2],
      ['revoked', 2],
    ]);
    expect([...group.offsets]).toEqual([
      ['t-0', 1],
      ['t-1', 1],
    ]);
    expect(group.members.size).toBe(0);
    expect(group.reasons).toEqual([
      'the subscription has changed',
      'need to re-join with the given member-id: member-1',
    ]);
  });

  test('goes on where the group has committed', async () => {
    cluster.addTopic('t', 1);
    cluster.append('t', 0, ['a', 'b', 'c']);
    group.offsets.set('t-0', 2);
    const c = consumer({ groupId: 'g' });
    c.subscribe(['t']);
    expect(await read(c, 1)).toEqual(['c']);
  });

  test.each([['range'], ['roundrobin'], ['cooperative-sticky']])(
    'shares partitions with others by %s, and takes over when they leave',
    async (assignor) => {
      cluster.addTopic('t', 4);
      const options = { groupId: 'g', partitionAssignors: [assignor] };
      const first = consumer(options);
      first.subscribe(['t']);
      await pollUntil([first], () => owned(first).length === 4);
      const second = consumer(options);
      second.subscribe(['t']);
      const isShared = () => owned(first).length === 2 && owned(second).length === 2;
      await pollUntil([first, second], isShared);
      expect([...owned(first), ...owned(second)].sort()).toEqual([0, 1, 2, 3]);
      await second.close();
      await pollUntil([first], () => owned(first).length === 4);
    },
  );

  test('keeps reading what it keeps in a cooperative rebalance', async () => {
    cluster.addTopic('t', 2);
    const options = { groupId: 'g', partitionAssignors: ['cooperative-sticky'] };
    const first = consumer(options);
    const revoked: number[] = [];
    first.subscribe(['t'], {
      revoked: (partitions) => void revoked.push(...partitions.map(({ partition }) => partition)),
    });
    await pollUntil([first], () => owned(first).length === 2);
    const second = consumer(options);
    second.subscribe(['t']);
    await pollUntil([first, second], () => owned(second).length === 1);
    expect(revoked).toEqual(owned(second));
  });

  test('gives up what it had when the group has forgotten it, and joins again', async () => {
    cluster.addTopic('t', 1);
    let lost = 0;
    const c = consumer({ groupId: 'g', enableAutoCommit: false });
    c.subscribe(['t'], { lost: () => void lost++ });
    await pollUntil([c], () => owned(c).length === 1);
    group.evictAll();
    await expect(c.commit([{ topic: 't', partition: 0, offset: 0 }])).rejects.toThrow(CommitFailed);
    await pollUntil([c], () => lost === 1 && owned(c).length === 1);
    expect(group.members.size).toBe(1);
  });

  test('takes up topics that come to match its pattern', async () => {
    cluster.addTopic('a-1', 1);
    cluster.addTopic('b', 1);
    const c = consumer({ groupId: 'g', metadataMaxAgeMs: 20 });
    c.subscribe(/a-.*/);
    await pollUntil([c], () => c.assignment().length === 1);
    cluster.addTopic('a-2', 1);
    await pollUntil([c], () => c.assignment().length === 2);
    expect(c.subscription()).toEqual(['a-1', 'a-2']);
  });

  test('starts a rebalance when a topic has got more partitions', async () => {
    cluster.addTopic('t', 1);
    const c = consumer({ groupId: 'g', metadataMaxAgeMs: 20 });
    c.subscribe(['t']);
    await pollUntil([c], () => owned(c).length === 1);
    cluster.addTopic('t', 3);
    await pollUntil([c], () => owned(c).length === 3);
  });
});
