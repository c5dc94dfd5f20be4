import { CloseConnection, produceHandler } from '../../broker/handlers/produce.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import { call } from './fake-services.ts';
import {
  batchOf,
  type ClusterOptions,
  ReplicaCluster,
  TOPIC,
} from './replication/replica-cluster.ts';

interface Answer {
  readonly index: number;
  readonly errorCode: number;
  readonly baseOffset: number;
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly recordErrors: readonly { readonly batchIndex: number }[];
  readonly errorMessage: string | null;
  readonly currentLeader: { readonly leaderId: number; readonly leaderEpoch: number };
}

let cluster: ReplicaCluster;

afterEach(() => cluster.stop());

const start = async (options: ClusterOptions = {}, isr = [1, 2]): Promise<void> => {
  cluster = await ReplicaCluster.start({ brokerCount: 1, phantoms: [2], ...options });
  await cluster.decide({ leader: 1, epoch: 1, isr, replicas: [1, 2] });
};

const produceTo = async (
  records: Readonly<Record<number, Buffer | null>>,
  options: {
    readonly acks?: number;
    readonly timeoutMs?: number;
    readonly version?: number;
    readonly transactionalId?: string;
    readonly topic?: string;
  } = {},
): Promise<Answer[]> => {
  const { acks = 1, timeoutMs = 1000, version = 11, transactionalId = null } = options;
  const partitionData = Object.entries(records).map(([index, data]) => ({
    index: Number(index),
    records: data,
  }));
  const answer = await call(produceHandler, cluster.broker(1).services, version, {
    transactionalId,
    acks,
    timeoutMs,
    topicData: [{ name: options.topic ?? TOPIC, partitionData }],
  });
  return (answer.responses as { partitionResponses: Answer[] }[])[0]?.partitionResponses ?? [];
};

const produce = async (
  records: Buffer | null,
  options?: Parameters<typeof produceTo>[1],
): Promise<Answer> => {
  const [answer] = await produceTo({ 0: records }, options);
  if (answer === undefined) throw new Error('no answer');
  return answer;
};

/** Broker 2 fetches all there is, and so acknowledges it. */
const follow = (): void => {
  const replica = cluster.broker(1).replica();
  replica.recordFollowerFetch(2, replica.log.logEndOffset, 0);
};

const records = [{ key: null, value: Buffer.from('a') }];

describe('acknowledgement', () => {
  test('acks=1 is given by the leader alone', async () => {
    await start();
    expect(await produce(batchOf(['a', 'b']))).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
      logAppendTimeMs: -1,
      logStartOffset: 0,
    });
    expect(await produce(batchOf(['c']))).toMatchObject({ baseOffset: 2 });
  });

  test('acks=all waits for the in-sync replicas', async () => {
    await start();
    let isDone = false;
    const answer = produce(batchOf(['a']), { acks: -1 }).finally(() => {
      isDone = true;
    });
    await cluster.settle();
    expect(isDone).toBe(false);
    follow();
    expect(await answer).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(cluster.broker(1).replicas.deadlines).toBeDefined();
  });

  test('acks=all gives up in time, and tells the offset all the same', async () => {
    await start();
    const answer = produce(batchOf(['a']), { acks: -1, timeoutMs: 300 });
    await cluster.clock.advance(310);
    expect(await answer).toMatchObject({
      errorCode: errorCodes.REQUEST_TIMED_OUT,
      baseOffset: 0,
    });
    expect(cluster.broker(1).replica().log.logEndOffset).toBe(1);
  });

  test('acks=all is refused before anything is written where too few replicas are in sync', async () => {
    await start({ minInsyncReplicas: 2 }, [1]);
    expect(await produce(batchOf(['a']), { acks: -1 })).toMatchObject({
      errorCode: errorCodes.NOT_ENOUGH_REPLICAS,
      baseOffset: -1,
      logStartOffset: 0,
    });
    expect(cluster.broker(1).replica().log.logEndOffset).toBe(0);
    expect(await produce(batchOf(['a']), { acks: 1 })).toMatchObject({ errorCode: 0 });
  });

  test('requests are appended in the order of their calls', async () => {
    await start();
    const answers = ['a', 'b', 'c'].map((value) => produce(batchOf([value])));
    expect((await Promise.all(answers)).map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 2]);
    expect(await cluster.broker(1).records()).toEqual(['0:1:a', '1:1:b', '2:1:c']);
  });

  test('a repeated batch of an idempotent producer is acknowledged once it is', async () => {
    await start();
    const batch = () => buildBatch({ records, producerId: 5, producerEpoch: 0, baseSequence: 0 });
    const answers = [produce(batch(), { acks: -1 }), produce(batch(), { acks: -1 })];
    await cluster.settle();
    follow();
    const codes = (await Promise.all(answers)).map((one) => [one.errorCode, one.baseOffset]);
    expect(codes).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(cluster.broker(1).replica().log.logEndOffset).toBe(1);
  });

  test('acks=0 is answered with nothing, or with the end of the connection', async () => {
    await start();
    const { services } = cluster.broker(1);
    const send = (index: number) =>
      call(produceHandler, services, 9, {
        acks: 0,
        timeoutMs: 1000,
        topicData: [{ name: TOPIC, partitionData: [{ index, records: batchOf(['a']) }] }],
      });
    await expect(send(0)).rejects.toThrow('no response');
    await expect(send(7)).rejects.toThrow(CloseConnection);
  });
});

