/**
 * A broker: starts its parts in Kafka's order (KafkaServer.startup) and stops them, in order again, after a controlled
 * shutdown. What the parts are is decided in parts.ts; what they do, in their own files.
 */
import { LogManager, MisfitError } from '../log/log-manager.ts';
import { securityProtocols } from '../protocol/security-protocols.ts';
import { assert } from '../system/assert.ts';
import type { System } from '../system/system.ts';
import { loadTls } from '../system/tls.ts';
import type { ClientOptions } from '../zookeeper/client.ts';
import { isZooKeeperError } from '../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { secureAclOf } from '../zookeeper/znode-acls.ts';
import { type BrokerRegistration, brokerIdZnode } from '../zookeeper/znodes.ts';
import { cleanerSettings } from './cleaner-settings.ts';
import type { BrokerConfig } from './config.ts';
import { shutDownControlled } from './controlled-shutdown.ts';
import { createDispatcher } from './dispatch.ts';
import { DynamicConfig } from './dynamic-config.ts';
import { Listeners } from './listeners.ts';
import { LogDirEvents } from './log-dir-events.ts';
import { logsConfig, logTaskIntervals } from './log-settings.ts';
import { missingProtection } from './missing-protection.ts';
import {
  type BrokerParts,
  type CreateController,
  createParts,
  type PartsOptions,
} from './parts.ts';
import {
  createPersistentPaths,
  generateBrokerId,
  obtainClusterId,
  registerBroker,
  StartupError,
} from './registration.ts';
import { TopicConfigSource } from './topic-config-source.ts';

export interface BrokerCollaborators {
  readonly connectZooKeeper: (system: System, options: ClientOptions) => Promise<ZooKeeperClient>;
  readonly createController: CreateController;
}

export interface Broker {
  readonly brokerId: number;
  readonly clusterId: string;
  /** By listener name. */
  readonly ports: Readonly<Record<string, number>>;
  readonly isController: boolean;
  /** Resolves to a sentence when the broker cannot go on (its last log directory has failed). */
  readonly failed: Promise<string>;
  /** Moves leaderships away, then stops everything and closes the logs cleanly. */
  stop(): Promise<void>;
  /** The parts, for tests and the simulation that look inside. */
  readonly parts: BrokerParts;
}

/** Resolves when the broker serves clients. Throws StartupError, or the error of the disk or the network. */
export const startBroker = async (
  system: System,
  config: BrokerConfig,
  collaborators: BrokerCollaborators,
): Promise<Broker> => {
  const missing = missingProtection(config);
  if (missing !== null) throw new StartupError(missing);
  const cleanup: (() => Promise<void> | void)[] = [];
  try {
    const zookeeper = await connect(system, config, collaborators);
    cleanup.push(() => zookeeper.close());
    await createPersistentPaths(zookeeper);
    const clusterId = await obtainClusterId(system, zookeeper);
    const stores = await openLogs(system, config, zookeeper, clusterId);
    cleanup.push(() => stores.logs.close());
    const listeners = new Listeners(system, config);
    const parts = createParts(system, {
      listeners,
      zookeeper,
      ...stores,
      clusterId,
      createController: collaborators.createController,
    });
    const broker = new RunningBroker(system, config, parts, listeners);
    cleanup.push(() => broker.closeListeners());
    await broker.start();
    return broker;
  } catch (error) {
    for (const undo of cleanup.reverse()) await undo();
    throw error;
  }
};

