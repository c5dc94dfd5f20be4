/** `partition.metadata`: the id of the topic a partition directory belongs to. */
import { ZERO_UUID } from '../protocol/uuid.ts';

export class PartitionMetadataError extends Error {
  override readonly name = 'PartitionMetadataError';
}

/** Kafka ends the file without a newline. */
export const encodePartitionMetadata = (topicId: string): string =>
  `version: 0\ntopic_id: ${topicId}`;

/** The topic id of the file's text; throws `PartitionMetadataError`. */
export const decodePartitionMetadata = (text: string): string => {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [key, value, more] = line.trim().split(/:\s+/);
    if (key === '') continue;
    if (key === undefined || value === undefined || more !== undefined)
      throw new PartitionMetadataError(`malformed line: ${line}`);
    values.set(key, value);
  }
  const topicId = values.get('topic_id') ?? '';
  if (!/^\d+$/.test(values.get('version') ?? ''))
    throw new PartitionMetadataError('no version in partition.metadata');
  if (!/^[\w-]{22}$/.test(topicId) || topicId === ZERO_UUID)
    throw new PartitionMetadataError(`not a topic id: ${topicId}`);
  return topicId;
};
