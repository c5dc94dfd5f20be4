import { type Cluster, startCluster } from '../../tools/cluster.ts';
import { createTopic, Oracle, readEverything } from './oracle.ts';
import { until } from './waiting.ts';
import { contentOf, kafkaJsGroup, kafkaJsLoad, newKafka, ownGroup, ownLoad } from './workload.ts';

const TOTAL = 3000;
const PARTITIONS = 3;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ config: { 'min.insync.replicas': '2' } });
});

afterAll(async () => {
  await cluster?.stop();
});

const createByKafkaJs = async (bootstrapServers: string, topic: string): Promise<void> => {
  const admin = newKafka(bootstrapServers).admin();
  await admin.connect();
  try {
    const topics = [{ topic, numPartitions: PARTITIONS, replicationFactor: 3 }];
    await admin.createTopics({ topics, waitForLeaders: true });
  } finally {
    await admin.disconnect();
  }
};

const createByUs = (bootstrapServers: string, topic: string): Promise<unknown> =>
  createTopic(bootstrapServers, topic, PARTITIONS);

test.each([
  ['our client', createByUs, ownLoad, ownGroup],
  ['kafkajs', createByKafkaJs, kafkaJsLoad, kafkaJsGroup],
])(
  'a group of %s reads each record that it has produced once and in order',
  async (name, create, startLoad, startGroup) => {
    const { bootstrapServers } = cluster;
    const topic = name.replace(' ', '-');
    const options = { bootstrapServers, topic, partitionCount: PARTITIONS };
    await create(bootstrapServers, topic);
    const group = startGroup({ ...options, groupId: topic });
    try {
      await group.untilAssigned();
      const oracle = new Oracle();
      await startLoad({ ...options, oracle, total: TOTAL }).done;
      expect(oracle.failures).toEqual([]);
      expect(oracle.acknowledged).toHaveLength(TOTAL);
      await until('all records read', () => group.records.length >= TOTAL);
      expect(group.records).toHaveLength(TOTAL);
      oracle.check(contentOf(group.records));
      oracle.check(await readEverything(bootstrapServers, topic));
    } finally {
      await group.stop();
    }
  },
  30_000,
);
