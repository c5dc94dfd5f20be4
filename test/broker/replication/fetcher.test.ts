import { Fetcher } from '../../../broker/replication/fetcher.ts';
import type { HostedPartition } from '../../../broker/replication/hosted-partition.ts';
import { ChannelClosed } from '../../../network/errors.ts';
import { apis, type ResponseOutput } from '../../../protocol/apis.ts';
import { decode, encodeToBuffer } from '../../../protocol/compile.ts';
import { errorCodes } from '../../../protocol/errors.ts';
import { ManualClock, manualSystem } from '../../support/manual-clock.ts';
import { absent, topicIdOf } from '../fake-services.ts';

type FetchResponse = ResponseOutput<typeof apis.fetch>;

const clock = new ManualClock();
const topicId = topicIdOf(1);

/** A replica with an empty log that only looks at what the leader says. */
const replica = (partition: number): HostedPartition =>
  absent<HostedPartition>('replica', {
    topic: 't',
    partition,
    topicId,
    log: absent<HostedPartition['log']>('log', {
      logStartOffset: 0,
      logEndOffset: 0,
      latestEpoch: () => null,
    }),
    state: absent<HostedPartition['state']>('state', { isLeader: false }),
    followHighWatermark: () => {},
  });

const answerTo = (codes: ReadonlyMap<number, number>): FetchResponse => {
  const { response } = apis.fetch;
  const partitions = [...codes].map(([partitionIndex, errorCode]) => ({
    partitionIndex,
    errorCode,
    highWatermark: 0,
    records: null,
  }));
  const body = { errorCode: 0, sessionId: 7, responses: [{ topicId, partitions }] };
  return decode(response, 17, encodeToBuffer(response, 17, body)) as FetchResponse;
};

/** A leader that answers at once, and how long after its start it was asked, by what it was willing to wait. */
const startFetcher = (answer: (partition: number) => number) => {
  const startMs = clock.elapsedMs();
  const asked: { atMs: number; maxWaitMs: number; partitions: number[] }[] = [];
  const known = new Set<number>();
  const waiting = new Set<(error: Error) => void>();
  const send = async (api: unknown, body: never): Promise<unknown> => {
    if (api !== apis.fetch) throw new ChannelClosed('the leader has gone away');
    const { topics, maxWaitMs, sessionEpoch, forgottenTopicsData } = body as {
      topics: { partitions: { partition: number }[] }[];
      maxWaitMs: number;
      sessionEpoch: number;
      forgottenTopicsData: { partitions: number[] }[];
    };
    if (sessionEpoch === 0) known.clear();
    for (const { partitions } of topics)
      for (const { partition } of partitions) known.add(partition);
    for (const { partitions } of forgottenTopicsData) for (const p of partitions) known.delete(p);
    const partitions = [...known];
    asked.push({ atMs: clock.elapsedMs() - startMs, maxWaitMs, partitions });
    const codes = new Map(partitions.map((partition) => [partition, answer(partition)]));
    if ([...codes.values()].every((code) => code === 0)) {
      await new Promise<void>((resolve, reject) => {
        waiting.add(reject);
        clock.setTimer(maxWaitMs, resolve);
      });
    }
    return answerTo(codes);
  };
  const cut = (): void => {
    for (const reject of waiting) reject(new ChannelClosed('cut'));
    waiting.clear();
  };
  const channel = absent<ConstructorParameters<typeof Fetcher>[1]>('channel', {
    send: send as never,
    interrupt: cut,
    close: cut,
  });
  const fetcher = new Fetcher(manualSystem(clock), channel, {
    replicaId: 1,
    replicaEpoch: () => 5n,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 1000,
    partitionMaxBytes: 1000,
    backoffMs: 1000,
    requestTimeoutMs: 30_000,
  });
  return { fetcher, asked };
};

describe('a leader that has not heard of its role yet', () => {
  test('is asked again soon, and ever more slowly as long as it does not know', async () => {
    const { fetcher, asked } = startFetcher(() => errorCodes.UNKNOWN_LEADER_EPOCH);
    fetcher.add(replica(0), 4);
    await clock.advance(5000);
    fetcher.close();
    const times = asked.filter(({ partitions }) => partitions.length > 0).map(({ atMs }) => atMs);
    expect(times).toEqual([0, 20, 60, 140, 300, 620, 1260, 2260, 3260, 4260]);
  });

  test('is asked again as soon as that, too, while other partitions wait for records', async () => {
    let isReady = false;
    const { fetcher, asked } = startFetcher((partition) =>
      partition === 1 && !isReady ? errorCodes.NOT_LEADER_OR_FOLLOWER : 0,
    );
    fetcher.add(replica(0), 4);
    fetcher.add(replica(1), 4);
    await clock.advance(1);
    isReady = true;
    await clock.advance(100);
    fetcher.close();
    const again = asked.slice(1).find(({ partitions }) => partitions.includes(1));
    expect(again?.atMs).toBe(20);
  });
});

test('a new partition is not kept waiting by a request that waits for records', async () => {
  const { fetcher, asked } = startFetcher(() => 0);
  fetcher.add(replica(0), 4);
  await clock.advance(600);
  fetcher.add(replica(1), 4);
  fetcher.add(replica(2), 4);
  await clock.advance(1);
  expect(asked.map(({ partitions }) => partitions)).toEqual([[0], [0], [0, 1, 2]]);
  // Further ones are, for a while: each time all partitions have to be named anew.
  fetcher.add(replica(3), 4);
  await clock.advance(1);
  expect(asked).toHaveLength(3);
  await clock.advance(500);
  fetcher.close();
  expect(asked[3]?.partitions).toEqual([0, 1, 2, 3]);
});

test('a leader that goes away while it is asked for its offsets is asked again', async () => {
  const { fetcher, asked } = startFetcher(() => errorCodes.OFFSET_OUT_OF_RANGE);
  fetcher.add(replica(0), 4);
  await clock.advance(100);
  fetcher.close();
  const times = asked.filter(({ partitions }) => partitions.length > 0).map(({ atMs }) => atMs);
  expect(times).toEqual([0, 20, 60]);
});
