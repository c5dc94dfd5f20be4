/** Control channels: order, repetition, and when a broker counts as gone. */
import { Channels, type ControlAnswer, type ControlChannel } from '../../controller/channels.ts';
import type { ControllerEvent } from '../../controller/events.ts';
import type { ControlRequest } from '../../controller/request-batch.ts';
import { realSystem } from '../../system/system.ts';

const real = realSystem();
/** Pauses take no time. */
const system = { ...real, clock: { ...real.clock, sleep: () => Promise.resolve() } };

const common = {
  controllerId: 1,
  isKRaftController: false,
  controllerEpoch: 1,
  brokerEpoch: 7n,
} as const;

const stop = (topic: string, deletePartition = true): ControlRequest => ({
  brokerId: 2,
  api: 'stopReplica',
  body: {
    ...common,
    topicStates: [
      {
        topicName: topic,
        partitionStates: [{ partitionIndex: 0, leaderEpoch: 0, deletePartition }],
      },
    ],
  },
});

const broker = {
  id: 2,
  epoch: 7n,
  rack: null,
  endpoints: [{ listener: 'INTERNAL', host: 'h2', port: 9092, securityProtocol: 0 }],
};

interface Connection {
  readonly answers: ((answer: ControlAnswer | Error) => void)[];
  readonly sent: string[];
  close(): void;
}

/** Channels to one broker whose connections the test plays itself. */
const setUp = (dial: () => 'accept' | 'refuse' | 'fail', reportsGone = true) => {
  const connections: Connection[] = [];
  const events: ControllerEvent[] = [];
  let dials = 0;
  const channels = new Channels(system, {
    interBrokerListener: 'INTERNAL',
    reportsGone,
    enqueue: (event) => events.push(event),
    open: async (): Promise<ControlChannel> => {
      dials += 1;
      const outcome = dial();
      if (outcome !== 'accept') {
        throw Object.assign(new Error(outcome), { isRefused: outcome === 'refuse' });
      }
      const answers: Connection['answers'] = [];
      const sent: string[] = [];
      let closed = (): void => {};
      const close = (): void => {
        closed();
        for (const answer of answers.splice(0)) answer(new Error('closed'));
      };
      connections.push({ answers, sent, close });
      return {
        send: (request) =>
          new Promise((resolve, reject) => {
            sent.push(request.body.topicStates[0]?.topicName ?? '');
            answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
          }),
        onClose: (callback) => {
          closed = callback;
        },
        close,
      };
    },
  });
  channels.open(broker);
  return { channels, connections, events, dials: () => dials };
};

/** Lets everything that can happen now happen. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
};

const ok: ControlAnswer = { errorCode: 0, partitionErrors: [] };

test('requests go one at a time, in order, each repeated until it is answered', async () => {
  const { channels, connections, events } = setUp(() => 'accept');
  channels.send(stop('a'));
  channels.send(stop('b'));
  await settle();
  expect(connections[0]?.sent).toEqual(['a']);
  connections[0]?.close();
  await settle();
  expect(connections[1]?.sent).toEqual(['a']);
  connections[1]?.answers.shift()?.(ok);
  await settle();
  connections[1]?.answers.shift()?.({
    errorCode: 0,
    partitionErrors: [{ topicName: 'b', partitionIndex: 0, errorCode: 56 }],
  });
  await settle();
  expect(connections[1]?.sent).toEqual(['a', 'b']);
  expect(events.map((event) => event.type === 'deletionAnswered' && event.partitions)).toEqual([
    [{ topic: 'a', partition: 0, errorCode: 0 }],
    [{ topic: 'b', partition: 0, errorCode: 56 }],
  ]);
});

test('a refused deletion fails for all replicas, a mere stop says nothing', async () => {
  const { channels, connections, events } = setUp(() => 'accept');
  channels.send(stop('a', false));
  channels.send(stop('b'));
  await settle();
  connections[0]?.answers.shift()?.(ok);
  await settle();
  connections[0]?.answers.shift()?.({ errorCode: 77 });
  await settle();
  expect(events).toEqual([
    {
      type: 'deletionAnswered',
      brokerId: 2,
      partitions: [{ topic: 'b', partition: 0, errorCode: 77 }],
    },
  ]);
});

test('a broker is gone when its connection broke and two dials were refused', async () => {
  let isUp = true;
  const { channels, connections, events } = setUp(() => (isUp ? 'accept' : 'refuse'));
  channels.send(stop('a'));
  await settle();
  connections[0]?.answers.shift()?.(ok);
  await settle();
  isUp = false;
  connections[0]?.close();
  await settle();
  channels.closeAll();
  expect(events.filter(({ type }) => type === 'brokerGone')).toEqual([
    { type: 'brokerGone', brokerId: 2, epoch: 7n },
  ]);
});

test.each([
  ['it was never connected', true, false, 'refuse'],
  ['its network is silent', true, true, 'fail'],
  ['the settings say so', false, true, 'refuse'],
] as const)('a broker is not gone when %s', async (_, reportsGone, wasUp, outcome) => {
  let isUp: boolean = wasUp;
  const { channels, connections, events, dials } = setUp(
    () => (isUp ? 'accept' : outcome),
    reportsGone,
  );
  channels.send(stop('a'));
  await settle();
  isUp = false;
  connections[0]?.close();
  await settle();
  channels.closeAll();
  expect(dials()).toBeGreaterThan(3);
  expect(events).toEqual([]);
});

test('what is queued for a closed channel is dropped', async () => {
  const { channels, connections, events } = setUp(() => 'accept');
  channels.send(stop('a'));
  channels.send(stop('b'));
  await settle();
  channels.close(2);
  await settle();
  expect([connections.length, connections[0]?.sent, events]).toEqual([1, ['a'], []]);
});
