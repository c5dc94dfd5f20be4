/** Fetch with the real replica layer behind it: what is read, and the wait for it. Sessions have a file of their own. */
import { buildEndTransactionMarker } from '../../protocol/control-record.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import {
  type Asked,
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

describe('what is read', () => {
  test('followers see everything, consumers what is committed', async () => {
    await start();
    await write('a');
    expect(valuesOf(only(await fetch({ follower: true, offsets: { 0: 0 } })))).toEqual(['a']);
    const before = only(await fetch({ offsets: { 0: 0 } }));
    expect(before).toMatchObject({ errorCode: 0, highWatermark: 0, abortedTransactions: null });
    expect(before.records).toHaveLength(0);
    // The answer tells how things stood before this fetch counted.
    expect(only(await followAll())).toMatchObject({ highWatermark: 0 });
    expect(valuesOf(only(await fetch({ offsets: { 0: 0 } })))).toEqual(['a']);
  });

  test('an offset between the high watermark and the end is empty, beyond it out of range', async () => {
    await start();
    await write('a');
    expect(only(await fetch({ offsets: { 0: 1 } })).errorCode).toBe(0);
    const beyond = only(await fetch({ offsets: { 0: 2 } }));
    expect(beyond).toMatchObject({ errorCode: errorCodes.OFFSET_OUT_OF_RANGE, highWatermark: -1 });
    expect(beyond.records).toHaveLength(0);
  });

  test('the first batch is given whatever its size, further ones within the bounds', async () => {
    await start(2);
    for (const partition of [0, 1]) {
      for (const value of ['a', 'b']) await write(value, partition);
      await followAll(partition);
    }
    const small = await fetch({ offsets: { 0: 0, 1: 0 }, maxBytes: 10, partitionMaxBytes: 10 });
    expect(partitionsOf(small).map(valuesOf)).toEqual([['a'], []]);
  });

  test('checks come in the order of Kafka', async () => {
    await start();
    const code = async (asked: Asked): Promise<number> =>
      only(await fetch({ offsets: { 0: 0 }, ...asked })).errorCode;
    expect(await code({ topicId: 'dW5rbm93bi10b3BpYy1pZA' })).toBe(errorCodes.UNKNOWN_TOPIC_ID);
    expect(await code({ offsets: { 7: 0 } })).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
    await decide(5, 1, 2);
    expect(await code({ leaderEpoch: 4 })).toBe(errorCodes.FENCED_LEADER_EPOCH);
    expect(await code({ leaderEpoch: 6 })).toBe(errorCodes.UNKNOWN_LEADER_EPOCH);
  });

  test('a follower that is no replica is told so after the epoch has been checked', async () => {
    await start();
    await cluster.decide({ leader: 1, epoch: 2, isr: [1], replicas: [1] });
    const asked = { follower: true, offsets: { 0: 0 } };
    const code = async (leaderEpoch: number) =>
      only(await fetch({ ...asked, leaderEpoch })).errorCode;
    expect(await code(1)).toBe(errorCodes.FENCED_LEADER_EPOCH);
    expect(await code(2)).toBe(errorCodes.UNKNOWN_LEADER_EPOCH);
    expect(await code(-1)).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER);
  });

  test('where the leader is, is said from version 16 on', async () => {
    await start(1, { brokerCount: 2 });
    await cluster.decide({ leader: 2, epoch: 3 });
    const refused = await fetch({ follower: true, offsets: { 0: 0 } });
    expect(only(refused)).toMatchObject({
      errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: 2, leaderEpoch: 3 },
    });
    expect(refused.nodeEndpoints).toMatchObject([{ nodeId: 2, port: 9002 }]);
  });

  test('partitions that are unknown follow those that were read, with an empty list of transactions', async () => {
    await start();
    const found = partitionsOf(await fetch({ offsets: { 5: 0, 0: 0 } }));
    expect(found.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])).toEqual([
      [0, 0],
      [5, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect(found[1]).toMatchObject({ abortedTransactions: [], highWatermark: -1 });
  });
});

