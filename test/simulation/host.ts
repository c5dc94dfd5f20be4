/**
 * Simulated machines. A machine keeps its disk and its address; each process started on it has a System of its own that goes
 * dead with it: its timers, disk calls and sockets never come back.
 */
import type { Logger } from '../../system/logger.ts';
import type { System } from '../../system/system.ts';
import { simClock } from './clock.ts';
import { Device, simDisk } from './disk.ts';
import type { Network } from './network.ts';
import { type Place, SimProcess } from './process.ts';
import { seededRandom } from './random.ts';
import type { World } from './world.ts';

export class Host implements Place {
  readonly name: string;
  readonly address: string;
  readonly device: Device;
  isUp = true;
  process: SimProcess | null = null;
  readonly #world: World;
  readonly #network: Network;
  readonly #skewMs: number;
  #startCount = 0;

  constructor(world: World, network: Network, name: string) {
    this.#world = world;
    this.#network = network;
    this.name = name;
    this.address = network.join(this);
    this.#skewMs = world.random.between(-20, 20);
    this.device = new Device(world, seededRandom(world.seed, `${name}-disk`));
  }

  /** Starts a process; its program is run by the caller on the System. */
  start(): { process: SimProcess; system: System } {
    if (this.process?.isAlive) throw new Error(`${this.name} runs already`);
    this.isUp = true;
    this.#startCount += 1;
    const process = new SimProcess(this, `${this.name}#${this.#startCount}`);
    this.process = process;
    const world = this.#world;
    const system: System = {
      clock: simClock(world, process, this.#skewMs),
      random: seededRandom(world.seed, process.name),
      disk: simDisk(this.device, process),
      net: this.#network.netOf(process),
      logger: traceLogger(world, process, ''),
    };
    process.system = system;
    return { process, system };
  }

  /** kill -9: the kernel lives on, closes the sockets and keeps what was written. */
  kill(): void {
    this.#end(false);
  }

  /** The machine goes dark: written but unsynced bytes may be gone, and peers are told nothing. */
  losePower(): void {
    this.isUp = false;
    this.#end(true);
  }

  pause(): void {
    if (this.process !== null) this.process.isPaused = true;
  }

  resume(): void {
    const { process } = this;
    if (process === null || !process.isPaused) return;
    process.isPaused = false;
    this.#world.reschedule(process.held.splice(0));
  }

  #end(isPowerLoss: boolean): void {
    const { process } = this;
    if (process === null || !process.isAlive) return;
    process.isAlive = false;
    process.held.length = 0;
    this.device.processEnded(process);
    if (isPowerLoss) this.device.losePower();
    this.#network.processEnded(process, isPowerLoss);
  }
}

/** Log lines go to the reader of a trace; their count and order are part of the hash through what causes them. */
const traceLogger = (world: World, process: SimProcess, prefix: string): Logger => {
  const write =
    (level: string) =>
    (fields: object, message: string): void =>
      world.trace.detail(
        world.nowMs,
        () => `[${process.name}] ${level} ${prefix}${message} ${textOf(fields)}`,
      );
  return {
    debug: () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => traceLogger(world, process, `${prefix}${textOf(fields)} `),
  };
};

const textOf = (fields: object): string => {
  const text = JSON.stringify(fields, (_key, value: unknown) => {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    return typeof value === 'bigint' ? value.toString() : value;
  });
  return text === '{}' ? '' : text;
};
