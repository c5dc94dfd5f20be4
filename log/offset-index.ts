/**
 * Sparse index of one segment: last offset of an append -> file position where that append begins.
 * Entries are Kafka's, two int32: offset relative to the segment's base, position.
 */
import { readInt32, writeInt32 } from '../protocol/integers.ts';
import { assert } from '../system/assert.ts';
import { IndexFile } from './index-file.ts';

export const OFFSET_ENTRY_BYTES = 8;

export class OffsetIndex {
  readonly file: IndexFile;
  readonly #baseOffset: number;

  constructor(path: string, baseOffset: number) {
    this.file = new IndexFile(path, OFFSET_ENTRY_BYTES);
    this.#baseOffset = baseOffset;
  }

  isFull(indexBytesMax: number): boolean {
    return this.file.count >= Math.floor(indexBytesMax / OFFSET_ENTRY_BYTES);
  }

  /** Adds an entry; offsets must increase. */
  append(offset: number, position: number): void {
    const relative = offset - this.#baseOffset;
    assert(relative > this.#relativeAt(this.file.count - 1), `index entry for ${offset} goes back`);
    const at = this.file.push();
    writeInt32(this.file.bytes, at, relative);
    writeInt32(this.file.bytes, at + 4, position);
  }

  /** The position of the last entry at or below `offset`; 0 where there is none. */
  positionAt(offset: number): number {
    return this.#positionOf(this.#slotAt(offset));
  }

  /**
   * The stretch of the file between the entries around `offset`, in which its batch begins; `to` is
   * `from` at the end.
   */
  rangeAt(offset: number): { from: number; to: number } {
    const slot = this.#slotAt(offset);
    const from = this.#positionOf(slot);
    return { from, to: slot + 1 < this.file.count ? this.#positionOf(slot + 1) : from };
  }

  /** Where the last entry points to; 0 without entries. */
  lastPosition(): number {
    return this.positionAt(Number.POSITIVE_INFINITY);
  }

  /** The last entry; null without any. */
  last(): { offset: number; position: number } | null {
    const slot = this.file.count - 1;
    if (slot < 0) return null;
    return { offset: this.#baseOffset + this.#relativeAt(slot), position: this.#positionOf(slot) };
  }

  /** Drops entries at or above `offset`. */
  truncateTo(offset: number): void {
    this.file.truncate(this.#slotAt(offset - 1) + 1);
  }

  entries(): { offset: number; position: number }[] {
    return Array.from({ length: this.file.count }, (_, slot) => ({
      offset: this.#baseOffset + this.#relativeAt(slot),
      position: this.#positionOf(slot),
    }));
  }

  #positionOf(slot: number): number {
    return slot < 0 ? 0 : readInt32(this.file.bytes, slot * OFFSET_ENTRY_BYTES + 4);
  }

  #relativeAt(slot: number): number {
    return slot < 0 ? -1 : readInt32(this.file.bytes, slot * OFFSET_ENTRY_BYTES);
  }

  /** The last slot whose offset is at or below `offset`; -1 where there is none. */
  #slotAt(offset: number): number {
    const relative = offset - this.#baseOffset;
    let low = 0;
    let high = this.file.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#relativeAt(middle) <= relative) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
