/**
 * Reads a transaction log from its bytes (FileTxnLog version 2), and says what is behind the last whole entry: nothing,
 * the zeros that ZooKeeper fills its files up with, a torn end, or damage with whole entries behind it. Pure.
 */
import { JuteError } from '../jute.ts';
import { adler32 } from './adler32.ts';
import { readTransaction, type Transaction } from './transactions.ts';
import { ENTRY_END, LOG_HEADER_BYTES, LOG_MAGIC, LOG_VERSION } from './txn-log.ts';

export interface Damage {
  readonly path: string;
  /** Where the first entry that is not whole begins, and how many bytes there are from there. */
  readonly position: number;
  readonly bytes: number;
  /** Whether whole entries follow, so that it is not the end that a crash has torn. */
  readonly isFollowed: boolean;
}

/** Checksum and length. */
const PREFIX_BYTES = 12;
/** Session, cxid, zxid, time and type, with which every record begins. */
const RECORD_HEADER_BYTES = 32;
const ZXID_POSITION = 12;
/** A whole entry behind damage is looked for among the zxids that could come so soon. */
const ZXIDS_AHEAD_MAX = 10_000_000n;

export class LogReader {
  readonly #path: string;
  readonly #bytes: Buffer;
  #position: number;
  #lastZxid = 0n;

  constructor(path: string, bytes: Buffer) {
    this.#path = path;
    this.#bytes = bytes;
    this.#position = this.isLog ? LOG_HEADER_BYTES : 0;
  }

  /** Whether it begins as a log does; a crash before the first sync may leave less. */
  get isLog(): boolean {
    const bytes = this.#bytes;
    return (
      bytes.length >= LOG_HEADER_BYTES &&
      bytes.readInt32BE(0) === LOG_MAGIC &&
      bytes.readInt32BE(4) === LOG_VERSION
    );
  }

  /** The next transaction; null where there is none that is whole. Throws for one that cannot be understood. */
  next(): Transaction | null {
    if (!this.isLog) return null;
    const record = recordAt(this.#bytes, this.#position);
    if (record === null) return null;
    try {
      const transaction = readTransaction(record);
      this.#position += PREFIX_BYTES + record.length + 1;
      this.#lastZxid = transaction.zxid;
      return transaction;
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      throw new Error(
        `${this.#path} has a transaction at byte ${this.#position} that this server does not know: start the one that wrote it.`,
      );
    }
  }

  /** What is behind the last whole entry, null for nothing but zeros. To be called when `next` has returned null. */
  damage(): Damage | null {
    const bytes = this.#bytes;
    const position = this.#position;
    if (isPadding(bytes, position)) return null;
    const isFollowed = this.#isFollowed();
    return { path: this.#path, position, bytes: bytes.length - position, isFollowed };
  }

  #isFollowed(): boolean {
    const bytes = this.#bytes;
    const end = bytes.length - PREFIX_BYTES - RECORD_HEADER_BYTES;
    for (let position = this.#position + 1; position < end; position++) {
      // The zxid first, because almost anything else would be a plausible one only by chance.
      const zxid = bytes.readBigInt64BE(position + PREFIX_BYTES + ZXID_POSITION);
      const isPlausible =
        this.#lastZxid === 0n
          ? zxid > 0n && zxid >> 56n === 0n
          : zxid > this.#lastZxid && zxid - this.#lastZxid <= ZXIDS_AHEAD_MAX;
      if (isPlausible && recordAt(bytes, position) !== null) return true;
    }
    return false;
  }
}

/** The record of the entry at `position`, a view; null when it is not whole. */
const recordAt = (bytes: Buffer, position: number): Buffer | null => {
  if (position + PREFIX_BYTES > bytes.length) return null;
  const length = bytes.readInt32BE(position + 8);
  const start = position + PREFIX_BYTES;
  if (length <= 0 || start + length + 1 > bytes.length) return null;
  if (bytes[start + length] !== ENTRY_END) return null;
  const record = bytes.subarray(start, start + length);
  return bytes.readBigInt64BE(position) === BigInt(adler32(record)) ? record : null;
};

const isPadding = (bytes: Buffer, position: number): boolean => {
  for (let index = position; index < bytes.length; index++) if (bytes[index] !== 0) return false;
  return true;
};
