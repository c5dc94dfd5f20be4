/**
 * A whole cluster inside this process, for tests of Node programs: the embedded ZooKeeper and real brokers on ephemeral
 * ports and in a temporary folder, with kill and restart. What the package exports.
 */
import { posix } from 'node:path';
import type { Broker } from '../broker/broker.ts';
import { parseBrokerConfig } from '../broker/config.ts';
import { createLogger, type Logger } from '../system/logger.ts';
import { type MortalSystem, mortalSystem } from '../system/mortal.ts';
import { program } from '../system/process.ts';
import { randomUuid } from '../system/random.ts';
import { realSystem, type System } from '../system/system.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../zookeeper/server/server.ts';
import { connectWireClient } from '../zookeeper/wire-client.ts';
import { startServer } from './server.ts';

export interface ClusterOptions {
  /** How many brokers; their ids count from 1. Default 3. */
  readonly brokers?: number;
  /** Settings for every broker under Kafka's names. */
  readonly config?: Readonly<Record<string, string>>;
  /** Takes the brokers' log lines; nobody does by default. */
  readonly logger?: Logger;
}

export interface Cluster {
  /** For clients: `127.0.0.1:port,…` of the brokers that run. */
  readonly bootstrapServers: string;
  /** For zookeeper.connect. */
  readonly zookeeperConnect: string;
  /** Ids of the brokers that run. */
  readonly brokerIds: readonly number[];
  /** The id of the broker that is the controller now; -1 when there is none. */
  readonly controllerId: number;
  /** A broker that runs; throws when it does not. */
  broker(brokerId: number): Broker;
  /** Ends a broker as kill -9 would; what it has written stays. */
  kill(brokerId: number): void;
  /** Stops a broker with a controlled shutdown. */
  shutDown(brokerId: number): Promise<void>;
  /** Starts a broker that was killed or shut down, on its old port and its old data. */
  restart(brokerId: number): Promise<void>;
  /** Stops everything and removes the data. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';

/** Resolves when all brokers run and know each other and the controller. */
export const startCluster = async (options: ClusterOptions = {}): Promise<Cluster> => {
  const system = realSystem(options.logger ?? createLogger({ level: 'silent' }));
  const directory = posix.join(program.temporaryDirectory, `barnabas-${randomUuid(system.random)}`);
  const cluster = new InProcessCluster(system, directory, options);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
};

interface Member {
  readonly broker: Broker;
  readonly life: MortalSystem;
}

class InProcessCluster implements Cluster {
  readonly #system: System;
  readonly #directory: string;
  readonly #options: ClusterOptions;
  #zookeeper: ZooKeeperServer | null = null;
  readonly #members = new Map<number, Member>();
  /** The port a broker was first given. */
  readonly #ports = new Map<number, number>();

  constructor(system: System, directory: string, options: ClusterOptions) {
    this.#system = system;
    this.#directory = directory;
    this.#options = options;
  }

  get bootstrapServers(): string {
    return this.brokerIds.map((id) => `${HOST}:${this.#ports.get(id)}`).join(',');
  }

  get zookeeperConnect(): string {
    return `${HOST}:${this.#zookeeper?.port}`;
  }

  get brokerIds(): number[] {
    return [...this.#members.keys()].sort((a, b) => a - b);
  }

  get controllerId(): number {
    for (const [id, { broker }] of this.#members) if (broker.isController) return id;
    return -1;
  }

  broker(brokerId: number): Broker {
    const member = this.#members.get(brokerId);
    if (member === undefined) throw new Error(`broker ${brokerId} does not run`);
    return member.broker;
  }

  async start(): Promise<void> {
    const count = this.#options.brokers ?? 3;
    this.#zookeeper = await startZooKeeperServer(this.#system, {
      host: HOST,
      port: 0,
      dataDir: posix.join(this.#directory, 'zookeeper'),
    });
    const ids = Array.from({ length: count }, (_, index) => index + 1);
    await Promise.all(ids.map((id) => this.restart(id)));
    await this.#awaitMutualAcquaintance(count);
  }

  kill(brokerId: number): void {
    this.broker(brokerId);
    this.#members.get(brokerId)?.life.kill();
    this.#members.delete(brokerId);
  }

  async shutDown(brokerId: number): Promise<void> {
    const broker = this.broker(brokerId);
    await broker.stop();
    this.#members.delete(brokerId);
  }

  async restart(brokerId: number): Promise<void> {
    if (this.#members.has(brokerId)) throw new Error(`broker ${brokerId} runs`);
    const { config } = parseBrokerConfig(this.#properties(brokerId));
    const life = mortalSystem(this.#system);
    // Our own ZooKeeper client goes through System.net, so that a kill cuts it off, too.
    const broker = await startServer(life.system, config, connectWireClient);
    const [port] = Object.values(broker.ports);
    if (port !== undefined) this.#ports.set(brokerId, port);
    this.#members.set(brokerId, { broker, life });
  }

  async stop(): Promise<void> {
    // Together: a controlled shutdown one after the other would wait for leaders that cannot be found any more.
    await Promise.all([...this.#members.values()].map(({ broker }) => broker.stop()));
    this.#members.clear();
    await this.#zookeeper?.close();
    await this.#system.disk.removeTree(this.#directory);
  }

  #properties(brokerId: number): Map<string, string> {
    const replication = String(Math.min(3, this.#options.brokers ?? 3));
    return new Map(
      Object.entries({
        'broker.id': String(brokerId),
        listeners: `PLAINTEXT://${HOST}:${this.#ports.get(brokerId) ?? 0}`,
        'zookeeper.connect': this.zookeeperConnect,
        'zookeeper.session.timeout.ms': '6000',
        'log.dirs': posix.join(this.#directory, `broker-${brokerId}`),
        'default.replication.factor': replication,
        'offsets.topic.replication.factor': replication,
        'offsets.topic.num.partitions': '5',
        'group.initial.rebalance.delay.ms': '0',
        'controlled.shutdown.max.retries': '1',
        ...this.#options.config,
      }),
    );
  }

  async #awaitMutualAcquaintance(count: number): Promise<void> {
    const isComplete = (): boolean =>
      [...this.#members.values()].every(({ broker }) => {
        const { metadata } = broker.parts.services;
        return metadata.controllerId >= 0 && metadata.aliveBrokers('PLAINTEXT').length >= count;
      });
    while (!isComplete()) await this.#system.clock.sleep(5);
  }
}
