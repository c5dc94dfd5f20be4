import { ControllerWatch } from '../../broker/ended-brokers.ts';
import { MetadataCache } from '../../broker/metadata-cache.ts';
import { registerBroker } from '../../broker/registration.ts';
import type { ServerSocket } from '../../system/net.ts';
import { realSystem } from '../../system/system.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { brokerIdZnode, controllerZnode } from '../../zookeeper/znodes.ts';
import { until } from '../integration/waiting.ts';
import { startTestServer, type TestServer } from '../zookeeper/test-server.ts';
import { clusterUpdate } from './fake-services.ts';

const system = realSystem();
const clients: ZooKeeperClient[] = [];
const listeners: ServerSocket[] = [];
const watches: ControllerWatch[] = [];
let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
});

afterEach(async () => {
  for (const watch of watches.splice(0)) watch.stop();
  for (const listener of listeners.splice(0)) await listener.close();
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await server.close();
});

const connect = async (): Promise<ZooKeeperClient> => {
  const client = await connectWireClient(system, {
    connectString: `127.0.0.1:${server.port}`,
    sessionTimeoutMs: 30_000,
    connectionTimeoutMs: 5000,
  });
  clients.push(client);
  return client;
};

/** A broker as others see it: a listener, and a session with its registration and, for number 1, the office. */
const startBroker = async () => {
  const peers = new Set<{ destroy(): void }>();
  const listener = await system.net.listen({ host: '127.0.0.1', port: 0 }, (peer) => {
    peers.add(peer);
    peer.start({ data: () => {}, close: () => peers.delete(peer) });
  });
  listeners.push(listener);
  const zookeeper = await connect();
  await zookeeper.createRecursive('/brokers/ids', null).catch(() => {});
  const register = (): Promise<bigint> =>
    registerBroker(system, zookeeper, {
      brokerId: 1,
      registration: {
        endpoints: [
          { listener: 'CLIENT', host: '127.0.0.1', port: listener.port, securityProtocol: 0 },
        ],
        rack: null,
        jmxPort: -1,
        timestampMs: 0,
        features: {},
      },
      patienceMs: 0,
    });
  await register();
  const data = controllerZnode.encode(1, 0);
  await zookeeper.create(controllerZnode.path, data, { mode: 'ephemeral' });
  return {
    zookeeper,
    port: listener.port,
    peers,
    register,
    dropConnections: () => {
      for (const peer of peers) peer.destroy();
    },
    /** What is seen of kill -9: connections end, nobody listens, the session stays. */
    end: async () => {
      await listener.close();
      for (const peer of peers) peer.destroy();
    },
  };
};

const watchFrom = async (port: number) => {
  const zookeeper = await connect();
  const metadata = new MetadataCache();
  const watch = new ControllerWatch(
    system,
    { zookeeper, metadata },
    { brokerId: 2, listenerName: 'CLIENT' },
  );
  watches.push(watch);
  metadata.onUpdate = () => watch.update();
  const update = clusterUpdate([]);
  const [first, ...others] = update.liveBrokers;
  const [endpoint] = first?.endpoints ?? [];
  if (first === undefined || endpoint === undefined) throw new Error('no broker in the update');
  metadata.update({
    ...update,
    liveBrokers: [{ ...first, endpoints: [{ ...endpoint, port }] }, ...others],
  });
  return zookeeper;
};

const path = brokerIdZnode.path(1);

test('a controller whose connection breaks and whose host refuses another loses registration and office', async () => {
  const broker = await startBroker();
  const zookeeper = await watchFrom(broker.port);
  await until('a connection', () => broker.peers.size > 0);
  await broker.end();
  await until('no registration', async () => (await zookeeper.exists(path)) === null);
  expect(await zookeeper.exists(controllerZnode.path)).toBeNull();
});

test('a controller that only drops its connections keeps them, and is connected to again', async () => {
  const broker = await startBroker();
  const zookeeper = await watchFrom(broker.port);
  for (let round = 0; round < 3; round++) {
    const [peer] = await until('a connection', () =>
      broker.peers.size > 0 ? [...broker.peers] : null,
    );
    broker.dropConnections();
    await until(
      'another connection',
      () => broker.peers.size > 0 && !broker.peers.has(peer as never),
    );
  }
  expect(await zookeeper.exists(path)).not.toBeNull();
  expect(await zookeeper.exists(controllerZnode.path)).not.toBeNull();
});

test('the office of another session stays', async () => {
  const broker = await startBroker();
  const zookeeper = await watchFrom(broker.port);
  await until('a connection', () => broker.peers.size > 0);
  await zookeeper.delete(controllerZnode.path);
  const data = controllerZnode.encode(3, 0);
  await zookeeper.create(controllerZnode.path, data, { mode: 'ephemeral' });
  await broker.end();
  await until('no registration', async () => (await zookeeper.exists(path)) === null);
  expect(await zookeeper.exists(controllerZnode.path)).not.toBeNull();
});

test('a broker that starts on the address of its own stale registration takes its place at once', async () => {
  const ended = await startBroker();
  const zookeeper = await connect();
  const { data } = await zookeeper.getData(path);
  const epoch = await registerBroker(system, zookeeper, {
    brokerId: 1,
    registration: brokerIdZnode.decode(data ?? Buffer.alloc(0)),
    patienceMs: 0,
  });
  expect((await zookeeper.exists(path))?.czxid).toBe(epoch);
  expect((await zookeeper.exists(path))?.ephemeralOwner).toBe(zookeeper.sessionId);
  expect(ended.zookeeper.sessionId).not.toBe(zookeeper.sessionId);
  expect(await zookeeper.exists(controllerZnode.path)).toBeNull();
});