describe('refusals', () => {
  test('stand in the order of the request, beside what was appended', async () => {
    await start();
    const answers = await produceTo({ 0: null, 2: batchOf(['b']), 3: batchOf(['c']) });
    expect(answers.map(({ index, errorCode }) => [index, errorCode])).toEqual([
      [0, errorCodes.INVALID_RECORD],
      [2, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
      [3, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    const { services } = cluster.broker(1);
    const good = { index: 0, records: batchOf(['a', 'b']) };
    const topicData = [
      { name: 'no-such-topic', partitionData: [good] },
      { name: TOPIC, partitionData: [{ index: 0, records: null }, good, good] },
    ];
    const request = { transactionalId: null, acks: 1, timeoutMs: 1000, topicData };
    const answer = await call(produceHandler, services, 11, request);
    const topics = answer.responses as { partitionResponses: Answer[] }[];
    const all = topics.flatMap(({ partitionResponses }) => partitionResponses);
    expect(all.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual([
      [errorCodes.UNKNOWN_TOPIC_OR_PARTITION, -1],
      [errorCodes.INVALID_RECORD, -1],
      [errorCodes.NONE, 0],
      [errorCodes.NONE, 2],
    ]);
  });

  test('concern their own partition', async () => {
    await start();
    const answers = await produceTo({ 0: batchOf(['a']), 3: batchOf(['b']) });
    expect(answers.map(({ index, errorCode }) => [index, errorCode])).toEqual([
      [0, 0],
      [3, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
  });

  test.each([
    ['no batch', Buffer.alloc(0), 11, errorCodes.INVALID_RECORD],
    ['a part of a batch', batchOf(['a']).subarray(0, 40), 11, errorCodes.INVALID_RECORD],
    ['null', null, 11, errorCodes.INVALID_RECORD],
    ['two batches', Buffer.concat([batchOf(['a']), batchOf(['b'])]), 11, errorCodes.INVALID_RECORD],
    [
      'zstd in a version that does not know it',
      buildBatch({ records, compression: 'zstd' }),
      6,
      errorCodes.UNSUPPORTED_COMPRESSION_TYPE,
    ],
    ['a base offset', buildBatch({ records, baseOffset: 4 }), 11, errorCodes.INVALID_RECORD],
    ['a control batch', buildBatch({ records, isControl: true }), 11, errorCodes.INVALID_RECORD],
  ])('of %s', async (_, data, version, code) => {
    await start();
    expect(await produce(data, { version })).toMatchObject({ errorCode: code, baseOffset: -1 });
  });

  test('of damage show no log start offset', async () => {
    await start();
    const damaged = batchOf(['a']);
    damaged[damaged.length - 1] = 0xff;
    expect(await produce(damaged)).toMatchObject({
      errorCode: errorCodes.CORRUPT_MESSAGE,
      logStartOffset: -1,
    });
  });

  test('of single records name them', async () => {
    await start({ log: { cleanupCompact: true } });
    const answer = await produce(batchOf(['a', 'b']));
    expect(answer.errorCode).toBe(errorCodes.INVALID_RECORD);
    expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 1]);
    expect(answer.errorMessage).not.toBeNull();
    expect(answer.logStartOffset).toBe(0);
  });

  test('of acks that do not exist write nothing', async () => {
    await start();
    const answer = await produce(batchOf(['a']), { acks: 2 });
    expect(answer).toMatchObject({ errorCode: errorCodes.INVALID_REQUIRED_ACKS });
    expect(cluster.broker(1).replica().log.logEndOffset).toBe(0);
  });

  test('of a broker that does not lead say who does', async () => {
    await start();
    await cluster.decide({ leader: 2, epoch: 4, replicas: [1, 2] });
    expect(await produce(batchOf(['a']))).toMatchObject({
      errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER,
      logStartOffset: -1,
      currentLeader: { leaderId: 2, leaderEpoch: 4 },
    });
  });

  test('of transactional batches without a transactional id, or of two producers, concern the whole request', async () => {
    await start();
    const transactional = (producerId: number) =>
      buildBatch({
        records,
        producerId,
        producerEpoch: 0,
        baseSequence: 0,
        isTransactional: true,
      });
    await expect(produceTo({ 0: batchOf(['a']), 9: transactional(1) })).rejects.toMatchObject({
      code: errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    });
    await expect(
      produceTo({ 0: transactional(1), 1: transactional(2) }, { transactionalId: 'x' }),
    ).rejects.toMatchObject({ code: errorCodes.INVALID_PRODUCER_ID_MAPPING });
    expect(cluster.broker(1).replica().log.logEndOffset).toBe(0);
  });
});

test('a batch that is being written while its partition is deleted is answered', async () => {
  await start();
  const answer = produce(batchOf(['a']), { acks: -1, timeoutMs: 30_000 });
  await cluster.stopReplica(1, { leaderEpoch: -2, deletes: true });
  // Not only when its time is up, which it never is here.
  expect((await answer).errorCode).not.toBe(errorCodes.NONE);
});
