/**
 * The ZooKeeper client over the package node-zookeeper-client, for real clusters. Retries, expiry and watches are
 * those of session-loop.ts; what the package gets wrong is kept out in node-transport.ts. It knows no TLS: there
 * our own connection takes its place.
 */
import type { System } from '../system/system.ts';
import { type ClientOptions, connectClient } from './client.ts';
import { openNodeTransport } from './node-transport.ts';
import type { ZooKeeperClient } from './session.ts';
import { connectWireClient } from './wire-client.ts';

/** Connects; rejects with OPERATION_TIMEOUT when no session stands within `connectionTimeoutMs`. */
export const connectNodeClient = (
  system: System,
  options: ClientOptions,
): Promise<ZooKeeperClient> =>
  options.tls === undefined
    ? connectClient(system, openNodeTransport, options)
    : connectWireClient(system, options);
