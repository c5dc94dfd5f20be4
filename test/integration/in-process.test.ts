import { existsSync } from 'node:fs';
import { type Cluster, startCluster } from '../../tools/cluster.ts';
import { createTopic, Oracle, readEverything, untilInSync } from './oracle.ts';
import { until } from './waiting.ts';
import { ownLoad } from './workload.ts';

let cluster: Cluster | null = null;

afterEach(async () => {
  await cluster?.stop();
  cluster = null;
});

/** Timers, sockets, files and whatever else keeps a process alive, counted by kind. */
const resources = (): string[] => process.getActiveResourcesInfo();

/** What there is now and was not before. */
const added = (before: readonly string[]): string[] => {
  const known = [...before];
  return resources().filter((kind) => {
    const index = known.indexOf(kind);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
};

const startLoadedCluster = async () => {
  const started = await startCluster({ config: { 'min.insync.replicas': '2' } });
  cluster = started;
  const { bootstrapServers } = started;
  await createTopic(bootstrapServers, 't', 3);
  await untilInSync(bootstrapServers, 't');
  const oracle = new Oracle();
  const load = ownLoad({ bootstrapServers, topic: 't', partitionCount: 3, oracle });
  const progress = async (): Promise<void> => {
    const wanted = oracle.acknowledged.length + 200;
    await until('200 more acknowledgements', () => oracle.acknowledged.length >= wanted);
  };
  return { started, oracle, load, progress };
};

test('nothing is left behind: no socket, no timer, no file', async () => {
  const before = resources();
  const { started, load, progress } = await startLoadedCluster();
  await progress();
  started.kill(1);
  await progress();
  await started.restart(1);
  await untilInSync(started.bootstrapServers, 't');
  await load.stop();
  started.kill(2);
  const directory = started.broker(1).parts.services.config.logDirs[0] ?? '';
  expect(existsSync(directory)).toBe(true);
  await started.stop();
  cluster = null;
  // A pause that nobody waits for any more may still run out.
  await until('all resources given back', () => added(before).length === 0, 10_000).catch(() => {});
  expect(added(before)).toEqual([]);
  expect(existsSync(directory)).toBe(false);
  expect(existsSync(directory.replace(/\/broker-1.*/, ''))).toBe(false);
}, 60_000);

test('killed, restarted and stopped brokers lose nothing that was acknowledged', async () => {
  const { started, oracle, load, progress } = await startLoadedCluster();
  const { bootstrapServers } = started;
  await progress();
  const [partition] = await untilInSync(bootstrapServers, 't');
  const leaderId = partition?.leaderId ?? -1;
  started.kill(leaderId);
  await progress();
  await started.restart(leaderId);
  await untilInSync(bootstrapServers, 't');
  const { controllerId } = started;
  started.kill(controllerId);
  await until('another controller', () => started.controllerId >= 0);
  await progress();
  await started.restart(controllerId);
  await untilInSync(bootstrapServers, 't');
  const [other = -1] = started.brokerIds.filter((id) => id !== started.controllerId);
  await started.shutDown(other);
  await progress();
  await started.restart(other);
  await progress();
  await load.stop();
  expect(oracle.failures).toEqual([]);
  oracle.check(await readEverything(bootstrapServers, 't'));
}, 60_000);

test('a controller or leader that is killed is replaced long before its session ends', async () => {
  const started = await startCluster({
    config: { 'zookeeper.session.timeout.ms': '60000', 'min.insync.replicas': '2' },
  });
  cluster = started;
  await createTopic(started.bootstrapServers, 't', 3);
  const { controllerId } = started;
  started.kill(controllerId);
  // Well below the session timeout, and far above what a loaded machine needs.
  await until('another controller', () => started.controllerId >= 0, 15_000);
  const { bootstrapServers } = started;
  const isGone = async (id: number): Promise<boolean> => {
    const partitions = started.broker(started.controllerId).parts.services.metadata.partitions('t');
    return [...(partitions?.values() ?? [])].every(
      ({ leader, isr }) => leader !== id && !isr.includes(id),
    );
  };
  await until('partitions without the controller', () => isGone(controllerId), 15_000);
  await started.restart(controllerId);
  await untilInSync(bootstrapServers, 't', 15_000);
  started.kill(controllerId);
  await until('partitions without the leader', () => isGone(controllerId), 15_000);
}, 60_000);

test('a broker whose registration is removed although it lives registers again and takes its part', async () => {
  const { started, oracle, load, progress } = await startLoadedCluster();
  const { bootstrapServers } = started;
  await progress();
  const { controllerId } = started;
  for (const id of started.brokerIds) {
    const { zookeeper } = started.broker(controllerId).parts.services;
    const epoch = started.broker(id).parts.services.brokerEpoch();
    await zookeeper.delete(`/brokers/ids/${id}`);
    await until('a new epoch', () => started.broker(id).parts.services.brokerEpoch() > epoch);
    await progress();
    await untilInSync(bootstrapServers, 't');
  }
  await load.stop();
  expect(oracle.failures).toEqual([]);
  oracle.check(await readEverything(bootstrapServers, 't'));
}, 60_000);
