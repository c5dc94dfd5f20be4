/**
 * Automatic creation of topics: what is asked of the topic administration, and what clients hear.
 */
import type { TopicToCreate } from '../../broker/controller-api.ts';
import { MetadataCache } from '../../broker/metadata-cache.ts';
import { createTopicCreation } from '../../broker/topic-creation.ts';
import { clusterUpdate, topicIdOf } from './fake-services.ts';

const open = (errorCode = 0) => {
  const created: TopicToCreate[] = [];
  const waiting: (() => void)[] = [];
  const metadata = new MetadataCache();
  const internal = new Map([
    [
      '__consumer_offsets',
      { numPartitions: 4, replicationFactor: 3, configs: new Map([['a', 'b']]) },
    ],
  ]);
  const creation = createTopicCreation(
    async (topics) => {
      created.push(...topics);
      await new Promise<void>((resolve) => void waiting.push(resolve));
      return topics.map(({ name }) => ({ name, errorCode, errorMessage: null }));
    },
    metadata,
    internal,
  );
  const finish = () => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  return { creation, created, metadata, finish };
};

test('an ordinary topic has the defaults, and no leader yet', async () => {
  const { creation, created, finish } = open();
  const code = creation.autoCreate('t');
  finish();
  expect(await code).toBe(5);
  expect(created).toEqual([
    { name: 't', numPartitions: -1, replicationFactor: -1, assignments: [], configs: new Map() },
  ]);
});

test.each([
  [36, 5],
  [38, 38],
])('error %d of the creation is told as %d', async (errorCode, told) => {
  const { creation, finish } = open(errorCode);
  const code = creation.autoCreate('t');
  finish();
  expect(await code).toBe(told);
});

test('a bad name is not tried, and one in flight is not made twice', async () => {
  const { creation, created, finish } = open();
  expect(await creation.autoCreate('bad name')).toBe(17);
  const first = creation.autoCreate('t');
  expect(await creation.autoCreate('t')).toBe(3);
  finish();
  await first;
  expect(created).toHaveLength(1);
});

test('an internal topic has its own settings and is made once', async () => {
  const { creation, created, metadata, finish } = open();
  const codes = [1, 2].map(() => creation.ensureInternalTopic('__consumer_offsets'));
  finish();
  expect(await Promise.all(codes)).toEqual([0, 0]);
  expect(created).toEqual([
    {
      name: '__consumer_offsets',
      numPartitions: 4,
      replicationFactor: 3,
      assignments: [],
      configs: new Map([['a', 'b']]),
    },
  ]);
  const partitions = [{ leader: 1, replicas: [1] }];
  metadata.update(
    clusterUpdate([{ name: '__consumer_offsets', topicId: topicIdOf(1), partitions }]),
  );
  expect(await creation.ensureInternalTopic('__consumer_offsets')).toBe(0);
  expect(created).toHaveLength(1);
});
