/**
 * Deleting topics (Kafka's TopicDeletionManager). A topic queued for deletion is stopped and
 * deleted replica by replica; when all brokers have answered, its znodes go. A topic with a replica
 * on a dead broker, a failed deletion or a running reassignment is ineligible until that is over.
 */
import { log, type Procedure, perform } from './commands.ts';
import { changePartitions, flush } from './partition-states.ts';
import { changeReplicas, type Replica, replicasOf } from './replica-states.ts';
import { addMetadataOnly } from './request-batch.ts';
import {
  type ControllerState,
  findPartition,
  isReplicaOnline,
  type Partition,
  partitionsOf,
  type ReplicaStatus,
  removeTopic,
  replicaStatusOf,
} from './state.ts';

/** Somebody has put up a deletion marker. */
export function* onTopicDeletion(state: ControllerState): Procedure {
  const marked = yield* perform<'readDeletionMarkers'>({ type: 'readDeletionMarkers' });
  const refused = marked.filter(
    (name) => !state.topics.has(name) || !state.settings.deleteTopicEnable,
  );
  if (refused.length > 0) {
    yield* log('warn', 'deletion of topics refused: unknown, or deletion is disabled', { refused });
    yield* perform<'removeDeletionMarkers'>({ type: 'removeDeletionMarkers', names: refused });
  }
  const topics = marked.filter((name) => !refused.includes(name));
  if (topics.length === 0) return;
  for (const name of topics) state.topicsToDelete.add(name);
  const reassigned = [...state.reassigning].map(({ topic }) => topic);
  markIneligible(
    state,
    reassigned.filter((name) => topics.includes(name)),
  );
  yield* resumeDeletions(state);
}

/** After an election: what the markers say, and which topics have to wait. */
export function* readPendingDeletions(state: ControllerState): Procedure {
  const marked = yield* perform<'readDeletionMarkers'>({ type: 'readDeletionMarkers' });
  if (!state.settings.deleteTopicEnable) {
    if (marked.length === 0) return;
    yield* perform<'removeDeletionMarkers'>({ type: 'removeDeletionMarkers', names: marked });
    return;
  }
  for (const name of marked) state.topicsToDelete.add(name);
  const hasOfflineReplica = (partition: Partition): boolean =>
    partition.replicas.some((id) => !isReplicaOnline(state, id, partition));
  markIneligible(
    state,
    marked.filter((name) =>
      partitionsOf(state, name).some(
        (partition) => state.reassigning.has(partition) || hasOfflineReplica(partition),
      ),
    ),
  );
}

/** Only topics that are queued can be ineligible. */
export const markIneligible = (state: ControllerState, topics: Iterable<string>): void => {
  for (const name of topics) {
    if (state.topicsToDelete.has(name)) state.topicsIneligibleForDeletion.add(name);
  }
};

/** What kept `topics` from being deleted may be over. */
export function* resumeDeletionsOf(state: ControllerState, topics: Iterable<string>): Procedure {
  let any = false;
  for (const name of topics) {
    if (!state.topicsToDelete.has(name)) continue;
    state.topicsIneligibleForDeletion.delete(name);
    any = true;
  }
  if (any) yield* resumeDeletions(state);
}

/** Takes every queued topic as far as it can go. */
export function* resumeDeletions(state: ControllerState): Procedure {
  const retried: Replica[] = [];
  const started: string[] = [];
  for (const name of [...state.topicsToDelete]) {
    const statuses = replicasOf(partitionsOf(state, name)).map(statusOf);
    const isInProgress = statuses.includes('deletionStarted');
    if (statuses.every((status) => status === 'deletionSuccessful')) {
      yield* completeDeletion(state, name);
      continue;
    }
    if (isInProgress) continue;
    retried.push(...replicasIn(state, name, 'deletionIneligible'));
    if (!state.topicsIneligibleForDeletion.has(name)) started.push(name);
  }
  yield* changeReplicas(state, retried, 'offline');
  if (started.length > 0) yield* startDeletion(state, started);
}

/** StopReplica with deletion has been answered by a broker. */
export function* onDeletionAnswered(
  state: ControllerState,
  brokerId: number,
  answers: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly errorCode: number;
  }[],
): Procedure {
  const failed: Replica[] = [];
  const deleted: Replica[] = [];
  for (const answer of answers) {
    if (!state.topicsDeletionStarted.has(answer.topic)) continue;
    const partition = findPartition(state, answer.topic, answer.partition);
    if (partition === undefined) continue;
    (answer.errorCode === 0 ? deleted : failed).push({ partition, brokerId });
  }
  yield* failDeletion(state, failed);
  if (deleted.length === 0) return;
  yield* changeReplicas(state, deleted, 'deletionSuccessful');
  yield* resumeDeletions(state);
}

/** Replicas that could not be deleted, or whose broker is gone: the topic waits. */
export function* failDeletion(state: ControllerState, replicas: readonly Replica[]): Procedure {
  const failed = replicas.filter(({ partition }) => state.topicsToDelete.has(partition.topic));
  if (failed.length === 0) return;
  yield* changeReplicas(
    state,
    failed.filter((replica) => ['offline', 'deletionStarted'].includes(statusOf(replica))),
    'deletionIneligible',
  );
  markIneligible(
    state,
    failed.map(({ partition }) => partition.topic),
  );
  yield* resumeDeletions(state);
}

function* startDeletion(state: ControllerState, topics: readonly string[]): Procedure {
  const fresh = topics
    .filter((name) => !state.topicsDeletionStarted.has(name))
    .flatMap((name) => partitionsOf(state, name));
  yield* changePartitions(state, fresh, 'offline');
  yield* changePartitions(state, fresh, 'nonExistent');
  for (const name of topics) state.topicsDeletionStarted.add(name);
  const partitions = topics.flatMap((name) => partitionsOf(state, name));
  // Brokers learn of the deletion (leader -2) before their replicas are stopped.
  addMetadataOnly(state, undefined, partitions);
  yield* flush(state);
  const dead: Replica[] = [];
  const alive: Replica[] = [];
  for (const replica of replicasOf(partitions)) {
    if (!isReplicaOnline(state, replica.brokerId, replica.partition)) dead.push(replica);
    else if (statusOf(replica) !== 'deletionSuccessful') alive.push(replica);
  }
  yield* changeReplicas(
    state,
    dead.filter((replica) => statusOf(replica) === 'offline'),
    'deletionIneligible',
  );
  yield* changeReplicas(state, alive, 'offline');
  yield* changeReplicas(state, alive, 'deletionStarted');
  markIneligible(
    state,
    dead.map(({ partition }) => partition.topic),
  );
}

function* completeDeletion(state: ControllerState, name: string): Procedure {
  yield* perform<'unwatchTopics'>({ type: 'unwatchTopics', names: [name] });
  yield* changeReplicas(state, replicasIn(state, name, 'deletionSuccessful'), 'nonExistent');
  yield* perform<'deleteTopic'>({ type: 'deleteTopic', name });
  removeTopic(state, name);
}

const statusOf = ({ partition, brokerId }: Replica): ReplicaStatus =>
  replicaStatusOf(partition, brokerId);

const replicasIn = (state: ControllerState, name: string, status: ReplicaStatus): Replica[] =>
  replicasOf(partitionsOf(state, name)).filter((replica) => statusOf(replica) === status);
