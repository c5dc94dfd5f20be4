/**
 * Data directories change hands between the embedded server and real ones, and back, after a clean end and after kill -9: nodes
 * with their stats, access lists, sessions that go on, and the next zxid.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { realSystem } from '../../system/system.ts';
import { isZooKeeperError } from '../../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { freePorts } from '../support/free-ports.ts';
import { cleanUp, newFolder, type Server, startServer } from './processes.ts';
import { commandOf, describeWith, type Software } from './software.ts';
import type { ServerKind } from './zookeepers.ts';

const DIST = process.env.BARNABAS_DIST ?? resolve('dist');
const STEP_MS_MAX = 120_000;

const commandFor = (kind: ServerKind): string[] =>
  kind === 'embedded'
    ? [process.execPath, join(DIST, 'tools/zookeeper-server.js')]
    : commandOf(kind).split(' ');

/** One data directory, and whoever serves it. */
class Directory {
  readonly port: number;
  readonly #settings: string;
  #server: Server | null = null;

  constructor(port: number) {
    const folder = newFolder();
    this.port = port;
    this.#settings = join(folder, 'zoo.cfg');
    for (const name of ['data', 'logs']) mkdirSync(join(folder, name));
    const lines = [
      ...[`dataDir=${folder}/data`, `dataLogDir=${folder}/logs`, 'snapCount=20'],
      ...[`clientPort=${port}`, 'clientPortAddress=127.0.0.1', 'tickTime=3000'],
      ...['admin.enableServer=false', 'maxClientCnxns=0', ''],
    ];
    writeFileSync(this.#settings, lines.join('\n'));
  }

  serve(kind: ServerKind): void {
    const [program = '', ...leading] = commandFor(kind);
    this.#server = startServer(program, [...leading, this.#settings]);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    await this.#server?.end(signal);
  }
}

/**
 * The address several times, because a client waits for an answer that share of its session: ZooKeeper may accept a connection
 * while it starts, and then never answer on it.
 */
const connect = (port: number): Promise<ZooKeeperClient> =>
  connectWireClient(realSystem(), {
    connectString: Array.from({ length: 10 }, () => `127.0.0.1:${port}`).join(','),
    sessionTimeoutMs: 60_000,
    connectionTimeoutMs: 50_000,
  });

const digest = { permissions: 31, scheme: 'digest', id: 'bob:fyVmFCwVbTJYrznoSu1koqYEYF0=' };
const anyone = { permissions: 1, scheme: 'world', id: 'anyone' };

/** Something of everything that a log can hold; enough for snapshots in between. */
const fill = async (client: ZooKeeperClient, name: string): Promise<void> => {
  const root = `/${name}`;
  await client.create(root, null);
  await client.create(`${root}/empty`, Buffer.alloc(0));
  await client.create(`${root}/secret`, Buffer.from('s'), { acl: [anyone, digest] });
  await client.setAcl(`${root}/empty`, [anyone], 0);
  await client.create(`${root}/ephemeral`, Buffer.from('e'), { mode: 'ephemeral' });
  for (let count = 0; count < 30; count++) {
    await client.create(`${root}/n-`, Buffer.from(`${count}`), { mode: 'persistent-sequential' });
    await client.setData(root, Buffer.from(`data ${count}`));
  }
  await client.delete(`${root}/n-0000000004`);
  await client.multi([
    { type: 'check', path: root, version: 30 },
    { type: 'create', path: `${root}/multi`, data: Buffer.from('m') },
    { type: 'setData', path: `${root}/multi`, data: null, version: 0 },
    { type: 'delete', path: `${root}/n-0000000005`, version: -1 },
  ]);
  await expectRefusal(() => client.create(root, null));
  await expectRefusal(() =>
    client.multi([
      { type: 'delete', path: `${root}/multi`, version: -1 },
      { type: 'check', path: root, version: 99 },
    ]),
  );
};

const expectRefusal = async (request: () => Promise<unknown>): Promise<void> => {
  const error: unknown = await request().then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(isZooKeeperError(error, 'NODE_EXISTS', 'BAD_VERSION')).toBe(true);
};

/** Every node below `path` with all that can be read of it. */
const contents = async (client: ZooKeeperClient, path: string): Promise<unknown[]> => {
  const { data, stat } = await client.getData(path);
  const { acl } = await client.getAcl(path);
  const { children } = await client.getChildren(path, { watch: false });
  const below: unknown[] = [];
  for (const name of children.sort()) {
    if (path === '/' && name === 'zookeeper') continue;
    below.push(...(await contents(client, path === '/' ? `/${name}` : `${path}/${name}`)));
  }
  return [{ path, data, stat, acl }, ...below];
};

const reals: readonly (readonly [Software & ServerKind, string])[] = [
  ['ZOOKEEPER', 'ZooKeeper 3.8.4'],
  ['DEBIAN_ZOOKEEPER', "Debian's ZooKeeper"],
];

describe.each(reals)('%s', (real, name) => {
  describeWith(real, `directories of the embedded server and ${name}`, () => {
    afterEach(cleanUp);

    test.each<[ServerKind, ServerKind, NodeJS.Signals]>([
      ['embedded', real, 'SIGTERM'],
      ['embedded', real, 'SIGKILL'],
      [real, 'embedded', 'SIGTERM'],
      [real, 'embedded', 'SIGKILL'],
    ])(
      'what %s wrote, %s serves, and back (%s)',
      async (writer, reader, signal) => {
        const [port = 0] = await freePorts(1);
        const directory = new Directory(port);
        directory.serve(writer);
        const client = await connect(port);
        const { sessionId } = client;
        let count = 0;
        for (const next of [reader, writer, reader]) {
          await fill(client, `round-${count++}`);
          const before = await contents(client, '/');
          const { mzxid } = await client.setData('/round-0', Buffer.from(`last ${count}`));
          const whole = await contents(client, '/');
          expect(whole.length).toBe(before.length);
          await directory.end(signal);
          directory.serve(next);
          // The session goes on: its ephemeral nodes are part of what is compared.
          expect(await contents(client, '/')).toEqual(whole);
          expect(client.sessionId).toBe(sessionId);
          const stat = await client.setData('/round-0', Buffer.from(`next ${count}`));
          expect(stat.mzxid).toBe(mzxid + 1n);
        }
        await client.close();
        const after = await connect(port);
        expect(await after.exists('/round-0/ephemeral')).toBeNull();
        expect(await after.exists('/round-2/multi')).not.toBeNull();
        await after.close();
      },
      STEP_MS_MAX,
    );
  });
});
