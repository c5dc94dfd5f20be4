/** Carries out the core's commands: a table from a command's type to what is done about it. */

import {
  deleteTopicsZnode,
  deleteTopicZnode,
  isrChangeNotificationsZnode,
  isrChangeNotificationZnode,
  logDirEventNotificationsZnode,
  logDirEventNotificationZnode,
  preferredReplicaElectionZnode,
  reassignPartitionsZnode,
} from '../zookeeper/admin-znodes.ts';
import { configZnode } from '../zookeeper/config-znodes.ts';
import { isZooKeeperError, type ZooKeeperErrorName } from '../zookeeper/errors.ts';
import {
  brokerIdsZnode,
  brokerIdZnode,
  featureZnode,
  producerIdBlockZnode,
  topicPartitionsZnode,
  topicsZnode,
  topicZnode,
} from '../zookeeper/znodes.ts';
import type { Command, CommandOf, CommandType, ResultOf, TopicContent } from './commands.ts';
import { deleteFenced, fenced, type Office } from './office.ts';
import { writePartitionStates } from './partition-writes.ts';
import { createTopicId } from './topic-id.ts';
import { deleteTopicTree } from './topic-tree.ts';
import {
  pipelined,
  type Reader,
  readBrokers,
  readPartitionStates,
  readZnode,
} from './znode-reading.ts';

type Outcome<K extends CommandType> = ResultOf<K> | Promise<ResultOf<K>>;

type Executors = {
  readonly [K in Exclude<CommandType, 'reply'>]: (
    office: Office,
    command: CommandOf<K>,
  ) => Outcome<K>;
};

const UNCLEAN_ELECTION = 'unclean.leader.election.enable';
const PRODUCER_IDS = 1000n;
const PRODUCER_ID_MAX = 2n ** 63n - 1n;

const readerOf = ({ zookeeper, system }: Office): Reader => ({ zookeeper, logger: system.logger });

