/** A server in a temporary folder, and raw clients; `cleanUp` belongs into a suite's afterEach. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realSystem } from '../../../system/system.ts';
import type { ZooKeeperServerOptions } from '../../../zookeeper/server/options.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../../../zookeeper/server/server.ts';
import { RawClient } from './raw-client.ts';

const folders: string[] = [];
const servers: ZooKeeperServer[] = [];
const clients: RawClient[] = [];

export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'zookeeper-server-'));
  folders.push(folder);
  return folder;
};

export const startServer = async (
  options: Partial<ZooKeeperServerOptions> = {},
): Promise<ZooKeeperServer> => {
  const server = await startZooKeeperServer(realSystem(), {
    host: '127.0.0.1',
    port: 0,
    dataDir: options.dataDir ?? newFolder(),
    syncs: false,
    ...options,
  });
  servers.push(server);
  return server;
};

export const openClient = ({ port }: ZooKeeperServer): RawClient => {
  const client = new RawClient(port);
  clients.push(client);
  return client;
};

export const cleanUp = async (): Promise<void> => {
  for (const client of clients.splice(0)) client.destroy();
  for (const server of servers.splice(0)) await server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
};
