/**
 * Checks writes and turns them into transactions: nothing is changed here. A refusal is ZooKeeper's error code,
 * and the order of the checks is ZooKeeper's (PrepRequestProcessor). The steps of a multi are checked against
 * the tree as the steps before them would leave it. Pure.
 */
import { unreachable } from '../../system/assert.ts';
import { zooKeeperCodes as codes } from '../errors.ts';
import type { JuteReader } from '../jute.ts';
import type { MultiWriteStep } from '../multi-records.ts';
import {
  type CheckRequest,
  type CreateRequest,
  type CreateTtlRequest,
  createFlags,
  type DeleteRequest,
  permissions,
  requests,
  type SetAclRequest,
  type SetDataRequest,
} from '../records.ts';
import type { Acl } from '../session.ts';
import { type Identity, isAllowed, resolveAcl } from './acl.ts';
import { hasParent, isReservedPath, isValidPath, parentOf } from './paths.ts';
import type { TransactionBody } from './transactions.ts';
import { isSession } from './tree.ts';

/** What the checks need to know of a node. */
export interface NodeView {
  readonly acl: readonly Acl[];
  readonly version: number;
  readonly aversion: number;
  readonly cversion: number;
  readonly owner: bigint;
  readonly children: { readonly size: number } | null;
  readonly dataBytes: number;
}

export interface TreeView {
  get(path: string): NodeView | undefined;
}

export interface Requester {
  readonly sessionId: bigint;
  readonly identities: readonly Identity[];
  /** Whether TTL nodes may be made. */
  readonly extendedTypesEnabled: boolean;
  /** Whether `path` may have so many nodes and bytes more; steps of a multi are looked at one by one, as in ZooKeeper. */
  readonly isWithinQuota: (path: string, count: number, bytes: number) => boolean;
}

/** What a check ends with: what to do, or the code to refuse with. */
export type Prepared = TransactionBody | number;

/** The writes that are requests of their own. */
export type WriteOp = CreateOp | 'delete' | 'setData' | 'setAcl';

type CreateOp = 'create' | 'create2' | 'createContainer' | 'createTtl';

/** Reads the body of a write and checks it. Throws JuteError when it is not one. */
export const prepareWrite = (
  view: TreeView,
  requester: Requester,
  op: WriteOp,
  body: JuteReader,
): Prepared => {
  switch (op) {
    case 'delete':
      return prepareDelete(view, requester, requests.delete.read(body));
    case 'setData':
      return prepareSetData(view, requester, requests.setData.read(body));
    case 'setAcl':
      return prepareSetAcl(view, requester, requests.setAcl.read(body));
    default:
      return prepareCreate(view, requester, op, requests[op].read(body));
  }
};

/** No operation but createTtl has a time to live; -1 stands for none. */
type AnyCreateRequest = CreateRequest & Partial<Pick<CreateTtlRequest, 'ttl'>>;

/** 40 bits of milliseconds, 34 years. */
const TTL_MS_MAX = 2n ** 40n - 1n;

/**
 * Flags that fit neither the operation nor the TTL. Deviation: createTtl without a TTL is refused; ZooKeeper takes
 * it with a TTL of -1, and stops when it applies it.
 */
const refusedFlags = (
  requester: Requester,
  op: CreateOp,
  { flags, ttl = -1n }: AnyCreateRequest,
): number | null => {
  if (flags < 0 || flags > createFlags['persistent-sequential-ttl']) return codes.BAD_ARGUMENTS;
  if (flags < createFlags['persistent-ttl']) return op === 'createTtl' ? codes.BAD_ARGUMENTS : null;
  if (!requester.extendedTypesEnabled) return codes.UNIMPLEMENTED;
  return ttl <= 0n || ttl > TTL_MS_MAX ? codes.BAD_ARGUMENTS : null;
};

