/** The shell over the embedded ZooKeeper server, with channels that answer by themselves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControllerApi } from '../../broker/controller-api.ts';
import type { ControlAnswer, ControlChannel } from '../../controller/channels.ts';
import {
  type Controller,
  type ControllerConfig,
  createController,
} from '../../controller/controller.ts';
import type { ControlRequest } from '../../controller/request-batch.ts';
import { defaultSettings } from '../../controller/state.ts';
import { realSystem } from '../../system/system.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../../zookeeper/server/server.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import {
  brokerIdsZnode,
  brokerIdZnode,
  controllerEpochZnode,
  controllerZnode,
  featureZnode,
  partitionStateZnode,
  persistentPaths,
  topicsZnode,
  topicZnode,
} from '../../zookeeper/znodes.ts';
import { until } from '../integration/waiting.ts';
import { textOf } from './cluster-model.ts';
import { holding } from './held-client.ts';

const system = realSystem();
const config: ControllerConfig = {
  ...defaultSettings,
  autoLeaderRebalanceEnable: false,
  interBrokerListener: 'INTERNAL',
  uncleanLeaderElectionEnable: false,
  leaderImbalanceCheckIntervalSeconds: 300,
  numPartitions: 1,
  defaultReplicationFactor: 1,
};

/** The brokers' side of the channels: everything is answered with success. */
class FakeBrokers {
  readonly received: ControlRequest[] = [];
  readonly refused = new Set<number>();
  readonly #open = new Map<number, { channel: ControlChannel; closed: () => void }[]>();

  readonly channels = async ({ brokerId }: { brokerId: number }): Promise<ControlChannel> => {
    if (this.refused.has(brokerId)) throw Object.assign(new Error('refused'), { isRefused: true });
    let closed = (): void => {};
    const channel: ControlChannel = {
      send: async (request) => this.#answer(request),
      onClose: (callback) => {
        closed = callback;
      },
      close: () => closed(),
    };
    const open = this.#open.get(brokerId) ?? [];
    open.push({ channel, closed: () => closed() });
    this.#open.set(brokerId, open);
    return channel;
  };

  /** As when the broker's process is killed. */
  kill(brokerId: number): void {
    this.refused.add(brokerId);
    for (const { closed } of this.#open.get(brokerId) ?? []) closed();
  }

  texts(brokerId: number): string[] {
    return this.received.filter((request) => request.brokerId === brokerId).map(textOf);
  }

  #answer(request: ControlRequest): ControlAnswer {
    this.received.push(request);
    if (request.api !== 'leaderAndIsr') return { errorCode: 0, partitionErrors: [] };
    return {
      errorCode: 0,
      topics: request.body.topicStates.map(({ topicId, partitionStates }) => ({
        topicId,
        partitionErrors: partitionStates.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: 0,
        })),
      })),
    };
  }
}

let directory: string;
let server: ZooKeeperServer;
let brokers: FakeBrokers;
const clients: ZooKeeperClient[] = [];
const controllers: Controller[] = [];

const connect = async (): Promise<ZooKeeperClient> => {
  const client = await connectWireClient(system, {
    connectString: `${server.host}:${server.port}`,
    sessionTimeoutMs: 6000,
    connectionTimeoutMs: 5000,
  });
  clients.push(client);
  return client;
};

const register = async (client: ZooKeeperClient, id: number): Promise<bigint> => {
  const path = brokerIdZnode.path(id);
  const endpoints = [{ listener: 'INTERNAL', host: `h${id}`, port: 9000, securityProtocol: 0 }];
  const registration = { endpoints, rack: null, jmxPort: -1, timestampMs: 0, features: {} };
  await client.multi([
    { type: 'create', path, data: null, mode: 'ephemeral' },
    { type: 'setData', path, data: brokerIdZnode.encode(registration), version: 0 },
  ]);
  return (await client.getData(path)).stat.czxid;
};

const start = async (
  client: ZooKeeperClient,
  brokerId: number,
  again?: () => Promise<void>,
): Promise<Controller> => {
  const controller = createController(system, {
    brokerId,
    config,
    zookeeper: client,
    channels: brokers.channels,
    ...(again === undefined ? {} : { register: again }),
  });
  // The brokers' own view of it.
  const api: ControllerApi = controller;
  expect(api.isActive).toBe(false);
  controllers.push(controller);
  await controller.start();
  return controller;
};

const stateOf = async (client: ZooKeeperClient, topic: string, partition = 0) => {
  const path = partitionStateZnode.path(topic, partition);
  if ((await client.exists(path)) === null) return null;
  const { data, stat } = await client.getData(path);
  return { ...partitionStateZnode.decode(data ?? Buffer.alloc(0)), version: stat.version };
};

