/** Watches and lost connections of a ZooKeeperClient: no event is missed, no request is forgotten. */
import type { WatchEvent } from '../../../zookeeper/session.ts';
import { Inbox } from '../inbox.ts';
import type { SetUp } from './set-up.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

export const describeConnections = (given: SetUp): void => {
  describe('watches', () => {
    test('fire once for every read, created, changed, deleted', async () => {
      const { client, observer, root } = given;
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
      const { client, observer, root } = given;
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
      const { client, observer, root } = given;
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
      const { client, observer, root } = given;
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
      const { client, proxy, root } = given;
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
      const { client, proxy, root } = given;
      proxy.isSilent = true;
      const paths = Array.from({ length: 20 }, (_, index) => `${root}/n${index}`);
      const pending = paths.map((path) => client.exists(path));
      proxy.cut();
      proxy.isSilent = false;
      expect(await Promise.all(pending)).toEqual(paths.map(() => null));
    });

    test('costs no event: what was missed is told before the next answer', async () => {
      const { client, observer, proxy, root } = given;
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
      const { proxy, root } = given;
      const client = await given.reopen({ sessionTimeoutMs: 1500 });
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
};
