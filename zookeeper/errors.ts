/** ZooKeeper's error codes (KeeperException.Code) and the errors that carry them. */

export const zooKeeperCodes = {
  OK: 0,
  SYSTEM_ERROR: -1,
  RUNTIME_INCONSISTENCY: -2,
  DATA_INCONSISTENCY: -3,
  CONNECTION_LOSS: -4,
  MARSHALLING_ERROR: -5,
  UNIMPLEMENTED: -6,
  OPERATION_TIMEOUT: -7,
  BAD_ARGUMENTS: -8,
  NEW_CONFIG_NO_QUORUM: -13,
  RECONFIG_IN_PROGRESS: -14,
  API_ERROR: -100,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_CALLBACK: -113,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
  SESSION_MOVED: -118,
  NOT_READ_ONLY: -119,
  EPHEMERAL_ON_LOCAL_SESSION: -120,
  NO_WATCHER: -121,
  REQUEST_TIMEOUT: -122,
  RECONFIG_DISABLED: -123,
  SESSION_CLOSED_REQUIRE_SASL_AUTH: -124,
  QUOTA_EXCEEDED: -125,
  THROTTLED_OP: -127,
} as const;

export type ZooKeeperErrorName = keyof typeof zooKeeperCodes;

const namesByCode = new Map<number, ZooKeeperErrorName>(
  Object.entries(zooKeeperCodes).map(([name, code]) => [code, name as ZooKeeperErrorName]),
);

/** A request that ZooKeeper refused, or whose session ended. */
export class ZooKeeperError extends Error {
  override readonly name: string = 'ZooKeeperError';
  readonly code: ZooKeeperErrorName;
  readonly path: string | undefined;

  constructor(code: ZooKeeperErrorName, path?: string) {
    super(path === undefined ? code : `${code} for ${path}`);
    this.code = code;
    this.path = path;
  }
}

/** A multi that was refused as a whole; `index` is the first step that failed and `code` its reason. */
export class MultiError extends ZooKeeperError {
  override readonly name = 'MultiError';
  readonly index: number;

  constructor(code: ZooKeeperErrorName, index: number, path?: string) {
    super(code, path);
    this.index = index;
  }
}

/** The name of a code from the wire; an unknown code counts as SYSTEM_ERROR. */
export const zooKeeperErrorName = (code: number): ZooKeeperErrorName =>
  namesByCode.get(code) ?? 'SYSTEM_ERROR';

/** The error for a code from the wire. */
export const zooKeeperErrorOf = (code: number, path?: string): ZooKeeperError =>
  new ZooKeeperError(zooKeeperErrorName(code), path);

/** Whether `error` is a ZooKeeperError with one of `codes`. */
export const isZooKeeperError = (error: unknown, ...codes: ZooKeeperErrorName[]): boolean =>
  error instanceof ZooKeeperError && codes.includes(error.code);
