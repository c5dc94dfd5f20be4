/**
 * The settings of zookeeper.properties as a standalone server has them: names, types and defaults are ZooKeeper's
 * (QuorumPeerConfig and its system properties), but for 4lw.commands.whitelist (here all), admin.enableServer (here false, as
 * in the file that comes with Kafka) and autopurge (here always, unless an interval is given). A system property stands under
 * the name that ZooKeeper's file has for it, znode.container.checkIntervalMs under its own, which cannot be set there. Pure.
 */

import type { AdminOptions, ZooKeeperServerOptions } from './options.ts';
import { wordNames } from './words.ts';

export interface ServerProperties {
  readonly options: Omit<ZooKeeperServerOptions, 'environment' | 'settingsText' | 'onFailure'>;
  /** A sentence for each setting that has no effect. */
  readonly warnings: readonly string[];
}

/** A value that cannot be; the message is one sentence that says what to write instead. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

type Parse<T> = (text: string, name: string) => T;

const wholeNumber =
  (min: number, max = 2 ** 31 - 1): Parse<number> =>
  (text, name) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new SettingError(`${name} must be a whole number from ${min} to ${max}, not "${text}".`);
  };

const oneOf =
  (yes: string, no: string): Parse<boolean> =>
  (text, name) => {
    const value = text.toLowerCase();
    if (value === yes || value === no) return value === yes;
    throw new SettingError(`${name} must be ${yes} or ${no}, not "${text}".`);
  };

const text: Parse<string> = (value) => value;

const directory: Parse<string> = (value, name) => {
  if (value !== '') return value;
  throw new SettingError(`${name} is empty: name a folder in it.`);
};

/** -1 stands for the default, as it does in ZooKeeper. */
const sessionTimeout: Parse<number | null> = (value, name) => {
  const timeoutMs = wholeNumber(-1)(value, name);
  return timeoutMs === -1 ? null : timeoutMs;
};

const words: Parse<readonly string[] | null> = (value, name) => {
  const names = value.split(',').map((word) => word.trim());
  if (names.includes('*')) return null;
  const unknown = names.find((word) => word !== '' && !wordNames.includes(word));
  if (unknown === undefined) return names;
  throw new SettingError(
    `${name} names "${unknown}", which is none of ${wordNames.join(', ')}, or * for all.`,
  );
};

const superDigest: Parse<string> = (value, name) => {
  if (/^super:[A-Za-z0-9+/]{27}=$/.test(value)) return value;
  throw new SettingError(`${name} must be super: and the base64 SHA-1 of super:<password>.`);
};

const path: Parse<string> = (value, name) => {
  if (/^\/[!-~]+$/.test(value)) return value.replace(/\/+$/, '');
  throw new SettingError(`${name} must be a path such as /commands, not "${value}".`);
};

const table = {
  clientPort: wholeNumber(0, 65_535),
  clientPortAddress: text,
  clientPortListenBacklog: wholeNumber(-1),
  dataDir: directory,
  dataLogDir: directory,
  tickTime: wholeNumber(1),
  minSessionTimeout: sessionTimeout,
  maxSessionTimeout: sessionTimeout,
  maxClientCnxns: wholeNumber(0),
  maxCnxns: wholeNumber(0),
  snapCount: wholeNumber(2),
  snapSizeLimitInKb: wholeNumber(0),
  'autopurge.snapRetainCount': wholeNumber(0),
  'autopurge.purgeInterval': wholeNumber(0, 24 * 365),
  globalOutstandingLimit: wholeNumber(1),
  'jute.maxbuffer': wholeNumber(64, 2 ** 30),
  extendedTypesEnabled: oneOf('true', 'false'),
  enforceQuota: oneOf('true', 'false'),
  reconfigEnabled: oneOf('true', 'false'),
  'znode.container.checkIntervalMs': wholeNumber(1),
  '4lw.commands.whitelist': words,
  'admin.enableServer': oneOf('true', 'false'),
  'admin.serverPort': wholeNumber(0, 65_535),
  'admin.serverAddress': text,
  'admin.commandURL': path,
  forceSync: oneOf('yes', 'no'),
  'DigestAuthenticationProvider.superDigest': superDigest,
} satisfies Record<string, Parse<unknown>>;

type Values = { [K in keyof typeof table]?: ReturnType<(typeof table)[K]> };

/** Settings that say nothing to a single node, or tune what is not there; they stand in many files. */
const withoutEffect = new Set([
  ...['initLimit', 'syncLimit', 'electionAlg', 'connectToLearnerMasterLimit', 'leaderServes'],
  ...['preAllocSize', 'commitLogCount', 'jute.maxbuffer.extrasize', 'fsync.warningthresholdms'],
  ...['standaloneEnabled', 'localSessionsEnabled', 'quorumListenOnAllIPs'],
  ...['localSessionsUpgradingEnabled', 'syncEnabled', 'digest.enabled', 'warningthresholdms'],
]);

