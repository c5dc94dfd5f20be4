/**
 * Which leader epoch began at which offset, for one partition: what lets a follower find where its
 * log parts from its leader's (KIP-101). Both columns are strictly increasing. Changes mark the
 * cache dirty; the log writes `leader-epoch-checkpoint` before it writes records of a new epoch,
 * because a missing entry could not be repaired at load while a superfluous one is.
 */
import { assert } from '../system/assert.ts';
import { type EpochEntry, encodeEpochs } from './checkpoints.ts';

export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

export const UNKNOWN_EPOCH_END: EpochEnd = { leaderEpoch: -1, endOffset: -1 };

export class EpochCache {
  /** True when the entries differ from what was last handed out by `takeText`. */
  isDirty = false;
  #entries: EpochEntry[];

  /** Entries that do not increase in both columns (a damaged file) are dropped. */
  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [];
    for (const { epoch, startOffset } of entries) this.assign(epoch, startOffset);
    this.isDirty = false;
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  latest(): EpochEntry | null {
    return this.#entries.at(-1) ?? null;
  }

  /** Takes over what another cache knows of the same records. */
  replace(entries: readonly EpochEntry[]): void {
    this.#entries = [...entries];
    this.isDirty = true;
  }

  /**
   * `epoch` begins at `startOffset`. The first start of an epoch stands; entries this one
   * contradicts (a later epoch, or a start at or behind it) go.
   */
  assign(epoch: number, startOffset: number): void {
    assert(epoch >= 0 && startOffset >= 0, `epoch ${epoch} at offset ${startOffset}`);
    const last = this.#entries.at(-1);
    if (last !== undefined && last.epoch === epoch && startOffset >= last.startOffset) return;
    while (this.#contradicts(epoch, startOffset)) this.#entries.pop();
    this.#entries.push({ epoch, startOffset });
    this.isDirty = true;
  }

  /**
   * A batch of `epoch` was found at `offset` after a crash. An entry that says a later epoch had begun by then is about
   * records that never reached the device, while what they replaced has come back: believed, it would
   * hide from the leader that the logs differ.
   */
  noteRecovered(epoch: number, offset: number): void {
    const wrong = this.#entries.findIndex(
      (entry) => entry.epoch > epoch && entry.startOffset <= offset,
    );
    if (wrong !== -1) {
      this.#entries.splice(wrong);
      this.isDirty = true;
    }
    if (epoch > (this.latest()?.epoch ?? -1)) this.assign(epoch, offset);
  }

  /**
   * The log now ends at `endOffset`: epochs that begin there or later never wrote anything that is
   * left.
   */
  truncateFromEnd(endOffset: number): void {
    while ((this.#entries.at(-1)?.startOffset ?? -1) >= endOffset) {
      this.#entries.pop();
      this.isDirty = true;
    }
  }

  /** The log now begins at `startOffset`: the epoch it lies in begins there. */
  truncateFromStart(startOffset: number): void {
    const next = this.#entries.findIndex((entry) => entry.startOffset > startOffset);
    const count = next === -1 ? this.#entries.length : next;
    const last = this.#entries[count - 1];
    if (last === undefined || (count === 1 && last.startOffset === startOffset)) return;
    this.#entries.splice(0, count, { epoch: last.epoch, startOffset });
    this.isDirty = true;
  }

  clear(): void {
    this.isDirty ||= this.#entries.length > 0;
    this.#entries = [];
  }

  /**
   * Where `epoch` ended in a log that ends at `logEndOffset`, by the table of OffsetForLeaderEpoch.
   */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEnd {
    if (epoch === -1) return UNKNOWN_EPOCH_END;
    if (this.latest()?.epoch === epoch) return { leaderEpoch: epoch, endOffset: logEndOffset };
    const higher = this.#entries.findIndex((entry) => entry.epoch > epoch);
    if (higher === -1) return UNKNOWN_EPOCH_END;
    const endOffset = this.#entries[higher]?.startOffset ?? -1;
    return { leaderEpoch: this.#entries[higher - 1]?.epoch ?? epoch, endOffset };
  }

  /** The epoch `offset` was written in; null before the first known one. */
  epochAt(offset: number): number | null {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? null;
  }

  /** The checkpoint's text; the cache counts as clean from here on. */
  takeText(): string {
    this.isDirty = false;
    return encodeEpochs(this.#entries);
  }

  #contradicts(epoch: number, startOffset: number): boolean {
    const last = this.#entries.at(-1);
    return last !== undefined && (last.epoch >= epoch || last.startOffset >= startOffset);
  }
}
