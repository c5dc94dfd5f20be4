/**
 * Produce: checks that need no log, then appends (replication/appends.ts) and answers per partition. The request's records
 * are handed on as they came; the order of the checks is Kafka's (requests sheet §8.1).
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { batchAfter, batchAt } from '../../protocol/batches.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { RecordBatch } from '../../protocol/record-batch.ts';
import { isInternalTopic } from '../internal-topics.ts';
import { type Append, type AppendResult, appendRecords, refused } from '../replication/appends.ts';
import type { Services } from '../services.ts';
import { handler, type RequestContext } from './handler.ts';
import { leaderHint, nodeEndpoints } from './leader-hints.ts';
import { PRODUCE_WITH_BATCHES } from './old-clients.ts';

type ProduceRequest = RequestOf<typeof apis.produce>;
type ProduceResponse = ResponseOf<typeof apis.produce>;
type PartitionResponse = ProduceResponse['responses'][number]['partitionResponses'][number];

/** The one client that may write to internal topics: Kafka's own admin client. */
const ADMIN_CLIENT_ID = '__admin_client';
const WITH_LEADER_HINTS = 10;
const WITH_ZSTD = 7;

/** acks=0 and something failed: the closed connection is all the answer there is. */
export class CloseConnection extends Error {
  override readonly name = 'CloseConnection';
}

export const produceHandler = handler(apis.produce, async (services, request, context) => {
  checkTransactional(request);
  const appends: Append[] = [];
  const early: number[] = [];
  for (const topic of request.topicData) {
    for (const { index, records } of topic.partitionData) {
      const errorCode = precheck(services, request, context, { topic: topic.name, index, records });
      early.push(errorCode);
      if (records !== null && errorCode === errorCodes.NONE)
        appends.push({ topic: topic.name, partition: index, records });
    }
  }
  const appended = await appendRecords(services.replicas, appends, {
    acks: request.acks === 0 || request.acks === 1 ? request.acks : -1,
    timeoutMs: request.timeoutMs,
    origin: 'client',
  });
  const results = inOrderOfRequest(early, appended);
  if (request.acks === 0) {
    if (results.every(({ errorCode }) => errorCode === errorCodes.NONE)) return null;
    throw new CloseConnection('a produce request with acks=0 has failed');
  }
  return respond(services, request, context, results);
});

/** One result for each partition: that of its append, or what kept it from being appended. */
const inOrderOfRequest = (
  early: readonly number[],
  appended: readonly AppendResult[],
): readonly AppendResult[] => {
  if (early.length === appended.length) return appended;
  const rest = appended.values();
  return early.map((errorCode) =>
    errorCode === errorCodes.NONE ? (rest.next().value as AppendResult) : refused(errorCode),
  );
};

/**
 * Refuses the whole request where it is transactional without saying so, or of two producers. Looks at the first batch of
 * each partition, as Kafka does; one that is damaged is found here, too, and is everybody's fault.
 */
const checkTransactional = (request: ProduceRequest): void => {
  let producer: RecordBatch | null = null;
  for (const { partitionData } of request.topicData) {
    for (const { records } of partitionData) {
      const batch = records === null ? null : batchAt(records, 0);
      if (!batch?.isTransactional) continue;
      if (request.transactionalId === null)
        throw new ProtocolError(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
      const isOther =
        producer !== null &&
        (producer.producerId !== batch.producerId ||
          producer.producerEpoch !== batch.producerEpoch);
      if (isOther) throw new ProtocolError(errorCodes.INVALID_PRODUCER_ID_MAPPING);
      producer = batch;
    }
  }
};

const precheck = (
  { metadata }: Services,
  request: ProduceRequest,
  context: RequestContext,
  entry: { readonly topic: string; readonly index: number; readonly records: Buffer | null },
): number => {
  if (metadata.partition(entry.topic, entry.index) === undefined)
    return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
  if (entry.records === null) return errorCodes.INVALID_RECORD;
  const errorCode =
    context.apiVersion >= PRODUCE_WITH_BATCHES
      ? checkBatches(entry.records, context.apiVersion)
      : 0;
  if (errorCode !== errorCodes.NONE) return errorCode;
  if (request.acks < -1 || request.acks > 1) return errorCodes.INVALID_REQUIRED_ACKS;
  if (isInternalTopic(entry.topic) && context.clientId !== ADMIN_CLIENT_ID)
    return errorCodes.INVALID_TOPIC_EXCEPTION;
  return errorCodes.NONE;
};

/** Exactly one batch, in the new format, in a codec that the version knows. */
const checkBatches = (records: Buffer, apiVersion: number): number => {
  const first = batchAt(records, 0);
  if (first === null || first.isOld) return errorCodes.INVALID_RECORD;
  // In this order: asking for the codec fails where there is none of that number.
  if (apiVersion < WITH_ZSTD && first.compression === 'zstd')
    return errorCodes.UNSUPPORTED_COMPRESSION_TYPE;
  return batchAfter(first) === null ? errorCodes.NONE : errorCodes.INVALID_RECORD;
};

const respond = (
  services: Services,
  request: ProduceRequest,
  context: RequestContext,
  results: readonly AppendResult[],
): ProduceResponse => {
  const leaders = new Set<number>();
  const rest = results.values();
  const answer = (topic: string, index: number): PartitionResponse => {
    const response = partitionResponse(index, rest.next().value as AppendResult);
    const isHinted =
      response.errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER &&
      context.apiVersion >= WITH_LEADER_HINTS;
    if (!isHinted) return response;
    const currentLeader = leaderHint(services, topic, index);
    leaders.add(currentLeader.leaderId);
    return { ...response, currentLeader };
  };
  const responses = request.topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: partitionData.map(({ index }) => answer(name, index)),
  }));
  if (leaders.size === 0) return { responses };
  return { responses, nodeEndpoints: nodeEndpoints(services, leaders, context.listenerName) };
};

const partitionResponse = (index: number, result: AppendResult): PartitionResponse => {
  const { errorCode, baseOffset, logAppendTimeMs, logStartOffset } = result;
  const response = { index, errorCode, baseOffset, logAppendTimeMs, logStartOffset };
  const { recordErrors, errorMessage = null } = result;
  return recordErrors === undefined ? response : { ...response, recordErrors, errorMessage };
};
