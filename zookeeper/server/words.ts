/**
 * The four-letter words: a fresh connection sends one instead of a handshake, gets text and is closed. Which of them
 * are answered is a setting (4lw.commands.whitelist); here all are unless it is given, while ZooKeeper's default is
 * srvr alone. Pure but for srst, crst and stmk, which change what they are about.
 */
import type { Client } from './client.ts';
import { averageMs, type Latency, newClientStatistics, resetStatistics } from './statistics.ts';
import { metrics, type ServerView, VERSION } from './view.ts';
import { dump, hexOf, watchesByPath, watchesBySession } from './word-dumps.ts';

type Word = (view: ServerView, argument: bigint | null) => string;

const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join('');

/** As Java prints a double: at most four places here, at least one. */
const decimal = (value: number): string => {
  const text = String(Math.round(value * 10_000) / 10_000);
  return text.includes('.') ? text : `${text}.0`;
};

const latencies = (latency: Latency): string =>
  `${Math.floor(latency.minMs)}/${decimal(averageMs(latency))}/${Math.floor(latency.maxMs)}`;

const summary = (view: ServerView): string =>
  lines(
    `Latency min/avg/max: ${latencies(view.statistics.latency)}`,
    `Received: ${view.statistics.receivedCount}`,
    `Sent: ${view.statistics.sentCount}`,
    `Connections: ${view.clients.size}`,
    `Outstanding: ${view.outstandingCount}`,
    `Zxid: 0x${view.core.tree.lastZxid.toString(16)}`,
    'Mode: standalone',
    `Node count: ${view.core.tree.nodes.size}`,
  );

const sessionPart = (client: Client): string => {
  const { statistics } = client;
  const { latency, lastCxid } = statistics;
  return [
    `,sid=${hexOf(client.sessionId)}`,
    `lop=${statistics.lastOp}`,
    `est=${client.opened.nowMs}`,
    `to=${client.timeoutMs}`,
    ...(lastCxid >= 0 ? [`lcxid=0x${lastCxid.toString(16)}`] : []),
    `lzxid=${hexOf(statistics.lastZxid)}`,
    `lresp=${Math.floor(statistics.lastResponseMs)}`,
    `llat=${Math.floor(statistics.latencyMsLast)}`,
    `minlat=${Math.floor(latency.minMs)}`,
    `avglat=${Math.floor(averageMs(latency))}`,
    `maxlat=${Math.floor(latency.maxMs)}`,
  ].join(',');
};

const connectionLine = (client: Client, isFull: boolean): string => {
  const { receivedCount, sentCount } = client.statistics;
  const counts = `queued=${client.queuedCount},recved=${receivedCount},sent=${sentCount}`;
  const session = isFull && client.sessionId !== 0n ? sessionPart(client) : '';
  const isRead = client.sessionId !== 0n && !client.isPaused;
  return ` /${client.address}:${client.port}[${isRead ? 1 : 0}](${counts}${session})`;
};

const clientLines = (view: ServerView, isFull: boolean): string =>
  lines(...[...view.clients].map((client) => connectionLine(client, isFull)), '');

/** ZooKeeper's words for numbers, and what the average is printed like. */
const monitored = (view: ServerView): string =>
  lines(
    ...Object.entries(metrics(view)).map(([key, value]) => {
      const isDecimal = key === 'avg_latency' || key === 'connection_drop_probability';
      return `zk_${key}\t${isDecimal ? decimal(Number(value)) : value}`;
    }),
  );

const configuration = (view: ServerView): string => {
  const { settings, sizes } = view;
  return lines(
    `clientPort=${view.port}`,
    'secureClientPort=-1',
    `dataDir=${settings.snapshotDirectory}`,
    `dataDirSize=${sizes.dataBytes}`,
    `dataLogDir=${settings.logDirectory}`,
    `dataLogSize=${sizes.logBytes}`,
    `tickTime=${settings.tickTimeMs}`,
    `maxClientCnxns=${settings.connectionsPerAddressMax}`,
    `minSessionTimeout=${settings.minSessionTimeoutMs}`,
    `maxSessionTimeout=${settings.maxSessionTimeoutMs}`,
    'clientPortListenBacklog=-1',
    'serverId=0',
  );
};

const watchSummary = (view: ServerView): string => {
  const paths = view.core.watches.watchersByPath();
  const watchers = new Set<Client>();
  let count = 0;
  for (const ofPath of paths.values()) {
    count += ofPath.size;
    for (const watcher of ofPath) watchers.add(watcher);
  }
  return lines(
    `${watchers.size} connections watching ${paths.size} paths`,
    `Total watches:${count}`,
  );
};

const resetClients = (view: ServerView): string => {
  for (const client of view.clients) client.statistics = newClientStatistics();
  return lines('Connection stats reset.');
};

const words: Readonly<Record<string, Word>> = {
  ruok: () => 'imok',
  isro: () => 'rw',
  srvr: (view) => lines(`Zookeeper version: ${VERSION}`) + summary(view),
  stat: (view) =>
    lines(`Zookeeper version: ${VERSION}`, 'Clients:') + clientLines(view, false) + summary(view),
  cons: (view) => clientLines(view, true),
  mntr: monitored,
  conf: configuration,
  envi: ({ settings }) =>
    lines(
      'Environment:',
      `zookeeper.version=${VERSION}`,
      ...Object.entries(settings.environment).map(([key, value]) => `${key}=${value}`),
    ),
  dump,
  wchs: watchSummary,
  wchc: watchesBySession,
  wchp: watchesByPath,
  srst: (view) => {
    resetStatistics(view.statistics);
    return lines('Server stats reset.');
  },
  crst: resetClients,
  dirs: ({ sizes }) => lines(`datadir_size: ${sizes.dataBytes}`, `logdir_size: ${sizes.logBytes}`),
  gtmk: ({ trace }) => String(trace.mask),
  stmk: ({ trace }, argument) => {
    trace.mask = argument ?? 0n;
    return String(trace.mask);
  },
};

export const wordNames: readonly string[] = Object.keys(words);

/** Words that a number of eight bytes follows. */
export const takesArgument = (word: string): boolean => word === 'stmk';

const wordsByNumber = new Map<number, string>(
  wordNames.map((word) => [Buffer.from(word).readInt32BE(0), word]),
);

/** The word that the first four bytes of a connection spell; undefined when they are a frame's length. */
export const wordOf = (number: number): string | undefined => wordsByNumber.get(number);

export const answerWord = (word: string, view: ServerView, argument: bigint | null): string => {
  const allowed = view.settings.words;
  if (allowed !== null && !allowed.includes(word)) {
    return lines(`${word} is not executed because it is not in the whitelist.`);
  }
  return words[word]?.(view, argument) ?? '';
};
