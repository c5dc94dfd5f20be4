/**
 * Rebuilds the groups of one partition of __consumer_offsets from its batches, in the order of the
 * log. Pure; the coordinator feeds it. Reproduces GroupMetadataManager.doLoadGroupsAndOffsets,
 * except that a record that cannot be read is left out and reported instead of making the whole
 * partition look empty: a lost offset is better than all of them lost.
 */
import type { RecordBatch } from '../../protocol/record-batch.ts';
import { GroupOffsets } from './offsets.ts';
import { parseGroupValue, parseKey, parseOffsetValue, type RecordKey } from './records.ts';
import type { GroupSnapshot } from './snapshot.ts';

/** The second int16 in the key of a control record. */
const CONTROL_TYPE_POSITION = 2;
const CONTROL_TYPE_COMMIT = 1;

export class Replay {
  readonly groups = new Map<string, GroupSnapshot>();
  readonly offsets = new Map<string, GroupOffsets>();
  /** Above every offset of the log seen so far. */
  nextOrder = 0;
  recordCount = 0;
  /** Records that could not be read. */
  skippedCount = 0;
  /** Groups with commits in a producer's open transaction. */
  readonly #transactions = new Map<number, Set<string>>();

  add(batch: RecordBatch): void {
    this.nextOrder = Math.max(this.nextOrder, batch.nextOffset);
    if (batch.isControl) {
      this.#addMarker(batch);
      return;
    }
    const producerId = batch.isTransactional ? batch.producerId : null;
    for (const { key, value } of batch.records()) {
      this.recordCount++;
      try {
        if (key === null) throw new RangeError('a record without a key');
        this.#addRecord(parseKey(key), value, producerId, batch.baseOffset);
      } catch {
        this.skippedCount++;
      }
    }
  }

  #addRecord(key: RecordKey, value: Buffer | null, producerId: number | null, order: number): void {
    if (key.type === 'unknown') return;
    if (key.type === 'group') {
      if (value === null) this.groups.delete(key.groupId);
      else this.groups.set(key.groupId, parseGroupValue(value));
      return;
    }
    const { groupId, topic, partition } = key;
    const offsets = this.#offsetsOf(groupId);
    if (producerId !== null) this.#noteTransaction(producerId, groupId);
    if (value === null) {
      if (producerId === null) offsets.replayRemoval(topic, partition);
      else offsets.replayRemovalInTransaction(producerId, topic, partition);
      return;
    }
    const offset = { topic, partition, commit: parseOffsetValue(value) };
    if (producerId === null) offsets.replay(offset, order);
    else offsets.replayInTransaction(producerId, offset, order);
  }

  #addMarker(batch: RecordBatch): void {
    const groupIds = this.#transactions.get(batch.producerId);
    if (groupIds === undefined) return;
    for (const { key } of batch.records()) {
      const isCommit = key?.readInt16BE(CONTROL_TYPE_POSITION) === CONTROL_TYPE_COMMIT;
      for (const groupId of groupIds)
        this.#offsetsOf(groupId).endTransaction(batch.producerId, { isCommit });
      this.#transactions.delete(batch.producerId);
    }
  }

  #noteTransaction(producerId: number, groupId: string): void {
    const groupIds = this.#transactions.get(producerId);
    if (groupIds === undefined) this.#transactions.set(producerId, new Set([groupId]));
    else groupIds.add(groupId);
  }

  #offsetsOf(groupId: string): GroupOffsets {
    let offsets = this.offsets.get(groupId);
    if (offsets === undefined) {
      offsets = new GroupOffsets();
      this.offsets.set(groupId, offsets);
    }
    return offsets;
  }

  /** Groups with a transaction that has not ended yet, by producer id. */
  openTransactions(): ReadonlyMap<number, ReadonlySet<string>> {
    return this.#transactions;
  }
}
