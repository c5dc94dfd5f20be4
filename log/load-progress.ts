/**
 * Says from time to time how far the loading of a log directory is, because recovery after a crash
 * may take minutes and a silent broker looks like one that hangs. Kafka logs the same counts
 * (KIP-831). What goes on after a crash is worth a warning, which also reaches the terminal.
 */
import type { Timer } from '../system/clock.ts';
import type { System } from '../system/system.ts';

export const PROGRESS_INTERVAL_MS = 5000;

export class LoadProgress {
  readonly #system: System;
  readonly #directory: string;
  readonly #isClean: boolean;
  /** Segments left to recover, by name of the log; of logs that are being loaded. */
  readonly #segmentsLeft = new Map<string, number>();
  #logsLeft: number;
  #timer: Timer | null = null;

  /** `logCount` logs are going to be loaded; `isClean` when nothing has to be recovered. */
  constructor(
    system: System,
    options: { readonly directory: string; readonly logCount: number; readonly isClean: boolean },
  ) {
    this.#system = system;
    this.#directory = options.directory;
    this.#isClean = options.isClean;
    this.#logsLeft = options.logCount;
    this.#arm();
  }

  /** The log `name` has this many segments left to recover. */
  recovering(name: string, segmentsLeft: number): void {
    this.#segmentsLeft.set(name, segmentsLeft);
  }

  /** The log `name` is loaded. */
  loaded(name: string): void {
    this.#segmentsLeft.delete(name);
    this.#logsLeft -= 1;
  }

  /** Nothing more is said. */
  stop(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#system.clock.setTimer(PROGRESS_INTERVAL_MS, () => {
      this.#tell();
      this.#arm();
    });
  }

  #tell(): void {
    const { logger } = this.#system;
    const fields = { directory: this.#directory, logs: this.#logsLeft };
    if (this.#isClean) {
      logger.info(fields, `remaining logs to load in ${this.#directory}: ${this.#logsLeft}`);
      return;
    }
    const segments = [...this.#segmentsLeft.values()].reduce((sum, left) => sum + left, 0);
    logger.warn(
      { ...fields, segments },
      `remaining logs to recover in ${this.#directory}: ${this.#logsLeft}, of those under way ${segments} segments`,
    );
  }
}
