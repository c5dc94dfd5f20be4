/**
 * The committed offsets of one group. Pure. A commit becomes visible only when its record is
 * replicated; until then it is pending. Commits inside a transaction wait for the transaction's
 * marker as well (KIP-98, KIP-447). Of two commits the one that was appended later wins, whichever
 * completes first: `order` grows in the order of the appends to the partition.
 */
import { assert } from '../../system/assert.ts';
import { type TopicPartition, TopicPartitionMap } from './topic-partitions.ts';

export interface CommittedOffset {
  readonly offset: number;
  /** -1: unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /**
   * Set by old clients that ask for a retention of their own; -1: the broker's retention applies.
   */
  readonly expireTimestampMs: number;
}

export interface OffsetToCommit extends TopicPartition {
  readonly commit: CommittedOffset;
}

interface OrderedOffset {
  readonly commit: CommittedOffset;
  /** Null while the append is under way. */
  readonly order: number | null;
}

export class GroupOffsets {
  readonly #committed = new TopicPartitionMap<OrderedOffset>();
  /** Commits under way; a partition without any has no entry. */
  readonly #pending = new TopicPartitionMap<Set<CommittedOffset>>();
  /** By producer id. */
  readonly #transactions = new Map<number, TopicPartitionMap<OrderedOffset>>();

  get size(): number {
    return this.#committed.size;
  }

  /** No offset is stored or about to be. */
  get isEmpty(): boolean {
    return this.size === 0 && this.#pending.size === 0 && this.#transactions.size === 0;
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(topic, partition)?.commit;
  }

  topics(): Iterable<string> {
    return this.#committed.topics();
  }

  partitions(topic: string): Iterable<number> {
    return this.#committed.partitions(topic);
  }

  *committed(): Generator<OffsetToCommit> {
    for (const { topic, partition, value } of this.#committed.entries())
      yield { topic, partition, commit: value.commit };
  }

  /** Every partition that the log may hold a commit of, outside of transactions. */
  *known(): Generator<TopicPartition> {
    for (const { topic, partition } of this.#committed.entries()) yield { topic, partition };
    for (const { topic, partition } of this.#pending.entries()) {
      if (this.get(topic, partition) === undefined) yield { topic, partition };
    }
  }

  isPending(topic: string, partition: number): boolean {
    return this.#pending.get(topic, partition) !== undefined;
  }

  /** Whether a commit is under way, so that what is committed now may soon be outdated. */
  isUnstable(topic: string, partition: number): boolean {
    if (this.isPending(topic, partition)) return true;
    for (const offsets of this.#transactions.values()) {
      if (offsets.get(topic, partition) !== undefined) return true;
    }
    return false;
  }

  /** The records of these commits are about to be appended. */
  prepare(offsets: readonly OffsetToCommit[]): void {
    for (const { topic, partition, commit } of offsets) {
      const pending = this.#pending.get(topic, partition);
      if (pending === undefined) this.#pending.set(topic, partition, new Set([commit]));
      else pending.add(commit);
    }
  }

  /**
   * They are replicated. What was removed in the meantime stays removed: its tombstone follows in
   * the log.
   */
  complete(offsets: readonly OffsetToCommit[], order: number): void {
    for (const { topic, partition, commit } of offsets) {
      const isStillWanted = this.#forgetPending(topic, partition, commit);
      if (isStillWanted) this.#put(topic, partition, { commit, order });
    }
  }

  /** They are not, as far as is known. */
  fail(offsets: readonly OffsetToCommit[]): void {
    for (const { topic, partition, commit } of offsets)
      this.#forgetPending(topic, partition, commit);
  }

  /** Commits of a producer's open transaction are about to be appended. */
  prepareInTransaction(producerId: number, offsets: readonly OffsetToCommit[]): void {
    const open = this.#openTransaction(producerId);
    for (const { topic, partition, commit } of offsets)
      open.set(topic, partition, { commit, order: null });
  }

  /** They are replicated; the transaction is still open. */
  completeInTransaction(
    producerId: number,
    offsets: readonly OffsetToCommit[],
    order: number,
  ): void {
    const open = this.#transactions.get(producerId);
    for (const { topic, partition, commit } of offsets) {
      const current = open?.get(topic, partition);
      if (current === undefined) continue;
      if (current.commit === commit || (current.order !== null && current.order < order))
        open?.set(topic, partition, { commit, order });
    }
  }

  failInTransaction(producerId: number, offsets: readonly OffsetToCommit[]): void {
    const open = this.#transactions.get(producerId);
    if (open === undefined) return;
    for (const { topic, partition, commit } of offsets) {
      if (open.get(topic, partition)?.commit === commit) open.delete(topic, partition);
    }
    if (open.size === 0) this.#transactions.delete(producerId);
  }

  /** The producer's transaction has ended: its commits count from now on, or never did. */
  endTransaction(producerId: number, options: { readonly isCommit: boolean }): void {
    const offsets = this.#transactions.get(producerId);
    if (offsets === undefined) return;
    this.#transactions.delete(producerId);
    if (!options.isCommit) return;
    for (const { topic, partition, value } of offsets.entries()) {
      // The marker follows every record of its transaction in the log, so each of them has its
      // place.
      if (value.order !== null) this.#put(topic, partition, value);
    }
  }

  hasTransaction(producerId: number): boolean {
    return this.#transactions.has(producerId);
  }

  /**
   * Takes over what the log says while a partition is loaded; later records replace earlier ones.
   */
  replay(offset: OffsetToCommit, order: number): void {
    this.#committed.set(offset.topic, offset.partition, { commit: offset.commit, order });
  }

  replayInTransaction(producerId: number, offset: OffsetToCommit, order: number): void {
    this.#openTransaction(producerId).set(offset.topic, offset.partition, {
      commit: offset.commit,
      order,
    });
  }

  /** A tombstone within a transaction takes back what the transaction has said before. */
  replayRemovalInTransaction(producerId: number, topic: string, partition: number): void {
    const open = this.#transactions.get(producerId);
    open?.delete(topic, partition);
    if (open?.size === 0) this.#transactions.delete(producerId);
  }

  replayRemoval(topic: string, partition: number): void {
    this.#committed.delete(topic, partition);
  }

  /**
   * Removes the offset and everything that is under way for it; true when the log needs a
   * tombstone.
   */
  remove(topic: string, partition: number): boolean {
    const wasPending = this.#pending.delete(topic, partition);
    for (const [producerId, offsets] of this.#transactions) {
      offsets.delete(topic, partition);
      if (offsets.size === 0) this.#transactions.delete(producerId);
    }
    return this.#committed.delete(topic, partition) || wasPending;
  }

  #openTransaction(producerId: number): TopicPartitionMap<OrderedOffset> {
    let open = this.#transactions.get(producerId);
    if (open === undefined) {
      open = new TopicPartitionMap();
      this.#transactions.set(producerId, open);
    }
    return open;
  }

  #put(topic: string, partition: number, next: OrderedOffset): void {
    const current = this.#committed.get(topic, partition);
    assert(next.order !== null, 'a commit counts once it has its place in the log');
    // Equal orders are one batch that names a partition twice: the last one in it wins.
    if (current !== undefined && (current.order ?? 0) > next.order) return;
    this.#committed.set(topic, partition, next);
  }

  /** Others may be under way for the same partition. False: the commit was removed meanwhile. */
  #forgetPending(topic: string, partition: number, commit: CommittedOffset): boolean {
    const pending = this.#pending.get(topic, partition);
    const wasPending = pending?.delete(commit) ?? false;
    if (pending?.size === 0) this.#pending.delete(topic, partition);
    return wasPending;
  }
}
