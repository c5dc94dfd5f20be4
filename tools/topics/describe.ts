/**
 * kafka-topics --describe: which topics and partitions are shown, and their lines. Pure, apart from
 * what is fetched first.
 */
import {
  type Admin,
  type ConfigEntry,
  type OngoingReassignment,
  type PartitionInfo,
  ProtocolError,
  type TopicInfo,
} from '../../client/index.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import type { ParsedOptions } from '../options/parser.ts';
import { hashMapOrder } from '../output.ts';
import { partitionFilters } from './options.ts';

/** What the lines are made from. */
export interface TopicFacts {
  readonly topic: TopicInfo;
  readonly configs: readonly ConfigEntry[];
  /** By partition. */
  readonly reassignments: ReadonlyMap<number, OngoingReassignment>;
}

export type PartitionFilter = (typeof partitionFilters)[number];

export interface DescribeView {
  /** Partitions that pass any of them are shown, without their topics' lines; empty: everything. */
  readonly filters: readonly PartitionFilter[];
  readonly onlyOverridden: boolean;
  readonly liveBrokers: ReadonlySet<number>;
}

const DEFAULT_CONFIG = 5;

/** The text for the topics given. */
export const describeTopics = async (
  admin: Admin,
  options: ParsedOptions,
  topics: readonly TopicInfo[],
): Promise<string> => {
  if (topics.length === 0) return '';
  const [{ brokers }, configs, reassignments] = await Promise.all([
    admin.describeCluster(),
    admin.describeConfigs(topics.map(({ name }) => ({ type: 'topic' as const, name }))),
    ongoingReassignments(admin, topics),
  ]);
  const view: DescribeView = {
    filters: partitionFilters.filter((name) => options.has(name)),
    onlyOverridden: options.has('topics-with-overrides'),
    liveBrokers: new Set(brokers.map(({ id }) => id)),
  };
  const configsByTopic = new Map(configs.map(({ name, entries }) => [name, entries]));
  const ordered = hashMapOrder(topics, ({ name }) => name, topics.length);
  return ordered
    .map((topic) => ({
      topic,
      configs: configsByTopic.get(topic.name) ?? [],
      reassignments: new Map(
        reassignments
          .filter((entry) => entry.topic === topic.name)
          .map((entry) => [entry.partition, entry]),
      ),
    }))
    .map((facts) => topicText(facts, view))
    .join('');
};

/** Whoever may not see reassignments, or asks a broker that knows none, sees the rest. */
const ongoingReassignments = async (
  admin: Admin,
  topics: readonly TopicInfo[],
): Promise<readonly OngoingReassignment[]> => {
  const partitions = topics.flatMap(({ name, partitions: infos }) =>
    infos.map(({ partition }) => ({ topic: name, partition })),
  );
  try {
    return await admin.listPartitionReassignments(partitions);
  } catch (error) {
    const { UNSUPPORTED_VERSION, CLUSTER_AUTHORIZATION_FAILED } = errorCodes;
    const code = error instanceof ProtocolError ? error.code : 0;
    if (code === UNSUPPORTED_VERSION || code === CLUSTER_AUTHORIZATION_FAILED) return [];
    throw error;
  }
};

/** A topic's lines, each ended. */
export const topicText = (facts: TopicFacts, view: DescribeView): string => {
  const overridden = hashMapOrder(facts.configs, ({ name }) => name).filter(
    ({ source }) => source !== DEFAULT_CONFIG,
  );
  let text = '';
  if (view.filters.length === 0 && (!view.onlyOverridden || overridden.length > 0)) {
    text += topicLine(facts, overridden);
  }
  if (view.onlyOverridden) return text;
  for (const info of facts.topic.partitions) {
    if (isShown(facts, info, view)) text += partitionLine(facts, info);
  }
  return text;
};

const topicLine = (facts: TopicFacts, overridden: readonly ConfigEntry[]): string => {
  const { name, topicId, partitions } = facts.topic;
  const [first] = partitions;
  const configs = overridden.map((entry) => `${entry.name}=${entry.value ?? 'null'}`);
  const columns = [
    `Topic: ${name}`,
    ...(topicId === null || topicId === ZERO_UUID ? [] : [`TopicId: ${topicId}`]),
    `PartitionCount: ${partitions.length}`,
    `ReplicationFactor: ${first === undefined ? 0 : replicationFactor(facts, first)}`,
    `Configs: ${configs.join(',')}`,
  ];
  return `${columns.join('\t')}\n`;
};

const partitionLine = ({ topic, reassignments }: TopicFacts, info: PartitionInfo): string => {
  const { partition, leaderId, replicas, isr } = info;
  const moving = reassignments.get(partition);
  const columns = [
    `\tTopic: ${topic.name}`,
    `Partition: ${partition}`,
    `Leader: ${leaderId < 0 ? 'none' : leaderId}`,
    `Replicas: ${replicas.join(',')}`,
    `Isr: ${isr.join(',')}`,
    ...(moving === undefined
      ? []
      : [
          `Adding Replicas: ${moving.addingReplicas.join(',')}`,
          `Removing Replicas: ${moving.removingReplicas.join(',')}`,
        ]),
    // Eligible leader replicas are a matter of KRaft.
    'Elr: N/A',
    'LastKnownElr: N/A',
  ];
  return `${columns.join('\t')}\n`;
};

/** Replicas that are only being added do not count yet. */
const replicationFactor = (
  { reassignments }: TopicFacts,
  { partition, replicas }: PartitionInfo,
): number => {
  const moving = reassignments.get(partition);
  const isUnderWay = moving?.replicas.join() === replicas.join();
  return replicas.length - (isUnderWay ? (moving?.addingReplicas.length ?? 0) : 0);
};

const isShown = (facts: TopicFacts, info: PartitionInfo, view: DescribeView): boolean => {
  if (view.filters.length === 0) return true;
  const { isr, leaderId } = info;
  const minIsr = Number(
    facts.configs.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1,
  );
  const passes: Record<PartitionFilter, () => boolean> = {
    'under-replicated-partitions': () => replicationFactor(facts, info) > isr.length,
    'unavailable-partitions': () => !view.liveBrokers.has(leaderId),
    'under-min-isr-partitions': () => leaderId < 0 || isr.length < minIsr,
    'at-min-isr-partitions': () => isr.length === minIsr,
  };
  return view.filters.some((filter) => passes[filter]());
};
