/** kafkajs, which needs nothing installed, against a cluster inside this process: what the README promises. */
import { type Cluster, startCluster } from '../../tools/cluster.ts';
import { awaitPartitions, consumeValues, kafkaOf, PATIENT } from './clusters.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ brokers: 3, config: { 'min.insync.replicas': '2' } });
});

afterAll(() => cluster?.stop());

test('what kafkajs produces survives the death of a leader, and a group reads it', async () => {
  const kafka = kafkaOf(cluster.bootstrapServers);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    topics: [{ topic: 'letters', numPartitions: 1, replicationFactor: 3 }],
    waitForLeaders: true,
    ...PATIENT,
  });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: 'letters', acks: -1, messages: [{ value: 'before' }] });

  const [partition] = await awaitPartitions(kafka, 'letters', ([first]) => first?.isr.length === 3);
  const leader = partition?.leader ?? -1;
  cluster.kill(leader);
  await awaitPartitions(kafka, 'letters', ([first]) => first?.leader !== leader);
  await producer.send({ topic: 'letters', acks: -1, messages: [{ value: 'after' }] });
  await producer.disconnect();

  await cluster.restart(leader);
  const [whole] = await awaitPartitions(kafka, 'letters', ([first]) => first?.isr.length === 3);
  expect(whole?.replicas).toContain(leader);
  // Not earlier: the first group makes __consumer_offsets, whose three replicas need three brokers.
  const values = await consumeValues(kafka, 'letters', { groupId: 'readers', count: 2 });
  expect(values).toEqual(['before', 'after']);
});

test('compressed batches and headers come back as they were', async () => {
  const kafka = kafkaOf(cluster.bootstrapServers);
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  const messages = Array.from({ length: 500 }, (_, index) => ({
    key: `key-${index % 7}`,
    value: `value-${index}`,
    headers: { index: String(index) },
  }));
  await producer.send({ topic: 'packed', acks: -1, compression: 1, messages });
  await producer.disconnect();
  const values = await consumeValues(kafka, 'packed', { groupId: 'unpackers', count: 500 });
  expect(values.toSorted()).toEqual(messages.map(({ value }) => value).toSorted());
});