const executors: Executors = {
  writePartitionStates: (office, { writes }) => writePartitionStates(office, writes),
  readPartitionStates: (office, { partitions }) =>
    readPartitionStates(readerOf(office), partitions),
  readBrokers: (office) => readBrokers(readerOf(office)),
  watchBrokers: async (office, { brokerIds }) => {
    const paths = new Map(brokerIds.map((id) => [brokerIdZnode.path(id), id]));
    office.watches.keepOnly(`${brokerIdsZnode.path}/`, new Set(paths.keys()));
    await pipelined([...paths], async ([path, brokerId]) => {
      if (office.watches.has(path)) return;
      office.watches.watchNode(path, 'dataChanged', { type: 'brokerModified', brokerId });
      await office.zookeeper.exists(path);
    });
    return undefined;
  },
  openChannels: (office, { brokers }) => {
    for (const broker of brokers) office.channels.open(broker);
    return undefined;
  },
  closeChannels: (office, { brokerIds }) => {
    for (const id of brokerIds) office.channels.close(id);
    return undefined;
  },
  readTopicNames: async ({ zookeeper }) => (await zookeeper.getChildren(topicsZnode.path)).children,
  readTopics: async (office, { names }) => {
    const read = await pipelined(names, (name) => readTopicWithId(office, name));
    return read.filter((topic) => topic !== null);
  },
  unwatchTopics: (office, { names }) => {
    for (const name of names) office.watches.end(topicZnode.path(name));
    return undefined;
  },
  writeTopic: async (office, { topic }) => {
    await writeTopic(office, topic);
    return undefined;
  },
  readPartitionNumbers: async ({ zookeeper }, { topic }) => {
    const path = topicPartitionsZnode.path(topic);
    const found = await orNull(zookeeper.getChildren(path, { watch: false }), 'NO_NODE');
    return (found?.children ?? []).map(Number).filter(Number.isInteger);
  },
  deleteTopic: async (office, { name }) => {
    await deleteTopicTree(office, topicZnode.path(name));
    await deleteFenced(office, configZnode.path(`topics/${name}`));
    await deleteFenced(office, deleteTopicZnode.path(name));
    return undefined;
  },
  readDeletionMarkers: async ({ zookeeper }) =>
    (await zookeeper.getChildren(deleteTopicsZnode.path)).children,
  removeDeletionMarkers: async (office, { names }) => {
    await pipelined(names, (name) => deleteFenced(office, deleteTopicZnode.path(name)));
    return undefined;
  },
  readReassignments: (office) =>
    readRequest(office, reassignPartitionsZnode.path, reassignPartitionsZnode.decode),
  writeReassignments: async (office, { entries }) => {
    const { path } = reassignPartitionsZnode;
    if (entries.length === 0) {
      await deleteFenced(office, path);
      office.enqueue({ type: 'reassignmentsRequested' });
    } else {
      const data = reassignPartitionsZnode.encode(entries);
      await fenced(office, [{ type: 'setData', path, data, version: -1 }]);
    }
    return undefined;
  },
  readPreferredElection: (office) =>
    readRequest(office, preferredReplicaElectionZnode.path, preferredReplicaElectionZnode.decode),
  deletePreferredElection: async (office) => {
    await deleteFenced(office, preferredReplicaElectionZnode.path);
    return undefined;
  },
  readIsrNotifications: async (office) => {
    const { children } = await office.zookeeper.getChildren(isrChangeNotificationsZnode.path);
    return pipelined(children.sort(), async (name) => {
      const path = `${isrChangeNotificationsZnode.path}/${name}`;
      const found = await readZnode(readerOf(office), path, isrChangeNotificationZnode.decode);
      return { name, partitions: found?.content ?? [] };
    });
  },
  readLogDirNotifications: async (office) => {
    const { children } = await office.zookeeper.getChildren(logDirEventNotificationsZnode.path);
    return pipelined(children.sort(), async (name) => {
      const path = `${logDirEventNotificationsZnode.path}/${name}`;
      const found = await readZnode(readerOf(office), path, logDirEventNotificationZnode.decode);
      return { name, brokerId: found?.content ?? null };
    });
  },
  deleteNotifications: async (office, { kind, names }) => {
    const { path } = kind === 'isr' ? isrChangeNotificationsZnode : logDirEventNotificationsZnode;
    const all = names ?? (await office.zookeeper.getChildren(path)).children;
    await pipelined(all, (name) => deleteFenced(office, `${path}/${name}`));
    return undefined;
  },
  readUncleanSettings: async (office, { topics }) =>
    new Map(
      await pipelined(topics, async (topic) => [topic, await isUncleanAllowed(office, topic)]),
    ),
  allocateProducerIds: (office, { brokerId }) => allocateProducerIds(office, brokerId),
  prepareFeature: async (office) => {
    await prepareFeature(office);
    return undefined;
  },
  watchCluster: async (office) => {
    await watchCluster(office);
    return undefined;
  },
  removeRegistration: async (office, { brokerId, epoch }) => {
    const path = brokerIdZnode.path(brokerId);
    const stat = await office.zookeeper.exists(path);
    if (stat?.czxid !== epoch) return undefined;
    const operation = { type: 'delete', path, version: stat.version } as const;
    // A version that has moved on means that somebody is alive there after all.
    await orNull(fenced(office, [operation]), 'NO_NODE', 'BAD_VERSION');
    return undefined;
  },
  send: (office, { requests }) => {
    for (const request of requests) office.channels.send(request);
    return undefined;
  },
  enqueue: (office, { event }) => {
    office.enqueue(event);
    return undefined;
  },
  schedulePreferredCheck: (office, { delay }) => {
    office.schedulePreferredCheck(delay);
    return undefined;
  },
  log: ({ system }, { level, message, fields = {} }) => {
    system.logger[level](fields, message);
    return undefined;
  },
};

/** Carries out one command; a promise only where there is something to wait for. */
export const execute = (office: Office, command: Exclude<Command, { type: 'reply' }>): unknown => {
  // The table's key is the command's type, which TypeScript cannot follow through the union.
  const executor = executors[command.type] as (office: Office, command: Command) => unknown;
  return executor(office, command);
};

/** null instead of an error with one of `codes`. */
const orNull = async <T>(work: Promise<T>, ...codes: ZooKeeperErrorName[]): Promise<T | null> => {
  try {
    return await work;
  } catch (error) {
    if (isZooKeeperError(error, ...codes)) return null;
    throw error;
  }
};

/**
 * A znode by which somebody asks for something: null when it is not there, empty when it makes no
 * sense.
 */
const readRequest = async <T>(
  office: Office,
  path: string,
  decode: (data: Buffer) => T[],
): Promise<T[] | null> => {
  // `exists` arms the watch also where there is nothing.
  if ((await office.zookeeper.exists(path)) === null) return null;
  return (await readZnode(readerOf(office), path, decode))?.content ?? [];
};

