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

export class TransactionIndex {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  appendSync(disk: Disk, entries: readonly AbortedTransaction[]): void {
    const file = disk.openSync(this.#path, 'write');
    try {
      file.writeSync(entries.map(encodeEntry), file.size());
    } finally {
      void file.close();
    }
  }

  async read(disk: Disk): Promise<AbortedTransaction[]> {
    const bytes = await disk.readFile(this.#path);
    return bytes === null ? [] : decodeEntries(bytes);
  }

  /** Drops what ended at or behind `offset`, and any partial entry. */
  async truncateTo(disk: Disk, offset: number): Promise<void> {
    const bytes = await disk.readFile(this.#path);
    if (bytes === null) return;
    const entries = decodeEntries(bytes);
    const kept = entries.findIndex((entry) => entry.lastOffset >= offset);
    const count = kept === -1 ? entries.length : kept;
    const file = disk.openSync(this.#path, 'write');
    try {
      file.truncateSync(count * TRANSACTION_ENTRY_BYTES);
    } finally {
      await file.close();
    }
  }

  /** False when an entry ends before the segment begins, which only damage explains. */
  async isSane(disk: Disk, baseOffset: number): Promise<boolean> {
    return (await this.read(disk)).every((entry) => entry.lastOffset >= baseOffset);
  }

  remove(disk: Disk): Promise<void> {
    return disk.remove(this.#path);
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
