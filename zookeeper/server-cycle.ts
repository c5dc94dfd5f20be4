/**
 * In which order the servers of a connect string are tried, and how long to wait between attempts: shuffled once,
 * then round robin; one round at once, later ones after a growing, random pause (ClientCnxn: random, at most 1 s).
 */
import type { Random } from '../system/random.ts';
import type { ServerAddress } from './connect-string.ts';

const DELAY_MS_FIRST = 20;
const DELAY_MS_MAX = 1000;

export class ServerCycle {
  /** All servers, for messages. */
  readonly text: string;
  readonly #random: Random;
  readonly #servers: ServerAddress[];
  #index = 0;
  /** Attempts since a session last stood. */
  #attempts = 0;

  constructor(random: Random, servers: readonly ServerAddress[]) {
    this.#random = random;
    this.#servers = [...servers];
    this.text = servers.map(({ host, port }) => `${host}:${port}`).join(',');
    for (let last = this.#servers.length - 1; last > 0; last--) {
      const other = random.int(last + 1);
      const swapped = this.#servers[last] as ServerAddress;
      this.#servers[last] = this.#servers[other] as ServerAddress;
      this.#servers[other] = swapped;
    }
  }

  /** The server for the next attempt. */
  next(): ServerAddress {
    const server = this.#servers[this.#index % this.#servers.length] as ServerAddress;
    this.#index++;
    this.#attempts++;
    return server;
  }

  /** The pause before the next attempt. */
  delayMs(): number {
    const rounds = Math.floor(this.#attempts / this.#servers.length);
    if (rounds === 0) return 0;
    const limitMs = Math.min(DELAY_MS_MAX, DELAY_MS_FIRST * 2 ** Math.min(rounds, 10));
    return Math.ceil(this.#random.float() * limitMs);
  }

  /** A session stands. */
  reset(): void {
    this.#attempts = 0;
  }
}
