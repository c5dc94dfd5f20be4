/**
 * Brokers that come, go, come back before anybody noticed, or change their endpoints (Kafka's
 * BrokerChange, BrokerModifications), and replicas that go offline, be it with their broker or with
 * one of its directories.
 */
import { log, type Procedure, perform } from './commands.ts';
import { bringOnline, changePartitions, flush } from './partition-states.ts';
import { resumeReassignments } from './reassignment.ts';
import { changeReplicas, type Replica, replicasOn } from './replica-states.ts';
import { addMetadataOnly } from './request-batch.ts';
import {
  allPartitions,
  type Broker,
  brokerIdsOf,
  type ControllerState,
  findPartition,
  isQueuedForDeletion,
  isReplicaOnline,
  type Partition,
  targetReplicasOf,
} from './state.ts';
import { failDeletion, resumeDeletionsOf } from './topic-deletion.ts';

const KAFKA_STORAGE_ERROR = 56;

/**
 * Compares the registrations with the brokers known; a larger epoch means that one has come back
 * in between.
 */
export function* onBrokerChange(state: ControllerState): Procedure {
  const read = yield* perform<'readBrokers'>({ type: 'readBrokers' });
  const registered = new Map([...read].sort((a, b) => a.id - b.id).map((item) => [item.id, item]));
  const added = [...registered.values()].filter(({ id }) => !state.brokers.has(id));
  const bounced = [...registered.values()].filter(
    ({ id, epoch }) => epoch > (state.brokers.get(id)?.epoch ?? epoch),
  );
  const dead = brokerIdsOf(state).filter((id) => !registered.has(id));
  if (added.length + bounced.length + dead.length === 0) return;
  yield* log('info', 'brokers have changed', {
    added: added.map(({ id }) => id),
    bounced: bounced.map(({ id }) => id),
    dead,
  });
  const opened = [...added, ...bounced];
  const closed = [...bounced.map(({ id }) => id), ...dead];
  if (closed.length > 0) {
    yield* perform<'closeChannels'>({ type: 'closeChannels', brokerIds: closed });
  }
  if (opened.length > 0) {
    yield* perform<'openChannels'>({ type: 'openChannels', brokers: opened });
  }
  if (added.length > 0) yield* onBrokersUp(state, added);
  if (bounced.length > 0) {
    yield* onBrokersDown(
      state,
      bounced.map(({ id }) => id),
    );
    yield* onBrokersUp(state, bounced);
  }
  if (dead.length > 0) yield* onBrokersDown(state, dead);
  yield* perform<'watchBrokers'>({ type: 'watchBrokers', brokerIds: brokerIdsOf(state) });
}

/** A broker has written its registration anew; only its endpoints count, its epoch stays. */
export function* onBrokerModified(state: ControllerState, brokerId: number): Procedure {
  const brokers = yield* perform<'readBrokers'>({ type: 'readBrokers' });
  const read = brokers.find(({ id }) => id === brokerId);
  const known = state.brokers.get(brokerId);
  if (read === undefined || known === undefined || read.epoch !== known.epoch) return;
  if (JSON.stringify(read.endpoints) === JSON.stringify(known.endpoints)) return;
  state.brokers.set(brokerId, read);
  addMetadataOnly(state);
  yield* flush(state);
}

/**
 * The process behind a registration is gone: its connection broke and its host refuses another. Its
 * session would keep the registration until it expires; we remove it, and the rest is an ordinary
 * broker failure. Should the guess be wrong, the broker has to register again; leader epochs and
 * the ISR keep its replicas from doing harm.
 */
export function* onBrokerGone(
  state: ControllerState,
  gone: { readonly brokerId: number; readonly epoch: bigint },
): Procedure {
  const { brokerId, epoch } = gone;
  if (brokerId === state.brokerId || state.brokers.get(brokerId)?.epoch !== epoch) return;
  yield* log('warn', `broker ${brokerId} refuses connections; its registration is removed`);
  yield* perform<'removeRegistration'>({ type: 'removeRegistration', brokerId, epoch });
  yield* onBrokerChange(state);
}

/**
 * Replicas have gone offline: leaders are replaced where one can be had, and the replicas leave
 * their ISRs.
 */
