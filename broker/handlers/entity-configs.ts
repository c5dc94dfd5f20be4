/**
 * Settings of users, clients and addresses in ZooKeeper: read whole, changed whole, announced to
 * all brokers below /config/changes. An entity is named by its path below /config; quotas and SCRAM
 * credentials of a user share a znode.
 */

import { configChangeZnode, configZnode } from '../../zookeeper/config-znodes.ts';
import { isZooKeeperError } from '../../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';

/** Null where there is no such entity. */
export const readEntity = async (
  zookeeper: ZooKeeperClient,
  entityPath: string,
): Promise<Map<string, string> | null> => {
  try {
    return configZnode.decode((await zookeeper.getData(configZnode.path(entityPath))).data);
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return null;
    throw error;
  }
};

/** The names of the znodes below `path`; none where it is missing. */
export const childrenOf = async (zookeeper: ZooKeeperClient, path: string): Promise<string[]> => {
  try {
    return (await zookeeper.getChildren(path, { watch: false })).children;
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return [];
    throw error;
  }
};

/**
 * Writes the entity, or removes it when nothing is left of it and nothing is below it, and
 * announces the change.
 */
export const writeEntity = async (
  zookeeper: ZooKeeperClient,
  entityPath: string,
  config: ReadonlyMap<string, string>,
): Promise<void> => {
  const path = configZnode.path(entityPath);
  if (config.size === 0 && (await childrenOf(zookeeper, path)).length === 0)
    await removeIfThere(zookeeper, path);
  else await put(zookeeper, path, configZnode.encode(config));
  await zookeeper.create(configChangeZnode.path(), configChangeZnode.encode(entityPath), {
    mode: 'persistent-sequential',
  });
};

const put = async (zookeeper: ZooKeeperClient, path: string, data: Buffer): Promise<void> => {
  try {
    await zookeeper.setData(path, data);
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error;
    await createOrSet(zookeeper, path, data);
  }
};

const createOrSet = async (
  zookeeper: ZooKeeperClient,
  path: string,
  data: Buffer,
): Promise<void> => {
  try {
    await zookeeper.createRecursive(path, data);
  } catch (error) {
    // Somebody else has made it in between; the last write wins, as with Kafka.
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
    await zookeeper.setData(path, data);
  }
};

const removeIfThere = async (zookeeper: ZooKeeperClient, path: string): Promise<void> => {
  try {
    await zookeeper.delete(path);
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error;
  }
};
