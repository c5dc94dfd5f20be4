/**
 * The records of ZooKeeper's client protocol (3.8), each declared once for both directions: operation codes,
 * headers, request and response bodies, notifications, the handshake. Bodies of multi are in multi-records.ts.
 * What a server answers when is not decided here.
 */
import {
  bool,
  buffer,
  type Codec,
  int,
  JuteError,
  type JuteReader,
  JuteWriter,
  long,
  record,
  string,
  textOrEmpty,
  textOrNull,
  time,
  type Value,
  vector,
  vectorOrEmpty,
} from './jute.ts';
import type { Acl, Stat, WatchEventType } from './session.ts';

export const opCodes = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTtl: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const;

export type OpName = keyof typeof opCodes;

const opNames = new Map<number, OpName>(
  Object.entries(opCodes).map(([name, code]) => [code, name as OpName]),
);

export const opName = (code: number): OpName | undefined => opNames.get(code);

/** The xids with a meaning; a server echoes all others without looking at them. */
export const xids = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** The create flags of the wire (CreateMode). */
export const createFlags = {
  persistent: 0,
  ephemeral: 1,
  'persistent-sequential': 2,
  'ephemeral-sequential': 3,
  container: 4,
  'persistent-ttl': 5,
  'persistent-sequential-ttl': 6,
} as const;

export const permissions = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;

const looseAcl = record({ permissions: int, scheme: textOrEmpty, id: textOrNull });

/** Schemes whose ids are looked at, so that an absent one is an error; of others it counts as empty. */
const schemesWithId: readonly string[] = ['world', 'digest', 'ip'];

export const aclRecord: Codec<Acl> = {
  read(reader) {
    const { permissions, scheme, id } = looseAcl.read(reader);
    if (id === null && schemesWithId.includes(scheme)) throw new JuteError('no id in an ACL');
    return { permissions, scheme, id: id ?? '' };
  },
  write: looseAcl.write,
};

/** An absent list counts as an empty one; a server refuses either with INVALID_ACL. */
export const aclList = vectorOrEmpty(aclRecord);

export const openAcl: readonly Acl[] = [
  { permissions: permissions.all, scheme: 'world', id: 'anyone' },
];

export const statRecord: Codec<Stat> = record({
  czxid: long,
  mzxid: long,
  ctimeMs: time,
  mtimeMs: time,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  dataLength: int,
  numChildren: int,
  pzxid: long,
});

export const requestHeader = record({ xid: int, type: int });
export const replyHeader = record({ xid: int, zxid: long, code: int });

/** `readOnly` null: the byte is not there, as with old clients; the answer then goes without it too. */
export interface ConnectRequest {
  readonly protocolVersion: number;
  readonly lastZxidSeen: bigint;
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Buffer | null;
  readonly readOnly: boolean | null;
}

export interface ConnectResponse {
  readonly protocolVersion: number;
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Buffer | null;
  readonly readOnly: boolean | null;
}

const readOnlyByte: Codec<boolean | null> = {
  read: (reader: JuteReader) => (reader.remaining > 0 ? reader.bool() : null),
  write: (writer: JuteWriter, value) => {
    if (value !== null) writer.bool(value);
  },
};

export const connectRequest: Codec<ConnectRequest> = record({
  protocolVersion: int,
  lastZxidSeen: long,
  timeoutMs: int,
  sessionId: long,
  password: buffer,
  readOnly: readOnlyByte,
});

export const connectResponse: Codec<ConnectResponse> = record({
  protocolVersion: int,
  timeoutMs: int,
  sessionId: long,
  password: buffer,
  readOnly: readOnlyByte,
});

const empty = record({});
const pathOnly = record({ path: string });
const anyPath = record({ path: textOrNull });
const pathAndWatch = record({ path: string, watch: bool });
const pathAndVersion = record({ path: string, version: int });
const pathAndStat = record({ path: string, stat: statRecord });
const statOnly = record({ stat: statRecord });
const watcherOfType = record({ path: string, type: int });
const createFields = { path: string, data: buffer, acl: aclList, flags: int };
const createRequest = record(createFields);
const paths = vector(string);

