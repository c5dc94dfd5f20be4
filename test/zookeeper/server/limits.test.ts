import { realSystem, type System } from '../../../system/system.ts';
import { encodeRequest, openAcl, requests } from '../../../zookeeper/records.ts';
import { startZooKeeperServer } from '../../../zookeeper/server/server.ts';
import { ask, RawClient } from './raw-client.ts';
import { cleanUp, newFolder, openClient, startServer } from './server-folder.ts';

afterEach(cleanUp);

interface ServerStats {
  readonly server_stats: { readonly outstanding_requests: number };
}

/** A system whose syncs wait while `gate` is set. */
const gatedSystem = (gate: { closed: Promise<void> | null }): System => {
  const system = realSystem();
  return {
    ...system,
    disk: {
      ...system.disk,
      open: async (path, mode) => {
        const file = await system.disk.open(path, mode);
        const sync = file.sync.bind(file);
        return Object.assign(file, { sync: () => Promise.resolve(gate.closed).then(sync) });
      },
    },
  };
};

test('one address has as many connections as it may, and again when one has gone', async () => {
  const server = await startServer({ connectionsPerAddressMax: 2 });
  const [first, second, third] = [openClient(server), openClient(server), openClient(server)];
  await first.handshake();
  await second.handshake();
  expect(await third.frame()).toBeNull();
  expect(await ask(server.port, Buffer.from('ruok'))).toBe('');
  first.destroy();
  for (;;) {
    const answer = await ask(server.port, Buffer.from('mntr'));
    if (answer === '') continue;
    expect(answer).toMatch(/zk_connection_rejected\t[2-9]/);
    break;
  }
});

test('there are as many connections as there may be altogether', async () => {
  const server = await startServer({ connectionsMax: 1 });
  await openClient(server).handshake();
  expect(await openClient(server).frame()).toBeNull();
});

test('a request as large as jute.maxbuffer is served, a larger one closes the connection', async () => {
  const server = await startServer({ frameBytesMax: 2000 });
  const client = openClient(server);
  await client.handshake();
  const create = (path: string, bytes: number): Buffer => {
    const body = { path, data: Buffer.alloc(bytes), acl: openAcl, flags: 0 };
    return encodeRequest(1, 'create', requests.create, body);
  };
  const overhead = create('/a', 0).length - 4;
  client.send(create('/a', 2000 - overhead));
  expect((await client.reply()).code).toBe(0);
  client.send(create('/b', 2001 - overhead));
  expect(await client.frame()).toBeNull();
});

test('beyond the limit of outstanding requests nobody is read, and all are answered in the end', async () => {
  const gate: { closed: Promise<void> | null } = { closed: null };
  const server = await startZooKeeperServer(gatedSystem(gate), {
    host: '127.0.0.1',
    port: 0,
    dataDir: newFolder(),
    outstandingRequestsMax: 10,
    admin: { host: '127.0.0.1', port: 0 },
  });
  const client = new RawClient(server.port);
  await client.handshake();
  let open = (): void => {};
  gate.closed = new Promise((resolve) => {
    open = resolve;
  });
  for (let count = 0; count < 200; count++) client.create(`/n${count}`);
  const outstanding = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${server.adminPort}/commands/srvr`);
    return ((await answer.json()) as ServerStats).server_stats.outstanding_requests;
  };
  while ((await outstanding()) <= 10);
  for (let count = 0; count < 20; count++) expect(await outstanding()).toBe(11);
  open();
  for (let count = 0; count < 200; count++) expect((await client.reply()).code).toBe(0);
  client.destroy();
  await server.close();
});

test('a client that asks for much and takes nothing does not fill the memory', async () => {
  const server = await startServer();
  const writer = openClient(server);
  await writer.handshake();
  const data = Buffer.alloc(500_000);
  writer.send(
    encodeRequest(1, 'create', requests.create, { path: '/big', data, acl: openAcl, flags: 0 }),
  );
  await writer.reply();
  const greedy = openClient(server);
  await greedy.handshake();
  const before = process.memoryUsage().arrayBuffers;
  greedy.pause();
  const read = encodeRequest(2, 'getData', requests.getData, { path: '/big', watch: false });
  greedy.send(Buffer.concat(Array.from({ length: 600 }, () => read)));
  for (let count = 0; count < 3; count++) await ask(server.port, Buffer.from('ruok'));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60_000_000);
  greedy.resume();
  for (let count = 0; count < 600; count++) expect((await greedy.reply()).code).toBe(0);
});

test('a client that watches without end is cut off, and the others go on', async () => {
  const server = await startServer();
  const client = openClient(server);
  await client.handshake();
  const name = 'x'.repeat(1_000_000);
  for (let count = 0; count < 140; count++) {
    const body = { path: `/${count}${name}`, watch: true };
    client.send(encodeRequest(1, 'exists', requests.exists, body));
  }
  let answers = 0;
  while ((await client.frame()) !== null) answers += 1;
  expect(answers).toBeLessThan(140);
  expect(await ask(server.port, Buffer.from('wchs'))).toContain('Total watches:0\n');
});

test('a large frame in single bytes is put together', async () => {
  const server = await startServer();
  const client = openClient(server);
  await client.handshake();
  const body = { path: '/slow', data: Buffer.alloc(5000, 7), acl: openAcl, flags: 0 };
  for (const byte of encodeRequest(1, 'create', requests.create, body)) {
    client.send(Buffer.from([byte]));
  }
  expect((await client.reply()).code).toBe(0);
});
