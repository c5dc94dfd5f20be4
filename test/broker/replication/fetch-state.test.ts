import {
  FetcherSession,
  type FetchResponse,
  type FetchSettings,
  type Followed,
} from '../../../broker/replication/fetch-state.ts';
import type { HostedPartition } from '../../../broker/replication/hosted-partition.ts';
import { errorCodes, ProtocolError } from '../../../protocol/errors.ts';
import { ZERO_UUID } from '../../../protocol/uuid.ts';
import { absent, topicIdOf } from '../fake-services.ts';

const settings: FetchSettings = {
  replicaId: 2,
  replicaEpoch: () => 5n,
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 1000,
  partitionMaxBytes: 100,
};

const followed = (partition: number, topicId = topicIdOf(1)): Followed => ({
  replica: absent<HostedPartition>('replica', {
    topic: 'a',
    topicId,
    partition,
    log: absent<HostedPartition['log']>('log', { logStartOffset: 0 }),
  }),
  topicId,
  leaderEpoch: 1,
  fetchOffset: 0,
  lastFetchedEpoch: -1,
  delayedUntilMs: 0,
  failureCount: 0,
  askedInRound: -1,
  busy: null,
  isRemoved: false,
  sent: null,
});

const answer = (errorCode = 0, sessionId = 7): FetchResponse =>
  absent<FetchResponse>('response', { errorCode, sessionId, responses: [] });

const open = () => {
  const session = new FetcherSession();
  /** Session epoch, partitions named, partitions forgotten; null: nothing to say. */
  const ask = (...partitions: Followed[]) => {
    const request = session.request(partitions, settings);
    if (request === null) return null;
    return {
      epoch: request.sessionEpoch,
      id: request.sessionId,
      named: request.topics.flatMap((topic) => topic.partitions.map((one) => one.partition)),
      forgotten: (request.forgottenTopicsData ?? []).flatMap((topic) => topic.partitions),
    };
  };
  return { session, ask };
};

test('after a full request only what has changed is named', () => {
  const { session, ask } = open();
  const [one, two] = [followed(0), followed(1)];
  expect(ask(one, two)).toEqual({ epoch: 0, id: 0, named: [0, 1], forgotten: [] });
  session.accept(answer());
  expect(ask(one, two)).toEqual({ epoch: 1, id: 7, named: [], forgotten: [] });
  session.accept(answer());
  two.fetchOffset = 5;
  expect(ask(one, two)).toEqual({ epoch: 2, id: 7, named: [1], forgotten: [] });
  session.accept(answer());
  expect(ask(one, two)?.named).toEqual([]);
});

test('a partition that is left out is forgotten, and named anew when it is back', () => {
  const { session, ask } = open();
  const [one, two] = [followed(0), followed(1)];
  ask(one, two);
  session.accept(answer());
  expect(ask(one)).toMatchObject({ named: [], forgotten: [1] });
  session.accept(answer());
  expect(ask(one, two)).toMatchObject({ named: [1], forgotten: [] });
});

test('a partition that another object stands for is not forgotten in the request that names it', () => {
  const { session, ask } = open();
  ask(followed(0));
  session.accept(answer());
  const again = followed(0);
  again.fetchOffset = 3;
  expect(ask(again)).toMatchObject({ named: [0], forgotten: [] });
});

test('without partitions there is nothing to ask, once the leader has forgotten them', () => {
  const { session, ask } = open();
  expect(ask()).toBeNull();
  ask(followed(0));
  session.accept(answer());
  expect(ask()).toMatchObject({ forgotten: [0] });
  session.accept(answer(0, 0));
  expect(ask()).toBeNull();
});

test('a leader that lost the session gets a full request for a new one, one out of step ends the old', () => {
  const { session, ask } = open();
  const one = followed(0);
  ask(one);
  session.accept(answer());
  ask(one);
  expect(session.accept(answer(errorCodes.FETCH_SESSION_ID_NOT_FOUND))).toBe(false);
  expect(ask(one)).toEqual({ epoch: 0, id: 0, named: [0], forgotten: [] });
  session.accept(answer(0, 8));
  ask(one);
  expect(session.accept(answer(errorCodes.INVALID_FETCH_SESSION_EPOCH))).toBe(false);
  expect(ask(one)).toEqual({ epoch: 0, id: 8, named: [0], forgotten: [] });
});

test('other refusals are failures, so that nobody asks again at once', () => {
  const { session, ask } = open();
  ask(followed(0));
  expect(() => session.accept(answer(errorCodes.UNKNOWN_SERVER_ERROR))).toThrow(ProtocolError);
});

test('after a request without an answer everything is said again', () => {
  const { session, ask } = open();
  const one = followed(0);
  ask(one);
  session.accept(answer());
  one.fetchOffset = 4;
  ask(one);
  session.reset();
  expect(ask(one)).toEqual({ epoch: 0, id: 7, named: [0], forgotten: [] });
});

test('one partition without a topic id has all asked for by name, in a session of its own', () => {
  const { session, ask } = open();
  const [one, two] = [followed(0), followed(1, ZERO_UUID)];
  ask(one);
  expect(session.version).toBe(17);
  session.accept(answer());
  expect(ask(one, two)).toEqual({ epoch: 0, id: 7, named: [0, 1], forgotten: [] });
  expect(session.version).toBe(12);
  session.accept(answer(0, 9));
  two.topicId = topicIdOf(1);
  expect(ask(one, two)).toEqual({ epoch: 0, id: 9, named: [0, 1], forgotten: [] });
  expect(session.version).toBe(17);
});

test('a follower names itself at the top or, with its epoch, in the tagged field', () => {
  const { session } = open();
  expect(session.request([followed(0)], settings)).toMatchObject({
    replicaState: { replicaId: 2, replicaEpoch: 5n },
  });
  expect(session.request([followed(0, ZERO_UUID)], settings)).toMatchObject({ replicaId: 2 });
});

test('the epoch of a session begins anew at 1 behind the largest number', () => {
  const { session, ask } = open();
  const one = followed(0);
  ask(one);
  session.accept(answer());
  expect(ask(one)?.epoch).toBe(1);
});