export function* onReplicasOffline(
  state: ControllerState,
  replicas: readonly Replica[],
): Procedure {
  const deleted = replicas.filter(({ partition }) => isQueuedForDeletion(state, partition));
  const others = replicas.filter(({ partition }) => !isQueuedForDeletion(state, partition));
  const leaderless: Partition[] = [];
  for (const partition of allPartitions(state)) {
    const { leadership } = partition;
    if (leadership === null || isQueuedForDeletion(state, partition)) continue;
    if (!isReplicaOnline(state, leadership.leader, partition)) leaderless.push(partition);
  }
  yield* changePartitions(state, leaderless, 'offline');
  const electedCount = yield* bringOnline(state);
  yield* changeReplicas(state, others, 'offline');
  yield* failDeletion(state, deleted);
  if (others.length === 0 && electedCount === 0) {
    addMetadataOnly(state);
    yield* flush(state);
  }
}

/** A broker's answer to LeaderAndIsr says which replicas lie in a directory that has failed. */
export function* onLeaderAndIsrAnswered(
  state: ControllerState,
  answered: {
    readonly brokerId: number;
    readonly partitions: readonly {
      readonly topicId: string;
      readonly partition: number;
      readonly errorCode: number;
    }[];
  },
): Procedure {
  const { brokerId } = answered;
  if (!state.brokers.has(brokerId)) return;
  const offline = state.offlineDirReplicas.get(brokerId) ?? new Set<Partition>();
  const fresh: Replica[] = [];
  for (const { topicId, partition: index, errorCode } of answered.partitions) {
    const name = state.topicNamesById.get(topicId);
    const partition = name === undefined ? undefined : findPartition(state, name, index);
    if (partition === undefined) continue;
    if (errorCode === 0) offline.delete(partition);
    else if (errorCode === KAFKA_STORAGE_ERROR && !offline.has(partition)) {
      offline.add(partition);
      fresh.push({ partition, brokerId });
    }
  }
  if (offline.size > 0) state.offlineDirReplicas.set(brokerId, offline);
  if (fresh.length > 0) yield* onReplicasOffline(state, fresh);
}

/**
 * Brokers have announced a failed log directory; LeaderAndIsr to all their replicas finds out
 * which are hit.
 */
export function* onLogDirNotifications(state: ControllerState): Procedure {
  const read = yield* perform<'readLogDirNotifications'>({ type: 'readLogDirNotifications' });
  if (read.length === 0) return;
  const brokerIds = new Set(read.flatMap(({ brokerId }) => brokerId ?? []));
  yield* changeReplicas(state, replicasOn(allPartitions(state), brokerIds), 'online');
  const names = read.map(({ name }) => name);
  yield* perform<'deleteNotifications'>({ type: 'deleteNotifications', kind: 'logDir', names });
}

function* onBrokersUp(state: ControllerState, brokers: readonly Broker[]): Procedure {
  const existing = brokerIdsOf(state);
  const ids = new Set(brokers.map(({ id }) => id));
  for (const broker of brokers) {
    state.brokers.set(broker.id, broker);
    state.offlineDirReplicas.delete(broker.id);
  }
  // The old ones must know the new ones before they are told to follow them.
  addMetadataOnly(state, existing);
  yield* flush(state);
  const partitions = [...allPartitions(state)];
  addMetadataOnly(
    state,
    [...ids],
    partitions.filter((partition) => !isQueuedForDeletion(state, partition)),
  );
  yield* flush(state);
  const replicas = replicasOn(partitions, ids);
  yield* changeReplicas(state, replicas, 'online');
  yield* bringOnline(state);
  yield* resumeReassignments(state, (partition) =>
    targetReplicasOf(partition).some((id) => ids.has(id)),
  );
  yield* resumeDeletionsOf(state, new Set(replicas.map(({ partition }) => partition.topic)));
}

function* onBrokersDown(state: ControllerState, brokerIds: readonly number[]): Procedure {
  const ids = new Set(brokerIds);
  for (const id of ids) {
    state.brokers.delete(id);
    state.offlineDirReplicas.delete(id);
    state.shuttingDown.delete(id);
  }
  yield* onReplicasOffline(state, replicasOn(allPartitions(state), ids));
}
