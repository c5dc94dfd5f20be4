/**
 * Barnabas and Apache Kafka brokers in one cluster, on Apache's ZooKeeper and on ours: each kind as controller, leader and
 * follower of the other. What is acknowledged with acks=all must outlive the death of its leader, whoever takes over.
 */
import { readFileSync } from 'node:fs';
import {
  awaitGone,
  awaitPartitions,
  consumeValues,
  type Kind,
  kafkaOf,
  PATIENT,
  sendInTurn,
  startMixedCluster,
} from './clusters.ts';
import { cleanUp, run } from './processes.ts';
import { commandOf, describeWith } from './software.ts';

const values = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `value-${from + index}`);

describeWith('APACHE_KAFKA', 'a cluster of both kinds', () => {
  afterEach(cleanUp);

  test.each<[string, Kind, Kind[]]>([
    ['Apache is the controller', 'apache', ['apache', 'barnabas', 'barnabas']],
    ['Barnabas is the controller', 'apache', ['barnabas', 'apache', 'apache']],
    ["Barnabas' ZooKeeper", 'barnabas', ['barnabas', 'apache', 'barnabas']],
    ["Barnabas alone on Apache's ZooKeeper", 'apache', ['barnabas', 'barnabas', 'barnabas']],
  ])(
    '%s: replicates, fails over and comes back',
    async (_name, zookeeper, kinds) => {
      const cluster = await startMixedCluster(zookeeper, kinds);
      const kafka = kafkaOf(cluster.bootstrapServers);
      const created = await run(commandOf('APACHE_KAFKA'), [
        ...['topics', '--bootstrap-server', cluster.bootstrapServers, '--create'],
        ...['--topic', 'mixed', '--replica-assignment', '1:2:3,2:3:1,3:1:2'],
        ...['--config', 'min.insync.replicas=2'],
      ]);
      expect(created).toMatchObject({ code: 0 });
      await awaitPartitions(kafka, 'mixed', (all) => all.every(({ isr }) => isr.length === 3));

      const producer = kafka.producer();
      await producer.connect();
      const send = (from: number): Promise<void> => {
        const all = [0, 1, 2].flatMap((partition) =>
          values(from, 100).map((value) => ({ value, partition })),
        );
        return sendInTurn(producer, 'mixed', all);
      };
      await send(0);
      // Its process gone, broker 1 (the controller) takes its leaderships with it.
      await cluster.brokers.get(1)?.end('SIGKILL');
      await awaitPartitions(kafka, 'mixed', (all) =>
        all.every(({ leader, isr }) => leader !== 1 && !isr.includes(1)),
      );
      await send(100);
      await producer.disconnect();

      await cluster.restart(1);
      await awaitPartitions(kafka, 'mixed', (all) => all.every(({ isr }) => isr.length === 3));
      const read = await consumeValues(kafka, 'mixed', { groupId: 'both', count: 600 });
      expect(new Set(read)).toEqual(new Set(values(0, 200)));
    },
    300_000,
  );

  test.each<[string, Kind[]]>([
    ['Apache', ['apache', 'barnabas', 'apache']],
    ['Barnabas', ['barnabas', 'apache', 'barnabas']],
  ])(
    'topics grow, move and go while %s is the controller',
    async (_name, kinds) => {
      const cluster = await startMixedCluster('apache', kinds);
      const kafka = kafkaOf(cluster.bootstrapServers);
      const admin = kafka.admin();
      await admin.connect();
      const replicaAssignment = [{ partition: 0, replicas: [1, 2] }];
      await admin.createTopics({ topics: [{ topic: 'moving', replicaAssignment }], ...PATIENT });
      await admin.createPartitions({
        topicPartitions: [{ topic: 'moving', count: 3 }],
        ...PATIENT,
      });
      await awaitPartitions(kafka, 'moving', (all) => all.length === 3);
      const producer = kafka.producer();
      await producer.connect();
      const messages = values(0, 200).map((value) => ({ value, partition: 0 }));
      await producer.send({ topic: 'moving', acks: -1, messages });

      // To brokers of the other kind, and on.
      for (const replicas of [[2, 3], [3, 1], [2], [1, 2, 3]]) {
        const partitionAssignment = [{ partition: 0, replicas }];
        await admin.alterPartitionReassignments({
          topics: [{ topic: 'moving', partitionAssignment }],
          ...PATIENT,
        });
        await awaitPartitions(kafka, 'moving', (all) =>
          all.some(
            ({ partitionId, isr, replicas: now }) =>
              partitionId === 0 && `${now}` === `${replicas}` && isr.length === replicas.length,
          ),
        );
        await producer.send({ topic: 'moving', acks: -1, messages: messages.slice(0, 10) });
      }
      await producer.disconnect();
      expect(await consumeValues(kafka, 'moving', { groupId: 'moved', count: 240 })).toEqual([
        ...values(0, 200),
        ...[1, 2, 3, 4].flatMap(() => values(0, 10)),
      ]);
      const log = (id: number): Buffer =>
        readFileSync(`${cluster.folder}/broker-${id}/data/moving-0/${'0'.repeat(20)}.log`);
      expect(log(2).equals(log(1)) && log(3).equals(log(1))).toBe(true);

      await admin.deleteTopics({ topics: ['moving'] });
      await awaitGone(admin, 'moving');
      await admin.disconnect();
    },
    300_000,
  );
});
