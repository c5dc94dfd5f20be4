/** Blocks of producer ids: counted through, asked for in time, asked for again after a failure. */
import { type ProducerIdChannel, ProducerIds } from '../../broker/producer-ids.ts';
import { ManualClock, manualSystem, settle } from '../support/manual-clock.ts';

type Response = Awaited<ReturnType<ProducerIdChannel['send']>>;

const block = (producerIdStart: number, producerIdLen: number): Response => ({
  throttleTimeMs: 0,
  errorCode: 0,
  producerIdStart,
  producerIdLen,
});

const open = (...answers: (Response | Error)[]) => {
  const clock = new ManualClock();
  const asked: unknown[] = [];
  let forgottenCount = 0;
  const channel: ProducerIdChannel = {
    send: async (_api, body) => {
      asked.push(body);
      const answer = answers.shift() ?? new Error('nobody there');
      if (answer instanceof Error) throw answer;
      return answer;
    },
    forget: () => {
      forgottenCount += 1;
    },
  };
  const identity = { brokerId: 2, brokerEpoch: () => 99n };
  const ids = new ProducerIds(manualSystem(clock), channel, identity);
  return { clock, ids, asked, forgottenCount: () => forgottenCount };
};

test('the first caller is turned away; then ids come from the block', async () => {
  const { ids, asked } = open(block(5000, 1000));
  expect(ids.next()).toBeNull();
  expect(ids.next()).toBeNull();
  await settle();
  expect(asked).toEqual([{ brokerId: 2, brokerEpoch: 99n }]);
  expect([ids.next(), ids.next()]).toEqual([5000, 5001]);
});

test('the next block is asked for before the first has run out, and once', async () => {
  const { ids, asked } = open(block(0, 10), block(30, 10));
  ids.next();
  await settle();
  const first = Array.from({ length: 9 }, () => ids.next());
  expect(first).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(asked).toHaveLength(1);
  expect(ids.next()).toBe(9);
  await settle();
  expect(asked).toHaveLength(2);
  expect([ids.next(), ids.next()]).toEqual([30, 31]);
});

test('after a failure the controller is looked for anew, not before a pause', async () => {
  const { clock, ids, asked, forgottenCount } = open(
    new Error('connection lost'),
    { ...block(0, 0), errorCode: 41 },
    block(7, 3),
  );
  ids.next();
  await settle();
  ids.next();
  expect(asked).toHaveLength(1);
  await clock.advance(50);
  ids.next();
  await clock.advance(50);
  expect([asked.length, forgottenCount()]).toEqual([2, 2]);
  expect(ids.next()).toBeNull();
  await settle();
  expect(ids.next()).toBe(7);
});

test('a block that overlaps what is out is not used', async () => {
  const { clock, ids } = open(block(100, 2), block(101, 10), block(200, 10));
  ids.next();
  await settle();
  expect([ids.next(), ids.next()]).toEqual([100, 101]);
  await clock.advance(50);
  expect(ids.next()).toBeNull();
  await settle();
  expect(ids.next()).toBe(200);
});
