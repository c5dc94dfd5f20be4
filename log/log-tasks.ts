/**
 * What a broker does with its logs from time to time: retention, flushes by age, checkpoints,
 * expiry of producers.
 */
import type { Timer } from '../system/clock.ts';
import { createSerial } from '../system/serial.ts';
import type { System } from '../system/system.ts';
import { NEVER } from './log-config.ts';
import type { PartitionLog } from './partition-log.ts';

export interface LogTaskIntervals {
  readonly retentionCheckMs: number;
  /** How often logs are looked at for flush.ms. */
  readonly flushCheckMs: number;
  readonly recoveryPointCheckpointMs: number;
  readonly logStartCheckpointMs: number;
  readonly producerExpirationCheckMs: number;
  /** Before the first run of each task. */
  readonly initialDelayMs: number;
}

export interface LogTaskOwner {
  all(): Iterable<PartitionLog>;
  currentHighWatermark(log: PartitionLog): number;
  checkpointRecoveryPoints(): Promise<void>;
  checkpointLogStarts(): Promise<void>;
}

/** Kafka 3.9's defaults. */
const DEFAULT_INTERVALS: LogTaskIntervals = {
  retentionCheckMs: 300_000,
  flushCheckMs: NEVER,
  recoveryPointCheckpointMs: 60_000,
  logStartCheckpointMs: 60_000,
  producerExpirationCheckMs: 600_000,
  initialDelayMs: 30_000,
};

export class LogTasks {
  readonly #system: System;
  readonly #owner: LogTaskOwner;
  readonly #intervals: LogTaskIntervals;
  readonly #running = createSerial();
  readonly #timers = new Set<Timer>();
  #isStopped = false;

  constructor(system: System, owner: LogTaskOwner, intervals: Partial<LogTaskIntervals>) {
    this.#system = system;
    this.#owner = owner;
    this.#intervals = { ...DEFAULT_INTERVALS, ...intervals };
  }

  start(): void {
    const intervals = this.#intervals;
    this.#every(intervals.retentionCheckMs, () => this.#cleanUp());
    this.#every(intervals.flushCheckMs, () => this.#flushOld());
    this.#every(intervals.recoveryPointCheckpointMs, () => this.#checkpointRecoveryPoints());
    this.#every(intervals.logStartCheckpointMs, () => this.#owner.checkpointLogStarts());
    this.#every(intervals.producerExpirationCheckMs, () => this.#expireProducers());
  }

  /** No task begins any more; resolves when the one that runs has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    await this.#running.idle();
  }

  /** Once only with an interval of zero, as Kafka's scheduler has it. */
  #every(intervalMs: number, task: () => Promise<void>): void {
    if (intervalMs >= NEVER) return;
    const arm = (delayMs: number): void => {
      if (this.#isStopped) return;
      const timer = this.#system.clock.setTimer(delayMs, () => {
        this.#timers.delete(timer);
        void this.#running.run(task).finally(() => {
          if (intervalMs > 0) arm(intervalMs);
        });
      });
      this.#timers.add(timer);
    };
    arm(this.#intervals.initialDelayMs);
  }

  async #cleanUp(): Promise<void> {
    await this.#forEachLog(async (log) => {
      const count = await log.deleteOldSegments(this.#owner.currentHighWatermark(log));
      const { directory } = log;
      if (count > 0) this.#system.logger.info({ directory, count }, 'old segments deleted');
      await log.releaseIdle();
    });
  }

  async #flushOld(): Promise<void> {
    const nowMs = this.#system.clock.nowMs();
    await this.#forEachLog(async (log) => {
      if (log.recoveryPoint >= log.logEndOffset) return;
      if (nowMs - log.lastFlushMs >= log.config.flushMs) await log.flush();
    });
  }

  /** What flush.messages has brought to the disk is not to be recovered: its indexes follow. */
  async #checkpointRecoveryPoints(): Promise<void> {
    await this.#forEachLog(async (log) => {
      if (log.syncedOffset > log.recoveryPoint) await log.flush();
    });
    await this.#owner.checkpointRecoveryPoints();
  }

  async #expireProducers(): Promise<void> {
    await this.#forEachLog(async (log) => void log.removeExpiredProducers());
  }

  /**
   * One log after the other; that one of them has failed or been closed is no reason to leave the
   * others out.
   */
  async #forEachLog(task: (log: PartitionLog) => Promise<void>): Promise<void> {
    for (const log of [...this.#owner.all()]) {
      if (this.#isStopped) return;
      try {
        await task(log);
      } catch (error) {
        this.#system.logger.warn({ directory: log.directory, err: error }, 'task left a log out');
      }
    }
  }
}
