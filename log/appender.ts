/**
 * The way of records into one log: validation, producer state, offsets, leader epochs, the choice
 * of segment, then the queue of group commits. All of it but the write happens at once in the order
 * of calls, so that a batch is judged against those still on their way to the disk.
 */

import { batches } from '../protocol/batches.ts';
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import type { RecordBatch } from '../protocol/record-batch.ts';
import { createSerial } from '../system/serial.ts';
import { AppendQueue, type AppendTarget, type PendingAppend } from './append-queue.ts';
import type { LogContext } from './log-context.ts';
import type { LogStore } from './log-store.ts';
import { validateRecords } from './off-thread.ts';
import type { CheckResult } from './producer-state.ts';
import { RollPlan } from './roll-plan.ts';
import type { Segment } from './segment.ts';
import { Tail } from './tail.ts';
import type { AbortedTransaction } from './transaction-index.ts';
import { stampBatch } from './validate-append.ts';
import type { ValidatedBatch } from './validate-rules.ts';

export interface AppendInfo {
  /** -1, as all else, when there was nothing to append. */
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** -1 with CreateTime. */
  readonly logAppendTimeMs: number;
  readonly maxTimestamp: number;
  readonly sizeBytes: number;
  readonly isDuplicate: boolean;
}

export interface LeaderAppendOptions {
  readonly leaderEpoch: number;
  readonly origin: 'client' | 'coordinator';
  /**
   * Asked again when the records have been validated, which may take a while: if it says no they
   * are refused.
   */
  readonly isStillLeader?: () => boolean;
}

export interface AppenderHooks {
  /** A group has been written and the log end offset has moved. */
  written(): void;
  /** `rolled` is no longer the active segment. */
  rolled(rolled: Segment): void;
  failed(error: unknown): void;
}

/** Records from a leader that do not continue this log. */
export class UnexpectedOffsetError extends Error {
  override readonly name = 'UnexpectedOffsetError';
}

export class Appender {
  readonly tail: Tail;
  readonly queue: AppendQueue;
  readonly #context: LogContext;
  #store: LogStore;
  readonly #hooks: AppenderHooks;
  readonly #plan: RollPlan;
  /** Appends whose validation takes time, and those that came after them, in the order of calls. */
  readonly #turns = createSerial();
  #turnCount = 0;
  /** Where the next append goes; ahead of the log end offset by what is queued. */
  #nextOffset = 0;

  constructor(context: LogContext, store: LogStore, hooks: AppenderHooks) {
    this.#context = context;
    this.#store = store;
    this.#hooks = hooks;
    this.#plan = new RollPlan(context.system.random);
    this.tail = new Tail(context.tails);
    this.queue = new AppendQueue(this.#target(), context);
    this.reset();
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** The log goes on in other files; nothing is queued. */
  moveTo(store: LogStore): void {
    this.#store = store;
    this.reset();
  }

  /** Starts from what the log is now, after a job has changed its end; nothing is queued. */
  reset(): void {
    const { active, config, logEndOffset } = this.#store;
    this.#nextOffset = logEndOffset;
    this.#plan.reset(active, config, this.#context.system.clock.nowMs());
    this.tail.clear();
  }

  /** Resolves when everything that was asked for has its place and is written. */
  async idle(): Promise<void> {
    await this.#turns.idle();
    await this.queue.idle();
  }

  get isIdle(): boolean {
    return this.#turnCount === 0 && this.queue.isIdle;
  }

  /** Throws, or rejects after a failed write. */
  appendAsLeader(records: Buffer, options: LeaderAppendOptions): Promise<AppendInfo> {
    const { system } = this.#context;
    const { config } = this.#store;
    const { origin } = options;
    const nowMs = system.clock.nowMs();
    const validated = validateRecords(system, records, { config, origin, nowMs });
    if (this.#turnCount === 0 && !(validated instanceof Promise))
      return this.#place(validated, options);
    return this.#inTurn(validated, options);
  }

  /** Waits for the validation and for the appends before; offsets are in the order of calls. */
  async #inTurn(
    validation: ValidatedBatch | null | Promise<ValidatedBatch | null>,
    options: LeaderAppendOptions,
  ): Promise<AppendInfo> {
    this.#turnCount += 1;
    // If it fails before its turn, somebody has to know; the turn tells the caller.
    Promise.resolve(validation).catch(() => {});
    const { result } = await this.#turns.run(async () => {
      try {
        const validated = await validation;
        // Wrapped, so that the next turn does not wait for the write.
        return { result: this.#place(validated, options) };
      } finally {
        this.#turnCount -= 1;
      }
    });
    return result;
  }

  /** Gives a batch its offsets and queues it. */
  #place(validated: ValidatedBatch | null, options: LeaderAppendOptions): Promise<AppendInfo> {
    const { origin, leaderEpoch, isStillLeader } = options;
    const { producers, epochs } = this.#store;
    // It was held back behind a job or its validation, and the next term has begun meanwhile: its
    // start stands already.
    if (leaderEpoch < (epochs.latest()?.epoch ?? -1) || isStillLeader?.() === false)
      throw new ProtocolError(errorCodes.NOT_LEADER_OR_FOLLOWER, 'the leader epoch has moved on');
    if (validated === null) return Promise.resolve(NOTHING_APPENDED);
    const { batch, maxTimestamp, logAppendTimeMs } = validated;
    const { sizeBytes } = batch;
    this.#checkSize(sizeBytes);
    const checked = producers.check(batch, origin);
    if (checked.type === 'duplicate') return this.#repeat(checked);
    const baseOffset = this.#nextOffset;
    stampBatch(batch, baseOffset, leaderEpoch);
    epochs.assign(leaderEpoch, baseOffset);
    const { lastOffset } = batch;
    const info: AppendInfo = {
      baseOffset,
      lastOffset,
      logAppendTimeMs,
      maxTimestamp,
      sizeBytes,
      isDuplicate: false,
    };
    // A leader's records will be asked for by its followers; a follower's rarely are.
    return this.#enqueue(batch.bytes(), [batch], info, { isForTail: true });
  }

