/**
 * The states of a replica and what each change asks for (Kafka's ReplicaStateMachine). A replica
 * goes offline by being stopped and taken out of the ISR; it is deleted by way of offline.
 */
import { unreachable } from '../system/assert.ts';
import { log, type Procedure } from './commands.ts';
import { flush, writeLeaderships } from './partition-states.ts';
import { addLeaderAndIsr, addStopReplica, addUpdateMetadata, openBatch } from './request-batch.ts';
import {
  type ControllerState,
  isQueuedForDeletion,
  type LeaderAndIsr,
  NO_LEADER,
  nameOf,
  type Partition,
  type ReplicaStatus,
  replicaStatusOf,
} from './state.ts';

export interface Replica {
  readonly partition: Partition;
  readonly brokerId: number;
}

/** Every replica of `partitions`, those being added and removed included. */
export const replicasOf = (partitions: Iterable<Partition>): Replica[] => {
  const replicas: Replica[] = [];
  for (const partition of partitions) {
    for (const brokerId of partition.replicas) replicas.push({ partition, brokerId });
  }
  return replicas;
};

/** The replicas of `partitions` on the brokers of `brokerIds`. */
export const replicasOn = (
  partitions: Iterable<Partition>,
  brokerIds: ReadonlySet<number>,
): Replica[] => replicasOf(partitions).filter(({ brokerId }) => brokerIds.has(brokerId));

const validPrevious: Record<ReplicaStatus, readonly ReplicaStatus[]> = {
  new: ['nonExistent'],
  online: ['new', 'online', 'offline', 'deletionIneligible'],
  offline: ['new', 'online', 'offline', 'deletionIneligible'],
  deletionStarted: ['offline'],
  deletionSuccessful: ['deletionStarted'],
  deletionIneligible: ['offline', 'deletionStarted'],
  nonExistent: ['deletionSuccessful'],
};

/**
 * Moves replicas to `target`, broker by broker in one batch; illegal changes are logged and left
 * out.
 */
export function* changeReplicas(
  state: ControllerState,
  replicas: readonly Replica[],
  target: ReplicaStatus,
): Procedure {
  if (replicas.length === 0) return;
  openBatch(state);
  const byBroker = new Map<number, Partition[]>();
  for (const { partition, brokerId } of replicas) {
    const previous = replicaStatusOf(partition, brokerId);
    if (!validPrevious[target].includes(previous)) {
      const replica = `replica ${brokerId} of ${nameOf(partition)}`;
      yield* log('error', `${replica} cannot go from ${previous} to ${target}`);
      continue;
    }
    const group = byBroker.get(brokerId);
    if (group === undefined) byBroker.set(brokerId, [partition]);
    else group.push(partition);
  }
  for (const [brokerId, partitions] of byBroker) {
    yield* changeOfBroker(state, brokerId, partitions, target);
  }
  yield* flush(state);
}

function* changeOfBroker(
  state: ControllerState,
  brokerId: number,
  partitions: readonly Partition[],
  target: ReplicaStatus,
): Procedure {
  switch (target) {
    case 'new':
      for (const partition of partitions) yield* makeNew(state, brokerId, partition);
      return;
    case 'online':
      for (const partition of partitions) makeOnline(state, brokerId, partition);
      return;
    case 'offline':
      yield* makeOffline(state, brokerId, partitions);
      return;
    case 'deletionStarted':
      for (const partition of partitions) {
        partition.replicaStatuses.set(brokerId, target);
        addStopReplica(state, partition, brokerId, { deletePartition: true });
      }
      return;
    case 'deletionSuccessful':
    case 'deletionIneligible':
      for (const partition of partitions) partition.replicaStatuses.set(brokerId, target);
      return;
    case 'nonExistent':
      for (const partition of partitions) forget(partition, brokerId);
      return;
    default:
      return unreachable(target);
  }
}

/**
 * A replica for a partition that has a leader (one being added) is told at once; those of a new
 * partition wait.
 */
function* makeNew(state: ControllerState, brokerId: number, partition: Partition): Procedure {
  const { leadership } = partition;
  if (leadership?.leader === brokerId) {
    yield* log('error', `replica ${brokerId} of ${nameOf(partition)} leads and cannot be new`);
    return;
  }
  if (leadership !== null) addLeaderAndIsr(state, partition, [brokerId], { isNew: true });
  partition.replicaStatuses.set(brokerId, 'new');
}

const makeOnline = (state: ControllerState, brokerId: number, partition: Partition): void => {
  if (replicaStatusOf(partition, brokerId) === 'new') {
    if (!partition.replicas.includes(brokerId)) {
      partition.replicas = [...partition.replicas, brokerId];
    }
  } else if (partition.leadership !== null) {
    addLeaderAndIsr(state, partition, [brokerId], { isNew: false });
  }
  partition.replicaStatuses.set(brokerId, 'online');
};

function* makeOffline(
  state: ControllerState,
  brokerId: number,
  partitions: readonly Partition[],
): Procedure {
  for (const partition of partitions) {
    addStopReplica(state, partition, brokerId, { deletePartition: false });
  }
  const led = partitions.filter(({ leadership }) => leadership !== null);
  for (const partition of yield* removeFromIsr(state, brokerId, led)) {
    if (!isQueuedForDeletion(state, partition)) {
      const others = partition.replicas.filter((id) => id !== brokerId);
      addLeaderAndIsr(state, partition, others, { isNew: false });
    }
    partition.replicaStatuses.set(brokerId, 'offline');
  }
  for (const partition of partitions) {
    if (partition.leadership !== null) continue;
    addUpdateMetadata(state, state.brokers.keys(), [partition]);
    partition.replicaStatuses.set(brokerId, 'offline');
  }
}

/**
 * Takes a broker out of the ISR of `partitions` and, where it led, leaves them without a leader.
 * The last member stays in the ISR, or nobody could be elected cleanly ever again. Returns those
 * that are as they should be now.
 */
function* removeFromIsr(
  state: ControllerState,
  brokerId: number,
  partitions: readonly Partition[],
): Procedure<Partition[]> {
  const done: Partition[] = [];
  const failures = new Map<Partition, string>();
  let remaining = partitions;
  while (remaining.length > 0) {
    const changes = new Map<Partition, LeaderAndIsr>();
    for (const partition of remaining) {
      const current = partition.leadership;
      if (current === null) continue;
      if (!current.isr.includes(brokerId)) {
        // Shown as ours from now on, though nothing is written (Kafka does so, too).
        partition.leadership = { ...current, controllerEpoch: state.epoch };
        done.push(partition);
        continue;
      }
      changes.set(partition, {
        leader: current.leader === brokerId ? NO_LEADER : current.leader,
        leaderEpoch: current.leaderEpoch + 1,
        isr: current.isr.length === 1 ? current.isr : current.isr.filter((id) => id !== brokerId),
        leaderRecoveryState: current.leaderRecoveryState,
        controllerEpoch: state.epoch,
      });
    }
    const { written, conflicting } = yield* writeLeaderships(state, changes, failures);
    done.push(...written);
    remaining = conflicting;
  }
  return done;
}

/** Drops a replica that has been deleted from everything known of the partition. */
const forget = (partition: Partition, brokerId: number): void => {
  const others = (ids: readonly number[]): number[] => ids.filter((id) => id !== brokerId);
  partition.replicas = others(partition.replicas);
  partition.addingReplicas = others(partition.addingReplicas);
  partition.removingReplicas = others(partition.removingReplicas);
  partition.replicaStatuses.delete(brokerId);
};
