/**
 * What one cleaning run knows of the transactions it walks through (Kafka's
 * CleanedTransactionMetadata): which batches belong to aborted ones, and which markers have nothing
 * left to end. Pure; batches must come in the order of the log, and the aborted transactions of a
 * segment before its batches.
 */
import { controlTypeOf } from '../../protocol/control-record.ts';
import type { RecordBatch } from '../../protocol/record-batch.ts';
import type { AbortedTransaction } from '../transaction-index.ts';

interface OngoingAbort {
  readonly transaction: AbortedTransaction;
  hasBatches: boolean;
}

export class TransactionTracker {
  /** Aborted transactions that begin further on, the last one first. */
  #coming: AbortedTransaction[] = [];
  readonly #aborted = new Map<number, OngoingAbort>();
  /** Producers with batches since their last marker that no abort is known to cover. */
  readonly #committed = new Set<number>();
  #retained: AbortedTransaction[] = [];

  /** Takes the entries of a transaction index; one that was added before may come again. */
  add(transactions: readonly AbortedTransaction[]): void {
    if (transactions.length === 0) return;
    this.#coming = [...this.#coming, ...transactions].sort((a, b) => b.firstOffset - a.firstOffset);
  }

  /** Takes note of a batch of data; true when its transaction was aborted. */
  onBatch(batch: RecordBatch): boolean {
    this.#beginUpTo(batch.lastOffset);
    if (!batch.isTransactional) return false;
    const aborted = this.#aborted.get(batch.producerId);
    if (aborted === undefined) {
      this.#committed.add(batch.producerId);
      return false;
    }
    aborted.hasBatches = true;
    return true;
  }

  /**
   * Takes note of a control batch; true when it ends nothing of which a batch is left. The marker
   * of an aborted transaction with batches must stay findable: see `takeRetained`.
   */
  onControlBatch(batch: RecordBatch): boolean {
    this.#beginUpTo(batch.lastOffset);
    // It has been emptied by an earlier run.
    if (batch.recordCount === 0) return true;
    const [record] = batch.records();
    switch (controlTypeOf(record?.key ?? null)) {
      case 'abort': {
        const aborted = this.#aborted.get(batch.producerId);
        this.#aborted.delete(batch.producerId);
        if (!aborted?.hasBatches) return true;
        this.#retained.push(aborted.transaction);
        return false;
      }
      case 'commit':
        return !this.#committed.delete(batch.producerId);
      default:
        return false;
    }
  }

  /** The aborted transactions that ended since the last call and belong into the new index. */
  takeRetained(): readonly AbortedTransaction[] {
    const retained = this.#retained;
    this.#retained = [];
    return retained;
  }

  #beginUpTo(offset: number): void {
    for (;;) {
      const next = this.#coming.at(-1);
      if (next === undefined || next.firstOffset > offset) return;
      this.#coming.pop();
      if (!this.#aborted.has(next.producerId))
        this.#aborted.set(next.producerId, { transaction: next, hasBatches: false });
    }
  }
}
