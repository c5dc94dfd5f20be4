/**
 * Handlers that look at replicas and logs: DeleteRecords, DescribeProducers, DescribeLogDirs,
 * WriteTxnMarkers.
 */
import { deleteRecordsHandler } from '../../broker/handlers/delete-records.ts';
import { describeProducersHandler } from '../../broker/handlers/describe-producers.ts';
import {
  alterReplicaLogDirsHandler,
  describeLogDirsHandler,
} from '../../broker/handlers/log-dirs.ts';
import { writeTxnMarkersHandler } from '../../broker/handlers/transactions.ts';
import type { HostedPartition } from '../../broker/replication/hosted-partition.ts';
import type { ReplicaManager } from '../../broker/replication/replica-manager.ts';
import type { AppendInfo, PartitionLog } from '../../log/partition-log.ts';
import { batches } from '../../protocol/batches.ts';
import { endTransactionMarkerOf } from '../../protocol/control-record.ts';
import type { Disk } from '../../system/disk.ts';
import { absent, call, clusterUpdate, fakeServices, topicIdOf } from './fake-services.ts';

type RemoteReplica = NonNullable<ReturnType<HostedPartition['state']['remoteReplica']>>;

const producer = {
  producerId: 9,
  producerEpoch: 2,
  lastSequence: 41,
  lastTimestamp: 1234,
  coordinatorEpoch: -1,
  currentTransactionStartOffset: 17,
};

/**
 * Partition 0 of topic `a` with 10 records, led here and followed by broker 2; broker 4 is not
 * alive.
 */
const open = (options: { readonly isLeader?: boolean; readonly cleanupDelete?: boolean } = {}) => {
  const follower = absent<RemoteReplica>('replica', { brokerId: 2, logStartOffset: 0 });
  const dead = absent<RemoteReplica>('replica', { brokerId: 4, logStartOffset: -1 });
  const appended: Buffer[] = [];
  let logStartOffset = 0;
  const log = absent<PartitionLog>('log', {
    topic: 'a',
    partition: 0,
    directory: '/data/1/a-0',
    sizeBytes: 500,
    logEndOffset: 10,
    get logStartOffset() {
      return logStartOffset;
    },
    config: absent<PartitionLog['config']>('config', {
      cleanupDelete: options.cleanupDelete ?? true,
    }),
    producers: absent<PartitionLog['producers']>('producers', {
      activeProducers: function* () {
        yield producer;
      },
    }),
    advanceLogStartOffset: async (offset) => {
      logStartOffset = Math.max(logStartOffset, offset);
    },
    appendAsLeader: async (records) => {
      appended.push(records);
      return absent<AppendInfo>('info', { lastOffset: 10, baseOffset: 10, logAppendTimeMs: -1 });
    },
  });
  const future = absent<PartitionLog>('future', {
    topic: 'a',
    partition: 0,
    directory: '/data/2/a-0.0123456789abcdef0123456789abcdef-future',
    sizeBytes: 200,
    logEndOffset: 4,
  });
  const moves: string[] = [];
  const replica = absent<HostedPartition>('replica', {
    log,
    isOffline: false,
    isUnderMinIsr: false,
    waitForAcks: (_offset, complete) => {
      complete(0);
      return () => {};
    },
    state: absent<HostedPartition['state']>('state', {
      isLeader: options.isLeader ?? true,
      leaderEpoch: 4,
      highWatermark: 8,
      remoteReplicas: () => [follower, dead],
    }),
  });
  const replicas = absent<ReplicaManager>('replicas', {
    isOffline: () => false,
    lookUp: (topic, partition) => (topic === 'a' && partition === 0 ? replica : 6),
    get: (topic, partition) => (topic === 'a' && partition === 0 ? replica : undefined),
    deadlines: absent<ReplicaManager['deadlines']>('deadlines', {
      add: () => ({ bucket: 0, expire: () => {} }),
      remove: () => {},
    }),
    logs: absent<ReplicaManager['logs']>('logs', {
      everyLog: () => [log, future],
      get: () => log,
      moveTo: async (topic, partition, directory) => {
        moves.push(`${topic}-${partition} to ${directory}`);
      },
      onlineDirectories: ['/data/1', '/data/2'],
    }),
  });
  const services = fakeServices({
    replicas,
    config: { logDirs: ['/data/1', '/data/2', '/data/3'], requestTimeoutMs: 1000 },
  });
  const usage = async () => ({ totalBytes: 1000, usableBytes: 400 });
  Object.assign(services.system, { disk: absent<Disk>('disk', { usage }) });
  const partitions = [1, 2].map((leader) => ({ leader, replicas: [1, 2] }));
  const internal = { name: '__consumer_offsets', topicId: topicIdOf(2), partitions };
  services.metadata.update(
    clusterUpdate([{ name: 'a', topicId: topicIdOf(1), partitions }, internal]),
  );
  return { services, follower, appended, moves };
};

