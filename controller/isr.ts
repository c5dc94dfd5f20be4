/**
 * Changes of in-sync replicas that leaders ask for (AlterPartition, KIP-497), and the notifications
 * of brokers that still write the ISR themselves. The leader epoch stays as it is; only the znode's
 * version moves.
 */
import { log, type Procedure, perform } from './commands.ts';
import type { ReplyBody, RequestBody } from './events.ts';
import { flush, readLeaderships, writeLeaderships } from './partition-states.ts';
import { completeReassignments } from './reassignment.ts';
import { codeOf, type ErrorName } from './refusals.ts';
import { addMetadataOnly } from './request-batch.ts';
import {
  type ControllerState,
  findPartition,
  isBrokerLive,
  type LeaderAndIsr,
  type Partition,
} from './state.ts';

type AlterRequest = RequestBody<'alterPartition'>;
type AlterTopic = AlterRequest['topics'][number];
type AlterPartition = AlterTopic['partitions'][number];
type AlterReply = ReplyBody<'alterPartition'>;
type TopicAnswer = AlterReply['topics'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

/** One partition of a request: refused, unchanged (idempotent), or to be written. */
interface Item {
  readonly asked: AlterPartition;
  readonly partition: Partition | undefined;
  readonly verdict: ErrorName | 'unchanged' | LeaderAndIsr;
}

/** Answers a leader's wish for other ISRs; everybody is told the outcome, whatever it is. */
export function* onAlterPartition(
  state: ControllerState,
  request: AlterRequest,
  version: number,
): Procedure {
  if (state.brokers.get(request.brokerId)?.epoch !== request.brokerEpoch) {
    const errorCode = codeOf('STALE_BROKER_EPOCH');
    yield* perform<'reply'>({ type: 'reply', reply: { throttleTimeMs: 0, errorCode, topics: [] } });
    return;
  }
  const itemsByTopic = new Map<AlterTopic, Item[]>();
  for (const topic of request.topics) {
    const judged = topic.partitions.map((asked) => judge(state, topic, asked, version));
    itemsByTopic.set(topic, judged);
  }
  const items = [...itemsByTopic.values()].flat();
  const changes = new Map<Partition, LeaderAndIsr>();
  for (const { partition, verdict } of items) {
    if (partition !== undefined && typeof verdict === 'object') changes.set(partition, verdict);
  }
  const failures = new Map<Partition, string>();
  const { written } = yield* writeLeaderships(state, changes, failures);
  const concerned = items.flatMap(({ partition }) => partition ?? []);
  addMetadataOnly(state, undefined, concerned);
  yield* flush(state);
  const isWritten = new Set(written);
  const errorOf = ({ partition, verdict }: Item): ErrorName => {
    if (typeof verdict === 'string') return verdict === 'unchanged' ? 'NONE' : verdict;
    if (partition === undefined || failures.has(partition)) return 'UNKNOWN_SERVER_ERROR';
    return isWritten.has(partition) ? 'NONE' : 'INVALID_UPDATE_VERSION';
  };
  const reply: AlterReply = {
    throttleTimeMs: 0,
    errorCode: 0,
    topics: request.topics.map((topic) => ({
      ...(version < 2 ? { topicName: topic.topicName } : { topicId: topic.topicId }),
      partitions: (itemsByTopic.get(topic) ?? []).map((item) => answer(item, errorOf(item))),
    })),
  };
  yield* perform<'reply'>({ type: 'reply', reply });
  yield* completeReassignments(state, concerned);
}

/** ISRs that leaders of an older inter-broker version have written themselves. */
export function* onIsrNotifications(state: ControllerState): Procedure {
  const notifications = yield* perform<'readIsrNotifications'>({ type: 'readIsrNotifications' });
  const partitions = new Set<Partition>();
  for (const { partitions: places } of notifications) {
    for (const { topic, partition } of places) {
      const found = findPartition(state, topic, partition);
      if (found !== undefined) partitions.add(found);
    }
  }
  if (partitions.size > 0) {
    const failures = new Map<Partition, string>();
    yield* readLeaderships(state, [...partitions], failures);
    if (failures.size > 0) {
      yield* log('warn', 'announced ISRs could not be read', { reasons: [...failures.values()] });
    }
    addMetadataOnly(state, undefined, partitions);
    yield* flush(state);
    yield* completeReassignments(state, partitions);
  }
  if (notifications.length === 0) return;
  const names = notifications.map(({ name }) => name);
  yield* perform<'deleteNotifications'>({ type: 'deleteNotifications', kind: 'isr', names });
}

const judge = (
  state: ControllerState,
  topic: AlterTopic,
  asked: AlterPartition,
  version: number,
): Item => {
  const name = version < 2 ? topic.topicName : state.topicNamesById.get(topic.topicId);
  const partition =
    name === undefined ? undefined : findPartition(state, name, asked.partitionIndex);
  if (partition === undefined) {
    const verdict = name === undefined ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION';
    return { asked, partition, verdict };
  }
  return { asked, partition, verdict: judgeKnown(state, partition, asked, version) };
};

/**
 * Kafka's checks in Kafka's order: a repeat of what already stands succeeds before the version is
 * compared.
 */
const judgeKnown = (
  state: ControllerState,
  partition: Partition,
  asked: AlterPartition,
  version: number,
): Item['verdict'] => {
  const current = partition.leadership;
  if (current === null) return 'UNKNOWN_TOPIC_OR_PARTITION';
  if (asked.partitionEpoch > current.partitionEpoch || asked.leaderEpoch > current.leaderEpoch) {
    // The leader has heard of a newer state than we have: it is not we who are the controller.
    return 'NOT_CONTROLLER';
  }
  if (asked.leaderEpoch < current.leaderEpoch) return 'FENCED_LEADER_EPOCH';
  const isr = version < 3 ? asked.newIsr : asked.newIsrWithEpochs.map(({ brokerId }) => brokerId);
  const recovery = asked.leaderRecoveryState;
  if (isr.join() === current.isr.join() && recovery === current.leaderRecoveryState) {
    return 'unchanged';
  }
  if (asked.partitionEpoch < current.partitionEpoch) return 'INVALID_UPDATE_VERSION';
  if (recovery !== 0 && (isr.length > 1 || current.leaderRecoveryState === 0)) {
    return 'INVALID_REQUEST';
  }
  if (!isr.every((id) => isBrokerLive(state, id))) {
    return version < 2 ? 'OPERATION_NOT_ATTEMPTED' : 'INELIGIBLE_REPLICA';
  }
  return {
    leader: current.leader,
    leaderEpoch: current.leaderEpoch,
    isr: [...isr],
    leaderRecoveryState: recovery === 0 ? 0 : 1,
    controllerEpoch: state.epoch,
  };
};

const answer = ({ asked, partition }: Item, error: ErrorName): PartitionAnswer => {
  const { partitionIndex } = asked;
  const current = partition?.leadership;
  if (error !== 'NONE' || current === null || current === undefined) {
    return {
      partitionIndex,
      errorCode: codeOf(error),
      leaderId: 0,
      leaderEpoch: 0,
      isr: [],
      partitionEpoch: 0,
    };
  }
  return {
    partitionIndex,
    errorCode: 0,
    leaderId: current.leader,
    leaderEpoch: current.leaderEpoch,
    isr: [...current.isr],
    leaderRecoveryState: current.leaderRecoveryState,
    partitionEpoch: current.partitionEpoch,
  };
};
