/**
 * Requests that wait until the metadata cache shows what they asked for: topics created, extended,
 * deleted or with new leaders (Kafka's topic and election purgatories). They are looked at again
 * when an update of one of their topics has been taken over, and given up at their deadline.
 */
import type { Clock } from '../system/clock.ts';
import { Deadlines } from './deadlines.ts';

interface Wait {
  readonly topics: readonly string[];
  readonly isDone: () => boolean;
  readonly end: (isDone: boolean) => void;
}

export class TopicWaits {
  readonly #deadlines: Deadlines;
  readonly #byTopic = new Map<string, Set<Wait>>();

  constructor(clock: Clock) {
    this.#deadlines = new Deadlines(clock);
  }

  /**
   * Resolves to true as soon as `isDone` holds, to false when `timeoutMs` has passed before.
   * `isDone` only looks at the metadata cache, and only at `topics`.
   */
  wait(topics: Iterable<string>, isDone: () => boolean, timeoutMs: number): Promise<boolean> {
    if (isDone()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const wait: Wait = {
        topics: [...new Set(topics)],
        isDone,
        end: (done) => {
          this.#deadlines.remove(deadline);
          this.#remove(wait);
          resolve(done);
        },
      };
      const deadline = this.#deadlines.add(timeoutMs, () => wait.end(isDone()));
      for (const topic of wait.topics) {
        const waits = this.#byTopic.get(topic);
        if (waits === undefined) this.#byTopic.set(topic, new Set([wait]));
        else waits.add(wait);
      }
    });
  }

  /** The metadata cache has news of `topics`. */
  check(topics: Iterable<string>): void {
    if (this.#byTopic.size === 0) return;
    const concerned = new Set<Wait>();
    for (const topic of topics) {
      for (const wait of this.#byTopic.get(topic) ?? []) concerned.add(wait);
    }
    for (const wait of concerned) if (wait.isDone()) wait.end(true);
  }

  /** The broker stops: nobody is waited for any more. */
  stop(): void {
    const all = new Set<Wait>();
    for (const waits of this.#byTopic.values()) for (const wait of waits) all.add(wait);
    for (const wait of all) wait.end(false);
    this.#deadlines.clear();
  }

  #remove(wait: Wait): void {
    for (const topic of wait.topics) {
      const waits = this.#byTopic.get(topic);
      waits?.delete(wait);
      if (waits?.size === 0) this.#byTopic.delete(topic);
    }
  }
}
