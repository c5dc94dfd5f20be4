/**
 * Automatic creation of topics by Metadata and FindCoordinator (Kafka's
 * DefaultAutoTopicCreationManager): this broker writes the znodes itself, controller or not, and
 * answers at once; clients ask again until the topic has leaders. A topic is created by one request
 * at a time; which replicas it gets is decided by the topic administration handed in.
 */
import { errorCodes } from '../protocol/errors.ts';
import { topicNameProblem } from '../protocol/topic-names.ts';
import type { BrokerConfig } from './config.ts';
import type { TopicResult, TopicToCreate } from './controller-api.ts';
import { CONSUMER_OFFSETS, TRANSACTION_STATE } from './internal-topics.ts';
import type { MetadataCache } from './metadata-cache.ts';

export interface TopicCreation {
  /**
   * Creates an internal topic (`__consumer_offsets`, `__transaction_state`) unless it exists.
   * Resolves to 0 when the topic stands, else the error a client should see.
   */
  ensureInternalTopic(name: string): Promise<number>;
  /**
   * Creates a topic, internal ones by their own settings; the error code for the Metadata response.
   */
  autoCreate(name: string): Promise<number>;
}

/** Writes topics to ZooKeeper on whichever broker. */
export type CreateTopics = (topics: readonly TopicToCreate[]) => Promise<readonly TopicResult[]>;

export interface InternalTopicSettings {
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configs: ReadonlyMap<string, string>;
}

/** How the topics of the two coordinators are made. */
export const internalTopicSettings = (
  config: BrokerConfig,
): ReadonlyMap<string, InternalTopicSettings> =>
  new Map([
    [
      CONSUMER_OFFSETS,
      {
        numPartitions: config.offsetsTopicPartitionCount,
        replicationFactor: config.offsetsTopicReplicationFactor,
        configs: new Map([
          ['cleanup.policy', 'compact'],
          ['compression.type', 'producer'],
          ['segment.bytes', String(config.offsetsTopicSegmentBytes)],
        ]),
      },
    ],
    [
      TRANSACTION_STATE,
      {
        numPartitions: config.transactionStateLogPartitionCount,
        replicationFactor: config.transactionStateLogReplicationFactor,
        configs: new Map([
          ['unclean.leader.election.enable', 'false'],
          ['compression.type', 'uncompressed'],
          ['cleanup.policy', 'compact'],
          ['min.insync.replicas', String(config.transactionStateLogMinIsr)],
          ['segment.bytes', String(config.transactionStateLogSegmentBytes)],
        ]),
      },
    ],
  ]);

const noConfigs: ReadonlyMap<string, string> = new Map();
const BY_DEFAULT = -1;

/** `internalTopics`: by name, those with settings of their own. */
export const createTopicCreation = (
  createTopics: CreateTopics,
  metadata: MetadataCache,
  internalTopics: ReadonlyMap<string, InternalTopicSettings>,
): TopicCreation => {
  const inFlight = new Map<string, Promise<number>>();

  const create = (name: string): Promise<number> => {
    const settings = internalTopics.get(name);
    const creation = createOne(createTopics, {
      name,
      numPartitions: settings?.numPartitions ?? BY_DEFAULT,
      replicationFactor: settings?.replicationFactor ?? BY_DEFAULT,
      assignments: [],
      configs: settings?.configs ?? noConfigs,
    }).finally(() => inFlight.delete(name));
    inFlight.set(name, creation);
    return creation;
  };

  return {
    ensureInternalTopic: async (name) => {
      if (metadata.hasTopic(name)) return errorCodes.NONE;
      return inFlight.get(name) ?? create(name);
    },
    autoCreate: async (name) => {
      if (topicNameProblem(name) !== null) return errorCodes.INVALID_TOPIC_EXCEPTION;
      if (inFlight.has(name)) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
      const errorCode = await create(name);
      return errorCode === errorCodes.NONE ? errorCodes.LEADER_NOT_AVAILABLE : errorCode;
    },
  };
};

/** 0 also where somebody else was faster. */
const createOne = async (createTopics: CreateTopics, topic: TopicToCreate): Promise<number> => {
  const [result] = await createTopics([topic]);
  const errorCode = result?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR;
  return errorCode === errorCodes.TOPIC_ALREADY_EXISTS ? errorCodes.NONE : errorCode;
};
