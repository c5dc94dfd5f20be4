/**
 * Keeps the cleaner from being felt: gives the event loop back after a few milliseconds, and holds
 * the input and output of all runs together to `log.cleaner.io.max.bytes.per.second`.
 */
import type { Clock } from '../../system/clock.ts';
import type { Throttle } from '../throttle.ts';

/** A run does not keep others waiting for longer, but for what one call into a codec takes. */
const SLICE_MS = 4;
export interface PacerOptions {
  readonly throttle: Throttle;
  /** Throws when the run must end; called whenever others may have run. */
  check(): void;
  /** Waits, or less when the cleaner is stopped. */
  wait(delayMs: number): Promise<void>;
}

/** The pace of one run. */
export class Pacer {
  readonly #clock: Clock;
  readonly #options: PacerOptions;
  #sliceStartMs: number;

  constructor(clock: Clock, options: PacerOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#sliceStartMs = clock.elapsedMs();
  }

  /** Runs a job to its end; where it yields, others may run. */
  async run<T>(job: Generator<void, T>): Promise<T> {
    for (;;) {
      const step = job.next();
      if (step.done) return step.value;
      await this.breathe();
    }
  }

  /** Lets others run if it is time. */
  async breathe(): Promise<void> {
    if (this.#clock.elapsedMs() - this.#sliceStartMs < SLICE_MS) return;
    await new Promise<void>((resolve) => this.#clock.defer(resolve));
    this.resume();
  }

  /** After `bytes` of input or output: waits if there was too much of it. */
  async moved(bytes: number): Promise<void> {
    const delayMs = this.#options.throttle.delayAfter(bytes);
    if (delayMs > 0) await this.#options.wait(delayMs);
    this.resume();
  }

  /** Others have run: begins a new slice. */
  resume(): void {
    this.#sliceStartMs = this.#clock.elapsedMs();
    this.#options.check();
  }
}