/** Request bodies by operation. */
export const requests = {
  create: createRequest,
  create2: createRequest,
  createContainer: createRequest,
  createTtl: record({ ...createFields, ttl: long }),
  delete: pathAndVersion,
  exists: pathAndWatch,
  getData: pathAndWatch,
  // An absent path is a bad one here, where elsewhere it spoils the whole request.
  setData: record({ path: textOrNull, data: buffer, version: int }),
  getAcl: pathOnly,
  setAcl: record({ path: textOrNull, acl: aclList, version: int }),
  getChildren: pathAndWatch,
  getChildren2: pathAndWatch,
  sync: anyPath,
  ping: empty,
  check: pathAndVersion,
  reconfig: record({
    joining: textOrNull,
    leaving: textOrNull,
    members: textOrNull,
    configId: long,
  }),
  checkWatches: watcherOfType,
  removeWatches: watcherOfType,
  addWatch: record({ path: string, mode: int }),
  auth: record({ type: int, scheme: textOrEmpty, auth: buffer }),
  sasl: record({ token: buffer }),
  setWatches: record({ relativeZxid: long, data: paths, exist: paths, child: paths }),
  setWatches2: record({
    relativeZxid: long,
    data: paths,
    exist: paths,
    child: paths,
    persistent: paths,
    persistentRecursive: paths,
  }),
  getEphemerals: record({ prefixPath: textOrEmpty }),
  getAllChildrenNumber: pathOnly,
  whoAmI: empty,
  closeSession: empty,
} as const;

export type CreateRequest = Value<typeof requests.create>;
export type CreateTtlRequest = Value<typeof requests.createTtl>;
export type DeleteRequest = Value<typeof requests.delete>;
export type SetDataRequest = Value<typeof requests.setData>;
export type SetAclRequest = Value<typeof requests.setAcl>;
export type CheckRequest = Value<typeof requests.check>;
export type ReadRequest = Value<typeof requests.getData>;
export type SetWatches2Request = Value<typeof requests.setWatches2>;

/** Response bodies by operation; an error is answered by the header alone. */
export const responses = {
  create: pathOnly,
  create2: pathAndStat,
  createContainer: pathAndStat,
  createTtl: pathAndStat,
  delete: empty,
  exists: statOnly,
  getData: record({ data: buffer, stat: statRecord }),
  setData: statOnly,
  getAcl: record({ acl: aclList, stat: statRecord }),
  setAcl: statOnly,
  getChildren: record({ children: vectorOrEmpty(string) }),
  getChildren2: record({ children: vectorOrEmpty(string), stat: statRecord }),
  sync: anyPath,
  ping: empty,
  checkWatches: empty,
  removeWatches: empty,
  addWatch: record({ code: int }),
  auth: empty,
  sasl: record({ token: buffer }),
  setWatches: empty,
  setWatches2: empty,
  getEphemerals: record({ paths: vectorOrEmpty(string) }),
  getAllChildrenNumber: record({ count: int }),
  whoAmI: record({ identities: vectorOrEmpty(record({ scheme: string, user: string })) }),
  closeSession: empty,
} as const;

const watchEventTypes = {
  created: 1,
  deleted: 2,
  dataChanged: 3,
  childrenChanged: 4,
} as const satisfies Record<WatchEventType, number>;

const watchEventNames = new Map<number, WatchEventType>(
  Object.entries(watchEventTypes).map(([name, code]) => [code, name as WatchEventType]),
);

/** What a notification's number means; undefined for one that we do not know, as of a watch that was removed. */
export const watchEventOf = (code: number): WatchEventType | undefined => watchEventNames.get(code);

/** `state` is 3 (SyncConnected) in every event of a server. */
export const watcherEvent = record({ type: int, state: int, path: string });

/** Builds one frame, its length in front. */
export const encodeFrame = (write: (writer: JuteWriter) => void, capacityBytes = 256): Buffer => {
  const writer = new JuteWriter(capacityBytes);
  writer.int(0);
  write(writer);
  writer.patchInt(0, writer.length - 4);
  return writer.finish();
};

/** A request frame; `body` null for the operations that have none. */
export const encodeRequest = <T>(xid: number, op: OpName, codec: Codec<T>, body: T): Buffer =>
  encodeFrame((writer) => {
    writer.int(xid);
    writer.int(opCodes[op]);
    codec.write(writer, body);
  });

/** A reply frame; without `writeBody` the header alone. */
export const encodeReply = (
  xid: number,
  zxid: bigint,
  code: number,
  writeBody?: (writer: JuteWriter) => void,
): Buffer =>
  encodeFrame((writer) => {
    writer.int(xid);
    writer.long(zxid);
    writer.int(code);
    writeBody?.(writer);
  });

/** A notification frame. */
export const encodeNotification = (type: WatchEventType, path: string): Buffer =>
  encodeReply(xids.notification, -1n, 0, (writer) =>
    watcherEvent.write(writer, { type: watchEventTypes[type], state: 3, path }),
  );