describe('DeleteRecords', () => {
  const request = (offset: number, fields: object = {}) => ({
    topics: [{ name: 'a', partitions: [{ partitionIndex: 0, offset, ...fields }] }],
    timeoutMs: 1000,
  });
  const answer = (lowWatermark: number, errorCode: number) => ({
    throttleTimeMs: 0,
    topics: [{ name: 'a', partitions: [{ partitionIndex: 0, lowWatermark, errorCode }] }],
  });

  test('waits for the replicas that are alive; -1 stands for the high watermark', async () => {
    const { services, follower } = open();
    const response = call(deleteRecordsHandler, services, 2, request(-1));
    await services.clock.advance(40);
    follower.logStartOffset = 8;
    await services.clock.advance(20);
    expect(await response).toEqual(answer(8, 0));
  });

  test('gives up at its deadline with the low watermark of the beginning', async () => {
    const { services } = open();
    const response = call(deleteRecordsHandler, services, 2, request(5));
    await services.clock.advance(1020);
    expect(await response).toEqual(answer(0, 7));
  });

  test.each([
    ['an offset beyond the high watermark', 9, {}, 1],
    ['an offset below -1', -2, {}, 1],
    ['a follower', 5, { isLeader: false }, 6],
    ['a compacted topic', 5, { cleanupDelete: false }, 44],
  ])('%s is refused', async (_name, offset, options, errorCode) => {
    const { services } = open(options);
    const response = await call(deleteRecordsHandler, services, 0, request(offset));
    expect(response).toEqual(answer(-1, errorCode));
  });

  test.each([
    ['missing', 3],
    ['__consumer_offsets', 17],
  ])('topic %s is refused with %d', async (name, errorCode) => {
    const partitions = [{ partitionIndex: 0, offset: 1 }];
    const body = { topics: [{ name, partitions }], timeoutMs: 1000 };
    expect(await call(deleteRecordsHandler, open().services, 1, body)).toMatchObject({
      topics: [{ partitions: [{ errorCode }] }],
    });
  });
});

test('DescribeProducers tells what the log knows, or why it does not', async () => {
  const body = {
    topics: [
      { name: 'a', partitionIndexes: [0, 1] },
      { name: 'bad name', partitionIndexes: [0] },
    ],
  };
  const response = await call(
    describeProducersHandler,
    open({ isLeader: false }).services,
    0,
    body,
  );
  const failed = { errorMessage: null, activeProducers: [] };
  const { currentTransactionStartOffset: currentTxnStartOffset, ...known } = producer;
  expect(response.topics).toEqual([
    {
      name: 'a',
      partitions: [
        {
          partitionIndex: 0,
          errorCode: 0,
          errorMessage: null,
          activeProducers: [{ ...known, coordinatorEpoch: 0, currentTxnStartOffset }],
        },
        { partitionIndex: 1, errorCode: 6, ...failed },
      ],
    },
    { name: 'bad name', partitions: [{ partitionIndex: 0, errorCode: 17, ...failed }] },
  ]);
});

