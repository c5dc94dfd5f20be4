/**
 * From a topic's overrides and a broker's settings to what counts for a topic, and the check of
 * overrides that somebody wants to store (Kafka's LogConfig). Where overrides come from is the
 * business of ../topic-config-source.ts.
 */
import { defaultLogConfig, logConfigOf } from '../../log/log-config.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { TopicSettings } from '../topic-settings.ts';
import { ConfigError, checkedText, LONG_MAX } from './setting.ts';
import { type TopicSetting, topicSettings } from './topic-config-table.ts';

/** Broker settings by name as checked text; null: unset. */
export type BrokerValues = ReadonlyMap<string, string | null>;
export type Overrides = ReadonlyMap<string, string>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * Topic settings with more than one broker setting behind them, the first that is set counts, and
 * its unit.
 */
const fallbacks: Readonly<Record<string, readonly (readonly [name: string, unitMs: number])[]>> = {
  'retention.ms': [
    ['log.retention.ms', 1],
    ['log.retention.minutes', MINUTE_MS],
    ['log.retention.hours', HOUR_MS],
  ],
  'segment.ms': [
    ['log.roll.ms', 1],
    ['log.roll.hours', HOUR_MS],
  ],
  'segment.jitter.ms': [
    ['log.roll.jitter.ms', 1],
    ['log.roll.jitter.hours', HOUR_MS],
  ],
  'flush.ms': [
    ['log.flush.interval.ms', 1],
    ['log.flush.scheduler.interval.ms', 1],
  ],
};

/** What the broker's settings say about a topic setting. */
export const brokerDefault = (values: BrokerValues, { name, ...rest }: TopicSetting): string => {
  for (const [brokerName, unit] of fallbacks[name] ?? []) {
    const text = values.get(brokerName) ?? null;
    if (text === null) continue;
    const scaled = (BigInt(text) * BigInt(unit)).toString();
    return name === 'retention.ms' && scaled.startsWith('-') ? '-1' : scaled;
  }
  const inherited = rest.brokerName === null ? null : values.get(rest.brokerName);
  // The deprecated symmetric limit counts where the newer ones are left at "no limit".
  if (symmetricLimits.has(name) && inherited === LONG_MAX)
    return values.get('log.message.timestamp.difference.max.ms') ?? LONG_MAX;
  return inherited ?? rest.defaultText ?? '';
};

const symmetricLimits: ReadonlySet<string> = new Set([
  'message.timestamp.before.max.ms',
  'message.timestamp.after.max.ms',
]);

/** All settings of a topic in force, by name. Overrides that are unknown or bad are passed over. */
export const topicValues = (values: BrokerValues, overrides: Overrides): Map<string, string> =>
  new Map(
    [...topicSettings.values()].map((setting) => [
      setting.name,
      overrideText(setting, overrides) ?? brokerDefault(values, setting),
    ]),
  );

const overrideText = (setting: TopicSetting, overrides: Overrides): string | null => {
  const text = overrides.get(setting.name);
  if (text === undefined) return null;
  try {
    return checkedText(setting, text);
  } catch (error) {
    // Whoever writes to ZooKeeper without a check must not stop the partitions of the topic.
    if (error instanceof ConfigError) return null;
    throw error;
  }
};

/** What counts for a topic with `overrides` on a broker. */
export const topicLogConfig = (
  broker: { readonly values: BrokerValues },
  overrides: Overrides,
): TopicSettings => {
  const values = topicValues(broker.values, overrides);
  // The same among the topic's own: logConfigOf puts the symmetric limit where there is none.
  for (const name of symmetricLimits) if (values.get(name) === LONG_MAX) values.delete(name);
  return {
    log: logConfigOf(defaultLogConfig, values),
    minInsyncReplicas: Number(values.get('min.insync.replicas')),
    uncleanLeaderElectionEnable: values.get('unclean.leader.election.enable') === 'true',
  };
};

/**
 * Throws for the first bad override: ProtocolError for an unknown name, ConfigError for a value.
 */
export const checkTopicConfigs = (overrides: Overrides, broker: BrokerValues): void => {
  for (const name of overrides.keys())
    if (!topicSettings.has(name)) throw refused(`Unknown topic config name: ${name}`);
  for (const [name, text] of overrides) {
    const setting = topicSettings.get(name);
    if (setting !== undefined) checkedText(setting, text);
  }
  const values = topicValues(broker, overrides);
  const minLag = values.get('min.compaction.lag.ms') ?? '0';
  const maxLag = values.get('max.compaction.lag.ms') ?? LONG_MAX;
  if (BigInt(minLag) > BigInt(maxLag))
    throw refused(
      `conflict topic config setting min.compaction.lag.ms (${minLag}) > ` +
        `max.compaction.lag.ms (${maxLag})`,
    );
  checkTiering(values);
};

/** There is no tiered storage here, and none of its refinements in ZooKeeper mode at all. */
const checkTiering = (values: ReadonlyMap<string, string>): void => {
  const names = ['remote.log.delete.on.disable', 'remote.log.copy.disable'];
  if (names.some((name) => values.get(name) === 'true'))
    throw refused(
      `It is invalid to set ${names.map((name) => `\`${name}\``).join(' or ')} ` +
        "under Zookeeper's mode.",
    );
  if (values.get('remote.storage.enable') === 'true')
    throw new ConfigError(
      'Tiered Storage functionality is disabled in the broker. ' +
        'Topic cannot be configured with remote log storage.',
    );
};

const refused = (message: string): ProtocolError =>
  new ProtocolError(errorCodes.INVALID_CONFIG, message);

/** Why `overrides` may not be stored (INVALID_CONFIG); null when they may. */
export const validateTopicConfigs = (overrides: Overrides, broker: BrokerValues): string | null => {
  try {
    checkTopicConfigs(overrides, broker);
    return null;
  } catch (error) {
    if (error instanceof ConfigError || error instanceof ProtocolError) return error.message;
    throw error;
  }
};
