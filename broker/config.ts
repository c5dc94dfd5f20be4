/**
 * The settings of a broker: from the properties of server.properties to a typed, checked record
 * (Kafka's KafkaConfig). The tables of all settings are in config/; this file parses, derives and
 * checks. What changes at run time is laid over the properties by dynamic-config.ts, which then
 * parses anew.
 */
import type { LogConfig } from '../log/log-config.ts';
import { assert } from '../system/assert.ts';
import type { TlsSettings } from '../system/tls.ts';
import { brokerSettings } from './config/broker-settings.ts';
import {
  type BooleanFields,
  booleanFields,
  type NumberFields,
  numberFields,
  type TextFields,
  textFields,
} from './config/fields.ts';
import { type ListenersConfig, parseListeners } from './config/listeners.ts';
import { ConfigError, checkedText, splitList } from './config/setting.ts';
import { type BrokerValues, topicLogConfig } from './config/topic-configs.ts';
import { zooKeeperTls } from './config/zookeeper-tls.ts';

export interface BrokerConfig extends ListenersConfig, NumberFields, BooleanFields, TextFields {
  /** -1: to be generated. */
  readonly brokerId: number;
  readonly logDirs: readonly string[];
  readonly zookeeperConnect: string;
  readonly zookeeperConnectionTimeoutMs: number;
  /** Null: without TLS. */
  readonly zookeeperTls: TlsSettings | null;
  readonly saslEnabledMechanisms: readonly string[];
  /** Of a topic without settings of its own. */
  readonly log: LogConfig;
  /** Every known setting as checked text; null: unset. */
  readonly values: BrokerValues;
  /** The properties as given, unknown ones included. */
  readonly raw: ReadonlyMap<string, string>;
}

export type Properties = ReadonlyMap<string, string>;

/**
 * Checks and types `properties`; throws ConfigError on the first bad one. Unknown names are
 * warnings.
 */
export const parseBrokerConfig = (
  properties: Properties,
): { config: BrokerConfig; warnings: string[] } => {
  const raw = withBrokerIdSynonym(properties);
  const values = checkedValues(raw);
  const text = (name: string): string | null => textIn(values, name);
  const number = (name: string): number => numberIn(values, name);
  if (text('process.roles') !== '')
    throw new ConfigError('This broker works with ZooKeeper; process.roles must not be set.');
  const zookeeperConnect = text('zookeeper.connect');
  if (zookeeperConnect === null)
    throw new ConfigError(
      'Missing required configuration `zookeeper.connect` which has no default value.',
    );
  const config: BrokerConfig = {
    ...parseListeners(text, (name) => raw.has(name)),
    ...mapFields(numberFields, number),
    ...mapFields(booleanFields, (name) => text(name) === 'true'),
    ...mapFields(textFields, text),
    brokerId: number('broker.id'),
    logDirs: splitList(text('log.dirs') ?? text('log.dir') ?? ''),
    zookeeperConnect,
    zookeeperConnectionTimeoutMs: Number(
      text('zookeeper.connection.timeout.ms') ?? text('zookeeper.session.timeout.ms'),
    ),
    zookeeperTls: zooKeeperTls(text),
    saslEnabledMechanisms: splitList(text('sasl.enabled.mechanisms') ?? ''),
    log: topicLogConfig({ values }, new Map()).log,
    values,
    raw,
  };
  checkTogether(config);
  return { config, warnings: warningsFor(raw) };
};

/** The checked text of a setting; null: unset and without default. The name must be known. */
export const textOf = (config: BrokerConfig, name: string): string | null =>
  textIn(config.values, name);

/** The number a setting holds; what is larger than a safe integer is cut to that. */
export const numberOf = (config: BrokerConfig, name: string): number =>
  numberIn(config.values, name);

const textIn = (values: BrokerValues, name: string): string | null => {
  const text = values.get(name);
  assert(text !== undefined, `setting ${name}`);
  return text;
};

const numberIn = (values: BrokerValues, name: string): number =>
  Math.min(Number(textIn(values, name)), Number.MAX_SAFE_INTEGER);

const mapFields = <Field extends string, Value>(
  fields: Readonly<Record<Field, string>>,
  value: (name: string) => Value,
): Record<Field, Value> =>
  Object.fromEntries(
    (Object.entries(fields) as [Field, string][]).map(([field, name]) => [field, value(name)]),
  ) as Record<Field, Value>;