const connect = async (
  system: System,
  config: BrokerConfig,
  { connectZooKeeper }: BrokerCollaborators,
): Promise<ZooKeeperClient> => {
  const { zookeeperTls } = config;
  const tls = zookeeperTls === null ? null : await loadTls(system.disk, zookeeperTls);
  try {
    return await connectZooKeeper(system, {
      ...(tls === null ? {} : { tls }),
      ...(config.zookeeperSetAcl ? { aclOf: secureAclOf } : {}),
      connectString: config.zookeeperConnect,
      sessionTimeoutMs: config.zookeeperSessionTimeoutMs,
      connectionTimeoutMs: config.zookeeperConnectionTimeoutMs,
      inFlightMax: config.zookeeperMaxInFlightRequests,
      createsChroot: true,
    });
  } catch (error) {
    if (!isZooKeeperError(error, 'OPERATION_TIMEOUT')) throw error;
    throw new StartupError(
      tls === null
        ? `ZooKeeper cannot be reached at ${config.zookeeperConnect}: start it, or correct zookeeper.connect.`
        : `ZooKeeper cannot be reached with TLS at ${config.zookeeperConnect} (${(error as Error).cause ?? 'no answer'}): start it, or correct zookeeper.connect and zookeeper.ssl.*.`,
    );
  }
};

/** Before logs are loaded all settings are read, those of topics and what is set at run time included. */
const openLogs = async (
  system: System,
  config: BrokerConfig,
  zookeeper: ZooKeeperClient,
  clusterId: string,
): Promise<Pick<PartsOptions, 'logs' | 'dynamicConfig' | 'topicConfigs'>> => {
  const open = async (knownId: number | null) => {
    let settings: Pick<PartsOptions, 'dynamicConfig' | 'topicConfigs'> | null = null;
    const logs = await LogManager.open(system, {
      logDirs: config.logDirs,
      brokerId: knownId,
      clusterId,
      configFor: async (brokerId) => {
        const dynamicConfig = new DynamicConfig(system, zookeeper, { brokerId, config });
        await dynamicConfig.load();
        const topicConfigs = new TopicConfigSource(zookeeper, () => dynamicConfig.current);
        settings = { dynamicConfig, topicConfigs };
        return logsConfig(dynamicConfig.current, await topicConfigs.logConfigs());
      },
      producerIdExpirationMs: config.producerIdExpirationMs,
      intervals: logTaskIntervals(config),
      cleaner: cleanerSettings(config),
    });
    assert(settings !== null, 'settings are read before logs');
    return { logs, ...(settings as Pick<PartsOptions, 'dynamicConfig' | 'topicConfigs'>) };
  };
  try {
    if (config.brokerId >= 0) return await open(config.brokerId);
    return await open(await obtainBrokerId(system, config, zookeeper));
  } catch (error) {
    if (error instanceof MisfitError) throw new StartupError(error.message);
    throw error;
  }
};

/** The id in meta.properties, or a new one for a broker that starts for the first time without broker.id. */
const obtainBrokerId = async (
  system: System,
  config: BrokerConfig,
  zookeeper: ZooKeeperClient,
): Promise<number | null> => {
  for (const directory of config.logDirs) {
    if ((await system.disk.readFile(`${directory}/meta.properties`)) !== null) return null;
  }
  return generateBrokerId(zookeeper, config.reservedBrokerIdMax);
};

class RunningBroker implements Broker {
  readonly brokerId: number;
  readonly clusterId: string;
  readonly failed: Promise<string>;
  readonly parts: BrokerParts;
  readonly #system: System;
  readonly #config: BrokerConfig;
  readonly #listeners: Listeners;
  readonly #logDirEvents: LogDirEvents;
  #reportFailure: (reason: string) => void = () => {};
  #isStopped = false;

  constructor(system: System, config: BrokerConfig, parts: BrokerParts, listeners: Listeners) {
    this.#system = system;
    this.#config = config;
    this.parts = parts;
    this.#listeners = listeners;
    this.brokerId = parts.services.brokerId;
    this.clusterId = parts.services.clusterId;
    this.#logDirEvents = new LogDirEvents(system, parts.services.zookeeper, this.brokerId);
    this.failed = new Promise((resolve) => {
      this.#reportFailure = resolve;
    });
  }

