/**
 * Many deadlines on one timer. Requests that wait (for acks, bytes, members) nearly always end before their deadline, so
 * adding and removing must cost next to nothing: deadlines are gathered in buckets of a few milliseconds (the idea of
 * Kafka's timing wheel), and one timer stands for the earliest bucket.
 */
import type { Clock, Timer } from '../system/clock.ts';

/** A deadline is met at most this much late. */
const BUCKET_MS = 4;

export interface Deadline {
  readonly bucket: number;
  readonly expire: () => void;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Set<Deadline>>();
  #timer: Timer | null = null;
  /** The bucket the timer stands for; Infinity without one. */
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `expire` once, `delayMs` from now, unless the deadline is removed before. */
  add(delayMs: number, expire: () => void): Deadline {
    const bucket = Math.ceil((this.#clock.elapsedMs() + Math.max(0, delayMs)) / BUCKET_MS);
    const deadline = { bucket, expire };
    const entries = this.#buckets.get(bucket);
    if (entries === undefined) this.#buckets.set(bucket, new Set([deadline]));
    else entries.add(deadline);
    if (bucket < this.#armedFor) this.#arm(bucket);
    return deadline;
  }

  /** Harmless when it has expired already. */
  remove(deadline: Deadline): void {
    const entries = this.#buckets.get(deadline.bucket);
    if (entries?.delete(deadline) && entries.size === 0 && deadline.bucket !== this.#armedFor)
      this.#buckets.delete(deadline.bucket);
  }

  /** Calls everybody now: nobody will be waited for any longer. */
  expireAll(): void {
    const due = [...this.#buckets.values()].flatMap((entries) => [...entries]);
    this.clear();
    for (const deadline of due) deadline.expire();
  }

  /** Forgets all deadlines without calling anybody. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#buckets.clear();
  }

  #arm(bucket: number): void {
    this.#timer?.cancel();
    this.#armedFor = bucket;
    const delayMs = Math.max(0, bucket * BUCKET_MS - this.#clock.elapsedMs());
    this.#timer = this.#clock.setTimer(delayMs, () => this.#expireDue());
  }

  #expireDue(): void {
    this.#timer = null;
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = Math.floor(this.#clock.elapsedMs() / BUCKET_MS);
    const due: Deadline[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [bucket, entries] of this.#buckets) {
      if (bucket <= now) {
        due.push(...entries);
        this.#buckets.delete(bucket);
      } else if (entries.size === 0) this.#buckets.delete(bucket);
      else next = Math.min(next, bucket);
    }
    if (next !== Number.POSITIVE_INFINITY) this.#arm(next);
    // Last, because an expiring request may add deadlines of its own.
    for (const deadline of due) deadline.expire();
  }
}
