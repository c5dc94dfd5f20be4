/**
 * The tree of nodes and the sessions that may own them: changed only by applying transactions, which have been
 * checked before (requests.ts). Pure. Reproduces ZooKeeper's DataTree, its stats in particular: the wire's
 * cversion is derived from the stored one, which counts the children ever created.
 *
 * Applying tolerates effects that are there already, because a snapshot written while transactions went on may
 * hold some of those that are replayed on top of it.
 */
import { unreachable } from '../../system/assert.ts';
import { openAcl, permissions } from '../records.ts';
import type { Acl, Stat } from '../session.ts';
import { emptyFields, type Node, type NodeFields, NodeRecords } from './node.ts';
import { nameOf, parentOf, reservedPaths } from './paths.ts';
import { Quotas } from './quotas.ts';
import type { Transaction, TransactionBody } from './transactions.ts';

/** A change somebody may watch. Access lists are those that decide who may hear of it. */
export interface TreeEvent {
  readonly type: 'created' | 'deleted' | 'dataChanged';
  readonly path: string;
  readonly acl: readonly Acl[];
  readonly parentAcl: readonly Acl[];
}

const CONTAINER_OWNER = -(2n ** 63n);
const TTL_MARK = 0xffn << 56n;

const isTtlOwner = (owner: bigint): boolean => owner >> 56n === -1n;

const ttlOf = (owner: bigint): number => Number(BigInt.asUintN(40, owner));

/** Whether `owner` is a session, and the node therefore ephemeral. */
export const isSession = (owner: bigint): boolean =>
  owner !== 0n && owner !== CONTAINER_OWNER && !isTtlOwner(owner);

type Header = Omit<Transaction, 'body'>;
type CreateBody = Extract<TransactionBody, { readonly parentCversion: number }>;

export class DataTree {
  /** Every node by path; the root also by ''. */
  readonly nodes = new Map<string, Node>();
  /** Timeouts of the open sessions, as first agreed. */
  readonly sessions = new Map<bigint, number>();
  readonly ephemerals = new Map<bigint, Set<string>>();
  readonly containers = new Set<string>();
  /** Nodes that go when nobody has written to them for a time. */
  readonly ttlNodes = new Set<string>();
  lastZxid = 0n;
  /** Bytes of paths and data. */
  sizeBytes = 0;
  /** The counts it keeps are data of nodes, changed in passing. */
  readonly quotas = new Quotas(this.nodes, (path, data) => this.#replaceData(path, data));
  readonly #records = new NodeRecords();
  readonly #sharedAcls = new Map<string, readonly Acl[]>();

  constructor() {
    for (const path of reservedPaths) this.insert(path, { ...emptyFields, acl: openAcl });
    const readOnly = [{ permissions: permissions.read, scheme: 'world', id: 'anyone' }];
    this.insert('/zookeeper/config', { ...emptyFields, acl: readOnly, aversion: -1 });
  }

  get(path: string): Node | undefined {
    return this.nodes.get(path);
  }

  /** The stat of a node as clients see it. */
  stat(node: Node): Stat {
    const numChildren = node.children?.size ?? 0;
    return {
      czxid: node.czxid,
      mzxid: node.mzxid,
      ctimeMs: node.ctimeMs,
      mtimeMs: node.mtimeMs,
      version: node.version,
      cversion: node.cversion * 2 - numChildren,
      aversion: node.aversion,
      ephemeralOwner: isSession(node.owner) ? node.owner : 0n,
      dataLength: node.dataBytes,
      numChildren,
      pzxid: node.pzxid,
    };
  }

  /**
   * Applies a transaction and appends what may be watched to `events`. The result has the stat of the node
   * concerned as it is right after each step, null where there is none; a single write is one step.
   */
  apply(transaction: Transaction, events: TreeEvent[]): (Stat | null)[] {
    if (transaction.zxid > this.lastZxid) this.lastZxid = transaction.zxid;
    const { body } = transaction;
    const steps = body.type === 'multi' ? body.bodies : [body];
    // ZooKeeper logs a refused multi with the steps that would have been fine.
    if (steps.some(({ type }) => type === 'error')) return steps.map(() => null);
    return steps.map((step) => this.#applyStep(transaction, step, events));
  }

  /** Puts a node in place, its parent being there; for the first nodes and for snapshots. */
  insert(path: string, fields: NodeFields): Node {
    const node = this.#place(path, fields);
    if (path === '/') {
      this.nodes.set('', node);
      return node;
    }
    const parent = this.nodes.get(parentOf(path));
    if (parent !== undefined) {
      parent.children ??= new Set();
      parent.children.add(nameOf(path));
    }
    const { owner } = fields;
    if (isSession(owner)) setOf(this.ephemerals, owner).add(path);
    if (owner === CONTAINER_OWNER) this.containers.add(path);
    if (isTtlOwner(owner)) this.ttlNodes.add(path);
    return node;
  }

  #place(path: string, fields: NodeFields): Node {
    this.sizeBytes += fields.data?.length ?? 0;
    const former = this.nodes.get(path);
    if (former !== undefined) {
      // A snapshot written while a node was made anew has it twice. It keeps the children listed so far.
      this.sizeBytes -= former.dataBytes;
      this.#unlist(path, former);
      former.assign(fields);
      return former;
    }
    const node = this.#records.node(fields);
    this.sizeBytes += path.length;
    this.nodes.set(path, node);
    return node;
  }

  /** What may be removed: containers that had children and have none any more, TTL nodes whose time is up. */
  *abandoned(nowMs: number): Generator<string> {
    for (const path of this.containers) {
      const node = this.#childless(path);
      if (node !== undefined && node.cversion > 0) yield path;
    }
    for (const path of this.ttlNodes) {
      const node = this.#childless(path);
      if (node !== undefined && nowMs - node.mtimeMs > ttlOf(node.owner)) yield path;
    }
  }

  #childless(path: string): Node | undefined {
    const node = this.nodes.get(path);
    return (node?.children?.size ?? 0) === 0 ? node : undefined;
  }

