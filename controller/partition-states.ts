/**
 * The states of a partition and what each change asks for (Kafka's PartitionStateMachine). `new`
 * and `online` mean a replica assignment and a leader; `offline` a leader that is gone;
 * `nonExistent` never created, or being deleted.
 */
import { log, type PartitionWrite, type Procedure, perform } from './commands.ts';
import {
  type ElectionResult,
  type ElectionStrategy,
  elect,
  lacksInSyncReplica,
  strategyNames,
} from './elections.ts';
import { addLeaderAndIsr, openBatch, takeRequests } from './request-batch.ts';
import {
  allPartitions,
  type ControllerState,
  isQueuedForDeletion,
  isReplicaOnline,
  type LeaderAndIsr,
  type Leadership,
  nameOf,
  type Partition,
  type PartitionStatus,
} from './state.ts';

const validPrevious: Record<PartitionStatus, readonly PartitionStatus[]> = {
  new: ['nonExistent'],
  online: ['new', 'online', 'offline'],
  offline: ['new', 'online', 'offline'],
  nonExistent: ['offline'],
};

/** What Kafka elects with when the leader is gone and nobody has decided otherwise. */
export const offlineElection: ElectionStrategy = { type: 'offline', unclean: 'configured' };

/** Sends what the open batch has gathered. */
export function* flush(state: ControllerState): Procedure {
  const requests = takeRequests(state);
  if (requests.length > 0) yield { type: 'send', requests };
}

/**
 * Moves `partitions` to `target`; those in a state from which that is not legal are logged and left
 * alone. Going online creates the state of new partitions and elects for others by `strategy`.
 * Returns why partitions failed.
 */
export function* changePartitions(
  state: ControllerState,
  partitions: readonly Partition[],
  target: PartitionStatus,
  strategy: ElectionStrategy = offlineElection,
): Procedure<Map<Partition, string>> {
  const failures = new Map<Partition, string>();
  if (partitions.length === 0) return failures;
  openBatch(state);
  const valid = partitions.filter((partition) => validPrevious[target].includes(partition.status));
  for (const partition of partitions) {
    if (validPrevious[target].includes(partition.status)) continue;
    failures.set(partition, `cannot go from ${partition.status} to ${target}`);
    yield* log('error', `partition ${nameOf(partition)} ${failures.get(partition)}`);
  }
  if (target === 'online') {
    const created = valid.filter(({ status }) => status === 'new');
    const elected = valid.filter(({ status }) => status !== 'new');
    if (created.length > 0) yield* initialize(state, created, failures);
    if (elected.length > 0) yield* electLeaders(state, elected, strategy, failures);
  } else {
    for (const partition of valid) partition.status = target;
  }
  yield* flush(state);
  return failures;
}

/** Tries to bring every partition without a leader online, cleanly; returns how many were tried. */
export function* bringOnline(
  state: ControllerState,
  topic: string | null = null,
): Procedure<number> {
  const partitions: Partition[] = [];
  for (const partition of allPartitions(state)) {
    if (partition.status !== 'offline' && partition.status !== 'new') continue;
    if (topic !== null && partition.topic !== topic) continue;
    if (!isQueuedForDeletion(state, partition)) partitions.push(partition);
  }
  const failures = yield* changePartitions(state, partitions, 'online');
  return partitions.length - failures.size;
}

/**
 * First leaders: the first live replica leads, and all live ones are in sync, for the logs are
 * empty.
 */
function* initialize(
  state: ControllerState,
  partitions: readonly Partition[],
  failures: Map<Partition, string>,
): Procedure {
  const creations: { partition: Partition; leaderAndIsr: LeaderAndIsr }[] = [];
  for (const partition of partitions) {
    const isr = partition.replicas.filter((id) => isReplicaOnline(state, id, partition));
    const [leader] = isr;
    if (leader === undefined) {
      failures.set(partition, `no replica of ${nameOf(partition)} is alive`);
      yield* log('error', `cannot create ${nameOf(partition)}: no replica is alive`);
      continue;
    }
    const leaderAndIsr = {
      leader,
      leaderEpoch: 0,
      isr,
      leaderRecoveryState: 0,
      controllerEpoch: state.epoch,
    } as const;
    creations.push({ partition, leaderAndIsr });
  }
  const outcomes = yield* perform<'writePartitionStates'>({
    type: 'writePartitionStates',
    writes: creations.map(({ partition, leaderAndIsr }) => ({
      topic: partition.topic,
      partition: partition.index,
      leaderAndIsr,
      expectedVersion: null,
    })),
  });
  for (const [index, { partition, leaderAndIsr }] of creations.entries()) {
    const outcome = outcomes[index];
    if (outcome?.type !== 'ok') {
      failures.set(partition, `could not create the state of ${nameOf(partition)}`);
      yield* log('error', `could not create the state of ${nameOf(partition)}`, { outcome });
      continue;
    }
    partition.leadership = { ...leaderAndIsr, partitionEpoch: outcome.version };
    partition.status = 'online';
    addLeaderAndIsr(state, partition, leaderAndIsr.isr, { isNew: true });
  }
}

