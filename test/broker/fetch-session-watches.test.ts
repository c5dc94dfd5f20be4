/** What fetch sessions leave behind in the replicas that they watch, and what these tell them. */
import type { FetchWatch } from '../../broker/replication/hosted-partition.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { cluster, fetch, followAll, partitionsOf, start, stop, write } from './fetch-client.ts';

afterEach(() => stop());

/** The watches of the replica from now on: those of followers, those of consumers. */
const watchesOf = (): Record<'followers' | 'consumers', Set<FetchWatch>> => {
  const replica = cluster.broker(1).replica();
  const watches = { followers: new Set<FetchWatch>(), consumers: new Set<FetchWatch>() };
  const { watch, unwatch } = replica;
  const kindOf = (isFollower: boolean) => watches[isFollower ? 'followers' : 'consumers'];
  replica.watch = (entry, isFollower) => {
    kindOf(isFollower).add(entry);
    watch.call(replica, entry, isFollower);
  };
  replica.unwatch = (entry, isFollower) => {
    kindOf(isFollower).delete(entry);
    unwatch.call(replica, entry, isFollower);
  };
  return watches;
};

test('a follower that begins its session anew leaves no watch behind', async () => {
  await start();
  await write('a');
  await followAll();
  const watches = watchesOf();
  let sessionId = 0;
  for (let round = 0; round < 10; round++) {
    const opened = await fetch({ follower: true, offsets: { 0: 1 }, session: [sessionId, 0] });
    sessionId = opened.sessionId;
    await fetch({ follower: true, session: [sessionId, 1] });
  }
  expect(watches.followers.size).toBe(1);
  await fetch({ follower: true, session: [sessionId, -1] });
  expect(cluster.broker(1).services.fetchSessions.size).toBe(0);
  expect([watches.followers.size, watches.consumers.size]).toEqual([0, 0]);
});

test('a request that waits in a session that is closed leaves no watch behind', async () => {
  await start();
  await write('a');
  await followAll();
  const watches = watchesOf();
  const { sessionId } = await fetch({ offsets: { 0: 0 }, session: [0, 0] });
  // Too little to be answered at once.
  const parked = fetch({ session: [sessionId, 1], minBytes: 100_000, maxWaitMs: 500 });
  await cluster.settle();
  await fetch({ session: [sessionId, -1] });
  await cluster.clock.advance(600);
  await parked;
  expect(cluster.broker(1).services.fetchSessions.size).toBe(0);
  expect(watches.consumers.size).toBe(0);
});

test('a consumer beyond the end of a log that was cut hears of it', async () => {
  await start();
  for (const value of ['a', 'b', 'c']) await write(value);
  await followAll();
  const { sessionId } = await fetch({ offsets: { 0: 3 }, session: [0, 0] });
  await fetch({ session: [sessionId, 1] });
  // Broker 1 follows a leader that was elected although it lacked records.
  await cluster.decide({ leader: 2, epoch: 2, isr: [2], replicas: [1, 2] });
  await fetch({ session: [sessionId, 2] });
  await fetch({ session: [sessionId, 3] });
  const replica = cluster.broker(1).replica();
  await replica.log.truncateTo(1);
  replica.truncated();
  // Longer than the interval of the sweep, too.
  await cluster.clock.advance(1000);
  const [found] = partitionsOf(await fetch({ session: [sessionId, 4] }));
  expect(found?.errorCode).toBe(errorCodes.OFFSET_OUT_OF_RANGE);
});
