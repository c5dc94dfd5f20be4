/** `partition.metadata`: the id of the topic a partition directory belongs to. */
import { ZERO_UUID } from '../protocol/uuid.ts';
import { DamagedLogError } from './log-damage.ts';

export class PartitionMetadataError extends Error {
  override readonly name = 'PartitionMetadataError';
}

/** Kafka ends the file without a newline. */
export const encodePartitionMetadata = (topicId: string): string =>
  `version: 0\ntopic_id: ${topicId}`;

/**
 * The topic id of the file's text; throws `PartitionMetadataError`, which takes the directory out of
 * use, or `DamagedLogError`, as Kafka does where it did not foresee the damage.
 */
export const decodePartitionMetadata = (text: string): string => {
  if (text.trim() === '') throw new DamagedLogError('partition.metadata is empty');
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
  if (topicId === ZERO_UUID) throw new PartitionMetadataError('the topic id is zero');
  if (!/^[\w-]{22}$/.test(topicId))
    throw new DamagedLogError(`partition.metadata has no topic id but ${topicId}`);
  return topicId;
};
