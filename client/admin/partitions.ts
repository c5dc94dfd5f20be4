/** The admin client on replicas and leaders: elections, reassignments, log directories; and on the cluster itself. */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { groupBy } from '../../system/group-by.ts';
import { protocolError, throwIfError } from '../errors.ts';
import type { BrokerInfo } from '../metadata.ts';
import type { TopicPartition } from '../positions.ts';
import { type AdminContext, type CallOptions, type Outcome, outcomeOf } from './context.ts';

export interface ClusterDescription {
  readonly clusterId: string;
  /** -1: none known. */
  readonly controllerId: number;
  readonly brokers: readonly BrokerInfo[];
}

export interface Reassignment extends TopicPartition {
  /** The replicas wanted; null cancels. */
  readonly replicas: readonly number[] | null;
}

export interface OngoingReassignment extends TopicPartition {
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

export interface LogDir extends Outcome {
  readonly path: string;
  readonly totalBytes: number;
  readonly usableBytes: number;
  readonly replicas: readonly (TopicPartition & {
    readonly sizeBytes: number;
    readonly offsetLag: number;
    readonly isFuture: boolean;
  })[];
}

type PartitionOutcome = TopicPartition & Outcome;

export const partitionCalls = (context: AdminContext) => ({
  describeCluster: (options: CallOptions = {}) => describeCluster(context, options),
  /** Null: all partitions, of which only those that changed or failed are told about. */
  electLeaders: (
    type: 'preferred' | 'unclean',
    partitions: readonly TopicPartition[] | null,
    options: CallOptions = {},
  ) => electLeaders(context, { type, partitions }, options),
  alterPartitionReassignments: (
    reassignments: readonly Reassignment[],
    options: CallOptions = {},
  ) => alterReassignments(context, reassignments, options),
  /** Null: all that are under way. */
  listPartitionReassignments: (
    partitions: readonly TopicPartition[] | null = null,
    options: CallOptions = {},
  ) => listReassignments(context, partitions, options),
  describeLogDirs: (brokerIds: readonly number[], options: CallOptions = {}) =>
    describeLogDirs(context, brokerIds, options),
});

const describeCluster = (
  context: AdminContext,
  options: CallOptions,
): Promise<ClusterDescription> =>
  context.onAny('describing the cluster', options, async (broker) => {
    const body = { includeClusterAuthorizedOperations: false };
    const response = await context.cluster.send(broker, apis.describeCluster, body);
    throwIfError(response.errorCode, response.errorMessage);
    const { clusterId, controllerId } = response;
    const brokers = response.brokers.map(({ brokerId: id, host, port, rack }) => {
      return { id, host, port, rack };
    });
    return { clusterId, controllerId, brokers };
  });

/** Topics with something of each of their partitions, as most requests want them. */
const byTopic = <T extends TopicPartition, P>(items: readonly T[], toPartition: (item: T) => P) =>
  [...groupBy(items, ({ topic }) => topic)].map(([topic, group]) => ({
    topic,
    partitions: group.map(toPartition),
  }));

const electLeaders = (
  context: AdminContext,
  wanted: { type: 'preferred' | 'unclean'; partitions: readonly TopicPartition[] | null },
  options: CallOptions,
): Promise<PartitionOutcome[]> =>
  context.onController('electing leaders', options, async (controller) => {
    const { type, partitions } = wanted;
    const topicPartitions =
      partitions === null ? null : byTopic(partitions, ({ partition }) => partition);
    const timeoutMs = context.brokerTimeoutMs(options);
    const response = await context.cluster.sendAs(controller, apis.electLeaders, (version) => ({
      ...(version >= 1 ? { electionType: type === 'preferred' ? 0 : 1 } : {}),
      topicPartitions,
      timeoutMs,
    }));
    throwIfError(response.errorCode);
    const outcomes = response.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
      partitionResult.map(({ partitionId: partition, errorCode, errorMessage }) => {
        if (errorCode === errorCodes.NOT_CONTROLLER) throw protocolError(errorCode);
        return { topic, partition, error: outcomeOf(errorCode, errorMessage) };
      }),
    );
    return outcomes;
  });

const alterReassignments = (
  context: AdminContext,
  reassignments: readonly Reassignment[],
  options: CallOptions,
): Promise<PartitionOutcome[]> =>
  context.onController('reassigning partitions', options, async (controller) => {
    const topics = byTopic(reassignments, ({ partition: partitionIndex, replicas }) => {
      return { partitionIndex, replicas };
    }).map(({ topic: name, partitions }) => ({ name, partitions }));
    const body = { topics, timeoutMs: context.brokerTimeoutMs(options) };
    const { cluster } = context;
    const response = await cluster.send(controller, apis.alterPartitionReassignments, body);
    throwIfError(response.errorCode, response.errorMessage);
    return response.responses.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, errorCode, errorMessage }) => ({
        topic,
        partition,
        error: outcomeOf(errorCode, errorMessage),
      })),
    );
  });

const listReassignments = (
  context: AdminContext,
  partitions: readonly TopicPartition[] | null,
  options: CallOptions,
): Promise<OngoingReassignment[]> =>
  context.onController('listing reassignments', options, async (controller) => {
    const topics =
      partitions === null
        ? null
        : byTopic(partitions, ({ partition }) => partition).map((entry) => ({
            name: entry.topic,
            partitionIndexes: entry.partitions,
          }));
    const body = { topics, timeoutMs: context.brokerTimeoutMs(options) };
    const { cluster } = context;
    const response = await cluster.send(controller, apis.listPartitionReassignments, body);
    throwIfError(response.errorCode, response.errorMessage);
    return response.topics.flatMap(({ name: topic, partitions: entries }) =>
      entries.map(({ partitionIndex: partition, ...replicas }) => {
        return { topic, partition, ...replicas };
      }),
    );
  });

const describeLogDirs = (
  context: AdminContext,
  brokerIds: readonly number[],
  options: CallOptions,
): Promise<Map<number, LogDir[]>> =>
  context.attempt('describing log directories', options, async () => {
    const all = new Map<number, LogDir[]>();
    for (const brokerId of brokerIds) {
      const body = { topics: null };
      const response = await context.cluster.send(brokerId, apis.describeLogDirs, body);
      throwIfError(response.errorCode);
      const dirs = response.results.map(({ errorCode, logDir: path, topics, ...sizes }) => ({
        path,
        ...sizes,
        error: outcomeOf(errorCode),
        replicas: topics.flatMap(({ name: topic, partitions }) =>
          partitions.map(({ partitionIndex: partition, partitionSize, offsetLag, isFutureKey }) => {
            const sizeBytes = partitionSize;
            return { topic, partition, sizeBytes, offsetLag, isFuture: isFutureKey };
          }),
        ),
      }));
      all.set(brokerId, dirs);
    }
    return all;
  });
