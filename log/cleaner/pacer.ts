/**
 * Keeps the cleaner from being felt: gives the event loop back after a millisecond, for longer when
 * others are at work, and holds the input and output of all runs together to
 * `log.cleaner.io.max.bytes.per.second`.
 */
import type { Clock } from '../../system/clock.ts';
import type { Throttle } from '../throttle.ts';

/** A run does not keep others waiting for much longer, but for a batch of an old format. */
const SLICE_MS = 1;
/** If others need so much of the event loop when they get it, they are at work. */
const BUSY_MS = 0.05;
/**
 * Then they get so much before the next slice. What they do, an append for one, takes several turns of the loop, and would
 * wait for a slice in each of them.
 */
const REST_MS = 2;

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

  /** The outcome of what a thread may be doing: then others run meanwhile. */
  async outcome<T>(work: T | Promise<T>): Promise<T> {
    if (!(work instanceof Promise)) return work;
    const outcome = await work;
    this.resume();
    return outcome;
  }

  /** Lets others run if it is time. */
  async breathe(): Promise<void> {
    const startMs = this.#clock.elapsedMs();
    if (startMs - this.#sliceStartMs < SLICE_MS) return;
    await new Promise<void>((resolve) => this.#clock.defer(resolve));
    if (this.#clock.elapsedMs() - startMs >= BUSY_MS) await this.#options.wait(REST_MS);
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
