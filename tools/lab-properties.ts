/** The settings files of a lab: what `barnabas up` writes for its ZooKeeper and its brokers. */

export interface LabPorts {
  readonly zookeeperPort: number;
  readonly firstBrokerPort: number;
  readonly brokerCount: number;
}

const HOST = '127.0.0.1';

export const zooKeeperProperties = (port: number, dataDir: string): string =>
  [
    ...[`clientPort=${port}`, `clientPortAddress=${HOST}`, `dataDir=${dataDir}`, 'tickTime=500'],
    // Everything in a lab comes from one address, and some of it with Kafka's long sessions.
    ...['maxClientCnxns=0', 'maxSessionTimeout=60000', ''],
  ].join('\n');

/** Replicated three times where there are three brokers, and quick where a lab has no use for Kafka's patience. */
export const brokerProperties = (
  brokerId: number,
  ports: LabPorts,
  logDir: string,
  overrides: readonly string[],
): string => {
  const replication = Math.min(3, ports.brokerCount);
  return [
    `broker.id=${brokerId}`,
    `listeners=PLAINTEXT://${HOST}:${ports.firstBrokerPort + brokerId - 1}`,
    `zookeeper.connect=${HOST}:${ports.zookeeperPort}`,
    'zookeeper.session.timeout.ms=6000',
    `log.dirs=${logDir}`,
    `default.replication.factor=${replication}`,
    `min.insync.replicas=${Math.max(1, replication - 1)}`,
    `offsets.topic.replication.factor=${replication}`,
    `transaction.state.log.replication.factor=${replication}`,
    `transaction.state.log.min.isr=${Math.max(1, replication - 1)}`,
    'group.initial.rebalance.delay.ms=0',
    ...overrides,
    '',
  ].join('\n');
};
