/**
 * Moves logs between the directories of a broker while they are in use (KIP-113; Kafka's ReplicaAlterLogDirsThread). A
 * future log, `<topic>-<partition>.<hex>-future` in the directory it is to move to, is filled from the current one, one
 * partition at a time; when it has caught up, the current log goes on with its files. Who may move what, and where, is the
 * broker's business.
 */
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import type { System } from '../system/system.ts';
import { partitionName } from './checkpoints.ts';
import { futureDirectoryName, parentOf } from './file-names.ts';
import { markMoved, unmarkMoved } from './moved-away.ts';
import type { PartitionLog, PartitionLogOptions } from './partition-log.ts';
import { Pauses } from './pauses.ts';
import { Throttle } from './throttle.ts';

/** What is asked of the log manager. */
export interface FutureLogHost {
  get(topic: string, partition: number): PartitionLog | undefined;
  open(options: PartitionLogOptions): Promise<PartitionLog>;
  /** Runs `job` when the log is not being made, deleted, or told to move. */
  alone<T>(topic: string, partition: number, job: () => Promise<T>): Promise<T>;
  /** Renames a directory for removal, and removes it later. */
  discard(directory: string, topic: string, partition: number): Promise<void>;
  /** A log now stands in another directory than before. */
  moved(log: PartitionLog, from: string): void;
  /** The directory of `path` does not work any more. */
  failed(path: string, error: unknown): void;
  /** Bytes a second that all moves together may copy. */
  bytesPerSecondMax(): number;
}

interface Move {
  readonly future: PartitionLog;
  /** The current log was cut to here since the last look: what the future log has behind it is not there any more. */
  cutAt: number;
}

/** Copied at a time. */
const COPY_BYTES = 1024 * 1024;
/** With no more than this missing, appends wait until the rest is copied, too. */
const REST_BYTES = 4 * COPY_BYTES;
const PAUSE_AFTER_FAILURE_MS = 1000;

export class FutureLogs {
  readonly #system: System;
  readonly #host: FutureLogHost;
  readonly #moves = new Map<string, Move>();
  readonly #pauses: Pauses;
  readonly #throttle: Throttle;
  #running: Promise<void> | null = null;

  constructor(system: System, host: FutureLogHost) {
    this.#system = system;
    this.#host = host;
    this.#pauses = new Pauses(system.clock);
    this.#throttle = new Throttle(system.clock, host.bytesPerSecondMax());
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#moves.get(partitionName(topic, partition))?.future;
  }

