/** The asking side of Fetch for tests: one broker that leads, and followers and consumers that are the test itself. */
import { fetchHandler } from '../../broker/handlers/fetch.ts';
import { batches } from '../../protocol/batches.ts';
import { call } from './fake-services.ts';
import { type ClusterOptions, ReplicaCluster, TOPIC_ID } from './replication/replica-cluster.ts';

export interface Partition {
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

export interface Response {
  errorCode: number;
  sessionId: number;
  responses: { topicId: string; partitions: Partition[] }[];
  nodeEndpoints: { nodeId: number; port: number }[];
}

/** The brokers of the test that runs. */
export let cluster: ReplicaCluster;

export const stop = (): Promise<void> => cluster.stop();

/** Broker 1 leads; broker 2 is a name only, played by the test. */
export const start = async (partitionCount = 1, options: ClusterOptions = {}): Promise<void> => {
  cluster = await ReplicaCluster.start({ brokerCount: 1, phantoms: [2], ...options });
  await decide(1, partitionCount);
};

export const decide = (
  epoch: number,
  partitionCount = 1,
  leader = 1,
  isr = [1, 2],
): Promise<number[]> =>
  cluster.decide(
    Array.from({ length: partitionCount }, (_, partition) => ({
      leader,
      epoch,
      partition,
      isr,
      replicas: [1, 2],
    })),
  );

export interface Asked {
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

export const fetch = (asked: Asked): Promise<Response> => {
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

export const partitionsOf = ({ responses }: Response): Partition[] =>
  responses.flatMap(({ partitions }) => partitions);

export const only = (response: Response): Partition => {
  const [partition, ...others] = partitionsOf(response);
  if (partition === undefined || others.length > 0) throw new Error('not one partition');
  return partition;
};

export const valuesOf = ({ records }: Partition): string[] => {
  const found: string[] = [];
  for (const batch of batches(records))
    for (const { value } of batch.records()) if (!batch.isControl) found.push(String(value));
  return found;
};

/** Whether a request is still waiting, after everything has happened that needs no time. */
export const isParked = async (answer: Promise<unknown>): Promise<boolean> => {
  let isDone = false;
  void answer.then(() => {
    isDone = true;
  });
  await cluster.settle();
  return !isDone;
};

export const leaderEnd = (partition = 0): number =>
  cluster.broker(1).replica(partition).log.logEndOffset;
export const write = (value: string, partition = 0): Promise<void> =>
  cluster.broker(1).write(value, partition);
export const followAll = (partition = 0): Promise<Response> =>
  fetch({ follower: true, offsets: { [partition]: leaderEnd(partition) } });