describe('log directories', () => {
  test('are described one by one, offline ones too', async () => {
    const { services } = open();
    const partition = { partitionIndex: 0, partitionSize: 500, offsetLag: 0, isFutureKey: false };
    const sizes = { totalBytes: 1000, usableBytes: 400 };
    expect(await call(describeLogDirsHandler, services, 4, { topics: null })).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      results: [
        {
          errorCode: 0,
          logDir: '/data/1',
          topics: [{ name: 'a', partitions: [partition] }],
          ...sizes,
        },
        {
          errorCode: 0,
          logDir: '/data/2',
          topics: [
            {
              name: 'a',
              partitions: [
                { partitionIndex: 0, partitionSize: 200, offsetLag: 6, isFutureKey: true },
              ],
            },
          ],
          ...sizes,
        },
        { errorCode: 56, logDir: '/data/3', topics: [], totalBytes: -1, usableBytes: -1 },
      ],
    });
    const others = { topics: [{ topic: 'a', partitions: [3] }] };
    const response = await call(describeLogDirsHandler, services, 0, others);
    expect((response.results as object[])[0]).toMatchObject({ errorCode: 0, topics: [] });
  });

  test.each([
    ['/data/1', 'a', 0, 0],
    ['/data/2', 'a', 0, 0],
    ['/data/3', 'a', 0, 56],
    ['/elsewhere', 'a', 0, 57],
    ['/data/1', 'a', 1, 9],
    ['/data/1', 'b', 0, 3],
    ['/data/1', 'x'.repeat(214), 0, 17],
  ])('to %s of %s-%d: %d', async (path, name, index, errorCode) => {
    const dirs = [{ path, topics: [{ name, partitions: [index] }] }];
    expect(await call(alterReplicaLogDirsHandler, open().services, 2, { dirs })).toMatchObject({
      results: [{ topicName: name, partitions: [{ partitionIndex: index, errorCode }] }],
    });
  });
});

test('a replica that is not there yet keeps the directory in mind; what cannot be is not asked for', async () => {
  const { services, moves } = open();
  const topics = [
    { name: 'a', partitions: [0, 1] },
    { name: 'b', partitions: [0] },
  ];
  const dirs = ['/data/3', '/elsewhere', '/data/2'].map((path) => ({ path, topics }));
  await call(alterReplicaLogDirsHandler, services, 2, { dirs });
  await call(alterReplicaLogDirsHandler, services, 2, { dirs: dirs.slice(0, 2) });
  expect(moves).toEqual(['a-0 to /data/2', 'a-1 to /data/2', 'b-0 to /data/2']);
});

describe('WriteTxnMarkers', () => {
  const request = (fields: object = {}) => ({
    markers: [
      {
        producerId: 9,
        producerEpoch: 2,
        transactionResult: true,
        topics: [{ name: 'a', partitionIndexes: [0, 1] }],
        coordinatorEpoch: 6,
        ...fields,
      },
    ],
  });
  const codes = (...errorCodes: number[]) => ({
    markers: [
      {
        producerId: 9,
        topics: [
          {
            name: 'a',
            partitions: errorCodes.map((errorCode, partitionIndex) => ({
              partitionIndex,
              errorCode,
            })),
          },
        ],
      },
    ],
  });

  test('appends a marker to each partition that is led here', async () => {
    const { services, appended } = open();
    expect(await call(writeTxnMarkersHandler, services, 1, request())).toEqual(codes(0, 6));
    expect(appended).toHaveLength(1);
    const [batch] = batches(appended[0] ?? Buffer.alloc(0));
    expect(batch).toMatchObject({ producerId: 9, producerEpoch: 2, isControl: true });
    expect(batch && endTransactionMarkerOf(batch)).toMatchObject({
      type: 'commit',
      coordinatorEpoch: 6,
    });
  });

  test('refuses an epoch below zero', async () => {
    const { services, appended } = open();
    const response = await call(
      writeTxnMarkersHandler,
      services,
      0,
      request({ producerEpoch: -1 }),
    );
    expect(response).toEqual(codes(-1, -1));
    expect(appended).toEqual([]);
  });
});
