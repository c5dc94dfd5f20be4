import { connect } from 'node:net';
import { createFlags } from '../../../zookeeper/records.ts';
import type { ZooKeeperServer } from '../../../zookeeper/server/server.ts';
import { ask } from './raw-client.ts';
import { cleanUp, openClient, startServer } from './server-folder.ts';

afterEach(cleanUp);

const admin = { host: '127.0.0.1', port: 0 };
const urlOf = ({ adminPort }: ZooKeeperServer): string => `http://127.0.0.1:${adminPort}/commands`;

const run = async (server: ZooKeeperServer, command: string): Promise<unknown> => {
  const response = await fetch(`${urlOf(server)}/${command}`);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'application/json',
  ]);
  return response.json();
};

test('there is no endpoint unless it is asked for', async () => {
  expect((await startServer()).adminPort).toBeNull();
});

test('the list of commands leads to each of them, and each answers', async () => {
  const server = await startServer({ admin });
  const page = await (await fetch(urlOf(server))).text();
  const names = [...page.matchAll(/<a href="\/commands\/(\w+)">\1<\/a>/g)].map(([, name]) => name);
  expect(names).toHaveLength(26);
  for (const name of names) {
    const error = { leader: 'server is not initialized', set_trace_mask: expect.any(String) };
    expect(await run(server, name as string)).toMatchObject({
      command: name,
      error: error[name as keyof typeof error] ?? null,
    });
  }
});

test('commands tell what the words tell', async () => {
  const server = await startServer({ admin, settingsText: 'a=b\n' });
  const client = openClient(server);
  const { sessionId } = await client.handshake();
  client.create('/e', createFlags.ephemeral);
  await client.reply();
  expect(await run(server, 'stat')).toMatchObject({
    command: 'stats',
    error: null,
    read_only: false,
    node_count: 6,
    server_stats: { server_state: 'standalone', last_processed_zxid: 2 },
    connections: [{ packets_received: 2, packets_sent: 2, interest_ops: 1 }],
    secure_connections: [],
  });
  // A session's id is above what JavaScript's JSON can hold.
  const dump = await (await fetch(`${urlOf(server)}/dump`)).text();
  expect(dump).toContain(`[ ${sessionId} ]`);
  expect(dump).toContain(`"${sessionId}" : [ "/e" ]`);
  expect(await run(server, 'mntr')).toMatchObject({ znode_count: 6, ephemerals_count: 1 });
  expect(await run(server, 'icfg')).toMatchObject({ initial_configuration: 'a=b\n' });
  expect(await run(server, 'lsnp')).toMatchObject({ zxid: '0', timestamp: expect.any(Number) });
  expect(await run(server, 'stmk?traceMask=5')).toMatchObject({ tracemask: 5 });
  expect(await run(server, 'gtmk')).toMatchObject({ tracemask: 5 });
  expect(await run(server, 'nosuch')).toEqual({
    command: 'nosuch',
    error: 'Unknown command: nosuch',
  });
});

test('what is no request for a command is refused', async () => {
  const server = await startServer({ admin });
  const port = server.adminPort ?? 0;
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  expect((await fetch(`${urlOf(server)}/ruok`, { method: 'POST' })).status).toBe(405);
  for (const bytes of ['\r\n\r\n', 'GET\r\n\r\n', 'GET /../x y\r\n\r\n', 'x'.repeat(9000)]) {
    expect(await ask(port, Buffer.from(bytes))).toMatch(/^HTTP\/1\.1 400 /);
  }
  // A head that stops in its middle is dropped.
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end('GET /commands HT'));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
  expect(answer).toBe('');
  expect(await run(server, 'ruok')).toEqual({ command: 'ruok', error: null });
});
