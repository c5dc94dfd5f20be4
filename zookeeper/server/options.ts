/**
 * What a server can be told, with what it does when it is not. The defaults are those of a server inside another
 * process; the program zookeeper-server-start has ZooKeeper's (settings.ts).
 */
import { posix } from 'node:path';

export interface ZooKeeperServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly dataDir: string;
  /** Where the log is, when not beside the snapshots. */
  readonly dataLogDir?: string;
  readonly tickTimeMs?: number;
  /** Session timeouts are kept within these; 2 ticks and 60 s by default. */
  readonly minSessionTimeoutMs?: number;
  readonly maxSessionTimeoutMs?: number;
  /** Whether a write is forced to the device before it is answered (forceSync). */
  readonly syncs?: boolean;
  /** The largest request (jute.maxbuffer). */
  readonly frameBytesMax?: number;
  /** Connections from one address (maxClientCnxns) and altogether (maxCnxns); 0: any number. */
  readonly connectionsPerAddressMax?: number;
  readonly connectionsMax?: number;
  /** Requests not answered yet beyond which no more are read (globalOutstandingLimit). */
  readonly outstandingRequestsMax?: number;
  /** The length of the queue of connections not accepted yet. */
  readonly backlog?: number;
  /** Transactions, or bytes of log, after which a snapshot is written and a new log begins (snapCount, snapSizeLimitInKb). */
  readonly snapshotTransactionCount?: number;
  readonly logBytesMax?: number;
  /** How many snapshots stay when old files are removed (autopurge.snapRetainCount). */
  readonly snapshotsKept?: number;
  /** How often old files are removed (autopurge.purgeInterval); 0: never; null: after each snapshot. */
  readonly purgeIntervalMs?: number | null;
  /** Whether nodes may have a time to live (extendedTypesEnabled). */
  readonly extendedTypesEnabled?: boolean;
  /** Whether quotas warn and refuse, beyond counting (enforceQuota). */
  readonly enforceQuota?: boolean;
  /** What reconfig is answered: that it is disabled, or that a single node has none (reconfigEnabled). */
  readonly reconfigEnabled?: boolean;
  /** How often containers and TTL nodes are looked through (znode.container.checkIntervalMs). */
  readonly containerCheckIntervalMs?: number;
  /** `super:<base64 SHA-1 of "super:password">`. */
  readonly superDigest?: string | null;
  /** The four-letter words that are answered (4lw.commands.whitelist); null: all. */
  readonly words?: readonly string[] | null;
  /** The HTTP endpoint; null, the default: none. */
  readonly admin?: AdminOptions | null;
  /** What the word envi tells of the surroundings. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The text of the settings file, for the admin command initial_configuration. */
  readonly settingsText?: string;
  /** Called once when the disk has failed and the server has stopped. */
  readonly onFailure?: (error: unknown) => void;
}

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  /** Below which the commands are, `/commands` by default. */
  readonly path?: string;
}

/** Everything decided. */
export interface ServerSettings extends Required<ZooKeeperServerOptions> {
  /** Where snapshots and logs are. */
  readonly snapshotDirectory: string;
  readonly logDirectory: string;
}

const TICK_TIME_MS = 500;
const SESSION_TIMEOUT_MS_MAX = 60_000;
/** ZooKeeper's name for where the files of this format are. */
export const VERSION_DIRECTORY = 'version-2';

export const decide = (options: ZooKeeperServerOptions): ServerSettings => {
  const tickTimeMs = options.tickTimeMs ?? TICK_TIME_MS;
  const dataLogDir = options.dataLogDir ?? options.dataDir;
  return {
    minSessionTimeoutMs: 2 * tickTimeMs,
    maxSessionTimeoutMs: SESSION_TIMEOUT_MS_MAX,
    syncs: true,
    frameBytesMax: 0xfffff,
    connectionsPerAddressMax: 0,
    connectionsMax: 0,
    outstandingRequestsMax: 1_000,
    backlog: 511,
    snapshotTransactionCount: 50_000,
    logBytesMax: 256 * 1024 * 1024,
    snapshotsKept: 3,
    purgeIntervalMs: null,
    extendedTypesEnabled: false,
    enforceQuota: false,
    reconfigEnabled: false,
    containerCheckIntervalMs: 60_000,
    superDigest: null,
    words: null,
    admin: null,
    environment: {},
    settingsText: '',
    onFailure: () => {},
    ...options,
    tickTimeMs,
    dataLogDir,
    snapshotDirectory: posix.join(options.dataDir, VERSION_DIRECTORY),
    logDirectory: posix.join(dataLogDir, VERSION_DIRECTORY),
  };
};
