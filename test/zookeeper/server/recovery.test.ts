import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realSystem } from '../../../system/system.ts';
import { openAcl } from '../../../zookeeper/records.ts';
import { removeOldFiles, snapshotName } from '../../../zookeeper/server/data-files.ts';
import { type Recovered, recover } from '../../../zookeeper/server/recovery.ts';
import { readSnapshot, snapshotPieces } from '../../../zookeeper/server/snapshot.ts';
import type { Transaction, TransactionBody } from '../../../zookeeper/server/transactions.ts';
import { DataTree } from '../../../zookeeper/server/tree.ts';
import { encodeEntry, TxnLog } from '../../../zookeeper/server/txn-log.ts';

const system = realSystem();
let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zookeeper-recovery-'));
});
afterEach(() => rm(directory, { recursive: true }));

const recovered = (): Promise<Recovered> =>
  recover(system, { snapshotDirectory: directory, logDirectory: directory });

const bodies: TransactionBody[] = [
  { type: 'createSession', timeoutMs: 6000 },
  { type: 'create', path: '/a', data: null, acl: openAcl, ephemeral: false, parentCversion: 1 },
  {
    type: 'create',
    path: '/a/e',
    data: Buffer.from('x'),
    acl: [{ permissions: 31, scheme: 'digest', id: 'u:h' }],
    ephemeral: true,
    parentCversion: 1,
  },
  { type: 'error', code: -101 },
  {
    type: 'multi',
    bodies: [
      { type: 'setData', path: '/a', data: Buffer.from('y'), version: 1 },
      { type: 'check', path: '/a', version: 2 },
    ],
  },
  { type: 'setAcl', path: '/a', acl: openAcl, version: 1 },
  { type: 'delete', path: '/a/e' },
  { type: 'closeSession', paths: [] },
];
const transactions = bodies.map(
  (body, index): Transaction => ({
    zxid: BigInt(index + 1),
    sessionId: 77n,
    cxid: index,
    timeMs: 1_700_000_000_000 + index,
    body,
  }),
);

const treeAfter = (count: number): DataTree => {
  const tree = new DataTree();
  for (const transaction of transactions.slice(0, count)) tree.apply(transaction, []);
  return tree;
};

const contents = (tree: DataTree): unknown => [
  tree.lastZxid,
  [...tree.sessions],
  [...tree.ephemerals],
  [...tree.nodes].map(([path, node]) => [path, tree.stat(node), node.data, node.acl]),
];

const logBytes = (of: readonly Transaction[]): Buffer =>
  Buffer.concat([Buffer.from('5a4b4c47000000020000000000000000', 'hex'), ...of.map(encodeEntry)]);

const put = (name: string, bytes: Buffer): Promise<void> => writeFile(join(directory, name), bytes);
const putSnapshot = (tree: DataTree): Promise<void> =>
  put(snapshotName(tree.lastZxid), Buffer.concat([...snapshotPieces(tree)]));

test('a log cut anywhere gives exactly the transactions that are whole, and can be continued', async () => {
  const ends = transactions.map((_, count) => logBytes(transactions.slice(0, count + 1)).length);
  const whole = logBytes(transactions);
  for (let size = 0; size <= whole.length; size += size % 16 === 0 ? 1 : 5) {
    await put('log.1', whole.subarray(0, size));
    const { tree } = await recovered();
    const count = ends.filter((end) => end <= size).length;
    expect(contents(tree)).toEqual(contents(treeAfter(count)));
    const next = `log.${count + 1}`;
    await put(next, logBytes(transactions.slice(count)));
    expect(contents((await recovered()).tree)).toEqual(contents(treeAfter(8)));
    if (count > 0) await rm(join(directory, next));
  }
});

test('a byte that has changed in the last transaction ends the log there', async () => {
  const bytes = logBytes(transactions);
  const at = logBytes(transactions.slice(0, 7)).length + 20;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await put('log.1', bytes);
  expect((await recovered()).tree.lastZxid).toBe(7n);
});

test('a byte that has changed before other transactions stops the start, and the file is named', async () => {
  const start = logBytes(transactions.slice(0, 3)).length;
  for (const at of [start, start + 9, start + 11, start + 20, start + 40]) {
    const bytes = logBytes(transactions);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await put('log.1', bytes);
    await expect(recovered()).rejects.toThrow(`${directory}/log.1 is damaged at byte ${start}`);
    expect(await readFile(join(directory, 'log.1'))).toEqual(bytes);
  }
});

test('a log without its header is no empty one when transactions are in it', async () => {
  const bytes = logBytes(transactions);
  bytes.fill(0, 0, 16);
  await put('log.1', bytes);
  await expect(recovered()).rejects.toThrow('damaged at byte 0');
  await put('log.1', Buffer.alloc(4096));
  expect((await recovered()).tree.lastZxid).toBe(0n);
});

