/**
 * What a partition knows of its producers (KIP-98): the last five batches of each, against
 * duplicates and gaps, and the open transactions, which hold back the last stable offset. Pure. The
 * log calls `check` and then, once the batch has its offsets, `append`, both in queue order and
 * before the write, so that a batch is checked against those still in flight. Verification of
 * transactions with their coordinator (KIP-890) is not here.
 */

import { endTransactionMarkerOf } from '../protocol/control-record.ts';
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { SEQUENCE_MAX } from '../protocol/record.ts';
import type { RecordBatch } from '../protocol/record-batch.ts';
import { assert } from '../system/assert.ts';
import { encodeProducerSnapshot, type ProducerSnapshotEntry } from './producer-snapshot.ts';
import type { AbortedTransaction } from './transaction-index.ts';

/** A retried batch is recognized among this many; clients keep at most as many in flight. */
const BATCHES_KEPT = 5;
const NONE = -1;

interface BatchMemo {
  lastSequence: number;
  lastOffset: number;
  offsetDelta: number;
  timestamp: number;
}

interface Producer {
  readonly producerId: number;
  epoch: number;
  /** -1 until the first marker. */
  coordinatorEpoch: number;
  /** Of the last batch or marker, in the time of the records. */
  lastTimestamp: number;
  /** -1 without an open transaction; otherwise also a key of `#ongoing`. */
  transactionFirstOffset: number;
  /** At most BATCHES_KEPT, oldest first, all of `epoch`. */
  readonly batches: BatchMemo[];
}

export type CheckResult =
  | { readonly type: 'ok' }
  | {
      readonly type: 'duplicate';
      readonly baseOffset: number;
      readonly lastOffset: number;
      readonly timestamp: number;
    };

/** One producer for DescribeProducers. */
export interface ActiveProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  readonly currentTransactionStartOffset: number;
}

const OK: CheckResult = { type: 'ok' };

export class ProducerStates {
  readonly #producers = new Map<number, Producer>();
  /**
   * First offset -> producer id of open transactions; first offsets ascend, so the first key is the
   * oldest.
   */
  readonly #ongoing = new Map<number, number>();
  /**
   * First offset -> marker offset of ended transactions whose marker is not yet below the high
   * watermark.
   */
  readonly #unreplicated = new Map<number, number>();
  #mapEndOffset = 0;

  /**
   * Where the state stands: it covers all batches below. The log moves it also for batches without
   * producer.
   */
  get mapEndOffset(): number {
    return this.#mapEndOffset;
  }

  set mapEndOffset(offset: number) {
    this.#mapEndOffset = offset;
  }

  get size(): number {
    return this.#producers.size;
  }

