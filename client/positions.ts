/**
 * Where a consumer stands in each partition it has, and whether it may fetch there. Pure: what to do about a partition
 * without a position is decided in position-finder.ts, what is fetched in fetcher.ts.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** An offset as committed: the next one to read. */
export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  /** Of the last record read, -1 when not known. */
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

export type ResetTo = 'earliest' | 'latest';

/** One string for a partition; the number is behind the last hyphen, so that it is unambiguous. */
export const partitionKey = ({ topic, partition }: TopicPartition): string =>
  `${topic}-${partition}`;

export class PartitionPosition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the next record for the caller; null until it is known. */
  offset: number | null = null;
  /** Leader epoch of the last record read; -1 when not known. */
  leaderEpoch = -1;
  /** The leader's epoch for which the position was found good (KIP-320). */
  checkedEpoch = -1;
  /** Set while the position is to be taken from one end of the log. */
  resetTo: ResetTo | null = null;
  isPaused = false;
  /** About to be given up in a rebalance: nothing more is handed out. */
  isRevoking = false;
  /** Goes up with every seek, so that a fetch under way is recognized as stale. */
  version = 0;
  highWatermark = -1;
  lastStableOffset = -1;
  logStartOffset = -1;
  /** A replica nearer than the leader, and until when it counts (KIP-392). */
  preferredReplica = -1;
  preferredUntilMs = 0;
  /** Elapsed time before which nothing is tried again after an error. */
  notBeforeMs = 0;

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic;
    this.partition = partition;
  }

  get isFetchable(): boolean {
    return this.offset !== null && !this.isPaused && !this.isRevoking;
  }

  seek(offset: number, leaderEpoch = -1): void {
    this.offset = offset;
    this.leaderEpoch = leaderEpoch;
    // A known epoch is checked against the leader's history before the first fetch.
    this.checkedEpoch = -1;
    this.resetTo = null;
    this.version++;
    this.notBeforeMs = 0;
  }

  reset(to: ResetTo): void {
    this.offset = null;
    this.resetTo = to;
    this.preferredReplica = -1;
    this.version++;
  }
}

export class Positions {
  #byKey = new Map<string, PartitionPosition>();

  get size(): number {
    return this.#byKey.size;
  }

  all(): IterableIterator<PartitionPosition> {
    return this.#byKey.values();
  }

  partitions(): TopicPartition[] {
    return [...this.#byKey.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  get(partition: TopicPartition): PartitionPosition | undefined {
    return this.#byKey.get(partitionKey(partition));
  }

  /** Whether this very position still counts: its partition may have been given up and got back meanwhile. */
  has(position: PartitionPosition): boolean {
    return this.get(position) === position;
  }

  /** Takes exactly these partitions; those that stay keep their positions. */
  assign(partitions: Iterable<TopicPartition>): void {
    const next = new Map<string, PartitionPosition>();
    for (const partition of partitions) {
      const key = partitionKey(partition);
      next.set(key, this.#byKey.get(key) ?? new PartitionPosition(partition));
    }
    this.#byKey = next;
  }

  /** What may be committed now: positions of partitions that have one. */
  consumed(): CommittedOffset[] {
    const offsets: CommittedOffset[] = [];
    for (const { topic, partition, offset, leaderEpoch } of this.#byKey.values()) {
      if (offset !== null) offsets.push({ topic, partition, offset, leaderEpoch });
    }
    return offsets;
  }
}
