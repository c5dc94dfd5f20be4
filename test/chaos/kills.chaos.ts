/**
 * Brokers, controllers and ZooKeeper servers are killed again and again under load: nothing acknowledged may be lost, and
 * no client may see an error that it cannot retry. See settings.ts for how often and with which ZooKeeper.
 */
import { ProcessCluster } from '../integration/processes.ts';
import { Trial } from '../integration/trial.ts';
import { kafkaJsLoad, ownLoad } from '../integration/workload.ts';
import { rounds, zooKeepers } from './settings.ts';

let cluster: ProcessCluster;

afterEach(async () => {
  await cluster?.close();
});

describe.each(zooKeepers)('with %s', (_zooKeeper, options) => {
  describe.each([
    ['our producer', ownLoad],
    ['kafkajs', kafkaJsLoad],
  ] as const)('%s', (_client, startLoad) => {
    test('loses nothing when leaders are killed again and again', async () => {
      cluster = await ProcessCluster.start(options);
      const trial = await Trial.start({ cluster, startLoad });
      for (let round = 0; round < rounds; round++) {
        await trial.progress();
        const victim = await trial.killLeader();
        await trial.progress();
        await cluster.restart(victim);
      }
      await trial.finish();
    });

    test("loses nothing when the controllers' brokers are killed", async () => {
      cluster = await ProcessCluster.start(options);
      const trial = await Trial.start({ cluster, startLoad });
      for (let round = 0; round < rounds; round++) {
        await trial.progress();
        await trial.untilInSync();
        const victim = await trial.killController();
        await trial.progress();
        await cluster.restart(victim);
      }
      await trial.finish();
    });

    test('loses nothing when all brokers are killed at once', async () => {
      cluster = await ProcessCluster.start(options);
      const trial = await Trial.start({ cluster, startLoad });
      for (let round = 0; round < Math.ceil(rounds / 3); round++) {
        await trial.progress();
        await trial.untilInSync();
        await Promise.all(cluster.brokerIds.map((id) => cluster.kill(id)));
        await Promise.all(cluster.brokerIds.map((id) => cluster.restart(id)));
      }
      await trial.progress();
      await trial.finish();
    });

    test('loses nothing when brokers are stopped in order and started again', async () => {
      cluster = await ProcessCluster.start(options);
      const trial = await Trial.start({ cluster, startLoad });
      for (let round = 0; round < rounds; round++) {
        await trial.progress();
        const { leaderId } = await trial.leader();
        await cluster.shutDown(leaderId);
        await trial.progress();
        await cluster.restart(leaderId);
      }
      await trial.finish();
    });

    test('goes on while ZooKeeper is killed and restarted', async () => {
      cluster = await ProcessCluster.start(options);
      const trial = await Trial.start({ cluster, startLoad });
      for (let round = 0; round < Math.ceil(rounds / 3); round++) {
        await trial.progress();
        await cluster.killZooKeeper();
        await trial.progress();
        await cluster.startZooKeeper();
        const victim = await trial.killLeader();
        await trial.progress();
        await cluster.restart(victim);
      }
      await trial.finish();
    });
  });
});
