/**
 * One run: a cluster, a topic, producers and consumers; faults for a while; then time to recover, and the final account.
 * Everything follows from the seed.
 */
import { Checkers } from './checkers.ts';
import { createTopic, SimClient } from './client.ts';
import { SimCluster } from './cluster.ts';
import { SimConsumer } from './consumer.ts';
import { Faults } from './faults.ts';
import { History } from './history.ts';
import type { Host } from './host.ts';
import { type Mutant, mutants, OPERATOR_GAP_MS } from './mutants.ts';
import { Operator } from './operator.ts';
import { SimProducer } from './producer.ts';
import { Violation, World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** The part of a run in which faults begin. */
  readonly faultMs?: number;
  /** Breaks a rule on purpose. */
  readonly mutant?: Mutant | null;
  /** Receives the trace. */
  readonly print?: ((line: string) => void) | null;
}

export interface SimulationResult {
  readonly seed: number;
  /** Null: every check held. */
  readonly failure: Error | null;
  /** Equal for equal runs. */
  readonly digest: string;
  readonly eventCount: number;
  readonly virtualMs: number;
  readonly ackedCount: number;
}

const TOPIC = 'numbers';
const REPLICA_COUNT = 3;
const FAULT_MS = 25_000;
const START_MS_MAX = 30_000;
const SETTLE_MS_MAX = 90_000;

export const simulate = async (options: SimulationOptions): Promise<SimulationResult> => {
  const { seed, faultMs = FAULT_MS, mutant = null, print = null } = options;
  const world = new World(seed, print);
  const undo = mutant === null ? () => {} : mutants[mutant].apply();
  const run = new Run(world, mutant);
  const onRejection = (error: unknown): void => world.fail(error as Error);
  process.on('unhandledRejection', onRejection);
  let failure: Error | null = null;
  try {
    await run.execute(faultMs);
  } catch (error) {
    failure = error as Error;
  } finally {
    process.off('unhandledRejection', onRejection);
    run.checkers.stop();
    undo();
  }
  return {
    seed,
    failure,
    digest: world.trace.digest,
    eventCount: world.eventCount,
    virtualMs: world.nowMs,
    ackedCount: run.history.ackedCount,
  };
};

class Run {
  readonly history: History;
  readonly checkers: Checkers;
  readonly #world: World;
  readonly #mutant: Mutant | null;
  readonly #cluster: SimCluster;
  readonly #clientHosts: readonly Host[];
  readonly #partitionCount: number;
  readonly #producers: SimProducer[] = [];
  readonly #consumers: SimConsumer[] = [];

  constructor(world: World, mutant: Mutant | null) {
    this.#world = world;
    this.#mutant = mutant;
    const { random } = world;
    const settings = mutant === null ? [] : mutants[mutant].settings;
    this.#cluster = new SimCluster(world, {
      // With a fourth broker partitions can move.
      brokerCount: REPLICA_COUNT + random.int(2),
      settings: new Map(settings),
    });
    this.#partitionCount = 1 + random.int(3);
    this.#clientHosts = ['client0', 'client1'].map((name) => this.#cluster.addHost(name));
    this.history = new History(TOPIC, this.#partitionCount);
    this.checkers = new Checkers(world, this.#cluster, this.history);
  }

  async execute(faultMs: number): Promise<void> {
    const world = this.#world;
    this.checkers.start();
    this.#cluster.startZooKeeper();
    for (const broker of this.#cluster.brokers) this.#cluster.startBroker(broker);
    const clients = this.#clientHosts.map((host) => {
      const { system } = host.start();
      return new SimClient(system, this.#cluster, host.name);
    });
    await this.#createTopic(clients[0] as SimClient);
    this.#startClients(clients);
    const faults = new Faults(world, this.#cluster, this.checkers, {
      partitionCount: this.#partitionCount,
      clientHosts: this.#clientHosts,
      gapMs: world.random.between(400, 2500),
    });
    void faults.run().catch((error: Error) => world.fail(error));
    const operator = new Operator(world, this.#cluster, this.checkers, {
      topic: TOPIC,
      partitionCount: this.#partitionCount,
      replicaCount: REPLICA_COUNT,
      gapMs: this.#mutant === null ? OPERATOR_GAP_MS : mutants[this.#mutant].operatorGapMs,
    });
    void operator.run().catch((error: Error) => world.fail(error));
    await world.run(world.nowMs + faultMs);
    faults.stop();
    operator.stop();
    world.trace.event(world.nowMs, 'faults have stopped');
    await this.#settle();
    const idempotent = this.#producers.filter(({ options }) => options.isIdempotent);
    this.checkers.checkEnd(new Set(idempotent.map(({ options }) => options.name)));
    world.trace.event(world.nowMs, 'done');
  }

  async #createTopic(client: SimClient): Promise<void> {
    const { random } = this.#world;
    let isCreated = false;
    const minIsr = random.chance(0.5) ? '2' : '1';
    const topic = {
      name: TOPIC,
      partitionCount: this.#partitionCount,
      replicationFactor: REPLICA_COUNT,
      configs: [['min.insync.replicas', minIsr]] as const,
    };
    createTopic(client, topic).then(
      () => {
        isCreated = true;
      },
      (error: Error) => this.#world.fail(error),
    );
    await this.#world.run(START_MS_MAX, () => isCreated);
    if (!isCreated) throw new Violation('the cluster did not start');
  }

  #startClients(clients: readonly SimClient[]): void {
    const { random } = this.#world;
    for (const [index, client] of clients.entries()) {
      const producer = new SimProducer(this.#world, client, this.history, {
        name: `p${index}`,
        isIdempotent: index === 0,
        pauseMs: random.between(60, 400),
      });
      this.#producers.push(producer);
      producer.start();
      const consumer = new SimConsumer(this.#world, client, this.history, `c${index}`);
      this.#consumers.push(consumer);
      consumer.start();
    }
  }

  /** Everything must come right by itself now: replicas in sync, every record acknowledged and consumed. */
  async #settle(): Promise<void> {
    const world = this.#world;
    const endMs = world.nowMs + SETTLE_MS_MAX;
    await world.run(world.nowMs + world.random.between(500, 3000));
    for (const producer of this.#producers) producer.stop();
    let reason: string | null = 'has not begun';
    while (reason !== null) {
      if (world.nowMs >= endMs) throw new Violation(`the cluster does not settle: ${reason}`);
      await world.run(world.nowMs + 500);
      reason = this.#unsettledReason();
    }
  }

  #unsettledReason(): string | null {
    const waiting = this.#producers.find(({ isRunning }) => isRunning);
    if (waiting !== undefined) return `${waiting.options.name} waits for an acknowledgement`;
    const reason = this.checkers.unsettledReason();
    if (reason !== null) return reason;
    for (const { name, positions } of this.#consumers) {
      for (const [partition, position] of positions.entries()) {
        const { ackedEnd } = this.history.of(partition);
        if (position < ackedEnd) return `${name} has read to ${position} of ${ackedEnd}`;
      }
    }
    return null;
  }
}
