/** What nodes keep: every field as it was given, whatever becomes of other nodes. */
import { openAcl } from '../../../zookeeper/records.ts';
import {
  emptyFields,
  type Node,
  type NodeFields,
  NodeRecords,
} from '../../../zookeeper/server/node.ts';
import { seededRandom } from '../../simulation/random.ts';

const fieldsOf = (node: Node): NodeFields => ({
  data: node.data,
  acl: node.acl,
  czxid: node.czxid,
  mzxid: node.mzxid,
  pzxid: node.pzxid,
  ctimeMs: node.ctimeMs,
  mtimeMs: node.mtimeMs,
  version: node.version,
  cversion: node.cversion,
  aversion: node.aversion,
  owner: node.owner,
});

const empty: NodeFields = { ...emptyFields, acl: openAcl };

test('numbers keep all their bits', () => {
  const fields: NodeFields = {
    data: null,
    acl: openAcl,
    czxid: 2n ** 63n - 1n,
    mzxid: 0x7fff_0000_0001n,
    pzxid: 5n,
    ctimeMs: 1_700_000_000_123,
    mtimeMs: -1,
    version: -(2 ** 31),
    cversion: 2 ** 31 - 1,
    aversion: -1,
    owner: -(2n ** 63n),
  };
  expect(fieldsOf(new NodeRecords().node(fields))).toEqual(fields);
});

test.each([0, 1, 100, 4095, 4096, 5000, 1_000_000])(
  'data of %d bytes is kept as a copy',
  (bytes) => {
    const data = Buffer.from(Array.from({ length: bytes }, (_, index) => index * 7));
    const node = new NodeRecords().node({ ...empty, data });
    const expected = Buffer.from(data);
    data.fill(1);
    expect(node.dataBytes).toBe(bytes);
    expect(node.data?.equals(expected)).toBe(true);
    node.replaceData(data);
    expect(node.data?.equals(data)).toBe(true);
    node.replaceData(null);
    expect([node.data, node.dataBytes]).toEqual([null, 0]);
  },
);

test('nodes that come and go leave each other alone', () => {
  const random = seededRandom(1);
  const records = new NodeRecords();
  const kept = new Map<Node, NodeFields>();
  for (let turn = 0; turn < 20_000; turn++) {
    // Longer growing than shrinking, so that several pieces of memory are in use.
    if (random.chance(turn % 4_000 < 3_000 ? 0.2 : 0.8)) {
      const [node] = kept.keys();
      if (node === undefined) continue;
      records.release(node);
      kept.delete(node);
      continue;
    }
    const zxid = BigInt(turn);
    const numbers = { mzxid: zxid + 1n, ctimeMs: turn + 2, version: turn + 3, owner: -zxid };
    const fields = { ...empty, data: random.bytes(5), czxid: zxid, ...numbers };
    kept.set(records.node(fields), fields);
  }
  expect(kept.size).toBeGreaterThan(2_048);
  for (const [node, fields] of kept) expect(fieldsOf(node)).toEqual(fields);
});

test('a node that is released twice is a bug', () => {
  const records = new NodeRecords();
  const node = records.node(empty);
  records.release(node);
  expect(() => records.release(node)).toThrow('once');
});
