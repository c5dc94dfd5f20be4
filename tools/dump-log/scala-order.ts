/**
 * The order in which Scala's mutable hash maps and sets (2.13) hand out what they hold: by bucket,
 * within a bucket by hash. It depends on how far the table has grown.
 */
const LOAD_FACTOR = 0.75;

export class ScalaTable {
  #buckets = 16;

  /** Before an element is put in, also one that is there already; `size` counts those inside. */
  beforePut(size: number): void {
    if (size + 1 >= this.#buckets * LOAD_FACTOR) this.#buckets *= 2;
  }

  /** Before `count` elements are added together. */
  beforeAll(count: number): void {
    const wanted = Math.floor((count + 1) / LOAD_FACTOR);
    while (this.#buckets < wanted) this.#buckets *= 2;
  }

  /** Items by Java's hash code of each. */
  sorted<T>(items: readonly T[], hashOf: (item: T) => number): T[] {
    const spread = (item: T): number => {
      const hash = hashOf(item);
      return hash ^ (hash >>> 16);
    };
    const bucketOf = (item: T): number => spread(item) & (this.#buckets - 1);
    return items.toSorted((a, b) => bucketOf(a) - bucketOf(b) || spread(a) - spread(b));
  }
}
