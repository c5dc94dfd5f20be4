import { openChannel } from '../../network/request-channel.ts';
import { apis } from '../../protocol/apis.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import { realSystem } from '../../system/system.ts';
import { ProcessCluster } from './processes.ts';
import { Trial } from './trial.ts';
import { kafkaJsLoad, ownLoad, type StartLoad } from './workload.ts';

let cluster: ProcessCluster;

afterEach(async () => {
  await cluster?.close();
});

/** Sends records straight to a broker, whoever leads. */
const openStubborn = async (port: number) => {
  const channel = await openChannel(realSystem(), {
    host: '127.0.0.1',
    port,
    clientId: 'stubborn',
  });
  return {
    /** The error code of the answer. */
    produce: async (value: string, acks: 1 | -1): Promise<number> => {
      const records = buildBatch({ records: [{ key: null, value: Buffer.from(value) }] });
      const partitionData = [{ index: 0, records }];
      const body = { acks, timeoutMs: 10_000, topicData: [{ name: 't', partitionData }] };
      const options = { version: 9, timeoutMs: 60_000 };
      const { responses } = await channel.send(apis.produce, body, options);
      return responses[0]?.partitionResponses[0]?.errorCode ?? -1;
    },
    close: () => channel.close(),
  };
};

/** Gives a request up soon, since a stopped process never answers. */
const impatientLoad: StartLoad = (options) =>
  ownLoad({ ...options, producer: { requestTimeoutMs: 2000 } });

test('kill -9 of leader, controller and ZooKeeper loses nothing that was acknowledged', async () => {
  cluster = await ProcessCluster.start();
  const trial = await Trial.start({ cluster, startLoad: kafkaJsLoad });
  await trial.progress();
  const leader = await trial.killLeader();
  await trial.progress();
  await cluster.restart(leader);
  await trial.untilInSync();
  const controller = await trial.killController();
  await trial.progress();
  await cluster.restart(controller);
  await cluster.killZooKeeper();
  await trial.progress();
  await cluster.startZooKeeper();
  await cluster.restart(await trial.killLeader());
  await trial.progress();
  await trial.finish();
}, 90_000);

test('a leader that is stopped beyond its session is fenced when it goes on', async () => {
  cluster = await ProcessCluster.start({ config: { 'zookeeper.session.timeout.ms': '2000' } });
  const trial = await Trial.start({ cluster, startLoad: impatientLoad });
  await trial.progress();
  const { leaderId } = await trial.leader();
  const stubborn = await openStubborn(cluster.port(leaderId));
  cluster.signal(leaderId, 'SIGSTOP');
  // They wait in its socket, and are the first thing that it sees when it goes on; `finish` does not expect them.
  const alone = stubborn.produce('acknowledged by one', 1);
  const all = stubborn.produce('acknowledged by nobody', -1);
  await trial.untilLedByAnother(leaderId);
  await trial.progress();
  cluster.signal(leaderId, 'SIGCONT');
  expect(await all).not.toBe(0);
  await alone;
  await trial.untilInSync();
  await trial.progress();
  await trial.finish();
  stubborn.close();
}, 60_000);

test('a leader that comes back cuts off what its followers never had', async () => {
  cluster = await ProcessCluster.start();
  const trial = await Trial.start({ cluster, startLoad: impatientLoad });
  await trial.progress();
  const { leaderId, replicas } = await trial.leader();
  const followers = replicas.filter((id) => id !== leaderId);
  const stubborn = await openStubborn(cluster.port(leaderId));
  for (const id of followers) cluster.signal(id, 'SIGSTOP');
  // One answer may wait in each follower's socket; what is appended after it has been fetched by nobody.
  trial.oracle.foreign.add('perhaps fetched');
  expect(await stubborn.produce('perhaps fetched', 1)).toBe(0);
  for (let index = 0; index < 20; index++) {
    expect(await stubborn.produce(`alone ${index}`, 1)).toBe(0);
  }
  stubborn.close();
  await cluster.kill(leaderId);
  for (const id of followers) cluster.signal(id, 'SIGCONT');
  await trial.untilLedByAnother(leaderId);
  await trial.progress();
  await cluster.restart(leaderId);
  await trial.untilInSync();
  await trial.progress();
  await trial.finish();
}, 60_000);
