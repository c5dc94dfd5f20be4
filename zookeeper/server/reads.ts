/**
 * Requests that change nothing but watches: each checks, arms its watch and says how its answer is written.
 * Reads do not validate paths. Pure; the checks and their order are those of ZooKeeper's FinalRequestProcessor.
 */
import { zooKeeperCodes as codes } from '../errors.ts';
import type { JuteReader, JuteWriter } from '../jute.ts';
import type { MultiReadStep, MultiStepResult } from '../multi-records.ts';
import { permissions, requests, responses, type SetWatches2Request } from '../records.ts';
import type { WatchEventType } from '../session.ts';
import { type Identity, isAllowed, maskAcl, mayRead, userOf } from './acl.ts';
import type { Node } from './node.ts';
import type { DataTree } from './tree.ts';
import type { WatchKind } from './watches.ts';

/** The body of an answer, or the error code that stands in for it. */
export type Answer = number | ((writer: JuteWriter) => void);

/** The one who asks, with its own watches. */
export interface Reader {
  readonly sessionId: bigint;
  readonly identities: readonly Identity[];
  watch(kind: WatchKind, path: string): void;
  hasWatch(kinds: readonly WatchKind[], path: string): boolean;
  /** Whether there was one. */
  unwatch(kinds: readonly WatchKind[], path: string): boolean;
  /** Sends an event ahead of the answer. */
  notify(type: WatchEventType, path: string): void;
}

type ReadHandler = (tree: DataTree, reader: Reader, body: JuteReader) => Answer;

const nothing: Answer = () => {};

/** The node, when it is there and may be read with one of `wanted`. */
const readable = (
  tree: DataTree,
  reader: Reader,
  path: string,
  wanted: number = permissions.read,
): Node | number => {
  const node = tree.get(path);
  if (node === undefined) return codes.NO_NODE;
  return isAllowed(node.acl, wanted, reader.identities) ? node : codes.NO_AUTH;
};

const exists: ReadHandler = (tree, reader, body) => {
  const { path, watch } = requests.exists.read(body);
  if (path.includes('\0')) return codes.BAD_ARGUMENTS;
  const node = tree.get(path);
  if (node !== undefined && !mayRead(node.acl, reader.identities)) return codes.NO_AUTH;
  // The watch of a node that is absent waits for its creation.
  if (watch) reader.watch('data', path);
  if (node === undefined) return codes.NO_NODE;
  return (writer) => responses.exists.write(writer, { stat: tree.stat(node) });
};

const getData: ReadHandler = (tree, reader, body) => {
  const { path, watch } = requests.getData.read(body);
  const node = readable(tree, reader, path);
  if (typeof node === 'number') return node;
  if (watch) reader.watch('data', path);
  return (writer) => responses.getData.write(writer, { data: node.data, stat: tree.stat(node) });
};

const getAcl: ReadHandler = (tree, reader, body) => {
  const { path } = requests.getAcl.read(body);
  const node = readable(tree, reader, path, permissions.read | permissions.admin);
  if (typeof node === 'number') return node;
  const isAdmin = isAllowed(node.acl, permissions.admin, reader.identities);
  const acl = isAdmin ? node.acl : maskAcl(node.acl);
  return (writer) => responses.getAcl.write(writer, { acl, stat: tree.stat(node) });
};

const childrenOf = (node: Node): string[] => [...(node.children ?? [])];

const getChildren =
  (withStat: boolean): ReadHandler =>
  (tree, reader, body) => {
    const { path, watch } = requests.getChildren.read(body);
    const node = readable(tree, reader, path);
    if (typeof node === 'number') return node;
    if (watch) reader.watch('child', path);
    const children = childrenOf(node);
    return (writer) =>
      withStat
        ? responses.getChildren2.write(writer, { children, stat: tree.stat(node) })
        : responses.getChildren.write(writer, { children });
  };

const sync: ReadHandler = (_tree, _reader, body) => {
  const { path } = requests.sync.read(body);
  return (writer) => responses.sync.write(writer, { path });
};

const getEphemerals: ReadHandler = (tree, reader, body) => {
  const { prefixPath } = requests.getEphemerals.read(body);
  const prefix = prefixPath.trim() === '' ? '/' : prefixPath;
  const owned = [...(tree.ephemerals.get(reader.sessionId) ?? [])];
  const paths = owned.filter((path) => path.startsWith(prefix));
  return (writer) => responses.getEphemerals.write(writer, { paths });
};

