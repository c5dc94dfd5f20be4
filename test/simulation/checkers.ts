/**
 * What must hold at every moment of a run. After each event, cheaply: high watermarks (bounds, never back within an epoch)
 * and that what they newly cover is what was committed. Now and then, in full: every in-sync member holds everything committed
 * and acknowledged, byte for byte; leaders are in the ISR; epochs do not go back. At the end: nothing is missing anywhere.
 *
 * "Committed" is what any leader's high watermark has ever covered or a producer was told, the strongest reading there is.
 */
import type { PartitionState } from '../../broker/replication/partition.ts';
import type { DataTree } from '../../zookeeper/server/tree.ts';
import {
  controllerEpochZnode,
  partitionStateZnode,
  type ReplicaAssignment,
  topicZnode,
} from '../../zookeeper/znodes.ts';
import { LOG_DIRECTORY, type SimBroker, type SimCluster } from './cluster.ts';
import type { History } from './history.ts';
import { LogView } from './log-view.ts';
import { observe, ReplicaManagers } from './observers.ts';
import { Violation, type World } from './world.ts';

type ZooKeeperState = ReturnType<typeof partitionStateZnode.decode>;

/** What is known of one partition over the whole run. */
interface Committed {
  /** By offset. */
  readonly fingerprints: number[];
  readonly views: readonly LogView[];
  /** By leader epoch: who led. */
  readonly leaders: Map<number, number>;
  lastZooKeeper: { readonly tree: DataTree; readonly state: ZooKeeperState } | null;
}

interface WatermarkSeen {
  leaderEpoch: number;
  highWatermark: number;
}

const FULL_CHECK_MS = 250;

export class Checkers {
  readonly #world: World;
  readonly #cluster: SimCluster;
  readonly #history: History;
  readonly #managers = new ReplicaManagers();
  readonly #partitions: readonly Committed[];
  readonly #watermarks = new Map<PartitionState, WatermarkSeen>();
  /** Brokers that have lost what they did not sync and are still in an ISR; see faults.ts. */
  readonly excused = new Set<number>();
  #tree: DataTree | null = null;
  #nextFullCheckMs = 0;

