/**
 * The ZooKeeper server that the clients' tests run against: the embedded one, or, where ZOOKEEPER_PORT names the
 * port of another on this host, that.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realSystem } from '../../system/system.ts';
import { startZooKeeperServer } from '../../zookeeper/server/server.ts';

export interface TestServer {
  readonly port: number;
  close(): Promise<void>;
}

export const startTestServer = async (): Promise<TestServer> => {
  const foreign = Number(process.env.ZOOKEEPER_PORT ?? 0);
  if (foreign > 0) return { port: foreign, close: async () => {} };
  const dataDir = await mkdtemp(join(tmpdir(), 'zookeeper-client-'));
  const server = await startZooKeeperServer(realSystem(), {
    host: '127.0.0.1',
    port: 0,
    dataDir,
    syncs: false,
  });
  return {
    port: server.port,
    close: async () => {
      await server.close();
      await rm(dataDir, { recursive: true });
    },
  };
};
