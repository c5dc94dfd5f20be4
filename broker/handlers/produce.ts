/**
 * Produce: checks that need no log, then appends (replication/appends.ts) and answers per partition. The request's records
 * are handed on as they came; the order of the checks is Kafka's (requests sheet §8.1).
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { batches, type RecordBatch } from '../../protocol/record-batch.ts';
import { isInternalTopic } from '../internal-topics.ts';
import { type Append, type AppendResult, appendRecords } from '../replication/appends.ts';
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
  const early = new Map<string, number>();
  for (const topic of request.topicData) {
    for (const { index, records } of topic.partitionData) {
      const errorCode = precheck(services, request, context, { topic: topic.name, index, records });
      if (records === null || errorCode !== errorCodes.NONE)
        early.set(`${topic.name}-${index}`, errorCode);
      else appends.push({ topic: topic.name, partition: index, records });
    }
  }
  const results = await appendRecords(services.replicas, appends, {
    acks: request.acks === 0 || request.acks === 1 ? request.acks : -1,
    timeoutMs: request.timeoutMs,
    origin: 'client',
  });
  if (request.acks === 0) {
    const hasFailed = early.size > 0 || results.some(({ errorCode }) => errorCode !== 0);
    if (hasFailed) throw new CloseConnection('a produce request with acks=0 has failed');
    return null;
  }
  const byPartition = new Map(
    appends.map(({ topic, partition }, index) => [`${topic}-${partition}`, results[index]]),
  );
  return respond(services, request, context, (topic, partition) => {
    const name = `${topic}-${partition}`;
    return byPartition.get(name) ?? early.get(name) ?? errorCodes.UNKNOWN_SERVER_ERROR;
  });
});

/**
 * Refuses the whole request where it is transactional without saying so, or of two producers. Looks at the first batch of
 * each partition, as Kafka does; one that is damaged is found here, too, and is everybody's fault.
 */
const checkTransactional = (request: ProduceRequest): void => {
  let producer: RecordBatch | null = null;
  for (const { partitionData } of request.topicData) {
    for (const { records } of partitionData) {
      const batch = records === null ? undefined : batches(records).next().value;
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
  const [first, second] = batches(records);
  if (first === undefined || first.isOld) return errorCodes.INVALID_RECORD;
  // In this order: asking for the codec fails where there is none of that number.
  if (apiVersion < WITH_ZSTD && first.compression === 'zstd')
    return errorCodes.UNSUPPORTED_COMPRESSION_TYPE;
  return second === undefined ? errorCodes.NONE : errorCodes.INVALID_RECORD;
};

const respond = (
  services: Services,
  request: ProduceRequest,
  context: RequestContext,
  resultOf: (topic: string, partition: number) => AppendResult | number,
): ProduceResponse => {
  const leaders = new Set<number>();
  const hint = (topic: string, partition: number, errorCode: number) => {
    if (errorCode !== errorCodes.NOT_LEADER_OR_FOLLOWER || context.apiVersion < WITH_LEADER_HINTS)
      return {};
    const currentLeader = leaderHint(services, topic, partition);
    leaders.add(currentLeader.leaderId);
    return { currentLeader };
  };
  const responses = request.topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: partitionData.map(({ index }) => {
      const result = resultOf(name, index);
      const errorCode = typeof result === 'number' ? result : result.errorCode;
      return { ...partitionResponse(index, result), ...hint(name, index, errorCode) };
    }),
  }));
  if (leaders.size === 0) return { responses };
  return { responses, nodeEndpoints: nodeEndpoints(services, leaders, context.listenerName) };
};

const partitionResponse = (index: number, result: AppendResult | number): PartitionResponse => {
  if (typeof result === 'number')
    return { index, errorCode: result, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 };
  return {
    index,
    errorCode: result.errorCode,
    baseOffset: result.baseOffset,
    logAppendTimeMs: result.logAppendTimeMs,
    logStartOffset: result.logStartOffset,
    ...(result.recordErrors === undefined
      ? {}
      : { recordErrors: result.recordErrors, errorMessage: result.errorMessage ?? null }),
  };
};
