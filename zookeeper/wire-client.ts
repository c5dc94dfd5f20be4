/**
 * The ZooKeeper client over our own connection on System.net: for the simulation, for TLS, and wherever the package behind
 * node-client.ts cannot serve. Retries, expiry and watches are those of session-loop.ts.
 */
import type { System } from '../system/system.ts';
import { tlsNet } from '../system/tls.ts';
import { type ClientOptions, connectClient } from './client.ts';
import type { ZooKeeperClient } from './session.ts';
import { openWireTransport } from './wire-transport.ts';

/** Connects; rejects with OPERATION_TIMEOUT when no session stands within `connectionTimeoutMs`. */
export const connectWireClient = (
  system: System,
  options: ClientOptions,
): Promise<ZooKeeperClient> => {
  const { tls } = options;
  const reached = tls === undefined ? system : { ...system, net: tlsNet(system.net, tls) };
  return connectClient(reached, openWireTransport, options);
};
