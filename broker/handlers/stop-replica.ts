/** StopReplica: replicas to stop and, where the topic goes or moves, to delete; see replication/role-changes.ts. */
import { apis, type RequestOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { StoppedPartition } from '../replication/role-changes.ts';
import { isStaleBrokerEpoch } from './broker-epoch.ts';
import { handler } from './handler.ts';

const NO_EPOCH = -1;

export const stopReplicaHandler = handler(apis.stopReplica, async (services, request) => {
  const refuse = (errorCode: number) => ({ errorCode, partitionErrors: [] });
  if (isStaleBrokerEpoch(services, request.brokerEpoch))
    return refuse(errorCodes.STALE_BROKER_EPOCH);
  try {
    const stopped = stoppedPartitions(request);
    const results = await services.roles.stopReplicas(request.controllerEpoch, stopped);
    return {
      errorCode: errorCodes.NONE,
      partitionErrors: results.map(({ topic, partition, errorCode }) => ({
        topicName: topic,
        partitionIndex: partition,
        errorCode,
      })),
    };
  } catch (error) {
    if (error instanceof ProtocolError && error.code === errorCodes.STALE_CONTROLLER_EPOCH)
      return refuse(error.code);
    throw error;
  }
});

/** Until version 2 one flag said for all partitions whether their logs go, and no leader epochs were sent. */
const stoppedPartitions = (request: RequestOf<typeof apis.stopReplica>): StoppedPartition[] => [
  ...request.topicStates.flatMap(({ topicName, partitionStates }) =>
    partitionStates.map(({ partitionIndex, leaderEpoch, deletePartition }) => ({
      topic: topicName,
      partition: partitionIndex,
      leaderEpoch,
      deletesLog: deletePartition,
    })),
  ),
  ...request.topics.flatMap(({ name, partitionIndexes }) =>
    partitionIndexes.map((partition) => ({
      topic: name,
      partition,
      leaderEpoch: NO_EPOCH,
      deletesLog: request.deletePartitions,
    })),
  ),
  ...request.ungroupedPartitions.map(({ topicName, partitionIndex }) => ({
    topic: topicName,
    partition: partitionIndex,
    leaderEpoch: NO_EPOCH,
    deletesLog: request.deletePartitions,
  })),
];
