/**
 * The controller's jobs, one at a time and in order (Kafka's ControllerEventManager), with repeats
 * left out.
 */

export interface Job {
  /** Jobs of one key that wait are one job; null: never merged. */
  readonly key: string | null;
  run(): Promise<void>;
  /** Called instead of `run` when the queue is emptied. */
  drop(): void;
}

export class EventQueue {
  readonly #waiting: Job[] = [];
  readonly #keys = new Set<string>();
  #running: Promise<void> | null = null;

  add(job: Job): void {
    if (job.key !== null) {
      if (this.#keys.has(job.key)) return;
      this.#keys.add(job.key);
    }
    this.#waiting.push(job);
    this.#running ??= this.#pump();
  }

  /** Drops all that wait. The job that runs is not stopped. */
  clear(): void {
    this.#keys.clear();
    for (const job of this.#waiting.splice(0)) job.drop();
  }

  /** Resolves when nothing runs and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #pump(): Promise<void> {
    // Whoever adds the first job sees it start after his own turn, as he does with any later one.
    await Promise.resolve();
    for (;;) {
      const job = this.#waiting.shift();
      if (job === undefined) break;
      if (job.key !== null) this.#keys.delete(job.key);
      await job.run();
    }
    this.#running = null;
  }
}
