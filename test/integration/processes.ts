/**
 * A cluster of real processes, for tests that kill them: a ZooKeeper (the embedded one, or another by command) and brokers
 * on free ports and in a temporary folder. Runs what `npm run build` has made. Every process ends with `close`, and with
 * the test's own process at the latest.
 */

import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Child, type Signal, startChild } from '../../system/process.ts';
import { realSystem } from '../../system/system.ts';
import { freePorts } from '../support/free-ports.ts';
import { withAdmin } from './oracle.ts';
import { until } from './waiting.ts';

const system = realSystem();
const HOST = '127.0.0.1';
const DIST = process.env.BARNABAS_DIST ?? join(__dirname, '../../dist');

export interface ProcessClusterOptions {
  readonly brokers?: number;
  /** Settings for every broker under Kafka's names. */
  readonly config?: Readonly<Record<string, string>>;
  /** A command that takes a port and a folder and stays in the foreground; the embedded server without it. */
  readonly zooKeeperCommand?: readonly string[];
}

interface Process {
  kill(signal: Signal): void;
  readonly ended: Promise<unknown>;
}

const alive = new Set<Process>();
// The last resort when a test run is torn down: nothing outlives it.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

const track = <P extends Process>(child: P): P => {
  alive.add(child);
  void child.ended.then(() => alive.delete(child));
  return child;
};

export class ProcessCluster {
  readonly directory = mkdtempSync(join(tmpdir(), 'barnabas-processes-'));
  readonly #options: ProcessClusterOptions;
  readonly #brokers = new Map<number, Process>();
  readonly #ports = new Map<number, number>();
  /** By SIGSTOP. */
  readonly #stopped = new Set<number>();
  #zooKeeper: Process | null = null;
  #zooKeeperPort = 0;

  constructor(options: ProcessClusterOptions) {
    this.#options = options;
  }

