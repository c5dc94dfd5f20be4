/**
 * AlterPartitionReassignments and ListPartitionReassignments (KIP-455): what is refused, and what
 * is answered.
 */
import { type Procedure, perform } from './commands.ts';
import type { ReplyBody, RequestBody } from './events.ts';
import { dropRequests, dropsWholeIsr, reassign, reassignTo } from './reassignment.ts';
import { refusal } from './refusals.ts';
import {
  type Assignment,
  type ControllerState,
  findPartition,
  isBrokerLive,
  isReassigning,
  originReplicasOf,
  type Partition,
} from './state.ts';

interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

interface Plan {
  readonly partition: Partition | undefined;
  readonly assignment: Assignment;
}

const done: Refusal = { errorCode: 0, errorMessage: null };

/**
 * Starts, overrides or (replicas null) cancels reassignments, and answers when all are on their
 * way.
 */
export function* onAlterReassignments(
  state: ControllerState,
  request: RequestBody<'alterPartitionReassignments'>,
): Procedure {
  const results = new Map<string, Refusal>();
  const plans = new Map<string, Plan>();
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex, replicas } of partitions) {
      const planned = plan(state, findPartition(state, name, partitionIndex), replicas);
      const key = `${name}-${partitionIndex}`;
      if ('errorCode' in planned) results.set(key, planned);
      else if (planned.partition && dropsWholeIsr(planned.partition, planned.assignment))
        results.set(key, refusal('INVALID_REPLICA_ASSIGNMENT', uncleanMessage(key)));
      else plans.set(key, planned);
    }
  }
  // What is asked here overrides what was asked through the znode.
  if (plans.size > 0) {
    yield* dropRequests(state, ({ topic, partition }) => plans.has(`${topic}-${partition}`));
  }
  for (const [key, { partition, assignment }] of plans) {
    if (partition === undefined) {
      results.set(key, refusal('UNKNOWN_TOPIC_OR_PARTITION', 'The partition does not exist.'));
    } else if (state.topicsToDelete.has(partition.topic)) {
      results.set(key, refusal('UNKNOWN_TOPIC_OR_PARTITION', 'The topic is being deleted.'));
    } else {
      yield* reassign(state, partition, assignment);
      results.set(key, done);
    }
  }
  const reply: ReplyBody<'alterPartitionReassignments'> = {
    throttleTimeMs: 0,
    errorCode: 0,
    errorMessage: '',
    responses: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        ...(results.get(`${name}-${partitionIndex}`) ?? done),
      })),
    })),
  };
  yield* perform<'reply'>({ type: 'reply', reply });
}

/**
 * Running reassignments, of all partitions or of those named; unknown and idle ones are left out.
 */
export function* onListReassignments(
  state: ControllerState,
  request: RequestBody<'listPartitionReassignments'>,
): Procedure {
  const partitions =
    request.topics === null
      ? [...state.reassigning]
      : request.topics.flatMap(({ name, partitionIndexes }) =>
          partitionIndexes.flatMap((index) => findPartition(state, name, index) ?? []),
        );
  const byTopic = new Map<string, Partition[]>();
  for (const partition of partitions.filter(isReassigning)) {
    byTopic.set(partition.topic, [...(byTopic.get(partition.topic) ?? []), partition]);
  }
  const reply: ReplyBody<'listPartitionReassignments'> = {
    throttleTimeMs: 0,
    errorCode: 0,
    errorMessage: '',
    topics: [...byTopic].map(([name, moving]) => ({
      name,
      partitions: moving.map(({ index, replicas, addingReplicas, removingReplicas }) => ({
        partitionIndex: index,
        replicas: [...replicas],
        addingReplicas: [...addingReplicas],
        removingReplicas: [...removingReplicas],
      })),
    })),
  };
  yield* perform<'reply'>({ type: 'reply', reply });
}

const uncleanMessage = (name: string): string =>
  `The assignment of ${name} cannot be changed so: no replica that would remain is in sync, and ` +
  'an unclean leader election would be required.';

const nothing: Assignment = { replicas: [], addingReplicas: [], removingReplicas: [] };

/** The assignment that one entry of a request asks for, or why it cannot be had. */
const plan = (
  state: ControllerState,
  partition: Partition | undefined,
  replicas: readonly number[] | null,
): Plan | Refusal => {
  if (replicas === null) {
    return partition === undefined || !isReassigning(partition)
      ? refusal('NO_REASSIGNMENT_IN_PROGRESS', 'No partition reassignment is in progress.')
      : { partition, assignment: reassignTo(partition, originReplicasOf(partition)) };
  }
  const list = `[${replicas.join(', ')}]`;
  const invalid = (message: string): Refusal => refusal('INVALID_REPLICA_ASSIGNMENT', message);
  if (replicas.length === 0) {
    return invalid('Empty replica list specified in partition reassignment.');
  }
  if (new Set(replicas).size !== replicas.length) {
    return invalid(`Duplicate replica ids in partition reassignment replica list: ${list}`);
  }
  if (replicas.some((id) => id < 0)) return invalid(`Invalid broker id in replica list: ${list}`);
  const assignment = partition === undefined ? nothing : reassignTo(partition, replicas);
  const added = partition === undefined ? replicas : assignment.addingReplicas;
  if (!added.every((id) => isBrokerLive(state, id))) {
    const live = [...state.brokers.keys()].filter((id) => isBrokerLive(state, id));
    return invalid(
      `Replica assignment has brokers that are not alive. Replica list: [${added.join(', ')}], ` +
        `live broker list: [${live.join(', ')}]`,
    );
  }
  return { partition, assignment };
};
