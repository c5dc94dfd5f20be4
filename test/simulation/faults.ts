/**
 * What goes wrong in a run: one fault after another, each of them ended again after a while, several at a time.
 *
 * A kill leaves what was written, as the kernel does. Losing power loses what was not synced, and brokers, like Kafka's,
 * do not sync records: a member that is in the ISR with less than it had could be elected and lose what was acknowledged
 * ("licences to lose"). So a broker loses power only where that cannot be: everything is well, all replicas are in sync,
 * and nothing else goes wrong until the controller has taken it out of every ISR; only then it starts again.
 */
import type { Checkers } from './checkers.ts';
import { SESSION_TIMEOUT_MS, type SimBroker, type SimCluster } from './cluster.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

export interface FaultOptions {
  readonly partitionCount: number;
  readonly clientHosts: readonly Host[];
  /** Mean time from one fault to the next. */
  readonly gapMs: number;
}

const POLL_MS = 100;

export class Faults {
  readonly #world: World;
  readonly #cluster: SimCluster;
  readonly #checkers: Checkers;
  readonly #options: FaultOptions;
  /** What ends the faults that are on. */
  readonly #ends = new Set<() => void>();
  #isStopped = false;

  constructor(world: World, cluster: SimCluster, checkers: Checkers, options: FaultOptions) {
    this.#world = world;
    this.#cluster = cluster;
    this.#checkers = checkers;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { random } = this.#world;
    while (!this.#isStopped) {
      await this.#world.sleep(random.between(0.2, 1.8) * this.#options.gapMs);
      if (this.#isStopped) return;
      const kinds = this.#kinds();
      const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
      let point = random.float() * total;
      const chosen = kinds.find(([weight]) => {
        point -= weight;
        return point < 0;
      });
      await chosen?.[1]();
    }
  }

  /** Ends all faults that are on, and begins no more. */
  stop(): void {
    this.#isStopped = true;
    for (const end of [...this.#ends]) end();
  }

  #kinds(): [weight: number, begin: () => void | Promise<void>][] {
    return [
      [5, () => this.#killBroker()],
      [2, () => this.#stopBroker()],
      [4, () => this.#pauseBroker()],
      [5, () => this.#cutOff()],
      [4, () => this.#breakConnection()],
      [2, () => this.#slowDown()],
      [2, () => this.#killZooKeeper()],
      [2, () => this.#losePower()],
    ];
  }

  /** A time that is mostly short, now and then longer than a session lives. */
  #while(): number {
    const { random } = this.#world;
    return random.chance(0.6)
      ? random.between(10, 1000)
      : random.between(1000, 2.5 * SESSION_TIMEOUT_MS);
  }

  /** Calls `end` after `durationMs`, or when the faults are stopped. */
  #endsAfter(durationMs: number, end: () => void): void {
    const once = (): void => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    this.#world.schedule(durationMs, null, once);
  }

  #runningBrokers(): SimBroker[] {
    return this.#cluster.brokers.filter(({ isRunning, isStopping }) => isRunning && !isStopping);
  }

  #pickBroker(): SimBroker | null {
    const running = this.#runningBrokers();
    return running.length === 0 ? null : this.#world.random.pick(running);
  }

  #restart(broker: SimBroker): void {
    if (!broker.isRunning) this.#cluster.startBroker(broker);
  }

  #killBroker(): void {
    const broker = this.#pickBroker();
    if (broker === null) return;
    this.#cluster.killBroker(broker, false);
    this.#endsAfter(this.#while(), () => this.#restart(broker));
  }

  #stopBroker(): void {
    const broker = this.#pickBroker();
    if (broker === null || broker.broker === null) return;
    this.#cluster.stopBroker(broker);
    const restart = (): void => {
      if (!broker.isRunning) this.#cluster.startBroker(broker);
      else if (broker.isStopping) this.#world.schedule(POLL_MS, null, restart);
    };
    this.#endsAfter(this.#while(), restart);
  }

  #pauseBroker(): void {
    const broker = this.#pickBroker();
    const process = broker?.host.process;
    if (!broker || !process || process.isPaused) return;
    this.#note(`broker ${broker.id} stands still`);
    broker.host.pause();
    this.#endsAfter(this.#while(), () => {
      if (!process.isPaused || !process.isAlive) return;
      this.#note(`broker ${broker.id} goes on`);
      broker.host.resume();
    });
  }

