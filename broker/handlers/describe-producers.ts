/** DescribeProducers: what partitions, led here or followed, know of their producers (KIP-664). */
import { apis, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { topicNameProblem } from '../../protocol/topic-names.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';

type DescribeProducersResponse = ResponseOf<typeof apis.describeProducers>;
type PartitionResponse = DescribeProducersResponse['topics'][number]['partitions'][number];

export const describeProducersHandler = handler(apis.describeProducers, (services, request) => ({
  throttleTimeMs: 0,
  topics: request.topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partition) => describe(services, name, partition)),
  })),
}));

const describe = (services: Services, topic: string, partition: number): PartitionResponse => {
  const failed = (errorCode: number): PartitionResponse => ({
    partitionIndex: partition,
    errorCode,
    activeProducers: [],
  });
  if (topicNameProblem(topic) !== null) return failed(errorCodes.INVALID_TOPIC_EXCEPTION);
  const replica = services.replicas.lookUp(topic, partition);
  if (typeof replica === 'number') return failed(replica);
  return {
    partitionIndex: partition,
    errorCode: errorCodes.NONE,
    activeProducers: Array.from(replica.log.producers.activeProducers(), (producer) => ({
      producerId: producer.producerId,
      producerEpoch: producer.producerEpoch,
      lastSequence: producer.lastSequence,
      lastTimestamp: producer.lastTimestamp,
      // Before the first marker Kafka says 0.
      coordinatorEpoch: Math.max(0, producer.coordinatorEpoch),
      currentTxnStartOffset: producer.currentTransactionStartOffset,
    })),
  };
};
