/**
 * A port that takes connections: how many, from whom, and for how long one may be silent (max.connections,
 * max.connections.per.ip, connections.max.idle.ms). What happens on a connection is in client-connection.ts.
 * Idle ones are found by a rare walk over all of them; a connection costs no timer.
 */
import type { Timer } from '../system/clock.ts';
import type { Connection, ServerSocket } from '../system/net.ts';
import type { System } from '../system/system.ts';
import {
  type ClientConnection,
  type ConnectionSettings,
  type FrameMemory,
  type RequestHandler,
  ServedConnection,
} from './client-connection.ts';
import { ConnectionLimits } from './connection-limits.ts';
import { RequestBudget } from './request-budget.ts';

export type { Answer, ClientConnection, FrameMemory, RequestHandler } from './client-connection.ts';

export interface ListenerOptions {
  /** Kafka's listener name, e.g. PLAINTEXT. */
  readonly name: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** socket.request.max.bytes */
  readonly maxRequestBytes?: number;
  /** connections.max.idle.ms; below zero: never. */
  readonly idleMsMax?: number;
  /** Connections of this listener; more wait until one has gone. */
  readonly connectionsMax?: number;
  /** The limit of all listeners together does not hold up its connections. */
  readonly isProtected?: boolean;
  readonly backlog?: number;
  /** Requests of one connection worked on at once, and their bytes; at the limit it is not read. */
  readonly inFlightMax?: number;
  readonly inFlightBytesMax?: number;
  /** Shared by the listeners of a broker. */
  readonly limits?: ConnectionLimits;
  readonly budget?: RequestBudget;
  readonly onClosed?: (connection: ClientConnection) => void;
  /** By default everything may be kept. */
  readonly memoryOf?: (frame: Buffer) => FrameMemory;
}

export interface Listener {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly connectionCount: number;
  /** May be changed; who is connected stays. */
  connectionsMax: number;
  /** Stops accepting and closes every connection. */
  close(): Promise<void>;
}

const DEFAULTS = {
  maxRequestBytes: 104_857_600,
  idleMsMax: 600_000,
  connectionsMax: Number.POSITIVE_INFINITY,
  isProtected: false,
  backlog: 50,
  inFlightMax: 100,
  inFlightBytesMax: 33_554_432,
};

/** Binds and serves; throws Node's error when the port is taken. */
export const openListener = async (
  system: System,
  options: ListenerOptions,
  onRequest: RequestHandler,
): Promise<Listener> => {
  const listener = new OpenListener(system, options, onRequest);
  await listener.open();
  return listener;
};

class OpenListener implements Listener {
  readonly name: string;
  readonly #system: System;
  readonly #options: ListenerOptions & typeof DEFAULTS;
  readonly #limits: ConnectionLimits;
  readonly #settings: ConnectionSettings;
  readonly #connections = new Set<ServedConnection>();
  /** Accepted beyond a limit and not read yet; bounded like the backlog they stand for. */
  readonly #queue: Connection[] = [];
  #dirty: ServedConnection[] = [];
  #socket: ServerSocket | null = null;
  #sweep: Timer | null = null;
  #nextIndex = 0;
  #isClosed = false;
  #connectionsMax: number;
  readonly #forgetRoom: () => void;

  constructor(system: System, options: ListenerOptions, onRequest: RequestHandler) {
    this.#system = system;
    this.#options = { ...DEFAULTS, ...options };
    this.name = options.name;
    this.#connectionsMax = this.#options.connectionsMax;
    this.#limits = options.limits ?? new ConnectionLimits();
    this.#forgetRoom = this.#limits.onRoom(() => this.#admitQueued());
    this.#settings = {
      listenerName: options.name,
      maxRequestBytes: this.#options.maxRequestBytes,
      inFlightMax: this.#options.inFlightMax,
      inFlightBytesMax: this.#options.inFlightBytesMax,
      budget: options.budget ?? new RequestBudget(),
      onRequest,
      memoryOf: options.memoryOf ?? (() => 'kept'),
      flushLater: (connection) => this.#flushLater(connection),
      onClosed: (connection) => this.#closed(connection),
    };
  }

  get address(): string {
    return this.#socket?.address ?? '';
  }

  get port(): number {
    return this.#socket?.port ?? 0;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  get connectionsMax(): number {
    return this.#connectionsMax;
  }

  set connectionsMax(count: number) {
    this.#connectionsMax = count;
    this.#admitQueued();
  }

  async open(): Promise<void> {
    const { host, port, backlog } = this.#options;
    this.#socket = await this.#system.net.listen({ host, port, backlog }, (socket) =>
      this.#accept(socket),
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#forgetRoom();
    this.#sweep?.cancel();
    await this.#socket?.close();
    for (const connection of this.#connections) connection.close();
    for (const socket of this.#queue) socket.destroy();
    this.#queue.length = 0;
  }

  get #hasRoom(): boolean {
    if (this.#connections.size >= this.#connectionsMax) return false;
    return this.#options.isProtected || this.#limits.hasRoom;
  }

  #accept(socket: Connection): void {
    if (this.#isClosed) return socket.destroy();
    if (this.#hasRoom && this.#queue.length === 0) return this.#admit(socket);
    if (this.#queue.length >= this.#options.backlog) return socket.destroy();
    this.#queue.push(socket);
  }

  #admitQueued(): void {
    while (!this.#isClosed && this.#hasRoom) {
      const socket = this.#queue.shift();
      if (socket === undefined) return;
      this.#admit(socket);
    }
  }

  #admit(socket: Connection): void {
    if (this.#limits.isAddressFull(socket.remoteAddress)) return socket.destroy();
    this.#limits.add(socket.remoteAddress);
    const connection = new ServedConnection(
      this.#system,
      socket,
      this.#nextIndex++,
      this.#settings,
    );
    this.#connections.add(connection);
    connection.start();
    this.#armSweep(this.#options.idleMsMax);
  }

  #closed(connection: ServedConnection): void {
    this.#connections.delete(connection);
    this.#options.onClosed?.(connection);
    this.#limits.remove(connection.clientHost);
  }

  /** One deferred call a turn serves all connections that have something to say. */
  #flushLater(connection: ServedConnection): void {
    if (connection.isFlushPending) return;
    connection.isFlushPending = true;
    this.#dirty.push(connection);
    if (this.#dirty.length === 1) this.#system.clock.defer(() => this.#flush());
  }

  #flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) {
      connection.isFlushPending = false;
      connection.flush();
    }
  }

  #armSweep(delayMs: number): void {
    if (this.#sweep !== null || delayMs < 0 || this.#isClosed) return;
    this.#sweep = this.#system.clock.setTimer(delayMs, () => {
      this.#sweep = null;
      this.#closeIdle();
    });
  }

  /** Closes what has been silent too long and comes back when the next one may have been, but not too often. */
  #closeIdle(): void {
    const { idleMsMax } = this.#options;
    const nowMs = this.#system.clock.elapsedMs();
    let oldestMs = nowMs;
    for (const connection of this.#connections) {
      if (nowMs - connection.lastActiveMs >= idleMsMax) connection.close();
      else oldestMs = Math.min(oldestMs, connection.lastActiveMs);
    }
    if (this.#connections.size === 0) return;
    this.#armSweep(Math.max(oldestMs + idleMsMax - nowMs, idleMsMax / 20));
  }
}
