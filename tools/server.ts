/**
 * Puts a broker together: settings, ZooKeeper client, controller and broker become one running server. The one place where
 * the products meet; used by the server process (kafka-server.ts) and by clusters inside a process (cluster.ts).
 */
import { type Broker, startBroker } from '../broker/broker.ts';
import { validateTopicConfigs } from '../broker/config/topic-configs.ts';
import type { BrokerConfig } from '../broker/config.ts';
import type { DynamicConfig } from '../broker/dynamic-config.ts';
import { type ControllerConfig, createController } from '../controller/controller.ts';
import { networkChannels } from '../controller/network-channels.ts';
import type { System } from '../system/system.ts';
import type { ClientOptions } from '../zookeeper/client.ts';
import { connectNodeClient } from '../zookeeper/node-client.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';

export type ConnectZooKeeper = (system: System, options: ClientOptions) => Promise<ZooKeeperClient>;

/** Starts a broker and its controller; `connectZooKeeper` is node-zookeeper-client's unless another is given. */
export const startServer = (
  system: System,
  config: BrokerConfig,
  connectZooKeeper: ConnectZooKeeper = connectNodeClient,
): Promise<Broker> =>
  startBroker(system, config, {
    connectZooKeeper,
    createController: ({ brokerId, zookeeper, register, dynamicConfig }) =>
      createController(system, {
        brokerId,
        zookeeper,
        register,
        config: controllerConfig(dynamicConfig),
        channels: networkChannels(system, {
          clientId: String(brokerId),
          requestTimeoutMs: config.controllerSocketTimeoutMs,
        }),
        validateTopicConfig: (overrides) =>
          validateTopicConfigs(overrides, dynamicConfig.current.values),
      }),
  });

/** What the controller reads of the settings, always those in force. */
const controllerConfig = (settings: DynamicConfig): ControllerConfig => ({
  get interBrokerListener() {
    return settings.current.interBrokerListenerName;
  },
  get uncleanLeaderElectionEnable() {
    return settings.current.uncleanLeaderElectionEnable;
  },
  get autoLeaderRebalanceEnable() {
    return settings.current.autoLeaderRebalanceEnable;
  },
  get leaderImbalanceCheckIntervalSeconds() {
    return settings.current.leaderImbalanceCheckIntervalSeconds;
  },
  get leaderImbalancePerBrokerPercentage() {
    return settings.current.leaderImbalancePerBrokerPercentage;
  },
  get deleteTopicEnable() {
    return settings.current.deleteTopicEnable;
  },
  get numPartitions() {
    return settings.current.numPartitions;
  },
  get defaultReplicationFactor() {
    return settings.current.defaultReplicationFactor;
  },
});
