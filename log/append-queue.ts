/**
 * Group commit for one log. Appends are queued with their offsets already given; what one
 * event-loop turn has gathered goes out in one vectored write. Groups that take little are written
 * at once into the page cache; others by one asynchronous write at a time, with everything that
 * arrives meanwhile in the next. Knows the order of things, not their meaning: the log prepares,
 * rolls and takes note of what has been written.
 */
import type { LogContext } from './log-context.ts';
import type { Chunk, Segment } from './segment.ts';
import type { AbortedTransaction } from './transaction-index.ts';
import type { WriteCost } from './write-cost.ts';

export interface PendingAppend extends Chunk {
  readonly buffer: Buffer;
  readonly baseOffset: number;
  /**
   * Set when a new segment begins with this append: the producer snapshot of the moment before it.
   */
  readonly snapshot: Buffer | null;
  /** Transactions that markers in it abort. */
  readonly aborted: readonly AbortedTransaction[];
  readonly isForTail: boolean;
  /** The write has returned and the log end offset has moved. */
  resolve(): void;
  reject(error: unknown): void;
}

/** What the queue asks of the log it writes for. */
export interface AppendTarget {
  readonly active: Segment;
  /** Something must reach the disk before the next records do (leader epochs, the topic id). */
  needsPreparation(): boolean;
  prepare(): Promise<void>;
  /** Makes a segment that begins at `baseOffset` the active one. */
  roll(baseOffset: number, snapshot: Buffer): Promise<void>;
  /** With records up to `endOffset` too much would be written that is not on the device yet. */
  mustSync(endOffset: number): boolean;
  /** Brings everything written so far to the device. */
  sync(endOffset: number): Promise<void>;
  /** The group's bytes are in the file: moves offsets, indexes and the tail. */
  written(group: readonly PendingAppend[]): void;
  failed(error: unknown): void;
}

/** A group is no larger, so that its acknowledgement does not wait for too much else. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

export class AppendQueue {
  readonly #target: AppendTarget;
  readonly #drainSoon: (drain: () => void) => void;
  readonly #cost: WriteCost;
  readonly #drain = (): void => this.#writeNow();
  #pending: PendingAppend[] = [];
  #isScheduled = false;
  #isWriting = false;
  #idleWaiters: (() => void)[] = [];

  constructor(target: AppendTarget, context: Pick<LogContext, 'drainSoon' | 'writeCost'>) {
    this.#target = target;
    this.#drainSoon = context.drainSoon;
    this.#cost = context.writeCost;
  }

  get isIdle(): boolean {
    return this.#pending.length === 0 && !this.#isWriting;
  }

  push(append: PendingAppend): void {
    this.#pending.push(append);
    if (this.#isScheduled || this.#isWriting) return;
    this.#isScheduled = true;
    this.#drainSoon(this.#drain);
  }

  /** Resolves when nothing is queued or being written. */
  async idle(): Promise<void> {
    while (!this.isIdle) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Rejects everything queued. */
  abort(error: unknown): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const append of pending) append.reject(error);
    this.#wakeIdle();
  }

  /** Writes what can be written without waiting, and hands the rest to `#writeLater`. */
  #writeNow(): void {
    this.#isScheduled = false;
    while (this.#pending.length > 0 && !this.#isWriting) {
      const { group, bytes } = this.#takeGroup();
      if (this.#mayWriteNow(group, bytes)) this.#writeSync(group, bytes);
      else void this.#writeLater(group);
    }
    this.#wakeIdle();
  }

  #mayWriteNow(group: readonly PendingAppend[], bytes: number): boolean {
    const target = this.#target;
    return (
      group[0]?.snapshot === null &&
      !target.needsPreparation() &&
      !target.mustSync(endOf(group)) &&
      !this.#cost.isForThread(bytes)
    );
  }

  /** The appends that go out next, together: up to the next roll. */
  #takeGroup(): { group: readonly PendingAppend[]; bytes: number } {
    let bytes = 0;
    let count = 0;
    for (const append of this.#pending) {
      if (count > 0 && (append.snapshot !== null || bytes + append.sizeBytes > GROUP_BYTES_MAX))
        break;
      bytes += append.sizeBytes;
      count += 1;
    }
    const group = this.#pending;
    this.#pending = count === group.length ? [] : group.splice(count);
    return { group, bytes };
  }

  #writeSync(group: readonly PendingAppend[], bytes: number): void {
    try {
      const { active } = this.#target;
      const file = active.writable();
      this.#cost.measure(bytes, () => file.writeSync(buffersOf(group), active.sizeBytes));
      this.#finish(group);
    } catch (error) {
      this.#fail(group, error);
    }
  }

  /** Writes a group that needs waiting, then goes on with what has come in meanwhile. */
  async #writeLater(group: readonly PendingAppend[]): Promise<void> {
    this.#isWriting = true;
    try {
      await this.#write(group);
      this.#finish(group);
    } catch (error) {
      this.#fail(group, error);
    }
    this.#isWriting = false;
    this.#writeNow();
  }

  async #write(group: readonly PendingAppend[]): Promise<void> {
    const target = this.#target;
    const [first] = group;
    if (target.needsPreparation()) await target.prepare();
    if (first !== undefined && first.snapshot !== null)
      await target.roll(first.baseOffset, first.snapshot);
    const { active } = target;
    const file = active.writable();
    await file.write(buffersOf(group), active.sizeBytes);
    if (target.mustSync(endOf(group))) await target.sync(endOf(group));
  }

  #finish(group: readonly PendingAppend[]): void {
    this.#target.written(group);
    for (const append of group) append.resolve();
  }

  #fail(group: readonly PendingAppend[], error: unknown): void {
    this.#target.failed(error);
    for (const append of group) append.reject(error);
    this.abort(error);
  }

  #wakeIdle(): void {
    if (this.#idleWaiters.length === 0 || !this.isIdle) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }
}

/** Behind the last new record: a repeated batch has the offsets of its first time. */
const endOf = (group: readonly PendingAppend[]): number =>
  (group.findLast(({ sizeBytes }) => sizeBytes > 0)?.lastOffset ?? -1) + 1;

const buffersOf = (group: readonly PendingAppend[]): Buffer[] => {
  const buffers: Buffer[] = [];
  for (const append of group) if (append.sizeBytes > 0) buffers.push(append.buffer);
  return buffers;
};
