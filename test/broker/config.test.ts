import { readFileSync } from 'node:fs';
import { altered, operations } from '../../broker/config/alterations.ts';
import { brokerSettings } from '../../broker/config/broker-settings.ts';
import { brokerEntries, topicEntries } from '../../broker/config/config-entries.ts';
import {
  checkOverrides,
  checkThreadCounts,
  overlay,
} from '../../broker/config/dynamic-settings.ts';
import { decodePassword, encodePassword } from '../../broker/config/password-encoder.ts';
import { parseProperties } from '../../broker/config/properties.ts';
import { ConfigError, checkedText, doubleText } from '../../broker/config/setting.ts';
import { topicSettings } from '../../broker/config/topic-config-table.ts';
import { topicLogConfig, validateTopicConfigs } from '../../broker/config/topic-configs.ts';
import { numberOf, parseBrokerConfig } from '../../broker/config.ts';
import { groupConfig } from '../../broker/groups/config.ts';
import { realRandom } from '../../system/random.ts';

const zookeeper: [string, string] = ['zookeeper.connect', 'localhost:2181'];
const parse = (settings: Record<string, string> = {}) =>
  parseBrokerConfig(new Map([zookeeper, ...Object.entries(settings)])).config;
const messageOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'nothing was thrown';
};
const refusal = (settings: Record<string, string>): string => messageOf(() => parse(settings));

describe('a .properties file', () => {
  test('knows comments, three separators, escapes and continued lines', () => {
    const text = [
      '# a comment',
      '! another',
      'a=1',
      'b : 2',
      'c 3',
      '  d\\ e = x\\ty\\u0041',
      'list=a,\\',
      '   b',
      'empty=',
      'bare',
      'path=C\\:\\\\x',
      'a=last',
    ].join('\n');
    expect(Object.fromEntries(parseProperties(text))).toEqual({
      a: 'last',
      b: '2',
      c: '3',
      'd e': 'x\tyA',
      list: 'a,b',
      empty: '',
      bare: '',
      path: 'C:\\x',
    });
  });

  test('does not join lines after an escaped backslash or a comment', () => {
    expect([...parseProperties('# c \\\na=x\\\\\nb=y\r\nc=z\\')]).toEqual([
      ['a', 'x\\'],
      ['b', 'y'],
      ['c', 'z'],
    ]);
  });
});

describe('the settings of a broker', () => {
  test('have defaults that fit together', () => {
    const config = parse();
    expect(config).toMatchObject({
      brokerId: -1,
      logDirs: ['/tmp/kafka-logs'],
      zookeeperSessionTimeoutMs: 18_000,
      zookeeperConnectionTimeoutMs: 18_000,
      interBrokerListenerName: 'PLAINTEXT',
      listeners: [{ name: 'PLAINTEXT', host: '', port: 9092, securityProtocol: 'PLAINTEXT' }],
      numPartitions: 1,
      rack: null,
      autoCreateTopicsEnable: true,
      interBrokerProtocolVersion: '3.9-IV0',
    });
    expect(config.log.retentionMs).toBe(604_800_000);
    expect(groupConfig((name) => numberOf(config, name)).partitionCount).toBe(50);
  });

  test('a table of defaults passes its own checks', () => {
    for (const setting of [...brokerSettings.values(), ...topicSettings.values()]) {
      const { defaultText } = setting;
      if (defaultText !== null) expect(checkedText(setting, defaultText)).toBe(defaultText);
    }
  });

  test('node.id and broker.id are one', () => {
    expect(parse({ 'node.id': '7' }).brokerId).toBe(7);
    expect(refusal({ 'node.id': '7', 'broker.id': '8' })).toBe(
      'You must set `node.id` to the same value as `broker.id`.',
    );
  });

  test('the finest unit of a time counts', () => {
    expect(parse({ 'log.retention.hours': '2' }).log.retentionMs).toBe(7_200_000);
    expect(
      parse({ 'log.retention.hours': '2', 'log.retention.minutes': '3' }).log.retentionMs,
    ).toBe(180_000);
    expect(parse({ 'log.retention.minutes': '-5' }).log.retentionMs).toBe(-1);
    expect(parse({ 'log.roll.hours': '1', 'log.roll.jitter.hours': '1' }).log).toMatchObject({
      segmentMs: 3_600_000,
      segmentJitterMs: 3_600_000,
    });
  });

  test.each([
    [
      { 'num.partitions': 'x' },
      'Invalid value x for configuration num.partitions: Not a number of type INT',
    ],
    [
      { 'num.partitions': '0' },
      'Invalid value 0 for configuration num.partitions: Value must be at least 1',
    ],
    [
      { 'compression.lz4.level': '18' },
      'Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17',
    ],
    [
      { 'delete.topic.enable': 'yes' },
      'Invalid value yes for configuration delete.topic.enable: ' +
        'Expected value to be either true or false',
    ],
    [
      { 'compression.type': 'rar' },
      'Invalid value rar for configuration compression.type: String must be one of: ' +
        'uncompressed, zstd, lz4, snappy, gzip, producer',
    ],
    [
      { 'log.cleanup.policy': 'delete,shred' },
      'Invalid value shred for configuration log.cleanup.policy: ' +
        'String must be one of: compact, delete',
    ],
    [
      { 'broker.id': '1001' },
      'requirement failed: broker.id must be greater than or equal to -1 and not greater than ' +
        'reserved.broker.max.id',
    ],
    [
      { 'broker.id': '99999999999' },
      'Invalid value 99999999999 for configuration broker.id: Not a number of type INT',
    ],
  ])('%j is refused', (settings, message) => {
    expect(refusal(settings as unknown as Record<string, string>)).toBe(message);
  });

  test('zookeeper.connect must be there', () => {
    expect(messageOf(() => parseBrokerConfig(new Map()))).toBe(
      'Missing required configuration `zookeeper.connect` which has no default value.',
    );
  });

  test('unknown names are a warning each', () => {
    const { warnings } = parseBrokerConfig(
      new Map([zookeeper, ['no.such', '1'], ['listener.name.x.ssl.keystore.type', 'PEM']]),
    );
    expect(warnings).toEqual(['The configuration no.such is not known and changes nothing.']);
  });
});

