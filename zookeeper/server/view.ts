/** What the four-letter words and the admin commands tell of a server, and the numbers they share. */
import type { Disk } from '../../system/disk.ts';
import type { Client } from './client.ts';
import type { Instant, ServerCore } from './core.ts';
import type { ServerSettings } from './options.ts';
import { averageMs, type Statistics } from './statistics.ts';

/** The version whose behaviour this is. */
export const VERSION = '3.8.4-barnabas, built on 2024-02-12 22:16 UTC';

export interface ServerView {
  readonly core: ServerCore<Client>;
  readonly clients: ReadonlySet<Client>;
  readonly statistics: Statistics;
  readonly settings: ServerSettings;
  readonly port: number;
  readonly now: Instant;
  readonly uptimeMs: number;
  readonly outstandingCount: number;
  readonly sizes: { readonly dataBytes: number; readonly logBytes: number };
  /** Of this process; -1 where the system does not say. */
  readonly descriptors: { readonly openCount: number; readonly maxCount: number };
  readonly lastSnapshot: { readonly zxid: bigint; readonly timeMs: number } | null;
  /** ZooKeeper's trace mask, which only gtmk and stmk know here. */
  readonly trace: { mask: bigint };
}

export const TRACE_MASK = 306n;

/** What Linux tells of this process. */
export const descriptorsOf = async (disk: Disk): Promise<ServerView['descriptors']> => {
  const openCount = (await disk.list('/proc/self/fd')).length;
  const limits = (await disk.readFile('/proc/self/limits'))?.toString('latin1') ?? '';
  const maxCount = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? -1);
  return { openCount: openCount > 0 ? openCount : -1, maxCount };
};

const ephemeralCount = (view: ServerView): number => {
  let count = 0;
  for (const paths of view.core.tree.ephemerals.values()) count += paths.size;
  return count;
};

/** The metrics of the word mntr, without their prefix; those that only an ensemble has are left out. */
export const metrics = (view: ServerView): Record<string, string | number> => {
  const { core, statistics } = view;
  const { latency } = statistics;
  return {
    version: VERSION,
    server_state: 'standalone',
    ephemerals_count: ephemeralCount(view),
    num_alive_connections: view.clients.size,
    avg_latency: averageMs(latency),
    outstanding_requests: view.outstandingCount,
    znode_count: core.tree.nodes.size,
    global_sessions: core.sessions.size,
    non_mtls_remote_conn_count: 0,
    last_client_response_size: statistics.responseBytesLast,
    packets_sent: statistics.sentCount,
    packets_received: statistics.receivedCount,
    max_client_response_size: statistics.responseBytesMax,
    connection_drop_probability: 0,
    watch_count: core.watches.size,
    auth_failed_count: 0,
    min_latency: Math.floor(latency.minMs),
    max_file_descriptor_count: view.descriptors.maxCount,
    approximate_data_size: core.tree.sizeBytes,
    open_file_descriptor_count: view.descriptors.openCount,
    local_sessions: 0,
    uptime: Math.floor(view.uptimeMs),
    max_latency: Math.floor(latency.maxMs),
    outstanding_tls_handshake: 0,
    min_client_response_size: statistics.responseBytesMin,
    non_mtls_local_conn_count: 0,
    large_requests_rejected: statistics.oversizedCount,
    connection_rejected: statistics.rejectedCount,
    bytes_received_count: statistics.receivedBytes,
    snap_count: statistics.snapshotCount,
    cnt_fsynctime: statistics.syncCount,
  };
};
