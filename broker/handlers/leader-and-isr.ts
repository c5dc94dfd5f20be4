/** LeaderAndIsr: the controller's word on what this broker leads and follows; carried out by replication/role-changes.ts. */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { PartitionError } from '../replication/role-changes.ts';
import { isStaleBrokerEpoch } from './broker-epoch.ts';
import { handler } from './handler.ts';

const GROUPED_BY_TOPIC_ID = 5;

export const leaderAndIsrHandler = handler(
  apis.leaderAndIsr,
  async (services, request, context) => {
    const refuse = (errorCode: number) =>
      respond(errorCode, refusals(request, errorCode), context.apiVersion);
    if (isStaleBrokerEpoch(services, request.brokerEpoch))
      return refuse(errorCodes.STALE_BROKER_EPOCH);
    try {
      const results = await services.roles.leaderAndIsr(request);
      return respond(errorCodes.NONE, results, context.apiVersion);
    } catch (error) {
      if (error instanceof ProtocolError && error.code === errorCodes.STALE_CONTROLLER_EPOCH)
        return refuse(error.code);
      throw error;
    }
  },
);

const refusals = (
  request: RequestOf<typeof apis.leaderAndIsr>,
  errorCode: number,
): PartitionError[] => [
  ...request.topicStates.flatMap(({ topicName, topicId, partitionStates }) =>
    partitionStates.map(({ partitionIndex }) => ({
      topic: topicName,
      topicId,
      partition: partitionIndex,
      errorCode,
    })),
  ),
  ...request.ungroupedPartitionStates.map(({ topicName, partitionIndex }) => ({
    topic: topicName,
    topicId: '',
    partition: partitionIndex,
    errorCode,
  })),
];

const respond = (
  errorCode: number,
  results: readonly PartitionError[],
  version: number,
): ResponseOf<typeof apis.leaderAndIsr> => {
  if (version < GROUPED_BY_TOPIC_ID) {
    return {
      errorCode,
      partitionErrors: results.map((result) => ({
        topicName: result.topic,
        partitionIndex: result.partition,
        errorCode: result.errorCode,
      })),
    };
  }
  const byTopic = new Map<string, { partitionIndex: number; errorCode: number }[]>();
  for (const { topicId, partition, errorCode: code } of results) {
    const entry = { partitionIndex: partition, errorCode: code };
    const group = byTopic.get(topicId);
    if (group === undefined) byTopic.set(topicId, [entry]);
    else group.push(entry);
  }
  const topics = [...byTopic].map(([topicId, partitionErrors]) => ({ topicId, partitionErrors }));
  return { errorCode, topics };
};
