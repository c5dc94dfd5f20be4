/**
 * Records that wait to be sent, as batches per partition: when a batch is full, when a partition may be drained, how much
 * memory is in use. Pure; the sender ships the batches and decides what becomes of them.
 */

import { SEQUENCE_MAX } from '../protocol/record.ts';
import type { BatchOptions, RecordInput } from '../protocol/record-batch.ts';
import { BATCH_OVERHEAD, buildBatch } from '../protocol/record-batch.ts';

export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 when the broker did not tell (acks=0, or a duplicate too old to be known). */
  readonly offset: number;
  readonly timestamp: number;
}

/** Called once per record: with its place, or with what went wrong. */
export type SendCallback = (error: Error | null, metadata: RecordMetadata | null) => void;

/** At most this many bytes per record beside key, value and headers: lengths, deltas, attributes. */
const RECORD_OVERHEAD = 21;
const HEADER_OVERHEAD = 10;

/** The size of a record in a batch, rounded up, before compression. */
export const recordBytesMax = ({ key, value, headers }: RecordInput): number => {
  let bytes = RECORD_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0);
  if (headers !== undefined) {
    for (const header of headers) {
      bytes += HEADER_OVERHEAD + Buffer.byteLength(header.key) + (header.value?.length ?? 0);
    }
  }
  return bytes;
};

export class Batch {
  readonly queue: PartitionQueue;
  readonly records: RecordInput[] = [];
  readonly callbacks: (SendCallback | null)[] = [];
  readonly createdMs: number;
  /** An upper bound, before compression. */
  sizeBytes = BATCH_OVERHEAD;
  /** No further record is added. */
  isFull = false;
  isDone = false;
  tries = 0;
  /** When the last try ended; not sent again before `notBeforeMs`. */
  notBeforeMs = 0;
  producerId = -1;
  producerEpoch = -1;
  /** -1: none given yet. Kept over retries, so that the broker can tell a repetition. */
  baseSequence = -1;
  /** Its sequence was set back after an error, see sequences.ts. */
  isReset = false;
  /** What it was cut into, when it was too large. */
  pieces: readonly Batch[] = [];
  #encoded: Buffer | null = null;

  constructor(queue: PartitionQueue, createdMs: number) {
    this.queue = queue;
    this.createdMs = createdMs;
  }

  get hasSequence(): boolean {
    return this.baseSequence >= 0;
  }

  get lastSequence(): number {
    const last = this.baseSequence + this.records.length - 1;
    return last > SEQUENCE_MAX ? last - SEQUENCE_MAX - 1 : last;
  }

  /** All its records are settled. */
  get isSettled(): boolean {
    return this.isDone && this.pieces.every((piece) => piece.isSettled);
  }

  add(record: RecordInput, callback: SendCallback | null, bytes: number): void {
    this.records.push(record);
    this.callbacks.push(callback);
    this.sizeBytes += bytes;
  }

  setSequence(producerId: number, producerEpoch: number, baseSequence: number): void {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
    this.baseSequence = baseSequence;
    this.#encoded = null;
  }

  /** The batch as it goes on the wire; the same bytes at every try. */
  encode(
    options: Pick<BatchOptions, 'compression' | 'compressionLevel' | 'isTransactional'>,
  ): Buffer {
    this.#encoded ??= buildBatch({
      ...options,
      records: this.records,
      producerId: this.producerId,
      producerEpoch: this.producerEpoch,
      baseSequence: this.baseSequence,
    });
    return this.#encoded;
  }
}

/** One partition's batches, and what the sender knows about its sequence numbers. */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Waiting, the next to be sent first. */
  readonly batches: Batch[] = [];
  /** Batches on the wire. */
  onWireCount = 0;
  /** Not to be drained for now (one in flight at a time). */
  isMuted = false;
  producerId = -1;
  producerEpoch = -1;
  nextSequence = 0;
  lastAckedSequence = -1;
  /** Batches with a sequence that are not done, in sequence order, waiting or on the wire. */
  tracked: Batch[] = [];
  /** Set when sequences were lost: drained again only under a new epoch. */
  needsBump = false;
  /**
   * A numbered batch was given up, and nobody knows whether the broker has it: what becomes of the
   * ones behind it, under their own numbers, will tell. Nothing new is numbered before.
   */
  isUnresolved = false;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }
}

export interface AccumulatorOptions {
  readonly batchBytes: number;
  readonly lingerMs: number;
  readonly bufferBytes: number;
  readonly isCompressed: boolean;
}

/** How much smaller compression makes batches is learnt per topic, quickly for the worse, slowly for the better. */
const RATIO_IMPROVEMENT = 0.005;
const RATIO_DETERIORATION = 0.05;
const RATIO_MARGIN = 1.05;

export class Accumulator {
  /** Partitions with batches waiting. */
  readonly active = new Set<PartitionQueue>();
  /** Batches that are not done: waiting or on the wire. */
  readonly incomplete = new Set<Batch>();
  usedBytes = 0;
  /** While somebody flushes, or the producer closes, nothing lingers. */
  flushCount = 0;
  /** Somebody waits for memory, so nothing lingers either. */
  isOutOfMemory = false;
  readonly #options: AccumulatorOptions;
  readonly #queues = new Map<string, Map<number, PartitionQueue>>();
  readonly #ratios = new Map<string, number>();

