/**
 * Wall time, elapsed time and timers. Durations are measured with `elapsedMs`, never with `nowMs`,
 * because the wall clock may jump.
 */

export interface Timer {
  /** Stops the timer; harmless after it has fired. */
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since the epoch (what records and znodes are stamped with). */
  nowMs(): number;
  /** Milliseconds since an arbitrary start, monotonic, with fractions. */
  elapsedMs(): number;
  /** Calls back once after `delayMs`. A pending timer keeps the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Calls back after the events now at hand (I/O of this turn) have been handled. */
  defer(callback: () => void): void;
  /** Resolves after `delayMs`. */
  sleep(delayMs: number): Promise<void>;
}

/** setTimeout's own limit; a longer delay would fire at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export const realClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  setTimer(delayMs, callback) {
    const handle = setTimeout(callback, Math.min(delayMs, DELAY_MS_MAX));
    return { cancel: () => clearTimeout(handle) };
  },
  defer: (callback) => void setImmediate(callback),
  sleep: (delayMs) =>
    new Promise((resolve) => void setTimeout(resolve, Math.min(delayMs, DELAY_MS_MAX))),
};
