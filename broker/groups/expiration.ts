/**
 * Which committed offsets have outlived their retention (KIP-211): those of a group without members
 * from the time it became empty, those of live consumers only for topics they no longer subscribe
 * to, those of simple groups from their commit. Pure.
 */
import type { Group } from './group.ts';
import type { CommittedOffset, GroupOffsets } from './offsets.ts';
import type { TopicPartition } from './topic-partitions.ts';

/** When the retention of an offset began; null: it does not run. */
type RetentionStart = (topic: string, commit: CommittedOffset) => number | null;

const retentionStartOf = (group: Group): RetentionStart => {
  if (group.protocolType === null) return (_topic, commit) => commit.commitTimestampMs;
  if (group.state === 'Empty')
    return (_topic, commit) => group.stateSinceMs ?? commit.commitTimestampMs;
  const { subscribedTopics } = group;
  if (group.state === 'Stable' && group.isConsumerGroup && subscribedTopics !== null)
    return (topic, commit) => (subscribedTopics.has(topic) ? null : commit.commitTimestampMs);
  return () => null;
};

/** The partitions whose offsets are to be removed at `nowMs`. */
export const expiredOffsets = (
  group: Group,
  offsets: GroupOffsets,
  nowMs: number,
  retentionMs: number,
): TopicPartition[] => {
  const retentionStart = retentionStartOf(group);
  const expired: TopicPartition[] = [];
  for (const { topic, partition, commit } of offsets.committed()) {
    if (offsets.isPending(topic, partition)) continue;
    const startMs = retentionStart(topic, commit);
    if (startMs === null) continue;
    const isExpired =
      commit.expireTimestampMs === -1
        ? nowMs - startMs >= retentionMs
        : nowMs >= commit.expireTimestampMs;
    if (isExpired) expired.push({ topic, partition });
  }
  return expired;
};
