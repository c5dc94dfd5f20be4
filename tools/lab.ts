/**
 * `barnabas up`: a cluster on this machine for labs and laptops. The embedded ZooKeeper and the brokers run as processes of
 * their own, so that each can be killed; this process starts them, shows where they listen, and stops them in order.
 */
import { posix } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { openChannel } from '../network/request-channel.ts';
import { apis } from '../protocol/apis.ts';
import { type Child, program as self, startChild } from '../system/process.ts';
import { realSystem, type System } from '../system/system.ts';
import { sentenceOf, UserError } from './failures.ts';
import { brokerProperties, zooKeeperProperties } from './lab-properties.ts';

interface LabOptions {
  readonly brokers: number;
  readonly port: number;
  readonly zookeeperPort: number;
  readonly data: string;
  readonly override: readonly string[];
}

interface Node {
  readonly name: string;
  readonly port: number;
  readonly child: Child;
  /** Resolves when it serves; rejects when it ended before. */
  readonly ready: Promise<void>;
}

const HOST = '127.0.0.1';
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;
const POLL_MS = 20;

/** Small heaps that give memory back: a lab shares its machine. ZooKeeper's program sees to that itself. */
const brokerNodeOptions = ['--max-semi-space-size=8', '--optimize-for-size'];

const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };

const keyValue = (text: string, before: readonly string[]): string[] => {
  if (text.indexOf('=') < 1) throw new InvalidArgumentError('It must have the form name=value.');
  return [...before, text];
};

/** The command for commander; `barnabas` adds it. */
export const labCommand = (): Command =>
  new Command('up')
    .description('start ZooKeeper and a cluster of brokers on this machine; Ctrl-C stops them')
    .option('--brokers <count>', 'how many brokers', wholeNumber(1, 100), 3)
    .option('--port <port>', 'port of the first broker', wholeNumber(1, 65_535), 9092)
    .option('--zookeeper-port <port>', 'port of ZooKeeper', wholeNumber(1, 65_535), 2181)
    .option('--data <folder>', 'where everything is kept', 'barnabas-data')
    .option('--override <name=value>', 'a setting for every broker, repeatable', keyValue, [])
    .action(async (options: LabOptions) => {
      const lab = new Lab(realSystem(), {
        ...options,
        data: posix.resolve(self.workingDirectory, options.data),
      });
      await lab.run();
    });

class Lab {
  readonly #system: System;
  readonly #options: LabOptions;
  readonly #nodes: Node[] = [];
  #isStopping = false;

  constructor(system: System, options: LabOptions) {
    this.#system = system;
    this.#options = options;
  }

