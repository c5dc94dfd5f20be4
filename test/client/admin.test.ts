import { throwFirst } from '../../client/admin/context.ts';
import { type Admin, createAdmin } from '../../client/admin.ts';
import { EARLIEST, LATEST } from '../../client/list-offsets.ts';
import { realSystem } from '../../system/system.ts';
import type { Handlers } from '../network/fake-broker.ts';
import { type FakeCluster, startFakeCluster } from './fake-cluster.ts';
import { createFakeGroup } from './fake-group.ts';

const system = realSystem();
let cluster: FakeCluster;
let admin: Admin;

beforeEach(async () => {
  cluster = await startFakeCluster(system, { brokers: 2 });
  admin = createAdmin(system, {
    bootstrapServers: cluster.bootstrapServers,
    retryBackoffMs: 5,
    defaultApiTimeoutMs: 3000,
  });
});

afterEach(async () => {
  admin.close();
  await cluster.close();
});

/** Lets every broker answer like this. */
const answer = (handlers: Handlers): void => {
  for (const broker of cluster.brokers) Object.assign(broker.handlers, handlers);
};

const created = (name: string, errorCode: number) => ({
  name,
  topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
  errorCode,
  errorMessage: errorCode === 0 ? null : 'no',
  configs: null,
});

describe('the admin client', () => {
  test('creates topics and tells how each went', async () => {
    let asked: unknown;
    answer({
      createTopics: (request) => {
        asked = request;
        return { topics: [created('a', 0), created('b', 36)] };
      },
    });
    const outcomes = await admin.createTopics([
      { name: 'a', numPartitions: 2, configs: { 'cleanup.policy': 'compact' } },
      { name: 'b', assignments: new Map([[0, [1, 0]]]) },
    ]);
    expect(asked).toMatchObject({
      validateOnly: false,
      topics: [
        { numPartitions: 2, replicationFactor: -1, configs: [{ name: 'cleanup.policy' }] },
        { numPartitions: -1, assignments: [{ partitionIndex: 0, brokerIds: [1, 0] }] },
      ],
    });
    expect(outcomes.map(({ error }) => error?.code ?? 0)).toEqual([0, 36]);
    expect(() => throwFirst(outcomes)).toThrow('no');
  });

  test('gives the broker no more time than its answer is waited for', async () => {
    const limits: number[] = [];
    answer({
      createTopics: ({ timeoutMs }) => {
        limits.push(timeoutMs);
        return { topics: [created('a', 0)] };
      },
    });
    const { bootstrapServers } = cluster;
    const hasty = createAdmin(system, { bootstrapServers, requestTimeoutMs: 1000 });
    await hasty.createTopics([{ name: 'a' }], { timeoutMs: 2000 });
    await hasty.createTopics([{ name: 'a' }], { timeoutMs: 500 });
    hasty.close();
    expect(limits).toEqual([1000, 500]);
  });

  test('goes to the next controller when one is not that any more', async () => {
    let tries = 0;
    answer({
      deleteTopics: ({ topics }) => {
        const errorCode = tries++ === 0 ? 41 : 0;
        return { responses: topics.map(({ name }) => ({ name, errorCode })) };
      },
    });
    expect(await admin.deleteTopics(['t'])).toEqual([{ name: 't', error: null }]);
    expect(tries).toBe(2);
  });

  test('lists and describes topics, and names one that is missing', async () => {
    cluster.addTopic('a', 1);
    cluster.addTopic('b', 2);
    expect((await admin.listTopics()).map(({ name }) => name).sort()).toEqual(['a', 'b']);
    const [b] = await admin.describeTopics(['b']);
    expect(b?.partitions.map(({ leaderId }) => leaderId)).toEqual([0, 1]);
    await expect(admin.describeTopics(['c'])).rejects.toMatchObject({ code: 3 });
  });

  test('asks a broker itself for its settings', async () => {
    const results = (value: string): Handlers => ({
      describeConfigs: ({ resources }) => ({
        throttleTimeMs: 0,
        results: resources.map(({ resourceType, resourceName }) => ({
          errorCode: 0,
          errorMessage: '',
          resourceType,
          resourceName,
          configs: [
            {
              name: 'x',
              value,
              readOnly: true,
              isSensitive: false,
              configSource: 4,
              documentation: null,
            },
          ],
        })),
      }),
    });
    for (const [id, broker] of cluster.brokers.entries()) {
      Object.assign(broker.handlers, results(`of ${id}`));
    }
    const found = await admin.describeConfigs([
      { type: 'broker', name: '1' },
      { type: 'broker', name: '0' },
    ]);
    expect(found.map(({ name, entries }) => [name, entries[0]?.value])).toEqual([
      ['1', 'of 1'],
      ['0', 'of 0'],
    ]);
    expect(found[0]?.entries[0]).toMatchObject({ isReadOnly: true, source: 4 });
  });

  test('finds offsets at all leaders', async () => {
    cluster.addTopic('t', 2);
    cluster.append('t', 1, ['a', 'b']);
    const found = await admin.listOffsets([
      { topic: 't', partition: 0, timestamp: LATEST },
      { topic: 't', partition: 1, timestamp: LATEST },
      { topic: 't', partition: 1, timestamp: EARLIEST },
    ]);
    expect(found.map(({ partition, offset }) => `${partition}:${offset}`).sort()).toEqual([
      '0:0',
      '1:0',
      '1:2',
    ]);
  });

  test('reads and sets the offsets of a group, and lists groups of all brokers', async () => {
    const group = createFakeGroup(() => cluster.brokers[0]?.port ?? 0);
    answer(group.handlers);
    await admin.alterGroupOffsets('g', [{ topic: 't', partition: 0, offset: 5 }]);
    const offsets = await admin.listGroupOffsets('g', [{ topic: 't', partition: 0 }]);
    expect(offsets).toMatchObject([{ topic: 't', partition: 0, offset: 5 }]);
    for (const [id, broker] of cluster.brokers.entries()) {
      broker.handlers.listGroups = () => ({
        errorCode: 0,
        groups: [{ groupId: `g${id}`, protocolType: 'consumer', groupState: 'Empty' }],
      });
    }
    expect((await admin.listGroups()).map(({ groupId }) => groupId)).toEqual(['g0', 'g1']);
  });

  test('elects leaders, and says which elections were not needed', async () => {
    answer({
      electLeaders: ({ topicPartitions }) => ({
        throttleTimeMs: 0,
        errorCode: 0,
        replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
          topic,
          partitionResult: partitions.map((partitionId) => ({
            partitionId,
            errorCode: partitionId === 0 ? 0 : 84,
            errorMessage: null,
          })),
        })),
      }),
    });
    const outcomes = await admin.electLeaders('preferred', [
      { topic: 't', partition: 0 },
      { topic: 't', partition: 1 },
    ]);
    expect(outcomes.map(({ error }) => error?.code ?? 0)).toEqual([0, 84]);
  });
});