const prepareCreate = (
  view: TreeView,
  requester: Requester,
  op: CreateOp,
  request: AnyCreateRequest,
): Prepared => {
  const { flags, data, ttl = -1n } = request;
  const refused = refusedFlags(requester, op, request);
  if (refused !== null) return refused;
  if (!hasParent(request.path)) return codes.BAD_ARGUMENTS;
  const acl = resolveAcl(request.acl, requester.identities);
  if (acl === null) return codes.INVALID_ACL;
  const parent = view.get(parentOf(request.path));
  if (parent === undefined) return codes.NO_NODE;
  if (!isAllowed(parent.acl, permissions.create, requester.identities)) return codes.NO_AUTH;
  const path = request.path + sequenceOf(flags, parent.cversion);
  if (!isValidPath(path)) return codes.BAD_ARGUMENTS;
  if (view.get(path) !== undefined) return codes.NODE_EXISTS;
  if (isSession(parent.owner)) return codes.NO_CHILDREN_FOR_EPHEMERALS;
  if (!requester.isWithinQuota(path, 1, data?.length ?? 0)) return codes.QUOTA_EXCEEDED;
  const created = { path, data, acl, parentCversion: nextInt(parent.cversion) };
  if (op === 'createContainer') return { type: 'createContainer', ...created };
  if (op === 'createTtl') return { type: 'createTtl', ttl, ...created };
  const ephemeral =
    flags === createFlags.ephemeral || flags === createFlags['ephemeral-sequential'];
  return { type: 'create', ephemeral, ...created };
};

const sequentialFlags: ReadonlySet<number> = new Set([
  createFlags['persistent-sequential'],
  createFlags['ephemeral-sequential'],
  createFlags['persistent-sequential-ttl'],
]);

/** Ten digits; a counter that has run over is negative and keeps the width (Java's %010d). */
const sequenceOf = (flags: number, cversion: number): string => {
  if (!sequentialFlags.has(flags)) return '';
  return cversion < 0
    ? `-${String(-cversion).padStart(9, '0')}`
    : String(cversion).padStart(10, '0');
};

const nextInt = (value: number): number => (value + 1) | 0;

const isWrongVersion = (wanted: number, actual: number): boolean =>
  wanted !== -1 && wanted !== actual;

const prepareDelete = (view: TreeView, requester: Requester, request: DeleteRequest): Prepared => {
  const { path, version } = request;
  if (!hasParent(path) || isReservedPath(path)) return codes.BAD_ARGUMENTS;
  const parent = view.get(parentOf(path));
  if (parent === undefined) return codes.NO_NODE;
  if (!isAllowed(parent.acl, permissions.delete, requester.identities)) return codes.NO_AUTH;
  const node = view.get(path);
  if (node === undefined) return codes.NO_NODE;
  if (isWrongVersion(version, node.version)) return codes.BAD_VERSION;
  if ((node.children?.size ?? 0) > 0) return codes.NOT_EMPTY;
  return { type: 'delete', path };
};

const prepareSetData = (
  view: TreeView,
  requester: Requester,
  request: SetDataRequest,
): Prepared => {
  const { path, data } = request;
  if (!isValidPath(path)) return codes.BAD_ARGUMENTS;
  const node = view.get(path);
  if (node === undefined) return codes.NO_NODE;
  if (!isAllowed(node.acl, permissions.write, requester.identities)) return codes.NO_AUTH;
  const bytesMore = (data?.length ?? 0) - node.dataBytes;
  if (!requester.isWithinQuota(path, 0, bytesMore)) return codes.QUOTA_EXCEEDED;
  if (isWrongVersion(request.version, node.version)) return codes.BAD_VERSION;
  return { type: 'setData', path, data, version: nextInt(node.version) };
};

const prepareSetAcl = (view: TreeView, requester: Requester, request: SetAclRequest): Prepared => {
  const { path } = request;
  if (!isValidPath(path)) return codes.BAD_ARGUMENTS;
  const acl = resolveAcl(request.acl, requester.identities);
  if (acl === null) return codes.INVALID_ACL;
  const node = view.get(path);
  if (node === undefined) return codes.NO_NODE;
  if (!isAllowed(node.acl, permissions.admin, requester.identities)) return codes.NO_AUTH;
  if (isWrongVersion(request.version, node.aversion)) return codes.BAD_VERSION;
  return { type: 'setAcl', path, acl, version: nextInt(node.aversion) };
};

