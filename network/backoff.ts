/** How long to wait before another try (KIP-580): doubling from the first pause to the longest, a fifth up or down. */
import type { Random } from '../system/random.ts';

export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;
}

const JITTER = 0.2;

/** The pause after `failures` earlier failures (0: the first pause). */
export const backoffMs = (random: Random, failures: number, backoff: Backoff): number => {
  const { initialMs, maxMs } = backoff;
  if (maxMs <= initialMs) return maxMs;
  const factor = 1 - JITTER + random.float() * 2 * JITTER;
  // 2^30 is beyond any longest pause; a larger power would only overflow.
  return Math.min(maxMs, factor * initialMs * 2 ** Math.min(failures, 30));
};
