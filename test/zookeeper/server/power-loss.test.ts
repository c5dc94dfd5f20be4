/**
 * The server loses power at every single disk operation of a workload with snapshots, new log files and removals, on the
 * simulated disk that forgets what was not synced. Whatever anybody was answered before must be there afterwards.
 */
import type { Disk, DiskFile } from '../../../system/disk.ts';
import { isZooKeeperError } from '../../../zookeeper/errors.ts';
import { startZooKeeperServer } from '../../../zookeeper/server/server.ts';
import type { CreateMode, ZooKeeperClient } from '../../../zookeeper/session.ts';
import { connectWireClient } from '../../../zookeeper/wire-client.ts';
import { Host } from '../../simulation/host.ts';
import { Network } from '../../simulation/network.ts';
import { World } from '../../simulation/world.ts';

const NODES = ['/a', '/b', '/c', '/d'];
const WRITES_PER_NODE = 12;
const RUN_MS_MAX = 200_000;

/** Counts each change of the disk twice, when it is asked for and when it has happened. */
const countingDisk = (disk: Disk, step: () => void): Disk => {
  const counted =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      step();
      const result = await call(...args);
      step();
      return result;
    };
  const wrap = (file: DiskFile): DiskFile => ({
    path: file.path,
    size: () => file.size(),
    read: file.read,
    readSync: file.readSync,
    close: () => file.close(),
    truncate: counted(file.truncate),
    truncateSync: (size) => {
      step();
      file.truncateSync(size);
    },
    write: counted(file.write),
    writeSync: (buffers, position) => {
      file.writeSync(buffers, position);
      step();
    },
    sync: counted(file.sync),
  });
  return {
    ...disk,
    open: counted(async (path, mode) => wrap(await disk.open(path, mode))),
    rename: counted(disk.rename),
    remove: counted(disk.remove),
    makeDirectory: counted(disk.makeDirectory),
    syncDirectory: counted(disk.syncDirectory),
  };
};

/** What somebody has been shown of a node; nobody may be shown less later. */
interface Shown {
  readonly value: number;
  readonly version: number;
  readonly mzxid: bigint;
}

const numberIn = (data: Buffer | null): number => Number(data?.toString() || 0);

const createOnce = async (
  client: ZooKeeperClient,
  path: string,
  mode: CreateMode = 'persistent',
): Promise<void> => {
  try {
    await client.create(path, Buffer.from('0'), { mode });
  } catch (error) {
    // It was made before the answer was lost.
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
  }
};

class Trial {
  readonly world: World;
  readonly shown = new Map<string, Shown>();
  stepCount = 0;
  readonly #server: Host;
  readonly #client: Host;
  readonly #dieAt: number;
  readonly #breaks: (disk: Disk) => Disk;
  #failure: unknown = null;
  #isOver = false;

  /** `breaks` takes something from the disk that the promise rests on. */
  constructor(dieAt: number, breaks: (disk: Disk) => Disk = (disk) => disk) {
    this.world = new World(dieAt);
    this.#dieAt = dieAt;
    this.#breaks = breaks;
    const network = new Network(this.world);
    this.#server = new Host(this.world, network, 'server');
    this.#client = new Host(this.world, network, 'client');
  }

