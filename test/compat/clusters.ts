/**
 * Clusters of real processes for the compat suites, of Barnabas and Apache Kafka in any mixture: both have the same two calls
 * (bench/barnabas and ak). Sessions time out after 6 seconds.
 */
import { resolve } from 'node:path';
import { type Admin, Kafka, logLevel, type PartitionMetadata, type Producer } from 'kafkajs';
import { openChannel } from '../../network/request-channel.ts';
import { apis, type ResponseOutput } from '../../protocol/apis.ts';
import { realSystem } from '../../system/system.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { brokerIdZnode } from '../../zookeeper/znodes.ts';
import { freePorts } from '../support/free-ports.ts';
import { listening, newFolder, pause, type Server, startServer } from './processes.ts';
import { commandOf } from './software.ts';

export type Kind = 'barnabas' | 'apache';

export interface MixedCluster {
  readonly bootstrapServers: string;
  readonly zookeeperConnect: string;
  /** Broker N keeps its files in broker-N/data. */
  readonly folder: string;
  /** By broker id; ids count from 1. */
  readonly brokers: ReadonlyMap<number, Server>;
  /** Starts a broker again after its process has ended, on the same files; of the other kind where that is named. */
  restart(brokerId: number, kind?: Kind): Promise<void>;
  /** Kills ZooKeeper and starts it again on the same files. */
  restartZooKeeper(): Promise<void>;
}

const READY: Readonly<Record<Kind, RegExp>> = {
  barnabas: /\] started/,
  apache: /\] started \(kafka/,
};
const SETTINGS = [
  'offsets.topic.num.partitions=5',
  'group.initial.rebalance.delay.ms=0',
  'controlled.shutdown.retry.backoff.ms=500',
];

const commandFor = (kind: Kind): string =>
  kind === 'apache' ? commandOf('APACHE_KAFKA') : resolve('bench/barnabas');

/**
 * Resolves when no registration of the broker stands. Apache Kafka does not start beside one that a killed process
 * left behind; its session keeps it for six seconds.
 */
const unregistered = async (connectString: string, brokerId: number): Promise<void> => {
  const client = await connectWireClient(realSystem(), {
    connectString,
    sessionTimeoutMs: 10_000,
    connectionTimeoutMs: 10_000,
  });
  try {
    while ((await client.exists(brokerIdZnode.path(brokerId))) !== null) await pause(100);
  } finally {
    await client.close();
  }
};

/** Starts ZooKeeper and then the brokers, the first of which becomes the controller. */
export const startMixedCluster = async (
  zookeeper: Kind,
  kinds: readonly Kind[],
): Promise<MixedCluster> => {
  const folder = newFolder();
  const [zookeeperPort = 0, ...ports] = await freePorts(kinds.length + 1);
  const startZooKeeper = async (): Promise<Server> => {
    const args = ['zookeeper', String(zookeeperPort), `${folder}/zookeeper`];
    const server = startServer(commandFor(zookeeper), args);
    await listening(server, zookeeperPort);
    return server;
  };
  let zookeeperServer = await startZooKeeper();
  const brokers = new Map<number, Server>();
  const start = async (brokerId: number, asKind?: Kind): Promise<void> => {
    const kind = asKind ?? kinds[brokerId - 1] ?? 'barnabas';
    if (kind === 'apache') await unregistered(`127.0.0.1:${zookeeperPort}`, brokerId);
    const broker = startServer(commandFor(kind), [
      'broker',
      String(brokerId),
      String(ports[brokerId - 1]),
      `127.0.0.1:${zookeeperPort}`,
      `${folder}/broker-${brokerId}`,
      ...SETTINGS,
      `offsets.topic.replication.factor=${Math.min(3, kinds.length)}`,
    ]);
    brokers.set(brokerId, broker);
    await broker.says(READY[kind]);
  };
  for (const index of kinds.keys()) await start(index + 1);
  const bootstrapServers = ports.map((port) => `127.0.0.1:${port}`).join(',');
  await awaitEverywhere(
    bootstrapServers,
    [],
    (metadata) => metadata.brokers.length === kinds.length && metadata.controllerId >= 0,
  );
  return {
    bootstrapServers,
    zookeeperConnect: `127.0.0.1:${zookeeperPort}`,
    folder,
    brokers,
    restart: start,
    restartZooKeeper: async () => {
      await zookeeperServer.end('SIGKILL');
      zookeeperServer = await startZooKeeper();
    },
  };
};

