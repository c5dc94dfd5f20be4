/** A hundred thousand records through each client: produced, and read by a group, exactly once and in order. */
import { createTopic, Oracle, readEverything } from '../integration/oracle.ts';
import { ProcessCluster } from '../integration/processes.ts';
import { until } from '../integration/waiting.ts';
import {
  contentOf,
  kafkaJsGroup,
  kafkaJsLoad,
  ownGroup,
  ownLoad,
} from '../integration/workload.ts';

const TOTAL = 100_000;
const PARTITIONS = 3;

let cluster: ProcessCluster;

afterEach(async () => {
  await cluster?.close();
});

test.each([
  ['our client', ownLoad, ownGroup],
  ['kafkajs', kafkaJsLoad, kafkaJsGroup],
])(
  '%s produces a hundred thousand records and a group reads each once and in order',
  async (_name, startLoad, startGroup) => {
    cluster = await ProcessCluster.start();
    const { bootstrapServers } = cluster;
    const options = { bootstrapServers, topic: 't', partitionCount: PARTITIONS };
    await createTopic(bootstrapServers, 't', PARTITIONS);
    const group = startGroup({ ...options, groupId: 'g' });
    try {
      await group.untilAssigned();
      const oracle = new Oracle();
      const load = startLoad({ ...options, oracle, total: TOTAL, window: 2000, batchSize: 200 });
      await load.done;
      expect(oracle.failures).toEqual([]);
      expect(oracle.acknowledged).toHaveLength(TOTAL);
      await until('all records read', () => group.records.length >= TOTAL, 120_000);
      expect(group.records).toHaveLength(TOTAL);
      oracle.check(contentOf(group.records));
      oracle.check(await readEverything(bootstrapServers, 't'));
    } finally {
      await group.stop();
    }
  },
);
