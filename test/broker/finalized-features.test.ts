import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FinalizedFeatures } from '../../broker/finalized-features.ts';
import { createLogger } from '../../system/logger.ts';
import { realSystem } from '../../system/system.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../../zookeeper/server/server.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { featureZnode } from '../../zookeeper/znodes.ts';
import { until } from '../integration/waiting.ts';

const system = realSystem(createLogger({ level: 'silent' }));
let folder: string;
let server: ZooKeeperServer;
let zookeeper: ZooKeeperClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'barnabas-features-'));
  server = await startZooKeeperServer(system, { host: '127.0.0.1', port: 0, dataDir: folder });
  zookeeper = await connectWireClient(system, {
    connectString: `127.0.0.1:${server.port}`,
    sessionTimeoutMs: 10_000,
    connectionTimeoutMs: 10_000,
  });
});

afterEach(async () => {
  await zookeeper.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

test('the epoch is the version of /feature, as soon as a controller has made it and while it is enabled', async () => {
  const features = new FinalizedFeatures(system, zookeeper);
  await features.start();
  expect([features.epoch, features.levels]).toEqual([-1, {}]);
  const { path, encode } = featureZnode;
  await zookeeper.create(path, encode({ isEnabled: true, features: {} }));
  await until('the first epoch', () => features.epoch === 0);
  await zookeeper.setData(path, encode({ isEnabled: true, features: { 'a.feature': 3 } }));
  await until('the second epoch', () => features.epoch === 1);
  expect(features.levels).toEqual({ 'a.feature': 3 });
  await zookeeper.setData(path, encode({ isEnabled: false, features: { 'a.feature': 3 } }));
  await until('the end', () => features.epoch === -1);
  expect(features.levels).toEqual({});
  features.stop();
});
