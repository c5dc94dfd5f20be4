/**
 * The aborted transactions that ended in one segment, in the order of their markers (`.txnindex`;
 * the file exists only where there was one). Read_committed consumers are told of them so that they
 * can drop the records.
 */
import type { Disk } from '../system/disk.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** The offset of the ABORT marker. */
  readonly lastOffset: number;
  /** The last stable offset when the marker was written. */
  readonly lastStableOffset: number;
}

export const TRANSACTION_ENTRY_BYTES = 34;

const NONE: readonly AbortedTransaction[] = [];

export class TransactionIndex {
  readonly #path: string;
  /**
   * What the file holds, once somebody has asked: read_committed consumers do so with every fetch,
   * and most segments hold nothing.
   */
  #known: readonly AbortedTransaction[] | null = null;
  /** Goes up with every write, so that a read that was overtaken is not kept. */
  #writeCount = 0;
  /** Something was written that may not have reached the device yet. */
  #isUnsynced = false;

  constructor(path: string) {
    this.#path = path;
  }

  appendSync(disk: Disk, entries: readonly AbortedTransaction[]): void {
    this.#written();
    this.#isUnsynced = true;
    const file = disk.openSync(this.#path, 'write');
    try {
      file.writeSync(entries.map(encodeEntry), file.size());
    } finally {
      void file.close();
    }
  }

  async read(disk: Disk): Promise<readonly AbortedTransaction[]> {
    if (this.#known !== null) return this.#known;
    const writeCount = this.#writeCount;
    const bytes = await disk.readFile(this.#path);
    const entries = bytes === null || bytes.length === 0 ? NONE : decodeEntries(bytes);
    if (writeCount === this.#writeCount) this.#known = entries;
    return entries;
  }

  /**
   * Brings what was written to the device: without it aborted records would look committed, and
   * what the log says is flushed is not looked through again after a crash.
   */
  async sync(disk: Disk): Promise<void> {
    if (!this.#isUnsynced) return;
    this.#isUnsynced = false;
    const file = disk.openSync(this.#path, 'write');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Drops what ended at or behind `offset`, and any partial entry. */
  async truncateTo(disk: Disk, offset: number): Promise<void> {
    const bytes = await disk.readFile(this.#path);
    if (bytes === null) return;
    this.#written();
    const entries = decodeEntries(bytes);
    const kept = entries.findIndex((entry) => entry.lastOffset >= offset);
    const count = kept === -1 ? entries.length : kept;
    this.#isUnsynced = true;
    const file = disk.openSync(this.#path, 'write');
    try {
      file.truncateSync(count * TRANSACTION_ENTRY_BYTES);
    } finally {
      this.#written();
      await file.close();
    }
  }

  /** False when an entry ends before the segment begins, which only damage explains. */
  async isSane(disk: Disk, baseOffset: number): Promise<boolean> {
    return (await this.read(disk)).every((entry) => entry.lastOffset >= baseOffset);
  }

  async remove(disk: Disk): Promise<void> {
    this.#isUnsynced = false;
    this.#written();
    await disk.remove(this.#path);
    this.#written();
  }

  #written(): void {
    this.#known = null;
    this.#writeCount += 1;
  }
}

const encodeEntry = (entry: AbortedTransaction): Buffer => {
  const bytes = Buffer.alloc(TRANSACTION_ENTRY_BYTES);
  bytes.writeBigInt64BE(BigInt(entry.producerId), 2);
  bytes.writeBigInt64BE(BigInt(entry.firstOffset), 10);
  bytes.writeBigInt64BE(BigInt(entry.lastOffset), 18);
  bytes.writeBigInt64BE(BigInt(entry.lastStableOffset), 26);
  return bytes;
};

const decodeEntries = (bytes: Buffer): AbortedTransaction[] =>
  Array.from({ length: Math.floor(bytes.length / TRANSACTION_ENTRY_BYTES) }, (_, slot) => {
    const at = slot * TRANSACTION_ENTRY_BYTES;
    return {
      producerId: Number(bytes.readBigInt64BE(at + 2)),
      firstOffset: Number(bytes.readBigInt64BE(at + 10)),
      lastOffset: Number(bytes.readBigInt64BE(at + 18)),
      lastStableOffset: Number(bytes.readBigInt64BE(at + 26)),
    };
  });