  /**
   * Null when there is no whole batch, the offset to start over at when the log is empty and the
   * leader's begins within a batch. Throws, or rejects after a failed write.
   */
  appendAsFollower(records: Buffer): Promise<AppendInfo> | { startOverAt: number } | null {
    const whole = [...batches(records)];
    const [first] = whole;
    const last = whole.at(-1);
    if (first === undefined || last === undefined) return null;
    this.#checkReplicated(whole);
    if (first.baseOffset < this.#nextOffset) {
      const isEmpty = this.#nextOffset === this.#store.logStartOffset;
      if (isEmpty && last.lastOffset >= this.#nextOffset) return { startOverAt: first.baseOffset };
      throw new UnexpectedOffsetError(`offset ${first.baseOffset} after ${this.#nextOffset}`);
    }
    for (const batch of whole) this.#noteEpoch(batch);
    const pieces = this.#piecesOf(whole).map((piece) => this.#appendPiece(records, piece));
    return Promise.all(pieces).then((infos) => wholeOf(infos));
  }

  /** What fits into a segment goes out together. A batch that is larger than a segment alone has one to itself. */
  #piecesOf(whole: readonly RecordBatch[]): RecordBatch[][] {
    const { segmentBytes } = this.#store.config;
    const pieces: RecordBatch[][] = [];
    let sizeBytes = 0;
    for (const batch of whole) {
      sizeBytes += batch.sizeBytes;
      const piece = pieces.at(-1);
      if (piece !== undefined && sizeBytes <= segmentBytes) piece.push(batch);
      else {
        pieces.push([batch]);
        sizeBytes = batch.sizeBytes;
      }
    }
    return pieces;
  }

