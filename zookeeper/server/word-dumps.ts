/** The words that list what the server holds: sessions, ephemeral nodes, connections, watches. Pure. */
import type { Client } from './client.ts';
import { FAREWELL_MS_MAX, HANDSHAKE_MS_MAX } from './connections.ts';
import type { ServerView } from './view.ts';

/** ZooKeeper looks for idle connections at this interval; here they are only listed so. */
const CONNECTION_BUCKET_MS = 10_000;

export const hexOf = (id: bigint): string => `0x${BigInt.asUintN(64, id).toString(16)}`;

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

/** As Java prints a date, in UTC: `Sun Nov 22 06:18:44 UTC 2026`. */
export const dateText = (timeMs: number): string => {
  const text = new Date(timeMs).toUTCString();
  const [day = '', date = '', month = '', year = '', time = ''] = text.split(' ');
  return `${day.replace(',', '')} ${month} ${date} ${time} UTC ${year}`;
};

export const dump = (view: ServerView): string => {
  const { sessions, tree } = view.core;
  const byOwner = [...tree.ephemerals];
  return (
    lines(['SessionTracker dump:']) +
    bucketLines(view, 'Session', sortedBuckets(sessions.buckets), hexOf) +
    lines(['ephemeral nodes dump:', `Sessions with Ephemerals (${byOwner.length}):`]) +
    lines(byOwner.flatMap(([id, paths]) => [`${hexOf(id)}:`, ...tabbed(paths)])) +
    lines(['Connections dump:']) +
    bucketLines(view, 'Connections', connectionBuckets(view), connectionText)
  );
};

export const watchesBySession = (view: ServerView): string => {
  const paths = watchedPathsOf(view);
  return lines([...[...paths].flatMap(([id, ofId]) => [hexOf(id), ...tabbed(ofId)]), '']);
};

export const watchesByPath = (view: ServerView): string => {
  const all = [...view.core.watches.watchersByPath()];
  const ids = (watchers: ReadonlySet<Client>): string[] =>
    [...watchers].map(({ sessionId }) => hexOf(sessionId));
  return lines([...all.flatMap(([path, watchers]) => [path, ...tabbed(ids(watchers))]), '']);
};

/** The paths each session watches. */
export const watchedPathsOf = (view: ServerView): Map<bigint, string[]> => {
  const paths = new Map<bigint, string[]>();
  for (const [path, watchers] of view.core.watches.watchersByPath()) {
    for (const { sessionId } of watchers) {
      const ofSession = paths.get(sessionId);
      if (ofSession === undefined) paths.set(sessionId, [path]);
      else ofSession.push(path);
    }
  }
  return paths;
};

const tabbed = (all: Iterable<string>): string[] => [...all].map((text) => `\t${text}`);

const connectionText = (client: Client): string =>
  `ip: /${client.address}:${client.port} sessionId: ${hexOf(client.sessionId)}`;

type Buckets<T> = readonly (readonly [dueMs: number, members: ReadonlySet<T>])[];

const sortedBuckets = <T>(buckets: ReadonlyMap<number, ReadonlySet<T>>): Buckets<T> =>
  [...buckets].sort(([a], [b]) => a - b);

const connectionBuckets = (view: ServerView): Buckets<Client> => {
  const buckets = new Map<number, Set<Client>>();
  for (const client of view.clients) {
    const limitMs = client.sessionId === 0n ? HANDSHAKE_MS_MAX : client.timeoutMs;
    const dueMs = client.isClosed
      ? view.now.elapsedMs + FAREWELL_MS_MAX
      : client.lastRequestMs + limitMs;
    const roundedMs = (Math.floor(dueMs / CONNECTION_BUCKET_MS) + 1) * CONNECTION_BUCKET_MS;
    buckets.set(roundedMs, (buckets.get(roundedMs) ?? new Set()).add(client));
  }
  return sortedBuckets(buckets);
};

const bucketLines = <T>(
  view: ServerView,
  name: string,
  buckets: Buckets<T>,
  textOf: (member: T) => string,
): string => {
  const count = buckets.reduce((sum, [, members]) => sum + members.size, 0);
  const { nowMs, elapsedMs } = view.now;
  return lines([
    `${name} Sets (${buckets.length})/(${count}):`,
    ...buckets.flatMap(([dueMs, members]) => [
      `${members.size} expire at ${dateText(nowMs - elapsedMs + dueMs)}:`,
      ...tabbed([...members].map(textOf)),
    ]),
  ]);
};