const prepareCheck = (view: TreeView, requester: Requester, request: CheckRequest): Prepared => {
  const { path, version } = request;
  if (!isValidPath(path)) return codes.BAD_ARGUMENTS;
  const node = view.get(path);
  if (node === undefined) return codes.NO_NODE;
  if (!isAllowed(node.acl, permissions.read, requester.identities)) return codes.NO_AUTH;
  if (isWrongVersion(version, node.version)) return codes.BAD_VERSION;
  return { type: 'check', path, version: nextInt(node.version) };
};

/** A multi as a whole: the transaction, or the first step that is refused and why. */
export const prepareMulti = (
  view: TreeView,
  requester: Requester,
  steps: readonly MultiWriteStep[],
): Extract<TransactionBody, { readonly type: 'multi' }> | { index: number; code: number } => {
  const pending = new PendingView(view);
  const bodies: TransactionBody[] = [];
  for (const [index, step] of steps.entries()) {
    const body = prepareStep(pending, requester, step);
    if (typeof body === 'number') return { index, code: body };
    pending.note(body, requester.sessionId);
    bodies.push(body);
  }
  return { type: 'multi', bodies };
};

const prepareStep = (view: TreeView, requester: Requester, step: MultiWriteStep): Prepared => {
  switch (step.type) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTtl':
      return prepareCreate(view, requester, step.type, step.request);
    case 'delete':
      return prepareDelete(view, requester, step.request);
    case 'setData':
      return prepareSetData(view, requester, step.request);
    case 'check':
      return prepareCheck(view, requester, step.request);
    default:
      return unreachable(step);
  }
};

/** The tree with the effects of steps that have been checked and not been applied. */
class PendingView implements TreeView {
  readonly #below: TreeView;
  readonly #changed = new Map<string, NodeView | undefined>();

  constructor(below: TreeView) {
    this.#below = below;
  }

  get(path: string): NodeView | undefined {
    const key = path || '/';
    return this.#changed.has(key) ? this.#changed.get(key) : this.#below.get(key);
  }

  note(body: TransactionBody, sessionId: bigint): void {
    switch (body.type) {
      case 'create':
      case 'createContainer':
      case 'createTtl':
        this.#changeParent(body.path, 1, body.parentCversion);
        this.#changed.set(body.path, {
          acl: body.acl,
          version: 0,
          aversion: 0,
          cversion: 0,
          owner: body.type === 'create' && body.ephemeral ? sessionId : 0n,
          children: null,
          dataBytes: body.data?.length ?? 0,
        });
        break;
      case 'delete':
        this.#changeParent(body.path, -1, null);
        this.#changed.set(body.path, undefined);
        break;
      case 'setData': {
        const node = this.get(body.path);
        const { version, data } = body;
        if (node === undefined) break;
        const changes = { version, dataBytes: data?.length ?? 0 };
        this.#changed.set(body.path, { ...viewOf(node), ...changes });
        break;
      }
      default:
    }
  }

  #changeParent(path: string, difference: number, cversion: number | null): void {
    const parentPath = parentOf(path) || '/';
    const parent = this.get(parentPath);
    if (parent === undefined) return;
    this.#changed.set(parentPath, {
      ...viewOf(parent),
      cversion: cversion ?? parent.cversion,
      children: { size: (parent.children?.size ?? 0) + difference },
    });
  }
}

/** A copy, which a node's getters would not become part of by spreading. */
const viewOf = (node: NodeView): NodeView => ({
  acl: node.acl,
  version: node.version,
  aversion: node.aversion,
  cversion: node.cversion,
  owner: node.owner,
  children: node.children,
  dataBytes: node.dataBytes,
});
