import { topicLogConfig, validateTopicConfigs } from '../../../broker/config/topic-configs.ts';
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
