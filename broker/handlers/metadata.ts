/**
 * Metadata: brokers, controller and topics as the metadata cache has them, by name or by id;
 * creates missing topics where client and settings allow it (requests sheet §11.1).
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { topicNameProblem } from '../../protocol/topic-names.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import { isInternalTopic } from '../internal-topics.ts';
import type { PartitionMetadata } from '../metadata-cache.ts';
import type { Services } from '../services.ts';
import { CLUSTER_OPERATIONS, NOT_REQUESTED, TOPIC_OPERATIONS } from './authorized-operations.ts';
import { handler, type RequestContext } from './handler.ts';

type MetadataRequest = RequestOf<typeof apis.metadata>;
type MetadataResponse = ResponseOf<typeof apis.metadata>;
type TopicResponse = MetadataResponse['topics'][number];
type PartitionResponse = TopicResponse['partitions'][number];

/** The first versions with … */
const WITH_TOPIC_LOOKUP_BY_ID = 12;
const WITH_LISTENER_NOT_FOUND = 6;
const WITH_EMPTY_LIST = 1;

export const metadataHandler = handler(apis.metadata, (services, request, context) => {
  checkRequest(request, context);
  const { metadata } = services;
  const isForAll =
    request.topics === null ||
    (request.topics.length === 0 && context.apiVersion < WITH_EMPTY_LIST);
  if (isForAll) {
    const topics = Array.from(metadata.topicNames(), (name) =>
      known(services, request, context, name),
    );
    return respond(services, request, context, topics);
  }
  const asked = request.topics ?? [];
  if (asked.some(({ topicId }) => topicId !== ZERO_UUID))
    return respond(services, request, context, topicsById(services, request, context));
  const topics: TopicResponse[] = [];
  const missing: string[] = [];
  for (const name of new Set(asked.map((topic) => topic.name ?? ''))) {
    if (metadata.hasTopic(name)) topics.push(known(services, request, context, name));
    else missing.push(name);
  }
  if (
    missing.length > 0 &&
    request.allowAutoTopicCreation &&
    services.config.autoCreateTopicsEnable
  )
    return createMissing(services, request, context, { topics, missing });
  for (const name of missing) topics.push(unknown(name, missingCode(name)));
  return respond(services, request, context, topics);
});

/** Versions 10 and 11 have ids and null names on the wire, but no lookup by them (KAFKA-13560). */
const checkRequest = (request: MetadataRequest, { apiVersion }: RequestContext): void => {
  if (apiVersion >= WITH_TOPIC_LOOKUP_BY_ID) return;
  for (const { topicId, name } of request.topics ?? []) {
    if (name === null)
      throw new ProtocolError(
        errorCodes.INVALID_REQUEST,
        `Topic name can not be null for version ${apiVersion}`,
      );
    if (topicId !== ZERO_UUID)
      throw new ProtocolError(
        errorCodes.INVALID_REQUEST,
        `Topic IDs are not supported in requests for version ${apiVersion}`,
      );
  }
};

/** With one id among the topics only ids count. Those that nobody knows come first. */
const topicsById = (
  services: Services,
  request: MetadataRequest,
  context: RequestContext,
): TopicResponse[] => {
  const ids = new Set((request.topics ?? []).map(({ topicId }) => topicId));
  ids.delete(ZERO_UUID);
  const found: TopicResponse[] = [];
  const notFound: TopicResponse[] = [];
  for (const topicId of ids) {
    const name = services.metadata.topicName(topicId);
    if (name !== undefined) found.push(known(services, request, context, name));
    else
      notFound.push({
        errorCode: errorCodes.UNKNOWN_TOPIC_ID,
        name: null,
        topicId,
        partitions: [],
      });
  }
  return [...notFound, ...found];
};

const createMissing = async (
  services: Services,
  request: MetadataRequest,
  context: RequestContext,
  { topics, missing }: { readonly topics: TopicResponse[]; readonly missing: readonly string[] },
): Promise<MetadataResponse> => {
  const created = await Promise.all(
    missing.map(async (name) => ({
      ...unknown(name, await services.topics.autoCreate(name)),
      topicAuthorizedOperations: topicOperations(request),
    })),
  );
  return respond(services, request, context, [...topics, ...created]);
};

const missingCode = (name: string): number =>
  topicNameProblem(name) === null
    ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    : errorCodes.INVALID_TOPIC_EXCEPTION;

const unknown = (name: string, errorCode: number): TopicResponse => ({
  errorCode,
  name,
  topicId: ZERO_UUID,
  isInternal: isInternalTopic(name),
  partitions: [],
});

const topicOperations = (request: MetadataRequest): number =>
  request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : NOT_REQUESTED;

const known = (
  services: Services,
  request: MetadataRequest,
  context: RequestContext,
  name: string,
): TopicResponse => {
  const { metadata } = services;
  const partitions: PartitionResponse[] = [];
  for (const [index, partition] of metadata.partitions(name) ?? [])
    partitions.push(partitionResponse(services, context, index, partition));
  return {
    errorCode: errorCodes.NONE,
    name,
    topicId: metadata.topicId(name),
    isInternal: isInternalTopic(name),
    partitions,
    topicAuthorizedOperations: topicOperations(request),
  };
};

const partitionResponse = (
  services: Services,
  context: RequestContext,
  partitionIndex: number,
  partition: PartitionMetadata,
): PartitionResponse => {
  const { leader, leaderEpoch, replicas, isr, offlineReplicas } = partition;
  const errorCode = leaderError(services, context, leader);
  if (context.apiVersion === 0) return oldPartition(services, context, partitionIndex, partition);
  return {
    errorCode,
    partitionIndex,
    leaderId: errorCode === errorCodes.NONE ? leader : -1,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    offlineReplicas,
  };
};

const leaderError = (
  { metadata }: Services,
  { apiVersion, listenerName }: RequestContext,
  leader: number,
): number => {
  if (metadata.aliveBroker(leader, listenerName) !== undefined) return errorCodes.NONE;
  return metadata.isAlive(leader) && apiVersion >= WITH_LISTENER_NOT_FOUND
    ? errorCodes.LISTENER_NOT_FOUND
    : errorCodes.LEADER_NOT_AVAILABLE;
};

/**
 * Clients of version 0 stumble over brokers that are not in the list: those are left out, and that
 * is an error.
 */
const oldPartition = (
  services: Services,
  context: RequestContext,
  partitionIndex: number,
  { leader, replicas, isr }: PartitionMetadata,
): PartitionResponse => {
  const isThere = (id: number): boolean =>
    services.metadata.aliveBroker(id, context.listenerName) !== undefined;
  const hasLeader = isThere(leader);
  const isComplete = replicas.every(isThere) && isr.every(isThere);
  const incomplete = isComplete ? errorCodes.NONE : errorCodes.REPLICA_NOT_AVAILABLE;
  return {
    errorCode: hasLeader ? incomplete : errorCodes.LEADER_NOT_AVAILABLE,
    partitionIndex,
    leaderId: hasLeader ? leader : -1,
    replicaNodes: replicas.filter(isThere),
    isrNodes: isr.filter(isThere),
  };
};

const respond = (
  services: Services,
  request: MetadataRequest,
  context: RequestContext,
  topics: readonly TopicResponse[],
): MetadataResponse => {
  const brokers = services.metadata.aliveBrokers(context.listenerName);
  return {
    brokers: brokers.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: services.clusterId,
    controllerId: services.metadata.controllerId,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? CLUSTER_OPERATIONS
      : NOT_REQUESTED,
  };
};