/** broker.id and node.id are one setting under two names; either stands for both. */
const withBrokerIdSynonym = (properties: Properties): Properties => {
  const brokerId = properties.get('broker.id');
  const nodeId = properties.get('node.id');
  if (brokerId !== undefined && nodeId !== undefined && brokerId !== nodeId)
    throw new ConfigError('You must set `node.id` to the same value as `broker.id`.');
  const id = brokerId ?? nodeId;
  return id === undefined
    ? properties
    : new Map([...properties, ['broker.id', id], ['node.id', id]]);
};

const checkedValues = (raw: Properties): BrokerValues =>
  new Map(
    [...brokerSettings.values()].map((setting) => {
      const given = raw.get(setting.name);
      return [
        setting.name,
        given === undefined ? setting.defaultText : checkedText(setting, given),
      ];
    }),
  );

const PLUGIN_NAMES =
  /^(super\.users$|allow\.everyone\.if\.no|authorizer\.|metrics\.|rlmm\.config\.|rsm\.config\.)/;

/** Whether Kafka knows the name: in the tables, with a listener's prefix, or read by plug-ins. */
const isKnown = (name: string): boolean =>
  brokerSettings.has(name) || name.startsWith('listener.name.') || PLUGIN_NAMES.test(name);

/** Plug-ins are Java classes; we have none to load. */
const pluginSettings = [
  'alter.config.policy.class.name',
  'create.topic.policy.class.name',
  'client.quota.callback.class',
  'metric.reporters',
  'kafka.metrics.reporters',
];

const warningsFor = (raw: Properties): string[] => [
  ...[...raw.keys()]
    .filter((name) => !isKnown(name))
    .map((name) => `The configuration ${name} is not known and changes nothing.`),
  ...pluginSettings
    .filter((name) => (raw.get(name) ?? '') !== '')
    .map((name) => `The configuration ${name} names a Java class, which cannot be loaded here.`),
];

type Check = readonly [isFine: boolean, message: string];

/** Settings that have to fit each other (KafkaConfig.validateValues). */
const checkTogether = (config: BrokerConfig): void => {
  const checks = [...brokerIdChecks(config), ...logChecks(config), ...replicationChecks(config)];
  for (const [isFine, message] of checks)
    if (!isFine) throw new ConfigError(`requirement failed: ${message}`);
};

const brokerIdChecks = ({
  brokerId,
  brokerIdGenerationEnable,
  reservedBrokerIdMax,
}: BrokerConfig): Check[] => [
  [
    !brokerIdGenerationEnable || (brokerId >= -1 && brokerId <= reservedBrokerIdMax),
    'broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id',
  ],
  [brokerIdGenerationEnable || brokerId >= 0, 'broker.id must be greater than or equal to 0'],
];

const logChecks = (config: BrokerConfig): Check[] => [
  [config.log.segmentMs >= 1, 'log.roll.ms must be greater than or equal to 1'],
  [config.log.segmentJitterMs >= 0, 'log.roll.jitter.ms must be greater than or equal to 0'],
  [
    config.log.retentionMs !== 0,
    'log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
  ],
  [
    config.logDirs.length > 0,
    'At least one log directory must be defined via log.dirs or log.dir.',
  ],
  [
    !config.logCleanerEnable ||
      config.logCleanerDedupeBufferSize / config.logCleanerThreads > 1024 * 1024,
    'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
  ],
];

const replicationChecks = (config: BrokerConfig): Check[] => {
  const acks = numberOf(config, 'offsets.commit.required.acks');
  return [
    [
      config.replicaFetchWaitMsMax <= config.replicaSocketTimeoutMs,
      'replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms ' +
        'to prevent unnecessary socket timeouts',
    ],
    [
      config.replicaFetchWaitMsMax <= config.replicaLagTimeMsMax,
      'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms ' +
        'to prevent frequent changes in ISR',
    ],
    [
      acks >= -1 && acks <= config.offsetsTopicReplicationFactor,
      'offsets.commit.required.acks must be greater or equal -1 and less or equal to ' +
        'offsets.topic.replication.factor',
    ],
    [
      config.queuedRequestBytesMax <= 0 ||
        config.queuedRequestBytesMax >= config.socketRequestBytesMax,
      'queued.max.request.bytes must be larger or equal to socket.request.max.bytes',
    ],
  ];
};
