/**
 * What a client knows of the cluster, put together from Metadata responses. Pure. A partition's leader epoch never goes
 * back while its topic stays the same (KIP-320): an older broker's answer does not undo what is known.
 */
import type { apis, ResponseOutput } from '../protocol/apis.ts';
import { ZERO_UUID } from '../protocol/uuid.ts';

export interface BrokerInfo {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface PartitionInfo {
  readonly partition: number;
  readonly errorCode: number;
  /** -1: none at the moment. */
  readonly leaderId: number;
  /** -1: not known (old brokers). */
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly offlineReplicas: readonly number[];
}

export interface TopicInfo {
  readonly name: string;
  /** Null when the broker does not tell. */
  readonly topicId: string | null;
  readonly isInternal: boolean;
  readonly errorCode: number;
  /** In the order of their numbers. */
  readonly partitions: readonly PartitionInfo[];
  /** A bit per operation, null when it was not asked for. */
  readonly authorizedOperations: number | null;
}

const NO_OPERATIONS = -2147483648;

type MetadataResponse = ResponseOutput<typeof apis.metadata>;
type TopicEntry = MetadataResponse['topics'][number];

export class Metadata {
  clusterId: string | null = null;
  controllerId = -1;
  brokers: ReadonlyMap<number, BrokerInfo> = new Map();
  #topics = new Map<string, TopicInfo>();
  readonly #namesById = new Map<string, string>();

  get topics(): ReadonlyMap<string, TopicInfo> {
    return this.#topics;
  }

  topicName(topicId: string): string | undefined {
    return this.#namesById.get(topicId);
  }

  partition(topic: string, partition: number): PartitionInfo | undefined {
    return this.#topics.get(topic)?.partitions[partition];
  }

  /** Takes over a response; `isWhole` when it lists all topics, so that the others are gone. */
  apply(response: MetadataResponse, isWhole: boolean): void {
    this.clusterId = response.clusterId;
    this.controllerId = response.controllerId;
    this.brokers = new Map(
      response.brokers.map(({ nodeId: id, host, port, rack }) => [id, { id, host, port, rack }]),
    );
    const topics = isWhole ? new Map<string, TopicInfo>() : new Map(this.#topics);
    for (const entry of response.topics) {
      if (entry.name === null) continue;
      const topic = topicInfo(entry, entry.name, this.#topics.get(entry.name));
      topics.set(entry.name, topic);
      if (topic.topicId !== null) this.#namesById.set(topic.topicId, topic.name);
    }
    this.#topics = topics;
  }

  /** What a broker said beside an error about a partition it does not lead any more (KIP-951). */
  applyLeader(topic: string, partition: number, leader: { id: number; epoch: number }): boolean {
    const info = this.#topics.get(topic);
    const known = info?.partitions[partition];
    if (info === undefined || known === undefined) return false;
    if (leader.epoch <= known.leaderEpoch || !this.brokers.has(leader.id)) return false;
    const partitions = info.partitions.with(partition, {
      ...known,
      errorCode: 0,
      leaderId: leader.id,
      leaderEpoch: leader.epoch,
    });
    this.#topics.set(topic, { ...info, partitions });
    return true;
  }
}

const topicInfo = (entry: TopicEntry, name: string, known: TopicInfo | undefined): TopicInfo => {
  const topicId = entry.topicId === ZERO_UUID ? null : entry.topicId;
  const isSame = known !== undefined && known.topicId === topicId;
  const partitions = entry.partitions.map((partition): PartitionInfo => {
    const before = isSame ? known.partitions[partition.partitionIndex] : undefined;
    if (before !== undefined && partition.leaderEpoch !== -1) {
      if (partition.leaderEpoch < before.leaderEpoch) return before;
    }
    return {
      partition: partition.partitionIndex,
      errorCode: partition.errorCode,
      leaderId: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      replicas: partition.replicaNodes,
      isr: partition.isrNodes,
      offlineReplicas: partition.offlineReplicas,
    };
  });
  partitions.sort((a, b) => a.partition - b.partition);
  const operations = entry.topicAuthorizedOperations;
  return {
    name,
    topicId,
    isInternal: entry.isInternal,
    errorCode: entry.errorCode,
    partitions,
    authorizedOperations: operations === NO_OPERATIONS ? null : operations,
  };
};
