/**
 * The cleaner of a broker: keeps choosing the dirtiest compacted log and cleans it, as many at a
 * time as `log.cleaner.threads` says, all of them in slices on the one event loop. Follows Kafka's
 * LogCleaner and LogCleanerManager. A log whose content cannot be cleaned is left alone until the
 * next start; a disk that fails is the log's own business.
 */
import { createSerial } from '../../system/serial.ts';
import type { System } from '../../system/system.ts';
import { partitionName } from '../checkpoints.ts';
import { parentOf } from '../file-names.ts';
import type { PartitionLog } from '../partition-log.ts';
import { Pauses } from '../pauses.ts';
import { Throttle } from '../throttle.ts';
import { CleanerCheckpoint } from './cleaner-checkpoint.ts';
import { type CleanableRange, cleanableRange, firstDirtyOffset, isDue } from './cleaning-plan.ts';
import { CleaningAbortedError, cleanLog, type RunResult } from './cleaning-run.ts';
import { oldestDirtyTimestamp, stateOf, tooYoungOffset } from './log-facts.ts';
import { Pacer } from './pacer.ts';

/** The settings `log.cleaner.*` of the broker. */
export interface CleanerSettings {
  readonly threadCount: number;
  /** Memory for the offset maps of all runs together. */
  readonly dedupeBufferBytes: number;
  readonly loadFactor: number;
  /** Memory for reads and writes of all runs together. */
  readonly ioBufferBytes: number;
  readonly ioBytesPerSecondMax: number;
  /** Between two looks for something to do. */
  readonly backoffMs: number;
}

/** Kafka 3.9's defaults. */
export const defaultCleanerSettings: CleanerSettings = {
  threadCount: 1,
  dedupeBufferBytes: 134_217_728,
  loadFactor: 0.9,
  ioBufferBytes: 524_288,
  ioBytesPerSecondMax: Number.MAX_VALUE,
  backoffMs: 15_000,
};

/** What the cleaner needs of the manager of the logs. */
export interface CleanerOwner {
  readonly logs: {
    all(): Iterable<PartitionLog>;
    currentHighWatermark(log: PartitionLog): number;
  };
  /** Input or output failed in this directory. */
  failed(directory: string, error: unknown): void;
}

interface Candidate {
  readonly log: PartitionLog;
  readonly range: CleanableRange;
}

/** A read or write is never smaller, whatever the settings say. */
const IO_BYTES_MIN = 4096;
const LOAD_FACTOR_MAX = 0.99;
const LOAD_FACTOR_MIN = 0.01;

export class LogCleaner {
  readonly #system: System;
  readonly #owner: CleanerOwner;
  readonly #throttle: Throttle;
  readonly #checkpoints = new Map<string, CleanerCheckpoint>();
  readonly #writes = createSerial();
  readonly #inProgress = new Set<PartitionLog>();
  readonly #uncleanable = new Set<PartitionLog>();
  readonly #loops = new Map<number, Promise<void>>();
  readonly #pauses: Pauses;
  #settings: CleanerSettings;

  constructor(system: System, owner: CleanerOwner, settings: CleanerSettings) {
    this.#system = system;
    this.#owner = owner;
    this.#settings = settings;
    this.#pauses = new Pauses(system.clock, { isStopped: true });
    this.#throttle = new Throttle(system.clock, settings.ioBytesPerSecondMax);
  }

  get settings(): CleanerSettings {
    return this.#settings;
  }

  /** Settings change at run time; runs under way end with those they began with. */
  set settings(settings: CleanerSettings) {
    this.#settings = settings;
    this.#throttle.bytesPerSecondMax = settings.ioBytesPerSecondMax;
    this.#runLoops();
  }

  /** Logs that are left alone, because a run over them has failed. */
  get uncleanable(): ReadonlySet<PartitionLog> {
    return this.#uncleanable;
  }

  /** Reads the checkpoint of a directory; throws the disk's error. */
  async addDirectory(directory: string): Promise<void> {
    this.#checkpoints.set(directory, await CleanerCheckpoint.open(this.#system, directory));
  }