  constructor(options: AccumulatorOptions) {
    this.#options = options;
  }

  queue(topic: string, partition: number): PartitionQueue {
    let queues = this.#queues.get(topic);
    if (queues === undefined) {
      queues = new Map();
      this.#queues.set(topic, queues);
    }
    let queue = queues.get(partition);
    if (queue === undefined) {
      queue = new PartitionQueue(topic, partition);
      queues.set(partition, queue);
    }
    return queue;
  }

  hasRoom(bytes: number): boolean {
    return this.usedBytes + bytes <= this.#options.bufferBytes || this.incomplete.size === 0;
  }

  /** Adds a record behind the partition's others; true when its batch is full now. */
  append(
    queue: PartitionQueue,
    record: RecordInput,
    callback: SendCallback | null,
    nowMs: number,
  ): boolean {
    const bytes = recordBytesMax(record);
    let batch = queue.batches.at(-1);
    if (batch === undefined || batch.isFull || batch.hasSequence || !this.#fits(batch, bytes)) {
      if (batch !== undefined) batch.isFull = true;
      batch = new Batch(queue, nowMs);
      queue.batches.push(batch);
      this.incomplete.add(batch);
      this.active.add(queue);
    }
    batch.add(record, callback, bytes);
    this.usedBytes += bytes;
    if (this.#estimate(batch) >= this.#options.batchBytes) batch.isFull = true;
    return batch.isFull;
  }

  /** The elapsed time from which the partition's first batch may be sent; Infinity when there is none. */
  readyMs(queue: PartitionQueue): number {
    const [batch] = queue.batches;
    if (batch === undefined) return Number.POSITIVE_INFINITY;
    const isUrgent =
      batch.isFull || queue.batches.length > 1 || this.flushCount > 0 || this.isOutOfMemory;
    const lingerMs = isUrgent || batch.tries > 0 ? 0 : this.#options.lingerMs;
    return Math.max(batch.notBeforeMs, batch.createdMs + lingerMs);
  }

  /** Takes the partition's first batch out, to be sent. */
  take(queue: PartitionQueue): Batch {
    const batch = queue.batches.shift() as Batch;
    batch.isFull = true;
    if (queue.batches.length === 0) this.active.delete(queue);
    return batch;
  }

  /** Puts a batch back for another try: in the order of its sequence, or first of all. */
  putBack(batch: Batch): void {
    const { batches } = batch.queue;
    let index = 0;
    if (batch.hasSequence) {
      const rank = batch.queue.tracked.indexOf(batch);
      const isBefore = (other: Batch): boolean =>
        other.hasSequence && batch.queue.tracked.indexOf(other) < rank;
      while (index < batches.length && isBefore(batches[index] as Batch)) index++;
    }
    batches.splice(index, 0, batch);
    this.active.add(batch.queue);
  }

  /** Removes a batch that is done from wherever it is, and frees its memory. */
  done(batch: Batch): void {
    batch.isDone = true;
    const { queue } = batch;
    const index = queue.batches.indexOf(batch);
    if (index >= 0) queue.batches.splice(index, 1);
    if (queue.batches.length === 0) this.active.delete(queue);
    this.incomplete.delete(batch);
    this.usedBytes -= batch.sizeBytes - BATCH_OVERHEAD;
  }

  /**
   * Cuts a batch that was too large into pieces that take its place: of at most the batch size, and at most half of what
   * it was, since the broker's limit may be below our batch size.
   */
  split(batch: Batch): Batch[] {
    const pieces: Batch[] = [];
    const pieceBytesMax = Math.min(this.#options.batchBytes, Math.ceil(batch.sizeBytes / 2));
    let piece: Batch | null = null;
    for (let index = 0; index < batch.records.length; index++) {
      const record = batch.records[index] as RecordInput;
      const bytes = recordBytesMax(record);
      if (piece === null || piece.sizeBytes + bytes > pieceBytesMax) {
        piece = new Batch(batch.queue, batch.createdMs);
        piece.isFull = true;
        pieces.push(piece);
        this.incomplete.add(piece);
      }
      piece.add(record, batch.callbacks[index] ?? null, bytes);
      this.usedBytes += bytes;
    }
    batch.pieces = pieces;
    return pieces;
  }

  /** Learns from a batch that was encoded how well its topic compresses. */
  learnRatio(batch: Batch, encodedBytes: number): void {
    if (!this.#options.isCompressed) return;
    const { topic } = batch.queue;
    const observed = encodedBytes / batch.sizeBytes;
    const ratio = this.#ratios.get(topic) ?? 1;
    const next =
      observed > ratio
        ? Math.max(ratio + RATIO_DETERIORATION, observed)
        : Math.max(ratio - RATIO_IMPROVEMENT, observed);
    this.#ratios.set(topic, next);
  }

  #estimate(batch: Batch): number {
    if (!this.#options.isCompressed) return batch.sizeBytes;
    const ratio = this.#ratios.get(batch.queue.topic) ?? 1;
    return BATCH_OVERHEAD + (batch.sizeBytes - BATCH_OVERHEAD) * ratio * RATIO_MARGIN;
  }

  #fits(batch: Batch, bytes: number): boolean {
    return this.#estimate(batch) + bytes <= this.#options.batchBytes;
  }
}
