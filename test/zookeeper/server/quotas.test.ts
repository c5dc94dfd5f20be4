/** Quotas beyond what the conformance cases show: restarts, replays, warnings, and texts that ZooKeeper does not survive. */
import { realSystem } from '../../../system/system.ts';
import { encodeRequest, openAcl, requests } from '../../../zookeeper/records.ts';
import { startZooKeeperServer } from '../../../zookeeper/server/server.ts';
import { readSnapshot, snapshotPieces } from '../../../zookeeper/server/snapshot.ts';
import type { TransactionBody } from '../../../zookeeper/server/transactions.ts';
import { DataTree } from '../../../zookeeper/server/tree.ts';
import { bytesOf, type TestPeer, World } from './harness.ts';
import type { RawClient } from './raw-client.ts';
import { cleanUp, newFolder, openClient } from './server-folder.ts';

const QUOTA = '/zookeeper/quota/a';
const LIMITS = `${QUOTA}/zookeeper_limits`;
const STATS = `${QUOTA}/zookeeper_stats`;
const SOFT = 'count=2,bytes=3';
const HARD = 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2';

afterEach(cleanUp);

const limit = (peer: TestPeer, limits: string | null): void => {
  peer.create(QUOTA);
  peer.create(LIMITS, { data: limits === null ? null : Buffer.from(limits) });
  peer.create(STATS);
};

const statsOf = (world: World): string | undefined => world.core.tree.get(STATS)?.data?.toString();

/** The code of the answer. */
const create = async (client: RawClient, path: string, text = 'x'): Promise<number> => {
  const body = { path, data: Buffer.from(text), acl: openAcl, flags: 0 };
  client.send(encodeRequest(1, 'create', requests.create, body));
  return (await client.reply()).code;
};

const restored = (tree: DataTree): DataTree =>
  readSnapshot(Buffer.concat([...snapshotPieces(tree)]), tree.lastZxid);

test('counts outlive a replay of the log, and a snapshot has them counted anew', () => {
  const world = new World();
  const peer = world.connect();
  peer.create('/a');
  limit(peer, SOFT);
  peer.create('/a/x');
  const replayed = new DataTree();
  for (const transaction of world.transactions) replayed.apply(transaction, []);
  expect(replayed.get(STATS)?.data?.toString()).toBe('count=2,bytes=2');
  const wrong = Buffer.from('count=50,bytes=50');
  peer.ask('setData', bytesOf(requests.setData, { path: STATS, data: wrong, version: -1 }));
  peer.create('/a/y');
  expect(statsOf(world)).toBe('count=51,bytes=51');
  const after = new World({}, restored(world.core.tree));
  expect(statsOf(after)).toBe('count=3,bytes=3');
  after.connect().create('/a/z');
  expect(statsOf(after)).toBe('count=4,bytes=4');
});

test('a restarted server enforces as before, and says in its log what is too much', async () => {
  const dataDir = newFolder();
  const system = realSystem();
  const warnings: unknown[] = [];
  const warn = (told: object, message: string): void => {
    warnings.push({ ...told, message });
  };
  const start = () =>
    startZooKeeperServer(
      { ...system, logger: { ...system.logger, warn } },
      { host: '127.0.0.1', port: 0, dataDir, enforceQuota: true },
    );
  let server = await start();
  try {
    const client = openClient(server);
    await client.handshake();
    for (const [path, text] of [['/a'], [QUOTA], [LIMITS, HARD], [STATS]] as const) {
      expect(await create(client, path, text)).toBe(0);
    }
    await server.close();
    server = await start();
    const again = openClient(server);
    await again.handshake();
    expect(await create(again, '/a/x')).toBe(0);
    expect(warnings).toEqual([]);
    expect(await create(again, '/a/y')).toBe(-125);
    const told = { path: '/a', field: 'count', value: '3', limit: '2', isHard: true };
    expect(warnings).toEqual([{ ...told, message: 'quota exceeded' }]);
  } finally {
    await server.close();
  }
});

test('a replay counts right where a snapshot holds what came later', () => {
  const created = (path: string, parentCversion: number): TransactionBody => ({
    ...{ type: 'create', path, data: Buffer.from('x'), acl: openAcl, ephemeral: false },
    parentCversion,
  });
  const bodies: TransactionBody[] = [
    ...[created('/a', 1), created(QUOTA, 1), created(LIMITS, 1)],
    // What follows is in the snapshot, and is replayed on top of it.
    ...[{ type: 'delete', path: '/a' } as const, created(STATS, 2)],
    ...[created('/a', 2), created('/a/x', 1), created('/a/x/y', 1)],
  ];
  const transactions = bodies.map((body, index) => ({
    ...{ zxid: BigInt(index + 1), sessionId: 1n, cxid: 0, timeMs: 0, body },
  }));
  const tree = new DataTree();
  for (const transaction of transactions) tree.apply(transaction, []);
  expect(tree.get(STATS)?.data?.toString()).toBe('count=3,bytes=3');
  const later = restored(tree);
  for (const transaction of transactions.slice(3)) later.apply(transaction, []);
  expect(later.get(STATS)?.data?.toString()).toBe('count=3,bytes=3');
});

test('who enforces hears of soft limits and of hard ones', () => {
  const world = new World({ enforceQuota: true });
  const peer = world.connect();
  peer.create('/a');
  limit(peer, 'count=1,bytes=9');
  expect(peer.create('/a/x').code).toBe(0);
  const told = { path: '/a', field: 'count', value: 2n };
  expect(world.excesses).toEqual([{ ...told, limit: 1n, isHard: false }]);
  peer.ask(
    'setData',
    bytesOf(requests.setData, { path: LIMITS, data: Buffer.from(HARD), version: -1 }),
  );
  expect(peer.create('/a/y').code).toBe(-125);
  expect(world.excesses.slice(1)).toEqual([{ ...told, value: 3n, limit: 2n, isHard: true }]);
});

test.each([
  ['nothing', null],
  ['no numbers', 'count=many,bytes'],
  ['one that is too long for a number', `count=${'9'.repeat(30)}`],
  ['anything', '=;,;=\0\u00e9'],
])('limits that say %s limit nothing, and end no server', (_, text) => {
  const world = new World({ enforceQuota: true });
  const peer = world.connect();
  peer.create('/a');
  limit(peer, text);
  for (const name of ['x', 'y', 'z']) expect(peer.create(`/a/${name}`).code).toBe(0);
  expect(statsOf(world)).toBe('count=4,bytes=4');
  expect(restored(world.core.tree).get(STATS)?.data?.toString()).toBe('count=4,bytes=4');
});

test('the root has no quota, and nodes that only look like limits set none', () => {
  const world = new World({ enforceQuota: true });
  const peer = world.connect();
  const hard = { data: Buffer.from('count=0,bytes=0=;countHardLimit=0;byteHardLimit=0') };
  for (const parent of ['/zookeeper/quota', '/zookeeper/quotas', '/zookeeper']) {
    peer.create(parent);
    expect(peer.create(`${parent}/zookeeper_limits`, hard).code).toBe(0);
    expect(peer.create(`${parent}/zookeeper_stats`).code).toBe(0);
  }
  expect(peer.create('/x').code).toBe(0);
  const tree = restored(world.core.tree);
  expect(new World({ enforceQuota: true }, tree).connect().create('/y').code).toBe(0);
  expect(peer.delete('/zookeeper/quota/zookeeper_limits').code).toBe(0);
  expect(peer.delete('/zookeeper/zookeeper_limits').code).toBe(0);
});