const readTopicWithId = async (office: Office, name: string): Promise<TopicContent | null> => {
  const path = topicZnode.path(name);
  office.watches.watchNode(path, 'dataChanged', { type: 'topicModified', topic: name });
  const found = await readZnode(readerOf(office), path, topicZnode.decode);
  if (found === null) {
    office.watches.end(path);
    return null;
  }
  const { topicId, partitions } = found.content;
  if (topicId !== null) return { name, id: topicId, partitions };
  // Topics older than 2.8 have no id; every controller since then gives them one.
  const topic = { name, id: createTopicId(office.system), partitions };
  await writeTopic(office, topic);
  return topic;
};

const writeTopic = async (
  office: Office,
  { name, id, partitions }: TopicContent,
): Promise<void> => {
  const data = topicZnode.encode({ topicId: id, partitions });
  await fenced(office, [{ type: 'setData', path: topicZnode.path(name), data, version: -1 }]);
};

const isUncleanAllowed = async (office: Office, topic: string): Promise<boolean | null> => {
  try {
    const path = configZnode.path(`topics/${topic}`);
    const found = await readZnode(readerOf(office), path, configZnode.decode);
    const value = found?.content.get(UNCLEAN_ELECTION);
    return value === undefined ? office.uncleanLeaderElectionEnable() : value === 'true';
  } catch (error) {
    if (isZooKeeperError(error, 'SESSION_EXPIRED')) throw error;
    // Without a word from the settings nobody is elected.
    office.system.logger.warn({ topic, error: String(error) }, 'topic settings cannot be read');
    return null;
  }
};

const allocateProducerIds = async (
  office: Office,
  brokerId: number,
): Promise<{ firstId: number; count: number } | null> => {
  const { path, encode, decode } = producerIdBlockZnode;
  for (;;) {
    const { data, stat } = await office.zookeeper.getData(path);
    const firstProducerId = data === null ? 0n : decode(data).lastProducerId + 1n;
    if (firstProducerId > PRODUCER_ID_MAX - PRODUCER_IDS) return null;
    const lastProducerId = firstProducerId + PRODUCER_IDS - 1n;
    const block = encode({ brokerId, firstProducerId, lastProducerId });
    const written = await orNull(
      office.zookeeper.setData(path, block, stat.version),
      'BAD_VERSION',
    );
    if (written !== null) return { firstId: Number(firstProducerId), count: Number(PRODUCER_IDS) };
  }
};

/** Features stay where they are enabled; in a cluster without KRaft there are none. */
const prepareFeature = async (office: Office): Promise<void> => {
  const { zookeeper } = office;
  const { path, encode, decode } = featureZnode;
  const empty = encode({ isEnabled: true, features: {} });
  const created = await orNull(zookeeper.create(path, empty), 'NODE_EXISTS');
  if (created !== null) return;
  const found = await readZnode(readerOf(office), path, (data) => ({ data, ...decode(data) }));
  const features = found?.content.isEnabled === true ? found.content.features : {};
  const wanted = encode({ isEnabled: true, features });
  if (found !== null && isSameJson(found.content.data, wanted)) return;
  await zookeeper.setData(path, wanted);
};

const isSameJson = (a: Buffer, b: Buffer): boolean => {
  const sorted = (data: Buffer): string =>
    JSON.stringify(Object.entries(JSON.parse(data.toString())).sort());
  return sorted(a) === sorted(b);
};

const watchCluster = async ({ watches, zookeeper }: Office): Promise<void> => {
  watches.watchChildren(brokerIdsZnode.path, { type: 'brokerChange' });
  watches.watchChildren(topicsZnode.path, { type: 'topicChange' });
  watches.watchChildren(deleteTopicsZnode.path, { type: 'topicDeletion' });
  watches.watchChildren(logDirEventNotificationsZnode.path, { type: 'logDirNotifications' });
  watches.watchChildren(isrChangeNotificationsZnode.path, { type: 'isrNotifications' });
  const requests = [
    [preferredReplicaElectionZnode.path, 'preferredElectionRequested'],
    [reassignPartitionsZnode.path, 'reassignmentsRequested'],
  ] as const;
  for (const [path, type] of requests) {
    watches.watchNode(path, 'created', { type });
    await zookeeper.exists(path);
  }
};
