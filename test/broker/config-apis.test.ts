import { writeConfig } from '../../broker/config/config-store.ts';
import { parseBrokerConfig } from '../../broker/config.ts';
import { DynamicConfig } from '../../broker/dynamic-config.ts';
import { alterConfigsHandler } from '../../broker/handlers/alter-configs.ts';
import { describeConfigsHandler } from '../../broker/handlers/describe-configs.ts';
import type { Handler, RequestContext } from '../../broker/handlers/handler.ts';
import { incrementalAlterConfigsHandler } from '../../broker/handlers/incremental-alter-configs.ts';
import type { Services } from '../../broker/services.ts';
import { TopicConfigSource } from '../../broker/topic-config-source.ts';
import { type Api, apis, type ResponseOutput } from '../../protocol/apis.ts';
import { decode, encodeToBuffer } from '../../protocol/compile.ts';
import { createSerial } from '../../system/serial.ts';
import { realSystem } from '../../system/system.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { controllerZnode } from '../../zookeeper/znodes.ts';
import { startTestServer, type TestServer } from '../zookeeper/test-server.ts';

const system = realSystem();
const TOPIC = 2;
const BROKER = 4;
const LOGGER = 8;
const SET = 0;
const APPEND = 2;

let server: TestServer;
let zookeeper: ZooKeeperClient;
let services: Services;
let dynamicConfig: DynamicConfig;
let changes: string[];
let waiting: (() => void)[] = [];
let count = 0;

const connect = (chroot: string): Promise<ZooKeeperClient> =>
  connectWireClient(system, {
    connectString: `127.0.0.1:${server.port}${chroot}`,
    sessionTimeoutMs: 10_000,
    connectionTimeoutMs: 10_000,
    createsChroot: true,
  });

/** Resolves when `happened` holds, looking again after every change that the broker was told of. */
const until = async (happened: () => boolean): Promise<void> => {
  while (!happened()) await new Promise<void>((resolve) => waiting.push(resolve));
};

const noteChange = (text: string): void => {
  changes.push(text);
  for (const wake of waiting.splice(0)) wake();
};

const open = (settings: Record<string, string> = {}): DynamicConfig => {
  const properties = { 'zookeeper.connect': 'x', 'broker.id': '1', ...settings };
  const { config } = parseBrokerConfig(new Map(Object.entries(properties)));
  const opened = new DynamicConfig(system, zookeeper, { brokerId: 1, config });
  opened.onTopicChange = (topic) => noteChange(`topic ${topic}`);
  opened.onBrokerChange = (_, names) => noteChange(`broker ${[...names].join()}`);
  opened.onEntityChange = (path) => noteChange(`entity ${path}`);
  return opened;
};

/** Through the codec both ways, as a client would see it. */
const call = async <A extends Api>(
  api: A,
  handler: Handler,
  version: number,
  request: object,
): Promise<ResponseOutput<A>> => {
  const bytes = encodeToBuffer(api.request, version, request as never);
  const context = { apiVersion: version } as RequestContext;
  const response = await handler.handle(
    services,
    decode(api.request, version, bytes) as never,
    context,
  );
  const answer = encodeToBuffer(api.response, version, response as never);
  return decode(api.response, version, answer) as ResponseOutput<A>;
};

type Configs = readonly { name: string; value: string | null; configOperation?: number }[];

const alterAll = async (
  isIncremental: boolean,
  resources: readonly [type: number, name: string, configs: Configs][],
  validateOnly = false,
) => {
  const request = {
    resources: resources.map(([resourceType, resourceName, configs]) => ({
      resourceType,
      resourceName,
      configs: configs.map((config) =>
        isIncremental ? { configOperation: SET, ...config } : config,
      ),
    })),
    validateOnly,
  };
  const { responses } = isIncremental
    ? await call(apis.incrementalAlterConfigs, incrementalAlterConfigsHandler, 1, request)
    : await call(apis.alterConfigs, alterConfigsHandler, 2, request);
  return responses.map(({ errorCode, errorMessage }) => [errorCode, errorMessage]);
};

