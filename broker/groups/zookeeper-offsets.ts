/**
 * Offsets as OffsetCommit and OffsetFetch version 0 keep them: in ZooKeeper, as decimal text, under
 * /consumers/<group>/offsets/<topic>/<partition>. Nothing is checked about the group.
 */
import { isZooKeeperError } from '../../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { consumerOffsetZnode } from '../../zookeeper/znodes.ts';
import type { TopicPartition } from './topic-partitions.ts';

/** Throws ZooKeeperError. */
export const storeOffset = async (
  zookeeper: ZooKeeperClient,
  groupId: string,
  at: TopicPartition,
  offset: number,
): Promise<void> => {
  const path = consumerOffsetZnode.path(groupId, at.topic, at.partition);
  const data = consumerOffsetZnode.encode(offset);
  try {
    await zookeeper.setData(path, data);
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error;
    try {
      await zookeeper.createRecursive(path, data);
    } catch (createError) {
      // Somebody else was faster with the same node.
      if (!isZooKeeperError(createError, 'NODE_EXISTS')) throw createError;
      await zookeeper.setData(path, data);
    }
  }
};

/** Null where none was stored. Throws ZooKeeperError. */
export const readOffset = async (
  zookeeper: ZooKeeperClient,
  groupId: string,
  at: TopicPartition,
): Promise<number | null> => {
  try {
    const { data } = await zookeeper.getData(
      consumerOffsetZnode.path(groupId, at.topic, at.partition),
    );
    const offset = Number(data?.toString() ?? '');
    return data === null || !Number.isSafeInteger(offset) ? null : offset;
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return null;
    throw error;
  }
};
