/** ZooKeeper's own TLS port (secureClientPort, its Netty server) and a broker that reaches it with the settings of Kafka. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { realSystem } from '../../system/system.ts';
import { loadTls } from '../../system/tls.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { freePorts } from '../support/free-ports.ts';
import { awaitPartitions, kafkaOf, PATIENT } from './clusters.ts';
import { cleanUp, listening, newFolder, startServer } from './processes.ts';
import { commandOf, describeWith } from './software.ts';

const fixture = (name: string): string => resolve('test/fixtures/tls', name);

/** Starts the server that comes with Apache Kafka; every client must show a certificate. */
const startSecureZooKeeper = async (folder: string, port: number): Promise<void> => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    `${folder}/zoo.cfg`,
    [
      'tickTime=500',
      `dataDir=${folder}/data`,
      `secureClientPort=${port}`,
      'secureClientPortAddress=127.0.0.1',
      'admin.enableServer=false',
      'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
      `ssl.keyStore.location=${fixture('server.p12')}`,
      'ssl.keyStore.password=secret1',
      `ssl.trustStore.location=${fixture('authority.p12')}`,
      'ssl.trustStore.password=secret1',
      'ssl.clientAuth=need',
      '',
    ].join('\n'),
  );
  const [command = '', ...args] = commandOf('ZOOKEEPER').split(' ');
  await listening(startServer(command, [...args, `${folder}/zoo.cfg`]), port);
};

describeWith('ZOOKEEPER', 'ZooKeeper behind TLS', () => {
  afterEach(cleanUp);

  const startBroker = (folder: string, port: number, settings: Record<string, string>) =>
    startServer(resolve('bench/barnabas'), [
      ...['broker', '1', String(port), settings.connect ?? '', `${folder}/broker`],
      'zookeeper.ssl.client.enable=true',
      `zookeeper.set.acl=${'keystore.location' in settings}`,
      'zookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty',
      'offsets.topic.replication.factor=1',
      ...Object.entries(settings)
        .filter(([name]) => name !== 'connect')
        .map(([name, value]) => `zookeeper.ssl.${name}=${value}`),
    ]);

  test.each([
    ['p12', 'localhost'],
    ['jks', '127.0.0.1'],
    ['pem', 'localhost'],
  ])('a broker with stores of type %s works on %s', async (type, host) => {
    const folder = newFolder();
    const [zookeeperPort = 0, port = 0] = await freePorts(2);
    await startSecureZooKeeper(`${folder}/zookeeper`, zookeeperPort);
    const broker = startBroker(folder, port, {
      connect: `${host}:${zookeeperPort}/kafka`,
      'keystore.location': fixture(`client.${type}`),
      ...(type === 'pem' ? {} : { 'keystore.password': 'secret1' }),
      'truststore.location': fixture(`authority.${type}`),
      ...(type === 'pem' ? {} : { 'truststore.password': 'secret1' }),
    });
    await broker.says(/\] started/);
    const kafka = kafkaOf(`127.0.0.1:${port}`);
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'secured', numPartitions: 3 }], ...PATIENT });
    await admin.disconnect();
    const partitions = await awaitPartitions(kafka, 'secured', (all) => all.length === 3);
    expect(partitions.map(({ leader }) => leader)).toEqual([1, 1, 1]);
    await broker.end();
    expect(broker.output).toContain('shut down completed');

    const store = (name: string) => ({ location: fixture(name), password: null, type: null });
    const client = await connectWireClient(realSystem(), {
      connectString: `${host}:${zookeeperPort}/kafka`,
      sessionTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
      tls: await loadTls(realSystem().disk, {
        keystore: store('client.pem'),
        truststore: store('authority.pem'),
        protocols: ['TLSv1.2'],
        cipherSuites: [],
        checksHostName: true,
      }),
    });
    const { acl } = await client.getAcl('/brokers/topics/secured');
    await client.close();
    expect(acl).toEqual([
      { permissions: 31, scheme: 'x509', id: 'CN=client' },
      { permissions: 1, scheme: 'world', id: 'anyone' },
    ]);
  });

  test('a broker without a certificate, or with a stranger in its trust store, says so and ends', async () => {
    const folder = newFolder();
    const [zookeeperPort = 0, port = 0] = await freePorts(2);
    await startSecureZooKeeper(`${folder}/zookeeper`, zookeeperPort);
    const connect = `localhost:${zookeeperPort}`;
    const refused = async (settings: Record<string, string>): Promise<string> => {
      const broker = startBroker(folder, port, { connect, ...settings });
      await broker.says(/ZooKeeper cannot be reached with TLS at .*/);
      await broker.end();
      return /reached with TLS at \S+ \((.*)\)/.exec(broker.output)?.[1] ?? '';
    };
    expect(await refused({ 'truststore.location': fixture('authority.pem') })).toMatch(/alert/);
    expect(
      await refused({
        'keystore.location': fixture('client.pem'),
        'truststore.location': fixture('stranger.pem'),
      }),
    ).toMatch(/certificate/);
  });
});
