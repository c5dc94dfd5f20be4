import { realSystem } from '../../../system/system.ts';
import { createFlags, encodeRequest, requests } from '../../../zookeeper/records.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../../../zookeeper/server/server.ts';
import { ask, type RawClient } from './raw-client.ts';
import { cleanUp, newFolder, openClient, startServer } from './server-folder.ts';

afterEach(cleanUp);

const word = ({ port }: ZooKeeperServer, text: string): Promise<string> =>
  ask(port, Buffer.from(text));

/** A client with an ephemeral node, a watch on its parent and one on a node that is not there. */
const startBusyServer = async (): Promise<{
  server: ZooKeeperServer;
  client: RawClient;
  sessionId: string;
}> => {
  const server = await startServer();
  const client = openClient(server);
  const { sessionId } = await client.handshake();
  client.create('/a');
  client.create('/a/e', createFlags.ephemeral);
  for (const path of ['/a', '/missing']) {
    client.send(encodeRequest(3, 'exists', requests.exists, { path, watch: true }));
  }
  for (let count = 0; count < 4; count++) await client.reply();
  return { server, client, sessionId: `0x${sessionId.toString(16)}` };
};

/** Numbers that no two runs share. */
const masked = (text: string): string =>
  text
    .replace(/:\d{4,5}(?=\[| sess)/g, ':PORT')
    .replace(/(est|lresp|llat|maxlat|avglat|minlat)=\d+/g, '$1=N')
    .replace(/expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d UTC \d{4}:/g, 'expire at DATE:');

test('ruok, isro and gtmk answer without an end of line', async () => {
  const server = await startServer();
  expect(await word(server, 'ruok')).toBe('imok');
  expect(await word(server, 'isro')).toBe('rw');
  expect(await word(server, 'gtmk')).toBe('306');
});

test('stmk takes a number of eight bytes behind it, in however many pieces it comes', async () => {
  const server = await startServer();
  const client = openClient(server);
  client.send(Buffer.from('stmk'));
  client.send(Buffer.from([0, 0, 0, 0]));
  client.send(Buffer.from([0, 0, 1, 0]));
  expect(await client.frame()).toBeNull();
  expect(await word(server, 'gtmk')).toBe('256');
});

test('srvr and stat sum the server up', async () => {
  const { server } = await startBusyServer();
  const summary = [
    'Latency min/avg/max: N/N/N',
    ...['Received: 6', 'Sent: 5', 'Connections: 2', 'Outstanding: 0'],
    ...['Zxid: 0x3', 'Mode: standalone', 'Node count: 7', ''],
  ];
  const [version = '', ...rest] = (await word(server, 'srvr')).split(/(?<=\n)/);
  expect(version).toMatch(/^Zookeeper version: \d+\.\d+\.\d+-[\w-]+, built on .* UTC\n$/);
  const times = /\d+\/\d+\.\d+\/\d+/;
  expect(rest.join('').replace(times, 'N/N/N')).toBe(summary.join('\n'));
  const stat = masked(await word(server, 'stat'));
  expect(stat).toContain('\nClients:\n /127.0.0.1:PORT[1](queued=0,recved=5,sent=5)\n');
  expect(stat).toContain('\n /127.0.0.1:PORT[0](queued=0,recved=1,sent=0)\n\nLatency');
});

test('cons shows what each connection has done, and crst forgets it', async () => {
  const { server, sessionId } = await startBusyServer();
  const full = (counts: string, last: string): string =>
    ` /127.0.0.1:PORT[1](queued=0,${counts},sid=${sessionId},${last},lresp=N,llat=N,minlat=N,avglat=N,maxlat=N)\n`;
  expect(masked(await word(server, 'cons'))).toBe(
    `${full('recved=5,sent=5', 'lop=EXIS,est=N,to=10000,lcxid=0x3,lzxid=0x3')} /127.0.0.1:PORT[0](queued=0,recved=1,sent=0)\n\n`,
  );
  expect(await word(server, 'crst')).toBe('Connection stats reset.\n');
  expect(masked(await word(server, 'cons'))).toContain(
    full('recved=0,sent=0', 'lop=NA,est=N,to=10000,lzxid=0xffffffffffffffff'),
  );
});

test('dump lists sessions, ephemeral nodes and connections', async () => {
  const { server, sessionId } = await startBusyServer();
  const text = masked(await word(server, 'dump'));
  expect(text).toMatch(/^SessionTracker dump:\nSession Sets \(\d\)\/\(1\):\n/);
  expect(text).toContain(`1 expire at DATE:\n\t${sessionId}\n`);
  expect(text).toContain(
    `ephemeral nodes dump:\nSessions with Ephemerals (1):\n${sessionId}:\n\t/a/e\nConnections dump:\n`,
  );
  expect(text).toMatch(/Connections Sets \(\d\)\/\(2\):\n/);
  expect(text).toContain(`\tip: /127.0.0.1:PORT sessionId: ${sessionId}\n`);
  expect(text).toContain('\tip: /127.0.0.1:PORT sessionId: 0x0\n');
});

test('wchs, wchc and wchp tell of watches', async () => {
  const { server, sessionId } = await startBusyServer();
  expect(await word(server, 'wchs')).toBe('1 connections watching 2 paths\nTotal watches:2\n');
  expect(await word(server, 'wchc')).toBe(`${sessionId}\n\t/a\n\t/missing\n\n`);
  expect(await word(server, 'wchp')).toBe(`/a\n\t${sessionId}\n/missing\n\t${sessionId}\n\n`);
});

test('a lasting watch counts among them', async () => {
  const { server, client, sessionId } = await startBusyServer();
  client.send(encodeRequest(9, 'addWatch', requests.addWatch, { path: '/z', mode: 1 }));
  await client.reply();
  expect(await word(server, 'wchs')).toContain('Total watches:3\n');
  expect(await word(server, 'wchp')).toContain(`/z\n\t${sessionId}\n`);
});

test('mntr has the keys that tools look for', async () => {
  const { server } = await startBusyServer();
  const text = await word(server, 'mntr');
  const values = new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t') as [string, string]),
  );
  expect([...values.keys()].slice(0, 2)).toEqual(['zk_version', 'zk_server_state']);
  expect(Object.fromEntries(values)).toMatchObject({
    zk_server_state: 'standalone',
    zk_avg_latency: expect.stringMatching(/^\d+\.\d+$/),
    zk_num_alive_connections: '2',
    zk_outstanding_requests: '0',
    zk_znode_count: '7',
    zk_watch_count: '2',
    zk_ephemerals_count: '1',
    zk_global_sessions: '1',
    zk_local_sessions: '0',
    zk_open_file_descriptor_count: expect.stringMatching(/^-1$|^\d+$/),
    zk_max_file_descriptor_count: expect.stringMatching(/^-1$|^\d+$/),
  });
});

