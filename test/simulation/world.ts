/**
 * Virtual time. One queue of events for all simulated processes; time jumps from event to event. After each event all
 * promise reactions run out before the next one, so that a run depends on nothing but its seed: no thread, no real
 * clock, no real socket takes part. Node runs microtasks to exhaustion between two immediates, which is what ends a turn here.
 */
import { type EventOwner, EventQueue, type SimEvent } from './event-queue.ts';
import { type SeededRandom, seededRandom } from './random.ts';
import { Trace } from './trace.ts';

/** A rule was broken; the message says which and where. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** Immediates queued ahead: each is one event, and Node polls for I/O only once per lot. */
const LOT_COUNT = 32;

export class World {
  readonly seed: number;
  /** Decides everything that is no process's own: delays, faults. */
  readonly random: SeededRandom;
  readonly trace: Trace;
  /** Called after each event with all that followed from it. */
  afterEvent: (() => void) | null = null;
  eventCount = 0;
  readonly #queue = new EventQueue();
  #nowMs = 0;
  #sequence = 0;
  #failure: Error | null = null;

  constructor(seed: number, print: ((line: string) => void) | null = null) {
    this.seed = seed;
    this.random = seededRandom(seed, 'world');
    this.trace = new Trace(print);
  }

  /** Milliseconds since the start of the run, with fractions. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get failure(): Error | null {
    return this.#failure;
  }

  /** Ends the run; the first failure counts. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  schedule(delayMs: number, process: EventOwner | null, callback: () => void): SimEvent {
    const event: SimEvent = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      process,
      callback,
      isCancelled: false,
    };
    this.#queue.push(event);
    return event;
  }

  /** Puts events back that a process could not take while it stood still: now, in their old order. */
  reschedule(events: readonly SimEvent[]): void {
    for (const event of events) {
      event.atMs = this.#nowMs;
      event.sequence = this.#sequence++;
      this.#queue.push(event);
    }
  }

  /** Resolves after `delayMs`, whatever happens to any process. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.schedule(delayMs, null, resolve));
  }

  /** Runs until `isDone`, or nothing is left to do, or time `untilMs`. Throws the failure, if there is one. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    await this.#lots(untilMs, isDone);
    if (this.#failure !== null) throw this.#failure;
    if (!isDone()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #lots(untilMs: number, isDone: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      let isOver = false;
      const turn = (): void => {
        if (isOver) return;
        if (this.eventCount > 0 && this.#failure === null) this.#observe();
        if (this.#failure !== null || isDone() || !this.#step(untilMs)) isOver = true;
      };
      const lot = (): void => {
        for (let count = 1; count < LOT_COUNT; count++) setImmediate(turn);
        setImmediate(() => {
          turn();
          if (isOver) resolve();
          else lot();
        });
      };
      lot();
    });
  }

  #observe(): void {
    try {
      this.afterEvent?.();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** One event; false when there is none up to `untilMs`. */
  #step(untilMs: number): boolean {
    for (;;) {
      const event = this.#queue.peek();
      if (event === undefined || event.atMs > untilMs) return false;
      this.#queue.pop();
      const { process } = event;
      if (event.isCancelled || (process !== null && !process.isAlive)) continue;
      this.#nowMs = event.atMs;
      if (process?.isPaused) {
        process.held.push(event);
        continue;
      }
      this.eventCount += 1;
      try {
        event.callback();
      } catch (error) {
        this.fail(error as Error);
      }
      return true;
    }
  }
}