const topic = (name: string, brokerIds: number[]) => ({
  name,
  numPartitions: -1,
  replicationFactor: -1,
  assignments: [{ partitionIndex: 0, brokerIds }],
  configs: new Map<string, string>(),
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'controller-'));
  server = await startZooKeeperServer(system, {
    host: '127.0.0.1',
    port: 0,
    dataDir: directory,
    syncs: false,
  });
  brokers = new FakeBrokers();
  const client = await connect();
  for (const path of persistentPaths) await client.createRecursive(path, null);
});

afterEach(async () => {
  for (const controller of controllers.splice(0)) await controller.stop();
  for (const client of clients.splice(0)) await client.close();
  await server.close();
  await rm(directory, { recursive: true });
});

test('the first broker to come is elected, the second one refuses requests', async () => {
  const client = await connect();
  const other = await connect();
  const epoch = await register(client, 1);
  const first = await start(client, 1);
  const second = await start(other, 2);
  expect([first.isActive, first.epoch, second.isActive]).toEqual([true, 1, false]);
  const { data } = await client.getData(controllerZnode.path);
  expect(JSON.parse(String(data))).toMatchObject({ version: 2, brokerid: 1 });
  const epochData = await client.getData(controllerEpochZnode.path);
  expect(`${epochData.data} ${epochData.stat.version}`).toBe('1 1');
  expect(String((await client.getData(featureZnode.path)).data)).toBe(
    '{"features":{},"version":2,"status":1}',
  );
  await until('the first news', () => brokers.texts(1).length > 0);
  expect(brokers.texts(1)).toEqual(['UpdateMetadata[] brokers 1']);
  const request = { brokerId: 1, brokerEpoch: epoch };
  expect((await second.allocateProducerIds(request, 0)).errorCode).toBe(41);
  expect((await second.controlledShutdown(request, 3)).errorCode).toBe(11);
  expect((await second.createTopics([topic('t', [1])], { validateOnly: false }))[0]).toEqual({
    name: 't',
    errorCode: 41,
    errorMessage: '',
  });
  const blocks = [await first.allocateProducerIds(request, 0)];
  blocks.push(await first.allocateProducerIds(request, 0));
  expect(blocks.map(({ producerIdStart }) => producerIdStart)).toEqual([0, 1000]);
});

test('a topic is created, gets a leader, grows and is deleted', async () => {
  const client = await connect();
  for (const id of [1, 2]) await register(client, id);
  const controller = await start(client, 1);
  const [created] = await controller.createTopics([topic('t', [2, 1])], { validateOnly: false });
  expect(created).toMatchObject({ errorCode: 0, numPartitions: 1, replicationFactor: 2 });
  await until('t is announced', () =>
    brokers.texts(1).some((text) => text.startsWith('UpdateMetadata[t-0')),
  );
  expect(await stateOf(client, 't')).toMatchObject({ leader: 2, isr: [2, 1], controllerEpoch: 1 });
  const { data } = await client.getData(topicZnode.path('t'));
  expect(JSON.parse(String(data))).toEqual({
    partitions: { 0: [2, 1] },
    topic_id: created?.topicId,
    adding_replicas: {},
    removing_replicas: {},
    version: 3,
  });
  const grown = [{ name: 't', count: 3, assignments: null }];
  await controller.createPartitions(grown, { validateOnly: false });
  await until(
    'the third partition has a state',
    async () => (await stateOf(client, 't', 2)) !== null,
  );
  await controller.deleteTopics(['t']);
  await until('t is gone', async () => (await client.exists(topicZnode.path('t'))) === null);
  await controller.idle();
  const { children } = await client.getChildren('/admin/delete_topics');
  expect(children).toEqual([]);
  expect(await client.exists('/config/topics/t')).toBeNull();
});

test('many partitions get their states, though one was begun by an earlier controller', async () => {
  const client = await connect();
  await register(client, 1);
  const options = { brokerId: 1, config, zookeeper: client, channels: brokers.channels };
  const request = { ...topic('many', []), assignments: [], numPartitions: 300 };
  await createController(system, options).createTopicsLocally([request]);
  await client.createRecursive('/brokers/topics/many/partitions/7', null);
  await start(client, 1);
  await until(
    'the last partition has a state',
    async () => (await stateOf(client, 'many', 299)) !== null,
  );
  expect(await stateOf(client, 'many', 7)).toMatchObject({ leader: 1, isr: [1], version: 0 });
  expect((await client.getChildren('/brokers/topics/many/partitions')).children).toHaveLength(300);
});

test('another broker takes over when the controller is gone', async () => {
  const client = await connect();
  const other = await connect();
  await register(client, 1);
  await register(other, 2);
  const first = await start(client, 1);
  const second = await start(other, 2);
  await first.createTopics([topic('t', [1, 2])], { validateOnly: false });
  await until('t has a state', async () => (await stateOf(other, 't')) !== null);
  await first.stop();
  await client.close();
  await until('the second takes over', () => second.isActive);
  await second.idle();
  expect(second.epoch).toBe(2);
  await until('t has another leader', async () => (await stateOf(other, 't'))?.leader === 2);
  expect(await stateOf(other, 't')).toMatchObject({ isr: [2], controllerEpoch: 2 });
});