const alter = async (type: number, name: string, configs: Configs) =>
  (await alterAll(true, [[type, name, configs]]))[0];

const describeOne = async (resourceType: number, resourceName: string, version = 4) => {
  const { results } = await call(apis.describeConfigs, describeConfigsHandler, version, {
    resources: [{ resourceType, resourceName, configurationKeys: null }],
    ...(version >= 1 ? { includeSynonyms: true } : {}),
  });
  const [result] = results;
  if (result === undefined) throw new Error('no result');
  return result;
};

const stored = async (path: string): Promise<string> =>
  (await zookeeper.getData(path)).data?.toString() ?? 'null';

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.close());

beforeEach(async () => {
  zookeeper = await connect(`/configs-${count++}`);
  await zookeeper.createRecursive('/config/changes', null);
  await zookeeper.create(controllerZnode.path, controllerZnode.encode(1, 0));
  changes = [];
  waiting = [];
  dynamicConfig = open();
  await dynamicConfig.load();
  services = {
    system,
    zookeeper,
    dynamicConfig,
    topicConfigs: new TopicConfigSource(zookeeper, () => dynamicConfig.current),
    configWrites: createSerial(),
    metadata: { hasTopic: (topic: string) => topic === 't' },
  } as unknown as Services;
  await dynamicConfig.start();
});

afterEach(async () => {
  await dynamicConfig.stop();
  await zookeeper.close();
});

test('a topic’s settings are stored, announced and described', async () => {
  const configs = [
    { name: 'retention.ms', value: '86400000' },
    { name: 'cleanup.policy', value: 'compact', configOperation: APPEND },
  ];
  expect(await alter(TOPIC, 't', configs)).toEqual([0, null]);
  expect(await stored('/config/topics/t')).toBe(
    '{"version":1,"config":{"retention.ms":"86400000","cleanup.policy":"delete,compact"}}',
  );
  expect(await stored('/config/changes/config_change_0000000000')).toBe(
    '{"version":2,"entity_path":"topics/t"}',
  );
  await until(() => changes.includes('topic t'));
  const { configs: entries } = await describeOne(TOPIC, 't');
  expect(entries).toHaveLength(36);
  expect(entries.find(({ name }) => name === 'cleanup.policy')).toMatchObject({
    value: 'delete,compact',
    configSource: 1,
    synonyms: [
      { name: 'cleanup.policy', value: 'delete,compact', source: 1 },
      { name: 'log.cleanup.policy', value: 'delete', source: 5 },
    ],
  });
  const settings = await services.topicConfigs.of('t');
  expect(settings.log).toMatchObject({ retentionMs: 86_400_000, cleanupCompact: true });
});

test('AlterConfigs replaces what is stored, IncrementalAlterConfigs edits it', async () => {
  await alter(TOPIC, 't', [{ name: 'retention.ms', value: '1' }]);
  await alter(TOPIC, 't', [{ name: 'segment.ms', value: '2' }]);
  expect(await stored('/config/topics/t')).toContain('"retention.ms":"1","segment.ms":"2"');
  const replacement: Configs = [{ name: 'preallocate', value: 'true' }];
  expect(await alterAll(false, [[TOPIC, 't', replacement]])).toEqual([[0, null]]);
  expect(await stored('/config/topics/t')).toBe('{"version":1,"config":{"preallocate":"true"}}');
});

test('what is asked for twice is described once', async () => {
  const resource = { resourceType: TOPIC, resourceName: 't', configurationKeys: null };
  const other = { ...resource, configurationKeys: ['retention.ms'] };
  const { results } = await call(apis.describeConfigs, describeConfigsHandler, 4, {
    resources: [resource, resource, other, resource],
    includeSynonyms: false,
  });
  expect(results.map(({ configs }) => configs.length)).toEqual([36, 1]);
});

