import type { HostedPartition } from '../../../broker/replication/hosted-partition.ts';
import { type ControllerChannel, IsrUpdates } from '../../../broker/replication/isr-updates.ts';
import type { IsrAnswer, IsrProposal } from '../../../broker/replication/partition.ts';
import { errorCodes } from '../../../protocol/errors.ts';
import { ZERO_UUID } from '../../../protocol/uuid.ts';
import { ManualClock, manualSystem, settle } from '../../support/manual-clock.ts';
import { absent, topicIdOf } from '../fake-services.ts';

type Request = Parameters<ControllerChannel['send']>[1];

interface Asked {
  readonly body: Request;
  readonly version: number | undefined;
  answer(codes: Record<number, number>, errorCode?: number): Promise<void>;
  fail(): Promise<void>;
}

const open = () => {
  const clock = new ManualClock();
  const asked: Asked[] = [];
  let forgotten = 0;
  const channel: ControllerChannel = {
    send: (_api, body, options) =>
      new Promise((resolve, reject) => {
        asked.push({
          body,
          version: options?.version,
          answer: async (codes, errorCode = 0) => {
            const topics = body.topics.map((topic) => ({
              topicName: options?.version === 1 ? topic.topicName : '',
              topicId: topic.topicId,
              partitions: topic.partitions
                .filter(({ partitionIndex }) => codes[partitionIndex] !== undefined)
                .map(({ partitionIndex, leaderEpoch }) => ({
                  partitionIndex,
                  errorCode: codes[partitionIndex],
                  leaderEpoch,
                  isr: [1, 2],
                  partitionEpoch: 9,
                })),
            }));
            resolve({ errorCode, topics } as never);
            await settle();
          },
          fail: async () => {
            reject(new Error('gone'));
            await settle();
          },
        });
      }),
    forget: () => {
      forgotten += 1;
    },
  };
  const identity = { brokerId: 1, brokerEpoch: () => 3n };
  const updates = new IsrUpdates(manualSystem(clock), channel, identity);
  const heard: [number, string][] = [];
  const partition = (number: number, topicId = topicIdOf(1)): HostedPartition =>
    absent<HostedPartition>('partition', {
      topic: 'a',
      topicId,
      partition: number,
      applyIsrAnswer: (_: IsrProposal, answer: IsrAnswer) => void heard.push([number, answer.type]),
    });
  const latest = (): Asked => {
    const last = asked.at(-1);
    if (last === undefined) throw new Error('nothing was asked');
    return last;
  };
  return { clock, asked, updates, heard, partition, latest, forgotten: () => forgotten };
};

const proposal = (leaderEpoch = 1): IsrProposal => ({
  isr: [1, 2],
  leaderEpoch,
  partitionEpoch: 4,
});

const partitionsOf = ({ body }: Asked): number[] =>
  body.topics.flatMap(({ partitions }) => partitions.map((one) => one.partitionIndex));

test('proposals of one turn go out together, later ones after the answer', async () => {
  const { updates, asked, partition, latest, heard } = open();
  updates.submit(partition(0), proposal());
  updates.submit(partition(1), proposal());
  await settle();
  updates.submit(partition(2), proposal());
  await settle();
  expect(asked).toHaveLength(1);
  expect(latest().version).toBe(3);
  expect(partitionsOf(latest())).toEqual([0, 1]);
  await latest().answer({ 0: 0, 1: 0 });
  expect(heard).toEqual([
    [0, 'accepted'],
    [1, 'accepted'],
  ]);
  expect(partitionsOf(latest())).toEqual([2]);
});

test('what an answer leaves out is asked again', async () => {
  const { updates, partition, latest, heard } = open();
  updates.submit(partition(0), proposal());
  updates.submit(partition(1), proposal());
  await settle();
  await latest().answer({ 1: 0 });
  expect(heard).toEqual([[1, 'accepted']]);
  expect(partitionsOf(latest())).toEqual([0]);
});

test('a second proposal of the same epoch is refused, one of a newer epoch takes the place', async () => {
  const { updates, partition, latest, heard } = open();
  const one = partition(0);
  updates.submit(one, proposal(1));
  updates.submit(one, proposal(1));
  expect(heard).toEqual([[0, 'refused']]);
  await settle();
  updates.submit(one, proposal(2));
  await latest().answer({ 0: errorCodes.FENCED_LEADER_EPOCH });
  expect(latest().body.topics[0]?.partitions[0]?.leaderEpoch).toBe(2);
});

test.each([
  [errorCodes.OPERATION_NOT_ATTEMPTED, 'refused'],
  [errorCodes.INELIGIBLE_REPLICA, 'refused'],
  [errorCodes.FENCED_LEADER_EPOCH, 'superseded'],
  [errorCodes.INVALID_UPDATE_VERSION, 'superseded'],
  [errorCodes.UNKNOWN_TOPIC_ID, 'superseded'],
  [errorCodes.UNKNOWN_SERVER_ERROR, 'failed'],
])('code %i of a partition means %s', async (code, type) => {
  const { updates, partition, latest, heard } = open();
  updates.submit(partition(0), proposal());
  await settle();
  await latest().answer({ 0: code });
  expect(heard).toEqual([[0, type]]);
});

test('the wrong controller is forgotten and all is asked again, whoever says so', async () => {
  const { clock, updates, partition, latest, asked, forgotten, heard } = open();
  updates.submit(partition(0), proposal());
  updates.submit(partition(1), proposal());
  await settle();
  await latest().answer({}, errorCodes.NOT_CONTROLLER);
  expect(forgotten()).toBe(1);
  await clock.advance(50);
  await latest().answer({ 0: errorCodes.NOT_CONTROLLER, 1: 0 });
  expect(forgotten()).toBe(2);
  await clock.advance(50);
  await latest().fail();
  expect(forgotten()).toBe(3);
  await clock.advance(50);
  expect(asked).toHaveLength(4);
  expect(partitionsOf(latest())).toEqual([0, 1]);
  expect(heard).toEqual([]);
});

test('one topic without an id keeps the request at the version with names', async () => {
  const { updates, partition, latest, heard } = open();
  updates.submit(partition(0, ZERO_UUID), proposal());
  await settle();
  expect(latest().version).toBe(1);
  expect(latest().body.topics[0]).toMatchObject({
    topicName: 'a',
    partitions: [{ newIsr: [1, 2], leaderEpoch: 1, partitionEpoch: 4 }],
  });
  await latest().answer({ 0: 0 });
  expect(heard).toEqual([[0, 'accepted']]);
});

test('after the stop nothing is sent and no timer is left', async () => {
  const { clock, updates, partition, latest, asked } = open();
  updates.submit(partition(0), proposal());
  await settle();
  updates.stop();
  await latest().fail();
  await clock.advance(1000);
  expect(asked).toHaveLength(1);
  expect(clock.timerCount).toBe(0);
});