/** Elects by the known states; one that has moved on meanwhile is read again and decided again. */
function* electLeaders(
  state: ControllerState,
  partitions: readonly Partition[],
  strategy: ElectionStrategy,
  failures: Map<Partition, string>,
): Procedure {
  const allowsUnclean = yield* uncleanRule(state, partitions, strategy);
  let remaining = partitions;
  while (remaining.length > 0) {
    const results = new Map<Partition, ElectionResult>();
    for (const partition of remaining) {
      const result = elect(state, partition, strategy, allowsUnclean(partition));
      if (result !== null) results.set(partition, result);
      else {
        const reason =
          `Failed to elect leader for partition ${nameOf(partition)} ` +
          `under strategy ${strategyNames[strategy.type]}`;
        failures.set(partition, reason);
        yield* log('warn', reason);
      }
    }
    const { written, conflicting } = yield* writeLeaderships(
      state,
      new Map([...results].map(([partition, { leaderAndIsr }]) => [partition, leaderAndIsr])),
      failures,
    );
    for (const partition of written) {
      const result = results.get(partition);
      if (result === undefined) continue;
      partition.status = 'online';
      if (result.isUnclean) {
        yield* log('warn', `unclean leader election for ${nameOf(partition)}`, {
          leader: result.leaderAndIsr.leader,
        });
      }
      addLeaderAndIsr(state, partition, result.recipients, { isNew: false });
    }
    remaining = conflicting;
  }
}

/**
 * Whether a partition may be given a leader that is not in sync; settings are read only where it
 * matters.
 */
function* uncleanRule(
  state: ControllerState,
  partitions: readonly Partition[],
  strategy: ElectionStrategy,
): Procedure<(partition: Partition) => boolean> {
  if (strategy.type !== 'offline') return () => false;
  if (strategy.unclean === 'always') return () => true;
  const topics = new Set<string>();
  for (const partition of partitions) {
    if (lacksInSyncReplica(state, partition)) topics.add(partition.topic);
  }
  if (topics.size === 0) return () => false;
  const settings = yield* perform<'readUncleanSettings'>({
    type: 'readUncleanSettings',
    topics: [...topics],
  });
  return (partition) => settings.get(partition.topic) ?? false;
}

/**
 * Writes new states at the versions known. Successes are taken over at once; partitions whose znode
 * was at another version come back in `conflicting`, their state read again. Everything else ends
 * in `failures`.
 */
export function* writeLeaderships(
  state: ControllerState,
  changes: ReadonlyMap<Partition, LeaderAndIsr>,
  failures: Map<Partition, string>,
): Procedure<{ written: Partition[]; conflicting: Partition[] }> {
  const written: Partition[] = [];
  const stale: Partition[] = [];
  if (changes.size === 0) return { written, conflicting: stale };
  const partitions = [...changes.keys()];
  const writes: PartitionWrite[] = [];
  for (const [partition, leaderAndIsr] of changes) {
    const expectedVersion = partition.leadership?.partitionEpoch ?? null;
    writes.push({
      topic: partition.topic,
      partition: partition.index,
      leaderAndIsr,
      expectedVersion,
    });
  }
  const outcomes = yield* perform<'writePartitionStates'>({ type: 'writePartitionStates', writes });
  for (const [index, partition] of partitions.entries()) {
    const outcome = outcomes[index];
    const leaderAndIsr = changes.get(partition);
    if (outcome?.type === 'ok' && leaderAndIsr !== undefined) {
      partition.leadership = { ...leaderAndIsr, partitionEpoch: outcome.version };
      written.push(partition);
    } else if (outcome?.type === 'badVersion') {
      stale.push(partition);
    } else {
      const reason = outcome?.type === 'failed' ? outcome.reason : 'its state znode is gone';
      failures.set(partition, `could not write the state of ${nameOf(partition)}: ${reason}`);
      yield* log('error', `could not write the state of ${nameOf(partition)}: ${reason}`);
    }
  }
  return { written, conflicting: yield* readLeaderships(state, stale, failures) };
}

/**
 * Takes over what the state znodes of `partitions` say; returns those that have one. A state
 * written by a newer controller is not ours to touch: such a partition fails (the next write's
 * epoch check will make us resign).
 */
export function* readLeaderships(
  state: ControllerState,
  partitions: readonly Partition[],
  failures: Map<Partition, string> = new Map(),
): Procedure<Partition[]> {
  if (partitions.length === 0) return [];
  const states = yield* perform<'readPartitionStates'>({
    type: 'readPartitionStates',
    partitions: partitions.map(({ topic, index }) => ({ topic, partition: index })),
  });
  const found: Partition[] = [];
  for (const [index, partition] of partitions.entries()) {
    const leadership: Leadership | null = states[index] ?? null;
    if (leadership === null) {
      failures.set(partition, `the state znode of ${nameOf(partition)} is gone`);
    } else if (leadership.controllerEpoch > state.epoch) {
      failures.set(partition, `a newer controller has written the state of ${nameOf(partition)}`);
    } else {
      partition.leadership = leadership;
      found.push(partition);
    }
  }
  return found;
}
