/**
 * Gathers the requests of one transition, merged per broker as Kafka's ControllerBrokerRequestBatch
 * does: of several LeaderAndIsr for one replica the last state wins and `isNew` sticks; every
 * broker that gets UpdateMetadata gets all partitions gathered; `deletePartition` sticks. What a
 * request says of a partition is taken down when it is added, not when it is sent.
 */
import { ZERO_UUID } from '../protocol/uuid.ts';
import { assert } from '../system/assert.ts';
import { groupBy } from '../system/group-by.ts';
import {
  type Broker,
  brokerIdsOf,
  type ControllerState,
  isQueuedForDeletion,
  isReplicaOnline,
  type LeaderAndIsrEntry,
  type MetadataEntry,
  NO_LEADER,
  type Partition,
  type RequestBatch,
} from './state.ts';

/**
 * A request with its receiver. Bodies are those of LeaderAndIsr 7, UpdateMetadata 8 and
 * StopReplica 4.
 */
export type ControlRequest =
  | { readonly brokerId: number; readonly api: 'leaderAndIsr'; readonly body: LeaderAndIsrBody }
  | { readonly brokerId: number; readonly api: 'updateMetadata'; readonly body: UpdateMetadataBody }
  | { readonly brokerId: number; readonly api: 'stopReplica'; readonly body: StopReplicaBody };

interface CommonBody {
  readonly controllerId: number;
  readonly isKRaftController: false;
  readonly controllerEpoch: number;
  readonly brokerEpoch: bigint;
}

export interface LeaderAndIsrBody extends CommonBody {
  /** Always 0 from a controller that works through ZooKeeper. */
  readonly type: 0;
  readonly topicStates: {
    readonly topicName: string;
    readonly topicId: string;
    readonly partitionStates: {
      readonly partitionIndex: number;
      readonly controllerEpoch: number;
      readonly leader: number;
      readonly leaderEpoch: number;
      readonly isr: number[];
      readonly partitionEpoch: number;
      readonly replicas: number[];
      readonly addingReplicas: number[];
      readonly removingReplicas: number[];
      readonly isNew: boolean;
      readonly leaderRecoveryState: number;
    }[];
  }[];
  readonly liveLeaders: {
    readonly brokerId: number;
    readonly hostName: string;
    readonly port: number;
  }[];
}

export interface UpdateMetadataBody extends CommonBody {
  readonly topicStates: {
    readonly topicName: string;
    readonly topicId: string;
    readonly partitionStates: {
      readonly partitionIndex: number;
      readonly controllerEpoch: number;
      readonly leader: number;
      readonly leaderEpoch: number;
      readonly isr: number[];
      readonly zkVersion: number;
      readonly replicas: number[];
      readonly offlineReplicas: number[];
    }[];
  }[];
  readonly liveBrokers: {
    readonly id: number;
    readonly endpoints: {
      readonly port: number;
      readonly host: string;
      readonly listener: string;
      readonly securityProtocol: number;
    }[];
    readonly rack: string | null;
  }[];
}

export interface StopReplicaBody extends CommonBody {
  readonly topicStates: {
    readonly topicName: string;
    readonly partitionStates: {
      readonly partitionIndex: number;
      readonly leaderEpoch: number;
      readonly deletePartition: boolean;
    }[];
  }[];
}

/** The leader and the epochs that tell brokers of a deletion (LeaderAndIsr.LeaderDuringDelete). */
const LEADER_DURING_DELETE = -2;
const EPOCH_DURING_DELETE = -2;
const NO_EPOCH = -1;

export const clearBatch = (batch: RequestBatch): void => {
  batch.leaderAndIsr.clear();
  batch.metadataBrokers.clear();
  batch.metadataPartitions.clear();
  batch.stopReplica.clear();
};

const isEmpty = (batch: RequestBatch): boolean =>
  batch.leaderAndIsr.size === 0 &&
  batch.metadataBrokers.size === 0 &&
  batch.metadataPartitions.size === 0 &&
  batch.stopReplica.size === 0;

/**
 * Starts a batch. What an earlier one left behind would go out of order with it, so there must be
 * nothing.
 */
export const openBatch = (state: ControllerState): void => {
  assert(isEmpty(state.batch), 'the controller batch still holds unsent requests');
};