  get ports(): Readonly<Record<string, number>> {
    return this.#listeners.ports;
  }

  get isController(): boolean {
    return this.parts.controller.isActive;
  }

  async start(): Promise<void> {
    const { parts } = this;
    await parts.features.start();
    // Bound before it is registered: whoever finds the registration finds somebody listening.
    await this.#listeners.open(parts.dynamicConfig.current, createDispatcher(parts.services));
    parts.replicas.start();
    parts.replicas.onDirectoryFailed = (isLast) => {
      if (!isLast) return void this.#logDirEvents.announce();
      this.#reportFailure(
        'All folders of log.dirs have failed and the broker stops: see to the disk, then start it again.',
      );
    };
    // They may have failed before anybody listened.
    if (parts.replicas.logs.onlineDirectories.length === 0) parts.replicas.onDirectoryFailed(true);
    await parts.dynamicConfig.start();
    parts.setRegister(() => this.#register());
    this.#watchRegistration();
    await this.#register();
    parts.startGroups();
    await parts.controller.start();
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const { parts } = this;
    parts.replicas.isShuttingDown = true;
    this.#logDirEvents.stop();
    if (this.#config.controlledShutdownEnable) await this.#shutDownControlled();
    await parts.dynamicConfig.stop();
    await this.closeListeners();
    parts.services.groups.stop();
    parts.stopChannels();
    await parts.fetchers.stop();
    await parts.replicas.stop();
    await parts.services.replicas.logs.close();
    await parts.controller.stop();
    await parts.services.zookeeper.close();
  }

  closeListeners(): Promise<void> {
    return this.#listeners.close();
  }

  async #register(): Promise<void> {
    const epoch = await registerBroker(this.#system, this.parts.services.zookeeper, {
      brokerId: this.brokerId,
      registration: this.#registration(),
      patienceMs: this.#config.zookeeperSessionTimeoutMs * 1.5,
    });
    this.parts.setBrokerEpoch(epoch);
  }

  /** Others remove the registration of a process that seems to have ended; one that lives takes its place again. */
  #watchRegistration(): void {
    const { zookeeper } = this.parts.services;
    const path = brokerIdZnode.path(this.brokerId);
    const { logger } = this.#system;
    const restore = async (isGone: boolean): Promise<void> => {
      try {
        if (isGone) await this.#register();
        else await zookeeper.exists(path);
      } catch (error) {
        // After an expiry the next session registers.
        if (!this.#isStopped) logger.warn({ err: error }, 'could not look after the registration');
      }
    };
    zookeeper.watchNode(path, ({ type }) => {
      if (this.#isStopped) return;
      if (type === 'deleted') logger.warn({}, 'the registration of this broker has vanished');
      void restore(type === 'deleted');
    });
  }

  #registration(): BrokerRegistration {
    const { advertisedListeners, rack } = this.#config;
    return {
      endpoints: advertisedListeners.map(({ name, host, port, securityProtocol }) => ({
        listener: name,
        host: host === '' ? 'localhost' : host,
        // A listener on any free port advertises the one it got.
        port: port === 0 ? (this.ports[name] ?? 0) : port,
        securityProtocol: securityProtocols.indexOf(securityProtocol),
      })),
      rack,
      jmxPort: -1,
      timestampMs: this.#system.clock.nowMs(),
      features: {},
    };
  }

  async #shutDownControlled(): Promise<void> {
    const channel = this.parts.controllerChannel('shutdown');
    const isComplete = await shutDownControlled(this.#system, channel, {
      brokerId: this.brokerId,
      brokerEpoch: this.parts.services.brokerEpoch(),
      maxRetries: this.#config.controlledShutdownRetriesMax,
      retryBackoffMs: this.#config.controlledShutdownRetryBackoffMs,
    });
    channel.close();
    if (!isComplete)
      this.#system.logger.warn({}, 'stopping without having handed over all leaderships');
  }
}
