/** Incremental fetch sessions (KIP-227) as a follower or consumer meets them, on real logs. */
import { errorCodes } from '../../protocol/errors.ts';
import {
  cluster,
  decide,
  fetch,
  followAll,
  isParked,
  only,
  partitionsOf,
  start,
  stop,
  valuesOf,
  write,
} from './fetch-client.ts';

afterEach(() => stop());

describe('incremental sessions', () => {
  /** A follower's session over partitions from 0 on, all told of. */
  const open = async (count: number, follower = true): Promise<number> => {
    const offsets = Object.fromEntries(Array.from({ length: count }, (_, index) => [index, 0]));
    const { sessionId, responses } = await fetch({ follower, offsets, session: [0, 0] });
    expect(responses.flatMap(({ partitions }) => partitions)).toHaveLength(count);
    expect(sessionId).toBeGreaterThan(0);
    return sessionId;
  };

  test('answers name what is new, and nothing else', async () => {
    await start(3);
    const id = await open(3);
    expect(partitionsOf(await fetch({ follower: true, session: [id, 1] }))).toEqual([]);
    await write('a', 1);
    const news = await fetch({ follower: true, session: [id, 2] });
    expect(only(news)).toMatchObject({ partitionIndex: 1 });
    expect(news.sessionId).toBe(id);
    // The follower has it: the high watermark moves, which it hears with the answer after the next.
    expect(
      partitionsOf(await fetch({ follower: true, session: [id, 3], offsets: { 1: 1 } })),
    ).toEqual([]);
    const moved = only(await fetch({ follower: true, session: [id, 4] }));
    expect(moved).toMatchObject({ partitionIndex: 1, highWatermark: 1 });
    expect(partitionsOf(await fetch({ follower: true, session: [id, 5] }))).toEqual([]);
  });

  test('a waiting follower is woken by records, not by the high watermark (KAFKA-9952)', async () => {
    await start(2);
    const id = await open(2);
    await write('a', 0);
    await fetch({ follower: true, session: [id, 1] });
    const answer = fetch({
      follower: true,
      session: [id, 2],
      offsets: { 0: 1 },
      maxWaitMs: 10_000,
    });
    expect(await isParked(answer)).toBe(true);
    expect(cluster.broker(1).replica(0).state.highWatermark).toBe(1);
    await write('b', 1);
    const news = partitionsOf(await answer);
    expect(news.map(({ partitionIndex }) => partitionIndex).sort()).toEqual([0, 1]);
    expect(news.find(({ partitionIndex }) => partitionIndex === 0)?.highWatermark).toBe(1);
  });

  test('a waiting consumer is woken by partitions it did not name again', async () => {
    await start(3);
    const id = await open(3, false);
    const answer = fetch({ session: [id, 1], maxWaitMs: 10_000 });
    expect(await isParked(answer)).toBe(true);
    await write('a', 2);
    await followAll(2);
    expect(valuesOf(only(await answer))).toEqual(['a']);
  });

  test('fetches without news keep a follower in the ISR', async () => {
    await start(2, { lagMsMax: 10_000 });
    const id = await open(2);
    for (let epoch = 1; epoch <= 5; epoch++) {
      await fetch({ follower: true, session: [id, epoch] });
      await cluster.clock.advance(400);
    }
    await write('a', 0);
    const { state, log } = cluster.broker(1).replica(0);
    expect(log.logEndOffset).toBe(1);
    // Caught up when it last asked, though nobody looked at the partition then.
    expect(state.remoteReplica(2)?.lastCaughtUpMs).toBe(1600);
    await cluster.clock.advance(9000);
    expect(cluster.broker(1).proposals).toEqual([]);
    await cluster.clock.advance(8000);
    expect(cluster.broker(1).proposals[0]?.proposal.isr).toEqual([1]);
  });

  test('a follower outside of the ISR joins it by fetching from the end', async () => {
    await start();
    await decide(2, 1, 1, [1]);
    const id = await open(1);
    expect(cluster.broker(1).proposals).toHaveLength(1);
    const { replica, proposal } = cluster.broker(1).proposals[0] ?? {};
    if (replica === undefined || proposal === undefined) throw new Error('no proposal');
    // Refused for now: every fetch may ask again.
    replica.applyIsrAnswer(proposal, { type: 'refused' });
    await fetch({ follower: true, session: [id, 1] });
    expect(cluster.broker(1).proposals).toHaveLength(2);
  });

  test('a log start offset that has moved is told without a request for it', async () => {
    await start();
    await write('a');
    await followAll();
    const { sessionId: id } = await fetch({ follower: true, offsets: { 0: 1 }, session: [0, 0] });
    await fetch({ follower: true, session: [id, 1] });
    await cluster.broker(1).replica().log.advanceLogStartOffset(1);
    await cluster.clock.advance(600);
    const news = only(await fetch({ follower: true, session: [id, 2] }));
    expect(news).toMatchObject({ logStartOffset: 1, highWatermark: 1 });
  });

  test('an error is told with every answer, and its end, too', async () => {
    await start();
    const { sessionId: id } = await fetch({
      follower: true,
      offsets: { 0: 0 },
      leaderEpoch: 3,
      session: [0, 0],
    });
    const unknown = errorCodes.UNKNOWN_LEADER_EPOCH;
    expect(only(await fetch({ follower: true, session: [id, 1] })).errorCode).toBe(unknown);
    expect(only(await fetch({ follower: true, session: [id, 2] })).errorCode).toBe(unknown);
    await decide(3);
    const well = only(await fetch({ follower: true, session: [id, 3] }));
    expect(well).toMatchObject({ errorCode: 0, highWatermark: 0 });
    expect(partitionsOf(await fetch({ follower: true, session: [id, 4] }))).toEqual([]);
  });

  test('after an error the same high watermark is told once more', async () => {
    await start();
    await write('a');
    const offsets = { 0: 1 };
    const asked = { follower: true, offsets, leaderEpoch: 1 };
    const { sessionId: id } = await fetch({ ...asked, session: [0, 0] });
    expect(only(await fetch({ follower: true, session: [id, 1] })).highWatermark).toBe(1);
    expect(partitionsOf(await fetch({ follower: true, session: [id, 2] }))).toEqual([]);
    await decide(2);
    const fenced = only(await fetch({ follower: true, session: [id, 3] }));
    expect(fenced.errorCode).toBe(errorCodes.FENCED_LEADER_EPOCH);
    const well = await fetch({ ...asked, leaderEpoch: 2, session: [id, 4] });
    expect(only(well)).toMatchObject({ errorCode: 0, highWatermark: 1 });
  });

  test('a topic that comes to be known is found in the session, one that is gone is told', async () => {
    await start(1);
    const { sessionId: id } = await fetch({ offsets: { 1: 0 }, session: [0, 0] });
    const unknown = errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    expect(only(await fetch({ session: [id, 1] })).errorCode).toBe(unknown);
    await decide(1, 2);
    expect(only(await fetch({ session: [id, 2] }))).toMatchObject({ errorCode: 0 });
    await cluster.updateMetadata([{ leader: -2, epoch: 1, partition: 1 }], 1);
    await cluster.clock.advance(600);
    expect(only(await fetch({ session: [id, 3] })).errorCode).toBe(unknown);
  });

  test('partitions with records go to the end of the line', async () => {
    await start(3);
    const id = await open(3);
    for (const partition of [0, 1, 2])
      for (const value of ['a', 'b']) await write(value, partition);
    const served: number[] = [];
    const offsets: Record<number, number> = { 0: 0, 1: 0, 2: 0 };
    for (let epoch = 1; epoch <= 6; epoch++) {
      const answer = await fetch({
        follower: true,
        session: [id, epoch],
        offsets,
        maxBytes: 1,
      });
      const given = partitionsOf(answer).filter(({ records }) => records.length > 0);
      expect(given).toHaveLength(1);
      const { partitionIndex = -1 } = given[0] ?? {};
      served.push(partitionIndex);
      offsets[partitionIndex] = (offsets[partitionIndex] ?? 0) + 1;
    }
    expect(served).toEqual([0, 1, 2, 0, 1, 2]);
  });

  test('what does not fit into an answer is not forgotten', async () => {
    await start(2);
    const id = await open(2);
    for (const partition of [0, 1]) await write('a', partition);
    const first = partitionsOf(await fetch({ follower: true, session: [id, 1], maxBytes: 1 }));
    expect(first.map(({ partitionIndex }) => partitionIndex)).toEqual([0]);
    const rest = await fetch({ follower: true, session: [id, 2], offsets: { 0: 1 }, maxBytes: 1 });
    expect(partitionsOf(rest).some(({ partitionIndex }) => partitionIndex === 1)).toBe(true);
  });

  test('forgotten partitions are not answered; without any the session ends', async () => {
    await start(2);
    const id = await open(2);
    await write('a', 0);
    const answer = await fetch({ follower: true, session: [id, 1], forget: [0] });
    expect(partitionsOf(answer)).toEqual([]);
    expect(answer.sessionId).toBe(id);
    const last = await fetch({ follower: true, session: [id, 2], forget: [1], maxWaitMs: 5000 });
    expect(last).toMatchObject({ errorCode: 0, sessionId: 0 });
    const gone = await fetch({ follower: true, session: [id, 3] });
    expect(gone.errorCode).toBe(errorCodes.FETCH_SESSION_ID_NOT_FOUND);
  });

  test('a copy of a request makes the earlier one void', async () => {
    await start();
    const id = await open(1);
    const answer = fetch({ follower: true, session: [id, 1], maxWaitMs: 1000 });
    await cluster.settle();
    const copy = await fetch({ follower: true, session: [id, 1] });
    expect(copy).toMatchObject({
      errorCode: errorCodes.INVALID_FETCH_SESSION_EPOCH,
      sessionId: 0,
    });
    await fetch({ follower: true, session: [id, 2] });
    await cluster.clock.advance(1100);
    expect(await answer).toMatchObject({
      errorCode: errorCodes.INVALID_FETCH_SESSION_EPOCH,
      sessionId: id,
    });
  });

  test('partitions without news are not looked at, however many there are', async () => {
    await start(60);
    const id = await open(60);
    await fetch({ follower: true, session: [id, 1] });
    const { replicas } = cluster.broker(1);
    const lookUp = replicas.lookUp.bind(replicas);
    const lookedAt: number[] = [];
    replicas.lookUp = (topic, partition) => {
      lookedAt.push(partition);
      return lookUp(topic, partition);
    };
    await write('a', 33);
    const answer = await fetch({ follower: true, session: [id, 2] });
    expect(only(answer).partitionIndex).toBe(33);
    expect(lookedAt).toEqual([33]);
    const waiting = fetch({
      follower: true,
      session: [id, 3],
      offsets: { 33: 1 },
      maxWaitMs: 5000,
    });
    await cluster.settle();
    await write('b', 12);
    await waiting;
    expect(lookedAt.filter((partition) => partition !== 33)).toEqual([12]);
  });
});
