/** Waiting for a condition, never for a time: looks again until it holds, and fails with what was waited for. */
import { realSystem } from '../../system/system.ts';

const POLL_MS = 10;

/** Resolves to the first result of `look` that is not false, null or undefined; an error of `look` counts as not yet. */
export const until = async <T>(
  what: string,
  look: () => T | Promise<T>,
  timeoutMs = 30_000,
): Promise<NonNullable<T>> => {
  const { clock } = realSystem();
  const giveUpMs = clock.elapsedMs() + timeoutMs;
  let last: unknown = null;
  for (;;) {
    try {
      const found = await look();
      if (found !== false && found !== null && found !== undefined) return found;
      last = null;
    } catch (error) {
      last = error;
    }
    if (clock.elapsedMs() >= giveUpMs) {
      throw new Error(`waited ${timeoutMs} ms in vain: ${what}`, { cause: last });
    }
    await clock.sleep(POLL_MS);
  }
};