describe('listeners', () => {
  test('are taken apart with names in capitals, IPv6 hosts and their own protocols', () => {
    const config = parse({
      listeners: 'client://0.0.0.0:19092, INTERNAL://[::1]:0',
      'advertised.listeners': 'CLIENT://broker-1.example:9092,INTERNAL://10.0.0.1:9093',
      'listener.security.protocol.map': 'CLIENT:SASL_SSL,INTERNAL:PLAINTEXT',
      'inter.broker.listener.name': 'internal',
    });
    expect(config.listeners).toEqual([
      { name: 'CLIENT', host: '0.0.0.0', port: 19_092, securityProtocol: 'SASL_SSL' },
      { name: 'INTERNAL', host: '::1', port: 0, securityProtocol: 'PLAINTEXT' },
    ]);
    expect(config.advertisedListeners[0]?.host).toBe('broker-1.example');
    expect(config.interBrokerListenerName).toBe('INTERNAL');
  });

  test.each([
    [{ listeners: 'PLAINTEXT//x:1' }, /Unable to parse/],
    [{ listeners: 'OTHER://x:1' }, /No security protocol defined for listener OTHER/],
    [{ listeners: 'SSL://x:1' }, /inter.broker.listener.name must be a listener name/],
    [{ listeners: 'PLAINTEXT://x:1,PLAINTEXT://x:2' }, /different name/],
    [{ listeners: 'PLAINTEXT://x:1,SSL://x:1' }, /different port/],
    [{ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:1' }, /nonroutable meta-address/],
    [{ 'advertised.listeners': 'PLAINTEXT://x:1,SSL://x:2' }, /equal to or a subset/],
    [{ 'inter.broker.listener.name': 'X' }, /not found in listener.security.protocol.map/],
    [{ 'control.plane.listener.name': 'PLAINTEXT' }, /should have a different value/],
  ])('%j is refused', (settings, pattern) => {
    expect(refusal(settings as unknown as Record<string, string>)).toMatch(pattern);
  });
});

describe('the settings of a topic', () => {
  test('lie over those of the broker', () => {
    const broker = parse({ 'log.retention.ms': '5000', 'min.insync.replicas': '2' });
    const settings = topicLogConfig(broker, new Map([['cleanup.policy', 'compact']]));
    expect(settings.log).toMatchObject({
      retentionMs: 5000,
      cleanupCompact: true,
      cleanupDelete: false,
    });
    expect(settings.minInsyncReplicas).toBe(2);
    expect(topicLogConfig(broker, new Map([['min.insync.replicas', '1']])).minInsyncReplicas).toBe(
      1,
    );
  });

  test('the symmetric timestamp limit counts where the newer ones are unlimited', () => {
    const broker = parse({ 'log.message.timestamp.after.max.ms': '7' });
    const { log } = topicLogConfig(
      broker,
      new Map([['message.timestamp.difference.max.ms', '100']]),
    );
    expect(log.messageTimestampBeforeMaxMs).toBe(100);
    expect(log.messageTimestampAfterMaxMs).toBe(7);
  });

  test('a bad stored override falls back to the broker', () => {
    expect(topicLogConfig(parse(), new Map([['retention.ms', 'soon']])).log.retentionMs).toBe(
      604_800_000,
    );
  });

  test.each([
    ['no.such.config', '1', 'Unknown topic config name: no.such.config'],
    [
      'retention.ms',
      'soon',
      'Invalid value soon for configuration retention.ms: Not a number of type LONG',
    ],
    [
      'retention.ms',
      '',
      'Invalid value  for configuration retention.ms: Not a number of type LONG',
    ],
    [
      'segment.bytes',
      '1',
      'Invalid value 1 for configuration segment.bytes: Value must be at least 14',
    ],
    [
      'cleanup.policy',
      'shred',
      'Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete',
    ],
  ])('%s=%s is refused', (name, value, message) => {
    expect(validateTopicConfigs(new Map([[name, value]]), parse().values)).toBe(message);
  });

  test('compaction lags must be in order', () => {
    const overrides = new Map([
      ['min.compaction.lag.ms', '2'],
      ['max.compaction.lag.ms', '1'],
    ]);
    expect(validateTopicConfigs(overrides, parse().values)).toBe(
      'conflict topic config setting min.compaction.lag.ms (2) > max.compaction.lag.ms (1)',
    );
  });
});

describe('dynamic settings', () => {
  const check = (settings: Record<string, string>, isForOneBroker = true): string =>
    messageOf(() => checkOverrides(new Map(Object.entries(settings)), isForOneBroker));

  test('are refused in Kafka’s words', () => {
    expect(check({ 'broker.id': '9' })).toBe(
      'Cannot update these configs dynamically: Set(broker.id)',
    );
    expect(check({ 'advertised.listeners': 'PLAINTEXT://x:1' }, false)).toBe(
      'Cannot update these configs at default cluster level, broker id must be specified: ' +
        'Set(advertised.listeners)',
    );
    expect(check({ 'ssl.keystore.type': 'PEM' })).toMatch(/only per-listener/);
    expect(check({ 'log.cleaner.threads': 'x' })).toBe(
      'Invalid value x for configuration log.cleaner.threads: Not a number of type INT',
    );
  });

  test('custom names, listener prefixes and quotas are accepted', () => {
    checkOverrides(new Map([['no.such.config', '3']]), true);
    checkOverrides(new Map([['listener.name.plaintext.max.connections', '100']]), false);
    checkOverrides(new Map([['leader.replication.throttled.rate', '1000']]), true);
    expect(check({ 'listener.name.x.ssl.keystore.type': 'PEM' }, false)).toMatch(/broker id must/);
  });

  test('a setting removes its family from the layer below', () => {
    const below = new Map([
      ['log.retention.ms', '1'],
      ['log.retention.hours', '2'],
      ['other', '3'],
    ]);
    expect([...overlay(below, new Map([['log.retention.minutes', '4']]))]).toEqual([
      ['other', '3'],
      ['log.retention.minutes', '4'],
    ]);
  });

  test('threads may at most double', () => {
    const values = (count: string) => new Map([['background.threads', count]]);
    expect(messageOf(() => checkThreadCounts(values('10'), values('1000')))).toBe(
      'Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update ' +
        'validation failed for background.threads=1000, value should not be greater than double ' +
        'the current value 10 for configuration Invalid dynamic configuration',
    );
    checkThreadCounts(values('10'), values('5'));
    expect(messageOf(() => checkThreadCounts(values('10'), values('4')))).toMatch(/at least half/);
  });
});

describe('incremental alterations', () => {
  const alter = (name: string, configOperation: number, value: string | null, stored = {}) =>
    Object.fromEntries(
      altered(
        { resourceType: 2, resourceName: 't', configs: [{ name, value, configOperation }] },
        new Map(Object.entries<string>(stored)),
        topicSettings,
      ),
    );

  test('append to the stored list or the default, without doubles', () => {
    expect(alter('cleanup.policy', operations.append, 'compact,delete')).toEqual({
      'cleanup.policy': 'delete,compact',
    });
    const name = 'leader.replication.throttled.replicas';
    expect(alter(name, operations.append, '1:2', { [name]: '0:1' })).toEqual({ [name]: '0:1,1:2' });
  });

  test('subtract down to an empty list; deleting what is not there is fine', () => {
    expect(alter('cleanup.policy', operations.subtract, 'delete')).toEqual({
      'cleanup.policy': '',
    });
    expect(alter('retention.ms', operations.delete, null)).toEqual({});
  });

  test('only lists can be appended to', () => {
    expect(() => alter('retention.ms', operations.append, '1')).toThrow(
      'Config value append is not allowed for config key: retention.ms',
    );
  });
});

describe('passwords', () => {
  const options = {
    secret: 'a secret',
    keyFactoryAlgorithm: null,
    cipherAlgorithm: 'AES/CBC/PKCS5Padding',
    keyLength: 128,
    iterations: 1024,
  };

  test.each(['AES/CBC/PKCS5Padding', 'AES/GCM/NoPadding'])('come back from %s', (cipher) => {
    const encoded = encodePassword(realRandom, { ...options, cipherAlgorithm: cipher }, 'pässword');
    expect(decodePassword('a secret', encoded)).toBe('pässword');
    expect(() => decodePassword('another', encoded)).toThrow(ConfigError);
  });

  test('that Kafka encrypted can be read', () => {
    const { encoded, secret, password } = JSON.parse(
      readFileSync(new URL('../fixtures/config/password.json', import.meta.url), 'utf8'),
    );
    expect(decodePassword(secret, encoded)).toBe(password);
  });
});

describe('what is described', () => {
  interface Recorded {
    readonly name: string;
    readonly value: string | null;
    readonly readOnly: boolean;
    readonly configSource: number;
    readonly isSensitive: boolean;
    readonly configType: number;
    readonly synonyms: unknown[];
  }
  const recorded: { broker: Recorded[]; topic: Recorded[] } = JSON.parse(
    readFileSync(new URL('../fixtures/config/describe.json', import.meta.url), 'utf8'),
  );
  const byName = <T extends { readonly name: string }>(entries: readonly T[]): T[] =>
    [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  const essence = ({ name, value, readOnly, configSource, isSensitive, configType }: Recorded) => ({
    name,
    value,
    readOnly,
    configSource,
    isSensitive,
    configType,
  });
  /** Was being changed while the recording was made. */
  const isSteady = ({ name }: { readonly name: string }): boolean => name !== 'log.retention.ms';
  const set = (source: number): [string, string][] =>
    recorded.broker
      .filter(({ configSource }) => configSource === source)
      .filter(isSteady)
      .map(({ name, value }) => [name, value ?? 'x']);
  const staticConfig = parseBrokerConfig(new Map(set(4))).config;
  const brokerOverrides = new Map(set(2));
  const layers = {
    staticConfig,
    brokerOverrides,
    clusterOverrides: new Map(),
    current: parseBrokerConfig(overlay(staticConfig.raw, brokerOverrides)).config,
  };

  test('of a broker is what Kafka describes', () => {
    const ours = brokerEntries(layers) as readonly unknown[] as Recorded[];
    expect(byName(ours.filter(isSteady)).map(essence)).toEqual(
      byName(recorded.broker.filter(isSteady)).map(essence),
    );
  });

  test('of a topic is what Kafka describes, synonyms included', () => {
    const overrides = new Map([['cleanup.policy', 'delete,compact']]);
    expect(
      byName(topicEntries(layers, overrides)).map(
        ({ isDefault: _, documentation: __, ...entry }) => entry,
      ),
    ).toEqual(
      byName(recorded.topic).map(
        ({ documentation: _, ...entry }: Recorded & { documentation?: unknown }) => entry,
      ),
    );
  });

  test('a listener’s setting has the broker’s as its synonym', () => {
    const name = 'listener.name.plaintext.max.connections';
    const entry = brokerEntries({
      ...layers,
      brokerOverrides: new Map([[name, '100']]),
      current: { ...layers.current, raw: new Map([[name, '100']]) },
    }).find((candidate) => candidate.name === name);
    expect(entry?.synonyms).toEqual([
      { name, value: '100', source: 2 },
      { name: 'max.connections', value: '2147483647', source: 5 },
    ]);
  });
});

test('doubles are written as Java writes them', () => {
  expect([200, 0.5, 1e7, 1.7976931348623157e308, 12_345_678, 0.0001].map(doubleText)).toEqual([
    '200.0',
    '0.5',
    '1.0E7',
    '1.7976931348623157E308',
    '1.2345678E7',
    '1.0E-4',
  ]);
});
