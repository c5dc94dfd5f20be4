/** How commands of the shell fail: the sentences and exit codes of ZooKeeper's own (CliException and its kin). */
import type { ZooKeeperError, ZooKeeperErrorName } from '../../zookeeper/errors.ts';

/** A command that has failed; the message is all that is printed. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Sentences of the shell's own, the path behind them. */
const sentences: Partial<Record<ZooKeeperErrorName, string>> = {
  NO_NODE: 'Node does not exist: ',
  NO_CHILDREN_FOR_EPHEMERALS: 'Ephemerals cannot have children: ',
  NODE_EXISTS: 'Node already exists: ',
  NOT_EMPTY: 'Node not empty: ',
  NOT_READ_ONLY: 'Not a read-only call: ',
  INVALID_ACL: 'Acl is not valid : ',
  NO_AUTH: 'Insufficient permission : ',
  BAD_ARGUMENTS: 'Arguments are not valid : ',
  BAD_VERSION: 'version No is not valid : ',
  QUOTA_EXCEEDED: 'Quota has exceeded : ',
};

/** What follows `KeeperErrorCode = ` where it is not the code's name in capitals and small letters. */
const labels: Partial<Record<ZooKeeperErrorName, string>> = {
  SYSTEM_ERROR: 'SystemError',
  API_ERROR: 'APIError',
  INVALID_ACL: 'InvalidACL',
  NOT_EMPTY: 'Directory not empty',
  SESSION_EXPIRED: 'Session expired',
  INVALID_CALLBACK: 'Invalid callback',
  SESSION_MOVED: 'Session moved',
  NOT_READ_ONLY: 'Not a read-only call',
  EPHEMERAL_ON_LOCAL_SESSION: 'Ephemeral node on local session',
  NO_WATCHER: 'No such watcher',
  RECONFIG_DISABLED: 'Reconfig is disabled',
  SESSION_CLOSED_REQUIRE_SASL_AUTH: 'Session closed because client failed to authenticate',
  QUOTA_EXCEEDED: 'Quota has exceeded',
  THROTTLED_OP: 'Op throttled due to high load',
};

const RECONFIG_SENTENCES: Partial<Record<ZooKeeperErrorName, string>> = {
  RECONFIG_IN_PROGRESS:
    'Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)',
  NEW_CONFIG_NO_QUORUM:
    'No quorum of new config is connected and up-to-date with the leader of last commmitted config - try invoking reconfiguration after new servers are connected and synced',
};

const labelOf = (code: ZooKeeperErrorName): string =>
  labels[code] ??
  code
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('');

/** `KeeperErrorCode = NoNode for /path`, the message of Java's KeeperException. */
export const keeperMessage = ({ code, path }: ZooKeeperError): string =>
  `KeeperErrorCode = ${labelOf(code)}${path === undefined ? '' : ` for ${path}`}`;

/** What the shell prints for an error of ZooKeeper. */
export const sentenceFor = (error: ZooKeeperError): string => {
  const sentence = sentences[error.code];
  if (sentence !== undefined) return sentence + (error.path ?? 'null');
  return RECONFIG_SENTENCES[error.code] ?? keeperMessage(error);
};
