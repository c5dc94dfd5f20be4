/**
 * The core against what Apache Kafka's controller was seen to send: order per broker and every
 * value.
 */
import type { ControllerEvent, RequestBody } from '../../controller/events.ts';
import { ClusterModel } from './cluster-model.ts';
import { alterPartitionOf, readDialogue, requestsOf, sentByBroker, setUp } from './recorded.ts';

const alterPartition = (
  model: ClusterModel,
  line: ReturnType<typeof requestsOf>[number],
): ControllerEvent => ({
  type: 'alterPartition',
  version: line.version,
  request: alterPartitionOf(model, line),
});

/** A model in which brokers 1-3 are up and the election is over. */
const startedModel = (
  dialogue: ReturnType<typeof readDialogue>,
  before: Parameters<typeof setUp>[2],
  epoch = 1,
): ClusterModel => {
  const model = new ClusterModel(1);
  for (const id of [1, 2, 3]) model.register(id);
  setUp(model, dialogue, before);
  model.run({ type: 'elected', epoch });
  model.takeByBroker();
  return model;
};

test('a topic is created: 02', () => {
  const dialogue = readDialogue('02-topic-creation');
  const model = new ClusterModel(1);
  for (const id of [1, 2, 3]) model.register(id);
  model.run({ type: 'elected', epoch: 1 });
  model.takeByBroker();
  setUp(model, dialogue, () => ({}));
  model.states.clear();
  model.run({ type: 'topicChange' });
  expect(model.takeByBroker()).toEqual(sentByBroker(dialogue));
});

test('a partition moves from [1,2] to [2,3]: 07', () => {
  const dialogue = readDialogue('07-reassignment');
  const model = new ClusterModel(1);
  for (const id of [1, 2, 3]) model.register(id);
  model.putTopic('t7', [[1, 2]], Object.keys(dialogue.topicIds)[0]);
  model.putState('t7', 0, {});
  model.run({ type: 'elected', epoch: 1 });
  model.takeByBroker();
  const [reassign] = requestsOf(dialogue, 'AlterPartitionReassignments');
  const [alter] = requestsOf(dialogue, 'AlterPartition');
  const reply = model.run({
    type: 'alterPartitionReassignments',
    version: 0,
    request: reassign?.request as RequestBody<'alterPartitionReassignments'>,
  });
  expect(reply).toEqual(reassign?.response);
  if (alter === undefined) throw new Error('no AlterPartition recorded');
  expect(model.run(alterPartition(model, alter))).toEqual(alter.response);
  expect(model.takeByBroker()).toEqual(sentByBroker(dialogue));
});

test('reassignments are listed and cancelled: 07b', () => {
  const dialogue = readDialogue('07b-reassignment-listed-and-cancelled');
  const model = new ClusterModel(1);
  for (const id of [1, 2, 3]) model.register(id);
  model.run({ type: 'elected', epoch: 3 });
  model.takeByBroker();
  model.putTopic(
    't7b',
    [
      [1, 2],
      [1, 2],
    ],
    Object.keys(dialogue.topicIds)[0],
  );
  model.run({ type: 'topicChange' });
  for (const line of dialogue.lines) {
    if ('text' in line) continue;
    const { api, version, request, response } = line;
    if (api === 'AlterPartition') {
      expect(model.run(alterPartition(model, line))).toEqual(response);
    } else {
      const type =
        api === 'ListPartitionReassignments'
          ? 'listPartitionReassignments'
          : 'alterPartitionReassignments';
      expect(model.run({ type, version, request } as ControllerEvent)).toEqual(response);
    }
  }
  expect(model.takeByBroker()).toEqual(sentByBroker(dialogue));
});

test('a broker is killed, comes back and gets its leads back: 05', () => {
  const dialogue = readDialogue('05-leader-kill');
  const model = startedModel(dialogue, ({ replicas }) => ({
    leader: replicas[0] ?? -1,
    leaderEpoch: 0,
    isr: replicas,
    partitionEpoch: 0,
  }));
  model.brokers.delete(2);
  model.run({ type: 'brokerChange' });
  model.register(2);
  model.run({ type: 'brokerChange' });
  for (const line of requestsOf(dialogue, 'AlterPartition')) {
    expect(model.run(alterPartition(model, line))).toEqual(line.response);
  }
  const [elect] = requestsOf(dialogue, 'ElectLeaders');
  const request = elect?.request as RequestBody<'electLeaders'>;
  model.run({ type: 'electLeaders', version: 2, request });
  expect(model.takeByBroker()).toEqual(sentByBroker(dialogue));
});

test('a broker asks for a controlled shutdown, goes and comes back: 06', () => {
  const dialogue = readDialogue('06-controlled-shutdown');
  const model = startedModel(dialogue, ({ replicas, state, isInLeaderAndIsr }) =>
    isInLeaderAndIsr && replicas.includes(2)
      ? {
          leader: replicas[0] === 2 ? 2 : state.leader,
          leaderEpoch: state.leaderEpoch - 1,
          isr: [...state.isr, 2],
          partitionEpoch: state.partitionEpoch - 1,
        }
      : {},
  );
  const [shutdown] = requestsOf(dialogue, 'ControlledShutdown');
  const reply = model.run({
    type: 'controlledShutdown',
    version: 3,
    request: { brokerId: 2, brokerEpoch: model.brokers.get(2)?.epoch ?? -1n },
  });
  expect(reply).toEqual(shutdown?.response);
  model.brokers.delete(2);
  model.run({ type: 'brokerChange' });
  model.register(2);
  model.run({ type: 'brokerChange' });
  for (const line of requestsOf(dialogue, 'AlterPartition')) {
    expect(model.run(alterPartition(model, line))).toEqual(line.response);
  }
  for (const line of requestsOf(dialogue, 'ElectLeaders')) {
    const request = line.request as RequestBody<'electLeaders'>;
    model.run({ type: 'electLeaders', version: 2, request });
  }
  const sent = model.takeByBroker();
  // Broker 2 had closed its port before its second StopReplica, and the recording ends before its
  // last UpdateMetadata.
  const toBroker2 = sent.get(2) ?? [];
  toBroker2.splice(
    toBroker2.findLastIndex((text) => text.startsWith('StopReplica')),
    1,
  );
  toBroker2.pop();
  expect(sent).toEqual(sentByBroker(dialogue));
});

test('the controller is killed and another takes over: 06c', () => {
  const dialogue = readDialogue('06c-controller-kill');
  const model = new ClusterModel(1);
  for (const id of [1, 2]) model.register(id);
  setUp(model, dialogue, () => ({}));
  model.run({ type: 'elected', epoch: 3 });
  const sent = model.takeByBroker();
  const recorded = sentByBroker(dialogue);
  for (const id of [1, 2]) {
    const lines = recorded.get(id) ?? [];
    const until = lines.indexOf('UpdateMetadata[] brokers 1,2,3');
    expect(sent.get(id)).toEqual(lines.slice(0, until));
  }
});
