import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker } from '../../broker/broker.ts';
import { parseBrokerConfig } from '../../broker/config.ts';
import type { Disk } from '../../system/disk.ts';
import { createLogger } from '../../system/logger.ts';
import { realSystem } from '../../system/system.ts';
import { startServer } from '../../tools/server.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../../zookeeper/server/server.ts';

const system = realSystem(createLogger({ level: 'silent' }));

let folder = '';
let zookeeper: ZooKeeperServer;
let broker: Broker | null = null;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'barnabas-last-log-dir-'));
  const dataDir = join(folder, 'zookeeper');
  zookeeper = await startZooKeeperServer(system, { host: '127.0.0.1', port: 0, dataDir });
});

afterEach(async () => {
  await broker?.stop();
  broker = null;
  await zookeeper.close();
  rmSync(folder, { recursive: true });
});

test('the failure of the last log directory ends the broker, that of one before it does not', async () => {
  const failing = new Set<string>();
  const rename = async (from: string, to: string): Promise<void> => {
    if ([...failing].some((path) => from.startsWith(`${path}/`)))
      throw Object.assign(new Error('read-only file system'), { code: 'EROFS' });
    await system.disk.rename(from, to);
  };
  const disk: Disk = { ...system.disk, rename };
  const directories = [join(folder, 'a'), join(folder, 'b')] as const;
  const { config } = parseBrokerConfig(
    new Map(
      Object.entries({
        'broker.id': '1',
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'zookeeper.connect': `127.0.0.1:${zookeeper.port}`,
        'log.dirs': directories.join(),
        'controlled.shutdown.enable': 'false',
      }),
    ),
  );
  broker = await startServer({ ...system, disk }, config);
  const { logs } = broker.parts.replicas;
  let reason: string | null = null;
  void broker.failed.then((text) => {
    reason = text;
  });

  failing.add(directories[0]);
  await logs.checkpointRecoveryPoints();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(logs.onlineDirectories).toEqual([directories[1]]);
  expect(reason).toBeNull();

  failing.add(directories[1]);
  await logs.checkpointRecoveryPoints();
  expect(await broker.failed).toMatch(/log\.dirs have failed/);
});
