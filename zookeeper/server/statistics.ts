/** What is counted, of the server and of each connection (ServerStats and Stats of ZooKeeper's connections). Plain data. */

export interface Latency {
  minMs: number;
  maxMs: number;
  sumMs: number;
  count: number;
}

export interface Statistics {
  receivedCount: number;
  sentCount: number;
  receivedBytes: number;
  /** Bytes of the last, smallest and largest response; -1 before the first. */
  responseBytesLast: number;
  responseBytesMin: number;
  responseBytesMax: number;
  readonly latency: Latency;
  /** Connections refused because there were too many. */
  rejectedCount: number;
  /** Frames above the limit. */
  oversizedCount: number;
  snapshotCount: number;
  syncCount: number;
}

const newLatency = (): Latency => ({ minMs: 0, maxMs: 0, sumMs: 0, count: 0 });

export const newStatistics = (): Statistics => ({
  receivedCount: 0,
  sentCount: 0,
  receivedBytes: 0,
  responseBytesLast: -1,
  responseBytesMin: -1,
  responseBytesMax: -1,
  latency: newLatency(),
  rejectedCount: 0,
  oversizedCount: 0,
  snapshotCount: 0,
  syncCount: 0,
});

export const noteLatency = (latency: Latency, latencyMs: number): void => {
  latency.minMs = latency.count === 0 ? latencyMs : Math.min(latency.minMs, latencyMs);
  latency.maxMs = Math.max(latency.maxMs, latencyMs);
  latency.sumMs += latencyMs;
  latency.count += 1;
};

export const noteResponse = (statistics: Statistics, bytes: number): void => {
  const { responseBytesMin } = statistics;
  statistics.sentCount += 1;
  statistics.responseBytesLast = bytes;
  statistics.responseBytesMin = responseBytesMin < 0 ? bytes : Math.min(responseBytesMin, bytes);
  statistics.responseBytesMax = Math.max(statistics.responseBytesMax, bytes);
};

export const averageMs = ({ sumMs, count }: Latency): number => (count === 0 ? 0 : sumMs / count);

/** As the word srst does. */
export const resetStatistics = (statistics: Statistics): void => {
  Object.assign(statistics, newStatistics());
};

/** What a connection has seen; the rest of the counts is reset by crst. */
export interface ClientStatistics {
  receivedCount: number;
  sentCount: number;
  readonly latency: Latency;
  latencyMsLast: number;
  /** ZooKeeper's short name of the last request. */
  lastOp: string;
  /** Of the last request that a program made; -1 before it. */
  lastCxid: number;
  /** The server's zxid at the last request; -1n before it. */
  lastZxid: bigint;
  /** When the last answer left, elapsed time. */
  lastResponseMs: number;
}

export const newClientStatistics = (): ClientStatistics => ({
  receivedCount: 0,
  sentCount: 0,
  latency: newLatency(),
  latencyMsLast: 0,
  lastOp: 'NA',
  lastCxid: -1,
  lastZxid: -1n,
  lastResponseMs: 0,
});