test('changes that are under way together are all kept', async () => {
  const configs = ['retention.ms', 'segment.ms', 'preallocate'].map((name) => [
    { name, value: name === 'preallocate' ? 'true' : '1' },
  ]);
  const answers = await Promise.all(configs.map((each) => alter(TOPIC, 't', each)));
  expect(answers).toEqual([
    [0, null],
    [0, null],
    [0, null],
  ]);
  expect(await stored('/config/topics/t')).toBe(
    '{"version":1,"config":{"retention.ms":"1","segment.ms":"1","preallocate":"true"}}',
  );
});

test('refusals are Kafka’s', async () => {
  const retention = (value: string | null): Configs => [{ name: 'retention.ms', value }];
  expect(await alter(TOPIC, 't', retention('soon'))).toEqual([
    40,
    "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): " +
      'Invalid value soon for configuration retention.ms: Not a number of type LONG',
  ]);
  expect(await alter(TOPIC, 't', [{ name: 'a', value: '1' }])).toEqual([
    40,
    'Unknown topic config name: a',
  ]);
  expect(await alter(TOPIC, 'absent', retention('1'))).toEqual([
    3,
    "The topic 'absent' does not exist.",
  ]);
  expect(await alter(TOPIC, 't', retention(null))).toEqual([
    42,
    'Null value not supported for : retention.ms',
  ]);
  expect(await alter(TOPIC, 't', [...retention('1'), ...retention('2')])).toEqual([
    42,
    'Error due to duplicate config keys',
  ]);
  expect(await alter(BROKER, '2', [])).toEqual([
    42,
    'Unexpected broker id, expected 1, but received 2',
  ]);
  expect(await alter(BROKER, '1', [{ name: 'broker.id', value: '9' }])).toEqual([
    42,
    'Cannot update these configs dynamically: Set(broker.id)',
  ]);
  expect(await alter(BROKER, '1', [{ name: 'log.cleaner.threads', value: '200' }])).toEqual([
    42,
    'requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
  ]);
  const password = 'listener.name.sasl_plaintext.plain.sasl.jaas.config';
  expect(await alter(BROKER, '1', [{ name: password, value: 'x' }])).toEqual([
    40,
    "Invalid config value for resource ConfigResource(type=BROKER, name='1'): " +
      'Password encoder secret not configured',
  ]);
  expect(await alter(1, 'x', [])).toEqual([42, 'Unknown resource type 1']);
  const twice = 'Each resource must appear at most once.';
  expect(
    await alterAll(true, [
      [TOPIC, 't', retention('1')],
      [TOPIC, 't', retention('2')],
    ]),
  ).toEqual([
    [42, twice],
    [42, twice],
  ]);
  await expect(zookeeper.exists('/config/topics/t')).resolves.toBeNull();
});

test('nothing is written on validateOnly, and without a controller', async () => {
  const resource: [number, string, Configs] = [TOPIC, 't', [{ name: 'retention.ms', value: '1' }]];
  expect(await alterAll(true, [resource], true)).toEqual([[0, null]]);
  await zookeeper.delete(controllerZnode.path);
  expect(await alterAll(true, [resource])).toEqual([[11, null]]);
  await expect(zookeeper.exists('/config/topics/t')).resolves.toBeNull();
});

