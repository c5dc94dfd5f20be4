/**
 * A clock that stands still until a test moves it, and a System around it; disk and network are
 * absent.
 */
import type { Clock, Timer } from '../../system/clock.ts';
import { createLogger } from '../../system/logger.ts';
import type { Random } from '../../system/random.ts';
import type { System } from '../../system/system.ts';

interface PendingTimer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Lets everything run that needs no time: promises, and callbacks put off by `defer`. */
export const settle = async (): Promise<void> => {
  for (let round = 0; round < 5; round++) await new Promise<void>((done) => setImmediate(done));
};

export class ManualClock implements Clock {
  readonly #startMs: number;
  readonly #timers = new Set<PendingTimer>();
  #elapsedMs = 0;

  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs;
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  nowMs(): number {
    return this.#startMs + this.#elapsedMs;
  }

  elapsedMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { atMs: this.#elapsedMs + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.setTimer(delayMs, resolve));
  }

  /**
   * Moves on by `ms`; timers fire in the order of their times, each with all that follows from it.
   */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#elapsedMs + ms;
    await settle();
    for (;;) {
      let next: PendingTimer | undefined;
      for (const timer of this.#timers)
        if (timer.atMs <= targetMs && timer.atMs < (next?.atMs ?? Number.POSITIVE_INFINITY))
          next = timer;
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs);
      next.callback();
      await settle();
    }
    this.#elapsedMs = targetMs;
  }
}

/** The same numbers in every run. */
const countingRandom = (): Random => {
  let count = 0;
  return {
    float: () => 0.5,
    int: (limit) => Math.floor(limit / 2),
    bytes: (length) => {
      const bytes = Buffer.alloc(length);
      bytes.writeUInt32BE(++count, length - 4);
      return bytes;
    },
  };
};

const absent = (what: string): never =>
  new Proxy({} as never, {
    get: () => {
      throw new Error(`no ${what} in this test`);
    },
  });

export const manualSystem = (clock: ManualClock): System => ({
  clock,
  random: countingRandom(),
  disk: absent('disk'),
  net: absent('network'),
  logger: createLogger({ level: 'silent' }),
});
