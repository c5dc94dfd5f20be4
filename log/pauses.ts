/** The pauses of work that goes on in the background: whoever stops it need not wait for their end. */
import type { Clock, Timer } from '../system/clock.ts';

export class Pauses {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #isStopped: boolean;

  constructor(clock: Clock, { isStopped = false } = {}) {
    this.#clock = clock;
    this.#isStopped = isStopped;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Resolves after `delayMs`, or when the work is to stop. */
  wait(delayMs: number): Promise<void> {
    // Whoever begins to wait after the call of `stop` would not be woken any more.
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const wake = (): void => {
        this.#waiting.delete(wake);
        timer?.cancel();
        resolve();
      };
      this.#waiting.add(wake);
      timer = this.#clock.setTimer(delayMs, wake);
    });
  }

  start(): void {
    this.#isStopped = false;
  }

  /** Ends all pauses, and those to come. */
  stop(): void {
    this.#isStopped = true;
    for (const wake of [...this.#waiting]) wake();
  }
}
