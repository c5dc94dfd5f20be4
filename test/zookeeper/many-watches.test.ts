/** Ten thousand watched nodes over a lost connection: nothing missed, nothing twice, and all of them armed again. */
import { realSystem } from '../../system/system.ts';
import { connectNodeClient } from '../../zookeeper/node-client.ts';
import type { Operation, WatchEvent, ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { Inbox } from './inbox.ts';
import { type Relay, startRelay } from './relay.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const COUNT = 10_000;
const STEPS_MAX = 500;
/** More than a megabyte of paths, which is more than a server takes in one packet. */
const PATH_FILLER = 'x'.repeat(100);

describe.each([
  ['node-zookeeper-client', connectNodeClient],
  ['our own connection', connectWireClient],
])('ten thousand watches over %s', (_name, connect) => {
  let server: TestServer;
  let relay: Relay;
  let client: ZooKeeperClient;
  let observer: ZooKeeperClient;

  const open = (port: number): Promise<ZooKeeperClient> =>
    connect(realSystem(), {
      connectString: `127.0.0.1:${port}`,
      sessionTimeoutMs: 30_000,
      connectionTimeoutMs: 30_000,
    });

  beforeAll(async () => {
    server = await startTestServer();
    relay = await startRelay(server.port);
    client = await open(relay.port);
    observer = await open(server.port);
  });

  afterAll(async () => {
    await Promise.all([client.close(), observer.close()]);
    await relay.close();
    await server.close();
  });

  /** One step per path, in as few transactions as may be. */
  const apply = async (paths: readonly string[], step: (path: string) => Operation) => {
    for (let from = 0; from < paths.length; from += STEPS_MAX)
      await observer.multi(paths.slice(from, from + STEPS_MAX).map(step));
  };
  const create = (path: string): Operation => ({ type: 'create', path, data: null });
  const change = (path: string): Operation => ({
    type: 'setData',
    path,
    data: Buffer.from('new'),
    version: -1,
  });
  const remove = (path: string): Operation => ({ type: 'delete', path, version: -1 });

  test('survive a reconnect', async () => {
    const root = await client.create('/many-', null, { mode: 'persistent-sequential' });
    const paths = Array.from({ length: COUNT }, (_, index) => `${root}/${PATH_FILLER}-${index}`);
    const every = (rest: number): string[] => paths.filter((_, index) => index % 100 === rest);
    const absent = new Set(every(3));
    await apply(
      paths.filter((path) => !absent.has(path)),
      create,
    );
    const events = new Inbox<WatchEvent>();
    for (const path of paths) client.watchNode(path, events.put);
    for (const path of every(4)) client.watchChildren(path, events.put);
    await Promise.all(paths.map((path) => client.exists(path)));
    await Promise.all(every(4).map((path) => client.getChildren(path)));

    const states = new Inbox<string>();
    client.onSession({ disconnected: () => states.put('disconnected') });
    relay.isClosed = true;
    relay.cut();
    await states.until(1);
    await apply(every(1), change);
    await apply(every(2), remove);
    await apply(every(3), create);
    await apply(
      every(4).map((path) => `${path}/child`),
      create,
    );
    relay.isClosed = false;
    await client.sync(root);
    const expected = [
      ...every(1).map((path) => `dataChanged ${path}`),
      ...every(2).map((path) => `deleted ${path}`),
      ...every(3).map((path) => `created ${path}`),
      ...every(4).map((path) => `childrenChanged ${path}`),
    ];
    const told = events.items.splice(0).map(({ type, path }) => `${type} ${path}`);
    expect(told.sort()).toEqual(expected.sort());

    const untouched = paths.filter((_, index) => index % 100 > 4);
    await apply(untouched, change);
    await events.until(untouched.length);
    await client.sync(root);
    expect(new Set(events.items.map(({ path }) => path))).toEqual(new Set(untouched));
    expect(events.items).toHaveLength(untouched.length);
  });
});
