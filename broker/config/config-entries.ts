/**
 * What DescribeConfigs tells about settings: value, where it comes from, and the values that stand
 * in line behind it (KIP-133, KIP-226, Kafka's ConfigHelper). Pure; the handler reads what is
 * stored.
 */
import type { Properties } from '../config.ts';
import { brokerSettings } from './broker-settings.ts';
import { isReadOnly, isSensitive, settingNamed, synonymsOf } from './dynamic-settings.ts';
import type { Setting, SettingType } from './setting.ts';
import { topicSettings } from './topic-config-table.ts';
import { type BrokerValues, type Overrides, topicValues } from './topic-configs.ts';

export const configSources = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  brokerLogger: 6,
} as const;

const typeCodes: Readonly<Record<SettingType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
};

export interface Synonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly isDefault: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  readonly synonyms: readonly Synonym[];
  readonly configType: number;
  readonly documentation: string | null;
}

/** The settings of a broker, layer by layer. */
export interface Layers {
  readonly current: { readonly values: BrokerValues; readonly raw: Properties };
  readonly staticConfig: { readonly raw: Properties };
  readonly clusterOverrides: Properties;
  readonly brokerOverrides: Properties;
}

/** Entries for a topic: all known settings and unknown ones that are stored. */
export const topicEntries = (layers: Layers, overrides: Overrides): ConfigEntry[] => {
  const values: Map<string, string> = new Map([
    ...overrides,
    ...topicValues(layers.current.values, overrides),
  ]);
  return [...values].map(([name, value]) => {
    const setting = topicSettings.get(name);
    const hides = isSensitive(setting);
    const brokerName = setting?.brokerName ?? null;
    const shown = hides ? null : value;
    const own = { name, value: shown, source: configSources.topic };
    const inherited = brokerName === null ? [] : synonyms(layers, brokerName, hides);
    const line = overrides.has(name) ? [own, ...inherited] : inherited;
    return entry(setting, { name, value: shown, line, readOnly: false });
  });
};

/** Entries for a broker: all settings but unset internal ones, and whatever else is set. */
export const brokerEntries = (layers: Layers): ConfigEntry[] => {
  const { values, raw } = layers.current;
  const custom = [...raw].filter(([name]) => !brokerSettings.has(name));
  const known = [...brokerSettings.values()]
    .filter(({ name, isInternal, mark }) => raw.has(name) || !(isInternal || mark === 'quota'))
    .map(({ name }) => [name, values.get(name) ?? null] as const);
  return [...known, ...custom].map(([name, value]) => brokerEntry(layers, name, value));
};

/** Entries for all brokers: what is set for them in ZooKeeper, nothing else. */
export const clusterEntries = (layers: Layers): ConfigEntry[] =>
  [...layers.clusterOverrides].map(([name, value]) =>
    brokerEntry(layers, name, value, configSources.dynamicDefaultBroker),
  );

const brokerEntry = (
  layers: Layers,
  name: string,
  value: string | null,
  onlySource?: number,
): ConfigEntry => {
  const setting = settingNamed(name);
  const hides = isSensitive(setting);
  const line = synonyms(layers, name, hides).filter(
    ({ source }) => onlySource === undefined || source === onlySource,
  );
  return entry(setting, { name, value: hides ? null : value, line, readOnly: isReadOnly(name) });
};

const entry = (
  setting: Setting | undefined,
  {
    name,
    value,
    line,
    readOnly,
  }: Pick<ConfigEntry, 'name' | 'value' | 'readOnly'> & {
    readonly line: readonly Synonym[];
  },
): ConfigEntry => ({
  name,
  value,
  readOnly,
  // Kafka never says true in the version that has this field.
  isDefault: false,
  configSource: line[0]?.source ?? configSources.default,
  isSensitive: isSensitive(setting),
  synonyms: line,
  configType: setting === undefined ? 0 : typeCodes[setting.type],
  documentation: setting?.documentation ?? null,
});

/** All values for a broker setting, those in force first; from the first under its own name on. */
const synonyms = (layers: Layers, name: string, hides: boolean): Synonym[] => {
  const names = synonymsOf(name);
  const found = (source: number, value: (name: string) => string | null | undefined): Synonym[] =>
    names.flatMap((synonym) => {
      const text = value(synonym) ?? null;
      return text === null ? [] : [{ name: synonym, value: hides ? null : text, source }];
    });
  const line = [
    ...found(configSources.dynamicBroker, (key) => layers.brokerOverrides.get(key)),
    ...found(configSources.dynamicDefaultBroker, (key) => layers.clusterOverrides.get(key)),
    ...found(configSources.staticBroker, (key) => layers.staticConfig.raw.get(key)),
    ...found(configSources.default, defaultText),
  ];
  const start = line.findIndex((synonym) => synonym.name === name);
  return start === -1 ? [] : line.slice(start);
};

const defaultText = (name: string): string | null => {
  const setting = brokerSettings.get(name);
  return setting === undefined || setting.mark === 'quota' ? null : setting.defaultText;
};