const entryOf = <V>(map: Map<number, Map<Partition, V>>, brokerId: number): Map<Partition, V> => {
  let entry = map.get(brokerId);
  if (entry === undefined) {
    entry = new Map();
    map.set(brokerId, entry);
  }
  return entry;
};

/** Tells `brokerIds` what they are to the partition, and everybody who leads it. */
export const addLeaderAndIsr = (
  state: ControllerState,
  partition: Partition,
  brokerIds: readonly number[],
  options: { readonly isNew: boolean },
): void => {
  const { leadership } = partition;
  assert(leadership !== null, 'LeaderAndIsr for a partition without leadership');
  for (const brokerId of brokerIds) {
    if (brokerId < 0) continue;
    const entry = entryOf(state.batch.leaderAndIsr, brokerId);
    entry.set(partition, {
      leadership,
      replicas: partition.replicas,
      addingReplicas: partition.addingReplicas,
      removingReplicas: partition.removingReplicas,
      isNew: options.isNew || (entry.get(partition)?.isNew ?? false),
    });
  }
  addUpdateMetadata(state, state.brokers.keys(), [partition]);
};

/**
 * Tells `brokerIds` of the live brokers and of `partitions`, as far as these have a leader's
 * znode.
 */
export const addUpdateMetadata = (
  state: ControllerState,
  brokerIds: Iterable<number>,
  partitions: Iterable<Partition>,
): void => {
  for (const brokerId of brokerIds) {
    if (brokerId >= 0) state.batch.metadataBrokers.add(brokerId);
  }
  for (const partition of partitions) {
    const { leadership } = partition;
    if (leadership === null) continue;
    const deleted = isQueuedForDeletion(state, partition);
    state.batch.metadataPartitions.set(partition, {
      leader: deleted ? LEADER_DURING_DELETE : leadership.leader,
      leaderEpoch: deleted ? 0 : leadership.leaderEpoch,
      zkVersion: deleted ? 0 : leadership.partitionEpoch,
      isr: leadership.isr,
      controllerEpoch: leadership.controllerEpoch,
      replicas: partition.replicas,
      offlineReplicas: partition.replicas.filter((id) => !isReplicaOnline(state, id, partition)),
    });
  }
};

/** Stops a replica; with `deletePartition` its log goes, too. */
export const addStopReplica = (
  state: ControllerState,
  partition: Partition,
  brokerId: number,
  options: { readonly deletePartition: boolean },
): void => {
  if (brokerId < 0) return;
  const entry = entryOf(state.batch.stopReplica, brokerId);
  const leaderEpoch = isQueuedForDeletion(state, partition)
    ? EPOCH_DURING_DELETE
    : (partition.leadership?.leaderEpoch ?? NO_EPOCH);
  entry.set(partition, {
    leaderEpoch,
    deletePartition: options.deletePartition || (entry.get(partition)?.deletePartition ?? false),
  });
};

/** Closes the batch: LeaderAndIsr, UpdateMetadata, StopReplica, each to registered brokers only. */
export const takeRequests = (state: ControllerState): ControlRequest[] => {
  const requests: ControlRequest[] = [];
  const { batch } = state;
  for (const [brokerId, entries] of batch.leaderAndIsr) {
    const common = commonBody(state, brokerId);
    if (common === null) continue;
    requests.push({
      brokerId,
      api: 'leaderAndIsr',
      body: leaderAndIsrBody(state, common, entries),
    });
  }
  if (batch.metadataBrokers.size > 0) {
    // Made once: for thousands of partitions the copies per broker would be the controller's
    // memory.
    const topicStates = metadataTopicStates(state, batch.metadataPartitions);
    const liveBrokers = [...state.brokers.values()].map(liveBroker);
    for (const brokerId of batch.metadataBrokers) {
      const common = commonBody(state, brokerId);
      if (common === null) continue;
      requests.push({
        brokerId,
        api: 'updateMetadata',
        body: { ...common, topicStates, liveBrokers },
      });
    }
  }
  for (const [brokerId, entries] of batch.stopReplica) {
    const common = commonBody(state, brokerId);
    if (common === null) continue;
    const topicStates = groupByTopic(entries, (partition, entry) => ({
      partitionIndex: partition.index,
      leaderEpoch: entry.leaderEpoch,
      deletePartition: entry.deletePartition,
    }));
    requests.push({ brokerId, api: 'stopReplica', body: { ...common, topicStates } });
  }
  clearBatch(batch);
  return requests;
};

