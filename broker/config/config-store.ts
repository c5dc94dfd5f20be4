/**
 * Reading and writing the stored configs of topics and brokers in ZooKeeper. Any broker may write;
 * the write is refused while there is no controller, or a KRaft one in charge
 * (KafkaZkClient.setOrCreateEntityConfigs).
 */
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { configChangeZnode, configZnode } from '../../zookeeper/config-znodes.ts';
import { isZooKeeperError, MultiError } from '../../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { controllerZnode } from '../../zookeeper/znodes.ts';

/** What is stored for an entity such as `topics/t`; empty when nothing is. */
export const readConfig = async (
  zookeeper: ZooKeeperClient,
  entityPath: string,
): Promise<Map<string, string>> => {
  try {
    const { data } = await zookeeper.getData(configZnode.path(entityPath));
    return configZnode.decode(data);
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return new Map();
    throw error;
  }
};

/** Stores `config` for an entity and tells all brokers; they apply it when they have read it. */
export const writeConfig = async (
  zookeeper: ZooKeeperClient,
  entityPath: string,
  config: ReadonlyMap<string, string>,
): Promise<void> => {
  await storeConfig(zookeeper, configZnode.path(entityPath), configZnode.encode(config));
  await zookeeper.create(configChangeZnode.path(), configChangeZnode.encode(entityPath), {
    mode: 'persistent-sequential',
  });
};

const storeConfig = async (
  zookeeper: ZooKeeperClient,
  path: string,
  data: Buffer,
): Promise<void> => {
  const version = await controllerVersion(zookeeper);
  // Two rounds: a node that is absent and then exists has been made by another broker meanwhile.
  for (let round = 0; round < 2; round++) {
    try {
      await zookeeper.multi([
        { type: 'check', path: controllerZnode.path, version },
        { type: 'setData', path, data, version: -1 },
      ]);
      return;
    } catch (error) {
      if (!(error instanceof MultiError)) throw error;
      if (error.index === 0) throw noController();
      if (error.code !== 'NO_NODE') throw error;
    }
    try {
      await zookeeper.createRecursive(path, data);
      return;
    } catch (error) {
      if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
    }
  }
  throw new ProtocolError(errorCodes.UNKNOWN_SERVER_ERROR);
};

const controllerVersion = async (zookeeper: ZooKeeperClient): Promise<number> => {
  try {
    const { data, stat } = await zookeeper.getData(controllerZnode.path);
    const isKraft = data !== null && controllerZnode.decode(data).kraftControllerEpoch > 0;
    if (isKraft) throw noController();
    return stat.version;
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) throw noController();
    throw error;
  }
};

const noController = (): ProtocolError => new ProtocolError(errorCodes.STALE_CONTROLLER_EPOCH);
