/**
 * Taking office: everything is read from ZooKeeper in Kafka's order, brokers learn of each other
 * before they are told whom to follow, then the state machines start and what was left half done is
 * taken up (onControllerFailover).
 */
import { log, type Procedure, perform, type TopicContent } from './commands.ts';
import { bringOnline, flush, readLeaderships } from './partition-states.ts';
import { onReassignmentsRequested, resumeReassignments } from './reassignment.ts';
import { changeReplicas, type Replica, replicasOf } from './replica-states.ts';
import { addMetadataOnly } from './request-batch.ts';
import { takePreferredElection } from './requested-elections.ts';
import {
  allPartitions,
  brokerIdsOf,
  type ControllerState,
  isReassigning,
  isReplicaOnline,
} from './state.ts';
import { readPendingDeletions, resumeDeletions } from './topic-deletion.ts';
import { takeNewPartitions } from './topics.ts';

/**
 * This broker has won the election with `epoch`; `state` is that of a broker that knows nothing
 * yet.
 */
export function* onElected(state: ControllerState, epoch: number): Procedure {
  state.epoch = epoch;
  yield* log('info', 'this broker is the controller', { epoch });
  yield* perform<'prepareFeature'>({ type: 'prepareFeature' });
  yield* perform<'watchCluster'>({ type: 'watchCluster' });
  for (const kind of ['logDir', 'isr'] as const) {
    yield* perform<'deleteNotifications'>({ type: 'deleteNotifications', kind, names: null });
  }
  yield* readCluster(state);
  yield* readPendingDeletions(state);
  addMetadataOnly(state);
  yield* flush(state);
  yield* startReplicas(state);
  yield* startPartitions(state);
  const started = yield* onReassignmentsRequested(state);
  yield* resumeReassignments(state, (partition) => !started.has(partition));
  yield* resumeDeletions(state);
  yield* takePreferredElection(state);
  if (state.settings.autoLeaderRebalanceEnable) {
    yield* perform<'schedulePreferredCheck'>({
      type: 'schedulePreferredCheck',
      delay: 'afterFailover',
    });
  }
}

function* readCluster(state: ControllerState): Procedure {
  const brokers = yield* perform<'readBrokers'>({ type: 'readBrokers' });
  for (const broker of [...brokers].sort((a, b) => a.id - b.id)) {
    state.brokers.set(broker.id, broker);
  }
  const names = yield* perform<'readTopicNames'>({ type: 'readTopicNames' });
  const contents: readonly TopicContent[] = yield* perform<'readTopics'>({
    type: 'readTopics',
    names,
  });
  for (const content of contents) takeNewPartitions(state, content);
  for (const partition of allPartitions(state)) {
    if (isReassigning(partition)) state.reassigning.add(partition);
  }
  yield* perform<'watchBrokers'>({ type: 'watchBrokers', brokerIds: brokerIdsOf(state) });
  yield* readLeaderships(state, [...allPartitions(state)]);
  yield* perform<'openChannels'>({ type: 'openChannels', brokers: [...state.brokers.values()] });
}

/**
 * Every live replica is told what it is; dead ones leave their ISRs. Partitions that a dead broker
 * led thus have no leader when their turn comes, and get one by a second write, as with Kafka.
 */
function* startReplicas(state: ControllerState): Procedure {
  const online: Replica[] = [];
  const offline: Replica[] = [];
  for (const replica of replicasOf(allPartitions(state))) {
    const { partition, brokerId } = replica;
    const isOnline = isReplicaOnline(state, brokerId, partition);
    partition.replicaStatuses.set(brokerId, isOnline ? 'online' : 'deletionIneligible');
    (isOnline ? online : offline).push(replica);
  }
  yield* changeReplicas(state, online, 'online');
  yield* changeReplicas(state, offline, 'offline');
}

function* startPartitions(state: ControllerState): Procedure {
  for (const partition of allPartitions(state)) {
    const leader = partition.leadership?.leader;
    if (leader === undefined) partition.status = 'new';
    else partition.status = isReplicaOnline(state, leader, partition) ? 'online' : 'offline';
  }
  yield* bringOnline(state);
}
