import { listOffsetsHandler } from '../../broker/handlers/list-offsets.ts';
import { offsetForLeaderEpochHandler } from '../../broker/handlers/offset-for-leader-epoch.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import { call } from './fake-services.ts';
import { ReplicaCluster, TOPIC } from './replication/replica-cluster.ts';

let cluster: ReplicaCluster;

afterEach(() => cluster.stop());

/** Broker 1 leads in epoch 4 a log with records of the times 100, 300 and 200, of which two are committed. */
beforeEach(async () => {
  cluster = await ReplicaCluster.start({ brokerCount: 1, phantoms: [2], log: { retentionMs: -1 } });
  await cluster.decide({ leader: 1, epoch: 4, replicas: [1, 2] });
  const { log } = cluster.broker(1).replica();
  for (const timestamp of [100, 300, 200]) {
    const records = buildBatch({ timestamp, records: [{ key: null, value: Buffer.from('x') }] });
    await log.appendAsLeader(records, { leaderEpoch: 4, origin: 'client' });
  }
  commit(2);
});

const commit = (offset: number): void =>
  cluster.broker(1).replica().recordFollowerFetch(2, offset, 0);

interface Asked {
  readonly version?: number;
  readonly replicaId?: number;
  readonly leaderEpoch?: number;
  readonly partitions?: readonly number[];
  readonly isReadCommitted?: boolean;
}

const listAll = async (timestamp: number, asked: Asked = {}): Promise<Record<string, number>[]> => {
  const { version = 9, replicaId = -1, partitions = [0] } = asked;
  const answer = await call(listOffsetsHandler, cluster.broker(1).services, version, {
    replicaId,
    ...(version >= 2 ? { isolationLevel: asked.isReadCommitted ? 1 : 0 } : {}),
    topics: [
      {
        name: TOPIC,
        partitions: partitions.map((partitionIndex) => ({
          partitionIndex,
          timestamp,
          ...(version >= 4 ? { currentLeaderEpoch: asked.leaderEpoch ?? -1 } : {}),
        })),
      },
    ],
  });
  return (answer.topics as { partitions: Record<string, number>[] }[])[0]?.partitions ?? [];
};

const list = async (timestamp: number, asked: Asked = {}): Promise<unknown[]> => {
  const [{ errorCode, offset, timestamp: found, leaderEpoch } = {}] = await listAll(
    timestamp,
    asked,
  );
  return errorCode === 0 ? [offset, found, leaderEpoch] : [`error ${errorCode}`];
};

const NOT_FOUND = [-1, -1, -1];

test('the latest offset is the high watermark, the end of the log for replicas', async () => {
  expect(await list(-1)).toEqual([2, -1, 4]);
  expect(await list(-1, { isReadCommitted: true })).toEqual([2, -1, 4]);
  expect(await list(-1, { replicaId: 2 })).toEqual([3, -1, 4]);
  expect(await list(-1, { replicaId: -2 })).toEqual([3, -1, 4]);
});

test('the earliest offset is where the log begins', async () => {
  expect(await list(-2)).toEqual([0, -1, 4]);
  await cluster.broker(1).replica().log.advanceLogStartOffset(1);
  expect(await list(-2)).toEqual([1, -1, 4]);
  expect(await list(-4)).toEqual([1, -1, 4]);
});

test('a time finds the first record at or behind it, as far as it is committed', async () => {
  expect(await list(50)).toEqual([0, 100, 4]);
  expect(await list(101)).toEqual([1, 300, 4]);
  expect(await list(301)).toEqual(NOT_FOUND);
  expect(await list(-3)).toEqual([1, 300, 4]);
  expect(await list(-5)).toEqual(NOT_FOUND);
});

test('what is not committed yet is not found by clients', async () => {
  await cluster.decide({ leader: 1, epoch: 5, replicas: [1, 2] });
  const { log } = cluster.broker(1).replica();
  const records = buildBatch({ timestamp: 900, records: [{ key: null, value: null }] });
  await log.appendAsLeader(records, { leaderEpoch: 5, origin: 'client' });
  commit(3);
  expect(await list(-3)).toEqual(NOT_FOUND);
  expect(await list(500)).toEqual(NOT_FOUND);
  expect(await list(500, { replicaId: 2 })).toEqual([3, 900, 5]);
});

