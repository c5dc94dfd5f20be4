/**
 * The transaction log: ZooKeeper's own files (`log.<first zxid>`, FileTxnLog version 2), appended and synced in
 * groups: one sync in flight, everything that arrives meanwhile goes together with the next. A failed write or
 * sync is final: it is reported once and nothing is written any more.
 */
import type { DiskFile } from '../../system/disk.ts';
import type { System } from '../../system/system.ts';
import { JuteWriter } from '../jute.ts';
import { adler32 } from './adler32.ts';
import { logName } from './data-files.ts';
import { type Transaction, writeTransaction } from './transactions.ts';

export const LOG_MAGIC = 0x5a4b4c47; // ZKLG
export const LOG_VERSION = 2;
export const LOG_HEADER_BYTES = 16;
/** What ends every entry; an entry without it was not written to its end. */
export const ENTRY_END = 0x42;

export interface TxnLogOptions {
  readonly directory: string;
  /** Whether writes are forced to the device before they count. */
  readonly syncs: boolean;
  /** Called when more has become durable. */
  readonly onSynced: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** One entry: checksum, length, transaction, end mark. */
export const encodeEntry = (transaction: Transaction): Buffer => {
  const writer = new JuteWriter(256);
  writer.long(0n);
  writer.int(0);
  writeTransaction(writer, transaction);
  const end = writer.length;
  writer.byte(ENTRY_END);
  writer.patchInt(8, end - 12);
  const entry = writer.finish();
  entry.writeBigInt64BE(BigInt(adler32(entry.subarray(12, end))), 0);
  return entry;
};

export class TxnLog {
  /** Entries handed in, and how many of them are durable. */
  appended = 0;
  synced = 0;
  /** Bytes handed in and not yet durable. */
  pendingBytes = 0;
  readonly #system: System;
  readonly #options: TxnLogOptions;
  #file: DiskFile | null = null;
  #position = 0;
  #pending: Buffer[] = [];
  #firstPendingZxid = 0n;
  #isFlushing = false;
  #isStopped = false;
  #rollsNext = false;
  /** Called whenever more is durable, or never will be. */
  readonly #waiting: (() => void)[] = [];

  constructor(system: System, options: TxnLogOptions) {
    this.#system = system;
    this.#options = options;
  }

  get isSynced(): boolean {
    return this.synced === this.appended;
  }

  /** Bytes of the file that is written to now. */
  get fileBytes(): number {
    return this.#position;
  }

  append(transaction: Transaction): void {
    if (this.#isStopped) return;
    const entry = encodeEntry(transaction);
    if (this.#pending.length === 0) this.#firstPendingZxid = transaction.zxid;
    this.#pending.push(entry);
    this.appended += 1;
    this.pendingBytes += entry.length;
    this.#schedule();
  }

  /** Starts a new file with the next entry; what was appended before may still go into the old one or not. */
  roll(): void {
    this.#rollsNext = true;
  }

  /** Resolves when everything appended so far is durable, or never will be. */
  async flushed(): Promise<void> {
    // Not until all is: under load that would never come.
    const wanted = this.appended;
    while (!this.#isStopped && this.synced < wanted) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Stops at once; what is not written is dropped. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
    if (!this.#isFlushing) void this.#closeFile();
  }

  #schedule(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    // After this turn's requests, so that they share a sync.
    this.#system.clock.defer(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0 && !this.#isStopped) await this.#flushBatch();
    } catch (error) {
      this.#isStopped = true;
      this.#options.onFailure(error);
    }
    this.#isFlushing = false;
    if (this.#isStopped) await this.#closeFile();
    this.#wake();
  }

  async #flushBatch(): Promise<void> {
    if (this.#file === null || this.#rollsNext) await this.#openNext();
    const file = this.#file;
    if (file === null || this.#isStopped) return;
    const batch = this.#pending;
    const bytes = Buffer.concat(batch);
    this.#pending = [];
    file.writeSync([bytes], this.#position);
    this.#position += bytes.length;
    if (this.#options.syncs) await file.sync();
    if (this.#isStopped) return;
    this.synced += batch.length;
    this.pendingBytes -= bytes.length;
    this.#options.onSynced();
    this.#wake();
  }

  /** The file for what is pending. The one before it is durable already, so that only the last can be torn. */
  async #openNext(): Promise<void> {
    this.#rollsNext = false;
    await this.#closeFile();
    const { directory, syncs } = this.#options;
    const { disk } = this.#system;
    const file = await disk.open(`${directory}/${logName(this.#firstPendingZxid)}`, 'write');
    // There may be a file of this name, left by a crash before its first entry was durable.
    file.truncateSync(0);
    const header = Buffer.alloc(LOG_HEADER_BYTES);
    header.writeInt32BE(LOG_MAGIC, 0);
    header.writeInt32BE(LOG_VERSION, 4);
    file.writeSync([header], 0);
    if (syncs) await disk.syncDirectory(directory);
    this.#file = file;
    this.#position = LOG_HEADER_BYTES;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
