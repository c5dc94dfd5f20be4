/** Waiting for what comes, instead of sleeping. */
import { ZooKeeperError } from '../../zookeeper/errors.ts';

/** Collects what comes and lets a test wait for it. */
export class Inbox<T> {
  readonly items: T[] = [];
  #wake: (() => void) | null = null;

  readonly put = (item: T): void => {
    this.items.push(item);
    this.#wake?.();
  };

  /** Resolves when `count` items have come. */
  async until(count: number): Promise<T[]> {
    while (this.items.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.items;
  }
}

export const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
    return 'OK';
  } catch (error) {
    if (error instanceof ZooKeeperError) return error.code;
    throw error;
  }
};
