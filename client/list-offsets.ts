/** Asks the leaders for offsets: the ends of logs, or the first ones at or behind a time. For consumer and admin. */
import { apis } from '../protocol/apis.ts';
import { errorCodes, errorOf } from '../protocol/errors.ts';
import { groupBy } from '../system/group-by.ts';
import type { System } from '../system/system.ts';
import type { Cluster } from './cluster.ts';
import { protocolError } from './errors.ts';
import { partitionKey, type TopicPartition } from './positions.ts';
import { retrying } from './retry.ts';

/** What stands for a time in ListOffsets. */
export const LATEST = -1;
export const EARLIEST = -2;
export const MAX_TIMESTAMP = -3;

export interface OffsetQuery extends TopicPartition {
  readonly timestamp: number;
}

export interface FoundOffset extends TopicPartition {
  /** -1: nothing there. */
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/**
 * Asks once, and only leaders that are known: what is not found now is missing from the result, and
 * metadata is fetched anew. Throws a final `ProtocolError`.
 */
export const listSomeOffsets = async (
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  options: { readonly isReadCommitted: boolean },
): Promise<FoundOffset[]> => {
  const { topics } = cluster.metadata;
  for (const { topic } of queries) throwIfFinal(topics.get(topic)?.errorCode ?? 0);
  const hasLeader = (query: OffsetQuery): boolean =>
    cluster.leader(query.topic, query.partition) !== null;
  const askable = queries.filter(hasLeader);
  const { answers } = await askLeaders(cluster, askable, options.isReadCommitted);
  const found = answers.flatMap(({ offset }) => offset ?? []);
  if (found.length < queries.length) cluster.refreshLater();
  return found;
};

/** Finds all of them, trying again where a leader moves; throws `TimeoutError` or a final `ProtocolError`. */
export const listOffsets = async (
  system: System,
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  options: { readonly deadlineMs: number; readonly isReadCommitted?: boolean },
): Promise<FoundOffset[]> => {
  const { now, later } = withoutRepetitions(queries);
  const found = await listOnce(system, cluster, now, options);
  if (later.length === 0) return found;
  return [...found, ...(await listOffsets(system, cluster, later, options))];
};

/** A broker refuses a request that names a partition twice. */
const withoutRepetitions = (
  queries: readonly OffsetQuery[],
): { now: readonly OffsetQuery[]; later: readonly OffsetQuery[] } => {
  const groups = [...groupBy(queries, partitionKey).values()];
  return {
    now: groups.flatMap(([first]) => first ?? []),
    later: groups.flatMap(([, ...rest]) => rest),
  };
};

const listOnce = async (
  system: System,
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  options: { readonly deadlineMs: number; readonly isReadCommitted?: boolean },
): Promise<FoundOffset[]> => {
  const found: FoundOffset[] = [];
  let left = queries;
  if (left.length === 0) return found;
  const isReadCommitted = options.isReadCommitted ?? false;
  const { deadlineMs } = options;
  const names = new Set(queries.map(({ topic }) => topic));
  for (const name of names) await cluster.topic(name, deadlineMs);
  const what = 'asking for offsets';
  await retrying(system, { ...cluster.backoff, deadlineMs, what }, async () => {
    const { answers, failure } = await askLeaders(cluster, left, isReadCommitted);
    for (const { offset } of answers) if (offset !== null) found.push(offset);
    left = left.filter(
      (query) => !answers.some((answer) => answer.query === query && answer.offset),
    );
    if (left.length === 0) return;
    await cluster.refresh();
    if (failure !== null) throw failure;
    throw protocolError(answers.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? UNKNOWN);
  });
  return found;
};

const { LEADER_NOT_AVAILABLE, UNKNOWN_SERVER_ERROR: UNKNOWN } = errorCodes;

/** Throws the first code that will not go away; `failure` is that of a leader that did not answer. */
const askLeaders = async (
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  isReadCommitted: boolean,
): Promise<{ answers: readonly Answer[]; failure: unknown }> => {
  const byLeader = groupBy(queries, (query) => leaderOf(cluster, query));
  const rounds = await Promise.allSettled(
    [...byLeader].map(([leader, group]) => listFrom(cluster, leader, { group, isReadCommitted })),
  );
  const answers = rounds.flatMap((round) => (round.status === 'fulfilled' ? round.value : []));
  for (const { errorCode } of answers) throwIfFinal(errorCode);
  const failed = rounds.find((round) => round.status === 'rejected');
  return { answers, failure: failed?.reason ?? null };
};

const throwIfFinal = (errorCode: number): void => {
  if (errorCode !== 0 && !errorOf(errorCode).isRetriable) throw protocolError(errorCode);
};

const leaderOf = (cluster: Cluster, { topic, partition }: TopicPartition): number => {
  const leader = cluster.leader(topic, partition);
  if (leader !== null) return leader.leaderId;
  cluster.refreshLater();
  throw protocolError(LEADER_NOT_AVAILABLE, `${topic}-${partition} has no leader`);
};

interface Answer {
  readonly query: OffsetQuery;
  readonly errorCode: number;
  readonly offset: FoundOffset | null;
}

const listFrom = async (
  cluster: Cluster,
  leader: number,
  { group, isReadCommitted }: { group: readonly OffsetQuery[]; isReadCommitted: boolean },
): Promise<Answer[]> => {
  const byTopic = groupBy(group, ({ topic }) => topic);
  const channel = await cluster.pool.channel(leader);
  const isMaxTimestamp = group.some(({ timestamp }) => timestamp === MAX_TIMESTAMP);
  const version = channel.version(apis.listOffsets, { min: isMaxTimestamp ? 7 : 1 });
  const body = {
    replicaId: -1,
    ...(version >= 2 ? { isolationLevel: isReadCommitted ? 1 : 0 } : {}),
    topics: [...byTopic].map(([name, queries]) => ({
      name,
      partitions: queries.map(({ topic, partition, timestamp }) => ({
        partitionIndex: partition,
        currentLeaderEpoch: cluster.leader(topic, partition)?.leaderEpoch ?? -1,
        timestamp,
      })),
    })),
  };
  const response = await channel.send(apis.listOffsets, body, { version });
  return response.topics.flatMap(({ name: topic, partitions }) =>
    partitions.flatMap(({ partitionIndex: partition, errorCode, ...place }): Answer[] => {
      const query = group.find((item) => item.topic === topic && item.partition === partition);
      if (query === undefined) return [];
      const { offset, timestamp, leaderEpoch } = place;
      if (errorCode !== 0) return [{ query, errorCode, offset: null }];
      return [{ query, errorCode, offset: { topic, partition, offset, timestamp, leaderEpoch } }];
    }),
  );
};