  async run(): Promise<void> {
    self.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => void this.#stop(0));
    try {
      await this.#checkPorts();
      await this.#start();
      await this.#show(await this.#awaitCluster());
    } catch (error) {
      if (this.#isStopping) return;
      await self.printError(`${sentenceOf(error)}\n`);
      await this.#stop(1);
    }
  }

  get #brokerIds(): number[] {
    return Array.from({ length: this.#options.brokers }, (_, index) => index + 1);
  }

  #brokerPort(brokerId: number): number {
    return this.#options.port + brokerId - 1;
  }

  /** Before anything is started: one sentence for the first port that is taken. */
  async #checkPorts(): Promise<void> {
    const { zookeeperPort } = this.#options;
    const uses: [port: number, option: string][] = [
      [zookeeperPort, '--zookeeper-port'],
      ...this.#brokerIds.map((id): [number, string] => [this.#brokerPort(id), '--port']),
    ];
    for (const [port, option] of uses) {
      try {
        const server = await this.#system.net.listen({ host: HOST, port }, (peer) =>
          peer.destroy(),
        );
        await server.close();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
        throw new UserError(
          `Port ${port} is taken by another process: stop it, or start with another one, for example ${option} ${port + 1000}.`,
        );
      }
    }
  }

  async #start(): Promise<void> {
    const { data, zookeeperPort, port, brokers } = this.#options;
    const { disk } = this.#system;
    await disk.makeDirectory(data);
    const zooKeeperFile = posix.join(data, 'zookeeper.properties');
    await disk.writeFile(
      zooKeeperFile,
      zooKeeperProperties(zookeeperPort, posix.join(data, 'zookeeper')),
    );
    this.#launch('ZooKeeper', zookeeperPort, './zookeeper-server.js', zooKeeperFile);
    const ports = { zookeeperPort, firstBrokerPort: port, brokerCount: brokers };
    for (const id of this.#brokerIds) {
      const folder = posix.join(data, `broker-${id}`);
      const file = posix.join(folder, 'server.properties');
      await disk.makeDirectory(folder);
      const logDir = posix.join(folder, 'data');
      await disk.writeFile(file, brokerProperties(id, ports, logDir, this.#options.override));
      this.#launch(
        `broker ${id}`,
        this.#brokerPort(id),
        './kafka-server.js',
        file,
        brokerNodeOptions,
      );
    }
    await Promise.all(this.#nodes.map(({ ready }) => ready));
  }

  #launch(
    name: string,
    port: number,
    program: string,
    file: string,
    nodeOptions: readonly string[] = [],
  ): void {
    let isReady: () => void = () => {};
    const told = new Promise<void>((resolve) => {
      isReady = resolve;
    });
    const child = startChild(import.meta.resolve(program), [file], {
      nodeOptions,
      hidesOutput: true,
      environment: { LOG_DIR: posix.join(posix.dirname(file), 'logs') },
      onMessage: () => isReady(),
    });
    const ended = child.ended.then(({ code, signal }) => {
      if (!this.#isStopping) void this.#tellEnd(name, file, program, signal);
      throw new UserError(`${name} ended (${signal ?? `exit code ${code}`}) before it was ready.`);
    });
    // After it was ready nobody waits for this promise any more.
    ended.catch(() => {});
    this.#nodes.push({ name, port, child, ready: Promise.race([told, ended]) });
  }

  async #tellEnd(
    name: string,
    file: string,
    program: string,
    signal: string | null,
  ): Promise<void> {
    const tool = program.includes('zookeeper') ? 'zookeeper-server-start' : 'kafka-server-start';
    await self.print(
      `${name} has ended${signal === null ? '' : ` (${signal})`}; to start it again: bin/${tool} ${file}\n`,
    );
  }

  /** Resolves to the controller's id when the last broker shows all the others. */
  async #awaitCluster(): Promise<number> {
    const { clock } = this.#system;
    const giveUpMs = clock.elapsedMs() + READY_MS_MAX;
    const port = this.#brokerPort(this.#options.brokers);
    const channel = await openChannel(this.#system, { host: HOST, port, clientId: 'barnabas-lab' });
    try {
      for (;;) {
        const cluster = await channel.send(apis.describeCluster, {
          includeClusterAuthorizedOperations: false,
        });
        if (cluster.brokers.length >= this.#options.brokers && cluster.controllerId >= 0)
          return cluster.controllerId;
        if (clock.elapsedMs() > giveUpMs)
          throw new UserError('The brokers did not find each other: see their logs.');
        await clock.sleep(POLL_MS);
      }
    } finally {
      channel.close();
    }
  }

  async #show(controllerId: number): Promise<void> {
    const row = (cells: readonly string[]): string =>
      cells.map((cell, index) => cell.padEnd([12, 8, 10, 12][index] ?? 0)).join('');
    const rows = this.#nodes.map(({ name, port, child }) =>
      row([name, String(port), String(child.pid), name === `broker ${controllerId}` ? 'yes' : '']),
    );
    const at = `${HOST}:${this.#options.port}`;
    const tools = `bin/kafka-topics --bootstrap-server ${at}`;
    await self.print(
      `${[
        `Barnabas is up on ${HOST}; its data is in ${this.#options.data}.`,
        'The embedded ZooKeeper is for labs and tests.',
        '',
        row(['', 'port', 'pid', 'controller']),
        ...rows,
        '',
        'Try, in another terminal:',
        `  ${tools} --create --topic letters --partitions 3 --replication-factor 3`,
        `  ${tools} --describe`,
        `  echo hello | bin/kafka-console-producer --bootstrap-server ${at} --topic letters`,
        `  bin/kafka-console-consumer --bootstrap-server ${at} --topic letters --from-beginning`,
        `  kill -9 ${this.#nodes.at(-1)?.child.pid}    # and describe the topic again`,
        'Ctrl-C stops the cluster.',
      ].join('\n')}\n`,
    );
  }

  /** Brokers first, so that they can still say goodbye; then ZooKeeper. */
  async #stop(exitCode: number): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const [zooKeeper, ...brokers] = this.#nodes;
    for (const { child } of brokers) child.kill('SIGTERM');
    await this.#awaitEnd(brokers);
    if (zooKeeper !== undefined) {
      zooKeeper.child.kill('SIGTERM');
      await this.#awaitEnd([zooKeeper]);
    }
    self.exit(exitCode);
  }

  async #awaitEnd(nodes: readonly Node[]): Promise<void> {
    const timer = this.#system.clock.setTimer(STOP_MS_MAX, () => {
      for (const { child } of nodes) child.kill('SIGKILL');
    });
    await Promise.all(nodes.map(({ child }) => child.ended));
    timer.cancel();
  }
}