/** A kafkajs client, whose own complaints stay silent. */
export const kafkaOf = (bootstrapServers: string): Kafka =>
  new Kafka({
    clientId: 'compat',
    brokers: bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 30, initialRetryTime: 100, maxRetryTime: 500 },
  });

type Metadata = ResponseOutput<typeof apis.metadata>;

/** Resolves when every broker's metadata of the topics (at least one partition each) is as wanted. */
const awaitEverywhere = async (
  bootstrapServers: string,
  topics: readonly string[],
  isAsWanted: (metadata: Metadata) => boolean,
): Promise<void> => {
  const request = {
    topics: topics.map((name) => ({ name })),
    allowAutoTopicCreation: false,
  };
  for (const address of bootstrapServers.split(',')) {
    const [host = '', port] = address.split(':');
    const channel = await openChannel(realSystem(), {
      host,
      port: Number(port),
      clientId: 'compat',
    });
    try {
      while (!isAsWanted(await channel.send(apis.metadata, request))) await pause(50);
    } finally {
      channel.close();
    }
  }
};

/** Resolves when every broker names a leader for each partition of the topic: clients that ask only once find it. */
export const awaitLeaders = (bootstrapServers: string, topic: string): Promise<void> =>
  awaitEverywhere(bootstrapServers, [topic], ({ topics }) =>
    topics.every(
      ({ errorCode, partitions }) =>
        errorCode === 0 && partitions.every(({ leaderId }) => leaderId >= 0),
    ),
  );

/** A broker gives up a request of an admin after five seconds where kafkajs is not told otherwise. */
export const PATIENT = { timeout: 30_000 };

/** Polls a topic's metadata until it is as wanted; the test's own timeout ends it otherwise. */
export const awaitPartitions = async (
  kafka: Kafka,
  topic: string,
  isAsWanted: (partitions: readonly PartitionMetadata[]) => boolean,
): Promise<PartitionMetadata[]> => {
  const admin = kafka.admin();
  await admin.connect();
  try {
    for (;;) {
      const partitions = await admin.fetchTopicMetadata({ topics: [topic] }).then(
        ({ topics }) => topics[0]?.partitions ?? [],
        // The broker that was asked has not heard of the topic yet, or has just died.
        () => [],
      );
      if (partitions.length > 0 && isAsWanted(partitions)) return partitions;
      await pause(50);
    }
  } finally {
    await admin.disconnect();
  }
};

/** Resolves when the broker that is asked names the topic no more; another than the controller hears of it a little later. */
export const awaitGone = async (admin: Admin, topic: string): Promise<void> => {
  while ((await admin.listTopics()).includes(topic)) await pause(50);
};

/** Sends one partition at a time: when one of several moves on, kafkajs can drop another. */
export const sendInTurn = async (
  producer: Producer,
  topic: string,
  messages: readonly { readonly value: string; readonly partition: number }[],
): Promise<void> => {
  for (const partition of new Set(messages.map((message) => message.partition))) {
    const wanted = messages.filter((message) => message.partition === partition);
    await producer.send({ topic, acks: -1, messages: wanted });
  }
};

/** Consumes `count` values (different ones, if so wished) from the beginning, in the order of arrival. */
export const consumeValues = async (
  kafka: Kafka,
  topic: string,
  options: { readonly groupId: string; readonly count: number; readonly areDistinct?: boolean },
): Promise<string[]> => {
  const consumer = kafka.consumer({ groupId: options.groupId });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const values: string[] = [];
  const arrived = (): number => (options.areDistinct ? new Set(values).size : values.length);
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ message }) => {
          values.push(message.value?.toString() ?? '');
          if (arrived() === options.count) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return values;
};
