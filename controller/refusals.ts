/**
 * Error answers: codes by name, and what a broker that is not the controller says to each request.
 * Kafka's own wording is kept where clients show it to people.
 */
import { type ErrorName, errorCodes } from '../protocol/errors.ts';
import type { ControllerEvent, Reply, RequestEvent } from './events.ts';

export type { ErrorName };

export const codeOf = (name: ErrorName): number => errorCodes[name];

export interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string;
}

export const refusal = (name: ErrorName, errorMessage: string): Refusal => ({
  errorCode: codeOf(name),
  errorMessage,
});

const notController = refusal(
  'NOT_CONTROLLER',
  'This is not the correct controller for this cluster.',
);

/** What a request event gets from a broker that does not control the cluster. */
export const refuse = (event: RequestEvent): Reply => {
  const { errorCode, errorMessage } = notController;
  switch (event.type) {
    case 'alterPartition':
      return { throttleTimeMs: 0, errorCode, topics: [] };
    case 'controlledShutdown':
      // Kafka's ControllerMovedException; brokers then look for the controller anew.
      return { errorCode: codeOf('STALE_CONTROLLER_EPOCH'), remainingPartitions: [] };
    case 'electLeaders':
      return {
        throttleTimeMs: 0,
        errorCode: 0,
        replicaElectionResults: (event.request.topicPartitions ?? []).map(
          ({ topic, partitions }) => ({
            topic,
            partitionResult: partitions.map((partitionId) => ({
              partitionId,
              errorCode,
              errorMessage: null,
            })),
          }),
        ),
      };
    case 'allocateProducerIds':
      return { throttleTimeMs: 0, errorCode, producerIdStart: 0, producerIdLen: 0 };
    case 'alterPartitionReassignments':
      return { throttleTimeMs: 0, errorCode, errorMessage, responses: [] };
    case 'listPartitionReassignments':
      return { throttleTimeMs: 0, errorCode, errorMessage, topics: [] };
    case 'updateFeatures':
      return { throttleTimeMs: 0, errorCode, errorMessage, results: [] };
  }
};

const requestTypes = new Set<ControllerEvent['type']>([
  'alterPartition',
  'controlledShutdown',
  'electLeaders',
  'allocateProducerIds',
  'alterPartitionReassignments',
  'listPartitionReassignments',
  'updateFeatures',
]);

export const isRequest = (event: ControllerEvent): event is RequestEvent =>
  requestTypes.has(event.type);