test('a new leader that may not know what is committed does not say (KIP-207)', async () => {
  await cluster.decide({ leader: 1, epoch: 5, replicas: [1, 2] });
  const unavailable = [`error ${errorCodes.OFFSET_NOT_AVAILABLE}`];
  expect(await list(-1)).toEqual(unavailable);
  expect(await list(301)).toEqual(unavailable);
  expect(await list(-1, { version: 4 })).toEqual([`error ${errorCodes.LEADER_NOT_AVAILABLE}`]);
  expect(await list(-2)).toEqual([0, -1, 4]);
  expect(await list(50)).toEqual([0, 100, 4]);
  expect(await list(-1, { replicaId: 2 })).toEqual([3, -1, 5]);
  commit(3);
  expect(await list(-1)).toEqual([3, -1, 5]);
});

test('special times are refused in versions that do not know them', async () => {
  const refused = [`error ${errorCodes.UNSUPPORTED_VERSION}`];
  expect(await list(-3, { version: 6 })).toEqual(refused);
  expect(await list(-4, { version: 7 })).toEqual(refused);
  expect(await list(-5, { version: 8 })).toEqual(refused);
  expect(await list(-6)).toEqual(refused);
});

test('checks come in order: repeated, unknown, epoch, lead', async () => {
  const codes = async (asked: Asked) => (await listAll(-1, asked)).map((one) => one.errorCode);
  const { INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION } = errorCodes;
  expect(await codes({ partitions: [0, 3, 0] })).toEqual([
    INVALID_REQUEST,
    UNKNOWN_TOPIC_OR_PARTITION,
    INVALID_REQUEST,
  ]);
  expect(await codes({ leaderEpoch: 3 })).toEqual([errorCodes.FENCED_LEADER_EPOCH]);
  expect(await codes({ leaderEpoch: 5 })).toEqual([errorCodes.UNKNOWN_LEADER_EPOCH]);
  await cluster.decide({ leader: 2, epoch: 6, replicas: [1, 2] });
  expect(await codes({ leaderEpoch: 4 })).toEqual([errorCodes.FENCED_LEADER_EPOCH]);
  expect(await codes({ leaderEpoch: 6 })).toEqual([errorCodes.NOT_LEADER_OR_FOLLOWER]);
  expect(await codes({ leaderEpoch: 6, replicaId: -2 })).toEqual([0]);
});

test('a partition that comes twice, in two entries of its topic, is refused', async () => {
  const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }];
  const entry = { name: TOPIC, partitions };
  const { topics } = await call(listOffsetsHandler, cluster.broker(1).services, 9, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [entry, entry],
  });
  expect(topics).toMatchObject([
    { partitions: [{ errorCode: errorCodes.INVALID_REQUEST }] },
    { partitions: [{ errorCode: errorCodes.INVALID_REQUEST }] },
  ]);
});

test('where a leader epoch ended', async () => {
  await cluster.decide({ leader: 1, epoch: 6, replicas: [1, 2] });
  const ask = async (leaderEpoch: number, currentLeaderEpoch = -1) => {
    const partitions = [{ partition: 0, currentLeaderEpoch, leaderEpoch }];
    const answer = await call(offsetForLeaderEpochHandler, cluster.broker(1).services, 4, {
      replicaId: -1,
      topics: [{ topic: TOPIC, partitions }],
    });
    const [topic] = answer.topics as { partitions: Record<string, number>[] }[];
    const { errorCode, leaderEpoch: epoch, endOffset } = topic?.partitions[0] ?? {};
    return [errorCode, epoch, endOffset];
  };
  expect(await ask(4)).toEqual([0, 4, 3]);
  expect(await ask(5)).toEqual([0, 4, 3]);
  expect(await ask(6)).toEqual([0, 6, 3]);
  expect(await ask(7)).toEqual([0, -1, -1]);
  expect(await ask(2)).toEqual([0, 2, 0]);
  expect(await ask(4, 5)).toEqual([errorCodes.FENCED_LEADER_EPOCH, -1, -1]);
  expect(await ask(4, 7)).toEqual([errorCodes.UNKNOWN_LEADER_EPOCH, -1, -1]);
});
