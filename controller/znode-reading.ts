/**
 * Reading brokers, topics and partition states from ZooKeeper, many at once. A znode that is gone,
 * or whose bytes make no sense, is left out: one broken znode must not stop the controller.
 */
import type { Logger } from '../system/logger.ts';
import { isZooKeeperError } from '../zookeeper/errors.ts';
import type { Stat, ZooKeeperClient } from '../zookeeper/session.ts';
import { ZnodeFormatError } from '../zookeeper/znode-json.ts';
import {
  brokerIdsZnode,
  brokerIdZnode,
  partitionStateZnode,
  type TopicAssignment,
  topicZnode,
} from '../zookeeper/znodes.ts';
import type { PartitionPlace } from './commands.ts';
import type { Broker, Leadership } from './state.ts';

/** Requests under way at a time; the client has its own, lower limit on the wire. */
const PIPELINE_LENGTH = 256;

/** Runs `work` for all items, many at a time, and keeps their order. */
export const pipelined = async <T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += PIPELINE_LENGTH) {
    const run = items.slice(start, start + PIPELINE_LENGTH);
    results.push(...(await Promise.all(run.map(work))));
  }
  return results;
};

export interface Reader {
  readonly zookeeper: ZooKeeperClient;
  readonly logger: Logger;
}

/** What a znode holds, decoded; null when there is none or it cannot be understood. */
export const readZnode = async <T>(
  { zookeeper, logger }: Reader,
  path: string,
  decode: (data: Buffer) => T,
): Promise<{ readonly content: T; readonly stat: Stat } | null> => {
  try {
    const { data, stat } = await zookeeper.getData(path);
    return { content: decode(data ?? Buffer.alloc(0)), stat };
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return null;
    if (!(error instanceof ZnodeFormatError)) throw error;
    logger.warn({ path, error: error.message }, 'a znode cannot be understood');
    return null;
  }
};

/** All registered brokers. Arms the watch for their list unless told not to. */
export const readBrokers = async (
  reader: Reader,
  options: { readonly watch?: boolean } = {},
): Promise<Broker[]> => {
  const { children } = await reader.zookeeper.getChildren(brokerIdsZnode.path, options);
  const ids = children.filter((name) => /^\d+$/.test(name)).map(Number);
  const read = await pipelined(ids, async (id): Promise<Broker | null> => {
    const found = await readZnode(reader, brokerIdZnode.path(id), brokerIdZnode.decode);
    if (found === null) return null;
    const { endpoints, rack } = found.content;
    return { id, epoch: found.stat.czxid, endpoints, rack };
  });
  return read.filter((broker) => broker !== null);
};

export const readTopic = async (reader: Reader, name: string): Promise<TopicAssignment | null> =>
  (await readZnode(reader, topicZnode.path(name), topicZnode.decode))?.content ?? null;

/** In the order asked. */
export const readPartitionStates = (
  reader: Reader,
  places: readonly PartitionPlace[],
): Promise<(Leadership | null)[]> =>
  pipelined(places, async ({ topic, partition }) => {
    const path = partitionStateZnode.path(topic, partition);
    const found = await readZnode(reader, path, partitionStateZnode.decode);
    return found === null ? null : { ...found.content, partitionEpoch: found.stat.version };
  });
