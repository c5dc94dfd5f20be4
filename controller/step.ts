/**
 * One event of the controller: which procedure handles it. A procedure runs to its end before the
 * next event is taken. Start reading the core here.
 */
import {
  onAllocateProducerIds,
  onControlledShutdown,
  onUpdateFeatures,
} from './broker-requests.ts';
import {
  onBrokerChange,
  onBrokerGone,
  onBrokerModified,
  onLeaderAndIsrAnswered,
  onLogDirNotifications,
} from './brokers.ts';
import type { Procedure } from './commands.ts';
import type { ControllerEvent } from './events.ts';
import { onElected } from './failover.ts';
import { onAlterPartition, onIsrNotifications } from './isr.ts';
import { bringOnline } from './partition-states.ts';
import { onReassignmentsRequested } from './reassignment.ts';
import { onAlterReassignments, onListReassignments } from './reassignment-requests.ts';
import { onElectLeaders, onPreferredCheck, takePreferredElection } from './requested-elections.ts';
import type { ControllerState } from './state.ts';
import { onDeletionAnswered, onTopicDeletion } from './topic-deletion.ts';
import { onTopicChange, onTopicModified } from './topics.ts';

type EventOf<K extends ControllerEvent['type']> = Extract<ControllerEvent, { readonly type: K }>;

type Handlers = {
  readonly [K in ControllerEvent['type']]: (
    state: ControllerState,
    event: EventOf<K>,
  ) => Procedure<unknown>;
};

const handlers: Handlers = {
  elected: (state, { epoch }) => onElected(state, epoch),
  brokerChange: (state) => onBrokerChange(state),
  brokerModified: (state, { brokerId }) => onBrokerModified(state, brokerId),
  brokerGone: (state, event) => onBrokerGone(state, event),
  topicChange: (state) => onTopicChange(state),
  topicModified: (state, { topic }) => onTopicModified(state, topic),
  topicDeletion: (state) => onTopicDeletion(state),
  reassignmentsRequested: (state) => onReassignmentsRequested(state),
  preferredElectionRequested: (state) => takePreferredElection(state),
  isrNotifications: (state) => onIsrNotifications(state),
  logDirNotifications: (state) => onLogDirNotifications(state),
  preferredCheck: (state) => onPreferredCheck(state),
  uncleanElectionEnabled: (state, { topic }) => bringOnline(state, topic),
  leaderAndIsrAnswered: (state, event) => onLeaderAndIsrAnswered(state, event),
  deletionAnswered: (state, { brokerId, partitions }) =>
    onDeletionAnswered(state, brokerId, partitions),
  alterPartition: (state, { request, version }) => onAlterPartition(state, request, version),
  controlledShutdown: (state, { request }) => onControlledShutdown(state, request),
  electLeaders: (state, { request, version }) => onElectLeaders(state, request, version),
  allocateProducerIds: (state, { request }) => onAllocateProducerIds(state, request),
  alterPartitionReassignments: (state, { request }) => onAlterReassignments(state, request),
  listPartitionReassignments: (state, { request }) => onListReassignments(state, request),
  updateFeatures: (state, { request }) => onUpdateFeatures(state, request),
};

/** The procedure for `event`. Events other than `elected` are for the active controller only. */
export const step = (state: ControllerState, event: ControllerEvent): Procedure<unknown> => {
  // The table's key is the event's type, which TypeScript cannot follow through the union.
  const handle = handlers[event.type] as (
    state: ControllerState,
    event: ControllerEvent,
  ) => Procedure<unknown>;
  return handle(state, event);
};
