/** Log, snapshots and their files under a running server: what is waited for, what is kept, who may use the folders. */
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realSystem, type System } from '../../../system/system.ts';
import type { ZooKeeperServer } from '../../../zookeeper/server/server.ts';
import { startZooKeeperServer } from '../../../zookeeper/server/server.ts';
import { TxnLog } from '../../../zookeeper/server/txn-log.ts';
import { cleanUp, newFolder, openClient, startServer } from './server-folder.ts';

afterEach(cleanUp);

const write = async (server: ZooKeeperServer, count: number, prefix = 'n'): Promise<void> => {
  const client = openClient(server);
  await client.handshake();
  for (let index = 0; index < count; index++) {
    client.create(`/${prefix}${index}`);
    expect((await client.reply()).code).toBe(0);
  }
};

const files = (dataDir: string, kind: string): string[] =>
  readdirSync(join(dataDir, 'version-2')).filter((name) => name.startsWith(`${kind}.`));

test('to wait for what is logged now is not to wait for what comes later', async () => {
  const releases: (() => void)[] = [];
  const real = realSystem();
  const system: System = {
    ...real,
    disk: {
      ...real.disk,
      open: async (path, mode) => {
        const file = await real.disk.open(path, mode);
        const sync = (): Promise<void> => new Promise((resolve) => void releases.push(resolve));
        return Object.assign(file, { sync });
      },
    },
  };
  const log = new TxnLog(system, {
    directory: newFolder(),
    syncs: true,
    onSynced: () => {},
    onFailure: () => {},
  });
  const append = (zxid: bigint): void =>
    log.append({ zxid, sessionId: 1n, cxid: 0, timeMs: 0, body: { type: 'error', code: -101 } });
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  append(1n);
  while (releases.length < 1) await turn();
  const flushed = log.flushed();
  append(2n);
  releases[0]?.();
  await flushed;
  expect(log.isSynced).toBe(false);
  while (releases.length < 2) await turn();
  releases[1]?.();
  await log.flushed();
  expect(log.isSynced).toBe(true);
  log.stop();
});

test('a fresh folder has a snapshot before anybody is served, as ZooKeeper wants one', async () => {
  const dataDir = newFolder();
  await startServer({ dataDir });
  expect(files(dataDir, 'snapshot')).toEqual(['snapshot.0']);
});

test('a log that has grown large makes a snapshot and a new file, however few the transactions', async () => {
  const dataDir = newFolder();
  const server = await startServer({ dataDir, logBytesMax: 2000 });
  await write(server, 60);
  await server.close();
  expect(files(dataDir, 'snapshot').length).toBeGreaterThan(1);
  expect(files(dataDir, 'log').length).toBeGreaterThan(0);
  const again = await startServer({ dataDir });
  await write(again, 1, 'x');
});

test('old files stay where they are not to be removed, and go at the next start where they are', async () => {
  const dataDir = newFolder();
  const server = await startServer({ dataDir, snapshotTransactionCount: 5, purgeIntervalMs: 0 });
  // A slow disk still writes one while many transactions pass.
  for (let round = 0; files(dataDir, 'snapshot').length <= 2; round++)
    await write(server, 10, `${round}-`);
  await server.close();
  await startServer({ dataDir, purgeIntervalMs: 3_600_000, snapshotsKept: 2 });
  while (files(dataDir, 'snapshot').length > 2) {
    await new Promise((resolve) => void setImmediate(resolve));
  }
});

test('logs and snapshots live in folders of their own, both locked', async () => {
  const dataDir = newFolder();
  const dataLogDir = newFolder();
  const server = await startServer({ dataDir, dataLogDir });
  await write(server, 3);
  expect(files(dataDir, 'log')).toEqual([]);
  expect(files(dataLogDir, 'log')).toEqual(['log.1']);
  const start = (options: { dataDir: string; dataLogDir?: string }): Promise<unknown> =>
    startZooKeeperServer(realSystem(), { host: '127.0.0.1', port: 0, ...options });
  await expect(start({ dataDir })).rejects.toThrow(`${dataDir} is in use`);
  await expect(start({ dataDir: newFolder(), dataLogDir })).rejects.toThrow(
    `${dataLogDir} is in use`,
  );
  await server.close();
  await startServer({ dataDir, dataLogDir });
});

test('a damaged folder keeps the server from starting, names the file and gives the lock back', async () => {
  const dataDir = newFolder();
  const server = await startServer({ dataDir });
  await write(server, 5);
  await server.close();
  const snapshot = join(dataDir, 'version-2/snapshot.0');
  truncateSync(snapshot, 10);
  writeFileSync(join(dataDir, 'version-2/snapshot.ff'), 'x');
  const start = () => startZooKeeperServer(realSystem(), { host: '127.0.0.1', port: 0, dataDir });
  await expect(start()).rejects.toThrow('snapshot.ff is damaged');
  await expect(start()).rejects.toThrow('snapshot.ff is damaged');
});

test('a port that is taken leaves folders that another server can use', async () => {
  const { port } = await startServer();
  const dataDir = newFolder();
  const start = startZooKeeperServer(realSystem(), { host: '127.0.0.1', port, dataDir });
  await expect(start).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await startServer({ dataDir });
});
