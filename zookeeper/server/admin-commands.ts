/**
 * What the four-letter words tell, as objects (ZooKeeper's Commands): each command with its names, and the reading of it.
 * Those that ask for an ensemble answer as a single node does. Pure but for the resets and the trace mask.
 */

import type { Json } from './admin-json.ts';
import type { Client } from './client.ts';
import { averageMs, newClientStatistics, resetStatistics } from './statistics.ts';
import { metrics, type ServerView, VERSION } from './view.ts';
import { watchedPathsOf } from './word-dumps.ts';

type Fields = Record<string, Json>;

interface Command {
  /** The first is the one that answers carry. */
  readonly names: readonly string[];
  readonly run: (view: ServerView, query: ReadonlyMap<string, string>) => Fields;
}

const connection = (client: Client): Fields => {
  const { statistics } = client;
  return {
    remote_socket_address: `${client.address}:${client.port}`,
    interest_ops: client.isPaused ? 0 : 1,
    outstanding_requests: client.queuedCount,
    packets_received: statistics.receivedCount,
    packets_sent: statistics.sentCount,
  };
};

const fullConnection = (client: Client): Fields => {
  const { statistics } = client;
  const { latency } = statistics;
  return {
    ...connection(client),
    session_id: client.sessionId,
    last_operation: statistics.lastOp,
    established: client.opened.nowMs,
    session_timeout: client.timeoutMs,
    last_cxid: statistics.lastCxid,
    last_zxid: statistics.lastZxid,
    last_response_time: Math.floor(statistics.lastResponseMs),
    last_latency: Math.floor(statistics.latencyMsLast),
    min_latency: Math.floor(latency.minMs),
    avg_latency: Math.floor(averageMs(latency)),
    max_latency: Math.floor(latency.maxMs),
  };
};

const connections = (view: ServerView, textOf: (client: Client) => Fields): Fields => ({
  connections: [...view.clients].filter(({ sessionId }) => sessionId !== 0n).map(textOf),
  secure_connections: [],
});

const responseSizes = ({ statistics }: ServerView): Fields => ({
  last_buffer_size: statistics.responseBytesLast,
  min_buffer_size: statistics.responseBytesMin,
  max_buffer_size: statistics.responseBytesMax,
});

const serverStats = (view: ServerView): Fields => {
  const { core, statistics, sizes } = view;
  const { latency } = statistics;
  return {
    version: VERSION,
    read_only: false,
    server_stats: {
      packets_sent: statistics.sentCount,
      packets_received: statistics.receivedCount,
      fsync_threshold_exceed_count: 0,
      client_response_stats: responseSizes(view),
      data_dir_size: sizes.dataBytes,
      log_dir_size: sizes.logBytes,
      provider_null: false,
      last_processed_zxid: core.tree.lastZxid,
      outstanding_requests: view.outstandingCount,
      server_state: 'standalone',
      avg_latency: averageMs(latency),
      max_latency: Math.floor(latency.maxMs),
      min_latency: Math.floor(latency.minMs),
      num_alive_client_connections: view.clients.size,
      uptime: Math.floor(view.uptimeMs),
      auth_failed_count: 0,
      non_mtlsremote_conn_count: 0,
      non_mtlslocal_conn_count: 0,
    },
    client_response: responseSizes(view),
    node_count: core.tree.nodes.size,
  };
};

const configuration = (view: ServerView): Fields => {
  const { settings } = view;
  return {
    client_port: view.port,
    data_dir: settings.snapshotDirectory,
    data_log_dir: settings.logDirectory,
    tick_time: settings.tickTimeMs,
    max_client_cnxns: settings.connectionsPerAddressMax,
    min_session_timeout: settings.minSessionTimeoutMs,
    max_session_timeout: settings.maxSessionTimeoutMs,
    server_id: 0,
    client_port_listen_backlog: -1,
  };
};

const dump = ({ core }: ServerView): Fields => ({
  expiry_time_to_session_ids: Object.fromEntries(
    [...core.sessions.buckets].map(([dueMs, ids]) => [String(dueMs), [...ids]]),
  ),
  session_id_to_ephemeral_paths: Object.fromEntries(
    [...core.tree.ephemerals].map(([id, paths]) => [String(id), [...paths]]),
  ),
});