  #appendPiece(records: Buffer, piece: readonly RecordBatch[]): Promise<AppendInfo> {
    const first = piece[0] as RecordBatch;
    const last = piece.at(-1) as RecordBatch;
    const bytes = records.subarray(first.position, last.position + last.sizeBytes);
    const info: AppendInfo = {
      baseOffset: first.baseOffset,
      lastOffset: last.lastOffset,
      logAppendTimeMs: -1,
      maxTimestamp: piece.reduce((max, batch) => Math.max(max, batch.maxTimestamp), -1),
      sizeBytes: bytes.length,
      isDuplicate: false,
    };
    return this.#enqueue(bytes, piece, info, { isForTail: false });
  }

  #checkReplicated(whole: readonly RecordBatch[]): void {
    let previous = -1;
    for (const batch of whole) {
      if (!batch.isCrcValid()) throw new ProtocolError(errorCodes.CORRUPT_MESSAGE);
      if (batch.lastOffset <= previous || batch.lastOffset < batch.baseOffset)
        throw new UnexpectedOffsetError(`offset ${batch.lastOffset} after ${previous}`);
      previous = batch.lastOffset;
    }
  }

  /** Messages older than leader epochs make what is known of them worthless. */
  #noteEpoch(batch: RecordBatch): void {
    const { epochs } = this.#store;
    const epoch = batch.partitionLeaderEpoch;
    if (batch.isOld) epochs.clear();
    else if (epoch >= 0) epochs.assign(epoch, batch.baseOffset);
  }

  #checkSize(sizeBytes: number): void {
    if (sizeBytes <= this.#store.config.segmentBytes) return;
    throw new ProtocolError(errorCodes.RECORD_LIST_TOO_LARGE);
  }

  /** Plans, updates producer state and queues; from here on the append has its place. */
  #enqueue(
    buffer: Buffer,
    whole: readonly RecordBatch[],
    info: AppendInfo,
    options: { isForTail: boolean },
  ): Promise<AppendInfo> {
    const { config, producers } = this.#store;
    const rolls = this.#plan.add(info, config, this.#context.system.clock.nowMs());
    // Before this append changes it: the snapshot says how things stood where the new segment
    // begins.
    const snapshot = rolls ? producers.snapshot() : null;
    let aborted = NO_TRANSACTIONS;
    let offsetOfMaxTimestamp = info.lastOffset;
    for (const batch of whole) {
      const transaction = producers.append(batch);
      if (transaction !== null) aborted = [...aborted, transaction];
      if (batch.maxTimestamp === info.maxTimestamp && batch.lastOffset < offsetOfMaxTimestamp)
        offsetOfMaxTimestamp = batch.lastOffset;
    }
    this.#nextOffset = info.lastOffset + 1;
    return new Promise((resolve, reject) => {
      this.queue.push({
        buffer,
        baseOffset: info.baseOffset,
        lastOffset: info.lastOffset,
        sizeBytes: info.sizeBytes,
        maxTimestamp: info.maxTimestamp,
        offsetOfMaxTimestamp,
        aborted,
        snapshot,
        isForTail: options.isForTail,
        resolve: () => resolve(info),
        reject,
      });
    });
  }

  /** Answers a repeated batch with the offsets of the first time, once that one is written. */
  #repeat(known: CheckResult & { type: 'duplicate' }): Promise<AppendInfo> {
    const { baseOffset, lastOffset, timestamp } = known;
    const info: AppendInfo = {
      baseOffset,
      lastOffset,
      logAppendTimeMs: timestamp,
      maxTimestamp: timestamp,
      sizeBytes: 0,
      isDuplicate: true,
    };
    return new Promise((resolve, reject) => {
      this.queue.push({
        ...info,
        buffer: NOTHING,
        offsetOfMaxTimestamp: lastOffset,
        aborted: NO_TRANSACTIONS,
        snapshot: null,
        isForTail: false,
        resolve: () => resolve(info),
        reject,
      });
    });
  }

  /** What the queue asks of this log. */
  #target(): AppendTarget {
    const store = (): LogStore => this.#store;
    return {
      get active() {
        return store().active;
      },
      needsPreparation: () => store().metadata.isPending,
      prepare: () => store().metadata.write(),
      roll: async (baseOffset, snapshot) => {
        const rolled = store().active;
        await store().roll(baseOffset, snapshot);
        this.#hooks.rolled(rolled);
      },
      mustSync: (endOffset) => endOffset - store().syncedOffset >= store().config.flushMessages,
      sync: (endOffset) => store().sync(endOffset),
      written: (group) => {
        store().noteWritten(group);
        this.#keepRecent(group);
        this.#hooks.written();
      },
      failed: (error) => this.#hooks.failed(error),
    };
  }

  #keepRecent(group: readonly PendingAppend[]): void {
    for (const append of group) {
      if (append.isForTail) this.tail.push(append.buffer, append.baseOffset, append.lastOffset);
      // A gap in the tail would hide records from its readers.
      else if (append.sizeBytes > 0 && this.tail.bytes > 0) this.tail.clear();
    }
  }
}

const NOTHING = Buffer.alloc(0);

/** What several appends, one behind the other, come to. */
const wholeOf = (infos: readonly AppendInfo[]): AppendInfo => {
  const [first, ...others] = infos as readonly [AppendInfo, ...AppendInfo[]];
  return others.reduce(
    (sum, info) => ({
      ...info,
      baseOffset: sum.baseOffset,
      maxTimestamp: Math.max(sum.maxTimestamp, info.maxTimestamp),
      sizeBytes: sum.sizeBytes + info.sizeBytes,
    }),
    first,
  );
};

const NOTHING_APPENDED: AppendInfo = {
  baseOffset: -1,
  lastOffset: -1,
  logAppendTimeMs: -1,
  maxTimestamp: -1,
  sizeBytes: 0,
  isDuplicate: false,
};
const NO_TRANSACTIONS: readonly AbortedTransaction[] = [];