describe('transactions', () => {
  const producer = { producerId: 9, producerEpoch: 0, isTransactional: true };
  const append = async (records: Buffer, origin: 'client' | 'coordinator' = 'client') => {
    await cluster.broker(1).replica().log.appendAsLeader(records, { leaderEpoch: 1, origin });
  };
  const inTransaction = (value: string, baseSequence: number): Promise<void> =>
    append(
      buildBatch({
        ...producer,
        baseSequence,
        records: [{ key: null, value: Buffer.from(value) }],
      }),
    );
  const abort = (): Promise<void> =>
    append(
      buildEndTransactionMarker({
        ...producer,
        isCommit: false,
        coordinatorEpoch: 0,
        timestamp: 1,
      }),
      'coordinator',
    );

  test('read_committed stops at the first open transaction and is told of aborted ones', async () => {
    await start();
    await write('before');
    await inTransaction('aborted', 0);
    await write('between');
    await followAll();
    const during = only(await fetch({ offsets: { 0: 0 }, isReadCommitted: true }));
    expect(valuesOf(during)).toEqual(['before']);
    expect(during).toMatchObject({ lastStableOffset: 1, highWatermark: 3 });
    expect(during.abortedTransactions).toEqual([]);
    await abort();
    await write('after');
    // The marker counts once it is committed.
    expect(only(await fetch({ offsets: { 0: 0 }, isReadCommitted: true })).lastStableOffset).toBe(
      1,
    );
    await followAll();
    const after = only(await fetch({ offsets: { 0: 0 }, isReadCommitted: true }));
    expect(valuesOf(after)).toEqual(['before', 'aborted', 'between', 'after']);
    expect(after.abortedTransactions).toEqual([{ producerId: 9, firstOffset: 1 }]);
    const behind = only(await fetch({ offsets: { 0: 4 }, isReadCommitted: true }));
    expect(behind.abortedTransactions).toEqual([]);
    const uncommitted = only(await fetch({ offsets: { 0: 0 } }));
    expect(uncommitted.abortedTransactions).toBeNull();
    const empty = only(await fetch({ offsets: { 0: 5 }, isReadCommitted: true }));
    expect(empty.abortedTransactions).toEqual([]);
  });

  test('of aborted transactions only those are told that the records read may belong to', async () => {
    await start();
    await write('first');
    for (let sequence = 0; sequence < 3; sequence++) {
      await inTransaction(`aborted ${sequence}`, sequence);
      await abort();
    }
    await followAll();
    const one = only(await fetch({ offsets: { 0: 0 }, isReadCommitted: true, maxBytes: 1 }));
    expect(valuesOf(one)).toEqual(['first']);
    expect(one.abortedTransactions).toEqual([]);
    const all = only(await fetch({ offsets: { 0: 0 }, isReadCommitted: true }));
    expect(all.abortedTransactions?.map(({ firstOffset }) => firstOffset)).toEqual([1, 3, 5]);
  });
});

describe('waiting', () => {
  test('a consumer is woken by what is committed, a follower by what is written', async () => {
    await start();
    const consumer = fetch({ offsets: { 0: 0 }, maxWaitMs: 10_000 });
    const follower = fetch({ follower: true, offsets: { 0: 0 }, maxWaitMs: 10_000 });
    expect(await isParked(consumer)).toBe(true);
    await write('a');
    expect(valuesOf(only(await follower))).toEqual(['a']);
    expect(await isParked(consumer)).toBe(true);
    await followAll();
    expect(valuesOf(only(await consumer))).toEqual(['a']);
  });

  test('the wait ends in time, with what there is', async () => {
    await start();
    await write('a');
    await followAll();
    const answer = fetch({ offsets: { 0: 0 }, maxWaitMs: 300, minBytes: 1000 });
    await cluster.clock.advance(290);
    expect(await isParked(answer)).toBe(true);
    await cluster.clock.advance(20);
    expect(valuesOf(only(await answer))).toEqual(['a']);
  });

  test('enough bytes may come by and by', async () => {
    await start();
    const answer = fetch({ follower: true, offsets: { 0: 0 }, maxWaitMs: 10_000, minBytes: 150 });
    await write('a');
    expect(await isParked(answer)).toBe(true);
    for (const value of ['b', 'c']) await write(value);
    expect(valuesOf(only(await answer))).toEqual(['a', 'b', 'c']);
  });

  test('an error ends the wait of all partitions at once; an unknown partition alone does not', async () => {
    await start(2);
    const failing = fetch({ offsets: { 0: 0, 1: 9 }, maxWaitMs: 10_000 });
    expect(partitionsOf(await failing).map(({ errorCode }) => errorCode)).toEqual([0, 1]);
    const unknown = fetch({ offsets: { 0: 0, 9: 0 }, maxWaitMs: 1000 });
    expect(await isParked(unknown)).toBe(true);
    await cluster.clock.advance(1100);
    expect(partitionsOf(await unknown)).toHaveLength(2);
    expect(only(await fetch({ offsets: { 9: 0 }, maxWaitMs: 1000 })).errorCode).toBe(3);
  });

  test('the loss of the lead ends the wait', async () => {
    await start();
    const answer = fetch({ follower: true, offsets: { 0: 0 }, leaderEpoch: 1, maxWaitMs: 10_000 });
    expect(await isParked(answer)).toBe(true);
    await decide(2);
    expect(only(await answer).errorCode).toBe(errorCodes.FENCED_LEADER_EPOCH);
  });

  test('a deleted partition ends the wait', async () => {
    await start();
    const answer = fetch({ offsets: { 0: 0 }, maxWaitMs: 10_000 });
    await cluster.settle();
    await cluster.stopReplica(1, { leaderEpoch: -2, deletes: true });
    expect(only(await answer).errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER);
  });

  test('a read that ends with its segment is answered though it is short', async () => {
    await start(1, { log: { segmentBytes: 200 } });
    for (let index = 0; index < 4; index++) await write('x'.repeat(50));
    await followAll();
    const { log } = cluster.broker(1).replica();
    expect(log.segments.length).toBeGreaterThan(1);
    await log.truncateTo(log.logEndOffset);
    const answer = fetch({
      offsets: { 0: 0 },
      maxWaitMs: 10_000,
      minBytes: 1000,
      partitionMaxBytes: 250,
    });
    expect(await isParked(answer)).toBe(false);
  });

  test('the stop of the broker leaves nobody waiting', async () => {
    await start();
    const answer = fetch({ offsets: { 0: 0 }, maxWaitMs: 10_000 });
    await cluster.settle();
    await cluster.broker(1).replicas.stop();
    expect(await isParked(answer)).toBe(false);
    expect(cluster.broker(1).replicas.deadlines).toBeDefined();
  });
});
