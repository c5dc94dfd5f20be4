/**
 * What the cleaner may do with one log: read its sealed segments beside everything else that goes
 * on, and put a copy in their place. It holds nothing back and is held back by nothing; whether
 * what it has read still stands shows when the copy is handed over.
 */
import type { LogGuard } from './log-guard.ts';
import type { LogOrder } from './log-order.ts';
import type { LogStore, SegmentCopy } from './log-store.ts';
import type { Segment } from './segment.ts';

export interface CleanedLog {
  readonly guard: LogGuard;
  readonly order: LogOrder;
  /** The files, which may be others after the log has moved. */
  store(): LogStore;
  /** Forgets recent batches that are kept in memory. */
  forgetRecent(): void;
}

export class LogCleaning {
  readonly #log: CleanedLog;
  #running: Promise<unknown> = Promise.resolve();

  constructor(log: CleanedLog) {
    this.#log = log;
  }

  /** Goes up whenever the end of the log is cut. */
  get truncationCount(): number {
    return this.#log.store().truncations;
  }

  /**
   * Runs a job, one at a time. Closing the log waits for it, so it has to look now and then whether
   * the log is still usable.
   */
  run<T>(job: () => Promise<T>): Promise<T> {
    const running = this.#log.guard.run(job);
    this.#running = running.catch(() => {});
    return running;
  }

  /** Puts a copy in the place of neighbouring segments; false when they are not there any more. */
  replaceSegments(group: readonly Segment[], copy: SegmentCopy): Promise<boolean> {
    const { guard, order } = this.#log;
    return order.job(() =>
      guard.run(async () => {
        const isReplaced = await this.#log.store().replace(group, copy);
        // Memory must not serve for ever what the files do not have any more.
        if (isReplaced) this.#log.forgetRecent();
        return isReplaced;
      }),
    );
  }

  /** Resolves when the job that is under way has ended. */
  async idle(): Promise<void> {
    await this.#running;
  }
}
