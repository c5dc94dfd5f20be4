/**
 * Moving partitions to other replicas (KIP-455). The topic's znode holds the whole plan (old and
 * new replicas); phase A starts the new replicas, phase B, once the target is in sync, moves the
 * lead and drops the old ones. Phase B writes the znode last, so that a new controller that finds
 * it half done can do it again.
 */
import { log, type Procedure, perform, type TopicContent } from './commands.ts';
import {
  changePartitions,
  flush,
  offlineElection,
  readLeaderships,
  writeLeaderships,
} from './partition-states.ts';
import { changeReplicas, type Replica } from './replica-states.ts';
import { addLeaderAndIsr, addMetadataOnly, openBatch } from './request-batch.ts';
import {
  type Assignment,
  type ControllerState,
  findPartition,
  isReassigning,
  isReplicaOnline,
  type LeaderAndIsr,
  nameOf,
  originReplicasOf,
  type Partition,
  replicaStatusOf,
  targetReplicasOf,
} from './state.ts';
import { markIneligible, resumeDeletionsOf } from './topic-deletion.ts';
import { writeTopic } from './topics.ts';

/**
 * The assignment that leads from where the partition is (or was before a running reassignment) to
 * `target`.
 */
export const reassignTo = (partition: Partition, target: readonly number[]): Assignment => {
  const origin = originReplicasOf(partition);
  const replicas = [...new Set([...target, ...origin])];
  return {
    replicas,
    addingReplicas: replicas.filter((id) => !origin.includes(id)),
    removingReplicas: replicas.filter((id) => !target.includes(id)),
  };
};

/**
 * Whether `assignment` has no place for any in-sync replica, as when a reassignment is cancelled of which only a new replica
 * is left in sync. Kafka's ZooKeeper mode goes ahead and deletes that replica, and with it what only it has; we refuse, as
 * KRaft does.
 */
export const dropsWholeIsr = ({ leadership }: Partition, assignment: Assignment): boolean =>
  leadership !== null && !leadership.isr.some((id) => assignment.replicas.includes(id));

/**
 * Starts, changes or takes up again a reassignment, and ends it when nothing is left to wait for.
 */
export function* reassign(
  state: ControllerState,
  partition: Partition,
  assignment: Assignment,
): Procedure {
  // A topic is not deleted while one of its partitions moves.
  markIneligible(state, [partition.topic]);
  yield* adoptAssignment(state, partition, assignment);
  if (yield* isComplete(state, partition)) yield* finish(state, partition);
  else yield* startNewReplicas(state, partition);
}

/** After an ISR has changed: ends the reassignments whose targets are in sync now. */
export function* completeReassignments(
  state: ControllerState,
  partitions: Iterable<Partition>,
): Procedure {
  for (const partition of partitions) {
    if (!state.reassigning.has(partition)) continue;
    if (yield* isComplete(state, partition)) yield* reassign(state, partition, copyOf(partition));
  }
}

/** Takes up reassignments that stand still, as after an election or when a broker has come back. */
export function* resumeReassignments(
  state: ControllerState,
  isConcerned: (partition: Partition) => boolean,
): Procedure {
  for (const partition of [...state.reassigning]) {
    if (isConcerned(partition)) yield* reassign(state, partition, copyOf(partition));
  }
}

/**
 * Requests through /admin/reassign_partitions; returns the partitions whose reassignment was
 * started.
 */
export function* onReassignmentsRequested(state: ControllerState): Procedure<Set<Partition>> {
  const started = new Set<Partition>();
  const requested = yield* perform<'readReassignments'>({ type: 'readReassignments' });
  const failed = new Set<string>();
  for (const { topic, partition: index, replicas } of requested ?? []) {
    const partition = findPartition(state, topic, index);
    if (partition === undefined || state.topicsToDelete.has(topic)) {
      failed.add(`${topic}-${index}`);
      continue;
    }
    const assignment = reassignTo(partition, replicas);
    if (dropsWholeIsr(partition, assignment)) {
      failed.add(`${topic}-${index}`);
      continue;
    }
    yield* reassign(state, partition, assignment);
    started.add(partition);
  }
  if (failed.size > 0) {
    yield* log('warn', 'requested reassignments cannot be done', { partitions: [...failed] });
    yield* dropRequests(state, ({ topic, partition }) => failed.has(`${topic}-${partition}`));
  }
  return started;
}

/** Takes entries out of /admin/reassign_partitions, where it exists. */
export function* dropRequests(
  _state: ControllerState,
  isDropped: (entry: {
    readonly topic: string;
    readonly partition: number;
    readonly replicas: readonly number[];
  }) => boolean,
): Procedure {
  const entries = yield* perform<'readReassignments'>({ type: 'readReassignments' });
  if (entries === null) return;
  const kept = entries.filter((entry) => !isDropped(entry));
  if (kept.length === entries.length && kept.length > 0) return;
  yield* perform<'writeReassignments'>({ type: 'writeReassignments', entries: kept });
}

const copyOf = ({ replicas, addingReplicas, removingReplicas }: Partition): Assignment => ({
  replicas,
  addingReplicas,
  removingReplicas,
});

const isSame = (a: Assignment, b: Assignment): boolean =>
  a.replicas.join() === b.replicas.join() &&
  a.addingReplicas.join() === b.addingReplicas.join() &&
  a.removingReplicas.join() === b.removingReplicas.join();

