/** Runs async jobs one at a time, in the order they came, for one owner. */

export interface Serial {
  /** Runs `job` behind the ones before it; a failed job fails its own promise only. */
  run<T>(job: () => Promise<T>): Promise<T>;
  /** Resolves when everything queued so far has ended. */
  idle(): Promise<void>;
}

export const createSerial = (): Serial => {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(job) {
      const result = last.then(job);
      // The next job must start whatever became of this one; the caller sees the failure in `result`.
      last = result.catch(() => {});
      return result;
    },
    idle: async () => {
      await last;
    },
  };
};
