/**
 * The transaction APIs as far as they go without a transaction coordinator: whoever asks for one
 * hears that it is not available, and no transactional id is known. WriteTxnMarkers is whole,
 * because partitions may be led here whose coordinator is another broker of the cluster.
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { buildEndTransactionMarker } from '../../protocol/control-record.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { transactionStates } from '../../protocol/transaction-states.ts';
import { type Append, appendRecords } from '../replication/appends.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';

const NO_COORDINATOR = errorCodes.COORDINATOR_NOT_AVAILABLE;
/** From here on brokers ask about many transactions at once. */
const BATCHED_VERSION = 4;

type TopicResult = { name: string; partitions: readonly number[] };

export const addPartitionsToTxnHandler = handler(
  apis.addPartitionsToTxn,
  (_services, request, { apiVersion }) => {
    const results = (topics: readonly TopicResult[]) =>
      topics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: NO_COORDINATOR,
        })),
      }));
    if (apiVersion < BATCHED_VERSION)
      return { throttleTimeMs: 0, resultsByTopicV3AndBelow: results(request.v3AndBelowTopics) };
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      resultsByTransaction: request.transactions.map(({ transactionalId, topics }) => ({
        transactionalId,
        topicResults: results(topics),
      })),
    };
  },
);

export const addOffsetsToTxnHandler = handler(apis.addOffsetsToTxn, () => ({
  throttleTimeMs: 0,
  errorCode: NO_COORDINATOR,
}));

export const endTxnHandler = handler(apis.endTxn, () => ({
  throttleTimeMs: 0,
  errorCode: NO_COORDINATOR,
}));

export const txnOffsetCommitHandler = handler(apis.txnOffsetCommit, (_services, request) => ({
  throttleTimeMs: 0,
  topics: request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: NO_COORDINATOR,
    })),
  })),
}));

export const describeTransactionsHandler = handler(
  apis.describeTransactions,
  (_services, request) => ({
    throttleTimeMs: 0,
    transactionStates: request.transactionalIds.map((transactionalId) => ({
      errorCode: errorCodes.TRANSACTIONAL_ID_NOT_FOUND,
      transactionalId,
      transactionState: '',
      transactionTimeoutMs: 0,
      transactionStartTimeMs: 0,
      producerId: 0,
      producerEpoch: 0,
      topics: [],
    })),
  }),
);

const states: ReadonlySet<string> = new Set(transactionStates);

export const listTransactionsHandler = handler(apis.listTransactions, (_services, request) => ({
  throttleTimeMs: 0,
  errorCode: errorCodes.NONE,
  unknownStateFilters: request.stateFilters.filter((state) => !states.has(state)),
  transactionStates: [],
}));

type Marker = RequestOf<typeof apis.writeTxnMarkers>['markers'][number];
type MarkerResult = ResponseOf<typeof apis.writeTxnMarkers>['markers'][number];

export const writeTxnMarkersHandler = handler(apis.writeTxnMarkers, async (services, request) => ({
  markers: await Promise.all(request.markers.map((marker) => writeMarker(services, marker))),
}));

const writeMarker = async (services: Services, marker: Marker): Promise<MarkerResult> => {
  const places = marker.topics.flatMap(({ name, partitionIndexes }) =>
    partitionIndexes.map((partition) => ({ topic: name, partition })),
  );
  const codes = await appendMarkers(services, marker, places);
  let next = 0;
  return {
    producerId: marker.producerId,
    topics: marker.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: codes[next++] ?? errorCodes.UNKNOWN_SERVER_ERROR,
      })),
    })),
  };
};

/** One error code for each place. */
const appendMarkers = async (
  { replicas, config, system }: Services,
  marker: Marker,
  places: readonly { readonly topic: string; readonly partition: number }[],
): Promise<number[]> => {
  // Kafka trips over a negative id or epoch when it builds the batch.
  if (marker.producerId < 0 || marker.producerEpoch < 0)
    return places.map(() => errorCodes.UNKNOWN_SERVER_ERROR);
  const appends = places.map(({ topic, partition }): Append => {
    // A batch of its own for each log: offsets are stamped into it.
    const records = buildEndTransactionMarker({
      producerId: marker.producerId,
      producerEpoch: marker.producerEpoch,
      coordinatorEpoch: marker.coordinatorEpoch,
      isCommit: marker.transactionResult,
      timestamp: system.clock.nowMs(),
    });
    return { topic, partition, records };
  });
  const results = await appendRecords(replicas, appends, {
    acks: -1,
    timeoutMs: config.requestTimeoutMs,
    origin: 'coordinator',
  });
  return results.map(({ errorCode }) => errorCode);
};
