import { Cluster } from '../../client/cluster.ts';
import { TimeoutError } from '../../client/errors.ts';
import { GroupCoordinator } from '../../client/group-coordinator.ts';
import { realSystem } from '../../system/system.ts';
import { startFakeCluster } from './fake-cluster.ts';

const system = realSystem();

test('who looks for a coordinator has a time limit of its own, whoever began', async () => {
  const fake = await startFakeCluster(system);
  let errorCode = 15;
  for (const broker of fake.brokers) {
    broker.handlers.findCoordinator = ({ coordinatorKeys }) => ({
      coordinators: coordinatorKeys.map((key) => {
        const place = { nodeId: 0, host: '127.0.0.1', port: broker.port };
        return { ...place, key, errorCode, errorMessage: null };
      }),
    });
  }
  const { bootstrapServers } = fake;
  const cluster = new Cluster(system, { bootstrapServers, clientId: 'c', retryBackoffMs: 20 });
  const coordinator = new GroupCoordinator(system, cluster, 'g');
  const hasty = coordinator.find(cluster.deadline(1));
  const patient = coordinator.find(cluster.deadline(60_000));
  await expect(hasty).rejects.toThrow(TimeoutError);
  errorCode = 0;
  await expect(patient).resolves.toBe('coordinator-0');
  cluster.close();
  await fake.close();
});
