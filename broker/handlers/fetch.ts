/**
 * Fetch: reads for consumers and followers, with incremental sessions (KIP-227), topic ids (KIP-516) and leader hints.
 * The reading itself is replication/reads.ts; here requests become targets, and reads become a response.
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import { type FetchSession, SessionPartition } from '../fetch-session.ts';
import { fullSource, type PartitionSource, sessionSource } from '../fetch-sources.ts';
import { type FetchResult, fetchRecords, type PartitionRead } from '../replication/reads.ts';
import type { Services } from '../services.ts';
import { handler, type RequestContext } from './handler.ts';
import { leaderHint, nodeEndpoints } from './leader-hints.ts';
import {
  convertForOldVersion,
  errorForOldVersion,
  isOldFetch,
  needsConversion,
  type OldFetch,
} from './old-clients.ts';

type FetchRequest = RequestOf<typeof apis.fetch>;
type FetchResponse = ResponseOf<typeof apis.fetch>;
type TopicResponse = FetchResponse['responses'][number];
type PartitionResponse = TopicResponse['partitions'][number];

/** The first versions with … */
const WITH_TOPIC_IDS = 13;
const WITH_FOLLOWER_READS = 11;
const WITH_SESSIONS = 7;
const WITH_NODE_ENDPOINTS = 16;
const READ_COMMITTED = 1;

const NO_ABORTED: never[] = [];

export const fetchHandler = handler(apis.fetch, async (services, request, context) => {
  const usesTopicIds = context.apiVersion >= WITH_TOPIC_IDS;
  const nowMs = services.system.clock.elapsedMs();
  const sessions = services.fetchSessions;
  const opened =
    context.apiVersion < WITH_SESSIONS
      ? ({ type: 'sessionless' } as const)
      : sessions.open(request, usesTopicIds, nowMs);
  if (opened.type === 'error') return { errorCode: opened.errorCode, responses: [] };
  if (opened.type === 'incremental')
    return incrementalFetch(services, context, request, opened.session);
  const replicaId = replicaIdOf(request);
  const partitions = new Map<string, SessionPartition>();
  for (const [key, topic, topicId, entry] of entriesOf(request)) {
    const known = partitions.get(key);
    if (known === undefined) partitions.set(key, newPartition(services, topic, topicId, entry));
    else known.update(entry);
  }
  const session =
    opened.type === 'new' ? sessions.create(partitions, { replicaId, usesTopicIds }, nowMs) : null;
  const source = fullSource(services.replicas, partitions.values(), replicaId >= 0);
  const { targets, reads } = await read(services, context, request, source);
  const response = new ResponseBuilder(services, context, replicaId >= 0);
  for (const [index, result] of reads.entries()) {
    const entry = targets[index] as SessionPartition;
    if (needsConversion(context.apiVersion)) await response.addConverted(entry, result);
    else response.add(entry, result);
    entry.told(result);
  }
  for (const { entry, errorCode } of source.refused) response.addError(entry, errorCode);
  return response.build(session?.id ?? 0);
});

const incrementalFetch = async (
  services: Services,
  context: RequestContext,
  request: FetchRequest,
  session: FetchSession,
): Promise<FetchResponse> => {
  updateSession(services, session, request);
  if (session.partitions.size === 0) services.fetchSessions.remove(session);
  session.sweep(session.lastUsedMs, services.metadata);
  const { epoch } = session;
  const source = sessionSource(services.replicas, session);
  const { targets, reads } = await read(services, context, request, source);
  if (session.epoch !== epoch) {
    // A copy of this request has moved the session on while this one waited.
    const errorCode = errorCodes.INVALID_FETCH_SESSION_EPOCH;
    return { errorCode, sessionId: session.id, responses: [] };
  }
  const response = new ResponseBuilder(services, context, replicaIdOf(request) >= 0);
  for (const [index, result] of reads.entries()) {
    const entry = targets[index] as SessionPartition;
    if (!entry.isNews(result)) continue;
    response.add(entry, result);
    entry.told(result);
    if (result.sizeBytes > 0) session.putLast(entry);
  }
  for (const { entry, errorCode } of source.refused) {
    response.addError(entry, errorCode);
    entry.told({ errorCode, highWatermark: -1, logStartOffset: -1 });
  }
  return response.build(session.partitions.size > 0 ? session.id : 0);
};

/** Since version 15 a follower names itself in a tagged field. */
const replicaIdOf = ({ replicaId, replicaState }: FetchRequest): number =>
  replicaId >= 0 ? replicaId : replicaState.replicaId;

const keyOf = (topic: string, topicId: string, partition: number): string =>
  topicId === ZERO_UUID ? `${topic}/${partition}` : `${topicId}/${partition}`;

type RequestedPartition = FetchRequest['topics'][number]['partitions'][number];

function* entriesOf(
  request: FetchRequest,
): Generator<readonly [key: string, topic: string, topicId: string, entry: RequestedPartition]> {
  for (const { topic, topicId, partitions } of request.topics) {
    for (const entry of partitions)
      yield [keyOf(topic, topicId, entry.partition), topic, topicId, entry];
  }
}

const newPartition = (
  { metadata }: Services,
  topic: string,
  topicId: string,
  entry: RequestedPartition,
): SessionPartition => {
  const name = topicId === ZERO_UUID ? topic : (metadata.topicName(topicId) ?? null);
  return new SessionPartition(topicId, name, entry);
};

