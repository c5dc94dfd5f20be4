/**
 * Sequence numbers of an idempotent producer (KIP-98): which batch of a partition gets which number, which may be sent,
 * and when numbering has to start again under a new epoch (KIP-360). Pure; the sender tells it what happened.
 */

import { incrementSequence } from '../protocol/record.ts';
import { assert } from '../system/assert.ts';
import type { Batch, PartitionQueue } from './accumulator.ts';

/** The broker takes new epochs up to here; then a new producer id is needed. */
const EPOCH_MAX = 32_767;

export class Sequences {
  /** -1: not known yet. */
  producerId = -1;
  producerEpoch = -1;

  get isReady(): boolean {
    return this.producerId >= 0;
  }

  /** Takes over what InitProducerId gave. */
  start(producerId: number, producerEpoch: number): void {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
  }

  /** Whether the partition's first batch may go out now, as far as numbers are concerned. */
  maySend(queue: PartitionQueue): boolean {
    if (!this.isReady || queue.needsBump) return false;
    const [batch] = queue.batches;
    if (batch === undefined) return false;
    const [oldest] = queue.tracked;
    // A repetition goes alone and in order: one sent before its predecessors would only be refused again.
    if (batch.hasSequence) return batch === oldest;
    return !queue.isUnresolved && (oldest === undefined || this.#isCurrent(queue));
  }

  /** Numbers a batch that is about to be sent for the first time. */
  assign(batch: Batch): void {
    const { queue } = batch;
    if (batch.hasSequence) return;
    if (!this.#isCurrent(queue)) this.#restart(queue);
    batch.setSequence(queue.producerId, queue.producerEpoch, queue.nextSequence);
    queue.nextSequence = incrementSequence(queue.nextSequence, batch.records.length);
    queue.tracked.push(batch);
  }

  acknowledged(batch: Batch): void {
    const { queue } = batch;
    if (this.#isOf(batch, queue)) queue.lastAckedSequence = batch.lastSequence;
    this.#forget(batch);
    this.#resolve(queue);
  }

  /**
   * A numbered batch will not be sent again, but the broker may have it, and those behind it too:
   * to number these anew before the broker has refused them could store them twice.
   */
  abandoned(batch: Batch): void {
    if (!batch.hasSequence) return;
    batch.queue.isUnresolved = true;
    this.#forget(batch);
    this.#resolve(batch.queue);
  }

  /** Whether the broker's complaint about a gap is only about an earlier batch that is still to come. */
  isGapExpected(batch: Batch): boolean {
    const { lastAckedSequence, isUnresolved, tracked } = batch.queue;
    // The one given up before it was never stored, so neither was this one nor any behind it.
    if (isUnresolved && batch === tracked[0]) return false;
    const expected = lastAckedSequence < 0 ? 0 : incrementSequence(lastAckedSequence, 1);
    return batch.isReset || batch.baseSequence !== expected;
  }

  /** The parts of a split batch take over its numbers. */
  split(batch: Batch, pieces: readonly Batch[]): void {
    if (!batch.hasSequence) return;
    const { tracked } = batch.queue;
    let sequence = batch.baseSequence;
    for (const piece of pieces) {
      piece.setSequence(batch.producerId, batch.producerEpoch, sequence);
      sequence = incrementSequence(sequence, piece.records.length);
    }
    const index = tracked.indexOf(batch);
    assert(index >= 0, 'a numbered batch that is not tracked');
    tracked.splice(index, 1, ...pieces);
  }

  /**
   * Starts a partition anew under the next epoch once none of its batches is on the wire. False: the epochs are used up
   * and a new producer id has to be asked for first.
   */
  bump(queue: PartitionQueue): boolean {
    if (!queue.needsBump || queue.onWireCount > 0 || !this.isReady) return this.isReady;
    // Another partition's restart may have advanced the epoch already.
    if (this.#isCurrent(queue)) {
      if (this.producerEpoch >= EPOCH_MAX) {
        this.producerId = -1;
        return false;
      }
      this.producerEpoch++;
    }
    const waiting = queue.tracked;
    this.#restart(queue);
    for (const batch of waiting) {
      batch.setSequence(queue.producerId, queue.producerEpoch, queue.nextSequence);
      batch.isReset = true;
      queue.nextSequence = incrementSequence(queue.nextSequence, batch.records.length);
    }
    queue.tracked = waiting;
    return true;
  }

  #restart(queue: PartitionQueue): void {
    queue.producerId = this.producerId;
    queue.producerEpoch = this.producerEpoch;
    queue.nextSequence = 0;
    queue.lastAckedSequence = -1;
    queue.needsBump = false;
    queue.isUnresolved = false;
    queue.tracked = [];
  }

  /** With nothing left to wait for: the broker has everything, or numbering starts anew. */
  #resolve(queue: PartitionQueue): void {
    if (!queue.isUnresolved || queue.tracked.length > 0) return;
    queue.isUnresolved = false;
    const { lastAckedSequence: last, nextSequence } = queue;
    if (last < 0 || incrementSequence(last, 1) !== nextSequence) queue.needsBump = true;
  }

  #isCurrent(queue: PartitionQueue): boolean {
    return queue.producerId === this.producerId && queue.producerEpoch === this.producerEpoch;
  }

  #isOf(batch: Batch, queue: PartitionQueue): boolean {
    return batch.producerId === queue.producerId && batch.producerEpoch === queue.producerEpoch;
  }

  #forget(batch: Batch): void {
    const index = batch.queue.tracked.indexOf(batch);
    if (index >= 0) batch.queue.tracked.splice(index, 1);
  }
}
