/**
 * The cluster as the controller knows it: plain data, changed only by the step that runs (Kafka's
 * ControllerContext). Partitions are objects with identity, handed about instead of (topic, number)
 * pairs; a partition object lives until its topic has been deleted or the controller resigns.
 */
import { ZERO_UUID } from '../protocol/uuid.ts';
/** No leader is known (the znode says so too). */
export const NO_LEADER = -1;

export type PartitionStatus = 'nonExistent' | 'new' | 'online' | 'offline';

export type ReplicaStatus =
  | 'new'
  | 'online'
  | 'offline'
  | 'deletionStarted'
  | 'deletionSuccessful'
  | 'deletionIneligible'
  | 'nonExistent';

export type LeaderRecoveryState = 0 | 1;

/** What a partition's state znode says. Values are never changed in place. */
export interface LeaderAndIsr {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly leaderRecoveryState: LeaderRecoveryState;
  /** Of the controller that wrote it. */
  readonly controllerEpoch: number;
}

/** The content together with the znode's version, which Kafka calls the partition epoch. */
export interface Leadership extends LeaderAndIsr {
  readonly partitionEpoch: number;
}

export interface Partition {
  readonly topic: string;
  readonly index: number;
  /**
   * All replicas in order, those being added and removed included. Replaced as a whole, never
   * changed in place.
   */
  replicas: readonly number[];
  addingReplicas: readonly number[];
  removingReplicas: readonly number[];
  /** null until a state znode exists. */
  leadership: Leadership | null;
  status: PartitionStatus;
  /** By broker; a broker that is absent counts as `nonExistent`. */
  readonly replicaStatuses: Map<number, ReplicaStatus>;
}

export interface Topic {
  readonly name: string;
  /** The zero id for topics without one. */
  id: string;
  readonly partitions: Map<number, Partition>;
}

export interface Endpoint {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number;
}

export interface Broker {
  readonly id: number;
  /** The czxid of its registration. */
  readonly epoch: bigint;
  readonly endpoints: readonly Endpoint[];
  readonly rack: string | null;
}

/** What a LeaderAndIsr request will say of a partition, as it was when it was added. */
export interface LeaderAndIsrEntry {
  readonly leadership: Leadership;
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
  readonly isNew: boolean;
}

export interface MetadataEntry {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly zkVersion: number;
  readonly controllerEpoch: number;
  readonly replicas: readonly number[];
  readonly offlineReplicas: readonly number[];
}

export interface StopReplicaEntry {
  readonly leaderEpoch: number;
  readonly deletePartition: boolean;
}

/** The requests of one transition, by broker; see request-batch.ts. */
export interface RequestBatch {
  readonly leaderAndIsr: Map<number, Map<Partition, LeaderAndIsrEntry>>;
  readonly metadataBrokers: Set<number>;
  readonly metadataPartitions: Map<Partition, MetadataEntry>;
  readonly stopReplica: Map<number, Map<Partition, StopReplicaEntry>>;
}

/** Kafka's settings that the core's decisions hang on. */
export interface ControllerSettings {
  /** delete.topic.enable */
  readonly deleteTopicEnable: boolean;
  /** auto.leader.rebalance.enable */
  readonly autoLeaderRebalanceEnable: boolean;
  /** leader.imbalance.per.broker.percentage */
  readonly leaderImbalancePerBrokerPercentage: number;
}

export const defaultSettings: ControllerSettings = {
  deleteTopicEnable: true,
  autoLeaderRebalanceEnable: true,
  leaderImbalancePerBrokerPercentage: 10,
};

export interface ControllerState {
  readonly brokerId: number;
  readonly settings: ControllerSettings;
  /** The listener on which brokers are told to reach a leader. */
  readonly interBrokerListener: string;
  /** 0 while this broker is not the controller. */
  epoch: number;
  /** All registered brokers, those shutting down included (Kafka's liveOrShuttingDownBrokers). */
  readonly brokers: Map<number, Broker>;
  /** Brokers that asked for a controlled shutdown; in memory only, and only until they are gone. */
  readonly shuttingDown: Set<number>;
  /** Replicas whose broker answered KAFKA_STORAGE_ERROR, by broker. */
  readonly offlineDirReplicas: Map<number, Set<Partition>>;
  readonly topics: Map<string, Topic>;
  readonly topicNamesById: Map<string, string>;
  /**
   * Exactly the partitions with replicas being added or removed, and those whose reassignment is
   * not finished.
   */
  readonly reassigning: Set<Partition>;
  readonly topicsToDelete: Set<string>;
  readonly topicsDeletionStarted: Set<string>;
  readonly topicsIneligibleForDeletion: Set<string>;
  /** Empty between transitions: each one opens it and sends it. */
  readonly batch: RequestBatch;
}

