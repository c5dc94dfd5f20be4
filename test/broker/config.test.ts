import { brokerSettings } from '../../broker/config/broker-settings.ts';
import { parseProperties } from '../../broker/config/properties.ts';
import { ConfigError, checkedText, doubleText } from '../../broker/config/setting.ts';
import { topicSettings } from '../../broker/config/topic-config-table.ts';
import { numberOf, parseBrokerConfig } from '../../broker/config.ts';
import { groupConfig } from '../../broker/groups/config.ts';

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
