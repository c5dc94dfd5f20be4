/**
 * Makes the parts of a broker and joins them: who owns what, and who hears of what. Nothing is started here.
 */
import type { LogManager } from '../log/log-manager.ts';
import { BrokerPool } from '../network/broker-pool.ts';
import { createSerial } from '../system/serial.ts';
import type { System } from '../system/system.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { cleanerSettings } from './cleaner-settings.ts';
import { type BrokerConfig, numberOf } from './config.ts';
import type { ControllerApi } from './controller-api.ts';
import { ControllerChannel } from './controller-channel.ts';
import type { DynamicConfig } from './dynamic-config.ts';
import { ControllerWatch } from './ended-brokers.ts';
import { FetchSessions } from './fetch-sessions.ts';
import { FinalizedFeatures } from './finalized-features.ts';
import { groupConfig } from './groups/config.ts';
import { createGroupCoordinator } from './groups/coordinator.ts';
import { CONSUMER_OFFSETS } from './internal-topics.ts';
import type { Listeners } from './listeners.ts';
import { logsConfig } from './log-settings.ts';
import { MetadataCache } from './metadata-cache.ts';
import { ProducerIds } from './producer-ids.ts';
import type { BrokerChannel, OpenBrokerChannel } from './replication/broker-channel.ts';
import { Fetchers } from './replication/fetchers.ts';
import { internalLog } from './replication/internal-log.ts';
import { IsrUpdates } from './replication/isr-updates.ts';
import { ReplicaManager } from './replication/replica-manager.ts';
import { RoleChanges } from './replication/role-changes.ts';
import type { Services } from './services.ts';
import type { TopicConfigSource } from './topic-config-source.ts';
import { createTopicCreation, internalTopicSettings } from './topic-creation.ts';
import { TopicWaits } from './topic-waits.ts';

/** The controller of this process as the broker runs it. */
export interface ControllerPart extends ControllerApi {
  start(): Promise<void>;
  stop(): Promise<void>;
  uncleanElectionEnabled(topic: string | null): void;
}

export type CreateController = (options: {
  readonly brokerId: number;
  readonly zookeeper: ZooKeeperClient;
  readonly dynamicConfig: DynamicConfig;
  /** Registers the broker anew in a new session; the next election waits for it. */
  readonly register: () => Promise<void>;
}) => ControllerPart;

export interface BrokerParts {
  readonly services: Services;
  readonly controller: ControllerPart;
  readonly replicas: ReplicaManager;
  readonly fetchers: Fetchers;
  readonly dynamicConfig: DynamicConfig;
  readonly features: FinalizedFeatures;
  setBrokerEpoch(epoch: bigint): void;
  setRegister(register: () => Promise<void>): void;
  startGroups(): void;
  /** A channel to the controller for one use, see ControllerChannel. */
  controllerChannel(use: string): ControllerChannel;
  /** Ends what this broker sends of its own accord to the controller. */
  stopChannels(): void;
}

export interface PartsOptions {
  readonly zookeeper: ZooKeeperClient;
  readonly logs: LogManager;
  readonly clusterId: string;
  readonly dynamicConfig: DynamicConfig;
  readonly topicConfigs: TopicConfigSource;
  readonly createController: CreateController;
  readonly listeners: Listeners;
}