  /** Resolves when all brokers know each other and a controller. */
  static async start(options: ProcessClusterOptions = {}): Promise<ProcessCluster> {
    const cluster = new ProcessCluster(options);
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** Of the brokers that run and have not been stopped. */
  get bootstrapServers(): string {
    const ids = [...this.#brokers.keys()].filter((id) => !this.#stopped.has(id));
    return ids.map((id) => `${HOST}:${this.port(id)}`).join(',');
  }

  port(brokerId: number): number {
    return this.#ports.get(brokerId) ?? 0;
  }

  get zooKeeperConnect(): string {
    return `${HOST}:${this.#zooKeeperPort}`;
  }

  get brokerIds(): number[] {
    return [...this.#ports.keys()];
  }

  brokerLog(brokerId: number): string {
    return join(this.directory, `broker-${brokerId}`, 'logs', 'server.log');
  }

  /** Asks whoever answers. */
  controllerId(): Promise<number> {
    return withAdmin(this.bootstrapServers, async (admin) => {
      const { controllerId } = await admin.describeCluster();
      return controllerId;
    });
  }

  /** Resolves when `count` brokers and a controller are known to whoever answers. */
  async untilComplete(count = this.#ports.size): Promise<void> {
    await withAdmin(this.bootstrapServers, (admin) =>
      until('all brokers and a controller known', async () => {
        const { brokers, controllerId } = await admin.describeCluster();
        return brokers.length === count && brokers.some(({ id }) => id === controllerId);
      }),
    );
  }

  signal(brokerId: number, signal: Signal): void {
    this.#broker(brokerId).kill(signal);
    if (signal === 'SIGSTOP') this.#stopped.add(brokerId);
    else this.#stopped.delete(brokerId);
  }

  /** kill -9, and waits until the process is gone. */
  async kill(brokerId: number): Promise<void> {
    const broker = this.#broker(brokerId);
    broker.kill('SIGKILL');
    await broker.ended;
    this.#brokers.delete(brokerId);
  }

  /** An orderly stop; resolves when the process is gone. */
  async shutDown(brokerId: number): Promise<void> {
    const broker = this.#broker(brokerId);
    broker.kill('SIGTERM');
    await broker.ended;
    this.#brokers.delete(brokerId);
  }

  /** Starts a broker that has ended; resolves when it serves. */
  async restart(brokerId: number): Promise<void> {
    if (this.#brokers.has(brokerId)) throw new Error(`broker ${brokerId} runs`);
    await this.#launchBroker(brokerId);
  }

  async killZooKeeper(): Promise<void> {
    this.#zooKeeper?.kill('SIGKILL');
    await this.#zooKeeper?.ended;
    this.#zooKeeper = null;
  }

  async startZooKeeper(): Promise<void> {
    const directory = join(this.directory, 'zookeeper');
    const { zooKeeperCommand } = this.#options;
    if (zooKeeperCommand !== undefined) {
      this.#zooKeeper = launchCommand(zooKeeperCommand, this.#zooKeeperPort, directory);
      await until('a foreign ZooKeeper that listens', async () => {
        const port = this.#zooKeeperPort;
        const connection = await system.net.connect({ host: HOST, port, timeoutMs: 1000 });
        connection.destroy();
        return true;
      });
      return;
    }
    const file = `${directory}.properties`;
    const lines = [`clientPort=${this.#zooKeeperPort}`, `clientPortAddress=${HOST}`];
    await system.disk.writeFile(
      file,
      [...lines, `dataDir=${directory}`, 'tickTime=500'].join('\n'),
    );
    this.#zooKeeper = await launchProgram('zookeeper-server', file, `${directory}-logs`);
  }

  /** Ends all processes at once and removes the data. */
  async close(): Promise<void> {
    const all = [...this.#brokers.values(), ...(this.#zooKeeper === null ? [] : [this.#zooKeeper])];
    for (const child of all) child.kill('SIGKILL');
    await Promise.all(all.map(({ ended }) => ended));
    if (process.env.BARNABAS_KEEP === undefined)
      rmSync(this.directory, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const count = this.#options.brokers ?? 3;
    const [zooKeeperPort = 0, ...brokerPorts] = await freePorts(count + 1);
    this.#zooKeeperPort = zooKeeperPort;
    for (const [index, port] of brokerPorts.entries()) this.#ports.set(index + 1, port);
    await this.startZooKeeper();
    await Promise.all(this.brokerIds.map((id) => this.#launchBroker(id)));
    await this.untilComplete();
  }

  #broker(brokerId: number): Process {
    const broker = this.#brokers.get(brokerId);
    if (broker === undefined) throw new Error(`broker ${brokerId} does not run`);
    return broker;
  }

  async #launchBroker(brokerId: number): Promise<void> {
    const directory = join(this.directory, `broker-${brokerId}`);
    const file = join(directory, 'server.properties');
    const properties = {
      'broker.id': String(brokerId),
      listeners: `PLAINTEXT://${HOST}:${this.#ports.get(brokerId)}`,
      'zookeeper.connect': this.zooKeeperConnect,
      'zookeeper.session.timeout.ms': '6000',
      'log.dirs': join(directory, 'data'),
      'min.insync.replicas': '2',
      'default.replication.factor': '3',
      'offsets.topic.replication.factor': '3',
      'offsets.topic.num.partitions': '5',
      'group.initial.rebalance.delay.ms': '0',
      ...this.#options.config,
    };
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
    await system.disk.makeDirectory(directory);
    await system.disk.writeFile(file, lines.join(''));
    const started = launchProgram('kafka-server', file, join(directory, 'logs'), (child) =>
      this.#brokers.set(brokerId, child),
    );
    await started;
  }
}

/** Starts one of our programs; resolves when it says that it serves. */
export const launchProgram = async (
  name: string,
  file: string,
  logDirectory: string,
  onStart: (child: Child) => void = () => {},
): Promise<Child> => {
  let tell: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const child = track(
    startChild(pathToFileURL(join(DIST, 'tools', `${name}.js`)).href, [file], {
      environment: { LOG_DIR: logDirectory },
      hidesOutput: true,
      onMessage: () => tell(),
    }),
  );
  onStart(child);
  const failure = child.ended.then(({ code, signal }) => {
    throw new Error(`${name} ended (${signal ?? code}) before it was ready`);
  });
  failure.catch(() => {});
  await Promise.race([ready, failure]);
  return child;
};

/** Ends the command when its own input ends, so that it cannot outlive this process. */
const KEEPER = '"$@" </dev/null & child=$!; cat >/dev/null; kill -9 $child; wait $child';

/** A foreign program; it knows one way to go, kill -9. */
const launchCommand = (command: readonly string[], port: number, directory: string): Process => {
  const output = openSync(`${directory}.log`, 'a');
  const args = ['-c', KEEPER, 'sh', ...command, String(port), directory];
  const child = spawn('sh', args, { stdio: ['pipe', output, output] });
  closeSync(output);
  return track({
    kill: () => void child.stdin?.end(),
    ended: new Promise((resolve) => void child.once('exit', resolve)),
  });
};