/** What asks for something that this server is not. */
const refusals: readonly (readonly [pattern: RegExp, sentence: string])[] = [
  [
    /^(server|group|weight)\./,
    'belongs to an ensemble, and this server is a single node: take such lines out, or run Apache ZooKeeper.',
  ],
  [/^dynamicConfigFile$/, 'belongs to an ensemble: take it out, or run Apache ZooKeeper.'],
  [/^secureClientPort/, 'asks for TLS, which this server does not have: use clientPort.'],
];

/** ZooKeeper's, where they differ from those of a server inside another process. */
const TICK_TIME_MS = 3_000;
const SNAP_RETAIN_COUNT_MIN = 3;
const HOUR_MS = 3_600_000;

/** Reads a file's entries. Throws SettingError. */
export const readServerProperties = (properties: ReadonlyMap<string, string>): ServerProperties => {
  const values: Record<string, unknown> = {};
  const warnings: string[] = [];
  for (const [name, value] of properties) {
    const refusal = refusals.find(([pattern]) => pattern.test(name));
    if (refusal !== undefined) throw new SettingError(`${name} ${refusal[1]}`);
    const parse = isKnown(name) ? table[name] : undefined;
    if (parse !== undefined) values[name] = parse(value.trim(), name);
    else if (!withoutEffect.has(name))
      warnings.push(`${name} is not a setting of this server and has no effect.`);
  }
  return { options: optionsOf(values as Values), warnings };
};

const isKnown = (name: string): name is keyof typeof table => Object.hasOwn(table, name);

const optionsOf = (values: Values): ServerProperties['options'] => {
  const { dataDir, tickTime = TICK_TIME_MS, dataLogDir, clientPortListenBacklog = -1 } = values;
  if (dataDir === undefined) {
    throw new SettingError('dataDir is missing: name a folder for the data in it.');
  }
  const snapLimitKb = values.snapSizeLimitInKb ?? 0;
  return {
    host: values.clientPortAddress ?? '0.0.0.0',
    port: values.clientPort ?? 2181,
    dataDir,
    ...(dataLogDir === undefined ? {} : { dataLogDir }),
    ...(clientPortListenBacklog < 1 ? {} : { backlog: clientPortListenBacklog }),
    tickTimeMs: tickTime,
    ...sessionTimeouts(values, tickTime),
    connectionsPerAddressMax: values.maxClientCnxns ?? 60,
    connectionsMax: values.maxCnxns ?? 0,
    snapshotTransactionCount: values.snapCount ?? 100_000,
    ...(snapLimitKb === 0 ? {} : { logBytesMax: Math.min(snapLimitKb * 1024, LOG_BYTES_LIMIT) }),
    ...purging(values),
    outstandingRequestsMax: values.globalOutstandingLimit ?? 1_000,
    frameBytesMax: values['jute.maxbuffer'] ?? 0xfffff,
    extendedTypesEnabled: values.extendedTypesEnabled ?? false,
    enforceQuota: values.enforceQuota ?? false,
    reconfigEnabled: values.reconfigEnabled ?? false,
    containerCheckIntervalMs: values['znode.container.checkIntervalMs'] ?? 60_000,
    words: values['4lw.commands.whitelist'] ?? null,
    syncs: values.forceSync ?? true,
    superDigest: values['DigestAuthenticationProvider.superDigest'] ?? null,
    admin: adminOf(values),
  };
};

/** Logs are read whole at start, so they cannot grow as long as ZooKeeper's. */
const LOG_BYTES_LIMIT = 2 ** 30;

const sessionTimeouts = (values: Values, tickTimeMs: number) => {
  const minSessionTimeoutMs = values.minSessionTimeout ?? 2 * tickTimeMs;
  const maxSessionTimeoutMs = values.maxSessionTimeout ?? 20 * tickTimeMs;
  if (minSessionTimeoutMs <= maxSessionTimeoutMs)
    return { minSessionTimeoutMs, maxSessionTimeoutMs };
  throw new SettingError(
    `minSessionTimeout (${minSessionTimeoutMs}) must not be above maxSessionTimeout (${maxSessionTimeoutMs}).`,
  );
};

const purging = (values: Values) => {
  const hours = values['autopurge.purgeInterval'];
  // ZooKeeper, too, raises what would not leave enough to start from.
  const count = Math.max(values['autopurge.snapRetainCount'] ?? 0, SNAP_RETAIN_COUNT_MIN);
  return { snapshotsKept: count, purgeIntervalMs: hours === undefined ? null : hours * HOUR_MS };
};

const adminOf = (values: Values): AdminOptions | null =>
  values['admin.enableServer'] === true
    ? {
        host: values['admin.serverAddress'] ?? '0.0.0.0',
        port: values['admin.serverPort'] ?? 8080,
        path: values['admin.commandURL'] ?? '/commands',
      }
    : null;