  *all(): Generator<PartitionLog> {
    for (const { future } of this.#moves.values()) yield future;
  }

  /** Begins to move the log to `directory`, a log directory other than its own. */
  async begin(log: PartitionLog, directory: string): Promise<void> {
    const { topic, partition, topicId, config } = log;
    const path = `${directory}/${futureDirectoryName(this.#system.random, topic, partition)}`;
    try {
      await this.#system.disk.makeDirectory(path);
      const start = log.logStartOffset;
      const future = await this.#host.open({
        directory: path,
        topic,
        partition,
        config,
        topicId,
        isClean: false,
        recoveryPoint: 0,
        logStartOffset: 0,
      });
      if (start > 0) await future.truncateFullyAndStartAt(start);
      this.add(future);
    } catch (cause) {
      this.#host.failed(path, cause);
      throw new ProtocolError(errorCodes.KAFKA_STORAGE_ERROR, `no log in ${directory}`, { cause });
    }
    this.run();
  }

  /** Takes a future log that was found at the start; `run` goes on with it. */
  add(future: PartitionLog): void {
    const move = { future, cutAt: Number.POSITIVE_INFINITY };
    this.#moves.set(partitionName(future.topic, future.partition), move);
  }

  /** Gives up a move, if there is one; what has been copied is removed. */
  async cancel(topic: string, partition: number): Promise<void> {
    const future = this.#forget(topic, partition);
    if (future === null) return;
    await future.abandon();
    await this.#host.discard(future.directory, topic, partition);
  }

  /** The directory is out of use, and with it what has been copied there. */
  drop(isLost: (future: PartitionLog) => boolean): void {
    for (const { future } of [...this.#moves.values()]) {
      if (!isLost(future)) continue;
      this.#forget(future.topic, future.partition);
      future.abandon().catch(() => {});
    }
  }

  /** Works until nothing is left to move. */
  run(): void {
    if (this.#pauses.isStopped || this.#running !== null) return;
    this.#running = this.#runAll().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when no move goes on; what is not complete is left to the next start. */
  async stop(): Promise<void> {
    this.#pauses.stop();
    await this.#running;
  }

  async #runAll(): Promise<void> {
    while (!this.#pauses.isStopped) {
      const name = [...this.#moves.keys()].filter((key) => this.#currentOf(key)).sort()[0];
      if (name === undefined) return;
      try {
        await this.#moveOne(name);
      } catch (error) {
        // The log may have been closed or deleted under the copy; if not, it is tried again.
        this.#system.logger.warn({ err: error, partition: name }, 'a log could not be moved yet');
        if (this.#moves.has(name)) await this.#pauses.wait(PAUSE_AFTER_FAILURE_MS);
      }
    }
  }

  #currentOf(name: string): PartitionLog | undefined {
    const future = this.#moves.get(name)?.future;
    return future && this.#host.get(future.topic, future.partition);
  }

  async #moveOne(name: string): Promise<void> {
    const move = this.#moves.get(name);
    const current = this.#currentOf(name);
    if (move === undefined || current === undefined) return;
    const { future } = move;
    current.onCut = (offset) => {
      move.cutAt = Math.min(move.cutAt, offset);
    };
    await align(future, current);
    while (this.#moves.get(name) === move && !this.#pauses.isStopped) {
      await this.#cut(move);
      const missingOffsets = current.logEndOffset - future.logEndOffset;
      const missingBytes = current.sizeBytes - future.sizeBytes;
      if (missingOffsets === 0 || (missingBytes < REST_BYTES && missingOffsets > 0)) {
        const promote = (): Promise<boolean> => this.#promote(name, move, current);
        if (await this.#host.alone(current.topic, current.partition, promote)) return;
        continue;
      }
      this.#throttle.bytesPerSecondMax = this.#host.bytesPerSecondMax();
      const delayMs = this.#throttle.delayAfter(await copyOnce(current, future));
      if (delayMs > 0) await this.#pauses.wait(delayMs);
    }
  }

  /** What the current log has lost, the future log loses. */
  async #cut(move: Move): Promise<void> {
    const { cutAt, future } = move;
    move.cutAt = Number.POSITIVE_INFINITY;
    if (cutAt < future.logEndOffset) await future.truncateTo(cutAt);
  }

  async #promote(name: string, move: Move, current: PartitionLog): Promise<boolean> {
    const { future } = move;
    const { topic, partition, directory: from } = current;
    const { disk } = this.#system;
    const to = `${parentOf(future.directory)}/${name}`;
    const finish = async (): Promise<string | null> => {
      // Appends wait now: the end stands still.
      if (this.#moves.get(name) !== move) return null;
      await this.#cut(move);
      while (future.logEndOffset < current.logEndOffset) await copyOnce(current, future);
      if (future.logEndOffset !== current.logEndOffset) return null;
      await future.close();
      await markMoved(disk, from, to);
      try {
        await disk.rename(future.directory, to);
        await disk.syncDirectory(parentOf(to));
      } catch (error) {
        this.#host.failed(to, error);
        throw new ProtocolError(errorCodes.KAFKA_STORAGE_ERROR, `${to} cannot be used`, {
          cause: error,
        });
      }
      return to;
    };
    const isMoved = await current.moveInto(future, finish).catch(async (error: unknown) => {
      await unmarkMoved(disk, from);
      throw error;
    });
    if (!isMoved) return false;
    this.#forget(topic, partition);
    this.#host.moved(current, from);
    await this.#host.discard(from, topic, partition);
    this.#system.logger.info({ from, to }, 'log moved');
    return true;
  }

  #forget(topic: string, partition: number): PartitionLog | null {
    const name = partitionName(topic, partition);
    const future = this.#moves.get(name)?.future ?? null;
    this.#moves.delete(name);
    const current = this.#host.get(topic, partition);
    if (current !== undefined && future !== null) current.onCut = null;
    return future;
  }
}

/** Copies one piece; returns its size in bytes. */
const copyOnce = async (current: PartitionLog, future: PartitionLog): Promise<number> => {
  const from = future.logEndOffset;
  if (from < current.logStartOffset) {
    // Retention has been faster than the copy.
    await future.truncateFullyAndStartAt(current.logStartOffset);
    return 0;
  }
  const { buffers, sizeBytes } = await current.read(from, {
    maxBytes: Math.min(COPY_BYTES, future.config.segmentBytes),
    endOffset: current.logEndOffset,
    minOneBatch: true,
  });
  // A cut during the read; the next round knows of it.
  if (sizeBytes === 0) return 0;
  await future.appendAsFollower(Buffer.concat(buffers));
  return sizeBytes;
};

/** Cuts a future log of an earlier run to what it shares with the current one, by leader epochs. */
const align = async (future: PartitionLog, current: PartitionLog): Promise<void> => {
  for (;;) {
    const epoch = future.latestEpoch();
    const shared = epoch === null ? null : current.endOffsetForEpoch(epoch);
    const isSame = shared === null || shared.leaderEpoch === epoch;
    const end = isSame
      ? (shared?.endOffset ?? current.logEndOffset)
      : Math.max(0, shared.endOffset);
    if (end < future.logEndOffset) await future.truncateTo(end);
    if (isSame || future.latestEpoch() === epoch) return;
  }
};
