/** Reads, writes and multi of a ZooKeeperClient: what they return and how they fail. */
import { MultiError } from '../../../zookeeper/errors.ts';
import { codeOf } from '../inbox.ts';
import type { SetUp } from './set-up.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

export const describeRequests = (given: SetUp): void => {
  describe('reads and writes', () => {
    test('null and empty data stay apart', async () => {
      const { client, root } = given;
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
      const { client, root } = given;
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
      const { client, root } = given;
      const first = await client.create(`${root}/n_`, null, { mode: 'persistent-sequential' });
      const second = await client.create(`${root}/n_`, null, { mode: 'ephemeral-sequential' });
      expect([first, second]).toEqual([`${root}/n_0000000000`, `${root}/n_0000000001`]);
      const { children, stat } = await client.getChildren(root);
      expect(children.sort()).toEqual(['n_0000000000', 'n_0000000001']);
      expect(stat.numChildren).toBe(2);
    });

    test('refusals carry the code and the path', async () => {
      const { client, root } = given;
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
      const { client, root } = given;
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
      const { client } = given;
      await expect(client.sync('/')).resolves.toBeUndefined();
    });

    test('recursive create makes parents and recursive delete takes everything', async () => {
      const { client, root } = given;
      expect(await client.createRecursive(`${root}/a/b/c`, bytes('x'))).toBe(`${root}/a/b/c`);
      expect((await client.getData(`${root}/a/b`)).data).toBeNull();
      expect(await codeOf(client.createRecursive(`${root}/a/b/c`, null))).toBe('NODE_EXISTS');
      await client.createRecursive(`${root}/a/d/e`, null);
      await client.deleteRecursive(`${root}/a`);
      expect(await client.exists(`${root}/a`)).toBeNull();
      await expect(client.deleteRecursive(`${root}/a`)).resolves.toBeUndefined();
    });

    test('many requests at once are answered each with its own answer', async () => {
      const { client, root } = given;
      const names = Array.from({ length: 500 }, (_, index) => `${root}/n${index}`);
      await Promise.all(names.map((path) => client.create(path, bytes(path))));
      const read = await Promise.all(names.map((path) => client.getData(path)));
      expect(read.map(({ data }) => data?.toString())).toEqual(names);
    });

    test('answers in pieces of one byte are put together', async () => {
      const { client, proxy, root } = given;
      proxy.isSlow = true;
      await client.create(`${root}/a`, bytes('x'.repeat(1000)));
      const [one, other] = await Promise.all([client.getData(`${root}/a`), client.exists(root)]);
      expect(one.data?.length).toBe(1000);
      expect(other?.numChildren).toBe(1);
    });

    test('large data comes through', async () => {
      const { client, root } = given;
      const data = Buffer.alloc(900_000, 7);
      await client.create(`${root}/a`, data);
      expect((await client.getData(`${root}/a`)).data?.equals(data)).toBe(true);
    });
  });

  test('a request that no server takes is given up; those behind it are answered', async () => {
    const { client, root } = given;
    const steps = ['a', 'b'].map((name) => ({
      type: 'create' as const,
      path: `${root}/${name}`,
      data: Buffer.alloc(600_000),
    }));
    const codes = [codeOf(client.multi(steps)), codeOf(client.getData(root))];
    expect(await Promise.all(codes)).toEqual(['CONNECTION_LOSS', 'OK']);
    expect((await client.getChildren(root)).children).toEqual([]);
  });

  describe('multi', () => {
    test('all steps are applied and answered', async () => {
      const { client, root } = given;
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
      const { client, root } = given;
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
      const { client, root } = given;
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
      const { client } = given;
      expect(await client.multi([])).toEqual([]);
    });
  });
};
