/**
 * Whether a write into the page cache is made at once or by a thread. At once costs less in all, a round trip of a thread being
 * some 20 us of processor time; but whoever writes on the event loop keeps it from everybody. What a write takes is
 * no constant: a page that the kernel has at hand is filled in half a microsecond, one that a hypervisor has to find first
 * in ten, and where the device falls behind, the kernel puts writers to sleep. So it is measured, for all logs together,
 * because they share that memory.
 */
import type { Clock } from '../system/clock.ts';

/** What is larger goes to a thread, whatever it costs. */
const BYTES_MAX = 256 * 1024;
/** What is smaller is written at once, and tells nothing of the cost of a byte. */
const BYTES_MIN = 4 * 1024;
/** The loop is kept no longer, as far as can be foreseen. */
const KEPT_MS_MAX = 0.1;
/** Of a write, whatever its size. */
const CALL_MS = 0.005;
/** One write that slept must not decide alone. */
const SAMPLE_MS_MAX = 1;
const SAMPLE_WEIGHT = 1 / 8;
/** So often a write is made at once nonetheless, to learn whether that has become cheaper. */
const TRIAL_INTERVAL = 16;

export class WriteCost {
  readonly #clock: Clock;
  #msPerByte = 0;
  #writesSinceTrial = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Asked once for each write of `byteCount` bytes. */
  isForThread(byteCount: number): boolean {
    if (byteCount < BYTES_MIN) return false;
    if (byteCount > BYTES_MAX) return true;
    if (byteCount * this.#msPerByte <= KEPT_MS_MAX) return false;
    this.#writesSinceTrial = (this.#writesSinceTrial + 1) % TRIAL_INTERVAL;
    return this.#writesSinceTrial !== 0;
  }

  /** Makes a write of `byteCount` bytes at once and learns from it. */
  measure(byteCount: number, write: () => void): void {
    if (byteCount < BYTES_MIN) return write();
    const startMs = this.#clock.elapsedMs();
    write();
    const tookMs = Math.min(this.#clock.elapsedMs() - startMs, SAMPLE_MS_MAX);
    const sample = Math.max(0, tookMs - CALL_MS) / byteCount;
    this.#msPerByte += (sample - this.#msPerByte) * SAMPLE_WEIGHT;
  }
}
