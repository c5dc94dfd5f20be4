/** ZooKeeper behind TLS: it is reached over our own connection, and whoever cannot be trusted is not spoken to. */
import { realSystem } from '../../system/system.ts';
import { loadTls, type TlsSettings } from '../../system/tls.ts';
import type { ClientOptions } from '../../zookeeper/client.ts';
import { connectNodeClient } from '../../zookeeper/node-client.ts';
import type { WatchEvent, ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { Inbox } from './inbox.ts';
import { startTestServer, type TestServer } from './test-server.ts';
import { type FrontOptions, fixture, startTlsFront, type TlsFront } from './tls-front.ts';

const system = realSystem();
const authority = { location: fixture('authority.pem'), password: null, type: null };
const settings: TlsSettings = {
  keystore: null,
  truststore: authority,
  protocols: ['TLSv1.2'],
  cipherSuites: [],
  checksHostName: true,
};

describe('TLS with ZooKeeper', () => {
  let server: TestServer;
  let front: TlsFront;
  const clients: ZooKeeperClient[] = [];
  const fronts: TlsFront[] = [];

  const startFront = async (options?: FrontOptions): Promise<TlsFront> => {
    front = await startTlsFront(server.port, options);
    fronts.push(front);
    return front;
  };

  const open = async (
    changes: Partial<TlsSettings> = {},
    options: Partial<ClientOptions> = {},
    connect = connectWireClient,
  ): Promise<ZooKeeperClient> => {
    const client = await connect(system, {
      connectString: `localhost:${front.port}`,
      sessionTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
      tls: await loadTls(system.disk, { ...settings, ...changes }),
      ...options,
    });
    clients.push(client);
    return client;
  };

  /** Why no session could be had. */
  const refusal = async (
    changes: Partial<TlsSettings> = {},
    options: Partial<ClientOptions> = {},
  ): Promise<unknown> => {
    const opening = open(changes, { connectionTimeoutMs: 500, ...options });
    return opening.then(
      () => 'a session',
      (error) => {
        expect(error.code).toBe('OPERATION_TIMEOUT');
        return error.cause;
      },
    );
  };

  beforeAll(async () => {
    server = await startTestServer();
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all(fronts.splice(0).map((each) => each.close()));
  });

  afterAll(() => server.close());

  test('a session stands, requests and large data pass, and a cut connection is made again', async () => {
    await startFront();
    const client = await open();
    const data = Buffer.alloc(900_000, 7);
    const path = await client.create('/tls-', data, { mode: 'ephemeral-sequential' });
    expect((await client.getData(path)).data?.equals(data)).toBe(true);
    const events = new Inbox<WatchEvent>();
    client.watchNode(path, events.put);
    await client.exists(path);
    const states = new Inbox<string>();
    client.onSession({ connected: () => states.put('connected') });
    front.cut();
    await states.until(1);
    await client.setData(path, null);
    expect(await events.until(1)).toEqual([{ type: 'dataChanged', path }]);
    expect(front.agreed).toHaveLength(2);
  });

  test('it is there where node-zookeeper-client was chosen, which has none', async () => {
    await startFront();
    const client = await open({}, {}, connectNodeClient);
    expect(await client.exists('/')).not.toBeNull();
    expect(front.agreed).toHaveLength(1);
  });

  test('an address is checked like a name', async () => {
    await startFront();
    const client = await open({}, { connectString: `127.0.0.1:${front.port}` });
    expect(client.isConnected).toBe(true);
  });

  test('a certificate of another authority is refused', async () => {
    await startFront();
    const stranger = { ...authority, location: fixture('stranger.pem') };
    expect(await refusal({ truststore: stranger })).toMatch(/certificate/);
    expect(await refusal({ truststore: null })).toMatch(/certificate/);
  });

  test('a certificate for another host is refused, unless names are not to be checked', async () => {
    await startFront({ identity: 'elsewhere.pem' });
    expect(await refusal()).toMatch(/localhost.*zookeeper\.example/);
    expect(await refusal({}, { connectString: `127.0.0.1:${front.port}` })).toMatch(/127\.0\.0\.1/);
    const client = await open({ checksHostName: false });
    expect(client.isConnected).toBe(true);
  });

  test.each(['client.pem', 'client.p12', 'client.jks'])(
    'a server that asks for certificates takes %s and nobody else',
    async (name) => {
      await startFront({ wantsClients: true });
      expect(await refusal()).not.toBe('a session');
      await open({ keystore: { location: fixture(name), password: 'secret1', type: null } });
      expect(front.agreed.at(-1)?.client).toBe('client');
    },
  );

  test('versions and cipher suites are those of the settings', async () => {
    await startFront();
    await open({ cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'] });
    await open({ protocols: ['TLSv1.3'], cipherSuites: ['TLS_AES_128_GCM_SHA256'] });
    await open({ protocols: ['TLS'] });
    await open({ protocols: ['TLSv1.2', 'TLSv1.3'] });
    expect(front.agreed.map(({ protocol }) => protocol)).toEqual([
      'TLSv1.2',
      'TLSv1.3',
      'TLSv1.3',
      'TLSv1.3',
    ]);
    expect(front.agreed[0]?.cipher).toBe('TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384');
    expect(front.agreed[1]?.cipher).toBe('TLS_AES_128_GCM_SHA256');
    await startFront({ maxVersion: 'TLSv1.2' });
    expect(await refusal({ protocols: ['TLSv1.3'] })).toMatch(/version/);
  });

  test('neither a server without TLS nor one that says nothing gets a session', async () => {
    await startFront();
    const plain = { connectString: `localhost:${server.port}` };
    expect(await refusal({}, { ...plain, sessionTimeoutMs: 200 })).not.toBe('a session');
  });
});
