/**
 * How many connections a broker takes, in all and from one address (max.connections, max.connections.per.ip and its
 * overrides), shared by its listeners. The rate of new connections is not limited here.
 */

interface Limits {
  readonly connectionsMax?: number;
  readonly perAddressMax?: (address: string) => number;
}

export class ConnectionLimits {
  #connectionsMax = Number.POSITIVE_INFINITY;
  #perAddressMax: (address: string) => number = () => Number.POSITIVE_INFINITY;
  #count = 0;
  readonly #byAddress = new Map<string, number>();
  readonly #onRoom = new Set<() => void>();

  constructor(limits: Limits = {}) {
    this.configure(limits);
  }

  /** Replaces the limits; who waits comes in if there is room now. */
  configure(limits: Limits): void {
    this.#connectionsMax = limits.connectionsMax ?? Number.POSITIVE_INFINITY;
    this.#perAddressMax = limits.perAddressMax ?? (() => Number.POSITIVE_INFINITY);
    this.#tellOfRoom();
  }

  get count(): number {
    return this.#count;
  }

  /** Without room a new connection waits, as in Kafka, where the acceptor stops. */
  get hasRoom(): boolean {
    return this.#count < this.#connectionsMax;
  }

  /** A connection from an address that has its share is closed at once. */
  isAddressFull(address: string): boolean {
    return (this.#byAddress.get(address) ?? 0) >= this.#perAddressMax(address);
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
    this.#tellOfRoom();
  }

  /** Calls back whenever there may be room; returns what ends it. */
  onRoom(callback: () => void): () => void {
    this.#onRoom.add(callback);
    return () => void this.#onRoom.delete(callback);
  }

  #tellOfRoom(): void {
    for (const callback of this.#onRoom) callback();
  }
}