  /** Cuts one direction or both between two hosts, or between one host and all others. */
  #cutOff(): void {
    const { random } = this.#world;
    const { hosts, network } = this.#cluster;
    const all = [...hosts, ...this.#options.clientHosts];
    const one = random.pick(this.#cluster.brokers).host;
    const others = all.filter((host) => host !== one);
    const far = random.chance(0.3) ? others : [random.pick(others)];
    const ways = random.pick(['both', 'in', 'out']);
    const pairs = far.flatMap((other): [Host, Host][] => [
      ...(ways === 'in' ? [] : [[one, other] as [Host, Host]]),
      ...(ways === 'out' ? [] : [[other, one] as [Host, Host]]),
    ]);
    this.#note(`cut ${ways}: ${one.name} and ${far.map(({ name }) => name)}`);
    for (const [from, to] of pairs) network.cut(from, to);
    this.#endsAfter(this.#while(), () => {
      this.#note(`healed ${ways}: ${one.name} and ${far.map(({ name }) => name)}`);
      for (const [from, to] of pairs) network.heal(from, to);
    });
  }

  #breakConnection(): void {
    const { random } = this.#world;
    const { hosts, network } = this.#cluster;
    const from = random.pick([...hosts, ...this.#options.clientHosts]);
    const to = random.pick(hosts);
    this.#note(`a connection of ${from.name} with ${to.name} breaks`);
    network.breakConnection(from, to);
  }

  #slowDown(): void {
    const { random } = this.#world;
    const { hosts, network } = this.#cluster;
    const from = random.pick(hosts);
    const to = random.pick(hosts);
    const slownessMs = random.between(5, 400);
    this.#note(`${from.name} to ${to.name} is slow: ${Math.round(slownessMs)} ms`);
    network.slowDown(from, to, slownessMs);
    this.#endsAfter(this.#while(), () => network.slowDown(from, to, 0));
  }

  #killZooKeeper(): void {
    const { zookeeper } = this.#cluster;
    if (!zookeeper.process?.isAlive) return;
    const losesPower = this.#world.random.chance(0.3);
    this.#note(`zookeeper ${losesPower ? 'loses power' : 'is killed'}`);
    if (losesPower) zookeeper.losePower();
    else zookeeper.kill();
    this.#endsAfter(this.#while(), () => {
      if (!zookeeper.process?.isAlive) this.#cluster.startZooKeeper();
    });
  }

  async #losePower(): Promise<void> {
    if (!this.#isAllWell()) return;
    const broker = this.#world.random.pick(this.#cluster.brokers);
    this.#checkers.excused.add(broker.id);
    this.#cluster.killBroker(broker, true);
    const partitions = [...Array(this.#options.partitionCount).keys()];
    const isInSomeIsr = (): boolean =>
      partitions.some((partition) =>
        this.#checkers.zooKeeperState(partition)?.isr.includes(broker.id),
      );
    while (isInSomeIsr()) await this.#world.sleep(POLL_MS);
    this.#checkers.excused.delete(broker.id);
    await this.#world.sleep(this.#world.random.between(0, 1000));
    this.#restart(broker);
  }

  #isAllWell(): boolean {
    const { brokers } = this.#cluster;
    if (this.#ends.size > 0 || brokers.some(({ broker, isStopping }) => !broker || isStopping))
      return false;
    for (let partition = 0; partition < this.#options.partitionCount; partition++) {
      const state = this.#checkers.zooKeeperState(partition);
      const assignment = this.#checkers.assignment(partition);
      if (state === null || state.leader < 0 || assignment === null) return false;
      const { replicas, addingReplicas, removingReplicas } = assignment;
      if (addingReplicas.length + removingReplicas.length > 0) return false;
      if (state.isr.length < replicas.length) return false;
      const leader = this.#checkers.replicaState(this.#cluster.broker(state.leader), partition);
      // Nothing may be on its way to the controller that would leave the broker in the ISR alone.
      if (!leader?.isLeader || leader.leaderEpoch !== state.leaderEpoch) return false;
      if (leader.isrState.type !== 'committed' || leader.isr.length < replicas.length) return false;
    }
    return true;
  }

  #note(text: string): void {
    this.#world.trace.event(this.#world.nowMs, text);
  }
}
