/**
 * Small requests to the controller: a broker's controlled shutdown, its wish for producer ids
 * (KIP-730), and UpdateFeatures, which a controller in ZooKeeper mode can only refuse.
 */
import { type Procedure, perform } from './commands.ts';
import type { ReplyBody, RequestBody } from './events.ts';
import { changePartitions, flush } from './partition-states.ts';
import { codeOf, type ErrorName } from './refusals.ts';
import { changeReplicas } from './replica-states.ts';
import { addStopReplica, openBatch } from './request-batch.ts';
import {
  type ControllerState,
  isQueuedForDeletion,
  type Partition,
  partitionsOn,
} from './state.ts';

const UNKNOWN_BROKER_EPOCH = -1n;

/**
 * Moves the leads of a broker elsewhere and takes its replicas out of the ISRs, as far as that can
 * be done.
 */
export function* onControlledShutdown(
  state: ControllerState,
  request: RequestBody<'controlledShutdown'>,
): Procedure {
  const { brokerId, brokerEpoch } = request;
  const error = judgeShutdown(state, brokerId, brokerEpoch);
  if (error !== null) {
    const reply = { errorCode: codeOf(error), remainingPartitions: [] };
    yield* perform<'reply'>({ type: 'reply', reply });
    return;
  }
  state.shuttingDown.add(brokerId);
  const concerned = partitionsOn(state, new Set([brokerId])).filter(
    (partition) =>
      partition.replicas.length > 1 &&
      partition.leadership !== null &&
      !isQueuedForDeletion(state, partition),
  );
  const isLed = ({ leadership }: Partition): boolean => leadership?.leader === brokerId;
  const led = concerned.filter(isLed);
  const followed = concerned.filter((partition) => !isLed(partition));
  yield* changePartitions(state, led, 'online', { type: 'controlledShutdown' });
  // It is to stop fetching before it leaves the ISRs, or it might just be let in again.
  openBatch(state);
  for (const partition of followed) {
    addStopReplica(state, partition, brokerId, { deletePartition: false });
  }
  yield* flush(state);
  yield* changeReplicas(
    state,
    followed.map((partition) => ({ partition, brokerId })),
    'offline',
  );
  const reply: ReplyBody<'controlledShutdown'> = {
    errorCode: 0,
    remainingPartitions: concerned.filter(isLed).map(({ topic, index }) => ({
      topicName: topic,
      partitionIndex: index,
    })),
  };
  yield* perform<'reply'>({ type: 'reply', reply });
}

/** Gives a broker the next block of producer ids. */
export function* onAllocateProducerIds(
  state: ControllerState,
  request: RequestBody<'allocateProducerIds'>,
): Procedure {
  const { brokerId, brokerEpoch } = request;
  const broker = state.brokers.get(brokerId);
  let error: ErrorName = 'NONE';
  if (broker === undefined) error = 'BROKER_ID_NOT_REGISTERED';
  else if (broker.epoch !== brokerEpoch) error = 'STALE_BROKER_EPOCH';
  const block =
    error === 'NONE'
      ? yield* perform<'allocateProducerIds'>({ type: 'allocateProducerIds', brokerId })
      : null;
  if (error === 'NONE' && block === null) error = 'UNKNOWN_SERVER_ERROR';
  const reply: ReplyBody<'allocateProducerIds'> = {
    throttleTimeMs: 0,
    errorCode: codeOf(error),
    producerIdStart: block?.firstId ?? 0,
    producerIdLen: block?.count ?? 0,
  };
  yield* perform<'reply'>({ type: 'reply', reply });
}

/** Brokers in ZooKeeper mode support no features, so there is none to set and none to remove. */
export function* onUpdateFeatures(
  _state: ControllerState,
  request: RequestBody<'updateFeatures'>,
): Procedure {
  const reply: ReplyBody<'updateFeatures'> = {
    throttleTimeMs: 0,
    errorCode: 0,
    errorMessage: null,
    results: request.featureUpdates.map(({ feature, maxVersionLevel }) => ({
      feature,
      errorCode: codeOf('INVALID_REQUEST'),
      errorMessage: featureRefusal(feature, maxVersionLevel),
    })),
  };
  yield* perform<'reply'>({ type: 'reply', reply });
}

const featureRefusal = (feature: string, maxVersionLevel: number): string => {
  if (feature === '') return 'Feature name can not be empty.';
  if (maxVersionLevel < 1) return `Can not delete non-existing finalized feature: '${feature}'`;
  return 'Could not apply finalized feature update because the provided feature is not supported.';
};

const judgeShutdown = (
  state: ControllerState,
  brokerId: number,
  brokerEpoch: bigint,
): ErrorName | null => {
  const known = state.brokers.get(brokerId);
  if (known === undefined) {
    // With an epoch Kafka looks it up in a map and fails on that.
    return brokerEpoch === UNKNOWN_BROKER_EPOCH ? 'BROKER_NOT_AVAILABLE' : 'UNKNOWN_SERVER_ERROR';
  }
  const isStale = brokerEpoch !== UNKNOWN_BROKER_EPOCH && brokerEpoch < known.epoch;
  return isStale ? 'STALE_BROKER_EPOCH' : null;
};
