/**
 * Records out of what one fetch brought for one partition: batches are checked and opened one after the other, as the
 * caller asks for records. Control batches and, when only committed records are wanted, aborted ones are left out.
 */
import { batches } from '../protocol/batches.ts';
import type { Header, Record, RecordBatch } from '../protocol/record-batch.ts';
import type { TopicPartition } from './positions.ts';

export interface ConsumerRecord extends TopicPartition {
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: 'createTime' | 'logAppendTime';
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
  readonly leaderEpoch: number;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** The bytes of a batch are not what its checksum says. */
export class CorruptBatch extends Error {
  override readonly name = 'CorruptBatch';
}

const ABORT_MARKER = 0;

export class FetchedRecords {
  /** Where the consumer stands when it has taken all that `next` has given so far. */
  nextOffset: number;
  /** Leader epoch of the last batch opened. */
  leaderEpoch = -1;
  readonly #partition: TopicPartition;
  readonly #checksCrc: boolean;
  readonly #batches: Generator<RecordBatch>;
  /** In the order of their first offsets; null when aborted records are wanted, too. */
  readonly #aborted: AbortedTransaction[] | null;
  readonly #abortedProducers = new Set<number>();
  #batch: RecordBatch | null = null;
  #records: Iterator<Record> | null = null;

  constructor(
    partition: TopicPartition,
    fetched: { readonly offset: number; readonly buffer: Buffer },
    options: {
      readonly checksCrc: boolean;
      readonly aborted: readonly AbortedTransaction[] | null;
    },
  ) {
    this.#partition = partition;
    this.nextOffset = fetched.offset;
    this.#batches = batches(fetched.buffer);
    this.#checksCrc = options.checksCrc;
    this.#aborted =
      options.aborted === null
        ? null
        : options.aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** The next record at or behind the position, or null at the end. Throws `CorruptBatch`. */
  next(): ConsumerRecord | null {
    for (;;) {
      if (this.#records === null && !this.#openBatch()) return null;
      const { done, value } = this.#records?.next() ?? { done: true, value: undefined };
      if (done || value === undefined) this.#closeBatch();
      else if (value.offset >= this.nextOffset) return this.#take(value);
    }
  }

  #take({ offset, timestamp, key, value, headers }: Record): ConsumerRecord {
    this.nextOffset = offset + 1;
    const { topic, partition } = this.#partition;
    const { leaderEpoch } = this;
    const timestampType = this.#batch?.timestampType ?? 'createTime';
    return { topic, partition, offset, timestamp, timestampType, key, value, headers, leaderEpoch };
  }

  /** Goes to the next batch that holds something for the caller. */
  #openBatch(): boolean {
    for (;;) {
      const { done, value: batch } = this.#batches.next();
      if (done || batch === undefined) return false;
      if (this.#checksCrc && !batch.isCrcValid()) {
        const { topic, partition } = this.#partition;
        throw new CorruptBatch(`${topic}-${partition}: bad batch at offset ${batch.baseOffset}`);
      }
      this.leaderEpoch = batch.partitionLeaderEpoch;
      this.#batch = batch;
      if (!this.#isHidden(batch)) {
        this.#records = batch.records();
        return true;
      }
      this.#closeBatch();
    }
  }

  /** Compaction may have removed the last records of a batch, so its end counts, not theirs. */
  #closeBatch(): void {
    this.nextOffset = Math.max(this.nextOffset, this.#batch?.nextOffset ?? 0);
    this.#records = null;
  }

  #isHidden(batch: RecordBatch): boolean {
    const { isControl, producerId } = batch;
    if (this.#aborted === null || !batch.hasProducerId) return isControl;
    while ((this.#aborted[0]?.firstOffset ?? Infinity) <= batch.lastOffset) {
      this.#abortedProducers.add((this.#aborted.shift() as AbortedTransaction).producerId);
    }
    if (!isControl) return batch.isTransactional && this.#abortedProducers.has(producerId);
    const [marker] = batch.records();
    // The key of a control record: version, then the type of the marker.
    if (marker?.key?.readInt16BE(2) === ABORT_MARKER) this.#abortedProducers.delete(producerId);
    return true;
  }
}