test('a broker applies what is set for it and for all, and describes each layer', async () => {
  const threads = 'log.cleaner.threads';
  await alter(BROKER, '', [{ name: 'log.retention.ms', value: '1000' }]);
  await until(() => dynamicConfig.current.log.retentionMs === 1000);
  await alter(BROKER, '1', [
    { name: threads, value: '2' },
    { name: 'no.such.config', value: '3' },
  ]);
  await until(() => dynamicConfig.current.logCleanerThreads === 2);
  expect(changes).toEqual(['broker log.retention.ms', `broker ${threads},no.such.config`]);
  expect((await services.topicConfigs.of('t')).log.retentionMs).toBe(1000);

  const own = new Map((await describeOne(BROKER, '1')).configs.map((entry) => [entry.name, entry]));
  expect(own.get(threads)).toMatchObject({
    value: '2',
    configSource: 2,
    synonyms: [
      { name: threads, value: '2', source: 2 },
      { name: threads, value: '1', source: 5 },
    ],
  });
  expect(own.get('no.such.config')).toMatchObject({ value: null, isSensitive: true });
  expect(own.get('log.retention.ms')).toMatchObject({ value: '1000', configSource: 3 });
  expect((await describeOne(BROKER, '')).configs).toMatchObject([
    { name: 'log.retention.ms', value: '1000', configSource: 3, readOnly: false },
  ]);
  expect(dynamicConfig.current.brokerId).toBe(1);
});

test('passwords are encrypted in ZooKeeper and read back at the next start', async () => {
  await dynamicConfig.stop();
  dynamicConfig = open({
    'password.encoder.secret': 'secret',
    'password.encoder.iterations': '1024',
  });
  services = { ...services, dynamicConfig };
  const name = 'listener.name.sasl.plain.sasl.jaas.config';
  expect(await alter(BROKER, '1', [{ name, value: 'hidden;' }])).toEqual([0, null]);
  expect(await stored('/config/brokers/1')).not.toContain('hidden');
  await dynamicConfig.load();
  expect(dynamicConfig.brokerOverrides.get(name)).toBe('hidden;');
});

test('stored settings that cannot be applied are passed over', async () => {
  const config = new Map([
    ['num.partitions', '5'],
    ['background.threads', 'x'],
    ['message.max.bytes', '2000'],
  ]);
  await writeConfig(zookeeper, 'brokers/1', config);
  await until(() => dynamicConfig.current.messageBytesMax === 2000);
  expect(dynamicConfig.current).toMatchObject({ numPartitions: 1, backgroundThreads: 10 });
});

test('notifications that stand already are handled at start, broken ones skipped', async () => {
  await dynamicConfig.stop();
  const node = '/config/changes/config_change_';
  for (const data of [
    'no json',
    '{"version":1,"entity_type":"topics","entity_name":"old"}',
    '{"version":9}',
    '{"version":2,"entity_path":"users/u/clients/c"}',
  ])
    await zookeeper.create(node, Buffer.from(data), { mode: 'persistent-sequential' });
  dynamicConfig = open();
  await dynamicConfig.start();
  expect(changes).toEqual(['topic old', 'entity users/u/clients/c']);
});

test('what cannot be described says why', async () => {
  expect(await describeOne(TOPIC, 'absent')).toMatchObject({ errorCode: 3, errorMessage: '' });
  expect(await describeOne(TOPIC, '')).toMatchObject({
    errorCode: 17,
    errorMessage: 'Topic name is invalid: the empty string is not allowed',
  });
  expect(await describeOne(BROKER, '7')).toMatchObject({
    errorCode: 42,
    errorMessage: 'Unexpected broker id, expected 1 or empty string, but received 7',
  });
  expect((await describeOne(TOPIC, 't', 0)).configs[0]).toMatchObject({ isDefault: false });
});

test('log levels can be seen and changed', async () => {
  const name = 'kafka.server.ReplicaManager';
  expect(await alter(LOGGER, '1', [{ name, value: 'DEBUG' }])).toEqual([0, null]);
  expect(await alter(LOGGER, '1', [{ name, value: 'NOISY' }])).toEqual([
    40,
    `Cannot set the log level of ${name} to NOISY as it is not a supported log level. ` +
      'Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN',
  ]);
  const { configs } = await describeOne(LOGGER, '1');
  expect(configs.find((entry) => entry.name === name)).toMatchObject({
    value: 'DEBUG',
    configSource: 6,
  });
  expect(configs.find((entry) => entry.name === 'root')?.value).toBe('INFO');
});