  start(): void {
    this.#pauses.start();
    this.#runLoops();
  }

  /** Ends the runs under way at their next pause; resolves when they have ended. */
  async stop(): Promise<void> {
    this.#pauses.stop();
    await Promise.all(this.#loops.values());
    await this.#writes.idle();
  }

  /** The log in `directory` was cut; its active segment now begins at `activeBaseOffset`. */
  truncated(directory: string, activeBaseOffset: number): void {
    const name = directory.slice(directory.lastIndexOf('/') + 1);
    this.#checkpoints.get(parentOf(directory))?.lower(name, activeBaseOffset);
    this.#writeSoon();
  }

  /** A log moved here from `directory`: it is as clean as before. */
  moved(log: PartitionLog, directory: string): void {
    const from = this.#checkpoints.get(parentOf(directory));
    const offset = from?.get(nameOf(log));
    if (offset === undefined) return;
    from?.delete(nameOf(log));
    this.#checkpointOf(log)?.set(nameOf(log), offset);
    this.#writeSoon();
  }

  /** A log was deleted; one of the same name has nothing to do with it. */
  forget(log: PartitionLog): void {
    this.#uncleanable.delete(log);
    this.#checkpointOf(log)?.delete(nameOf(log));
    this.#writeSoon();
  }

  /** Cleans the dirtiest log, if one is due; false when none was, or the run did not get through. */
  async cleanDirtiest(): Promise<boolean> {
    const candidate = await this.#dirtiest();
    if (candidate === null) return false;
    const { log } = candidate;
    try {
      return await this.#clean(candidate);
    } finally {
      this.#inProgress.delete(log);
    }
  }

  #runLoops(): void {
    for (let slot = 0; slot < this.#settings.threadCount && !this.#pauses.isStopped; slot++)
      if (!this.#loops.has(slot)) this.#loops.set(slot, this.#loop(slot));
  }

  async #loop(slot: number): Promise<void> {
    // The caller goes on first.
    await this.#pauses.wait(0);
    while (!this.#pauses.isStopped && slot < this.#settings.threadCount) {
      let hasCleaned = false;
      try {
        hasCleaned = await this.cleanDirtiest();
        await this.#removeOldSegments();
      } catch (error) {
        this.#system.logger.error({ err: error }, 'the log cleaner has met an error');
      }
      if (!hasCleaned) await this.#pauses.wait(this.#settings.backoffMs);
    }
    this.#loops.delete(slot);
  }

  /** The log in greatest need of those that are due, from now on in progress. */
  async #dirtiest(): Promise<Candidate | null> {
    let best: Candidate | null = null;
    const nowMs = this.#system.clock.nowMs();
    for (const log of [...this.#owner.logs.all()]) {
      if (!this.#isCleanable(log)) continue;
      const range = await this.#rangeIfDue(log, nowMs);
      if (range !== null && (best === null || range.ratio > best.range.ratio))
        best = { log, range };
    }
    if (best === null || !this.#isCleanable(best.log)) return null;
    this.#inProgress.add(best.log);
    return best;
  }

  #isCleanable(log: PartitionLog): boolean {
    return (
      log.config.cleanupCompact &&
      log.isUsable &&
      !this.#inProgress.has(log) &&
      !this.#uncleanable.has(log)
    );
  }

  async #rangeIfDue(log: PartitionLog, nowMs: number): Promise<CleanableRange | null> {
    const checkpoint = this.#checkpointOf(log);
    if (checkpoint === undefined) return null;
    const { config } = log;
    const known = checkpoint.get(nameOf(log));
    const dirty = firstDirtyOffset(known, log);
    if (known !== undefined && known !== dirty) {
      checkpoint.set(nameOf(log), dirty);
      this.#writeSoon();
    }
    try {
      return await log.lookUp(async () => {
        const state = stateOf(log, this.#owner.logs.currentHighWatermark(log));
        const range = cleanableRange(state, dirty, await tooYoungOffset(log, dirty, nowMs));
        const timestamp = await oldestDirtyTimestamp(log, dirty);
        return isDue(range, config, { timestamp, nowMs }) ? range : null;
      });
    } catch (error) {
      // A failed disk has been told of; what else cannot be read cannot be cleaned either.
      if (log.isUsable) this.#giveUp(log, error);
      return null;
    }
  }

  async #clean({ log, range }: Candidate): Promise<boolean> {
    const { threadCount, dedupeBufferBytes, ioBufferBytes, loadFactor } = this.#settings;
    const truncations = log.cleaning.truncationCount;
    const check = (): void => {
      if (this.#pauses.isStopped) throw new CleaningAbortedError('the cleaner stops');
      if (!log.isUsable) throw new CleaningAbortedError('the log is closed');
      if (truncations !== log.cleaning.truncationCount)
        throw new CleaningAbortedError('the log was cut');
      if (!log.config.cleanupCompact) throw new CleaningAbortedError('the policy has changed');
    };
    const threads = Math.max(1, threadCount);
    const options = {
      range,
      mapBytesMax: dedupeBufferBytes / threads,
      loadFactor: Math.max(LOAD_FACTOR_MIN, Math.min(loadFactor, LOAD_FACTOR_MAX)),
      ioBytes: Math.max(IO_BYTES_MIN, Math.floor(ioBufferBytes / threads / 2)),
      pacer: new Pacer(this.#system.clock, {
        throttle: this.#throttle,
        check,
        wait: (delayMs) => this.#pauses.wait(delayMs),
      }),
    };
    try {
      const result = await log.cleaning.run(() => cleanLog(this.#system, log, options));
      check();
      this.#checkpointOf(log)?.set(nameOf(log), result.endOffset);
      this.#report(log, range, result);
      await this.#write();
      return true;
    } catch (error) {
      if (error instanceof CleaningAbortedError)
        this.#system.logger.info(
          { directory: log.directory, reason: error.message },
          'not cleaned',
        );
      else if (log.isUsable) this.#giveUp(log, error);
      return false;
    }
  }

  #report(log: PartitionLog, range: CleanableRange, result: RunResult): void {
    const { directory } = log;
    const { endOffset, bytesBefore, bytesAfter } = result;
    const { firstDirtyOffset: from } = range;
    this.#system.logger.info(
      { directory, from, endOffset, bytesBefore, bytesAfter },
      'log cleaned',
    );
  }

