/**
 * A map by topic and partition that keeps each topic's name once, however many partitions it has.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export class TopicPartitionMap<V> {
  readonly #topics = new Map<string, Map<number, V>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(topic: string, partition: number): V | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  set(topic: string, partition: number, value: V): void {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      this.#topics.set(topic, new Map([[partition, value]]));
      this.#size++;
      return;
    }
    if (!partitions.has(partition)) this.#size++;
    partitions.set(partition, value);
  }

  delete(topic: string, partition: number): boolean {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined || !partitions.delete(partition)) return false;
    if (partitions.size === 0) this.#topics.delete(topic);
    this.#size--;
    return true;
  }

  topics(): IterableIterator<string> {
    return this.#topics.keys();
  }

  /** The partitions of a topic that have a value. */
  partitions(topic: string): Iterable<number> {
    return this.#topics.get(topic)?.keys() ?? [];
  }

  *entries(): Generator<TopicPartition & { readonly value: V }> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, value] of partitions) yield { topic, partition, value };
    }
  }
}