/** What is named is added or changed, then what is to be forgotten goes. */
const updateSession = (services: Services, session: FetchSession, request: FetchRequest): void => {
  for (const [key, topic, topicId, entry] of entriesOf(request)) {
    const known = session.partitions.get(key);
    if (known === undefined) session.add(key, newPartition(services, topic, topicId, entry));
    else {
      known.update(entry);
      session.heat(known);
    }
  }
  for (const { topic, topicId, partitions } of request.forgottenTopicsData)
    for (const partition of partitions) session.forget(keyOf(topic, topicId, partition));
};

const read = (
  services: Services,
  context: RequestContext,
  request: FetchRequest,
  source: PartitionSource,
): Promise<FetchResult<SessionPartition>> => {
  const replicaId = replicaIdOf(request);
  const maxBytes = Math.min(request.maxBytes, services.config.fetchMaxBytes);
  return fetchRecords(services.replicas, source, {
    replicaId,
    maxWaitMs: request.maxWaitMs,
    minBytes: Math.min(request.minBytes, maxBytes),
    maxBytes,
    isReadCommitted: request.isolationLevel === READ_COMMITTED,
    isLeaderOnly: replicaId >= 0 || context.apiVersion < WITH_FOLLOWER_READS,
  });
};

/** Groups consecutive partitions of a topic, as Kafka does. */
class ResponseBuilder {
  readonly #topics: { topic: string; topicId: string; partitions: PartitionResponse[] }[] = [];
  readonly #services: Services;
  readonly #context: RequestContext;
  readonly #leaders = new Set<number>();
  readonly #isFollower: boolean;

  constructor(services: Services, context: RequestContext, isFollower: boolean) {
    this.#services = services;
    this.#context = context;
    this.#isFollower = isFollower;
  }

  build(sessionId: number): FetchResponse {
    const { listenerName } = this.#context;
    const endpoints = nodeEndpoints(this.#services, this.#leaders, listenerName);
    return { sessionId, responses: this.#topics, nodeEndpoints: endpoints };
  }

  /** As `add`, with the records in the format of the version. */
  async addConverted(entry: SessionPartition, read: PartitionRead): Promise<void> {
    const fetch = this.#oldFetch(entry);
    if (read.errorCode !== errorCodes.NONE || errorForOldVersion(fetch) !== errorCodes.NONE)
      return this.add(entry, read);
    const records = await convertForOldVersion(this.#services.system, read.records, fetch);
    if (typeof records === 'number') this.addError(entry, records);
    else this.add(entry, { ...read, records });
  }

  add(entry: SessionPartition, read: PartitionRead): void {
    if (isOldFetch(this.#context.apiVersion) && read.errorCode === errorCodes.NONE) {
      const errorCode = errorForOldVersion(this.#oldFetch(entry));
      if (errorCode !== errorCodes.NONE) return this.addError(entry, errorCode);
    }
    const partition: PartitionResponse = {
      partitionIndex: entry.partition,
      errorCode: this.#errorCode(read.errorCode),
      highWatermark: read.highWatermark,
      lastStableOffset: read.lastStableOffset,
      logStartOffset: read.logStartOffset,
      abortedTransactions: read.abortedTransactions,
      records: read.records,
      ...(read.divergingEpoch === null ? {} : { divergingEpoch: read.divergingEpoch }),
      ...this.#currentLeader(entry, read.errorCode),
    };
    this.#partitionsOf(entry).push(partition);
  }

  addError(entry: SessionPartition, errorCode: number): void {
    this.#partitionsOf(entry).push({
      partitionIndex: entry.partition,
      errorCode,
      highWatermark: -1,
      abortedTransactions: NO_ABORTED,
      records: NO_ABORTED,
    });
  }

  #oldFetch({ topic, partition, fetchOffset }: SessionPartition): OldFetch {
    const replica = topic === null ? undefined : this.#services.replicas.get(topic, partition);
    return {
      apiVersion: this.#context.apiVersion,
      fetchOffset,
      isFollower: this.#isFollower,
      config: replica?.log.config ?? null,
    };
  }

  /** Version 5 and older do not know the storage error. */
  #errorCode(errorCode: number): number {
    return errorCode === errorCodes.KAFKA_STORAGE_ERROR && this.#context.apiVersion <= 5
      ? errorCodes.NOT_LEADER_OR_FOLLOWER
      : errorCode;
  }

  #currentLeader(entry: SessionPartition, errorCode: number) {
    const isHint =
      errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER ||
      errorCode === errorCodes.FENCED_LEADER_EPOCH;
    if (!isHint || this.#context.apiVersion < WITH_NODE_ENDPOINTS || entry.topic === null)
      return {};
    const currentLeader = leaderHint(this.#services, entry.topic, entry.partition);
    this.#leaders.add(currentLeader.leaderId);
    return { currentLeader };
  }

  #partitionsOf({ topic, topicId }: SessionPartition): PartitionResponse[] {
    const last = this.#topics.at(-1);
    if (last?.topicId === topicId && last.topic === (topic ?? '')) return last.partitions;
    const entry = { topic: topic ?? '', topicId, partitions: [] };
    this.#topics.push(entry);
    return entry.partitions;
  }
}
