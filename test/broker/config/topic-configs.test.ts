import { type TopicSetting, topicSettings } from '../../../broker/config/topic-config-table.ts';
import {
  topicLogConfig,
  topicValues,
  validateTopicConfigs,
} from '../../../broker/config/topic-configs.ts';
import { parseBrokerConfig } from '../../../broker/config.ts';

const parse = (settings: Record<string, string> = {}) =>
  parseBrokerConfig(new Map([['zookeeper.connect', 'localhost:2181'], ...Object.entries(settings)]))
    .config;

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

  test("the broker's symmetric limit is what a topic inherits, and comes before the topic's own", () => {
    const broker = parse({ 'log.message.timestamp.difference.max.ms': '60000' });
    const own = new Map([['message.timestamp.difference.max.ms', '100']]);
    const name = 'message.timestamp.before.max.ms';
    expect(topicValues(broker.values, own).get(name)).toBe('60000');
    expect(topicLogConfig(broker, own).log.messageTimestampBeforeMaxMs).toBe(60_000);
    expect(broker.log.messageTimestampAfterMaxMs).toBe(60_000);
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
    [
      'leader.replication.throttled.replicas',
      'a:b,1:2',
      'Invalid value [a:b, 1:2] for configuration leader.replication.throttled.replicas: ' +
        "leader.replication.throttled.replicas must be the literal '*' or a list of replicas " +
        'in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...',
    ],
    ...['9.9', '', '4.0-IV3', '2.8-IV9', '0.8', '0.9.0-IV0'].map((version) => [
      'message.format.version',
      version,
      `Invalid value ${version} for configuration message.format.version: ` +
        `Version ${version} is not a valid version`,
    ]),
    ...['remote.log.copy.disable', 'remote.log.delete.on.disable'].map((name) => [
      name,
      'true',
      'It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` ' +
        "under Zookeeper's mode.",
    ]),
    [
      'remote.storage.enable',
      'true',
      'Tiered Storage functionality is disabled in the broker. ' +
        'Topic cannot be configured with remote log storage.',
    ],
  ] as [string, string, string][])('%s=%s is refused', (name, value, message) => {
    expect(validateTopicConfigs(new Map([[name, value]]), parse().values)).toBe(message);
  });

  test.each([
    ['leader.replication.throttled.replicas', '0:1,'],
    ['leader.replication.throttled.replicas', ' * '],
    ['min.cleanable.dirty.ratio', 'NaN'],
    ['message.format.version', '2.8-IV1'],
    ['message.format.version', '3.9.1'],
    ['message.format.version', '0.8.2.1'],
    ['cleanup.policy', ''],
    // Without tiered storage nobody compares it with retention.ms.
    ['local.retention.ms', '700000000'],
  ])('%s=%s is fine', (name, value) => {
    expect(validateTopicConfigs(new Map([[name, value]]), parse().values)).toBeNull();
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

describe('the settings of a broker behind those of topics', () => {
  /** Two values that differ and are fine, by the kind of setting. */
  const valuesOf = ({ name, type, range }: TopicSetting): readonly [string, string] => {
    if (type === 'boolean') return ['true', 'false'];
    if (range.startsWith('in:')) return range.slice(3).split(',').slice(-2) as [string, string];
    if (name === 'segment.bytes') return ['14', '15'];
    return name === 'min.cleanable.dirty.ratio' ? ['0.1', '0.9'] : ['8', '9'];
  };

  /** Of no effect without tiered storage, or from 3.0 on; and the symmetric limit, see above. */
  const others = /^(local\.retention|message\.format|message\.timestamp\.difference)/;
  const settings = [...topicSettings.values()].filter(
    ({ name, brokerName }) => brokerName !== null && !others.test(name),
  );

  test.each(settings.map((setting) => [setting.name, setting] as const))(
    '%s is the same from either place',
    (name, setting) => {
      const [first, second] = valuesOf(setting);
      const byBroker = (text: string) =>
        topicLogConfig(parse({ [setting.brokerName ?? '']: text }), new Map());
      const byTopic = (text: string) =>
        topicLogConfig(parse({ [setting.brokerName ?? '']: first }), new Map([[name, text]]));
      expect(byBroker(first)).not.toEqual(byBroker(second));
      expect(byTopic(second)).toEqual(byBroker(second));
    },
  );

  test.each([
    [{ 'log.retention.hours': '2' }, 'retention.ms', '7200000'],
    [{ 'log.retention.hours': '2', 'log.retention.minutes': '3' }, 'retention.ms', '180000'],
    [{ 'log.retention.minutes': '3', 'log.retention.ms': '4' }, 'retention.ms', '4'],
    [{ 'log.retention.hours': '-1' }, 'retention.ms', '-1'],
    [{ 'log.roll.hours': '2' }, 'segment.ms', '7200000'],
    [{ 'log.roll.hours': '2', 'log.roll.ms': '5' }, 'segment.ms', '5'],
    [{ 'log.roll.jitter.hours': '1' }, 'segment.jitter.ms', '3600000'],
    [{ 'log.flush.scheduler.interval.ms': '7' }, 'flush.ms', '7'],
    [{ 'log.flush.scheduler.interval.ms': '7', 'log.flush.interval.ms': '8' }, 'flush.ms', '8'],
  ])('%j gives %s=%s', (given, name, value) => {
    expect(topicValues(parse(given as Record<string, string>).values, new Map()).get(name)).toBe(
      value,
    );
  });

  test('log.dirs comes before log.dir', () => {
    expect(parse({ 'log.dir': '/one' }).logDirs).toEqual(['/one']);
    expect(parse({ 'log.dir': '/one', 'log.dirs': '/two,/three' }).logDirs).toEqual([
      '/two',
      '/three',
    ]);
  });
});
