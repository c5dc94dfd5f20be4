/**
 * The memory all listeners of a broker may spend on requests that are not answered yet (queued.max.request.bytes).
 * Like Kafka's pool it is not strict: what has begun may finish, but nothing new is read while the budget is used up.
 */

export class RequestBudget {
  /** Replaceable at run time. */
  limitBytes: number;
  #usedBytes = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limitBytes = Number.POSITIVE_INFINITY) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get isExhausted(): boolean {
    return this.#usedBytes >= this.limitBytes;
  }

  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
    if (this.isExhausted || this.#waiting.size === 0) return;
    // Whoever uses the budget up again must not starve the others for ever: all are asked, in the order they came.
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of woken) callback();
  }

  /** Calls back once when there is room again; the same callback is kept only once. */
  waitForRoom(callback: () => void): void {
    this.#waiting.add(callback);
  }

  forget(callback: () => void): void {
    this.#waiting.delete(callback);
  }
}
