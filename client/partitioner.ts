/**
 * Which partition a record goes to: by murmur2 of its key as the Java client does, so that all clients agree, or, without
 * a key, one partition for about a batch's worth of bytes and then another (KIP-794), the less loaded the likelier.
 */
import type { Random } from '../system/random.ts';

const M = 0x5bd1e995;
const SEED = 0x9747b28c;

/** The 32-bit murmur2 hash of Kafka, signed. */
export const murmur2 = (data: Buffer): number => {
  const { length } = data;
  let hash = SEED ^ length;
  let position = 0;
  for (; position + 4 <= length; position += 4) {
    let word = Math.imul(data.readInt32LE(position), M);
    word ^= word >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(word, M);
  }
  if (position < length) {
    for (let index = length - 1; index >= position; index--) {
      hash ^= (data[index] as number) << (8 * (index - position));
    }
    hash = Math.imul(hash, M);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
};

/** The partition of a key among all partitions of its topic, those without a leader included. */
export const partitionOfKey = (key: Buffer, partitionCount: number): number =>
  (murmur2(key) & 0x7fffffff) % partitionCount;

/** What the choice depends on; asked anew at each switch. */
export interface TopicLoad {
  readonly partitionCount: number;
  /** Partitions with a leader. */
  readonly available: readonly number[];
  /** Batches waiting for a partition. */
  queued(partition: number): number;
}

interface Sticky {
  partition: number;
  producedBytes: number;
}

/** Chooses for records without a key. */
export class StickyPartitioner {
  readonly #random: Random;
  readonly #batchBytes: number;
  readonly #topics = new Map<string, Sticky>();

  constructor(random: Random, batchBytes: number) {
    this.#random = random;
    this.#batchBytes = Math.max(1, batchBytes);
  }

  /** The partition for the next record of `topic`. */
  partition(topic: string, load: TopicLoad): number {
    const known = this.#topics.get(topic);
    if (known !== undefined && known.partition < load.partitionCount) return known.partition;
    const partition = this.#choose(load);
    this.#topics.set(topic, { partition, producedBytes: 0 });
    return partition;
  }

  /** Counts what was appended; the partition is left at the end of a batch, so that no small one stays behind. */
  appended(topic: string, bytes: number, isAtBatchEnd: boolean): void {
    const sticky = this.#topics.get(topic);
    if (sticky === undefined) return;
    sticky.producedBytes += bytes;
    const { producedBytes } = sticky;
    const isEnough = producedBytes >= this.#batchBytes && isAtBatchEnd;
    if (isEnough || producedBytes >= 2 * this.#batchBytes) this.#topics.delete(topic);
  }

  #choose({ available, partitionCount, queued }: TopicLoad): number {
    const { length } = available;
    if (length === 0) return this.#random.int(partitionCount);
    const sizes = available.map((partition) => queued(partition));
    const weightBase = Math.max(...sizes) + 1;
    let total = 0;
    for (const size of sizes) total += weightBase - size;
    let rest = this.#random.int(total);
    for (let index = 0; index < length; index++) {
      rest -= weightBase - (sizes[index] as number);
      if (rest < 0) return available[index] as number;
    }
    return available[length - 1] as number;
  }
}
