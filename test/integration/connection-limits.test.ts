/** How many connections from one address a broker takes: as its settings say, also when they change. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createAdmin } from '../../client/index.ts';
import { realSystem } from '../../system/system.ts';
import { type Cluster, startCluster } from '../../tools/cluster.ts';

const MAX = 20;

let cluster: Cluster;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await cluster.stop();
});

/** Dials that often, one after the other; resolves to how many of these connections the broker closed at once. */
const refused = async (count: number): Promise<number> => {
  const port = Number(cluster.bootstrapServers.split(':')[1]);
  let closed = 0;
  for (let index = 0; index < count; index++) {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {}).on('close', () => closed++);
    await once(socket, 'connect');
  }
  // Whoever dials after them is closed after them.
  const last = connect(port, '127.0.0.1').on('error', () => {});
  sockets.push(last);
  await once(last, 'close');
  return closed;
};

test('beyond max.connections.per.ip they are closed, until the limit is raised', async () => {
  cluster = await startCluster({
    brokers: 1,
    config: { 'max.connections.per.ip': String(MAX) },
  });
  // The broker and its controller have some of their own from the same address.
  const admin = createAdmin(realSystem(), { bootstrapServers: cluster.bootstrapServers });
  await admin.describeCluster();
  const first = await refused(2 * MAX);
  expect(first).toBeGreaterThan(MAX);
  expect(first).toBeLessThan(2 * MAX);

  const value = `localhost:${10 * MAX}`;
  const changes = [{ name: 'max.connections.per.ip.overrides', operation: 'set', value } as const];
  await admin.incrementalAlterConfigs([{ type: 'broker', name: '', changes }]);
  await admin.close();
  const newcomer = createAdmin(realSystem(), { bootstrapServers: cluster.bootstrapServers });
  expect(await newcomer.describeCluster()).toMatchObject({ controllerId: 1 });
  await newcomer.close();
});
