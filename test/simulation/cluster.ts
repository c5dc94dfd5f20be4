/**
 * A cluster in a simulated world: an embedded ZooKeeper server and brokers with their controllers, put together as the
 * server process does it (tools/server.ts), each on a host of its own. Starts, kills, stops and restarts them.
 */
import type { Broker } from '../../broker/broker.ts';
import { parseBrokerConfig } from '../../broker/config.ts';
import { startServer } from '../../tools/server.ts';
import { startZooKeeperServer } from '../../zookeeper/server/server.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { Host } from './host.ts';
import { Network } from './network.ts';
import type { World } from './world.ts';

export const LOG_DIRECTORY = '/data';
export const BROKER_PORT = 9092;
const ZOOKEEPER_PORT = 2181;
export const ZOOKEEPER_ADDRESS = `zookeeper:${ZOOKEEPER_PORT}`;
export const SESSION_TIMEOUT_MS = 3000;
/** A broker whose start has failed is started again after this time, as a supervisor would. */
const RESTART_MS = 1000;

export interface ClusterOptions {
  readonly brokerCount: number;
  readonly settings?: ReadonlyMap<string, string>;
}

export class SimBroker {
  readonly id: number;
  readonly host: Host;
  /** Null until its start has succeeded, and after its end. */
  broker: Broker | null = null;
  /** Whether it should be running: it is started again when it ends by itself. */
  isWanted = false;
  isStopping = false;

  constructor(id: number, host: Host) {
    this.id = id;
    this.host = host;
  }

  get isRunning(): boolean {
    return this.host.process?.isAlive === true;
  }
}

export class SimCluster {
  readonly world: World;
  readonly network: Network;
  readonly zookeeper: Host;
  readonly brokers: readonly SimBroker[];
  readonly #settings: ReadonlyMap<string, string>;

  constructor(world: World, { brokerCount, settings = new Map() }: ClusterOptions) {
    this.world = world;
    this.network = new Network(world);
    this.zookeeper = this.addHost('zookeeper');
    this.brokers = Array.from(
      { length: brokerCount },
      (_, id) => new SimBroker(id, this.addHost(`broker${id}`)),
    );
    this.#settings = settings;
  }

  addHost(name: string): Host {
    return new Host(this.world, this.network, name);
  }

  get hosts(): readonly Host[] {
    return [this.zookeeper, ...this.brokers.map(({ host }) => host)];
  }

  broker(id: number): SimBroker {
    const found = this.brokers[id];
    if (found === undefined) throw new Error(`no broker ${id}`);
    return found;
  }

  startZooKeeper(): void {
    const { process, system } = this.zookeeper.start();
    this.#note('zookeeper starts');
    startZooKeeperServer(system, {
      host: '0.0.0.0',
      port: ZOOKEEPER_PORT,
      dataDir: LOG_DIRECTORY,
      snapshotTransactionCount: 200,
      onFailure: (error) => this.world.fail(error as Error),
    }).catch((error: unknown) => {
      if (process.isAlive) this.world.fail(error as Error);
    });
  }

  startBroker(target: SimBroker): void {
    target.isWanted = true;
    target.isStopping = false;
    const { process, system } = target.host.start();
    this.#note(`broker ${target.id} starts`);
    const ended = (reason: string): void => {
      if (!process.isAlive) return;
      this.#note(`broker ${target.id} ends: ${reason}`);
      this.#ended(target);
    };
    startServer(system, this.#config(target.id), connectWireClient).then(
      (broker) => {
        target.broker = broker;
        this.#note(`broker ${target.id} is up`);
        void broker.failed.then(ended);
      },
      (error: Error) => ended(error.stack ?? error.message),
    );
  }

  /** kill -9, or the loss of power. */
  killBroker(target: SimBroker, losesPower: boolean): void {
    target.isWanted = false;
    this.#note(`broker ${target.id} ${losesPower ? 'loses power' : 'is killed'}`);
    target.broker = null;
    if (losesPower) target.host.losePower();
    else target.host.kill();
  }

  /** A stop in order, which hands the leaderships over first; the process ends when it is done. */
  stopBroker(target: SimBroker): void {
    const { broker } = target;
    const { process } = target.host;
    if (broker === null || process === null) return;
    target.isWanted = false;
    target.isStopping = true;
    this.#note(`broker ${target.id} stops`);
    const end = (): void => {
      if (!process.isAlive) return;
      this.#note(`broker ${target.id} has stopped`);
      target.broker = null;
      target.host.kill();
    };
    broker.stop().then(end, (error: Error) => {
      this.#note(`broker ${target.id} could not stop in order: ${error.message}`);
      end();
    });
  }

  #ended(target: SimBroker): void {
    target.broker = null;
    target.host.kill();
    this.world.schedule(RESTART_MS, null, () => {
      if (target.isWanted && !target.isRunning) this.startBroker(target);
    });
  }

  #config(id: number) {
    const { config } = parseBrokerConfig(
      new Map([
        ['broker.id', String(id)],
        ['listeners', `PLAINTEXT://broker${id}:${BROKER_PORT}`],
        ['log.dirs', LOG_DIRECTORY],
        ['zookeeper.connect', ZOOKEEPER_ADDRESS],
        ...fastSettings,
        ...this.#settings,
      ]),
    );
    return config;
  }

  #note(text: string): void {
    this.world.trace.event(this.world.nowMs, text);
  }
}

/** Short limits, so that a run of some seconds sees every one of them pass; small files, so that they roll. */
const fastSettings: readonly (readonly [string, string])[] = [
  ['zookeeper.session.timeout.ms', String(SESSION_TIMEOUT_MS)],
  ['zookeeper.connection.timeout.ms', '10000'],
  ['replica.lag.time.max.ms', '2500'],
  ['replica.fetch.wait.max.ms', '400'],
  ['replica.fetch.backoff.ms', '200'],
  // No larger than a segment: like Kafka's, a follower takes no fetch that does not fit in one.
  ['replica.fetch.max.bytes', '4096'],
  ['replica.socket.timeout.ms', '2000'],
  ['replica.high.watermark.checkpoint.interval.ms', '2000'],
  ['controller.socket.timeout.ms', '3000'],
  ['controlled.shutdown.retry.backoff.ms', '500'],
  ['leader.imbalance.check.interval.seconds', '5'],
  ['log.index.size.max.bytes', '8192'],
  ['log.index.interval.bytes', '256'],
  ['log.segment.bytes', '4096'],
  ['log.segment.delete.delay.ms', '1000'],
  ['auto.create.topics.enable', 'false'],
];