export const createParts = (system: System, options: PartsOptions): BrokerParts => {
  const { zookeeper, logs, clusterId, dynamicConfig, topicConfigs } = options;
  const { brokerId } = logs;
  const config = dynamicConfig.current;
  const metadata = new MetadataCache();
  let brokerEpoch = -1n;
  let register: () => Promise<void> = async () => {};
  const identity = { brokerId, brokerEpoch: () => brokerEpoch };

  const controllerChannel = (use: string): ControllerChannel =>
    new ControllerChannel(system, metadata, {
      listenerName: config.controlPlaneListenerName ?? config.interBrokerListenerName,
      clientId: `broker-${brokerId}-${use}`,
      requestTimeoutMs: config.controllerSocketTimeoutMs,
    });
  const isrChannel = controllerChannel('alter-partition');
  const producerIdChannel = controllerChannel('producer-ids');
  const controllerWatch = new ControllerWatch(
    system,
    { zookeeper, metadata },
    { brokerId, listenerName: config.interBrokerListenerName },
  );
  metadata.onUpdate = () => controllerWatch.update();
  const isrUpdates = new IsrUpdates(system, isrChannel, identity);

  const replicas = new ReplicaManager(
    system,
    { logs, metadata, settings: topicConfigs, isrUpdates },
    {
      brokerId,
      lagMsMax: config.replicaLagTimeMsMax,
      checkpointIntervalMs: config.replicaHighWatermarkCheckpointIntervalMs,
    },
  );
  const fetchers = new Fetchers(
    system,
    openBrokerChannel(system),
    fetcherOptions(config, identity),
  );
  const groups = createGroupCoordinator(
    system,
    internalLog(replicas),
    groupConfig((name) => numberOf(config, name)),
  );
  const roles = new RoleChanges(replicas, fetchers, {
    interBrokerListener: config.interBrokerListenerName,
    listener: {
      elected: (topic, partition, leaderEpoch) => {
        if (topic === CONSUMER_OFFSETS) groups.onElection(partition, leaderEpoch);
      },
      resigned: (topic, partition, leaderEpoch) => {
        if (topic === CONSUMER_OFFSETS) groups.onResignation(partition, leaderEpoch);
      },
    },
  });
  const controller = options.createController({
    brokerId,
    zookeeper,
    dynamicConfig,
    register: () => register(),
  });
  logs.moveBytesPerSecondMax = () =>
    numberOf(dynamicConfig.current, 'replica.alter.log.dirs.io.max.bytes.per.second');
  const features = new FinalizedFeatures(system, zookeeper);
  const services: Services = {
    system,
    get config() {
      return dynamicConfig.current;
    },
    brokerId,
    clusterId,
    brokerEpoch: identity.brokerEpoch,
    zookeeper,
    metadata,
    replicas,
    roles,
    fetchSessions: new FetchSessions(system.random, config.maxIncrementalFetchSessionCacheSlots),
    groups,
    producerIds: new ProducerIds(system, producerIdChannel, identity),
    controller,
    topics: createTopicCreation(
      (topics) => controller.createTopicsLocally(topics),
      metadata,
      internalTopicSettings(config),
    ),
    topicWaits: new TopicWaits(system.clock),
    dynamicConfig,
    topicConfigs,
    configWrites: createSerial(),
    features,
  };
  dynamicConfig.onTopicChange = (topic) => topicChanged(topic, topicConfigs, replicas, controller);
  const configureCleaner = (): void => {
    const settings = cleanerSettings(dynamicConfig.current);
    if (logs.cleaner !== null && settings !== null) logs.cleaner.settings = settings;
  };
  configureCleaner();
  dynamicConfig.onBrokerChange = (current, changed) => {
    configureCleaner();
    options.listeners.configure(current);
    logs.config = logsConfig(current);
    replicas.applyKnownSettings();
    if (current.uncleanLeaderElectionEnable && changed.has('unclean.leader.election.enable'))
      controller.uncleanElectionEnabled(null);
  };
  return {
    services,
    controller,
    replicas,
    fetchers,
    dynamicConfig,
    features,
    setBrokerEpoch: (epoch) => {
      brokerEpoch = epoch;
    },
    setRegister: (next) => {
      register = next;
    },
    startGroups: () => groups.start(metadata.partitionCount(CONSUMER_OFFSETS)),
    controllerChannel,
    stopChannels: () => {
      controllerWatch.stop();
      isrUpdates.stop();
      services.producerIds.stop();
      services.topicWaits.stop();
      features.stop();
      isrChannel.close();
      producerIdChannel.close();
    },
  };
};

const topicChanged = async (
  topic: string,
  topicConfigs: TopicConfigSource,
  replicas: ReplicaManager,
  controller: ControllerPart,
): Promise<void> => {
  topicConfigs.invalidate(topic);
  await replicas.applySettings(topic);
  const settings = topicConfigs.known(topic);
  if (settings?.uncleanLeaderElectionEnable) controller.uncleanElectionEnabled(topic);
};

const fetcherOptions = (
  config: BrokerConfig,
  identity: { readonly brokerId: number; brokerEpoch(): bigint },
) => ({
  replicaId: identity.brokerId,
  replicaEpoch: identity.brokerEpoch,
  maxWaitMs: config.replicaFetchWaitMsMax,
  minBytes: config.replicaFetchMinBytes,
  maxBytes: config.replicaFetchResponseMaxBytes,
  partitionMaxBytes: config.replicaFetchMaxBytes,
  backoffMs: config.replicaFetchBackoffMs,
  requestTimeoutMs: config.replicaSocketTimeoutMs,
  fetcherCount: config.replicaFetcherCount,
});

/** Channels between brokers: versions are fixed by the caller, nothing is negotiated (as between Kafka's own). */
const openBrokerChannel =
  (system: System): OpenBrokerChannel =>
  (address, { clientId, requestTimeoutMs }): BrokerChannel => {
    const pool = new BrokerPool(system, {
      clientId,
      requestTimeoutMs,
      versions: 'newest',
      // A fetcher has appended everything before it fetches again.
      reusesFetchMemory: true,
    });
    pool.set(address.id, address);
    return {
      send: (api, body, options) => pool.send(address.id, api, body, options),
      interrupt: () => {
        pool.remove(address.id);
        pool.set(address.id, address);
      },
      close: () => pool.close(),
    };
  };
