/**
 * Holds back whatever could show a write (replies, events, also of reads and pings, and goodbyes) until the log
 * is durable up to that write. One queue for all clients, so that each sees the order of the transactions.
 */
import type { Client } from './client.ts';
import { noteLatency, noteResponse, type Statistics } from './statistics.ts';

export interface LogProgress {
  /** Transactions logged, and how many of them are durable. */
  readonly appended: number;
  readonly synced: number;
}

/** A frame, or with null the close of a connection. */
interface Held {
  /** The count of transactions that must be durable first. */
  readonly sequence: number;
  readonly client: Client;
  readonly frame: Buffer | null;
  readonly receivedMs: number;
}

export class Outbox {
  /** When the request being worked on came, elapsed time. */
  receivedMs = 0;
  /** The client whose request is being worked on. */
  current: Client | null = null;
  readonly #log: LogProgress;
  readonly #statistics: Statistics;
  readonly #end: (client: Client) => void;
  /** Clients with frames gathered in this turn. */
  readonly #dirty = new Set<Client>();
  /** By sequence; the first `#start` are gone. */
  #held: Held[] = [];
  #start = 0;
  #heldBytes = 0;

  /** `end` closes a connection whose frames have all been handed over. */
  constructor(log: LogProgress, statistics: Statistics, end: (client: Client) => void) {
    this.#log = log;
    this.#statistics = statistics;
    this.#end = end;
  }

  get heldCount(): number {
    return this.#held.length - this.#start;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  send(client: Client, frame: Buffer): void {
    client.queuedCount += 1;
    client.queuedBytes += frame.length;
    this.#heldBytes += frame.length;
    this.#put(client, frame);
  }

  close(client: Client): void {
    this.#put(client, null);
  }

  /** Lets go what the log's progress allows. */
  release(nowMs: number): void {
    const { synced } = this.#log;
    const held = this.#held;
    let index = this.#start;
    for (; index < held.length; index++) {
      const item = held[index] as Held;
      if (item.sequence > synced) break;
      this.#letGo(item, nowMs);
    }
    this.#start = index;
    if (index === held.length) {
      this.#held = [];
      this.#start = 0;
    } else if (index > COMPACT_COUNT) {
      this.#held = held.slice(index);
      this.#start = 0;
    }
    this.flush();
  }

  /** Writes what was gathered, one write for each client. */
  flush(): void {
    for (const client of this.#dirty) client.flush();
    this.#dirty.clear();
  }

  #put(client: Client, frame: Buffer | null): void {
    // Events answer nobody, so they have no latency.
    const receivedMs = client === this.current ? this.receivedMs : -1;
    const item = { sequence: this.#log.appended, client, frame, receivedMs };
    if (this.heldCount === 0 && item.sequence === this.#log.synced) this.#letGo(item, -1);
    else this.#held.push(item);
  }

  #letGo({ client, frame, receivedMs }: Held, nowMs: number): void {
    if (frame === null) return this.#end(client);
    client.queuedCount -= 1;
    client.queuedBytes -= frame.length;
    this.#heldBytes -= frame.length;
    noteResponse(this.#statistics, frame.length);
    const { statistics } = client;
    statistics.sentCount += 1;
    if (receivedMs >= 0) {
      const latencyMs = Math.max(0, nowMs - receivedMs);
      noteLatency(this.#statistics.latency, latencyMs);
      noteLatency(statistics.latency, latencyMs);
      statistics.latencyMsLast = latencyMs;
      statistics.lastResponseMs = receivedMs + latencyMs;
    }
    if (client.add(frame)) this.#dirty.add(client);
  }
}

const COMPACT_COUNT = 10_000;