  /** The same list for all nodes that share it. */
  shareAcl(acl: readonly Acl[]): readonly Acl[] {
    const [first] = acl;
    const [open] = openAcl;
    if (
      acl.length === 1 &&
      first?.scheme === 'world' &&
      first.permissions === open?.permissions &&
      first.id === open.id
    ) {
      return openAcl;
    }
    const key = JSON.stringify(acl);
    const known = this.#sharedAcls.get(key);
    if (known !== undefined) return known;
    // Sharing only saves memory, so forgetting is harmless and keeps this from growing without bound.
    if (this.#sharedAcls.size >= SHARED_ACLS_MAX) this.#sharedAcls.clear();
    this.#sharedAcls.set(key, acl);
    return acl;
  }

  /** Applies one step; returns the stat that is part of the answer. */
  #applyStep(header: Header, body: TransactionBody, events: TreeEvent[]): Stat | null {
    switch (body.type) {
      case 'create':
        return this.#create(header, body, body.ephemeral ? header.sessionId : 0n, events);
      case 'createContainer':
        return this.#create(header, body, CONTAINER_OWNER, events);
      case 'createTtl':
        return this.#create(header, body, BigInt.asIntN(64, TTL_MARK | body.ttl), events);
      case 'delete':
      case 'deleteContainer':
        this.#delete(header, body.path, events);
        return null;
      case 'setData':
        return this.#setData(header, body, events);
      case 'setAcl':
        return this.#setAcl(body);
      case 'createSession':
        this.sessions.set(header.sessionId, body.timeoutMs);
        return null;
      case 'closeSession':
        this.#closeSession(header, body.paths, events);
        return null;
      case 'multi':
        throw new Error('a multi within a multi');
      case 'check':
      case 'error':
        return null;
      default:
        return unreachable(body);
    }
  }

