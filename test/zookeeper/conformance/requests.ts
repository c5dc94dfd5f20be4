/**
 * Requests of the conformance cases, as operation code and body bytes. Bodies are put together here, field by field and not
 * with the server's codecs, so that a wrong codec shows and so that a case can send what no client would.
 */

/** A request without its xid. */
export interface Request {
  readonly op: number;
  readonly body: Buffer;
  /** Instead of the next one of the connection. */
  readonly xid?: number;
  /** Where in the body a zxid stands that counts from the start of the case. */
  readonly relativeAt?: number;
}

export interface AclEntry {
  readonly permissions: number;
  readonly scheme: string | null;
  readonly id: string | null;
}

export const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
};

export const long = (value: bigint | number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(value)));
  return bytes;
};

export const byte = (value: number): Buffer => Buffer.from([value]);

/** A string or buffer with its length; null is length -1. */
export const text = (value: string | Buffer | null): Buffer => {
  if (value === null) return int(-1);
  const bytes = Buffer.from(value as string);
  return Buffer.concat([int(bytes.length), bytes]);
};

export const list = (items: readonly Buffer[] | null): Buffer =>
  items === null ? int(-1) : Buffer.concat([int(items.length), ...items]);

const texts = (values: readonly (string | null)[] | null): Buffer =>
  list(values === null ? null : values.map(text));

export const aclOf = (entries: readonly AclEntry[] | null): Buffer =>
  list(
    entries === null
      ? null
      : entries.map(({ permissions, scheme, id }) =>
          Buffer.concat([int(permissions), text(scheme), text(id)]),
        ),
  );

/** `acl(31, 'world', 'anyone')`. */
export const acl = (permissions: number, scheme: string | null, id: string | null): AclEntry => ({
  permissions,
  scheme,
  id,
});

export const open = [acl(31, 'world', 'anyone')];

/** A request of any kind. */
export const raw = (op: number, ...parts: readonly Buffer[]): Request => ({
  op,
  body: Buffer.concat(parts),
});

/** The same request under another xid. */
export const withXid = (xid: number, request: Request): Request => ({ ...request, xid });

interface CreateOptions {
  readonly data?: string | Buffer | null;
  readonly acl?: readonly AclEntry[] | null;
  readonly flags?: number;
}

const creation =
  (op: number, usualFlags = 0) =>
  (path: string | null, options: CreateOptions = {}): Request => {
    const { data = 'x', acl: entries = open, flags = usualFlags } = options;
    return raw(op, text(path), text(data), aclOf(entries), int(flags));
  };

export const create = creation(1);
export const create2 = creation(15);
export const createContainer = creation(19, 4);
export const createTtl = (
  path: string,
  ttl: bigint | number,
  options: CreateOptions = {},
): Request => {
  const plain = creation(21, 5)(path, options);
  return { ...plain, body: Buffer.concat([plain.body, long(ttl)]) };
};

export const remove = (path: string | null, version = -1): Request =>
  raw(2, text(path), int(version));
export const exists = (path: string | null, watch = 0): Request => raw(3, text(path), byte(watch));
export const getData = (path: string | null, watch = 0): Request => raw(4, text(path), byte(watch));
export const setData = (path: string | null, data: string | Buffer | null, version = -1): Request =>
  raw(5, text(path), text(data), int(version));
export const getAcl = (path: string | null): Request => raw(6, text(path));
export const setAcl = (
  path: string | null,
  entries: readonly AclEntry[] | null,
  version = -1,
): Request => raw(7, text(path), aclOf(entries), int(version));
export const getChildren = (path: string | null, watch = 0): Request =>
  raw(8, text(path), byte(watch));
export const getChildren2 = (path: string | null, watch = 0): Request =>
  raw(12, text(path), byte(watch));
export const sync = (path: string | null): Request => raw(9, text(path));
export const ping = (xid = -2): Request => ({ ...raw(11), xid });
export const check = (path: string | null, version = -1): Request =>
  raw(13, text(path), int(version));
export const reconfig = (): Request => raw(16, text(null), text(null), text(null), long(-1));
export const checkWatches = (path: string, type: number): Request => raw(17, text(path), int(type));
export const removeWatches = (path: string, type: number): Request =>
  raw(18, text(path), int(type));
export const addWatch = (path: string | null, mode: number): Request =>
  raw(106, text(path), int(mode));
export const getEphemerals = (prefix: string | null): Request => raw(103, text(prefix));
export const countDescendants = (path: string | null): Request => raw(104, text(path));
export const whoAmI = (): Request => raw(107);
export const closeSession = (): Request => raw(-11);

export const auth = (scheme: string | null, credentials: string | null, xid = -4): Request => ({
  ...raw(100, int(0), text(scheme), text(credentials)),
  xid,
});

type Paths = readonly (string | null)[] | null;

/** `sinceZxid` counts from the start of the case; the runner knows where that was. */
export const setWatches = (
  sinceZxid: number,
  data: Paths,
  exist: Paths,
  child: Paths,
): Request => ({
  ...raw(101, long(sinceZxid), texts(data), texts(exist), texts(child)),
  relativeAt: 0,
});

export const setWatches2 = (sinceZxid: number, ...lists: readonly Paths[]): Request => ({
  ...raw(105, long(sinceZxid), ...lists.map(texts)),
  relativeAt: 0,
});

const end = Buffer.concat([int(-1), byte(1), int(-1)]);

const steps = (requests: readonly Request[]): Buffer =>
  Buffer.concat([...requests.flatMap(({ op, body }) => [int(op), byte(0), int(-1), body]), end]);

export const multi = (...requests: readonly Request[]): Request => raw(14, steps(requests));
export const multiRead = (...requests: readonly Request[]): Request => raw(22, steps(requests));
