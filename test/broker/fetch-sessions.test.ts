import { SessionPartition } from '../../broker/fetch-session.ts';
import { FetchSessions, nextEpoch } from '../../broker/fetch-sessions.ts';
import { errorCodes } from '../../protocol/errors.ts';

const partitions = (count: number): Map<string, SessionPartition> =>
  new Map(
    Array.from({ length: count }, (_, partition) => {
      const entry = { partition, currentLeaderEpoch: -1, fetchOffset: 0, lastFetchedEpoch: -1 };
      const rest = { logStartOffset: -1, partitionMaxBytes: 1 };
      return [`t/${partition}`, new SessionPartition('', 't', { ...entry, ...rest })] as const;
    }),
  );

const consumer = { replicaId: -1, usesTopicIds: true };
const follower = { replicaId: 2, usesTopicIds: true };

/** Ids count up, unless they are to be all the same. */
const make = (slots: number, constant?: number): FetchSessions => {
  let last = 0;
  const int = (): number => constant ?? ++last;
  return new FetchSessions({ float: () => 0.5, int, bytes: (count) => Buffer.alloc(count) }, slots);
};

const create = (sessions: FetchSessions, count: number, who: typeof consumer, nowMs = 0) =>
  sessions.create(partitions(count), who, nowMs);

const open = (sessions: FetchSessions, sessionId: number, sessionEpoch: number, nowMs = 0) =>
  sessions.open({ sessionId, sessionEpoch }, true, nowMs);

test('epochs count from 1 and begin again at 1', () => {
  expect(nextEpoch(1)).toBe(2);
  expect(nextEpoch(2 ** 31 - 1)).toBe(1);
});

test('a session goes on with the epoch expected, and nothing else', () => {
  const sessions = make(10);
  const session = create(sessions, 1, consumer);
  const id = session?.id ?? 0;
  expect(open(sessions, id, 1)).toMatchObject({ type: 'incremental', session: { epoch: 2 } });
  expect(open(sessions, id, 1)).toEqual({
    type: 'error',
    errorCode: errorCodes.INVALID_FETCH_SESSION_EPOCH,
  });
  expect(open(sessions, id + 1, 1)).toEqual({
    type: 'error',
    errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND,
  });
  expect(sessions.open({ sessionId: id, sessionEpoch: 2 }, false, 0)).toEqual({
    type: 'error',
    errorCode: errorCodes.FETCH_SESSION_TOPIC_ID_ERROR,
  });
  // None of the errors has touched it.
  expect(open(sessions, id, 2).type).toBe('incremental');
});

test('a full request ends the session it names; the final epoch makes no other', () => {
  const sessions = make(10);
  const one = create(sessions, 1, consumer)?.id ?? 0;
  const two = create(sessions, 1, consumer)?.id ?? 0;
  expect(open(sessions, one, 0)).toEqual({ type: 'new' });
  expect(open(sessions, two, -1)).toEqual({ type: 'sessionless' });
  expect(sessions.size).toBe(0);
});

test('sessions have different ids, however bad the random numbers are', () => {
  const sessions = make(10, 7);
  const ids = [1, 2, 3].map(() => create(sessions, 1, consumer)?.id);
  expect(new Set(ids).size).toBe(3);
});

test('a request without partitions gets no session', () => {
  expect(create(make(10), 0, consumer)).toBeNull();
});

test('without slots nobody gets a session', () => {
  expect(create(make(0), 3, follower)).toBeNull();
});

test('when all slots are taken, the larger of two consumers has one', () => {
  const sessions = make(1);
  const small = create(sessions, 2, consumer);
  expect(create(sessions, 2, consumer)).toBeNull();
  expect(create(sessions, 3, consumer)).not.toBeNull();
  expect(open(sessions, small?.id ?? 0, 1).type).toBe('error');
});

test('a follower takes the slot of a consumer, a consumer never that of a follower in use', () => {
  const sessions = make(1);
  create(sessions, 9, consumer);
  expect(create(sessions, 1, follower)).not.toBeNull();
  expect(create(sessions, 100, consumer, 119_000)).toBeNull();
  expect(create(sessions, 100, follower, 119_000)).toBeNull();
});

test('what has been idle for two minutes goes first, whoever it is', () => {
  const sessions = make(2);
  const idle = create(sessions, 9, follower, 0);
  const used = create(sessions, 1, consumer, 0);
  open(sessions, used?.id ?? 0, 1, 100_000);
  expect(create(sessions, 1, consumer, 120_001)).not.toBeNull();
  expect(open(sessions, idle?.id ?? 0, 1).type).toBe('error');
  expect(open(sessions, used?.id ?? 0, 2).type).toBe('incremental');
});
