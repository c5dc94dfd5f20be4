/** UpdateMetadata: the controller's word on brokers and partitions, for the metadata cache and whoever waits for it. */
import { apis } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { isStaleBrokerEpoch } from './broker-epoch.ts';
import { handler } from './handler.ts';

export const updateMetadataHandler = handler(apis.updateMetadata, async (services, request) => {
  if (isStaleBrokerEpoch(services, request.brokerEpoch))
    return { errorCode: errorCodes.STALE_BROKER_EPOCH };
  const deleted = await services.roles.exclusively(() => {
    if (request.controllerEpoch < services.replicas.controllerEpoch) return null;
    services.replicas.fenceController(request.controllerEpoch);
    return services.metadata.update(request);
  });
  if (deleted === null) throw new ProtocolError(errorCodes.STALE_CONTROLLER_EPOCH);
  if (deleted.length > 0) services.groups.onPartitionsDeleted(deleted);
  const topics = new Set(deleted.map(({ topic }) => topic));
  for (const { topicName } of request.topicStates) topics.add(topicName);
  for (const { topicName } of request.ungroupedPartitionStates) topics.add(topicName);
  services.topicWaits.check(topics);
  return { errorCode: errorCodes.NONE };
});