  constructor(world: World, cluster: SimCluster, history: History) {
    this.#world = world;
    this.#cluster = cluster;
    this.#history = history;
    this.#partitions = history.partitions.map(({ name }) => ({
      fingerprints: [],
      views: cluster.brokers.map(
        ({ host }) => new LogView(host.device, `${LOG_DIRECTORY}/${name}`),
      ),
      leaders: new Map(),
      lastZooKeeper: null,
    }));
  }

  start(): void {
    observe({
      replicaManagerStarted: (manager) => this.#managers.add(manager),
      treeSeen: (tree) => {
        this.#tree = tree;
      },
      becameLeader: (state) => this.#becameLeader(state),
    });
    this.#world.afterEvent = () => this.#afterEvent();
  }

  stop(): void {
    this.#world.afterEvent = null;
    observe(null);
  }

  /** The partition's state as ZooKeeper has it at this moment; null: none yet. */
  zooKeeperState(partition: number): ZooKeeperState | null {
    const node = this.#tree?.get(partitionStateZnode.path(this.#history.topic, partition));
    return node?.data ? partitionStateZnode.decode(node.data) : null;
  }

  /** Who should hold the partition, and what is changing about that; null: not created yet. */
  assignment(partition: number): ReplicaAssignment | null {
    const node = this.#tree?.get(topicZnode.path(this.#history.topic));
    return node?.data ? (topicZnode.decode(node.data).partitions.get(partition) ?? null) : null;
  }

  /** The replica's state inside a running broker. */
  replicaState(broker: SimBroker, partition: number): PartitionState | undefined {
    if (!broker.isRunning) return undefined;
    const manager = this.#managers.of(broker.host.process?.system);
    return manager?.get(this.#history.topic, partition)?.state;
  }

  /** Why the cluster is not yet as it must become once faults have stopped; null: it is. */
  unsettledReason(): string | null {
    for (const [partition, { name }] of this.#history.partitions.entries()) {
      const state = this.zooKeeperState(partition);
      const assignment = this.assignment(partition);
      if (state === null || assignment === null) return `${name} has no state`;
      const { replicas, addingReplicas, removingReplicas } = assignment;
      if (addingReplicas.length + removingReplicas.length > 0)
        return `${name} is being reassigned: ${replicas}, +${addingReplicas} -${removingReplicas}`;
      if ([...state.isr].sort().join() !== [...replicas].sort().join())
        return `${name} has the ISR ${state.isr} of the replicas ${replicas}`;
      const leader = this.replicaState(this.#cluster.broker(state.leader), partition);
      if (leader?.leaderEpoch !== state.leaderEpoch || !leader.isLeader)
        return `${name}: broker ${state.leader} does not lead in epoch ${state.leaderEpoch}`;
      const { views } = this.#committed(partition);
      const ends = replicas.map((id) => views[id]?.endOffset);
      if (ends.some((end) => end !== leader.highWatermark))
        return `${name} ends at ${ends}, its high watermark is ${leader.highWatermark}`;
      for (const id of replicas) {
        const follower = this.replicaState(this.#cluster.broker(id), partition);
        if (follower?.highWatermark !== leader.highWatermark)
          return `${name}: high watermark of broker ${id} is ${follower?.highWatermark}`;
      }
    }
    return null;
  }

  checkAll(): void {
    for (const partition of this.#partitions.keys()) this.#checkPartition(partition);
  }

  /** After the run has settled: each log holds exactly what was promised, in the producers' order. */
  checkEnd(idempotentProducers: ReadonlySet<string>): void {
    this.checkAll();
    for (const [partition, history] of this.#history.partitions.entries()) {
      const { views } = this.#committed(partition);
      for (const id of this.assignment(partition)?.replicas ?? []) {
        const view = views[id] as LogView;
        const nextNumbers = new Map<string, number>();
        let count = 0;
        for (const { offset, value } of view.records()) {
          history.seen(offset, value, 'in a log');
          checkOrder(history.name, value, nextNumbers, idempotentProducers);
          count += 1;
        }
        if (count !== view.endOffset)
          throw new Violation(`${history.name}: ${count} records in a log up to ${view.endOffset}`);
        if (count < history.ackedEnd)
          throw new Violation(`${history.name}: acknowledged to ${history.ackedEnd}, has ${count}`);
      }
    }
  }

  #committed(partition: number): Committed {
    const found = this.#partitions[partition];
    if (found === undefined) throw new Error(`no partition ${partition}`);
    return found;
  }

  #afterEvent(): void {
    for (const broker of this.#cluster.brokers) {
      if (!broker.isRunning) continue;
      for (const partition of this.#partitions.keys()) {
        const state = this.replicaState(broker, partition);
        if (state !== undefined) this.#checkWatermark(broker, partition, state);
      }
    }
    if (this.#world.nowMs < this.#nextFullCheckMs) return;
    this.#nextFullCheckMs = this.#world.nowMs + FULL_CHECK_MS;
    this.checkAll();
  }

  #checkWatermark(broker: SimBroker, partition: number, state: PartitionState): void {
    const { highWatermark, leaderEpoch, isLeader } = state;
    const seen = this.#watermarks.get(state);
    if (seen?.highWatermark === highWatermark && seen.leaderEpoch === leaderEpoch) return;
    const { name } = this.#history.of(partition);
    if (isLeader && seen?.leaderEpoch === leaderEpoch && highWatermark < seen.highWatermark) {
      throw new Violation(
        `${name}: the high watermark of leader ${broker.id} went from ${seen.highWatermark} back ` +
          `to ${highWatermark} in epoch ${leaderEpoch}`,
      );
    }
    this.#watermarks.set(state, { leaderEpoch, highWatermark });
    if (isLeader) this.#commit(broker, partition, highWatermark);
    else if (highWatermark > this.#committed(partition).fingerprints.length)
      throw new Violation(`${name}: broker ${broker.id} follows to ${highWatermark}, uncommitted`);
  }

  /** A leader says that everything below `highWatermark` is committed. */
  #commit(broker: SimBroker, partition: number, highWatermark: number): void {
    const { fingerprints, views } = this.#committed(partition);
    const view = views[broker.id] as LogView;
    view.refresh();
    const { name } = this.#history.of(partition);
    if (view.endOffset < highWatermark)
      throw new Violation(`${name}: leader ${broker.id} ends at ${view.endOffset}, below its HW`);
    this.#compare(partition, broker.id, Math.min(highWatermark, fingerprints.length));
    for (let offset = fingerprints.length; offset < highWatermark; offset++)
      fingerprints.push(view.fingerprints[offset] as number);
  }

  #checkPartition(partition: number): void {
    const { views, fingerprints } = this.#committed(partition);
    const history = this.#history.of(partition);
    for (const view of views) view.refresh();
    const state = this.zooKeeperState(partition);
    if (state === null) return;
    this.#checkZooKeeperState(partition, state);
    const committedEnd = Math.max(fingerprints.length, history.ackedEnd);
    for (const id of state.isr) {
      if (this.excused.has(id)) continue;
      const view = views[id] as LogView;
      if (view.endOffset < committedEnd) {
        throw new Violation(
          `${history.name}: broker ${id} is in the ISR ${state.isr} of epoch ${state.leaderEpoch} ` +
            `and ends at ${view.endOffset}; committed is everything below ${committedEnd}`,
        );
      }
      this.#compare(partition, id, fingerprints.length);
    }
    for (const broker of this.#cluster.brokers) {
      const highWatermark = this.replicaState(broker, partition)?.highWatermark ?? 0;
      this.#compare(partition, broker.id, Math.min(highWatermark, fingerprints.length));
      this.#checkEpochs(broker, partition);
    }
  }

  /** A running broker knows for each batch of its log the epoch it was written in. */
  #checkEpochs(broker: SimBroker, partition: number): void {
    if (!broker.isRunning) return;
    const manager = this.#managers.of(broker.host.process?.system);
    const log = manager?.get(this.#history.topic, partition)?.log;
    const view = this.#committed(partition).views[broker.id];
    if (log === undefined || log.hasFailed || view === undefined) return;
    const endOffset = Math.min(log.logEndOffset, view.endOffset);
    for (let offset = view.epochsVerifiedOffset; offset < endOffset; offset++) {
      const epoch = epochOf(view.fingerprints[offset]);
      const known = log.epochs.epochAt(offset);
      if (epoch === known) continue;
      throw new Violation(
        `${this.#history.of(partition).name} offset ${offset} of broker ${broker.id} is of epoch ` +
          `${epoch}, it believes ${known}`,
      );
    }
    view.epochsVerifiedOffset = Math.max(view.epochsVerifiedOffset, endOffset);
  }

  #checkZooKeeperState(partition: number, state: ZooKeeperState): void {
    const committed = this.#committed(partition);
    const { name } = this.#history.of(partition);
    if (state.leader >= 0 && !state.isr.includes(state.leader))
      throw new Violation(`${name}: leader ${state.leader} is not in the ISR ${state.isr}`);
    if (state.isr.length === 0) throw new Violation(`${name}: the ISR is empty`);
    this.#checkWriter(partition, state);
    const before = committed.lastZooKeeper;
    // A restarted ZooKeeper may have forgotten what it had not yet answered.
    if (before !== null && before.tree === this.#tree) {
      if (state.leaderEpoch < before.state.leaderEpoch)
        throw new Violation(
          `${name}: leader epoch ${before.state.leaderEpoch}, then ${state.leaderEpoch}`,
        );
      if (state.controllerEpoch < before.state.controllerEpoch)
        throw new Violation(
          `${name}: a controller of epoch ${state.controllerEpoch} wrote after one of ` +
            `${before.state.controllerEpoch}`,
        );
    }
    committed.lastZooKeeper = this.#tree === null ? null : { tree: this.#tree, state };
  }

  /** Since the current controller was elected nobody else has written. */
  #checkWriter(partition: number, state: ZooKeeperState): void {
    const { name } = this.#history.of(partition);
    const epoch = this.#tree?.get(controllerEpochZnode.path);
    const node = this.#tree?.get(partitionStateZnode.path(this.#history.topic, partition));
    if (!epoch?.data || !node || node.mzxid < epoch.mzxid) return;
    const controllerEpoch = controllerEpochZnode.decode(epoch.data);
    if (state.controllerEpoch !== controllerEpoch)
      throw new Violation(
        `${name}: a controller of epoch ${state.controllerEpoch} wrote under one of ${controllerEpoch}`,
      );
  }

  /** The log of broker `id` below `endOffset` is what was committed there. */
  #compare(partition: number, id: number, endOffset: number): void {
    const { fingerprints, views } = this.#committed(partition);
    const view = views[id] as LogView;
    for (let offset = view.verifiedOffset; offset < endOffset; offset++) {
      if (view.fingerprints[offset] === fingerprints[offset]) continue;
      const { name } = this.#history.of(partition);
      throw new Violation(
        `${name} offset ${offset}: broker ${id} has ${describe(view.fingerprints[offset])}, ` +
          `committed was ${describe(fingerprints[offset])}`,
      );
    }
    view.verifiedOffset = Math.max(view.verifiedOffset, endOffset);
  }

  #becameLeader(state: PartitionState): void {
    if (state.topic !== this.#history.topic) return;
    const { leaders } = this.#committed(state.partition);
    const { leaderEpoch, brokerId } = state;
    const other = leaders.get(leaderEpoch);
    const { name } = this.#history.of(state.partition);
    if (other !== undefined && other !== brokerId) {
      this.#world.fail(
        new Violation(`${name}: brokers ${other} and ${brokerId} lead in epoch ${leaderEpoch}`),
      );
    }
    leaders.set(leaderEpoch, brokerId);
    this.#world.trace.event(
      this.#world.nowMs,
      `${name} broker ${brokerId} leads in epoch ${leaderEpoch}, ISR ${state.isr}`,
    );
  }
}

const epochOf = (fingerprint: number | undefined): number | null =>
  fingerprint === undefined ? null : Math.floor(fingerprint / 2 ** 32);

const describe = (fingerprint: number | undefined): string =>
  fingerprint === undefined
    ? 'nothing'
    : `epoch ${epochOf(fingerprint)} crc ${(fingerprint % 2 ** 32).toString(16)}`;

/** Values are `producer:number`. An idempotent producer's come once each, in order; others may repeat, never skip. */
const checkOrder = (
  name: string,
  value: string,
  nextNumbers: Map<string, number>,
  idempotentProducers: ReadonlySet<string>,
): void => {
  const [producer = '', text] = value.split(':');
  const number = Number(text);
  const next = nextNumbers.get(producer) ?? 0;
  const isRepeated = number < next;
  if (number > next) throw new Violation(`${name}: ${producer} goes from ${next - 1} to ${number}`);
  if (isRepeated && idempotentProducers.has(producer))
    throw new Violation(`${name}: ${value} is there twice`);
  if (!isRepeated) nextNumbers.set(producer, number + 1);
};