  #giveUp(log: PartitionLog, error: unknown): void {
    this.#uncleanable.add(log);
    const { directory } = log;
    const message = 'a log cannot be cleaned, and is left alone until the next start';
    this.#system.logger.error({ directory, err: error }, message);
  }

  /** What retention lets go of compacted logs goes soon after each round, as with Kafka. */
  async #removeOldSegments(): Promise<void> {
    for (const log of [...this.#owner.logs.all()]) {
      if (this.#pauses.isStopped || !this.#isCleanable(log)) continue;
      try {
        await log.deleteOldSegments(this.#owner.logs.currentHighWatermark(log));
      } catch (error) {
        if (log.isUsable) throw error;
      }
    }
  }

  #checkpointOf(log: PartitionLog): CleanerCheckpoint | undefined {
    return this.#checkpoints.get(parentOf(log.directory));
  }

  #writeSoon(): void {
    void this.#write();
  }

  /** Writes the checkpoints that have changed; a failure is the directory's. */
  #write(): Promise<void> {
    return this.#writes.run(async () => {
      for (const [directory, checkpoint] of this.#checkpoints) {
        const here = new Set<string>();
        for (const log of this.#owner.logs.all())
          if (parentOf(log.directory) === directory) here.add(nameOf(log));
        try {
          await checkpoint.write((name) => here.has(name));
        } catch (error) {
          this.#checkpoints.delete(directory);
          this.#owner.failed(directory, error);
        }
      }
    });
  }
}

const nameOf = (log: PartitionLog): string => partitionName(log.topic, log.partition);