const countDescendants = (tree: DataTree, path: string, node: Node): number => {
  let count = 0;
  const open: [string, Node][] = [[path === '/' ? '' : path, node]];
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const [at, { children }] = entry;
    for (const name of children ?? []) {
      count += 1;
      const child = tree.get(`${at}/${name}`);
      if (child?.children) open.push([`${at}/${name}`, child]);
    }
  }
  return count;
};

const getAllChildrenNumber: ReadHandler = (tree, reader, body) => {
  const { path } = requests.getAllChildrenNumber.read(body);
  const node = readable(tree, reader, path);
  if (typeof node === 'number') return node;
  const count = countDescendants(tree, path, node);
  return (writer) => responses.getAllChildrenNumber.write(writer, { count });
};

const whoAmI: ReadHandler = (_tree, reader) => {
  const identities = reader.identities.map((identity) => ({
    scheme: identity.scheme,
    user: userOf(identity),
  }));
  return (writer) => responses.whoAmI.write(writer, { identities });
};

const addWatch: ReadHandler = (_tree, reader, body) => {
  const { path, mode } = requests.addWatch.read(body);
  if (mode !== 0 && mode !== 1) return codes.MARSHALLING_ERROR;
  reader.watch(mode === 0 ? 'persistent' : 'persistentRecursive', path);
  return (writer) => responses.addWatch.write(writer, { code: 0 });
};

/** WatcherType on the wire; 4 and 5 came with 3.9. */
const kindsByType = new Map<number, readonly WatchKind[]>([
  [1, ['child']],
  [2, ['data']],
  [3, ['data', 'child', 'persistent', 'persistentRecursive']],
  [4, ['persistent']],
  [5, ['persistentRecursive']],
]);

const checkWatches: ReadHandler = (_tree, reader, body) => {
  const { path, type } = requests.checkWatches.read(body);
  const kinds = kindsByType.get(type);
  if (kinds === undefined) return codes.MARSHALLING_ERROR;
  return reader.hasWatch(kinds, path) ? nothing : codes.NO_WATCHER;
};

const removeWatches: ReadHandler = (_tree, reader, body) => {
  const { path, type } = requests.removeWatches.read(body);
  const kinds = kindsByType.get(type);
  if (kinds === undefined) return codes.MARSHALLING_ERROR;
  return reader.unwatch(kinds, path) ? nothing : codes.NO_WATCHER;
};

/** Arms again what a lost connection had armed; what has changed since is told at once, and not armed. */
const restoreWatches = (tree: DataTree, reader: Reader, request: SetWatches2Request): Answer => {
  const { relativeZxid } = request;
  for (const path of request.data) {
    const node = tree.get(path);
    if (node === undefined) reader.notify('deleted', path);
    else if (node.mzxid > relativeZxid) reader.notify('dataChanged', path);
    else reader.watch('data', path);
  }
  for (const path of request.exist) {
    if (tree.get(path) === undefined) reader.watch('data', path);
    else reader.notify('created', path);
  }
  for (const path of request.child) {
    const node = tree.get(path);
    if (node === undefined) reader.notify('deleted', path);
    else if (node.pzxid > relativeZxid) reader.notify('childrenChanged', path);
    else reader.watch('child', path);
  }
  for (const path of request.persistent) reader.watch('persistent', path);
  for (const path of request.persistentRecursive) reader.watch('persistentRecursive', path);
  return nothing;
};

const setWatches: ReadHandler = (tree, reader, body) =>
  restoreWatches(tree, reader, {
    ...requests.setWatches.read(body),
    persistent: [],
    persistentRecursive: [],
  });

const setWatches2: ReadHandler = (tree, reader, body) =>
  restoreWatches(tree, reader, requests.setWatches2.read(body));

export const readHandlers = {
  exists,
  getData,
  getAcl,
  getChildren: getChildren(false),
  getChildren2: getChildren(true),
  sync,
  ping: () => nothing,
  getEphemerals,
  getAllChildrenNumber,
  whoAmI,
  addWatch,
  checkWatches,
  removeWatches,
  setWatches,
  setWatches2,
} as const satisfies Record<string, ReadHandler>;

export type ReadOp = keyof typeof readHandlers;

export const isReadOp = (op: string): op is ReadOp => Object.hasOwn(readHandlers, op);

/** One step of a multiRead; its watch flag counts for nothing. */
export const readStep = (tree: DataTree, reader: Reader, step: MultiReadStep): MultiStepResult => {
  const node = readable(tree, reader, step.request.path);
  if (typeof node === 'number') return { type: 'error', code: node };
  if (step.type === 'getData') return { type: 'getData', data: node.data, stat: tree.stat(node) };
  return { type: 'getChildren', children: childrenOf(node) };
};
