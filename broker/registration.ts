/**
 * A broker's place in ZooKeeper: the persistent paths every broker makes at start, the cluster id, a generated broker id,
 * and the ephemeral registration whose czxid is the broker epoch (Kafka's KafkaZkClient.registerBroker; KIP-380 for epochs).
 */
import { randomUuid } from '../system/random.ts';
import type { System } from '../system/system.ts';
import { isZooKeeperError } from '../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import {
  type BrokerRegistration,
  brokerIdZnode,
  brokerSequenceZnode,
  clusterIdZnode,
  persistentPaths,
} from '../zookeeper/znodes.ts';
import { removeEndedBroker } from './ended-brokers.ts';

/** A start that cannot go on; the message says in one sentence what to do. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** How often a registration of an earlier process of ours is looked at again. */
const RETRY_MS = 200;
/** How often in a row somebody must answer at the address of a registration to count as a broker that is alive. */
const ANSWERS = 3;
const DIAL_TIMEOUT_MS = 1000;

export const createPersistentPaths = async (zookeeper: ZooKeeperClient): Promise<void> => {
  await Promise.all(
    persistentPaths.map(async (path) => {
      if ((await zookeeper.exists(path)) !== null) return;
      try {
        await zookeeper.createRecursive(path, null);
      } catch (error) {
        // Another broker that starts at the same time was first.
        if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
      }
    }),
  );
};

/** The cluster's id, made up by the first broker. */
export const obtainClusterId = async (
  system: System,
  zookeeper: ZooKeeperClient,
): Promise<string> => {
  try {
    const { data } = await zookeeper.getData(clusterIdZnode.path);
    if (data !== null) return clusterIdZnode.decode(data);
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error;
  }
  const clusterId = randomUuid(system.random);
  try {
    await zookeeper.createRecursive(clusterIdZnode.path, clusterIdZnode.encode(clusterId));
    return clusterId;
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
    return obtainClusterId(system, zookeeper);
  }
};

/** A broker id nobody has been given, above `reservedMax` (broker.id.generation.enable). */
export const generateBrokerId = async (
  zookeeper: ZooKeeperClient,
  reservedMax: number,
): Promise<number> => {
  const { version } = await zookeeper.setData(brokerSequenceZnode.path, Buffer.alloc(0));
  return version + reservedMax;
};

/**
 * Registers the broker and returns its epoch. A registration that an earlier process left behind is waited for until its
 * session ends, or removed where nothing listens any more at the address it names. Throws StartupError when somebody else
 * holds the id: at once where they answer.
 */
export const registerBroker = async (
  system: System,
  zookeeper: ZooKeeperClient,
  options: {
    readonly brokerId: number;
    readonly registration: BrokerRegistration;
    /** How long a registration of an earlier process may still stand. */
    readonly patienceMs: number;
  },
): Promise<bigint> => {
  const path = brokerIdZnode.path(options.brokerId);
  const giveUpMs = system.clock.elapsedMs() + options.patienceMs;
  let answerCount = 0;
  for (;;) {
    try {
      await zookeeper.multi([
        { type: 'create', path, data: null, mode: 'ephemeral' },
        {
          type: 'setData',
          path,
          data: brokerIdZnode.encode(options.registration),
          version: -1,
        },
      ]);
    } catch (error) {
      if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
    }
    const stat = await zookeeper.exists(path);
    // Ours, perhaps from a request whose answer was lost.
    if (stat !== null && stat.ephemeralOwner === zookeeper.sessionId) return stat.czxid;
    if (stat === null) continue;
    const holder = await lookAtHolder(system, zookeeper, path, options.registration);
    if (holder === 'ended') {
      await removeEndedBroker(zookeeper, options.brokerId, stat);
      continue;
    }
    answerCount = holder === 'answers' ? answerCount + 1 : 0;
    if (answerCount >= ANSWERS || system.clock.elapsedMs() >= giveUpMs) {
      throw new StartupError(
        `A broker with id ${options.brokerId} is already registered in ZooKeeper: stop it, or give this one another broker.id.`,
      );
    }
    await system.clock.sleep(RETRY_MS);
  }
};

/**
 * What can be told of the process behind a registration from its addresses. It has ended where they refuse connections,
 * or where it is we who listen there now.
 */
const lookAtHolder = async (
  system: System,
  zookeeper: ZooKeeperClient,
  path: string,
  own: BrokerRegistration,
): Promise<'ended' | 'answers' | 'unknown'> => {
  let registration: BrokerRegistration;
  try {
    const { data } = await zookeeper.getData(path);
    if (data === null) return 'unknown';
    registration = brokerIdZnode.decode(data);
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return 'unknown';
    throw error;
  }
  for (const { host, port } of registration.endpoints) {
    if (own.endpoints.some((endpoint) => endpoint.host === host && endpoint.port === port))
      continue;
    try {
      const connection = await system.net.connect({ host, port, timeoutMs: DIAL_TIMEOUT_MS });
      connection.destroy();
      return 'answers';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') return 'unknown';
    }
  }
  return registration.endpoints.length > 0 ? 'ended' : 'unknown';
};
