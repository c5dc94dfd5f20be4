/**
 * OffsetDelete: forgets a group's offsets of partitions that none of its members reads (KIP-496).
 */
import { apis, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { TopicPartition } from '../groups/topic-partitions.ts';
import { handler } from './handler.ts';

type OffsetDeleteResponse = ResponseOf<typeof apis.offsetDelete>;

const refusal = (errorCode: number): OffsetDeleteResponse => ({
  errorCode,
  throttleTimeMs: 0,
  topics: [],
});

export const offsetDeleteHandler = handler(
  apis.offsetDelete,
  async (services, request): Promise<OffsetDeleteResponse> => {
    const isKnown = ({ topic, partition }: TopicPartition): boolean =>
      services.metadata.partition(topic, partition) !== undefined;
    const asked = request.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
    );
    const known = asked.filter(isKnown);
    const codes = new Map<TopicPartition, number>();
    if (known.length > 0) {
      const result = await services.groups.deleteOffsets(request.groupId, known);
      if (result.errorCode !== errorCodes.NONE) return refusal(result.errorCode);
      for (const [index, at] of known.entries())
        codes.set(at, result.partitions[index] ?? errorCodes.UNKNOWN_SERVER_ERROR);
    }
    let next = 0;
    return {
      errorCode: errorCodes.NONE,
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          const at = asked[next++];
          const errorCode = at === undefined ? undefined : codes.get(at);
          return {
            partitionIndex,
            errorCode: errorCode ?? errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
          };
        }),
      })),
    };
  },
);