  #create(header: Header, body: CreateBody, owner: bigint, events: TreeEvent[]): Stat | null {
    const { path } = body;
    const parentPath = parentOf(path);
    const parent = this.nodes.get(parentPath);
    if (parent === undefined) return null;
    if (body.parentCversion > parent.cversion) {
      parent.cversion = body.parentCversion;
      parent.pzxid = header.zxid;
    }
    // Only in a replay, where a snapshot may hold the node as it was made later, or without its access list. What
    // has happened to it since is replayed, too.
    if (this.nodes.has(path)) this.#removeAll(path);
    const node = this.insert(path, {
      data: body.data,
      acl: this.shareAcl(body.acl),
      czxid: header.zxid,
      mzxid: header.zxid,
      pzxid: header.zxid,
      ctimeMs: header.timeMs,
      mtimeMs: header.timeMs,
      version: 0,
      cversion: 0,
      aversion: 0,
      owner,
    });
    // A node that holds counts is changed at once; the answer tells how it was made.
    const stat = this.stat(node);
    this.quotas.created(path, node.dataBytes);
    events.push({ type: 'created', path, acl: node.acl, parentAcl: parent.acl });
    return stat;
  }

  #delete(header: Header, path: string, events: TreeEvent[]): void {
    const node = this.nodes.get(path);
    const parent = this.nodes.get(parentOf(path));
    if (parent !== undefined && header.zxid > parent.pzxid) parent.pzxid = header.zxid;
    if (node === undefined) return;
    // Only in a replay can it have children, later ones that a snapshot holds; they are made again.
    this.#removeAll(path);
    parent?.children?.delete(nameOf(path));
    events.push({ type: 'deleted', path, acl: node.acl, parentAcl: parent?.acl ?? [] });
  }

  #remove(path: string, node: Node): void {
    this.nodes.delete(path);
    this.sizeBytes -= path.length + node.dataBytes;
    this.#unlist(path, node);
    const bytes = node.dataBytes;
    this.#records.release(node);
    this.quotas.deleted(path, bytes);
  }

  /** A node with all that is below it. */
  #removeAll(path: string): void {
    const node = this.nodes.get(path);
    if (node === undefined) return;
    for (const name of node.children ?? []) this.#removeAll(`${path}/${name}`);
    this.#remove(path, node);
  }

  #unlist(path: string, node: Node): void {
    this.containers.delete(path);
    this.ttlNodes.delete(path);
    if (!isSession(node.owner)) return;
    const owned = this.ephemerals.get(node.owner);
    owned?.delete(path);
    if (owned?.size === 0) this.ephemerals.delete(node.owner);
  }

  #setData(
    header: Header,
    body: Extract<TransactionBody, { readonly type: 'setData' }>,
    events: TreeEvent[],
  ): Stat | null {
    const { path } = body;
    const node = this.nodes.get(path);
    if (node === undefined) return null;
    const bytesMore = (body.data?.length ?? 0) - node.dataBytes;
    this.#replaceData(path, body.data);
    node.modified(body.version, header.zxid, header.timeMs);
    const stat = this.stat(node);
    this.quotas.changed(path, bytesMore);
    events.push({ type: 'dataChanged', path, acl: node.acl, parentAcl: [] });
    return stat;
  }

  #replaceData(path: string, data: Buffer | null): void {
    const node = this.nodes.get(path);
    if (node === undefined) return;
    this.sizeBytes += (data?.length ?? 0) - node.dataBytes;
    node.replaceData(data);
  }

  #setAcl(body: Extract<TransactionBody, { readonly type: 'setAcl' }>): Stat | null {
    const node = this.nodes.get(body.path);
    if (node === undefined) return null;
    node.acl = this.shareAcl(body.acl);
    node.aversion = body.version;
    return this.stat(node);
  }

  #closeSession(header: Header, paths: readonly string[] | null, events: TreeEvent[]): void {
    const owned = paths ?? [...(this.ephemerals.get(header.sessionId) ?? [])];
    for (const path of owned) this.#delete(header, path, events);
    this.sessions.delete(header.sessionId);
  }
}

const SHARED_ACLS_MAX = 10_000;

const setOf = <K>(sets: Map<K, Set<string>>, key: K): Set<string> => {
  let set = sets.get(key);
  if (set === undefined) {
    set = new Set();
    sets.set(key, set);
  }
  return set;
};
