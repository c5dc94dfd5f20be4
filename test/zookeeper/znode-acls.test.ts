import { realSystem } from '../../system/system.ts';
import { connectNodeClient } from '../../zookeeper/node-client.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { secureAclOf } from '../../zookeeper/znode-acls.ts';
import { codeOf } from './inbox.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const anyone = { permissions: 1, scheme: 'world', id: 'anyone' };

describe.each([
  ['node-zookeeper-client', connectNodeClient],
  ['our own connection', connectWireClient],
])('nodes made under zookeeper.set.acl over %s', (name, connect) => {
  let server: TestServer;
  let client: ZooKeeperClient;
  let stranger: ZooKeeperClient;
  const chroot = `/secured-${name.replaceAll(' ', '-')}-${process.pid}`;
  const login = [{ scheme: 'digest', auth: Buffer.from('broker:secret') }];

  beforeAll(async () => {
    server = await startTestServer();
    const options = {
      connectString: `127.0.0.1:${server.port}${chroot}`,
      sessionTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
    };
    client = await connect(realSystem(), {
      ...options,
      credentials: login,
      aclOf: secureAclOf,
      createsChroot: true,
    });
    stranger = await connect(realSystem(), options);
  });

  afterAll(async () => {
    await client.deleteRecursive('/');
    await Promise.all([client.close(), stranger.close()]);
    await server.close();
  });

  test('are written by the broker alone and read by everybody, secrets excepted', async () => {
    await client.createRecursive('/config/users/alice', Buffer.from('secret'));
    await client.createRecursive('/brokers/ids', null);
    await client.create('/consumers', null);
    await client.multi([{ type: 'create', path: '/brokers/topics', data: null }]);
    const { acl } = await client.getAcl('/brokers/topics');
    expect(acl).toHaveLength(2);
    expect(acl[0]).toMatchObject({ permissions: 31, scheme: 'digest' });
    expect(acl[1]).toEqual(anyone);
    for (const path of ['/', '/config', '/brokers', '/brokers/ids'])
      expect((await client.getAcl(path)).acl).toEqual(acl);
    expect((await client.getAcl('/config/users/alice')).acl).toEqual(acl.slice(0, 1));
    expect((await client.getAcl('/consumers')).acl).toEqual([{ ...anyone, permissions: 31 }]);

    expect(await codeOf(stranger.getData('/brokers/topics'))).toBe('OK');
    expect(await codeOf(stranger.setData('/brokers/topics', null))).toBe('NO_AUTH');
    expect(await codeOf(stranger.create('/brokers/ids/7', null))).toBe('NO_AUTH');
    expect(await codeOf(stranger.getData('/config/users/alice'))).toBe('NO_AUTH');
    expect(await codeOf(stranger.create('/consumers/group', null))).toBe('OK');
    expect(await codeOf(client.setData('/brokers/topics', null))).toBe('OK');
  });

  test('cannot be made by a session without a login', async () => {
    const made = stranger.create('/consumers/x', null, { acl: secureAclOf('/consumers/x') });
    expect(await codeOf(made)).toBe('INVALID_ACL');
  });
});
