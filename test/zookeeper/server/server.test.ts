import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk, DiskFile } from '../../../system/disk.ts';
import { realSystem, type System } from '../../../system/system.ts';
import {
  createFlags,
  encodeRequest,
  openAcl,
  requests,
  responses,
} from '../../../zookeeper/records.ts';
import type { ZooKeeperServerOptions } from '../../../zookeeper/server/options.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../../../zookeeper/server/server.ts';
import { ask, RawClient } from './raw-client.ts';

const system = realSystem();
let dataDir = '';
let server: ZooKeeperServer | null = null;
const clients: RawClient[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'zookeeper-server-'));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server?.close();
  server = null;
  await rm(dataDir, { recursive: true });
});

const start = async (
  options: Partial<ZooKeeperServerOptions> = {},
  on: System = system,
): Promise<ZooKeeperServer> => {
  server = await startZooKeeperServer(on, { host: '127.0.0.1', port: 0, dataDir, ...options });
  return server;
};

const open = (port: number): RawClient => {
  const client = new RawClient(port);
  clients.push(client);
  return client;
};

/** A system whose files run `beforeSync` before each sync. */
const systemWithSync = (beforeSync: () => Promise<void>): System => {
  const wrap = (file: DiskFile): DiskFile => {
    const sync = file.sync.bind(file);
    return Object.assign(file, { sync: () => beforeSync().then(sync) });
  };
  const disk: Disk = {
    ...system.disk,
    open: async (path, mode) => wrap(await system.disk.open(path, mode)),
  };
  return { ...system, disk };
};

test('pipelined requests are answered in order', async () => {
  const client = open((await start()).port);
  await client.handshake();
  for (let count = 0; count < 300; count++) {
    client.create(`/n${count}`);
    client.exists(`/n${count}`);
  }
  for (let xid = 1; xid <= 600; xid++) {
    expect(await client.reply()).toMatchObject({ xid, code: 0 });
  }
});

test('a killed server comes back with sessions, ephemeral nodes and zxid', async () => {
  const first = await start();
  const client = open(first.port);
  const session = await client.handshake();
  client.create('/e', createFlags.ephemeral);
  const { zxid } = await client.reply();
  first.kill();
  expect(await client.frame()).toBeNull();
  const again = open((await start()).port);
  expect((await again.handshake(session)).sessionId).toBe(session.sessionId);
  again.exists('/e');
  const reply = await again.reply();
  expect(reply.zxid).toBe(zxid);
  const { stat } = responses.exists.read(reply.body);
  expect(stat).toMatchObject({ czxid: zxid, ephemeralOwner: session.sessionId });
});

test('nothing is answered before it is on disk, and reads wait behind writes', async () => {
  let letGo = (): void => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isHeld = false;
  const held = systemWithSync(async () => {
    if (isHeld) await gate;
  });
  const { port } = await start({}, held);
  const client = open(port);
  const reader = open(port);
  await client.handshake();
  await reader.handshake();
  isHeld = true;
  client.create('/x');
  // Whoever sees the write in the tree is behind it in the queue; the four-letter word's answer is, too.
  const word = ask(port, Buffer.from('ruok'));
  reader.exists('/x');
  let answers = 0;
  const all = [client.reply(), reader.reply(), word].map(async (answer) => {
    await answer;
    answers += 1;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(answers).toBe(0);
  letGo();
  await Promise.all(all);
});

test('a disk that fails stops the server, and nobody is answered', async () => {
  let isBroken = false;
  const broken = systemWithSync(async () => {
    if (isBroken) throw new Error('EIO');
  });
  const onFailure = jest.fn();
  const { port } = await start({ onFailure }, broken);
  const client = open(port);
  await client.handshake();
  isBroken = true;
  client.create('/x');
  expect(await client.frame()).toBeNull();
  expect(onFailure).toHaveBeenCalledTimes(1);
});

test('snapshots let old log files go, and hold what is needed', async () => {
  const first = await start({ snapshotTransactionCount: 20, syncs: false });
  const client = open(first.port);
  await client.handshake();
  const files = (): Promise<string[]> => readdir(join(dataDir, 'version-2'));
  // A slow disk still writes one snapshot while many transactions pass.
  let count = 0;
  while (count < 200 || (await files()).includes('log.1')) {
    client.create(`/n${count++}`);
    await client.reply();
  }
  await first.close();
  const snapshots = (await files()).filter((name) => name.startsWith('snapshot.'));
  expect(snapshots.length).toBeLessThanOrEqual(3);
  const again = open((await start()).port);
  await again.handshake();
  for (const path of ['/n0', `/n${count - 1}`]) {
    again.exists(path);
    expect((await again.reply()).code).toBe(0);
  }
});

test('a directory serves one server at a time', async () => {
  await start();
  const options = { host: '127.0.0.1', port: 0, dataDir };
  await expect(startZooKeeperServer(system, options)).rejects.toThrow('in use');
});

test('four-letter words are answered, anything else that is no frame is closed', async () => {
  const { port } = await start();
  expect(await ask(port, Buffer.from('ruok'))).toBe('imok');
  expect(await ask(port, Buffer.from('isro'))).toBe('rw');
  expect(await ask(port, Buffer.from('srvr'))).toContain('Mode: standalone\nNode count: 5\n');
  expect(await ask(port, Buffer.from('mntr'))).toContain('zk_znode_count\t5\n');
  expect(await ask(port, Buffer.from('GET / HTTP/1.1\r\n'))).toBe('');
});

test('frames beyond the limit, empty ones and garbage close the connection, and the server goes on', async () => {
  const { port } = await start();
  const length = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };
  for (const bytes of [length(0x100000), length(0), length(-1)]) {
    expect(await ask(port, bytes)).toBe('');
    const client = open(port);
    await client.handshake();
    client.send(bytes);
    expect(await client.frame()).toBeNull();
  }
  let seed = 7;
  for (let round = 0; round < 30; round++) {
    const client = open(port);
    await client.handshake();
    const garbage = Buffer.alloc(60, 0);
    for (let index = 0; index < 60; index++) {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      garbage[index] = seed >> 16;
    }
    garbage.writeInt32BE(round % 25, 4);
    client.send(length(60), garbage, length(0));
    for (let frame = await client.frame(); frame !== null; ) frame = await client.frame();
  }
  expect(await ask(port, Buffer.from('ruok'))).toBe('imok');
});

test('requests that come in single bytes, or before the end of the stream, are carried out', async () => {
  const { port } = await start();
  const client = open(port);
  await client.handshake();
  const body = { path: '/slow', data: null, acl: openAcl, flags: 0 };
  for (const byte of encodeRequest(1, 'create', requests.create, body)) {
    client.send(Buffer.from([byte]));
  }
  expect((await client.reply()).code).toBe(0);
  const close = encodeRequest(2, 'closeSession', requests.closeSession, {});
  client.send(close);
  expect((await client.reply()).code).toBe(0);
  expect(await client.frame()).toBeNull();
});