test('a controller that was deposed without noticing cannot write, and resigns', async () => {
  const client = await connect();
  for (const id of [1, 2]) await register(client, id);
  const controller = await start(client, 1);
  const other = await connect();
  // Another one is elected: our znode is replaced, the epoch raised.
  await other.multi([
    { type: 'delete', path: controllerZnode.path, version: -1 },
    {
      type: 'create',
      path: controllerZnode.path,
      data: controllerZnode.encode(2, 0),
      mode: 'ephemeral',
    },
    {
      type: 'setData',
      path: controllerEpochZnode.path,
      data: controllerEpochZnode.encode(2),
      version: 1,
    },
  ]);
  await controller.createTopicsLocally([topic('t', [1, 2])]);
  await until('it resigns', () => !controller.isActive);
  await controller.idle();
  expect(await stateOf(other, 't')).toBeNull();
  expect(controller.epoch).toBe(0);
  await other.delete(controllerZnode.path);
  await until('it is elected again', () => controller.isActive);
  expect(controller.epoch).toBe(3);
  await until('t has a state', async () => (await stateOf(other, 't')) !== null);
});

test('a broker whose connection breaks and is refused fails over at once', async () => {
  const client = await connect();
  const zombie = await connect();
  await register(client, 1);
  await register(zombie, 2);
  const controller = await start(client, 1);
  await controller.createTopics([topic('t', [2, 1])], { validateOnly: false });
  await until('broker 2 hears of t', () =>
    brokers.texts(2).some((text) => text.startsWith('UpdateMetadata[t-0')),
  );
  brokers.kill(2);
  await until('t has another leader', async () => (await stateOf(client, 't'))?.leader === 1);
  expect(await stateOf(client, 't')).toMatchObject({ leaderEpoch: 1, isr: [1] });
  expect(await client.exists(brokerIdZnode.path(2))).toBeNull();
});

test('after its session has expired a controller registers anew and runs again', async () => {
  const client = await connect();
  await register(client, 1);
  let registrations = 0;
  const controller = await start(client, 1, async () => {
    registrations += 1;
    expect(controller.isActive).toBe(false);
    for (const path of persistentPaths) await client.createRecursive(path, null);
    await register(client, 1);
  });
  const pending = controller.idle();
  // Another server in the same place knows nothing of the session, so it counts as expired.
  server.kill();
  await pending;
  const dataDir = join(directory, 'other');
  const { host, port } = server;
  server = await startZooKeeperServer(system, { host, port, dataDir, syncs: false });
  await until('a new registration and term', () => registrations === 1 && controller.isActive);
  const { stat } = await client.getData(controllerZnode.path);
  expect(stat.ephemeralOwner).toBe(client.sessionId);
  const sent = (): number => brokers.texts(1).length;
  await until('broker 1 has been told twice', () => sent() === 2);
  const last = brokers.received.at(-1);
  expect(last?.body.brokerEpoch).toBe((await client.getData(brokerIdZnode.path(1))).stat.czxid);
});

test('an office that nobody works for is given up and taken anew', async () => {
  const client = await connect();
  await register(client, 1);
  const data = controllerZnode.encode(1, 0);
  await client.create(controllerZnode.path, data, { mode: 'ephemeral' });
  const controller = await start(client, 1);
  await until('it is elected', () => controller.isActive);
  expect(controller.epoch).toBe(1);
});

test('what an earlier term has left in the queue does not swallow the news of this one', async () => {
  const real = await connect();
  const { client, hold } = holding(real);
  await register(real, 1);
  const controller = await start(client, 1);
  const other = await connect();
  let changes = 0;
  const end = real.watchChildren(brokerIdsZnode.path, () => {
    changes += 1;
    void real.getChildren(brokerIdsZnode.path);
  });
  // The office falls vacant; while we look who has it, a broker comes: news for the term that is about to end.
  const looking = hold(`exists ${controllerZnode.path}`);
  await other.delete(controllerZnode.path);
  const tellHolder = await looking;
  await register(other, 2);
  await until('the first change', () => changes >= 1);
  // The next term has counted the brokers, and not come to an end of its beginning yet, when another one comes.
  const beginning = hold(`getChildren ${topicsZnode.path}`);
  tellHolder();
  const goOn = await beginning;
  await register(await connect(), 3);
  await until('the second change', () => changes >= 2);
  end();
  goOn();
  await until('broker 3 is told', () => brokers.texts(3).length > 0);
  expect(controller.epoch).toBe(2);
});