  async run(): Promise<void> {
    this.#startServer();
    this.#work().then(
      () => {
        this.#isOver = true;
      },
      (error: unknown) => {
        this.#failure = error;
        this.#isOver = true;
      },
    );
    await this.world.run(RUN_MS_MAX, () => this.#isOver);
    if (this.#failure !== null) throw this.#failure;
    expect(this.#isOver).toBe(true);
  }

  #step = (): void => {
    this.stepCount += 1;
    if (this.stepCount !== this.#dieAt) return;
    this.world.schedule(0, null, () => {
      this.#server.losePower();
      this.world.schedule(20, null, () => this.#startServer());
    });
  };

  #startServer(): void {
    const { process, system } = this.#server.start();
    const counted = { ...system, disk: this.#breaks(countingDisk(system.disk, this.#step)) };
    startZooKeeperServer(counted, {
      host: '0.0.0.0',
      port: 2181,
      dataDir: '/data',
      dataLogDir: '/logs',
      snapshotTransactionCount: 10,
      onFailure: (error) => this.world.fail(error as Error),
    }).catch((error: unknown) => {
      if (process.isAlive) this.world.fail(error as Error);
    });
  }

  async #connect(): Promise<ZooKeeperClient> {
    const system = this.#client.process?.system ?? this.#client.start().system;
    return connectWireClient(system, {
      connectString: 'server:2181',
      sessionTimeoutMs: 8_000,
      connectionTimeoutMs: 100_000,
    });
  }

  async #work(): Promise<void> {
    const writer = await this.#connect();
    const reader = await this.#connect();
    const owner = await this.#connect();
    await Promise.all(NODES.map((path) => createOnce(writer, path)));
    await createOnce(owner, '/ephemeral', 'ephemeral');
    let isWriting = true;
    const reading = (async () => {
      while (isWriting) {
        for (const path of NODES) await this.#read(reader, path);
        await this.world.sleep(1);
      }
    })();
    await Promise.all(NODES.map((path) => this.#write(writer, path)));
    isWriting = false;
    await reading;
    for (const path of NODES) await this.#read(reader, path);
    expect([...this.shown.values()].map(({ value }) => value)).toEqual(
      NODES.map(() => WRITES_PER_NODE),
    );
    const stat = await writer.exists('/ephemeral');
    expect(stat?.ephemeralOwner).toBe(owner.sessionId);
  }

  /** Writes growing numbers; no version and no zxid may come twice. */
  async #write(client: ZooKeeperClient, path: string): Promise<void> {
    for (let value = 1; value <= WRITES_PER_NODE; value++) {
      const before = this.shown.get(path);
      const { version, mzxid } = await client.setData(path, Buffer.from(String(value)));
      expect(version).toBeGreaterThan(before?.version ?? 0);
      expect(mzxid).toBeGreaterThan(before?.mzxid ?? 0n);
      this.#show(path, { value, version, mzxid });
    }
  }

  async #read(client: ZooKeeperClient, path: string): Promise<void> {
    const before = this.shown.get(path);
    const { data, stat } = await client.getData(path);
    const now = { value: numberIn(data), version: stat.version, mzxid: stat.mzxid };
    expect(now.value).toBeGreaterThanOrEqual(before?.value ?? 0);
    expect(now.version).toBeGreaterThanOrEqual(before?.version ?? 0);
    expect(now.mzxid).toBeGreaterThanOrEqual(before?.mzxid ?? 0n);
    this.#show(path, now);
  }

  #show(path: string, now: Shown): void {
    if (now.version > (this.shown.get(path)?.version ?? -1)) this.shown.set(path, now);
  }
}

/** What comes of a loss at each `stride`-th step: the first failure, or null. */
const firstFailure = async (
  stride: number,
  breaks?: (disk: Disk) => Disk,
): Promise<{ step: number; error: unknown } | null> => {
  const whole = new Trial(0, breaks);
  await whole.run();
  expect(whole.stepCount).toBeGreaterThan(100);
  for (let step = 1; step <= whole.stepCount; step += stride) {
    try {
      await new Trial(step, breaks).run();
    } catch (error) {
      return { step, error };
    }
  }
  return null;
};

test('power is lost at each step of the disk, and nothing that was answered is', async () => {
  expect(await firstFailure(1)).toBe(null);
});

test('a disk that does not sync is noticed', async () => {
  const idle = async (): Promise<void> => {};
  const breaks = (disk: Disk): Disk => ({
    ...disk,
    open: async (path, mode) => ({ ...(await disk.open(path, mode)), sync: idle }),
  });
  expect(await firstFailure(7, breaks)).not.toBe(null);
});