const watchSummary = ({ core }: ServerView): Fields => {
  const paths = core.watches.watchersByPath();
  const all = [...paths.values()].flatMap((watchers) => [...watchers]);
  return {
    num_connections: new Set(all).size,
    num_paths: paths.size,
    num_total_watches: all.length,
  };
};

const watchesByPath = ({ core }: ServerView): Fields => ({
  path_to_session_ids: Object.fromEntries(
    [...core.watches.watchersByPath()].map(([path, watchers]) => [
      path,
      [...watchers].map(({ sessionId }) => sessionId),
    ]),
  ),
});

const lastSnapshot = ({ lastSnapshot: last }: ServerView): Fields => ({
  zxid: (last?.zxid ?? 0n).toString(16),
  timestamp: Math.floor((last?.timeMs ?? 0) / 1000),
});

const setTraceMask: Command['run'] = ({ trace }, query) => {
  const text = query.get('traceMask') ?? '';
  if (!/^-?\d{1,18}$/.test(text)) {
    return { error: 'setTraceMask requires long traceMask argument' };
  }
  trace.mask = BigInt(text);
  return { tracemask: trace.mask };
};

/** In the order in which ZooKeeper lists them. */
export const adminCommands: readonly Command[] = [
  { names: ['configuration', 'conf', 'config'], run: configuration },
  {
    names: ['connection_stat_reset', 'crst'],
    run: ({ clients }) => {
      for (const client of clients) client.statistics = newClientStatistics();
      return {};
    },
  },
  { names: ['connections', 'cons'], run: (view) => connections(view, fullConnection) },
  {
    names: ['dirs'],
    run: ({ sizes }) => ({ datadir_size: sizes.dataBytes, logdir_size: sizes.logBytes }),
  },
  { names: ['dump'], run: dump },
  {
    names: ['environment', 'env', 'envi'],
    run: ({ settings }) => ({ 'zookeeper.version': VERSION, ...settings.environment }),
  },
  { names: ['get_trace_mask', 'gtmk'], run: ({ trace }) => ({ tracemask: trace.mask }) },
  { names: ['hash'], run: () => ({ digests: [] }) },
  {
    names: ['initial_configuration', 'icfg'],
    run: ({ settings }) => ({ initial_configuration: settings.settingsText }),
  },
  { names: ['is_read_only', 'isro'], run: () => ({ read_only: false }) },
  { names: ['last_snapshot', 'lsnp'], run: lastSnapshot },
  { names: ['leader', 'lead'], run: () => ({ error: 'server is not initialized' }) },
  { names: ['monitor', 'mntr'], run: metrics },
  { names: ['observer_connection_stat_reset', 'orst'], run: () => ({}) },
  { names: ['observers', 'obsr'], run: () => ({ synced_observers: 0, observers: [] }) },
  { names: ['ruok'], run: () => ({}) },
  { names: ['server_stats', 'srvr'], run: serverStats },
  { names: ['set_trace_mask', 'stmk'], run: setTraceMask },
  {
    names: ['stat_reset', 'srst'],
    run: ({ statistics }) => {
      resetStatistics(statistics);
      return {};
    },
  },
  {
    names: ['stats', 'stat'],
    run: (view) => ({ ...serverStats(view), ...connections(view, connection) }),
  },
  { names: ['system_properties', 'sysp'], run: ({ settings }) => settings.environment },
  { names: ['voting_view'], run: () => ({ current_config: {} }) },
  { names: ['watch_summary', 'wchs'], run: watchSummary },
  {
    names: ['watches', 'wchc'],
    run: (view) => ({
      session_id_to_watched_paths: Object.fromEntries(
        [...watchedPathsOf(view)].map(([id, paths]) => [String(id), paths]),
      ),
    }),
  },
  { names: ['watches_by_path', 'wchp'], run: watchesByPath },
  { names: ['zabstate'], run: () => ({ voting: false, zabstate: '' }) },
];

const commandsByName = new Map(
  adminCommands.flatMap((command) => command.names.map((name) => [name, command] as const)),
);

/** The answer to a command; one that does not exist is answered with an error, too. */
export const runAdminCommand = (
  name: string,
  view: ServerView,
  query: ReadonlyMap<string, string>,
): Fields => {
  const command = commandsByName.get(name);
  if (command === undefined) return { command: name, error: `Unknown command: ${name}` };
  const [fullName = name] = command.names;
  return { error: null, ...command.run(view, query), command: fullName };
};
