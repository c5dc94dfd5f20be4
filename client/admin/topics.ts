/** The admin client on topics: create, delete, extend, list, describe, and delete their oldest records. */
import { apis } from '../../protocol/apis.ts';
import { errorOf } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import { groupBy } from '../../system/group-by.ts';
import { throwIfError } from '../errors.ts';
import { type FoundOffset, listOffsets, type OffsetQuery } from '../list-offsets.ts';
import { Metadata, type TopicInfo } from '../metadata.ts';
import type { TopicPartition } from '../positions.ts';
import {
  type AdminContext,
  type CallOptions,
  checkController,
  type Outcome,
  outcomeOf,
} from './context.ts';

export interface NewTopic {
  readonly name: string;
  /** The broker's defaults when left out. */
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
  /** Replicas by partition, instead of the two numbers. */
  readonly assignments?: ReadonlyMap<number, readonly number[]>;
  readonly configs?: Readonly<Record<string, string>>;
}

export interface CreatedTopic extends Outcome {
  readonly name: string;
  readonly topicId: string;
  /** -1 when the broker does not tell. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
}

export interface NewPartitions {
  readonly name: string;
  /** The total. */
  readonly count: number;
  /** Replicas of each new partition. */
  readonly assignments?: readonly (readonly number[])[];
}

export interface ValidateOptions extends CallOptions {
  readonly validateOnly?: boolean;
}

export const topicCalls = (context: AdminContext) => ({
  /** Throws the topics' own errors as outcomes; see `throwFirst`. */
  createTopics: (topics: readonly NewTopic[], options: ValidateOptions = {}) =>
    createTopics(context, topics, options),
  deleteTopics: (names: readonly string[], options: CallOptions = {}) =>
    deleteTopics(context, names, options),
  createPartitions: (topics: readonly NewPartitions[], options: ValidateOptions = {}) =>
    createPartitions(context, topics, options),
  /** All topics that may be seen, internal ones included. */
  listTopics: (options: CallOptions = {}) => describeTopics(context, null, options),
  /** In the order asked for; throws UNKNOWN_TOPIC_OR_PARTITION and the like. */
  async describeTopics(names: readonly string[], options: CallOptions = {}): Promise<TopicInfo[]> {
    const found = await describeTopics(context, names, options);
    return names.map((name) => {
      const topic = found.find((entry) => entry.name === name);
      throwIfError(topic?.errorCode ?? 3);
      return topic as TopicInfo;
    });
  },
  deleteRecords: (
    offsets: readonly (TopicPartition & { readonly offset: number })[],
    options: CallOptions = {},
  ) => deleteRecords(context, offsets, options),
  listOffsets(
    queries: readonly OffsetQuery[],
    options: CallOptions & { readonly isReadCommitted?: boolean } = {},
  ): Promise<FoundOffset[]> {
    const { system, cluster } = context;
    const deadlineMs = context.deadline(options);
    const isReadCommitted = options.isReadCommitted ?? false;
    return listOffsets(system, cluster, queries, { deadlineMs, isReadCommitted });
  },
});

const createTopics = (
  context: AdminContext,
  topics: readonly NewTopic[],
  options: ValidateOptions,
): Promise<CreatedTopic[]> =>
  context.onController('creating topics', options, async (controller) => {
    const body = {
      topics: topics.map(({ name, assignments = new Map(), configs = {}, ...sizes }) => ({
        name,
        numPartitions: sizes.numPartitions ?? -1,
        replicationFactor: sizes.replicationFactor ?? -1,
        assignments: [...assignments].map(([partitionIndex, brokerIds]) => {
          return { partitionIndex, brokerIds };
        }),
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      })),
      timeoutMs: context.brokerTimeoutMs(options),
      validateOnly: options.validateOnly ?? false,
    };
    const response = await context.cluster.send(controller, apis.createTopics, body);
    checkController(response.topics);
    return response.topics.map(({ errorCode, errorMessage, ...topic }) => ({
      ...topic,
      error: outcomeOf(errorCode, errorMessage),
    }));
  });

const deleteTopics = (
  context: AdminContext,
  names: readonly string[],
  options: CallOptions,
): Promise<(Outcome & { name: string })[]> =>
  context.onController('deleting topics', options, async (controller) => {
    const timeoutMs = context.brokerTimeoutMs(options);
    const response = await context.cluster.sendAs(controller, apis.deleteTopics, (version) =>
      version >= 6
        ? { topics: names.map((name) => ({ name, topicId: ZERO_UUID })), timeoutMs }
        : { topicNames: names, timeoutMs },
    );
    checkController(response.responses);
    return response.responses.map(({ name, errorCode, errorMessage }) => ({
      name: name ?? '',
      error: outcomeOf(errorCode, errorMessage),
    }));
  });

const createPartitions = (
  context: AdminContext,
  topics: readonly NewPartitions[],
  options: ValidateOptions,
): Promise<(Outcome & { name: string })[]> =>
  context.onController('adding partitions', options, async (controller) => {
    const body = {
      topics: topics.map(({ name, count, assignments }) => ({
        name,
        count,
        assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null,
      })),
      timeoutMs: context.brokerTimeoutMs(options),
      validateOnly: options.validateOnly ?? false,
    };
    const response = await context.cluster.send(controller, apis.createPartitions, body);
    checkController(response.results);
    return response.results.map(({ name, errorCode, errorMessage }) => ({
      name,
      error: outcomeOf(errorCode, errorMessage),
    }));
  });

const describeTopics = (
  context: AdminContext,
  names: readonly string[] | null,
  options: CallOptions,
): Promise<TopicInfo[]> =>
  context.onAny('describing topics', options, async (broker) => {
    const topics = names?.map((name) => ({ name })) ?? null;
    const response = await context.cluster.sendAs(broker, apis.metadata, (version) => ({
      topics,
      ...(version >= 4 ? { allowAutoTopicCreation: false } : {}),
      ...(version >= 8 ? { includeTopicAuthorizedOperations: true } : {}),
    }));
    const metadata = new Metadata();
    metadata.apply(response, true);
    return [...metadata.topics.values()];
  });

const deleteRecords = (
  context: AdminContext,
  offsets: readonly (TopicPartition & { readonly offset: number })[],
  options: CallOptions,
): Promise<(TopicPartition & { lowWatermark: number })[]> =>
  context.attempt('deleting records', options, async (deadlineMs) => {
    const { cluster } = context;
    const names = new Set(offsets.map(({ topic }) => topic));
    for (const name of names) await cluster.topic(name, deadlineMs);
    const byLeader = groupBy(offsets, (item) => {
      const leader = cluster.leader(item.topic, item.partition);
      throwIfError(leader === null ? 5 : 0);
      return leader?.leaderId ?? -1;
    });
    const done: (TopicPartition & { lowWatermark: number })[] = [];
    for (const [leader, group] of byLeader) {
      const topics = [...groupBy(group, ({ topic }) => topic)].map(([name, items]) => ({
        name,
        partitions: items.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
      }));
      const timeoutMs = context.brokerTimeoutMs(options);
      const response = await cluster.send(leader, apis.deleteRecords, { topics, timeoutMs });
      for (const { name: topic, partitions } of response.topics) {
        for (const { partitionIndex: partition, lowWatermark, errorCode } of partitions) {
          throwIfError(errorCode, `${topic}-${partition}: ${errorOf(errorCode).message}`);
          done.push({ topic, partition, lowWatermark });
        }
      }
    }
    return done;
  });
