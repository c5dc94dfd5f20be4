import {
  isCaughtUp,
  newRemoteReplica,
  recordFetch,
  recordIdleFetches,
} from '../../../broker/replication/replica.ts';

const fetchAt = (fetchOffset: number, leaderLogEndOffset: number, nowMs: number) => ({
  fetchOffset,
  logStartOffset: 0,
  leaderLogEndOffset,
  nowMs,
});

test('a replica that never fetched is not caught up, unless both logs are empty', () => {
  const replica = newRemoteReplica(2);
  expect(isCaughtUp(replica, 0, 0, 30_000)).toBe(false);
});

test('a fetch from the end of the log is caught up now, one from the previous end was then', () => {
  const replica = newRemoteReplica(2);
  recordFetch(replica, fetchAt(0, 5, 100));
  expect(replica.lastCaughtUpMs).toBe(Number.NEGATIVE_INFINITY);
  recordFetch(replica, fetchAt(5, 9, 200));
  expect(replica.lastCaughtUpMs).toBe(100);
  recordFetch(replica, fetchAt(9, 9, 300));
  expect(replica.lastCaughtUpMs).toBe(300);
});

test('fetches that found nothing new count as if each had been looked at', () => {
  const watched = newRemoteReplica(2);
  const looked = newRemoteReplica(2);
  for (const replica of [watched, looked]) recordFetch(replica, fetchAt(9, 9, 100));
  for (const nowMs of [200, 300, 400]) recordFetch(looked, fetchAt(9, 9, nowMs));
  recordIdleFetches(watched, 9, 400);
  expect(watched).toEqual(looked);
});

test('idle fetches from elsewhere, or of an older session, change nothing', () => {
  const replica = newRemoteReplica(2);
  recordFetch(replica, fetchAt(9, 9, 500));
  const before = { ...replica };
  recordIdleFetches(replica, 7, 900);
  recordIdleFetches(replica, 9, 400);
  expect(replica).toEqual(before);
});
