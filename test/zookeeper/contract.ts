/** What every ZooKeeperClient does, checked against a real server; each client's test file calls it. */

import { realSystem, type System } from '../../system/system.ts';
import type { ClientOptions } from '../../zookeeper/client.ts';
import { isZooKeeperError, MultiError, ZooKeeperError } from '../../zookeeper/errors.ts';
import type { WatchEvent, ZooKeeperClient } from '../../zookeeper/session.ts';
import { codeOf, Inbox } from './inbox.ts';
import { type Relay, startRelay } from './relay.ts';
import { startTestServer, type TestServer } from './test-server.ts';

type Connect = (system: System, options: ClientOptions) => Promise<ZooKeeperClient>;

const system = realSystem();
const bytes = (text: string): Buffer => Buffer.from(text);

export const describeClient = (name: string, connect: Connect): void => {
  let server: TestServer;
  let proxy: Relay;
  let client: ZooKeeperClient;
  /** Another client, past the proxy, that sees and does what the one under test does not. */
  let observer: ZooKeeperClient;
  let root = '';
  let count = 0;

  const open = (options: Partial<ClientOptions> = {}): Promise<ZooKeeperClient> =>
    connect(system, {
      connectString: `127.0.0.1:${proxy.port}`,
      sessionTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
      ...options,
    });

  beforeAll(async () => {
    server = await startTestServer();
    proxy = await startRelay(server.port);
    observer = await connect(system, {
      connectString: `127.0.0.1:${server.port}`,
      sessionTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
    });
  });

  afterAll(async () => {
    await observer.close();
    await proxy.close();
    await server.close();
  });

  beforeEach(async () => {
    client = await open();
    root = `/${name}-${process.pid}-${count++}`;
    await client.create(root, null);
  });

  afterEach(async () => {
    proxy.isSilent = false;
    proxy.isClosed = false;
    proxy.isSlow = false;
    await client.close();
    await observer.deleteRecursive(root);
  });

  describe('reads and writes', () => {
    test('null and empty data stay apart', async () => {
      await client.create(`${root}/null`, null);
      await client.create(`${root}/empty`, Buffer.alloc(0));
      expect((await client.getData(`${root}/null`)).data).toBeNull();
      expect((await client.getData(`${root}/empty`)).data).toEqual(Buffer.alloc(0));
      await client.setData(`${root}/empty`, null);
      await client.setData(`${root}/null`, Buffer.alloc(0));
      expect((await client.getData(`${root}/empty`)).data).toBeNull();
      expect((await client.getData(`${root}/null`)).data).toEqual(Buffer.alloc(0));
    });

    test('a stat holds what ZooKeeper says', async () => {
      await client.create(`${root}/a`, bytes('one'), { mode: 'ephemeral' });
      const stat = await client.setData(`${root}/a`, bytes('second'), 0);
      expect(stat).toMatchObject({
        version: 1,
        cversion: 0,
        aversion: 0,
        dataLength: 6,
        numChildren: 0,
        ephemeralOwner: client.sessionId,
      });
      expect(stat.czxid > 0n).toBe(true);
      expect(stat.mzxid).toBe(stat.czxid + 1n);
      expect(stat.pzxid).toBe(stat.czxid);
      expect(Math.abs(stat.mtimeMs - Date.now())).toBeLessThan(60_000);
      expect(await client.exists(`${root}/a`)).toEqual(stat);
      expect(await client.getData(`${root}/a`)).toEqual({ data: bytes('second'), stat });
    });

    test('sequential nodes get a number and children come with the stat', async () => {
      const first = await client.create(`${root}/n_`, null, { mode: 'persistent-sequential' });
      const second = await client.create(`${root}/n_`, null, { mode: 'ephemeral-sequential' });
      expect([first, second]).toEqual([`${root}/n_0000000000`, `${root}/n_0000000001`]);
      const { children, stat } = await client.getChildren(root);
      expect(children.sort()).toEqual(['n_0000000000', 'n_0000000001']);
      expect(stat.numChildren).toBe(2);
    });

    test('refusals carry the code and the path', async () => {
      expect(await codeOf(client.create(root, null))).toBe('NODE_EXISTS');
      expect(await codeOf(client.create(`${root}/a/b`, null))).toBe('NO_NODE');
      expect(await codeOf(client.getData(`${root}/a`))).toBe('NO_NODE');
      expect(await codeOf(client.getChildren(`${root}/a`))).toBe('NO_NODE');
      expect(await codeOf(client.setData(root, null, 7))).toBe('BAD_VERSION');
      expect(await codeOf(client.delete(root, 3))).toBe('BAD_VERSION');
      await client.create(`${root}/e`, null, { mode: 'ephemeral' });
      expect(await codeOf(client.create(`${root}/e/x`, null))).toBe('NO_CHILDREN_FOR_EPHEMERALS');
      expect(await codeOf(client.delete(root))).toBe('NOT_EMPTY');
      expect(await codeOf(client.create(`${root}/.`, null))).toBe('BAD_ARGUMENTS');
      await expect(client.delete(`${root}/gone`)).rejects.toMatchObject({ path: `${root}/gone` });
      expect(await client.exists(`${root}/gone`)).toBeNull();
    });

    test('ACLs are written and read', async () => {
      const acl = [{ permissions: 1, scheme: 'world', id: 'anyone' }];
      await client.create(`${root}/a`, null);
      expect((await client.getAcl(`${root}/a`)).acl).toEqual([
        { permissions: 31, scheme: 'world', id: 'anyone' },
      ]);
      expect((await client.setAcl(`${root}/a`, acl, 0)).aversion).toBe(1);
      expect((await client.getAcl(`${root}/a`)).acl).toEqual(acl);
      expect(await codeOf(client.setData(`${root}/a`, null))).toBe('NO_AUTH');
    });

    test('sync is answered', async () => {
      await expect(client.sync('/')).resolves.toBeUndefined();
    });

    test('recursive create makes parents and recursive delete takes everything', async () => {
      expect(await client.createRecursive(`${root}/a/b/c`, bytes('x'))).toBe(`${root}/a/b/c`);
      expect((await client.getData(`${root}/a/b`)).data).toBeNull();
      expect(await codeOf(client.createRecursive(`${root}/a/b/c`, null))).toBe('NODE_EXISTS');
      await client.createRecursive(`${root}/a/d/e`, null);
      await client.deleteRecursive(`${root}/a`);
      expect(await client.exists(`${root}/a`)).toBeNull();
      await expect(client.deleteRecursive(`${root}/a`)).resolves.toBeUndefined();
    });

    test('many requests at once are answered each with its own answer', async () => {
      const names = Array.from({ length: 500 }, (_, index) => `${root}/n${index}`);
      await Promise.all(names.map((path) => client.create(path, bytes(path))));
      const read = await Promise.all(names.map((path) => client.getData(path)));
      expect(read.map(({ data }) => data?.toString())).toEqual(names);
    });

    test('answers in pieces of one byte are put together', async () => {
      proxy.isSlow = true;
      await client.create(`${root}/a`, bytes('x'.repeat(1000)));
      const [one, other] = await Promise.all([client.getData(`${root}/a`), client.exists(root)]);
      expect(one.data?.length).toBe(1000);
      expect(other?.numChildren).toBe(1);
    });

    test('large data comes through', async () => {
      const data = Buffer.alloc(900_000, 7);
      await client.create(`${root}/a`, data);
      expect((await client.getData(`${root}/a`)).data?.equals(data)).toBe(true);
    });
  });

  describe('multi', () => {
    test('all steps are applied and answered', async () => {
      const results = await client.multi([
        { type: 'create', path: `${root}/a`, data: null, mode: 'ephemeral' },
        { type: 'setData', path: `${root}/a`, data: bytes('x'), version: 0 },
        { type: 'check', path: `${root}/a`, version: 1 },
        { type: 'create', path: `${root}/b`, data: bytes('y') },
        { type: 'delete', path: `${root}/b`, version: 0 },
      ]);
      expect(results.map(({ type }) => type)).toEqual([
        'create',
        'setData',
        'check',
        'create',
        'delete',
      ]);
      expect(results[0]).toEqual({ type: 'create', path: `${root}/a` });
      const stat = await client.exists(`${root}/a`);
      expect(results[1]).toEqual({ type: 'setData', stat });
    });

    test('the step that failed is named and nothing is applied', async () => {
      const failed = client.multi([
        { type: 'create', path: `${root}/a`, data: null },
        { type: 'check', path: root, version: 9 },
        { type: 'create', path: `${root}/b`, data: null },
      ]);
      await expect(failed).rejects.toBeInstanceOf(MultiError);
      await expect(failed).rejects.toMatchObject({ code: 'BAD_VERSION', index: 1, path: root });
      expect((await client.getChildren(root)).children).toEqual([]);
    });

    test('version 0 is compared, never taken as any', async () => {
      await client.setData(root, bytes('moved on'));
      const steps = [
        { type: 'check', path: root, version: 0 },
        { type: 'setData', path: root, data: null, version: 0 },
        { type: 'delete', path: root, version: 0 },
      ] as const;
      for (const step of steps) {
        expect(await codeOf(client.multi([step]))).toBe('BAD_VERSION');
        if (step.type !== 'delete') continue;
        expect(await codeOf(client.delete(root, 0))).toBe('BAD_VERSION');
      }
      expect((await client.getData(root)).data?.toString()).toBe('moved on');
    });

    test('an empty multi is nothing', async () => {
      expect(await client.multi([])).toEqual([]);
    });
  });

  describe('watches', () => {
    test('fire once for every read, created, changed, deleted', async () => {
      const path = `${root}/a`;
      const events = new Inbox<WatchEvent>();
      client.watchNode(path, events.put);
      await client.exists(path);
      await observer.create(path, null);
      await events.until(1);
      await observer.setData(path, null);
      await client.getData(path);
      await observer.setData(path, null);
      await events.until(2);
      await client.exists(path);
      await observer.delete(path);
      expect(await events.until(3)).toEqual([
        { type: 'created', path },
        { type: 'dataChanged', path },
        { type: 'deleted', path },
      ]);
    });

    test('are not armed by a read without a handler, nor for children on request', async () => {
      const events = new Inbox<WatchEvent>();
      await client.exists(`${root}/a`);
      client.watchNode(`${root}/a`, events.put);
      client.watchChildren(root, events.put);
      await client.getChildren(root, { watch: false });
      await observer.create(`${root}/a`, null);
      await client.sync(root);
      expect(events.items).toEqual([]);
    });

    test('of children tell of children and of the end of the parent, once', async () => {
      const path = `${root}/p`;
      const events = new Inbox<WatchEvent>();
      await client.create(path, null);
      client.watchChildren(path, events.put);
      client.watchNode(path, events.put);
      await client.getChildren(path);
      await observer.create(`${path}/c`, null);
      await events.until(1);
      await client.getChildren(path);
      await client.exists(path);
      await observer.deleteRecursive(path);
      await events.until(2);
      await client.getChildren(root);
      await client.sync(root);
      const types = events.items.map(({ type }) => type);
      expect(types[0]).toBe('childrenChanged');
      expect(types.filter((type) => type === 'deleted')).toHaveLength(1);
    });

    test('a handler that was ended is not called, one that throws does no harm', async () => {
      const ended = new Inbox<WatchEvent>();
      const events = new Inbox<WatchEvent>();
      const end = client.watchNode(root, ended.put);
      client.watchNode(root, () => {
        throw new Error('a handler of the test');
      });
      client.watchNode(root, events.put);
      await client.exists(root);
      end();
      await observer.setData(root, null);
      await events.until(1);
      expect(ended.items).toEqual([]);
      expect(await client.exists(root)).not.toBeNull();
    });
  });

  describe('a lost connection', () => {
    test('is made again within the session; requests wait for it', async () => {
      const id = client.sessionId;
      const states = new Inbox<string>();
      client.onSession({
        connected: () => states.put('connected'),
        disconnected: () => states.put('disconnected'),
        expired: () => states.put('expired'),
      });
      await client.create(`${root}/e`, null, { mode: 'ephemeral' });
      proxy.isClosed = true;
      proxy.cut();
      await states.until(1);
      expect(client.isConnected).toBe(false);
      const pending = client.getData(`${root}/e`);
      proxy.isClosed = false;
      expect((await pending).stat.ephemeralOwner).toBe(id);
      expect(await states.until(2)).toEqual(['disconnected', 'connected']);
      expect(client.sessionId).toBe(id);
    });

    test('has requests sent again that were not answered', async () => {
      proxy.isSilent = true;
      const paths = Array.from({ length: 20 }, (_, index) => `${root}/n${index}`);
      const pending = paths.map((path) => client.exists(path));
      proxy.cut();
      proxy.isSilent = false;
      expect(await Promise.all(pending)).toEqual(paths.map(() => null));
    });

    test('costs no event: what was missed is told before the next answer', async () => {
      const events = new Inbox<WatchEvent>();
      const paths = ['changed', 'deleted', 'created', 'parent', 'same'].map((n) => `${root}/${n}`);
      const [changed, deleted, created, parent, same] = paths as [
        string,
        string,
        string,
        string,
        string,
      ];
      for (const path of [changed, deleted, parent, same]) await client.create(path, null);
      for (const path of paths) client.watchNode(path, events.put);
      client.watchChildren(parent, events.put);
      client.watchChildren(deleted, events.put);
      for (const path of paths) await client.exists(path);
      await client.getChildren(parent);
      await client.getChildren(deleted);
      const states = new Inbox<string>();
      client.onSession({ disconnected: () => states.put('disconnected') });
      proxy.isClosed = true;
      proxy.cut();
      await states.until(1);
      await observer.setData(changed, bytes('x'));
      await observer.delete(deleted);
      await observer.create(created, null);
      await observer.create(`${parent}/c`, null);
      proxy.isClosed = false;
      await client.exists(root);
      const found = events.items.map(({ type, path }) => `${type} ${path.slice(root.length + 1)}`);
      expect(found.sort()).toEqual([
        'childrenChanged parent',
        'created created',
        'dataChanged changed',
        'deleted deleted',
      ]);
      await observer.setData(same, null);
      expect((await events.until(5)).at(-1)).toEqual({ type: 'dataChanged', path: same });
    });

    test('that is merely silent is noticed and replaced', async () => {
      await client.close();
      client = await open({ sessionTimeoutMs: 1500 });
      const id = client.sessionId;
      const states = new Inbox<string>();
      client.onSession({
        disconnected: () => states.put('disconnected'),
        connected: () => states.put('connected'),
      });
      proxy.isSilent = true;
      const pending = client.exists(root);
      await states.until(1);
      proxy.isSilent = false;
      expect(await pending).not.toBeNull();
      expect(client.sessionId).toBe(id);
    });
  });

  describe('the session', () => {
    test('expires at the server, is told, and is followed by a new one', async () => {
      await client.close();
      client = await open({ sessionTimeoutMs: 1000 });
      const id = client.sessionId;
      const events = new Inbox<WatchEvent>();
      const states = new Inbox<string>();
      client.watchNode(root, events.put);
      await client.exists(root);
      let duringExpiry = '';
      client.onSession({
        expired: async () => {
          duringExpiry = await codeOf(client.exists(root));
          states.put('expired');
        },
        established: () => states.put('established'),
      });
      const gone = new Inbox<WatchEvent>();
      await client.create(`${root}/e`, null, { mode: 'ephemeral' });
      observer.watchNode(`${root}/e`, gone.put);
      await observer.exists(`${root}/e`);
      proxy.isClosed = true;
      proxy.cut();
      const pending = codeOf(client.setData(root, bytes('too late')));
      await gone.until(1);
      proxy.isClosed = false;
      expect(await states.until(2)).toEqual(['expired', 'established']);
      expect(await pending).toBe('SESSION_EXPIRED');
      expect(duringExpiry).toBe('SESSION_EXPIRED');
      expect(client.sessionId).not.toBe(id);
      await observer.setData(root, null);
      await client.sync(root);
      expect(events.items).toEqual([]);
      await client.exists(root);
      await observer.setData(root, null);
      expect(await events.until(1)).toEqual([{ type: 'dataChanged', path: root }]);
    });

    test('ends with close: ephemeral nodes go, later requests are refused', async () => {
      await client.create(`${root}/e`, null, { mode: 'ephemeral' });
      const before = client.exists(root);
      await client.close();
      expect(await before).not.toBeNull();
      expect(await observer.exists(`${root}/e`)).toBeNull();
      expect(await codeOf(client.exists(root))).toBe('SESSION_EXPIRED');
      await expect(client.close()).resolves.toBeUndefined();
    });

    test('close without a connection rejects what waits and returns', async () => {
      proxy.isClosed = true;
      proxy.cut();
      const pending = codeOf(client.exists(root));
      await client.close();
      expect(await pending).toBe('SESSION_EXPIRED');
    });

    test('is not there in time: connecting fails', async () => {
      proxy.isClosed = true;
      await expect(open({ connectionTimeoutMs: 100 })).rejects.toMatchObject({
        code: 'OPERATION_TIMEOUT',
      });
    });

    test('stays alive while idle', async () => {
      await client.close();
      client = await open({ sessionTimeoutMs: 1000 });
      const id = client.sessionId;
      await client.create(`${root}/idle`, null, { mode: 'ephemeral' });
      // How long that takes is measured by a session of the same length that cannot be kept alive.
      const broken = await startRelay(server.port);
      const doomed = await connect(system, {
        connectString: `127.0.0.1:${broken.port}`,
        sessionTimeoutMs: 1000,
        connectionTimeoutMs: 5000,
      });
      await doomed.create(`${root}/doomed`, null, { mode: 'ephemeral' });
      broken.isClosed = true;
      broken.cut();
      const gone = new Inbox<WatchEvent>();
      observer.watchNode(`${root}/doomed`, gone.put);
      await observer.exists(`${root}/doomed`);
      await gone.until(1);
      expect((await observer.exists(`${root}/idle`))?.ephemeralOwner).toBe(id);
      await doomed.close();
      await broken.close();
    });
  });

  describe('the connect string', () => {
    test('puts everything below the chroot, which is made on request', async () => {
      const chroot = `${root}/k/r`;
      const connectString = `127.0.0.1:${proxy.port}${chroot}`;
      const inside = await open({ connectString, createsChroot: true });
      const events = new Inbox<WatchEvent>();
      expect(await inside.create('/a', bytes('x'))).toBe('/a');
      inside.watchNode('/a', events.put);
      inside.watchChildren('/', events.put);
      expect((await inside.getChildren('/')).children).toEqual(['a']);
      await inside.getData('/a');
      const results = await inside.multi([
        { type: 'check', path: '/a', version: 0 },
        { type: 'create', path: '/b', data: null },
        { type: 'setData', path: '/a', data: null, version: 0 },
      ]);
      expect(results[1]).toEqual({ type: 'create', path: '/b' });
      await events.until(2);
      expect(events.items.map(({ type, path }) => `${type} ${path}`).sort()).toEqual([
        'childrenChanged /',
        'dataChanged /a',
      ]);
      await expect(inside.getData('/none')).rejects.toMatchObject({ path: '/none' });
      await expect(
        inside.multi([{ type: 'check', path: '/none', version: 0 }]),
      ).rejects.toMatchObject({ path: '/none' });
      await inside.close();
      expect((await observer.getChildren(chroot)).children.sort()).toEqual(['a', 'b']);
    });

    test('names several servers: those that are down are passed over', async () => {
      const spare = await startRelay(server.port);
      await spare.close();
      const several = await open({
        connectString: `127.0.0.1:${spare.port},127.0.0.1:${proxy.port}`,
      });
      expect(await several.exists(root)).not.toBeNull();
      await several.close();
    });

    test('credentials hold for the first request and after a reconnect', async () => {
      const credentials = [{ scheme: 'digest', auth: bytes('bob:secret') }];
      const bob = await open({ credentials });
      const acl = [{ permissions: 31, scheme: 'auth', id: '' }];
      await bob.create(`${root}/mine`, bytes('x'), { acl });
      expect((await bob.getAcl(`${root}/mine`)).acl).toEqual([
        { permissions: 31, scheme: 'digest', id: 'bob:fyVmFCwVbTJYrznoSu1koqYEYF0=' },
      ]);
      expect(await codeOf(client.getData(`${root}/mine`))).toBe('NO_AUTH');
      proxy.cut();
      expect((await bob.getData(`${root}/mine`)).data?.toString()).toBe('x');
      await bob.delete(`${root}/mine`);
      await bob.close();
    });
  });

  test('errors can be told apart by code', () => {
    const error = new ZooKeeperError('NO_NODE', '/a');
    expect(isZooKeeperError(error, 'NODE_EXISTS', 'NO_NODE')).toBe(true);
    expect(isZooKeeperError(error, 'NODE_EXISTS')).toBe(false);
    expect(isZooKeeperError(new Error('NO_NODE'), 'NO_NODE')).toBe(false);
  });
};