test('a gap names the damaged file in front of it', async () => {
  await put(
    'log.1',
    logBytes(transactions).subarray(0, logBytes(transactions.slice(0, 4)).length - 3),
  );
  await put('log.6', logBytes(transactions.slice(5)));
  await expect(recovered()).rejects.toThrow('log.1 is damaged');
});

test('a snapshot that nothing leads up to stops the start', async () => {
  await put('snapshot.5', Buffer.concat([...snapshotPieces(treeAfter(5))]).subarray(0, 60));
  await expect(recovered()).rejects.toThrow('snapshot.5 is damaged');
  await put('log.1', logBytes(transactions.slice(0, 4)));
  await expect(recovered()).rejects.toThrow('snapshot.5 is damaged');
});

test("logs and snapshots in each other's folder stop the start", async () => {
  const other = join(directory, 'other');
  await mkdir(other);
  await put('log.1', logBytes(transactions));
  const apart = { snapshotDirectory: directory, logDirectory: other };
  await expect(recover(system, apart)).rejects.toThrow('log.1 is a log');
  const swapped = { snapshotDirectory: other, logDirectory: directory };
  expect((await recover(system, swapped)).tree.lastZxid).toBe(8n);
  await putSnapshot(treeAfter(3));
  await expect(recover(system, swapped)).rejects.toThrow('snapshot.3 is a snapshot');
});

test('what a crash left of a snapshot is removed', async () => {
  await put('unfinished.5', Buffer.from('x'));
  await recovered();
  expect(await readdir(directory)).toEqual([]);
});

test('transactions missing between two files stop the start', async () => {
  await put('log.1', logBytes(transactions.slice(0, 2)));
  await put('log.4', logBytes(transactions.slice(3)));
  await expect(recovered()).rejects.toThrow('missing');
});

test('a snapshot holds everything, and later transactions are replayed on it', async () => {
  for (let count = 0; count <= transactions.length; count++) {
    const tree = treeAfter(count);
    const bytes = Buffer.concat([...snapshotPieces(tree, 100)]);
    expect(contents(readSnapshot(bytes, tree.lastZxid))).toEqual(contents(tree));
  }
  await putSnapshot(treeAfter(3));
  await put('log.1', logBytes(transactions.slice(0, 3)));
  await put('log.4', logBytes(transactions.slice(3)));
  expect(contents((await recovered()).tree)).toEqual(contents(treeAfter(8)));
});

test('a snapshot taken while transactions go on is made whole by replaying them', async () => {
  for (let start = 1; start < 5; start++) {
    const tree = treeAfter(start);
    const pieces = snapshotPieces(tree, 1);
    const bytes = [pieces.next().value as Buffer];
    let next = start;
    for (const piece of pieces) {
      bytes.push(piece);
      const transaction = transactions[next++];
      if (transaction !== undefined) tree.apply(transaction, []);
    }
    await put(snapshotName(BigInt(start)), Buffer.concat(bytes));
    await put('log.1', logBytes(transactions));
    expect(contents((await recovered()).tree)).toEqual(contents(treeAfter(8)));
    await rm(join(directory, snapshotName(BigInt(start))));
  }
});

test('a damaged snapshot is passed over for the one before it', async () => {
  await putSnapshot(treeAfter(2));
  const damaged = Buffer.concat([...snapshotPieces(treeAfter(5))]);
  await put('snapshot.5', damaged.subarray(0, damaged.length - 20));
  await put('log.1', logBytes(transactions));
  expect(contents((await recovered()).tree)).toEqual(contents(treeAfter(8)));
});

test('files that no kept snapshot needs are removed', async () => {
  for (const count of [1, 2, 4, 6]) await putSnapshot(treeAfter(count));
  for (const name of ['log.1', 'log.2', 'log.5']) await put(name, logBytes([]));
  await removeOldFiles(system.disk, { snapshotDirectory: directory, logDirectory: directory }, 3);
  expect((await readdir(directory)).sort()).toEqual([
    'log.2',
    'log.5',
    'snapshot.2',
    'snapshot.4',
    'snapshot.6',
  ]);
});

test('transactions that come together share a sync, and count only after it', async () => {
  let syncs = 0;
  const disk = {
    ...system.disk,
    open: async (path: string, mode: 'read' | 'write') => {
      const file = await system.disk.open(path, mode);
      const sync = file.sync.bind(file);
      return Object.assign(file, {
        sync: () => {
          syncs += 1;
          return sync();
        },
      });
    },
  };
  const onSynced = jest.fn();
  const log = new TxnLog(
    { ...system, disk },
    { directory, syncs: true, onSynced, onFailure: () => {} },
  );
  for (const transaction of transactions) log.append(transaction);
  expect(log.synced).toBe(0);
  await log.flushed();
  expect([log.synced, syncs, onSynced.mock.calls.length]).toEqual([8, 1, 1]);
  log.stop();
  expect(contents((await recovered()).tree)).toEqual(contents(treeAfter(8)));
});
