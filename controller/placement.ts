/**
 * Where the replicas of new partitions go (Kafka's AdminUtils.assignReplicasToBrokers, KIP-36 for
 * racks). Deterministic: the random start comes from the caller.
 */
import { assert } from '../system/assert.ts';

export interface PlacementBroker {
  readonly id: number;
  readonly rack: string | null;
}

export interface PlacementOptions {
  readonly partitionCount: number;
  readonly replicationFactor: number;
  /** Index of the broker that takes the first replica of partition 0. */
  readonly startIndex: number;
  /** How far the second replica lies from the first, less one. */
  readonly shift: number;
  /** The number of the first partition placed; above 0 when partitions are added. */
  readonly firstPartition?: number;
}

/** A rack is set on some brokers but not on all: Kafka refuses to place then. */
export const hasMixedRacks = (brokers: readonly PlacementBroker[]): boolean =>
  brokers.some((broker) => broker.rack !== null) && brokers.some((broker) => broker.rack === null);

/**
 * Replicas by partition number. `brokers` in the order that `startIndex` counts in; with racks they
 * are reordered. The replication factor must not exceed their number, and racks must be set on all
 * or on none.
 */
export const placeReplicas = (
  brokers: readonly PlacementBroker[],
  options: PlacementOptions,
): Map<number, number[]> => {
  assert(options.replicationFactor <= brokers.length, 'more replicas than brokers');
  assert(!hasMixedRacks(brokers), 'racks on some brokers only');
  const withRacks = brokers.some((broker) => broker.rack !== null);
  const order = withRacks ? alternateRacks(brokers) : brokers;
  const placed = new Map<number, number[]>();
  let { shift } = options;
  const firstPartition = options.firstPartition ?? 0;
  for (
    let partition = firstPartition;
    partition < firstPartition + options.partitionCount;
    partition++
  ) {
    if (partition > 0 && partition % order.length === 0) shift += 1;
    const first = (partition + options.startIndex) % order.length;
    const indexes = withRacks
      ? spreadOverRacks(order, first, shift, options.replicationFactor)
      : Array.from({ length: options.replicationFactor }, (_, replica) =>
          replica === 0 ? first : replicaIndex(first, shift, replica - 1, order.length),
        );
    placed.set(
      partition,
      indexes.map((index) => at(order, index).id),
    );
  }
  return placed;
};

/** The broker of the replica after `replica` others behind the first: never the first's own. */
const replicaIndex = (first: number, shift: number, replica: number, count: number): number =>
  (first + 1 + ((shift + replica) % (count - 1))) % count;

const at = (order: readonly PlacementBroker[], index: number): PlacementBroker => {
  const broker = order[index];
  assert(broker !== undefined, 'no broker at this index');
  return broker;
};

/**
 * The replicas' indexes, one rack each until all racks have one; brokers already used only when
 * all are.
 */
const spreadOverRacks = (
  order: readonly PlacementBroker[],
  first: number,
  shift: number,
  replicationFactor: number,
): number[] => {
  const rackCount = new Set(order.map((broker) => broker.rack)).size;
  const indexes = [first];
  const usedRacks = new Set([at(order, first).rack]);
  // Counts every candidate looked at, not only those taken, and runs on through the partition's
  // replicas.
  let probe = 0;
  while (indexes.length < replicationFactor) {
    const candidate = replicaIndex(first, shift * rackCount, probe, order.length);
    const { rack } = at(order, candidate);
    probe += 1;
    const rackIsFree = !usedRacks.has(rack) || usedRacks.size === rackCount;
    const brokerIsFree = !indexes.includes(candidate) || indexes.length >= order.length;
    if (!rackIsFree || !brokerIsFree) continue;
    indexes.push(candidate);
    usedRacks.add(rack);
  }
  return indexes;
};

/** One broker of each rack in turn: racks by name, brokers of a rack by id. */
const alternateRacks = (brokers: readonly PlacementBroker[]): PlacementBroker[] => {
  const racks = new Map<string, PlacementBroker[]>();
  for (const broker of [...brokers].sort((a, b) => a.id - b.id)) {
    const rack = broker.rack ?? '';
    racks.set(rack, [...(racks.get(rack) ?? []), broker]);
  }
  const rows = [...racks.keys()].sort().map((rack) => racks.get(rack) ?? []);
  const alternated: PlacementBroker[] = [];
  for (let column = 0; alternated.length < brokers.length; column++) {
    for (const row of rows) {
      const broker = row[column];
      if (broker !== undefined) alternated.push(broker);
    }
  }
  return alternated;
};
