/**
 * Elections that somebody asks for: ElectLeaders (KIP-460), /admin/preferred_replica_election, and
 * the regular look at how far leaders have strayed from the preferred replicas.
 */
import { log, type Procedure, perform } from './commands.ts';
import { type ElectionStrategy, elect } from './elections.ts';
import type { ReplyBody, RequestBody } from './events.ts';
import { changePartitions } from './partition-states.ts';
import { type Refusal, refusal } from './refusals.ts';
import {
  allPartitions,
  type ControllerState,
  findPartition,
  isBrokerLive,
  isQueuedForDeletion,
  NO_LEADER,
  type Partition,
} from './state.ts';

const UNCLEAN = 1;
const preferred: ElectionStrategy = { type: 'preferred' };

type Result = Refusal | { readonly errorCode: 0; readonly errorMessage: null };
const done: Result = { errorCode: 0, errorMessage: null };
const notNeeded = refusal('ELECTION_NOT_NEEDED', 'Leader election not needed for topic partition.');

/**
 * Elects for the partitions named, or for all that need it, and answers with each one's outcome.
 */
export function* onElectLeaders(
  state: ControllerState,
  request: RequestBody<'electLeaders'>,
  version: number,
): Procedure {
  const isUnclean = version > 0 && request.electionType === UNCLEAN;
  const asked = request.topicPartitions ?? everything(state);
  const results = new Map<string, Result>();
  const electable = new Map<string, Partition>();
  for (const { topic, partitions } of asked) {
    for (const index of partitions) {
      const partition = findPartition(state, topic, index);
      const verdict = judge(state, partition, isUnclean);
      if (verdict !== null) results.set(`${topic}-${index}`, verdict);
      else if (partition !== undefined) electable.set(`${topic}-${index}`, partition);
    }
  }
  const failures = yield* changePartitions(
    state,
    [...electable.values()],
    'online',
    isUnclean ? { type: 'offline', unclean: 'always' } : preferred,
  );
  const failure = isUnclean ? 'ELIGIBLE_LEADERS_NOT_AVAILABLE' : 'PREFERRED_LEADER_NOT_AVAILABLE';
  for (const [key, partition] of electable) {
    const reason = failures.get(partition);
    results.set(key, reason === undefined ? done : refusal(failure, reason));
  }
  const reply: ReplyBody<'electLeaders'> = {
    throttleTimeMs: 0,
    errorCode: 0,
    replicaElectionResults: asked.flatMap(({ topic, partitions }) => {
      const partitionResult = partitions
        .map((partitionId) => ({
          partitionId,
          ...(results.get(`${topic}-${partitionId}`) ?? done),
        }))
        .filter(
          ({ errorCode }) => request.topicPartitions !== null || errorCode !== notNeeded.errorCode,
        );
      return partitionResult.length === 0 ? [] : [{ topic, partitionResult }];
    }),
  };
  yield* perform<'reply'>({ type: 'reply', reply });
}

/** Does what /admin/preferred_replica_election asks, if it is there, and deletes it. */
export function* takePreferredElection(state: ControllerState): Procedure {
  const places = yield* perform<'readPreferredElection'>({ type: 'readPreferredElection' });
  if (places === null) return;
  const partitions = places.flatMap(({ topic, partition: index }) => {
    const partition = findPartition(state, topic, index);
    return partition === undefined || judge(state, partition, false) !== null ? [] : [partition];
  });
  yield* changePartitions(state, partitions, 'online', preferred);
  yield* perform<'deletePreferredElection'>({ type: 'deletePreferredElection' });
  // Its reading arms the watch for the next request.
  yield* perform<'enqueue'>({ type: 'enqueue', event: { type: 'preferredElectionRequested' } });
}

/** Gives leads back where too many of a broker's preferred partitions are led by others. */
export function* onPreferredCheck(state: ControllerState): Procedure {
  const byPreferred = new Map<number, Partition[]>();
  for (const partition of allPartitions(state)) {
    const [first] = partition.replicas;
    if (first === undefined || isQueuedForDeletion(state, partition)) continue;
    const group = byPreferred.get(first);
    if (group === undefined) byPreferred.set(first, [partition]);
    else group.push(partition);
  }
  const limit = state.settings.leaderImbalancePerBrokerPercentage / 100;
  for (const [brokerId, partitions] of byPreferred) {
    const strayed = partitions.filter(
      ({ leadership }) => leadership !== null && leadership.leader !== brokerId,
    );
    if (strayed.length / partitions.length <= limit) continue;
    const candidates = strayed.filter(
      (partition) => elect(state, partition, preferred, false) !== null,
    );
    if (candidates.length === 0) continue;
    yield* log('info', `leads go back to broker ${brokerId}`, { count: candidates.length });
    yield* changePartitions(state, candidates, 'online', preferred);
  }
  yield* perform<'schedulePreferredCheck'>({ type: 'schedulePreferredCheck', delay: 'interval' });
}

const everything = (state: ControllerState): { topic: string; partitions: number[] }[] =>
  [...state.topics.values()].map(({ name, partitions }) => ({
    topic: name,
    partitions: [...partitions.keys()],
  }));

/** Why there is to be no election, or null. */
const judge = (
  state: ControllerState,
  partition: Partition | undefined,
  isUnclean: boolean,
): Refusal | null => {
  if (partition === undefined) {
    return refusal('UNKNOWN_TOPIC_OR_PARTITION', 'The partition does not exist.');
  }
  if (isQueuedForDeletion(state, partition)) {
    return refusal('INVALID_TOPIC_EXCEPTION', 'The topic is being deleted');
  }
  const leader = partition.leadership?.leader ?? NO_LEADER;
  const isNeeded = isUnclean
    ? leader === NO_LEADER || !isBrokerLive(state, leader)
    : leader !== partition.replicas[0];
  return isNeeded ? null : notNeeded;
};
