/** A ZooKeeperClient's session from beginning to end: expiry, close, chroot, several servers, credentials. */
import type { WatchEvent } from '../../../zookeeper/session.ts';
import { codeOf, Inbox } from '../inbox.ts';
import { startRelay } from '../relay.ts';
import type { SetUp } from './set-up.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

export const describeSessions = (given: SetUp): void => {
  describe('the session', () => {
    test('expires at the server, is told, and is followed by a new one', async () => {
      const { observer, proxy, root } = given;
      const client = await given.reopen({ sessionTimeoutMs: 1000 });
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
      const { client, observer, root } = given;
      await client.create(`${root}/e`, null, { mode: 'ephemeral' });
      const before = client.exists(root);
      await client.close();
      expect(await before).not.toBeNull();
      expect(await observer.exists(`${root}/e`)).toBeNull();
      expect(await codeOf(client.exists(root))).toBe('SESSION_EXPIRED');
      await expect(client.close()).resolves.toBeUndefined();
    });

    test('close without a connection rejects what waits and returns', async () => {
      const { client, proxy, root } = given;
      proxy.isClosed = true;
      proxy.cut();
      const pending = codeOf(client.exists(root));
      await client.close();
      expect(await pending).toBe('SESSION_EXPIRED');
    });

    test('is not there in time: connecting fails', async () => {
      const { proxy } = given;
      proxy.isClosed = true;
      await expect(given.open({ connectionTimeoutMs: 100 })).rejects.toMatchObject({
        code: 'OPERATION_TIMEOUT',
      });
    });

    test('stays alive while idle', async () => {
      const { observer, root, server } = given;
      const client = await given.reopen({ sessionTimeoutMs: 1000 });
      const id = client.sessionId;
      await client.create(`${root}/idle`, null, { mode: 'ephemeral' });
      // How long that takes is measured by a session of the same length that cannot be kept alive.
      const broken = await startRelay(server.port);
      const doomed = await given.connect({
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
      const { observer, proxy, root } = given;
      const chroot = `${root}/k/r`;
      const connectString = `127.0.0.1:${proxy.port}${chroot}`;
      const inside = await given.open({ connectString, createsChroot: true });
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
      const { proxy, root, server } = given;
      const spare = await startRelay(server.port);
      await spare.close();
      const several = await given.open({
        connectString: `127.0.0.1:${spare.port},127.0.0.1:${proxy.port}`,
      });
      expect(await several.exists(root)).not.toBeNull();
      await several.close();
    });

    test('credentials hold for the first request and after a reconnect', async () => {
      const { client, proxy, root } = given;
      const credentials = [{ scheme: 'digest', auth: bytes('bob:secret') }];
      const bob = await given.open({ credentials });
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
};
