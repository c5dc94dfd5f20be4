/**
 * The order of what happens to one log. Appends run at once, one after the other as they are called; jobs that change files
 * run one at a time; an exclusive job also holds appends back, and those that wait run behind it in their order.
 */
import { createSerial } from '../system/serial.ts';

export class LogOrder {
  readonly #jobs = createSerial();
  /** Jobs that appends must wait for, and appends that wait behind them. */
  #barriers = 0;

  /** Runs an append at once, or behind exclusive jobs and the appends that wait for them. */
  append<T>(append: () => Promise<T>): Promise<T> {
    if (this.#barriers === 0) {
      try {
        return append();
      } catch (error) {
        return Promise.reject(error);
      }
    }
    this.#barriers += 1;
    const started = this.#jobs.run(async () => {
      this.#barriers -= 1;
      // Wrapped, so that the next job does not wait for the write.
      return { result: append() };
    });
    return started.then(({ result }) => result);
  }

  /** Runs a job behind those before it, with appends held back from now on. */
  exclusive<T>(job: () => Promise<T>): Promise<T> {
    this.#barriers += 1;
    return this.#jobs.run(() =>
      job().finally(() => {
        this.#barriers -= 1;
      }),
    );
  }

  job<T>(job: () => Promise<T>): Promise<T> {
    return this.#jobs.run(job);
  }

  /** Resolves when all jobs so far have ended. */
  idle(): Promise<void> {
    return this.#jobs.idle();
  }
}
