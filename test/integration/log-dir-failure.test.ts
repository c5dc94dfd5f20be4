import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker } from '../../broker/broker.ts';
import { parseBrokerConfig } from '../../broker/config.ts';
import { createProducer, throwFirst } from '../../client/index.ts';
import type { Disk, DiskFile } from '../../system/disk.ts';
import { createLogger } from '../../system/logger.ts';
import { realSystem } from '../../system/system.ts';
import { startServer } from '../../tools/server.ts';
import { startZooKeeperServer, type ZooKeeperServer } from '../../zookeeper/server/server.ts';
import { describeTopic, withAdmin } from './oracle.ts';
import { until } from './waiting.ts';

const system = realSystem(createLogger({ level: 'silent' }));

/** A disk on which nothing can be written any more below a folder, from the moment `fail` names it. */
class FailingDisk {
  readonly disk: Disk;
  #folder: string | null = null;

  constructor(real: Disk) {
    const guarded =
      <A extends [string, ...unknown[]], R>(call: (...args: A) => R) =>
      (...args: A): R => {
        this.#check(args[0]);
        return call(...args);
      };
    this.disk = {
      ...real,
      open: async (path, mode) => this.#wrap(await real.open(path, mode)),
      openSync: (path, mode) => this.#wrap(real.openSync(path, mode)),
      writeFile: async (path, data) => guarded(real.writeFile)(path, data),
      makeDirectory: async (path) => guarded(real.makeDirectory)(path),
      rename: async (from, to) => guarded(real.rename)(from, to),
      move: async (from, to) => guarded(real.move)(from, to),
    };
  }

  fail(folder: string): void {
    this.#folder = folder;
  }

  #check(path: string): void {
    if (this.#folder !== null && path.startsWith(this.#folder))
      throw Object.assign(new Error('input/output error'), { code: 'EIO' });
  }

  #wrap(file: DiskFile): DiskFile {
    return new Proxy(file, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        if (key !== 'write' && key !== 'writeSync') return value.bind(target);
        return (...args: unknown[]) => {
          this.#check(file.path);
          return value.apply(target, args);
        };
      },
    });
  }
}

let folder = '';
let zookeeper: ZooKeeperServer;
const brokers: Broker[] = [];
const disks = new Map<number, FailingDisk>();

const start = async (id: number): Promise<void> => {
  const failing = new FailingDisk(system.disk);
  disks.set(id, failing);
  const { config } = parseBrokerConfig(
    new Map(
      Object.entries({
        'broker.id': String(id),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'zookeeper.connect': `127.0.0.1:${zookeeper.port}`,
        'log.dirs': `${join(folder, `${id}-a`)},${join(folder, `${id}-b`)}`,
        'controlled.shutdown.max.retries': '1',
      }),
    ),
  );
  brokers.push(await startServer({ ...system, disk: failing.disk }, config));
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'barnabas-log-dirs-'));
  zookeeper = await startZooKeeperServer(system, {
    host: '127.0.0.1',
    port: 0,
    dataDir: join(folder, 'zookeeper'),
  });
});

afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.stop()));
  await zookeeper.close();
  rmSync(folder, { recursive: true });
});

test('a log directory that fails takes its replicas offline and no others, and their leaders move', async () => {
  await start(1);
  await start(2);
  const bootstrapServers = brokers.map(({ ports }) => `127.0.0.1:${ports.PLAINTEXT}`).join(',');
  await withAdmin(bootstrapServers, async (admin) =>
    throwFirst(await admin.createTopics([{ name: 't', numPartitions: 4, replicationFactor: 2 }])),
  );
  const inSync = await until('all in sync', async () => {
    const found = await describeTopic(bootstrapServers, 't');
    return found.length === 4 && found.every(({ isr }) => isr.length === 2) ? found : null;
  });
  const producer = createProducer(system, { bootstrapServers, acks: 'all' });
  const send = (partition: number, value: string) =>
    producer.send({ topic: 't', partition, value });
  for (const { partition } of inSync) await send(partition, 'before');

  const led = inSync.find(({ leaderId }) => leaderId === 1)?.partition ?? -1;
  const log = brokers[0]?.parts.replicas.get('t', led)?.log;
  const directory = log?.directory.slice(0, log.directory.lastIndexOf('/')) ?? '';
  const inDirectory = inSync
    .map(({ partition }) => partition)
    .filter((partition) =>
      brokers[0]?.parts.replicas.get('t', partition)?.log.directory.startsWith(`${directory}/`),
    );
  expect(inDirectory).toHaveLength(2);
  disks.get(1)?.fail(directory);
  // The first write after the failure meets it; the producer tries again at the new leader.
  for (const { partition } of inSync) await send(partition, 'after');
  await producer.close();

  const after = await until('the controller knows', async () => {
    const found = await describeTopic(bootstrapServers, 't');
    const isKnown = found.every(({ partition, leaderId, isr, offlineReplicas }) =>
      inDirectory.includes(partition)
        ? leaderId === 2 && isr.join() === '2' && offlineReplicas.join() === '1'
        : isr.length === 2 && offlineReplicas.length === 0,
    );
    return isKnown ? found : null;
  });
  expect(after).toHaveLength(4);
  for (const { partition, leaderId } of after)
    expect(brokers[leaderId - 1]?.parts.replicas.get('t', partition)?.state.highWatermark).toBe(2);
});
