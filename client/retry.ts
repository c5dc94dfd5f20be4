/** Trying again within a time limit, and waiting for something or a moment, whichever comes first. */
import { type Backoff, backoffMs } from '../network/backoff.ts';
import type { System } from '../system/system.ts';
import { ClientClosed, isRetriable, TimeoutError } from './errors.ts';

export interface RetryOptions extends Backoff {
  /** Elapsed time at which trying ends. */
  readonly deadlineMs: number;
  /** What was being done, for the message of a timeout. */
  readonly what: string;
  /** Looked at after every failure; default: `isRetriable`. */
  readonly mayRetry?: (error: unknown) => boolean;
  /** True: no further try, nobody is interested. */
  readonly isClosed?: () => boolean;
}

/** Calls `attempt` until it succeeds, fails for good, or the time is up (`TimeoutError`, the last failure as its cause). */
export const retrying = async <T>(
  system: System,
  options: RetryOptions,
  attempt: () => Promise<T>,
): Promise<T> => {
  const { clock, random } = system;
  for (let failures = 0; ; failures++) {
    if (options.isClosed?.()) throw new ClientClosed('the client is closed');
    try {
      return await attempt();
    } catch (cause) {
      if (!(options.mayRetry ?? isRetriable)(cause)) throw cause;
      const pauseMs = backoffMs(random, failures, options);
      if (clock.elapsedMs() + pauseMs >= options.deadlineMs) {
        const reason = (cause as Error).message;
        throw new TimeoutError(`timed out ${options.what}; last: ${reason}`, { cause });
      }
      await clock.sleep(pauseMs);
    }
  }
};

/** Resolves when `promise` settles or after `timeoutMs`; true when it has settled. Its failure stays its own. */
export const settledWithin = (
  system: System,
  promise: Promise<unknown>,
  timeoutMs: number,
): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = system.clock.setTimer(Math.max(0, timeoutMs), () => resolve(false));
    const done = (): void => {
      timer.cancel();
      resolve(true);
    };
    promise.then(done, done);
  });
