/** Checks of a multi: each step sees what the steps before it would leave. */
import { openAcl } from '../../../zookeeper/records.ts';
import { prepareMulti } from '../../../zookeeper/server/requests.ts';
import { DataTree } from '../../../zookeeper/server/tree.ts';

test('the quota is asked for what each step adds to the steps before it', () => {
  const tree = new DataTree();
  const created = { path: '/a', data: Buffer.from('12345'), acl: openAcl, parentCversion: 1 };
  const header = { zxid: 1n, sessionId: 7n, cxid: 0, timeMs: 0 };
  tree.apply({ ...header, body: { type: 'create', ephemeral: false, ...created } }, []);
  const asked: unknown[] = [];
  const requester = {
    sessionId: 7n,
    identities: [],
    extendedTypesEnabled: true,
    isWithinQuota: (...growth: unknown[]): boolean => asked.push(growth) > 0,
  };
  const setData = (path: string, bytes: number) =>
    ({ type: 'setData', request: { path, data: Buffer.alloc(bytes), version: -1 } }) as const;
  const child = { path: '/a/b', data: Buffer.alloc(3), acl: openAcl, flags: 0 };
  const steps = [
    setData('/a', 7),
    setData('/a', 10),
    { type: 'create', request: child } as const,
    setData('/a/b', 4),
    setData('/a', 0),
  ];
  expect(prepareMulti(tree, requester, steps)).toMatchObject({ type: 'multi' });
  expect(asked).toEqual([
    ['/a', 0, 2],
    ['/a', 0, 3],
    ['/a/b', 1, 3],
    ['/a/b', 0, 1],
    ['/a', 0, -10],
  ]);
});