const commonBody = (state: ControllerState, brokerId: number): CommonBody | null => {
  const broker = state.brokers.get(brokerId);
  if (broker === undefined) return null;
  return {
    controllerId: state.brokerId,
    isKRaftController: false,
    controllerEpoch: state.epoch,
    brokerEpoch: broker.epoch,
  };
};

const groupByTopic = <E, P>(
  entries: ReadonlyMap<Partition, E>,
  convert: (partition: Partition, entry: E) => P,
): { topicName: string; partitionStates: P[] }[] => {
  return [...groupBy(entries, ([partition]) => partition.topic)].map(([topicName, group]) => ({
    topicName,
    partitionStates: group.map(([partition, entry]) => convert(partition, entry)),
  }));
};

const topicIdOf = (state: ControllerState, name: string): string =>
  state.topics.get(name)?.id ?? ZERO_UUID;

const leaderAndIsrBody = (
  state: ControllerState,
  common: CommonBody,
  entries: ReadonlyMap<Partition, LeaderAndIsrEntry>,
): LeaderAndIsrBody => {
  const leaders = new Set([...entries.values()].map((entry) => entry.leadership.leader));
  const groups = groupByTopic(entries, (partition, entry) => ({
    partitionIndex: partition.index,
    controllerEpoch: entry.leadership.controllerEpoch,
    leader: entry.leadership.leader,
    leaderEpoch: entry.leadership.leaderEpoch,
    isr: [...entry.leadership.isr],
    partitionEpoch: entry.leadership.partitionEpoch,
    replicas: [...entry.replicas],
    addingReplicas: [...entry.addingReplicas],
    removingReplicas: [...entry.removingReplicas],
    isNew: entry.isNew,
    leaderRecoveryState: entry.leadership.leaderRecoveryState,
  }));
  return {
    ...common,
    type: 0,
    topicStates: groups.map((group) => ({ ...group, topicId: topicIdOf(state, group.topicName) })),
    liveLeaders: [...leaders].flatMap((id) => liveLeader(state, id)),
  };
};

/**
 * Empty for a leader that is gone, or (a misconfigured broker) lacks the listener: followers then
 * wait for a better one.
 */
const liveLeader = (state: ControllerState, id: number): LeaderAndIsrBody['liveLeaders'] => {
  if (id === NO_LEADER) return [];
  const endpoint = state.brokers
    .get(id)
    ?.endpoints.find(({ listener }) => listener === state.interBrokerListener);
  return endpoint === undefined
    ? []
    : [{ brokerId: id, hostName: endpoint.host, port: endpoint.port }];
};

const metadataTopicStates = (
  state: ControllerState,
  entries: ReadonlyMap<Partition, MetadataEntry>,
): UpdateMetadataBody['topicStates'] =>
  groupByTopic(entries, (partition, entry) => ({
    partitionIndex: partition.index,
    controllerEpoch: entry.controllerEpoch,
    leader: entry.leader,
    leaderEpoch: entry.leaderEpoch,
    isr: [...entry.isr],
    zkVersion: entry.zkVersion,
    replicas: [...entry.replicas],
    offlineReplicas: [...entry.offlineReplicas],
  })).map((group) => ({ ...group, topicId: topicIdOf(state, group.topicName) }));

const liveBroker = (broker: Broker): UpdateMetadataBody['liveBrokers'][number] => ({
  id: broker.id,
  endpoints: broker.endpoints.map(({ port, host, listener, securityProtocol }) => ({
    port,
    host,
    listener,
    securityProtocol,
  })),
  rack: broker.rack,
});

/** Sends nothing but the list of live brokers (and of `partitions`) to `brokerIds`. */
export const addMetadataOnly = (
  state: ControllerState,
  brokerIds: readonly number[] = brokerIdsOf(state),
  partitions: Iterable<Partition> = [],
): void => {
  openBatch(state);
  addUpdateMetadata(state, brokerIds, partitions);
};