/** Writes the topic's znode with `assignment` for one of its partitions. */
function* writeAssignment(
  state: ControllerState,
  partition: Partition,
  assignment: Assignment,
): Procedure {
  const partitions = new Map<number, Assignment>(state.topics.get(partition.topic)?.partitions);
  partitions.set(partition.index, assignment);
  yield* writeTopic(state, partition.topic, partitions satisfies TopicContent['partitions']);
}

const take = (partition: Partition, assignment: Assignment): void => {
  partition.replicas = assignment.replicas;
  partition.addingReplicas = assignment.addingReplicas;
  partition.removingReplicas = assignment.removingReplicas;
};

/** Makes `assignment` the plan; replicas that only an earlier plan wanted are dropped at once. */
function* adoptAssignment(
  state: ControllerState,
  partition: Partition,
  assignment: Assignment,
): Procedure {
  if (!isSame(partition, assignment)) {
    const before = partition.replicas;
    yield* writeAssignment(state, partition, assignment);
    take(partition, assignment);
    yield* stopReplicas(
      state,
      partition,
      before.filter((id) => !assignment.replicas.includes(id)),
    );
  }
  state.reassigning.add(partition);
}

/**
 * Nothing moves, or the target is in sync; the state znode is asked, not what we remember of it.
 */
function* isComplete(state: ControllerState, partition: Partition): Procedure<boolean> {
  if (!isReassigning(partition)) return true;
  const [found] = yield* readLeaderships(state, [partition]);
  const isr = found?.leadership?.isr ?? [];
  return found !== undefined && targetReplicasOf(partition).every((id) => isr.includes(id));
}

/** Phase A: everybody learns the plan under a new leader epoch, then the new replicas start. */
function* startNewReplicas(state: ControllerState, partition: Partition): Procedure {
  yield* bumpLeaderEpoch(state, partition);
  for (const brokerId of partition.addingReplicas) {
    // One that was started by an earlier attempt has a state already, and was just told again.
    if (replicaStatusOf(partition, brokerId) !== 'nonExistent') continue;
    yield* changeReplicas(state, [{ partition, brokerId }], 'new');
  }
}

/** Phase B. */
function* finish(state: ControllerState, partition: Partition): Procedure {
  const { addingReplicas, removingReplicas } = partition;
  yield* changeReplicas(
    state,
    addingReplicas.map((brokerId) => ({ partition, brokerId })),
    'online',
  );
  const target = targetReplicasOf(partition);
  take(partition, { replicas: target, addingReplicas: [], removingReplicas: [] });
  yield* moveLead(state, partition);
  yield* stopReplicas(state, partition, removingReplicas);
  yield* writeAssignment(state, partition, copyOf(partition));
  state.reassigning.delete(partition);
  yield* dropRequests(
    state,
    (entry) =>
      entry.topic === partition.topic &&
      entry.partition === partition.index &&
      entry.replicas.join() === target.join(),
  );
  addMetadataOnly(state, undefined, [partition]);
  yield* flush(state);
  yield* resumeDeletionsOf(state, [partition.topic]);
}

/**
 * A leader that stays gets the new replicas under a new epoch; else one of the target is elected.
 */
function* moveLead(state: ControllerState, partition: Partition): Procedure {
  const leader = partition.leadership?.leader ?? -1;
  if (partition.replicas.includes(leader) && isReplicaOnline(state, leader, partition)) {
    yield* bumpLeaderEpoch(state, partition);
  } else {
    const strategy = partition.status === 'new' ? offlineElection : ({ type: 'reassign' } as const);
    yield* changePartitions(state, [partition], 'online', strategy);
  }
}

/** Raises the leader epoch and tells the replicas, new ones as new. */
function* bumpLeaderEpoch(state: ControllerState, partition: Partition): Procedure {
  const failures = new Map<Partition, string>();
  let isWritten = false;
  while (!isWritten && failures.size === 0) {
    const current = partition.leadership;
    if (current === null) break;
    const { partitionEpoch: _, ...content } = current;
    const next: LeaderAndIsr = {
      ...content,
      leaderEpoch: current.leaderEpoch + 1,
      controllerEpoch: state.epoch,
    };
    const changes = new Map([[partition, next]]);
    isWritten = (yield* writeLeaderships(state, changes, failures)).written.length > 0;
  }
  if (!isWritten) {
    yield* log('error', `the leader epoch of ${nameOf(partition)} could not be raised`);
    return;
  }
  openBatch(state);
  addLeaderAndIsr(state, partition, originReplicasOf(partition), { isNew: false });
  addLeaderAndIsr(state, partition, partition.addingReplicas, { isNew: true });
  yield* flush(state);
}

/** Stops, deletes and forgets replicas, without waiting for the brokers' answers. */
function* stopReplicas(
  state: ControllerState,
  partition: Partition,
  brokerIds: readonly number[],
): Procedure {
  const replicas: Replica[] = brokerIds.map((brokerId) => ({ partition, brokerId }));
  for (const status of [
    'offline',
    'deletionStarted',
    'deletionSuccessful',
    'nonExistent',
  ] as const) {
    yield* changeReplicas(state, replicas, status);
  }
}
