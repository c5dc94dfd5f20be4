/**
 * The four-letter words: a fresh connection sends one instead of a handshake, gets text and is closed. All that
 * are known here are allowed, unlike in ZooKeeper, whose default is srvr alone; this server is for labs.
 */

import type { Client } from './client.ts';
import type { ServerCore } from './core.ts';

/** What the answers are made of. */
export interface ServerView {
  readonly core: ServerCore<Client>;
  readonly clients: ReadonlySet<Client>;
  readonly statistics: Statistics;
  readonly port: number;
  readonly directory: string;
  readonly uptimeMs: number;
  readonly outstandingCount: number;
  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
}

export interface Statistics {
  receivedCount: number;
  sentCount: number;
  latencyMsMin: number;
  latencyMsMax: number;
  latencyMsSum: number;
  latencyCount: number;
}

export const newStatistics = (): Statistics => ({
  receivedCount: 0,
  sentCount: 0,
  latencyMsMin: 0,
  latencyMsMax: 0,
  latencyMsSum: 0,
  latencyCount: 0,
});

/** The version whose behaviour this is. */
const VERSION = '3.8.4-barnabas, built on 2024-02-12 22:16 UTC';

type Word = (view: ServerView) => string;

const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join('');

const decimal = (value: number): string => {
  const text = String(Math.round(value * 10_000) / 10_000);
  return text.includes('.') ? text : `${text}.0`;
};

const averageLatency = ({ latencyMsSum, latencyCount }: Statistics): string =>
  decimal(latencyCount === 0 ? 0 : latencyMsSum / latencyCount);

const latencies = (statistics: Statistics): string => {
  const { latencyMsMin, latencyMsMax } = statistics;
  return `${Math.floor(latencyMsMin)}/${averageLatency(statistics)}/${Math.floor(latencyMsMax)}`;
};

const summary = (view: ServerView): string =>
  lines(
    `Latency min/avg/max: ${latencies(view.statistics)}`,
    `Received: ${view.statistics.receivedCount}`,
    `Sent: ${view.statistics.sentCount}`,
    `Connections: ${view.clients.size}`,
    `Outstanding: ${view.outstandingCount}`,
    `Zxid: 0x${view.core.tree.lastZxid.toString(16)}`,
    'Mode: standalone',
    `Node count: ${view.core.tree.nodes.size}`,
  );

const connectionLine = (client: Client, isFull: boolean): string => {
  const session =
    isFull && client.sessionId !== 0n
      ? `,sid=0x${BigInt.asUintN(64, client.sessionId).toString(16)},to=${client.timeoutMs}`
      : '';
  const counts = `queued=${client.queuedCount},recved=${client.receivedCount},sent=${client.sentCount}`;
  const ops = client.sessionId === 0n ? 0 : 1;
  return ` /${client.address}:${client.port}[${ops}](${counts}${session})`;
};

const clientLines = (view: ServerView, isFull: boolean): string =>
  lines(...[...view.clients].map((client) => connectionLine(client, isFull)), '');

const ephemeralCount = (view: ServerView): number => {
  let count = 0;
  for (const paths of view.core.tree.ephemerals.values()) count += paths.size;
  return count;
};

const monitored = (view: ServerView): string => {
  const { core, statistics } = view;
  const values: Record<string, string | number> = {
    version: VERSION,
    server_state: 'standalone',
    avg_latency: averageLatency(statistics),
    min_latency: Math.floor(statistics.latencyMsMin),
    max_latency: Math.floor(statistics.latencyMsMax),
    packets_received: statistics.receivedCount,
    packets_sent: statistics.sentCount,
    num_alive_connections: view.clients.size,
    outstanding_requests: view.outstandingCount,
    znode_count: core.tree.nodes.size,
    watch_count: core.watches.size,
    ephemerals_count: ephemeralCount(view),
    approximate_data_size: core.tree.sizeBytes,
    uptime: Math.floor(view.uptimeMs),
    global_sessions: core.sessions.size,
    local_sessions: 0,
  };
  return lines(...Object.entries(values).map(([key, value]) => `zk_${key}\t${value}`));
};

const resetStatistics = (view: ServerView): string => {
  Object.assign(view.statistics, newStatistics());
  return lines('Server stats reset.');
};

const watchSummary = (view: ServerView): string => {
  const { watches, paths, watchers } = view.core.watches.count();
  return lines(`${watchers} connections watching ${paths} paths`, `Total watches:${watches}`);
};

const words: Record<string, Word> = {
  ruok: () => 'imok',
  isro: () => 'rw',
  srvr: (view) => lines(`Zookeeper version: ${VERSION}`) + summary(view),
  stat: (view) =>
    lines(`Zookeeper version: ${VERSION}`, 'Clients:') + clientLines(view, false) + summary(view),
  cons: (view) => clientLines(view, true),
  mntr: monitored,
  conf: (view) =>
    lines(
      `clientPort=${view.port}`,
      'secureClientPort=-1',
      `dataDir=${view.directory}`,
      `dataLogDir=${view.directory}`,
      `tickTime=${view.tickTimeMs}`,
      'maxClientCnxns=0',
      `minSessionTimeout=${view.minSessionTimeoutMs}`,
      `maxSessionTimeout=${view.maxSessionTimeoutMs}`,
      'clientPortListenBacklog=-1',
      'serverId=0',
    ),
  envi: () => lines('Environment:', `zookeeper.version=${VERSION}`),
  wchs: watchSummary,
  srst: resetStatistics,
};

/** Words ZooKeeper knows and this server does not answer. */
const unanswered = ['crst', 'dirs', 'dump', 'gtmk', 'hash', 'lead', 'lsnp', 'stmk', 'wchc', 'wchp'];

const wordsByNumber = new Map<number, string>(
  [...Object.keys(words), ...unanswered].map((word) => [Buffer.from(word).readInt32BE(0), word]),
);

/** The word that the first four bytes of a connection spell; undefined when they are a frame's length. */
export const wordOf = (number: number): string | undefined => wordsByNumber.get(number);

export const answerWord = (word: string, view: ServerView): string =>
  words[word]?.(view) ?? lines(`${word} is not executed because it is not in the whitelist.`);
