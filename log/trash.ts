/**
 * Removes files and directories some time after they were renamed for removal, so that reads under
 * way may end.
 */
import type { Timer } from '../system/clock.ts';
import type { System } from '../system/system.ts';

export class Trash {
  readonly #system: System;
  #waiting: { path: string; dueMs: number }[] = [];
  #timer: Timer | null = null;
  #isRunning = false;
  #isClosed = false;

  constructor(system: System) {
    this.#system = system;
  }

  add(paths: readonly string[], delayMs: number): void {
    const dueMs = this.#system.clock.elapsedMs() + delayMs;
    for (const path of paths) this.#waiting.push({ path, dueMs });
    this.#arm();
  }

  /** What still waits is left to the next start, which removes it. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#isClosed || this.#isRunning || this.#waiting.length === 0) return;
    this.#timer?.cancel();
    const nextMs = this.#waiting.reduce((min, { dueMs }) => Math.min(min, dueMs), Infinity);
    const delayMs = Math.max(0, nextMs - this.#system.clock.elapsedMs());
    this.#timer = this.#system.clock.setTimer(delayMs, () => void this.#removeDue());
  }

  async #removeDue(): Promise<void> {
    const nowMs = this.#system.clock.elapsedMs();
    const due = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ dueMs }) => dueMs > nowMs);
    this.#isRunning = true;
    for (const { path } of due) {
      try {
        await this.#system.disk.removeTree(path);
      } catch (error) {
        // The next start tries again.
        this.#system.logger.warn({ path, err: error }, 'could not be removed');
      }
    }
    this.#isRunning = false;
    this.#arm();
  }
}
