/**
 * Snapshots written while transactions go on: whatever happens between two pieces, the snapshot with all later
 * transactions on top is the tree, with what quotas have counted in it. Random transactions under a seed, a handful of
 * paths, so that nodes go and come back.
 */
import { openAcl } from '../../../zookeeper/records.ts';
import { readSnapshot, snapshotPieces } from '../../../zookeeper/server/snapshot.ts';
import type { Transaction, TransactionBody } from '../../../zookeeper/server/transactions.ts';
import { DataTree } from '../../../zookeeper/server/tree.ts';
import { type SeededRandom, seededRandom } from '../../simulation/random.ts';

const SEEDS = 300;
const NAMES = ['a', 'b'];
const closedAcl = [{ permissions: 31, scheme: 'digest', id: 'u:h' }];

const paths = NAMES.flatMap((one) => [
  `/${one}`,
  ...NAMES.flatMap((two) => [`/${one}/${two}`, ...NAMES.map((three) => `/${one}/${two}/${three}`)]),
]);

const quotaNodes = (path: string): string[] =>
  ['limits', 'stats'].map((name) => `/zookeeper/quota${path}/zookeeper_${name}`);

/** Sets a quota, or takes it away. */
const quotaBody = (tree: DataTree, path: string): TransactionBody => ({
  type: 'multi',
  bodies: quotaNodes(path).map((node, index) =>
    tree.get(node) === undefined ? created(tree, node, index + 1) : { type: 'delete', path: node },
  ),
});

const created = (tree: DataTree, path: string, more = 1): TransactionBody => ({
  ...{ type: 'create', path, data: Buffer.from('count=2'), acl: openAcl, ephemeral: false },
  parentCversion: (tree.get(parentOf(path))?.cversion ?? 0) + more,
});

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** Those that have a quota at times; not one below the other, for then the outer counts depend on when it was set. */
const quotaPaths = ['/a', '/b/a'];

/** A transaction that a server could log for this tree; null where none is found at once. */
const randomBody = (tree: DataTree, random: SeededRandom): TransactionBody | null => {
  const missing = ['/a', '/b', '/b/a']
    .map((each) => `/zookeeper/quota${each}`)
    .find((each) => tree.get(each) === undefined);
  if (missing !== undefined) return created(tree, missing);
  if (random.chance(0.1)) return quotaBody(tree, random.pick(quotaPaths));
  const path = random.pick(paths);
  const node = tree.get(path);
  const parent = tree.get(parentOf(path));
  const data = random.bytes(random.int(4));
  if (node === undefined) {
    if (parent === undefined || tree.stat(parent).ephemeralOwner !== 0n) return null;
    const created = { path, data, acl: random.pick([openAcl, closedAcl]) };
    const parentCversion = parent.cversion + 1;
    return { type: 'create', ...created, ephemeral: random.chance(0.3), parentCversion };
  }
  switch (random.int(3)) {
    case 0:
      return { type: 'setData', path, data, version: node.version + 1 };
    case 1:
      return { type: 'setAcl', path, acl: closedAcl, version: node.aversion + 1 };
    default:
      return tree.stat(node).numChildren > 0 ? null : { type: 'delete', path };
  }
};

class Run {
  readonly tree = new DataTree();
  readonly log: Transaction[] = [];
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  step(): void {
    const body = this.#session() ?? randomBody(this.tree, this.#random);
    if (body === null) return;
    const isMulti = !['createSession', 'closeSession', 'multi'].includes(body.type);
    const transaction: Transaction = {
      zxid: this.tree.lastZxid + 1n,
      sessionId: 7n,
      cxid: 0,
      timeMs: 1000 + this.log.length,
      body: isMulti && this.#random.chance(0.2) ? { type: 'multi', bodies: [body] } : body,
    };
    this.log.push(transaction);
    this.tree.apply(transaction, []);
  }

  #session(): TransactionBody | null {
    if (!this.tree.sessions.has(7n)) return { type: 'createSession', timeoutMs: 5000 };
    if (!this.#random.chance(0.05)) return null;
    return { type: 'closeSession', paths: [...(this.tree.ephemerals.get(7n) ?? [])] };
  }
}

const contents = (tree: DataTree): unknown => ({
  zxid: tree.lastZxid,
  sizeBytes: tree.sizeBytes,
  sessions: [...tree.sessions],
  ephemerals: [...tree.ephemerals].map(([id, owned]) => [id, [...owned].sort()]),
  nodes: [...tree.nodes]
    .map(([path, node]) => [path, tree.stat(node), node.data, node.acl, node.cversion])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
});

test('a snapshot taken meanwhile and what came later are the tree', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed);
    const run = new Run(random);
    for (let count = random.int(60); count >= 0; count--) run.step();
    const zxid = run.tree.lastZxid;
    const pieces: Buffer[] = [];
    for (const piece of snapshotPieces(run.tree, 1)) {
      pieces.push(piece);
      for (let count = random.int(4); count > 0; count--) run.step();
    }
    const recovered = readSnapshot(Buffer.concat(pieces), zxid);
    for (const transaction of run.log) {
      if (transaction.zxid > zxid) recovered.apply(transaction, []);
    }
    expect({ seed, tree: contents(recovered) }).toEqual({ seed, tree: contents(run.tree) });
    // The next snapshot has parents in front of their children again.
    const next = Buffer.concat([...snapshotPieces(recovered)]);
    expect({ seed, tree: contents(readSnapshot(next, recovered.lastZxid)) }).toEqual({
      seed,
      tree: contents(run.tree),
    });
  }
});