test('conf, dirs and envi tell how the server was started', async () => {
  const dataDir = newFolder();
  const server = await startServer({ dataDir, environment: { 'user.dir': '/here' } });
  const conf = await word(server, 'conf');
  const size = /dataDirSize=(\d+)\n/.exec(conf)?.[1];
  expect(conf).toBe(
    [
      `clientPort=${server.port}`,
      'secureClientPort=-1',
      `dataDir=${dataDir}/version-2`,
      `dataDirSize=${size}`,
      `dataLogDir=${dataDir}/version-2`,
      `dataLogSize=${size}`,
      'tickTime=500',
      'maxClientCnxns=0',
      'minSessionTimeout=1000',
      'maxSessionTimeout=60000',
      'clientPortListenBacklog=-1',
      'serverId=0',
      '',
    ].join('\n'),
  );
  expect(await word(server, 'dirs')).toBe(`datadir_size: ${size}\nlogdir_size: ${size}\n`);
  expect(Number(size)).toBeGreaterThan(0);
  expect(await word(server, 'envi')).toMatch(
    /^Environment:\nzookeeper\.version=.*\nuser\.dir=\/here\n$/,
  );
});

test('srst sets the counts back', async () => {
  const { server } = await startBusyServer();
  expect(await word(server, 'srst')).toBe('Server stats reset.\n');
  expect(await word(server, 'srvr')).toContain('Received: 1\nSent: 1\n');
});

test('a word that is not allowed says so', async () => {
  const server = await startServer({ words: ['srvr'] });
  expect(await word(server, 'srvr')).toContain('Mode: standalone');
  for (const name of ['ruok', 'mntr', 'stmk12345678']) {
    expect(await word(server, name)).toBe(
      `${name.slice(0, 4)} is not executed because it is not in the whitelist.\n`,
    );
  }
});

test('what is no word is closed without an answer, and after the handshake no word counts', async () => {
  const server = await startServer();
  for (const text of ['RUOK', 'lead', 'wxyz']) expect(await word(server, text)).toBe('');
  const client = openClient(server);
  await client.handshake();
  client.send(Buffer.from('ruok'));
  expect(await client.frame()).toBeNull();
});

test('a word that cannot be answered costs its connection, not the server', async () => {
  const system = realSystem();
  let isOut = false;
  const list = async (path: string): Promise<string[]> => {
    if (isOut) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    return system.disk.list(path);
  };
  const disk = { ...system.disk, list };
  const server = await startZooKeeperServer(
    { ...system, disk },
    { host: '127.0.0.1', port: 0, dataDir: newFolder() },
  );
  isOut = true;
  expect(await word(server, 'ruok')).toBe('');
  isOut = false;
  expect(await word(server, 'ruok')).toBe('imok');
  await server.close();
});
