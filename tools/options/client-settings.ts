/**
 * From Kafka's client settings, as properties, to the options of our clients: which ones count, and
 * the check of their values with Kafka's sentences. Settings that do not apply to us are passed
 * over, as Kafka passes over unknown ones.
 */
import { checkedText, type SettingType, splitList } from '../../broker/config/setting.ts';
import type { ConsumerOptions } from '../../client/consumer.ts';
import type { ProducerOptions } from '../../client/producer.ts';
import { JavaFailure } from './java-failure.ts';
import type { Properties } from './properties.ts';

/** Option of our client, type and range (notation of broker/config/setting.ts). */
type Row = readonly [option: string, type: SettingType, range?: string];
type Rows = Readonly<Record<string, Row>>;
type Values = Record<string, string | number | boolean | readonly string[]>;

const common: Rows = {
  'bootstrap.servers': ['bootstrapServers', 'list'],
  'client.id': ['clientId', 'string'],
  'connections.max.idle.ms': ['connectionsMaxIdleMs', 'long'],
  'metadata.max.age.ms': ['metadataMaxAgeMs', 'long', '0..'],
  'reconnect.backoff.max.ms': ['reconnectBackoffMaxMs', 'long', '0..'],
  'reconnect.backoff.ms': ['reconnectBackoffMs', 'long', '0..'],
  'request.timeout.ms': ['requestTimeoutMs', 'int', '0..'],
  'retry.backoff.max.ms': ['retryBackoffMaxMs', 'long', '0..'],
  'retry.backoff.ms': ['retryBackoffMs', 'long', '0..'],
  'socket.connection.setup.timeout.ms': ['connectTimeoutMs', 'long'],
};

const adminRows: Rows = {
  ...common,
  'default.api.timeout.ms': ['defaultApiTimeoutMs', 'int', '0..'],
};

const producerRows: Rows = {
  ...common,
  acks: ['acks', 'string', 'in:all,-1,0,1'],
  'batch.size': ['batchSize', 'int', '0..'],
  'buffer.memory': ['bufferMemory', 'long', '0..'],
  'compression.type': ['compressionType', 'string', 'in:none,gzip,snappy,lz4,zstd'],
  'delivery.timeout.ms': ['deliveryTimeoutMs', 'int', '0..'],
  'enable.idempotence': ['enableIdempotence', 'boolean'],
  'linger.ms': ['lingerMs', 'long', '0..'],
  'max.block.ms': ['maxBlockMs', 'long', '0..'],
  'max.in.flight.requests.per.connection': ['maxInFlightRequestsPerConnection', 'int', '1..'],
  'max.request.size': ['maxRequestSize', 'int', '0..'],
  retries: ['retries', 'int', '0..2147483647'],
};

const consumerRows: Rows = {
  ...common,
  'allow.auto.create.topics': ['allowAutoTopicCreation', 'boolean'],
  'auto.commit.interval.ms': ['autoCommitIntervalMs', 'int', '0..'],
  'auto.offset.reset': ['autoOffsetReset', 'string', 'in:latest,earliest,none'],
  'check.crcs': ['checkCrcs', 'boolean'],
  'client.rack': ['clientRack', 'string'],
  'default.api.timeout.ms': ['defaultApiTimeoutMs', 'int', '0..'],
  'enable.auto.commit': ['enableAutoCommit', 'boolean'],
  'exclude.internal.topics': ['excludeInternalTopics', 'boolean'],
  'fetch.max.bytes': ['fetchMaxBytes', 'int', '0..'],
  'fetch.max.wait.ms': ['fetchMaxWaitMs', 'int', '0..'],
  'fetch.min.bytes': ['fetchMinBytes', 'int', '0..'],
  'group.id': ['groupId', 'string'],
  'group.instance.id': ['groupInstanceId', 'string', 'nonempty'],
  'heartbeat.interval.ms': ['heartbeatIntervalMs', 'int'],
  'isolation.level': ['isolationLevel', 'string', 'in:read_committed,read_uncommitted'],
  'max.partition.fetch.bytes': ['maxPartitionFetchBytes', 'int', '0..'],
  'max.poll.interval.ms': ['maxPollIntervalMs', 'int', '1..'],
  'max.poll.records': ['maxPollRecords', 'int', '1..'],
  'partition.assignment.strategy': ['partitionAssignors', 'list'],
  'session.timeout.ms': ['sessionTimeoutMs', 'int'],
};

/** What an admin client takes beside its addresses. */
export interface AdminSettings {
  readonly bootstrapServers: string;
  readonly clientId?: string;
  readonly requestTimeoutMs?: number;
  readonly defaultApiTimeoutMs?: number;
}

export const adminOptions = (properties: Properties): AdminSettings =>
  parse(adminRows, properties) as unknown as AdminSettings;

export const producerOptions = (properties: Properties): ProducerOptions => {
  const values = parse(producerRows, properties);
  if (values.acks !== undefined && values.acks !== 'all') values.acks = Number(values.acks);
  return values as unknown as ProducerOptions;
};

export const consumerOptions = (properties: Properties): ConsumerOptions => {
  const values = parse(consumerRows, properties);
  const assignors = values.partitionAssignors;
  if (typeof assignors === 'string') {
    values.partitionAssignors = splitList(assignors).map(assignorName);
  }
  return values as unknown as ConsumerOptions;
};

/** Java names assignors by class. */
const assignorName = (javaClass: string): string => {
  const name = /([A-Za-z]+)Assignor$/.exec(javaClass)?.[1] ?? javaClass;
  if (name === 'CooperativeSticky') return 'cooperative-sticky';
  return name.toLowerCase();
};

const parse = (rows: Rows, properties: Properties): Values => {
  checkSecurity(properties);
  const values: Values = {};
  for (const [name, text] of properties) {
    const row = rows[name];
    if (row !== undefined) values[row[0]] = convert(name, row, text);
  }
  return values;
};

const convert = (
  name: string,
  [, type, range = '-']: Row,
  text: string,
): string | number | boolean => {
  const setting = {
    name,
    type,
    range,
    defaultText: null,
    mark: '-',
    isInternal: false,
    documentation: '',
  };
  const value = checkedText(setting, text);
  if (type === 'boolean') return value === 'true';
  // A number that JavaScript cannot hold exactly means "for ever" in any of these settings.
  return type === 'int' || type === 'long'
    ? Math.min(Number(value), Number.MAX_SAFE_INTEGER)
    : value;
};

/** Better refused than sent in the clear. */
const checkSecurity = (properties: Properties): void => {
  const protocol = properties.get('security.protocol') ?? 'PLAINTEXT';
  if (protocol === 'PLAINTEXT') return;
  throw new JavaFailure(
    'org.apache.kafka.common.config.ConfigException',
    `security.protocol ${protocol} is not supported by this client; only PLAINTEXT is`,
  );
};
