/**
 * OffsetCommit: stores what a group has consumed; version 0 in ZooKeeper, all others with the
 * group's coordinator.
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { OffsetToCommit } from '../groups/offsets.ts';
import { storeOffset } from '../groups/zookeeper-offsets.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';

type OffsetCommitRequest = RequestOf<typeof apis.offsetCommit>;
type OffsetCommitResponse = ResponseOf<typeof apis.offsetCommit>;
type PartitionRequest = OffsetCommitRequest['topics'][number]['partitions'][number];

export const offsetCommitHandler = handler(
  apis.offsetCommit,
  async (services, request, context): Promise<OffsetCommitResponse> => {
    const nowMs = services.system.clock.nowMs();
    const offsets: OffsetToCommit[] = [];
    // Topics may come and go while the offsets are stored, so what is unknown now stays unknown.
    const indexes = new Map<PartitionRequest, number>();
    for (const { name, partitions } of request.topics) {
      for (const partition of partitions) {
        if (services.metadata.partition(name, partition.partitionIndex) === undefined) continue;
        const commit = commitOf(request, partition, nowMs);
        indexes.set(partition, offsets.length);
        offsets.push({ topic: name, partition: partition.partitionIndex, commit });
      }
    }
    const codes = await store(services, request, offsets, context.apiVersion);
    const codeOf = (partition: PartitionRequest): number => {
      const index = indexes.get(partition);
      if (index === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
      return codes[index] ?? errorCodes.UNKNOWN_SERVER_ERROR;
    };
    return {
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partition) => ({
          partitionIndex: partition.partitionIndex,
          errorCode: codeOf(partition),
        })),
      })),
    };
  },
);

const store = async (
  services: Services,
  request: OffsetCommitRequest,
  offsets: readonly OffsetToCommit[],
  apiVersion: number,
): Promise<readonly number[]> => {
  if (offsets.length === 0) return [];
  if (apiVersion === 0) {
    const { groupId } = request;
    return Promise.all(offsets.map((offset) => storeInZooKeeper(services, groupId, offset)));
  }
  return services.groups.commitOffsets({
    groupId: request.groupId,
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
    offsets,
  });
};

const commitOf = (
  { retentionTimeMs }: OffsetCommitRequest,
  partition: PartitionRequest,
  nowMs: number,
): OffsetToCommit['commit'] => ({
  offset: partition.committedOffset,
  leaderEpoch: partition.committedLeaderEpoch,
  metadata: partition.committedMetadata ?? '',
  commitTimestampMs: partition.commitTimestamp === -1 ? nowMs : partition.commitTimestamp,
  // A client may ask for ever in so many words: the largest long.
  expireTimestampMs:
    retentionTimeMs === -1 ? -1 : Math.min(nowMs + retentionTimeMs, Number.MAX_SAFE_INTEGER),
});

const storeInZooKeeper = async (
  services: Services,
  groupId: string,
  offset: OffsetToCommit,
): Promise<number> => {
  const { metadata, offset: position } = offset.commit;
  if (metadata.length > services.groups.offsetMetadataLengthMax)
    return errorCodes.OFFSET_METADATA_TOO_LARGE;
  try {
    await storeOffset(services.zookeeper, groupId, offset, position);
    return errorCodes.NONE;
  } catch (error) {
    services.system.logger.warn({ err: error, groupId }, 'an offset could not be stored');
    return errorCodes.UNKNOWN_SERVER_ERROR;
  }
};
