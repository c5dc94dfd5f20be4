/**
 * Somebody who runs the cluster while things go wrong: moves partitions to other brokers, changes his mind, gives leads back,
 * and now and then deletes /controller by hand, as operators of Kafka do, so that two brokers take themselves for it.
 */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { System } from '../../system/system.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { controllerZnode } from '../../zookeeper/znodes.ts';
import type { Checkers } from './checkers.ts';
import { SimClient } from './client.ts';
import { SESSION_TIMEOUT_MS, type SimCluster, ZOOKEEPER_ADDRESS } from './cluster.ts';
import type { World } from './world.ts';

export interface OperatorOptions {
  readonly topic: string;
  readonly partitionCount: number;
  readonly replicaCount: number;
  /** Mean time from one action to the next. */
  readonly gapMs: number;
}

const PREFERRED = 0;

export class Operator {
  readonly #world: World;
  readonly #cluster: SimCluster;
  readonly #checkers: Checkers;
  readonly #options: OperatorOptions;
  readonly #system: System;
  readonly #client: SimClient;
  #isStopped = false;

  constructor(world: World, cluster: SimCluster, checkers: Checkers, options: OperatorOptions) {
    this.#world = world;
    this.#cluster = cluster;
    this.#checkers = checkers;
    this.#options = options;
    this.#system = cluster.addHost('operator').start().system;
    this.#client = new SimClient(this.#system, cluster, 'operator');
  }

  async run(): Promise<void> {
    const { random } = this.#world;
    const zookeeper = await connectWireClient(this.#system, {
      connectString: ZOOKEEPER_ADDRESS,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectionTimeoutMs: 60_000,
    });
    while (!this.#isStopped) {
      await this.#world.sleep(random.between(0, 2 * this.#options.gapMs));
      if (this.#isStopped) break;
      const action = random.pick(['reassign', 'reassign', 'cancel', 'elect', 'move'] as const);
      try {
        if (action === 'move') await this.#moveController(zookeeper);
        else if (action === 'elect') await this.#electPreferred();
        else await this.#reassign(action === 'cancel' ? null : this.#placement());
      } catch (error) {
        // Whoever was asked is down or not in charge; there will be another occasion.
        this.#note(`the operator failed: ${(error as Error).message}`);
      }
    }
    await zookeeper.close();
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #moveController(zookeeper: ZooKeeperClient): Promise<void> {
    if (this.#checkers.excused.size > 0) return;
    this.#note('the operator deletes /controller');
    if (this.#world.random.chance(0.5)) this.#deafenController();
    await zookeeper.delete(controllerZnode.path);
  }

  /** The controller does not hear for a while that it is none any more. */
  #deafenController(): void {
    const { network, brokers, zookeeper } = this.#cluster;
    const controller = brokers.find(({ broker }) => broker?.isController);
    if (controller === undefined) return;
    network.cut(zookeeper, controller.host);
    const durationMs = this.#world.random.between(0, SESSION_TIMEOUT_MS);
    this.#world.schedule(durationMs, null, () => network.heal(zookeeper, controller.host));
  }

  /** Replicas for a partition, the first of which will be its preferred leader. */
  #placement(): number[] {
    const { random } = this.#world;
    const rest = this.#cluster.brokers.map(({ id }) => id);
    const chosen: number[] = [];
    while (chosen.length < this.#options.replicaCount) {
      const id = random.pick(rest);
      rest.splice(rest.indexOf(id), 1);
      chosen.push(id);
    }
    return chosen;
  }

  async #reassign(replicas: number[] | null): Promise<void> {
    // A loss of power counts on nothing else going on; see faults.ts.
    if (this.#checkers.excused.size > 0) return;
    const { topic: name, partitionCount } = this.#options;
    const partitionIndex = this.#world.random.int(partitionCount);
    this.#note(`the operator moves ${name}-${partitionIndex} to ${replicas ?? 'where it was'}`);
    const body = {
      timeoutMs: 5000,
      topics: [{ name, partitions: [{ partitionIndex, replicas }] }],
    };
    await this.#askController(
      async (id) =>
        (await this.#client.send(id, apis.alterPartitionReassignments, body, { version: 0 }))
          .errorCode,
    );
  }

  async #electPreferred(): Promise<void> {
    if (this.#checkers.excused.size > 0) return;
    this.#note('the operator has preferred leaders elected');
    const body = { electionType: PREFERRED, topicPartitions: null, timeoutMs: 5000 };
    await this.#askController(
      async (id) =>
        (await this.#client.send(id, apis.electLeaders, body, { version: 2 })).errorCode,
    );
  }

  /** Asks broker after broker until one takes itself for the controller. */
  async #askController(ask: (brokerId: number) => Promise<number>): Promise<void> {
    for (const { id } of this.#cluster.brokers) {
      const errorCode = await ask(id).catch(() => errorCodes.NOT_CONTROLLER);
      if (errorCode === errorCodes.NOT_CONTROLLER) continue;
      this.#note(`broker ${id} answered the operator ${errorCode}`);
      return;
    }
    this.#note('the operator found no controller');
  }

  #note(text: string): void {
    this.#world.trace.event(this.#world.nowMs, text);
  }
}
