import { altered, operations } from '../../../broker/config/alterations.ts';
import {
  checkOverrides,
  checkThreadCounts,
  overlay,
} from '../../../broker/config/dynamic-settings.ts';
import { ConfigError } from '../../../broker/config/setting.ts';
import { topicSettings } from '../../../broker/config/topic-config-table.ts';

const messageOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'nothing was thrown';
};

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
