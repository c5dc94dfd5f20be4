/**
 * Snapshots in ZooKeeper's own format (FileSnap, `snapshot.<zxid>`): sessions, access lists, nodes in an order
 * that puts parents first, and an Adler-32 seal. Written in slices so that the event loop is never held up;
 * transactions that happen meanwhile may be in it or not, and are replayed on top of it in either case.
 */
import { JuteError, JuteReader, JuteWriter } from '../jute.ts';
import { aclList, openAcl } from '../records.ts';
import type { Acl } from '../session.ts';
import { adler32 } from './adler32.ts';
import type { Node, NodeFields } from './node.ts';
import { DataTree } from './tree.ts';

const MAGIC = 0x5a4b534e; // ZKSN
const VERSION = 2;
/** The number that stands for the open access list; all others are listed in front of the nodes. */
const OPEN_ACL_NUMBER = -1n;

const writeHead = (writer: JuteWriter, tree: DataTree): Map<readonly Acl[], bigint> => {
  writer.int(MAGIC);
  writer.int(VERSION);
  writer.long(-1n);
  writer.int(tree.sessions.size);
  for (const [id, timeoutMs] of tree.sessions) {
    writer.long(id);
    writer.int(timeoutMs);
  }
  const numbers = new Map<readonly Acl[], bigint>([[openAcl, OPEN_ACL_NUMBER]]);
  for (const node of tree.nodes.values()) {
    if (!numbers.has(node.acl)) numbers.set(node.acl, BigInt(numbers.size));
  }
  writer.int(numbers.size - 1);
  for (const [acl, number] of numbers) {
    if (acl === openAcl) continue;
    writer.long(number);
    aclList.write(writer, acl);
  }
  return numbers;
};

const writeNode = (writer: JuteWriter, path: string, node: Node, aclNumber: bigint): void => {
  writer.text(path);
  writer.bytes(node.data);
  writer.long(aclNumber);
  writer.long(node.czxid);
  writer.long(node.mzxid);
  writer.long(BigInt(node.ctimeMs));
  writer.long(BigInt(node.mtimeMs));
  writer.int(node.version);
  writer.int(node.cversion);
  writer.int(node.aversion);
  writer.long(node.owner);
  writer.long(node.pzxid);
};

/**
 * The bytes of a snapshot, piece by piece; between two pieces the tree may change. An access list that turns
 * up only meanwhile is not among those listed: such a node gets the open list here, and its own again when
 * the transaction that gave it one is replayed, which is always on top of this snapshot.
 */
export function* snapshotPieces(tree: DataTree, pieceBytes = 256 * 1024): Generator<Buffer> {
  let writer = new JuteWriter(pieceBytes + 4096);
  let checksum = 1;
  const numbers = writeHead(writer, tree);
  for (const [path, node] of tree.nodes) {
    if (path === '/') continue; // written as '', like all of ZooKeeper's
    writeNode(writer, path, node, numbers.get(node.acl) ?? OPEN_ACL_NUMBER);
    if (writer.length < pieceBytes) continue;
    const piece = writer.finish();
    checksum = adler32(piece, checksum);
    yield piece;
    writer = new JuteWriter(pieceBytes + 4096);
  }
  writer.text('/');
  checksum = adler32(writer.finish(), checksum);
  writer.long(BigInt(checksum));
  writer.text('/');
  yield writer.finish();
}

const readNode = (reader: JuteReader, acls: Map<bigint, readonly Acl[]>): NodeFields => {
  const data = reader.bytes();
  const acl = acls.get(reader.long());
  if (acl === undefined) throw new JuteError('an access list that is not there');
  const czxid = reader.long();
  const mzxid = reader.long();
  const ctimeMs = Number(reader.long());
  const mtimeMs = Number(reader.long());
  const version = reader.int();
  const cversion = reader.int();
  const aversion = reader.int();
  const owner = reader.long();
  const pzxid = reader.long();
  return {
    data,
    acl,
    czxid,
    mzxid,
    pzxid,
    ctimeMs,
    mtimeMs,
    version,
    cversion,
    aversion,
    owner,
  };
};

/** The tree a snapshot holds, as of `zxid`. Throws JuteError for bytes that are not a whole snapshot. */
export const readSnapshot = (bytes: Buffer, zxid: bigint): DataTree => {
  const reader = new JuteReader(bytes);
  if (reader.int() !== MAGIC || reader.int() !== VERSION) throw new JuteError('not a snapshot');
  reader.long();
  const tree = new DataTree();
  for (let count = reader.int(); count > 0; count--) tree.sessions.set(reader.long(), reader.int());
  const acls = new Map<bigint, readonly Acl[]>([[OPEN_ACL_NUMBER, openAcl]]);
  for (let count = reader.int(); count > 0; count--) {
    acls.set(reader.long(), tree.shareAcl(aclList.read(reader)));
  }
  for (let path = reader.text(); path !== '/'; path = reader.text()) {
    if (path === null) throw new JuteError('a node without path');
    tree.insert(path === '' ? '/' : path, readNode(reader, acls));
  }
  const sealed = adler32(bytes.subarray(0, reader.position), 1);
  if (reader.long() !== BigInt(sealed)) throw new JuteError('a snapshot with a wrong checksum');
  tree.quotas.restored();
  tree.lastZxid = zxid;
  return tree;
};
