/**
 * Sparse index of one segment: largest timestamp so far -> last offset of the batch that holds it.
 * Entries are Kafka's: int64 timestamp, int32 offset relative to the segment's base; timestamps
 * strictly increase.
 */
import { readInt32, readInt64, writeInt32, writeInt64 } from '../protocol/integers.ts';
import type { Disk } from '../system/disk.ts';
import { IndexFile } from './index-file.ts';

export const TIME_ENTRY_BYTES = 12;

export interface TimeEntry {
  readonly timestamp: number;
  readonly offset: number;
}

export class TimeIndex {
  readonly file: IndexFile;
  readonly #baseOffset: number;

  constructor(path: string, baseOffset: number) {
    this.file = new IndexFile(path, TIME_ENTRY_BYTES);
    this.#baseOffset = baseOffset;
  }

  /** The last slot is kept for the entry that roll and close add. */
  isFull(indexBytesMax: number): boolean {
    return this.file.count >= Math.floor(indexBytesMax / TIME_ENTRY_BYTES) - 1;
  }

  /** Adds an entry unless its timestamp is not above the last one's. */
  append(timestamp: number, offset: number): void {
    const last = this.last();
    if (timestamp < 0 || (last !== null && timestamp <= last.timestamp)) return;
    const at = this.file.push();
    writeInt64(this.file.bytes, at, timestamp);
    writeInt32(this.file.bytes, at + 8, offset - this.#baseOffset);
  }

  /** The last entry of the file of a sealed segment, without loading the others. */
  async readLast(disk: Disk): Promise<TimeEntry | null> {
    const info = await disk.info(this.file.path);
    const count = Math.floor((info?.size ?? 0) / TIME_ENTRY_BYTES);
    if (count === 0) return null;
    const bytes = Buffer.alloc(TIME_ENTRY_BYTES);
    const file = await disk.open(this.file.path, 'read');
    try {
      await file.read(bytes, (count - 1) * TIME_ENTRY_BYTES);
    } finally {
      await file.close();
    }
    return this.#decode(bytes, 0);
  }

  last(): TimeEntry | null {
    return this.file.count === 0 ? null : this.#entryAt(this.file.count - 1);
  }

  /** The last entry with a timestamp at or below `timestamp`; null where there is none. */
  floor(timestamp: number): TimeEntry | null {
    let low = 0;
    let high = this.file.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entryAt(middle).timestamp <= timestamp) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? null : this.#entryAt(low - 1);
  }

  /** Drops entries for offsets at or above `offset`. */
  truncateTo(offset: number): void {
    let count = this.file.count;
    while (count > 0 && this.#entryAt(count - 1).offset >= offset) count--;
    this.file.truncate(count);
  }

  entries(): TimeEntry[] {
    return Array.from({ length: this.file.count }, (_, slot) => this.#entryAt(slot));
  }

  #entryAt(slot: number): TimeEntry {
    return this.#decode(this.file.bytes, slot * TIME_ENTRY_BYTES);
  }

  #decode(bytes: Buffer, at: number): TimeEntry {
    return {
      timestamp: readInt64(bytes, at),
      offset: this.#baseOffset + readInt32(bytes, at + 8),
    };
  }
}
