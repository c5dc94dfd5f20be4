/** Fetch with the real replica layer behind it: sessions, waits, isolation, errors. The tests are the followers and consumers. */
import { fetchHandler } from '../../broker/handlers/fetch.ts';
import { buildEndTransactionMarker } from '../../protocol/control-record.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { batches, buildBatch } from '../../protocol/record-batch.ts';
import { call } from './fake-services.ts';
import { type ClusterOptions, ReplicaCluster, TOPIC_ID } from './replication/replica-cluster.ts';

interface Partition {
  partitionIndex: number;
  errorCode: number;
  highWatermark: number;
  lastStableOffset: number;
  logStartOffset: number;
  abortedTransactions: { producerId: number; firstOffset: number }[] | null;
  records: Buffer;
  currentLeader: { leaderId: number; leaderEpoch: number };
  divergingEpoch: { epoch: number; endOffset: number };
}

interface Response {
  errorCode: number;
  sessionId: number;
  responses: { topicId: string; partitions: Partition[] }[];
  nodeEndpoints: { nodeId: number; port: number }[];
}

let cluster: ReplicaCluster;

afterEach(() => cluster.stop());

/** Broker 1 leads; broker 2 is a name only, played by the test. */
const start = async (partitionCount = 1, options: ClusterOptions = {}): Promise<void> => {
  cluster = await ReplicaCluster.start({ brokerCount: 1, phantoms: [2], ...options });
  await decide(1, partitionCount);
};

const decide = (epoch: number, partitionCount = 1, leader = 1, isr = [1, 2]): Promise<number[]> =>
  cluster.decide(
    Array.from({ length: partitionCount }, (_, partition) => ({
      leader,
      epoch,
      partition,
      isr,
      replicas: [1, 2],
    })),
  );

interface Asked {
  readonly offsets?: Record<number, number>;
  readonly follower?: boolean;
  readonly session?: readonly [id: number, epoch: number];
  readonly forget?: readonly number[];
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly partitionMaxBytes?: number;
  readonly isReadCommitted?: boolean;
  readonly leaderEpoch?: number;
  readonly topicId?: string;
  readonly version?: number;
  readonly logStartOffset?: number;
}

const fetch = (asked: Asked): Promise<Response> => {
  const { topicId = TOPIC_ID, session = [0, -1], version = 17 } = asked;
  const partitions = Object.entries(asked.offsets ?? {}).map(([partition, fetchOffset]) => ({
    partition: Number(partition),
    currentLeaderEpoch: asked.leaderEpoch ?? -1,
    fetchOffset,
    lastFetchedEpoch: -1,
    logStartOffset: asked.logStartOffset ?? (asked.follower ? 0 : -1),
    partitionMaxBytes: asked.partitionMaxBytes ?? 1_000_000,
  }));
  const topic = 'topic';
  return call(fetchHandler, cluster.broker(1).services, version, {
    ...(version >= 15 && asked.follower
      ? { replicaState: { replicaId: 2, replicaEpoch: 2n } }
      : {}),
    ...(version < 15 ? { replicaId: asked.follower ? 2 : -1 } : {}),
    maxWaitMs: asked.maxWaitMs ?? 0,
    minBytes: asked.minBytes ?? 1,
    maxBytes: asked.maxBytes ?? 10_000_000,
    isolationLevel: asked.isReadCommitted ? 1 : 0,
    sessionId: session[0],
    sessionEpoch: session[1],
    topics: partitions.length === 0 ? [] : [{ topic, topicId, partitions }],
    forgottenTopicsData: asked.forget ? [{ topic, topicId, partitions: asked.forget }] : [],
  }) as never;
};

const partitionsOf = ({ responses }: Response): Partition[] =>
  responses.flatMap(({ partitions }) => partitions);

const only = (response: Response): Partition => {
  const [partition, ...others] = partitionsOf(response);
  if (partition === undefined || others.length > 0) throw new Error('not one partition');
  return partition;
};

const valuesOf = ({ records }: Partition): string[] => {
  const found: string[] = [];
  for (const batch of batches(records))
    for (const { value } of batch.records()) if (!batch.isControl) found.push(String(value));
  return found;
};

/** Whether a request is still waiting, after everything has happened that needs no time. */
const isParked = async (answer: Promise<unknown>): Promise<boolean> => {
  let isDone = false;
  void answer.then(() => {
    isDone = true;
  });
  await cluster.settle();
  return !isDone;
};

const leaderEnd = (partition = 0): number => cluster.broker(1).replica(partition).log.logEndOffset;
const write = (value: string, partition = 0): Promise<void> =>
  cluster.broker(1).write(value, partition);
const followAll = (partition = 0): Promise<Response> =>
  fetch({ follower: true, offsets: { [partition]: leaderEnd(partition) } });

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
    cluster = await ReplicaCluster.start({ brokerCount: 2 });
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
      buildEndTransactionMarker({ ...producer, isCommit: false, coordinatorEpoch: 0, timestamp: 1 }),
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
    const answer = fetch({ offsets: { 0: 0 }, maxWaitMs: 10_000, minBytes: 300 });
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
