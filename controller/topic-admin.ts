/**
 * Makes topics and partitions and marks topics for deletion (Kafka's ZkAdminManager). It only
 * writes znodes, without the controller's fencing, on whichever broker; the controller follows by
 * its watches. Waiting until the metadata cache shows the outcome is left to the handlers.
 */
import type { System } from '../system/system.ts';
import { deleteTopicZnode } from '../zookeeper/admin-znodes.ts';
import { configZnode } from '../zookeeper/config-znodes.ts';
import { isZooKeeperError } from '../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { topicsZnode, topicZnode } from '../zookeeper/znodes.ts';
import { hasMixedRacks, type PlacementBroker, placeReplicas } from './placement.ts';
import { type Refusal, refusal } from './refusals.ts';
import type { Assignment } from './state.ts';
import { createTopicId } from './topic-id.ts';
import {
  judgeAddedAssignments,
  judgeAssignment,
  judgeCollision,
  judgeCounts,
  judgeName,
} from './topic-validation.ts';
import { type Reader, readBrokers, readTopic } from './znode-reading.ts';

export interface TopicToCreate {
  readonly name: string;
  /** -1: the broker's default, or given by the assignments. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly {
    readonly partitionIndex: number;
    readonly brokerIds: readonly number[];
  }[];
  readonly configs: ReadonlyMap<string, string>;
}

export interface PartitionsToAdd {
  readonly name: string;
  readonly count: number;
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null;
}

export interface TopicResult {
  readonly name: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** On success only. */
  readonly topicId?: string;
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
}

export interface TopicAdminOptions {
  readonly zookeeper: ZooKeeperClient;
  readonly config: {
    readonly numPartitions: number;
    readonly defaultReplicationFactor: number;
    readonly deleteTopicEnable: boolean;
  };
  /** Why a topic's settings are not valid, or null. */
  readonly validateTopicConfig?:
    | ((configs: ReadonlyMap<string, string>) => string | null)
    | undefined;
}

export interface TopicAdmin {
  createTopics(
    topics: readonly TopicToCreate[],
    options: { readonly validateOnly: boolean },
  ): Promise<readonly TopicResult[]>;
  createPartitions(
    topics: readonly PartitionsToAdd[],
    options: { readonly validateOnly: boolean },
  ): Promise<readonly TopicResult[]>;
  deleteTopics(names: readonly string[]): Promise<readonly TopicResult[]>;
  /** What a broker that is not the controller answers. */
  notController(topics: readonly { readonly name: string }[]): readonly TopicResult[];
}

/** A refusal on its way to the result of one topic. */
class Refused extends Error {
  readonly refusal: Refusal;

  constructor(reason: Refusal) {
    super(reason.errorMessage);
    this.refusal = reason;
  }
}

const insist = (reason: Refusal | null): void => {
  if (reason !== null) throw new Refused(reason);
};

type TopicDetails = Omit<TopicResult, 'name' | 'errorCode' | 'errorMessage'>;

export const createTopicAdmin = (system: System, options: TopicAdminOptions): TopicAdmin => {
  /** Names of topics that are being made, in the order of the requests: to those that come later they exist. */
  const underWay = new Set<string>();
  const create = async (topic: TopicToCreate, validateOnly: boolean): Promise<TopicDetails> => {
    const { name } = topic;
    const before = [...underWay].filter((other) => other !== name);
    const isMine = !validateOnly && !underWay.has(name);
    if (isMine) underWay.add(name);
    try {
      return await createTopic(system, options, topic, { validateOnly, before });
    } finally {
      if (isMine) underWay.delete(name);
    }
  };
  return {
    createTopics: (topics, { validateOnly }) => {
      const names = topics.map(({ name }) => name);
      return each(system, topics, names, 'Found multiple entries for this topic.', (topic) =>
        create(topic, validateOnly),
      );
    },
    createPartitions: (topics, { validateOnly }) => {
      const names = topics.map(({ name }) => name);
      return each(system, topics, names, 'Duplicate topic in request.', (topic) =>
        addPartitions(system, options, topic, validateOnly),
      );
    },
    deleteTopics: (names) =>
      each(
        system,
        names.map((name) => ({ name })),
        [],
        '',
        ({ name }) => markForDeletion(options, name),
      ),
    notController: (topics) =>
      topics.map(({ name }) => ({ name, ...refusal('NOT_CONTROLLER', '') })),
  };
};

