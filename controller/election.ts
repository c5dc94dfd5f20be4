/**
 * Who controls the cluster: the ephemeral /controller, taken together with the next
 * /controller_epoch in one multi, so that no two brokers ever hold the same epoch (KAFKA-6082). The
 * winner's writes are then fenced by the epoch's znode version.
 */
import { isZooKeeperError } from '../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { controllerEpochZnode, controllerZnode } from '../zookeeper/znodes.ts';

export type ElectionOutcome =
  | { readonly type: 'won'; readonly epoch: number; readonly epochVersion: number }
  /** `holder` null: it was there a moment ago. */
  | { readonly type: 'lost'; readonly holder: number | null };

/** The broker that /controller names; null when there is none. Arms the watch in both cases. */
export const readHolder = async (zookeeper: ZooKeeperClient): Promise<number | null> => {
  if ((await zookeeper.exists(controllerZnode.path)) === null) return null;
  try {
    const { data } = await zookeeper.getData(controllerZnode.path);
    return controllerZnode.decode(data ?? Buffer.alloc(0)).brokerId;
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return null;
    throw error;
  }
};

/** Whether /controller belongs to our own session. */
export const isOurs = async (zookeeper: ZooKeeperClient): Promise<boolean> =>
  (await zookeeper.exists(controllerZnode.path))?.ephemeralOwner === zookeeper.sessionId;

/** Tries to become the controller where there is none. */
export const runForOffice = async (
  zookeeper: ZooKeeperClient,
  brokerId: number,
  nowMs: number,
): Promise<ElectionOutcome> => {
  const holder = await readHolder(zookeeper);
  if (holder !== null) return { type: 'lost', holder };
  const { epoch, version } = await readEpoch(zookeeper);
  try {
    const [, set] = await zookeeper.multi([
      {
        type: 'create',
        path: controllerZnode.path,
        data: controllerZnode.encode(brokerId, nowMs),
        mode: 'ephemeral',
      },
      {
        type: 'setData',
        path: controllerEpochZnode.path,
        data: controllerEpochZnode.encode(epoch + 1),
        version,
      },
    ]);
    const epochVersion = set?.type === 'setData' ? set.stat.version : version + 1;
    return { type: 'won', epoch: epoch + 1, epochVersion };
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS', 'BAD_VERSION')) throw error;
    return afterDefeat(zookeeper, brokerId, epoch + 1);
  }
};

/**
 * The multi may have been ours: its answer can get lost with a connection, and the repetition is
 * then refused.
 */
const afterDefeat = async (
  zookeeper: ZooKeeperClient,
  brokerId: number,
  epoch: number,
): Promise<ElectionOutcome> => {
  const holder = await readHolder(zookeeper);
  if (holder !== brokerId || !(await isOurs(zookeeper))) return { type: 'lost', holder };
  const current = await readEpoch(zookeeper);
  return current.epoch === epoch
    ? { type: 'won', epoch, epochVersion: current.version }
    : { type: 'lost', holder };
};

const readEpoch = async (
  zookeeper: ZooKeeperClient,
): Promise<{ epoch: number; version: number }> => {
  const { path } = controllerEpochZnode;
  try {
    const { data, stat } = await zookeeper.getData(path);
    return { epoch: controllerEpochZnode.decode(data ?? Buffer.alloc(0)), version: stat.version };
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error;
  }
  try {
    await zookeeper.create(path, controllerEpochZnode.encode(0));
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
  }
  return readEpoch(zookeeper);
};