/** The state of a broker that is not the controller. */
export const createState = (options: {
  brokerId: number;
  interBrokerListener: string;
  settings?: ControllerSettings;
}): ControllerState => ({
  brokerId: options.brokerId,
  settings: options.settings ?? defaultSettings,
  interBrokerListener: options.interBrokerListener,
  epoch: 0,
  brokers: new Map(),
  shuttingDown: new Set(),
  offlineDirReplicas: new Map(),
  topics: new Map(),
  topicNamesById: new Map(),
  reassigning: new Set(),
  topicsToDelete: new Set(),
  topicsDeletionStarted: new Set(),
  topicsIneligibleForDeletion: new Set(),
  batch: {
    leaderAndIsr: new Map(),
    metadataBrokers: new Set(),
    metadataPartitions: new Map(),
    stopReplica: new Map(),
  },
});

export const nameOf = (partition: Partition): string => `${partition.topic}-${partition.index}`;

export const createPartition = (
  topic: string,
  index: number,
  assignment: {
    readonly replicas: readonly number[];
    readonly addingReplicas?: readonly number[];
    readonly removingReplicas?: readonly number[];
  },
): Partition => ({
  topic,
  index,
  replicas: assignment.replicas,
  addingReplicas: assignment.addingReplicas ?? [],
  removingReplicas: assignment.removingReplicas ?? [],
  leadership: null,
  status: 'nonExistent',
  replicaStatuses: new Map(),
});

export function* allPartitions(state: ControllerState): Generator<Partition> {
  for (const topic of state.topics.values()) yield* topic.partitions.values();
}

export const partitionsOf = (state: ControllerState, topic: string): Partition[] => [
  ...(state.topics.get(topic)?.partitions.values() ?? []),
];

export const findPartition = (
  state: ControllerState,
  topic: string,
  index: number,
): Partition | undefined => state.topics.get(topic)?.partitions.get(index);

/** Partitions with a replica on one of `brokerIds`. */
export const partitionsOn = (
  state: ControllerState,
  brokerIds: ReadonlySet<number>,
): Partition[] => {
  const found: Partition[] = [];
  for (const partition of allPartitions(state)) {
    if (partition.replicas.some((id) => brokerIds.has(id))) found.push(partition);
  }
  return found;
};

export const isQueuedForDeletion = (state: ControllerState, partition: Partition): boolean =>
  state.topicsToDelete.has(partition.topic);

/** Registered and not about to stop. */
export const isBrokerLive = (state: ControllerState, brokerId: number): boolean =>
  state.brokers.has(brokerId) && !state.shuttingDown.has(brokerId);

/** Whether a broker can serve its replica; one that is shutting down counts only when asked to. */
export const isReplicaOnline = (
  state: ControllerState,
  brokerId: number,
  partition: Partition,
  options: { includeShuttingDown: boolean } = { includeShuttingDown: false },
): boolean =>
  (options.includeShuttingDown ? state.brokers.has(brokerId) : isBrokerLive(state, brokerId)) &&
  !(state.offlineDirReplicas.get(brokerId)?.has(partition) ?? false);

/** Registered brokers in ascending order. */
export const brokerIdsOf = (state: ControllerState): number[] =>
  [...state.brokers.keys()].sort((a, b) => a - b);

export const replicaStatusOf = (partition: Partition, brokerId: number): ReplicaStatus =>
  partition.replicaStatuses.get(brokerId) ?? 'nonExistent';

export const isReassigning = (partition: Partition): boolean =>
  partition.addingReplicas.length > 0 || partition.removingReplicas.length > 0;

/** The replicas a reassignment aims at. */
export const targetReplicasOf = (partition: Partition): number[] =>
  partition.replicas.filter((id) => !partition.removingReplicas.includes(id));

/** The replicas there were before the reassignment. */
export const originReplicasOf = (partition: Partition): number[] =>
  partition.replicas.filter((id) => !partition.addingReplicas.includes(id));

/** The replica lists of a partition, as topic znodes have them. */
export interface Assignment {
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

/** Adds a topic that was read from ZooKeeper; partitions already known keep their objects. */
export const putTopic = (
  state: ControllerState,
  topic: { readonly name: string; readonly id: string },
): Topic => {
  const known = state.topics.get(topic.name);
  if (known !== undefined) {
    if (known.id !== topic.id) state.topicNamesById.delete(known.id);
    known.id = topic.id;
  }
  const entry = known ?? { name: topic.name, id: topic.id, partitions: new Map() };
  state.topics.set(topic.name, entry);
  if (topic.id !== ZERO_UUID) state.topicNamesById.set(topic.id, topic.name);
  return entry;
};

/** Forgets a topic altogether, as when its znode has gone. */
export const removeTopic = (state: ControllerState, name: string): void => {
  const topic = state.topics.get(name);
  if (topic !== undefined) {
    for (const partition of topic.partitions.values()) {
      state.reassigning.delete(partition);
      for (const set of state.offlineDirReplicas.values()) set.delete(partition);
    }
    state.topicNamesById.delete(topic.id);
    state.topics.delete(name);
  }
  state.topicsToDelete.delete(name);
  state.topicsDeletionStarted.delete(name);
  state.topicsIneligibleForDeletion.delete(name);
};
