/**
 * The znodes through which tools ask the controller for something and brokers tell it something: topic deletion,
 * reassignment, preferred election, ISR changes of old brokers, failed log directories. Bytes as in Kafka 3.9.
 */
import {
  asArray,
  asInt,
  asInts,
  asObject,
  asString,
  decodeJson,
  encodeJson,
  type JsonObject,
  ZnodeFormatError,
} from './znode-json.ts';

export const deleteTopicsZnode = { path: '/admin/delete_topics' };

/** Null data: the topic is to be deleted. */
export const deleteTopicZnode = {
  path: (topic: string): string => `/admin/delete_topics/${topic}`,
};

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface Reassignment extends TopicPartition {
  readonly replicas: readonly number[];
}

const topicPartitions = (json: JsonObject): TopicPartition[] =>
  asArray(json.partitions, 'partitions').map((item) => {
    const { topic, partition } = asObject(item, 'a partition');
    return { topic: asString(topic, 'topic'), partition: asInt(partition, 'partition') };
  });

const encodePartitions = (partitions: readonly TopicPartition[]): Buffer =>
  encodeJson({
    version: 1,
    partitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
  });

const refuseUnknownKeys = (json: JsonObject, ...known: string[]): void => {
  const unknown = Object.keys(json).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new ZnodeFormatError(`unknown key ${unknown}`);
};

/** Made by old tools; unlike elsewhere, unknown keys are refused. */
export const reassignPartitionsZnode = {
  path: '/admin/reassign_partitions',
  encode: (reassignments: readonly Reassignment[]): Buffer =>
    encodeJson({
      version: 1,
      partitions: reassignments.map(({ topic, partition, replicas }) => ({
        topic,
        partition,
        replicas,
      })),
    }),
  decode: (data: Buffer): Reassignment[] => {
    const json = decodeJson(data);
    refuseUnknownKeys(json, 'version', 'partitions');
    return asArray(json.partitions, 'partitions').map((item) => {
      const entry = asObject(item, 'a partition');
      refuseUnknownKeys(entry, 'topic', 'partition', 'replicas');
      return {
        topic: asString(entry.topic, 'topic'),
        partition: asInt(entry.partition, 'partition'),
        replicas: asInts(entry.replicas, 'replicas'),
      };
    });
  },
};

/** Made by old tools. */
export const preferredReplicaElectionZnode = {
  path: '/admin/preferred_replica_election',
  encode: encodePartitions,
  decode: (data: Buffer): TopicPartition[] => topicPartitions(decodeJson(data)),
};

/** Announced by leaders with inter.broker.protocol.version below 2.7. */
export const isrChangeNotificationsZnode = { path: '/isr_change_notification' };

/** Sequential. */
export const isrChangeNotificationZnode = {
  prefix: 'isr_change_',
  path: (suffix = ''): string => `/isr_change_notification/isr_change_${suffix}`,
  encode: encodePartitions,
  decode: (data: Buffer): TopicPartition[] => topicPartitions(decodeJson(data)),
};

export const logDirEventNotificationsZnode = { path: '/log_dir_event_notification' };

const LOG_DIR_FAILURE = 1;

/** Sequential; a broker has lost a log directory. */
export const logDirEventNotificationZnode = {
  prefix: 'log_dir_event_',
  path: (suffix = ''): string => `/log_dir_event_notification/log_dir_event_${suffix}`,
  encode: (brokerId: number): Buffer =>
    encodeJson({ version: 1, broker: brokerId, event: LOG_DIR_FAILURE }),
  /** The broker's id. */
  decode: (data: Buffer): number => asInt(decodeJson(data).broker, 'broker'),
};
