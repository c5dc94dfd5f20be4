/**
 * Puts a broker together: settings, ZooKeeper client, controller and broker become one running server. The one place where
 * the products meet; used by the server process (kafka-server.ts) and by clusters inside a process (cluster.ts).
 */
import { type Broker, startBroker } from '../broker/broker.ts';
import { validateTopicConfigs } from '../broker/config/topic-configs.ts';
import { type BrokerConfig, textOf } from '../broker/config.ts';
import type { DynamicConfig } from '../broker/dynamic-config.ts';
import { type ControllerConfig, createController } from '../controller/controller.ts';
import { networkChannels } from '../controller/network-channels.ts';
import type { System } from '../system/system.ts';
import type { ClientOptions } from '../zookeeper/client.ts';
import { connectNodeClient } from '../zookeeper/node-client.ts';
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import { connectWireClient } from '../zookeeper/wire-client.ts';
import { UserError } from './failures.ts';

export type ConnectZooKeeper = (system: System, options: ClientOptions) => Promise<ZooKeeperClient>;

const zooKeeperClients: ReadonlyMap<string, ConnectZooKeeper> = new Map([
  ['node-zookeeper-client', connectNodeClient],
  ['wire', connectWireClient],
]);

/** Starts a broker and its controller; `connectZooKeeper` is what zookeeper.clientCnxnSocket says unless one is given. */
export const startServer = (
  system: System,
  config: BrokerConfig,
  connectZooKeeper: ConnectZooKeeper = zooKeeperClientOf(config),
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

/** The client that zookeeper.clientCnxnSocket names; Java's classes, and no name at all, mean the usual one. */
const zooKeeperClientOf = (config: BrokerConfig): ConnectZooKeeper => {
  const name = textOf(config, 'zookeeper.clientCnxnSocket');
  if (name === null || name === '' || /(^|\.)ClientCnxnSocket\w+$/.test(name))
    return connectNodeClient;
  const connect = zooKeeperClients.get(name);
  if (connect === undefined)
    throw new UserError(
      `There is no ZooKeeper client ${name}: take zookeeper.clientCnxnSocket out or name one of ${[...zooKeeperClients.keys()].join(', ')}.`,
    );
  return connect;
};

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
