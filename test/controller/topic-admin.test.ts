/**
 * Topic administration against the answers that Apache Kafka gave (dialogue 09-admin), and its own
 * further refusals.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createTopicAdmin,
  type TopicAdmin,
  type TopicToCreate,
} from '../../controller/topic-admin.ts';
import { realSystem } from '../../system/system.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../../zookeeper/server/server.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { brokerIdZnode, persistentPaths, topicZnode } from '../../zookeeper/znodes.ts';

const system = realSystem();
const config = { numPartitions: 2, defaultReplicationFactor: 3, deleteTopicEnable: true };
let directory: string;
let server: ZooKeeperServer;
let zookeeper: ZooKeeperClient;
let admin: TopicAdmin;

const adminWith = (options: object = {}): TopicAdmin =>
  createTopicAdmin(system, {
    zookeeper,
    config,
    validateTopicConfig: (configs) =>
      configs.has('nonsense') ? 'Unknown topic config name: nonsense' : null,
    ...options,
  });

const register = async (id: number, rack: string | null): Promise<void> => {
  const endpoints = [{ listener: 'INTERNAL', host: 'h', port: 9000 + id, securityProtocol: 0 }];
  const registration = { endpoints, rack, jmxPort: -1, timestampMs: 0, features: {} };
  await zookeeper.create(brokerIdZnode.path(id), brokerIdZnode.encode(registration), {
    mode: 'ephemeral',
  });
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'topic-admin-'));
  server = await startZooKeeperServer(system, {
    host: '127.0.0.1',
    port: 0,
    dataDir: directory,
    syncs: false,
  });
  zookeeper = await connectWireClient(system, {
    connectString: `${server.host}:${server.port}`,
    sessionTimeoutMs: 6000,
    connectionTimeoutMs: 5000,
  });
  for (const path of persistentPaths) await zookeeper.createRecursive(path, null);
  for (const id of [1, 2, 3]) await register(id, `rack-${id}`);
  admin = adminWith();
});

afterAll(async () => {
  await zookeeper.close();
  await server.close();
  await rm(directory, { recursive: true });
});

const topic = (name: string, options: Partial<TopicToCreate> = {}): TopicToCreate => ({
  name,
  numPartitions: 2,
  replicationFactor: 3,
  assignments: [],
  configs: new Map(),
  ...options,
});

const create = async (name: string, options: Partial<TopicToCreate> = {}, validateOnly = false) => {
  const [result] = await admin.createTopics([topic(name, options)], { validateOnly });
  return result;
};

const refused = async (name: string, options: Partial<TopicToCreate> = {}) => {
  const result = await create(name, options);
  return [result?.errorCode, result?.errorMessage];
};

const manual = (...lists: number[][]): Partial<TopicToCreate> => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: lists.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
});

test('answers as recorded in 09-admin', async () => {
  expect(await create('t9')).toMatchObject({
    errorCode: 0,
    numPartitions: 2,
    replicationFactor: 3,
  });
  const grow = async (count: number, assignments: { brokerIds: number[] }[] | null = null) => {
    const options = { validateOnly: false };
    const [result] = await admin.createPartitions([{ name: 't9', count, assignments }], options);
    return [result?.errorCode, result?.errorMessage];
  };
  expect(await grow(4)).toEqual([0, null]);
  expect(await grow(2)).toEqual([
    37,
    'Topic currently has 4 partitions, which is higher than the requested 2.',
  ]);
  expect(await grow(4)).toEqual([37, 'Topic already has 4 partitions.']);
  expect(await grow(5, [{ brokerIds: [3, 1] }])).toEqual([
    39,
    'Inconsistent replication factor between partitions, partition 0 has 3 ' +
      'while partitions [4] have replication factors [2], respectively.',
  ]);
  expect(await grow(5, [{ brokerIds: [3, 1, 8] }])).toEqual([
    39,
    'Unknown broker(s) in replica assignment: 8.',
  ]);
  expect(await grow(6, [{ brokerIds: [3, 1, 2] }])).toEqual([
    39,
    'Increasing the number of partitions by 2 but 1 assignments provided.',
  ]);
  expect(await refused('t9')).toEqual([36, `Topic 't9' already exists.`]);
  expect(await refused('rf9', { replicationFactor: 9 })).toEqual([
    38,
    'Replication factor: 9 larger than available brokers: 3.',
  ]);
  expect(await refused('bad name')).toEqual([
    17,
    `Topic name is invalid: 'bad name' contains one or more characters other than ` +
      `ASCII alphanumerics, '.', '_' and '-'`,
  ]);
  expect(await create('validated', {}, true)).toEqual({
    name: 'validated',
    errorCode: 0,
    errorMessage: null,
    numPartitions: 2,
    replicationFactor: 3,
  });
  expect(await zookeeper.exists(topicZnode.path('validated'))).toBeNull();
});

test('further refusals', async () => {
  expect(await create('a.b', manual([1], [7]))).toMatchObject({ errorCode: 0, numPartitions: 2 });
  expect((await refused('a_b'))[0]).toBe(17);
  expect((await refused('', {}))[0]).toBe(17);
  expect((await refused('x'.repeat(250)))[0]).toBe(17);
  expect((await refused('c', { configs: new Map([['nonsense', '1']]) }))[0]).toBe(40);
  expect((await refused('d', { ...manual([1]), numPartitions: 1 }))[0]).toBe(42);
  expect((await refused('e', manual([1, 2], [1])))[0]).toBe(39);
  expect((await refused('f', manual([1, 1])))[0]).toBe(39);
  expect((await refused('g', { numPartitions: 0 }))[0]).toBe(37);
  const twice = await admin.createTopics([topic('h'), topic('h')], { validateOnly: false });
  expect(twice).toEqual([
    { name: 'h', errorCode: 42, errorMessage: 'Found multiple entries for this topic.' },
  ]);
});

test('defaults count for -1, and settings are written before the topic', async () => {
  const configs = new Map([['retention.ms', '5']]);
  expect(await create('i', { numPartitions: -1, replicationFactor: -1, configs })).toMatchObject({
    numPartitions: 2,
    replicationFactor: 3,
  });
  const { data } = await zookeeper.getData('/config/topics/i');
  expect(String(data)).toBe('{"version":1,"config":{"retention.ms":"5"}}');
});

test('deletion marks topics that exist, once or twice, and blocks their name', async () => {
  await create('j');
  const codes = async (...names: string[]): Promise<number[]> =>
    (await admin.deleteTopics(names)).map(({ errorCode }) => errorCode);
  expect(await codes('j', 'nope')).toEqual([0, 3]);
  expect(await codes('j')).toEqual([0]);
  const { data } = await zookeeper.getData('/admin/delete_topics/j');
  expect(data).toBeNull();
  const grown = [{ name: 'j', count: 9, assignments: null }];
  expect((await admin.createPartitions(grown, { validateOnly: false }))[0]?.errorCode).toBe(17);
  const off = adminWith({ config: { ...config, deleteTopicEnable: false } });
  expect((await off.deleteTopics(['t9']))[0]?.errorCode).toBe(73);
});

test('of two topics of one request whose names collide the first one is made', async () => {
  const results = await admin.createTopics([topic('x.y'), topic('x_y')], { validateOnly: false });
  expect(results.map(({ errorCode }) => errorCode)).toEqual([0, 17]);
});

test.each(['', '.', '..'])('the name %j is refused as a name', async (name) => {
  expect(await create(name)).toMatchObject({ errorCode: 17 });
});

test('automatic placement needs racks on all brokers or on none', async () => {
  await register(4, null);
  expect(await refused('k')).toEqual([
    -1,
    'Not all brokers have rack information for replica rack aware assignment.',
  ]);
});
