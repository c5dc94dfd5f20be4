/**
 * Which broker settings may change at run time and for whom, how names with a listener's prefix and
 * names of one family go together, and how layers of settings lie over each other (Kafka's
 * DynamicBrokerConfig, KIP-226). Pure.
 */
import { brokerSettings } from './broker-settings.ts';
import { ConfigError, checkedText, type Setting } from './setting.ts';

type Properties = ReadonlyMap<string, string>;

/**
 * Changeable only with a `listener.name.<name>.` prefix: what a listener's keys and certificates
 * are read from.
 */
const keyStoreSettings: ReadonlySet<string> = new Set([
  'ssl.keystore.type',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.key.password',
  'ssl.truststore.type',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.certificates',
]);

/**
 * With a listener's prefix these may be set for the whole cluster, all others for one broker only.
 */
const clusterLevelListenerSettings: ReadonlySet<string> = new Set([
  'max.connections',
  'max.connection.creation.rate',
  'num.network.threads',
]);

/** Settings whose first that is set counts. */
const families: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
];

/** With a listener's prefix these carry a SASL mechanism, too. */
const mechanismSettings = [
  'sasl.jaas.config',
  'sasl.login.callback.handler.class',
  'sasl.login.class',
  'sasl.server.callback.handler.class',
  'connections.max.reauth.ms',
];

/** The name behind a listener's prefix, a mechanism still before it; null without prefix. */
const behindListener = (name: string): string | null =>
  /^listener\.name\.[^.]*\.(.*)$/.exec(name)?.[1] ?? null;

/** The names whose values may stand in for `name`, itself included, in order. */
export const synonymsOf = (name: string): readonly string[] => {
  const behind = behindListener(name);
  if (behind !== null)
    return [name, mechanismSettings.find((setting) => behind.endsWith(setting)) ?? behind];
  return families.find((family) => family.includes(name)) ?? [name];
};

/**
 * The setting that a name stands for, also with a listener's prefix; undefined for a custom one.
 */
export const settingNamed = (name: string): Setting | undefined =>
  brokerSettings.get(name) ??
  (behindListener(name) === null ? undefined : brokerSettings.get(synonymsOf(name).at(-1) ?? ''));

/** Custom settings count as secrets, because nobody knows what they hold. */
export const isSensitive = (setting: Setting | undefined): boolean =>
  setting === undefined || setting.type === 'password';

/**
 * As DescribeConfigs shows it: the quotas of replication are not in Kafka's list, although they can
 * change.
 */
export const isReadOnly = (name: string): boolean =>
  !['broker', 'cluster'].includes(brokerSettings.get(name)?.mark ?? '-');

const isPerBroker = (name: string): boolean => {
  const behind = behindListener(name);
  if (behind !== null) return !clusterLevelListenerSettings.has(behind);
  return brokerSettings.get(name)?.mark === 'broker';
};

const namesWhere = (properties: Properties, isBad: (name: string) => boolean): string[] =>
  [...properties.keys()].filter(isBad);

/** Throws ConfigError unless `overrides` may be stored for one broker, or for all. */
export const checkOverrides = (overrides: Properties, isForOneBroker: boolean): void => {
  const refuse = (isBad: (name: string) => boolean, message: string): void => {
    const names = namesWhere(overrides, isBad);
    if (names.length > 0) throw new ConfigError(`${message}: Set(${names.join(', ')})`);
  };
  refuse(
    (name) => brokerSettings.get(name)?.mark === '-',
    'Cannot update these configs dynamically',
  );
  refuse(
    (name) => keyStoreSettings.has(name),
    'These security configs can be dynamically updated only per-listener using the listener prefix',
  );
  for (const [name, text] of overrides) checkedOverride(name, text);
  if (!isForOneBroker)
    refuse(
      isPerBroker,
      'Cannot update these configs at default cluster level, broker id must be specified',
    );
};

const checkedOverride = (name: string, text: string): void => {
  const behind = behindListener(name);
  const setting = brokerSettings.get(behind ?? name);
  if (setting !== undefined) checkedText(setting, text);
};

/** The part of stored overrides that can be applied, and the names of the rest. */
export const usableOverrides = (
  stored: Properties,
  isForOneBroker: boolean,
): { usable: Map<string, string>; ignored: string[] } => {
  const usable = new Map<string, string>();
  const ignored: string[] = [];
  for (const [name, text] of stored) {
    try {
      checkOverrides(new Map([[name, text]]), isForOneBroker);
      usable.set(name, text);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      ignored.push(name);
    }
  }
  return { usable, ignored };
};

/** `upper` over `lower`: a setting removes its whole family from the layer below. */
export const overlay = (lower: Properties, upper: Properties): Map<string, string> => {
  const merged = new Map(lower);
  for (const name of upper.keys())
    for (const other of families.find((family) => family.includes(name)) ?? [name])
      merged.delete(other);
  for (const [name, text] of upper) merged.set(name, text);
  return merged;
};

const threadCounts = [
  'num.io.threads',
  'num.network.threads',
  'num.replica.fetchers',
  'num.recovery.threads.per.data.dir',
  'background.threads',
  'log.cleaner.threads',
];

/** A pool may at most double or halve in one step. Throws ConfigError in Kafka's nested wording. */
export const checkThreadCounts = (
  current: ReadonlyMap<string, string | null>,
  next: ReadonlyMap<string, string | null>,
): void => {
  for (const name of threadCounts) {
    const [before, after] = [Number(current.get(name)), Number(next.get(name))];
    if (before === after) continue;
    const fail = (rule: string): never => {
      throw new ConfigError(
        'Invalid value org.apache.kafka.common.config.ConfigException: ' +
          `Dynamic thread count update validation failed for ${name}=${after}, ${rule} ` +
          'for configuration Invalid dynamic configuration',
      );
    };
    if (after < 1) fail('value should be at least 1');
    if (after < Math.floor(before / 2))
      fail(`value should be at least half the current value ${before}`);
    if (after > before * 2)
      fail(`value should not be greater than double the current value ${before}`);
  }
};
