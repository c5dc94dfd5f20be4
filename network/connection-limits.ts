/**
 * How many connections a broker takes, in all and from one address (max.connections, max.connections.per.ip and its
 * overrides), shared by its listeners. The rate of new connections is not limited here.
 */

export class ConnectionLimits {
  /** Both are replaceable at run time. */
  connectionsMax: number;
  perAddressMax: (address: string) => number;
  #count = 0;
  readonly #byAddress = new Map<string, number>();
  readonly #onRoom = new Set<() => void>();

  constructor(
    options: { connectionsMax?: number; perAddressMax?: (address: string) => number } = {},
  ) {
    this.connectionsMax = options.connectionsMax ?? Number.POSITIVE_INFINITY;
    this.perAddressMax = options.perAddressMax ?? (() => Number.POSITIVE_INFINITY);
  }

  get count(): number {
    return this.#count;
  }

  /** Without room a new connection waits, as in Kafka, where the acceptor stops. */
  get hasRoom(): boolean {
    return this.#count < this.connectionsMax;
  }

  /** A connection from an address that has its share is closed at once. */
  isAddressFull(address: string): boolean {
    return (this.#byAddress.get(address) ?? 0) >= this.perAddressMax(address);
  }

  add(address: string): void {
    this.#count++;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
  }

  remove(address: string): void {
    this.#count--;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
    for (const callback of this.#onRoom) callback();
  }

  /** Calls back whenever a connection has gone; returns what ends it. */
  onRoom(callback: () => void): () => void {
    this.#onRoom.add(callback);
    return () => void this.#onRoom.delete(callback);
  }
}
