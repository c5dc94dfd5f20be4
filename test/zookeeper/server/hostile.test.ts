/** Bytes that no client sends, made of bytes that clients do send: each may cost its connection, never the server. */
import type { JuteWriter } from '../../../zookeeper/jute.ts';
import { multiRequest } from '../../../zookeeper/multi-records.ts';
import {
  connectRequest,
  encodeFrame,
  type OpName,
  opCodes,
  openAcl,
  requests,
} from '../../../zookeeper/records.ts';
import { type SeededRandom, seededRandom } from '../../simulation/random.ts';
import { ask, type RawClient } from './raw-client.ts';
import { cleanUp, openClient, startServer } from './server-folder.ts';

afterEach(cleanUp);

const ROUNDS = 150;
const REQUESTS = 20;

const frameOf = (op: OpName, write: (writer: JuteWriter) => void): Buffer =>
  encodeFrame((writer) => {
    writer.int(1);
    writer.int(opCodes[op]);
    write(writer);
  });

const path = '/a/b';
const data = Buffer.from('some data');
const created = { path, data, acl: openAcl, flags: 0 };

const frames: readonly Buffer[] = [
  frameOf('create', (writer) => requests.create.write(writer, created)),
  frameOf('create2', (writer) => requests.create.write(writer, { ...created, flags: 3 })),
  frameOf('createContainer', (writer) => requests.create.write(writer, { ...created, flags: 4 })),
  frameOf('createTtl', (writer) => {
    requests.create.write(writer, { ...created, flags: 5 });
    writer.long(1000n);
  }),
  frameOf('delete', (writer) => requests.delete.write(writer, { path, version: 0 })),
  frameOf('getData', (writer) => requests.getData.write(writer, { path, watch: true })),
  frameOf('exists', (writer) => requests.exists.write(writer, { path, watch: true })),
  frameOf('setData', (writer) => requests.setData.write(writer, { path, data, version: -1 })),
  frameOf('getAcl', (writer) => requests.getAcl.write(writer, { path })),
  frameOf('setAcl', (writer) => requests.setAcl.write(writer, { path, acl: openAcl, version: -1 })),
  frameOf('multi', (writer) =>
    multiRequest.write(writer, [
      { type: 'create', request: created },
      { type: 'setData', request: { path, data, version: 0 } },
      { type: 'check', request: { path, version: 1 } },
      { type: 'delete', request: { path, version: -1 } },
    ]),
  ),
  frameOf('setWatches', (writer) =>
    requests.setWatches.write(writer, { relativeZxid: 0n, data: [path], exist: [], child: ['/'] }),
  ),
  frameOf('addWatch', (writer) => requests.addWatch.write(writer, { path, mode: 1 })),
  frameOf('auth', (writer) =>
    requests.auth.write(writer, { type: 0, scheme: 'digest', auth: Buffer.from('a:b') }),
  ),
  frameOf('getEphemerals', (writer) => writer.text('/')),
  frameOf('ping', () => {}),
];

const handshake = encodeFrame((writer) =>
  connectRequest.write(writer, {
    protocolVersion: 0,
    lastZxidSeen: 0n,
    timeoutMs: 10_000,
    sessionId: 0n,
    password: Buffer.alloc(16),
    readOnly: false,
  }),
);

/** A frame with a few bytes changed, cut or lengthened; its length is right, mostly. */
const mutated = (frame: Buffer, random: SeededRandom): Buffer => {
  const cut = random.chance(0.2) ? 4 + random.int(frame.length - 4) : frame.length;
  const bytes = Buffer.concat([frame.subarray(0, cut), random.bytes(random.chance(0.2) ? 9 : 0)]);
  for (let count = random.int(4); count > 0; count--) {
    const at = 4 + random.int(Math.max(1, bytes.length - 4));
    if (at < bytes.length) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.int(256)]);
  }
  bytes.writeInt32BE(bytes.length - 4, 0);
  if (random.chance(0.01)) bytes[random.int(4)] = random.int(256);
  return bytes;
};

const untilEnd = async (client: RawClient): Promise<void> => {
  client.end();
  while ((await client.frame()) !== null);
};

test('requests with bytes that have changed are answered or end the connection', async () => {
  const server = await startServer();
  const random = seededRandom(11);
  for (let round = 0; round < ROUNDS; round++) {
    const client = openClient(server);
    await client.handshake();
    const sent = Array.from({ length: REQUESTS }, () => mutated(random.pick(frames), random));
    client.send(
      ...sent,
      frameOf('closeSession', () => {}),
      Buffer.alloc(4),
    );
    await untilEnd(client);
  }
  expect(await ask(server.port, Buffer.from('ruok'))).toBe('imok');
});

test('handshakes with bytes that have changed are answered or end the connection', async () => {
  const server = await startServer();
  const random = seededRandom(12);
  for (let round = 0; round < ROUNDS; round++) {
    const client = openClient(server);
    client.send(
      mutated(handshake, random),
      frameOf('closeSession', () => {}),
      Buffer.alloc(4),
    );
    await untilEnd(client);
  }
  expect(await ask(server.port, Buffer.from('ruok'))).toBe('imok');
});

test('what a hostile client has written is there after a restart', async () => {
  const server = await startServer();
  const random = seededRandom(13);
  const client = openClient(server);
  await client.handshake();
  const writes = frames.slice(0, 11);
  for (let count = 0; count < 500; count++) {
    client.send(mutated(random.pick(writes), random));
  }
  client.send(Buffer.alloc(4));
  await untilEnd(client);
  const zxidOf = async (port: number): Promise<string | undefined> =>
    /Zxid: (\w+)/.exec(await ask(port, Buffer.from('srvr')))?.[1];
  const before = await zxidOf(server.port);
  const dataDir = /dataDir=(.*)\/version-2/.exec(await ask(server.port, Buffer.from('conf')))?.[1];
  await server.close();
  const again = await startServer({ dataDir: dataDir as string });
  expect(await zxidOf(again.port)).toBe(before);
});
