/** A limit of bytes per second for work in the background, shared by all that does it. */
import type { Clock } from '../system/clock.ts';

/** How long what is over the limit may be spent in one go. */
const BURST_MS = 100;

export class Throttle {
  bytesPerSecondMax: number;
  readonly #clock: Clock;
  /** When everything counted so far will have been within the limit. */
  #paidUntilMs = 0;

  constructor(clock: Clock, bytesPerSecondMax: number) {
    this.#clock = clock;
    this.bytesPerSecondMax = bytesPerSecondMax;
  }

  /** Counts bytes read or written; returns how long to wait before more, in milliseconds. */
  delayAfter(bytes: number): number {
    const nowMs = this.#clock.elapsedMs();
    const paidUntilMs = Math.max(this.#paidUntilMs, nowMs);
    this.#paidUntilMs = paidUntilMs + (bytes / this.bytesPerSecondMax) * 1000;
    const aheadMs = this.#paidUntilMs - nowMs;
    return aheadMs > BURST_MS ? aheadMs : 0;
  }
}