  /**
   * The first offset of the oldest transaction that is open, or whose end is not yet replicated.
   */
  get firstUnstableOffset(): number | null {
    let first = Infinity;
    for (const offset of this.#ongoing.keys()) {
      first = offset;
      break;
    }
    if (this.#unreplicated.size > 0) {
      for (const offset of this.#unreplicated.keys()) if (offset < first) first = offset;
    }
    return first === Infinity ? null : first;
  }

  hasOngoingTransaction(producerId: number): boolean {
    return (this.#producers.get(producerId)?.transactionFirstOffset ?? NONE) !== NONE;
  }

  /**
   * Whether a leader may take the batch. Duplicates are told before anything is refused; only
   * clients are held to their sequences. Throws ProtocolError with Kafka's codes.
   */
  check(batch: RecordBatch, origin: 'client' | 'coordinator'): CheckResult {
    if (!batch.hasProducerId) return OK;
    const producer = this.#producers.get(batch.producerId);
    if (batch.isControl) {
      if (producer !== undefined) checkMarker(producer, batch);
      return OK;
    }
    // A producer that was forgotten may go on with any sequence.
    if (producer === undefined) return OK;
    if (origin === 'client') {
      const known = findDuplicate(producer, batch);
      if (known !== undefined) return duplicate(known);
    }
    checkEpoch(producer, batch);
    if (origin === 'client') checkSequence(producer, batch);
    if (producer.transactionFirstOffset !== NONE && !batch.isTransactional) {
      throw new ProtocolError(errorCodes.INVALID_TXN_STATE);
    }
    return OK;
  }

  /**
   * As `append`, for a batch found in the log at a start. Throws ProtocolError(INVALID_TXN_STATE)
   * for one that no leader takes in.
   */
  replay(batch: RecordBatch): AbortedTransaction | null {
    const isOutside = batch.hasProducerId && !batch.isControl && !batch.isTransactional;
    if (isOutside && this.hasOngoingTransaction(batch.producerId))
      throw new ProtocolError(errorCodes.INVALID_TXN_STATE);
    return this.append(batch);
  }

  /**
   * Takes note of a batch that has its offsets: appended by the leader after `check`, replicated,
   * or replayed from the log. Returns the transaction when the batch is a marker that aborts one:
   * an entry for the transaction index.
   */
  append(batch: RecordBatch): AbortedTransaction | null {
    this.#mapEndOffset = batch.nextOffset;
    if (!batch.hasProducerId) return null;
    if (batch.isControl) return this.#appendMarker(batch);
    const producer = this.#producerFor(batch);
    producer.lastTimestamp = batch.maxTimestamp;
    remember(producer, batch);
    if (batch.isTransactional && producer.transactionFirstOffset === NONE) {
      producer.transactionFirstOffset = batch.baseOffset;
      this.#ongoing.set(batch.baseOffset, batch.producerId);
    }
    return null;
  }

  /** Ended transactions count as stable once their marker is below the high watermark. */
  advanceHighWatermark(highWatermark: number): void {
    if (this.#unreplicated.size === 0) return;
    for (const [first, last] of this.#unreplicated) {
      if (last < highWatermark) this.#unreplicated.delete(first);
    }
  }

  /** Markers that were deleted with the start of the log no longer hold anything back. */
  advanceLogStartOffset(logStartOffset: number): void {
    this.advanceHighWatermark(logStartOffset);
  }

  /**
   * Forgets producers without open transaction that have been silent too long. Returns how many.
   */
  removeExpired(nowMs: number, expirationMs: number): number {
    const before = this.#producers.size;
    for (const producer of this.#producers.values()) {
      if (isExpired(producer.lastTimestamp, producer.transactionFirstOffset, nowMs, expirationMs)) {
        this.#producers.delete(producer.producerId);
      }
    }
    return before - this.#producers.size;
  }

  /** Empty, as at `offset` of a log that knows no producer. */
  reset(offset: number): void {
    this.#producers.clear();
    this.#ongoing.clear();
    this.#unreplicated.clear();
    this.#mapEndOffset = offset;
  }

  /** Replaces everything by a snapshot taken at `offset`; replay of the log goes on from there. */
  load(
    entries: readonly ProducerSnapshotEntry[],
    at: { readonly offset: number; readonly nowMs: number; readonly expirationMs: number },
  ): void {
    this.reset(at.offset);
    const open: Producer[] = [];
    for (const entry of entries) {
      const { timestamp, currentTxnFirstOffset } = entry;
      if (isExpired(timestamp, currentTxnFirstOffset, at.nowMs, at.expirationMs)) continue;
      const producer = producerOf(entry);
      this.#producers.set(entry.producerId, producer);
      if (currentTxnFirstOffset !== NONE) open.push(producer);
    }
    open.sort((a, b) => a.transactionFirstOffset - b.transactionFirstOffset);
    for (const producer of open) {
      this.#ongoing.set(producer.transactionFirstOffset, producer.producerId);
    }
  }

  entries(): ProducerSnapshotEntry[] {
    return Array.from(this.#producers.values(), entryOf);
  }

  /** The bytes of a snapshot file as of `mapEndOffset`. */
  snapshot(): Buffer {
    return encodeProducerSnapshot(this.entries());
  }

  *activeProducers(): Generator<ActiveProducer> {
    for (const producer of this.#producers.values()) {
      yield {
        producerId: producer.producerId,
        producerEpoch: producer.epoch,
        lastSequence: producer.batches.at(-1)?.lastSequence ?? NONE,
        lastTimestamp: producer.lastTimestamp,
        coordinatorEpoch: producer.coordinatorEpoch,
        currentTransactionStartOffset: producer.transactionFirstOffset,
      };
    }
  }

  #appendMarker(batch: RecordBatch): AbortedTransaction | null {
    const marker = endTransactionMarkerOf(batch);
    if (marker === null) return null;
    const producer = this.#producerFor(batch);
    const firstOffset = producer.transactionFirstOffset;
    producer.coordinatorEpoch = marker.coordinatorEpoch;
    producer.lastTimestamp = marker.timestamp;
    if (firstOffset === NONE) return null;
    producer.transactionFirstOffset = NONE;
    assert(this.#ongoing.delete(firstOffset), 'open transaction is listed');
    this.#unreplicated.set(firstOffset, marker.offset);
    if (marker.type === 'commit') return null;
    const [oldest = marker.offset + 1] = this.#ongoing.keys();
    return {
      producerId: batch.producerId,
      firstOffset,
      lastOffset: marker.offset,
      lastStableOffset: oldest,
    };
  }

  /**
   * The entry of the batch's producer, at the batch's epoch: batches of an earlier one no longer
   * matter.
   */
  #producerFor(batch: RecordBatch): Producer {
    const { producerId, producerEpoch } = batch;
    const known = this.#producers.get(producerId);
    if (known === undefined) {
      const producer: Producer = {
        producerId,
        epoch: producerEpoch,
        coordinatorEpoch: NONE,
        lastTimestamp: NONE,
        transactionFirstOffset: NONE,
        batches: [],
      };
      this.#producers.set(producerId, producer);
      return producer;
    }
    if (known.epoch !== producerEpoch) {
      known.epoch = producerEpoch;
      known.batches.length = 0;
    }
    return known;
  }
}

/** Both sequences have to match: a client retries a batch unchanged or not at all. */
const findDuplicate = (producer: Producer, batch: RecordBatch): BatchMemo | undefined => {
  if (producer.epoch !== batch.producerEpoch) return undefined;
  const { lastSequence, lastOffsetDelta } = batch;
  return producer.batches.find(
    (known) => known.lastSequence === lastSequence && known.offsetDelta === lastOffsetDelta,
  );
};

const duplicate = (known: BatchMemo): CheckResult => ({
  type: 'duplicate',
  baseOffset: known.lastOffset - known.offsetDelta,
  lastOffset: known.lastOffset,
  timestamp: known.timestamp,
});

const checkEpoch = (producer: Producer, batch: RecordBatch): void => {
  if (batch.producerEpoch < producer.epoch) {
    throw new ProtocolError(
      errorCodes.INVALID_PRODUCER_EPOCH,
      `producer ${producer.producerId} is at epoch ${producer.epoch}, not ${batch.producerEpoch}`,
    );
  }
};

const checkSequence = (producer: Producer, batch: RecordBatch): void => {
  if (producer.epoch === NONE) return; // Nothing but a name is known, from a snapshot.
  const first = batch.baseSequence;
  const last = producer.batches.at(-1)?.lastSequence ?? NONE;
  const expected = batch.producerEpoch !== producer.epoch || last === SEQUENCE_MAX ? 0 : last + 1;
  if (first !== expected) {
    throw new ProtocolError(
      errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
      `sequence ${first} of producer ${producer.producerId}, expected ${expected}`,
    );
  }
};

const checkMarker = (producer: Producer, batch: RecordBatch): void => {
  checkEpoch(producer, batch);
  const marker = endTransactionMarkerOf(batch);
  if (marker !== null && marker.coordinatorEpoch < producer.coordinatorEpoch) {
    throw new ProtocolError(errorCodes.TRANSACTION_COORDINATOR_FENCED);
  }
};

/** Keeps the batch in mind; beyond the window the memo of the oldest is used again. */
const remember = (producer: Producer, batch: RecordBatch): void => {
  const { batches } = producer;
  const memo = batches.length < BATCHES_KEPT ? undefined : batches.shift();
  const { lastSequence, lastOffset, lastOffsetDelta: offsetDelta, maxTimestamp: timestamp } = batch;
  if (memo === undefined) {
    batches.push({ lastSequence, lastOffset, offsetDelta, timestamp });
    return;
  }
  memo.lastSequence = lastSequence;
  memo.lastOffset = lastOffset;
  memo.offsetDelta = offsetDelta;
  memo.timestamp = timestamp;
  batches.push(memo);
};

const isExpired = (
  timestamp: number,
  transactionFirstOffset: number,
  nowMs: number,
  expirationMs: number,
): boolean => transactionFirstOffset === NONE && nowMs - timestamp >= expirationMs;

const producerOf = (entry: ProducerSnapshotEntry): Producer => {
  const { lastSequence, lastOffset, offsetDelta, timestamp } = entry;
  return {
    producerId: entry.producerId,
    epoch: entry.epoch,
    coordinatorEpoch: entry.coordinatorEpoch,
    lastTimestamp: timestamp,
    transactionFirstOffset: entry.currentTxnFirstOffset,
    batches: lastOffset >= 0 ? [{ lastSequence, lastOffset, offsetDelta, timestamp }] : [],
  };
};

const entryOf = (producer: Producer): ProducerSnapshotEntry => {
  const last = producer.batches.at(-1);
  return {
    producerId: producer.producerId,
    epoch: producer.epoch,
    lastSequence: last?.lastSequence ?? NONE,
    lastOffset: last?.lastOffset ?? NONE,
    offsetDelta: last?.offsetDelta ?? 0,
    timestamp: producer.lastTimestamp,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnFirstOffset: producer.transactionFirstOffset,
  };
};