/**
 * Works on all topics at once; names that come more than once are refused (one answer each name).
 */
const each = async <T extends { readonly name: string }>(
  system: System,
  topics: readonly T[],
  names: readonly string[],
  duplicateMessage: string,
  work: (topic: T) => Promise<TopicDetails>,
): Promise<readonly TopicResult[]> => {
  const byName = new Map(topics.map((topic) => [topic.name, topic]));
  return Promise.all(
    [...byName].map(async ([name, topic]): Promise<TopicResult> => {
      try {
        if (names.filter((other) => other === name).length > 1) {
          return { name, ...refusal('INVALID_REQUEST', duplicateMessage) };
        }
        return { name, errorCode: 0, errorMessage: null, ...(await work(topic)) };
      } catch (error) {
        if (error instanceof Refused) return { name, ...error.refusal };
        system.logger.error({ topic: name, error: String(error) }, 'topic administration failed');
        return { name, ...refusal('UNKNOWN_SERVER_ERROR', 'The request to ZooKeeper failed.') };
      }
    }),
  );
};

const createTopic = async (
  system: System,
  options: TopicAdminOptions,
  topic: TopicToCreate,
  { validateOnly, before }: { readonly validateOnly: boolean; readonly before: readonly string[] },
): Promise<TopicDetails> => {
  const { zookeeper } = options;
  const { name, configs } = topic;
  const nameProblem = judgeName(name);
  // ZooKeeper has no paths for some of the names that cannot be.
  if (nameProblem === null && (await zookeeper.exists(topicZnode.path(name))) !== null) {
    insist(refusal('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`));
  }
  const assignment = await assignmentOf(system, options, topic);
  insist(nameProblem);
  if ((await zookeeper.exists(deleteTopicZnode.path(name))) !== null) {
    insist(refusal('TOPIC_ALREADY_EXISTS', `Topic '${name}' is marked for deletion.`));
  }
  const { children } = await zookeeper.getChildren(topicsZnode.path, { watch: false });
  insist(judgeCollision(name, children, before));
  insist(judgeAssignment(assignment));
  const configError = options.validateTopicConfig?.(configs) ?? null;
  if (configError !== null) insist(refusal('INVALID_CONFIG', configError));
  const counts = {
    numPartitions: assignment.size,
    replicationFactor: assignment.get(0)?.length ?? 0,
  };
  if (validateOnly) return counts;
  const topicId = createTopicId(system);
  await writeConfig(zookeeper, name, configs);
  const partitions = new Map<number, Assignment>();
  for (const [index, replicas] of assignment) {
    partitions.set(index, { replicas, addingReplicas: [], removingReplicas: [] });
  }
  try {
    const data = topicZnode.encode({ topicId, partitions });
    await zookeeper.createRecursive(topicZnode.path(name), data);
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
    insist(refusal('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`));
  }
  return { ...counts, topicId };
};

const assignmentOf = async (
  system: System,
  options: TopicAdminOptions,
  topic: TopicToCreate,
): Promise<ReadonlyMap<number, readonly number[]>> => {
  const { assignments, numPartitions, replicationFactor } = topic;
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      insist(
        refusal(
          'INVALID_REQUEST',
          'Both numPartitions or replicationFactor and replicasAssignments were set. ' +
            'Both cannot be used at the same time.',
        ),
      );
    }
    return new Map(assignments.map((item) => [item.partitionIndex, item.brokerIds]));
  }
  const brokers = await livePlacementBrokers({
    zookeeper: options.zookeeper,
    logger: system.logger,
  });
  const partitionCount = numPartitions === -1 ? options.config.numPartitions : numPartitions;
  const replicas =
    replicationFactor === -1 ? options.config.defaultReplicationFactor : replicationFactor;
  insist(judgeCounts(partitionCount, replicas, brokers.length));
  insistOnRacks(brokers);
  return placeReplicas(brokers, {
    partitionCount,
    replicationFactor: replicas,
    startIndex: system.random.int(brokers.length),
    shift: system.random.int(brokers.length),
  });
};

const livePlacementBrokers = async (reader: Reader): Promise<PlacementBroker[]> =>
  (await readBrokers(reader, { watch: false })).sort((a, b) => a.id - b.id);

const insistOnRacks = (brokers: readonly PlacementBroker[]): void => {
  if (!hasMixedRacks(brokers)) return;
  insist(
    refusal(
      'UNKNOWN_SERVER_ERROR',
      'Not all brokers have rack information for replica rack aware assignment.',
    ),
  );
};

/** Settings left by a topic of that name that is gone are replaced. */
const writeConfig = async (
  zookeeper: ZooKeeperClient,
  name: string,
  configs: ReadonlyMap<string, string>,
): Promise<void> => {
  const path = configZnode.path(`topics/${name}`);
  const data = configZnode.encode(configs);
  try {
    await zookeeper.createRecursive(path, data);
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
    await zookeeper.setData(path, data);
  }
};

const addPartitions = async (
  system: System,
  options: TopicAdminOptions,
  topic: PartitionsToAdd,
  validateOnly: boolean,
): Promise<object> => {
  const { zookeeper } = options;
  const { name, count, assignments } = topic;
  if ((await zookeeper.exists(deleteTopicZnode.path(name))) !== null) {
    insist(refusal('INVALID_TOPIC_EXCEPTION', 'The topic is queued for deletion.'));
  }
  const reader = { zookeeper, logger: system.logger };
  const content = await readTopic(reader, name);
  if (content === null) {
    throw new Refused(refusal('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`));
  }
  const current = [...content.partitions.values()];
  if (current.some((item) => item.addingReplicas.length + item.removingReplicas.length > 0)) {
    insist(
      refusal(
        'REASSIGNMENT_IN_PROGRESS',
        `A partition reassignment is in progress for the topic '${name}'.`,
      ),
    );
  }
  insist(judgeNewCount(current.length, count));
  const brokers = await livePlacementBrokers(reader);
  const first = content.partitions.get(0)?.replicas ?? [];
  const added = addedAssignment(brokers, first, current.length, { count, assignments });
  if (validateOnly) return {};
  const partitions = new Map<number, Assignment>(content.partitions);
  for (const [index, replicas] of added) {
    partitions.set(index, { replicas, addingReplicas: [], removingReplicas: [] });
  }
  const data = topicZnode.encode({ topicId: content.topicId, partitions });
  await zookeeper.setData(topicZnode.path(name), data);
  return {};
};

const judgeNewCount = (current: number, count: number): Refusal | null => {
  if (count < current) {
    return refusal(
      'INVALID_PARTITIONS',
      `Topic currently has ${current} partitions, which is higher than the requested ${count}.`,
    );
  }
  return count === current
    ? refusal('INVALID_PARTITIONS', `Topic already has ${current} partitions.`)
    : null;
};

/**
 * Where the new partitions go: as told, or on from the first broker at or behind the head of
 * partition 0.
 */
const addedAssignment = (
  brokers: readonly PlacementBroker[],
  first: readonly number[],
  firstPartition: number,
  asked: Pick<PartitionsToAdd, 'count' | 'assignments'>,
): ReadonlyMap<number, readonly number[]> => {
  const addedCount = asked.count - firstPartition;
  const { assignments } = asked;
  if (assignments !== null) {
    const brokerIds = new Set(brokers.map(({ id }) => id));
    const replicationFactor = first.length;
    insist(
      judgeAddedAssignments(assignments, {
        firstPartition,
        addedCount,
        replicationFactor,
        brokerIds,
      }),
    );
    return new Map(assignments.map((item, index) => [firstPartition + index, item.brokerIds]));
  }
  insist(judgeCounts(addedCount, first.length, brokers.length));
  insistOnRacks(brokers);
  const head = first[0] ?? 0;
  const startIndex = Math.max(
    0,
    brokers.findIndex(({ id }) => id >= head),
  );
  return placeReplicas(brokers, {
    partitionCount: addedCount,
    replicationFactor: first.length,
    startIndex,
    shift: startIndex,
    firstPartition,
  });
};

const markForDeletion = async (options: TopicAdminOptions, name: string): Promise<object> => {
  const { zookeeper, config } = options;
  if (!config.deleteTopicEnable) {
    insist(refusal('TOPIC_DELETION_DISABLED', 'Topic deletion is disabled.'));
  }
  const stat = name === '' ? null : await zookeeper.exists(topicZnode.path(name));
  if (stat === null) {
    insist(refusal('UNKNOWN_TOPIC_OR_PARTITION', `Topic ${name} does not exist.`));
  }
  try {
    await zookeeper.createRecursive(deleteTopicZnode.path(name), null);
  } catch (error) {
    // Marked already: whoever asks again waits with the others.
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
  }
  return {};
};
