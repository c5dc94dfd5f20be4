/**
 * OffsetFetch: reads committed offsets; version 0 from ZooKeeper, all others from the group's
 * coordinator, of several groups at once from version 8 on (KIP-709). Topics need not exist.
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { FetchedOffset } from '../groups/answers.ts';
import type { TopicPartition } from '../groups/topic-partitions.ts';
import { readOffset } from '../groups/zookeeper-offsets.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';

const BATCHED_VERSION = 8;

type OffsetFetchRequest = RequestOf<typeof apis.offsetFetch>;
type OffsetFetchResponse = ResponseOf<typeof apis.offsetFetch>;

export const offsetFetchHandler = handler(
  apis.offsetFetch,
  (services, request, context): OffsetFetchResponse | Promise<OffsetFetchResponse> => {
    if (context.apiVersion === 0) return fetchFromZooKeeper(services, request);
    const options = { requireStable: request.requireStable };
    if (context.apiVersion < BATCHED_VERSION)
      // Version 1 has no place for an error of the group: its clients see no topics (as with
      // Kafka).
      return services.groups.fetchOffsets(request.groupId, request.topics, options);
    return {
      groups: request.groups.map(({ groupId, topics }) => ({
        groupId,
        ...services.groups.fetchOffsets(groupId, topics, options),
      })),
    };
  },
);

const fetchFromZooKeeper = async (
  services: Services,
  { groupId, topics }: OffsetFetchRequest,
): Promise<OffsetFetchResponse> => ({
  topics: await Promise.all(
    (topics ?? []).map(async ({ name, partitionIndexes }) => ({
      name,
      partitions: await Promise.all(
        partitionIndexes.map((partition) =>
          fetchOne(services, groupId, { topic: name, partition }),
        ),
      ),
    })),
  ),
});

const fetchOne = async (
  { metadata, zookeeper, system }: Services,
  groupId: string,
  at: TopicPartition,
): Promise<FetchedOffset> => {
  const answer = (committedOffset: number, errorCode: number): FetchedOffset => ({
    partitionIndex: at.partition,
    committedOffset,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode,
  });
  if (metadata.partition(at.topic, at.partition) === undefined)
    return answer(-1, errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  try {
    const offset = await readOffset(zookeeper, groupId, at);
    return offset === null
      ? answer(-1, errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
      : answer(offset, errorCodes.NONE);
  } catch (error) {
    system.logger.warn({ err: error, groupId }, 'an offset could not be read');
    return answer(-1, errorCodes.UNKNOWN_SERVER_ERROR);
  }
};
