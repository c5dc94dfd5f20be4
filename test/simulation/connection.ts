/**
 * One end of a simulated TCP connection: ordered bytes with a delay, half-closing, resets, back-pressure. What the wire does
 * to its packets is the network's business; what arrives is handed over as an event of the owning process.
 */
import type { Connection, ConnectionHandlers } from '../../system/net.ts';
import type { SimProcess } from './process.ts';

export type Packet =
  | { readonly type: 'data'; readonly bytes: Buffer }
  /** No more bytes will come. */
  | { readonly type: 'end' }
  | { readonly type: 'reset'; readonly code: string };

/** The network as an end needs it. */
export interface Wire {
  /** Sends a packet to the other end. */
  send(from: Endpoint, packet: Packet): void;
  /** Runs `callback` as the next event of `process`. */
  soon(process: SimProcess, callback: () => void): void;
}

/** Beyond this many bytes on their way, `write` asks to wait. */
const WINDOW_BYTES = 256 * 1024;

export class Endpoint implements Connection {
  readonly process: SimProcess;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The other end; set once, when the connection is made. */
  peer!: Endpoint;
  /** Nothing is taken any more, and whatever still comes is answered with a reset. */
  isClosed = false;
  /** When the last packet sent from here arrives: none overtakes another. */
  lastArrivalMs = 0;
  pendingBytes = 0;
  readonly #wire: Wire;
  readonly #isServer: boolean;
  #handlers: ConnectionHandlers | null = null;
  #isPaused = false;
  #waiting: Packet[] = [];
  #hasSentEnd = false;
  #hasReceivedEnd = false;
  #needsDrain = false;

  constructor(
    wire: Wire,
    process: SimProcess,
    place: {
      readonly localAddress: string;
      readonly localPort: number;
      readonly remoteAddress: string;
      readonly remotePort: number;
      readonly isServer: boolean;
    },
  ) {
    this.#wire = wire;
    this.process = process;
    this.localAddress = place.localAddress;
    this.localPort = place.localPort;
    this.remoteAddress = place.remoteAddress;
    this.remotePort = place.remotePort;
    this.#isServer = place.isServer;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    if (this.isClosed) this.#wire.soon(this.process, () => handlers.close());
    else this.#wire.soon(this.process, () => this.#deliverWaiting());
  }

  write(buffers: readonly Buffer[]): boolean {
    if (this.isClosed || this.#hasSentEnd) return false;
    // Copied, because the receiver owns what it gets and may change it.
    const bytes = Buffer.concat(buffers);
    if (bytes.length === 0) return true;
    this.pendingBytes += bytes.length;
    this.#wire.send(this, { type: 'data', bytes });
    if (this.pendingBytes < WINDOW_BYTES) return true;
    this.#needsDrain = true;
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wire.soon(this.process, () => this.#deliverWaiting());
  }

  end(): void {
    if (this.isClosed || this.#hasSentEnd) return;
    this.#hasSentEnd = true;
    this.#wire.send(this, { type: 'end' });
    if (this.#hasReceivedEnd) this.#close();
  }

  destroy(error?: Error): void {
    if (this.isClosed) return;
    if (!this.#hasSentEnd) this.#wire.send(this, { type: 'end' });
    this.#close(error);
  }

  /** A packet has come; an event of this end's process. */
  receive(packet: Packet): void {
    if (this.isClosed) {
      if (packet.type === 'data') this.#wire.send(this, { type: 'reset', code: 'ECONNRESET' });
      return;
    }
    // A reset overtakes what has not been read.
    if (packet.type === 'reset') return this.reset(packet.code);
    this.#waiting.push(packet);
    this.#deliverWaiting();
  }

  /** The connection is gone; called by the network, too, when it breaks. */
  reset(code: string): void {
    if (!this.isClosed) this.#close(Object.assign(new Error(`read ${code}`), { code }));
  }

  /** Ends without a word to the handlers: their process is dead. */
  vanish(): void {
    this.isClosed = true;
    this.#handlers = null;
    this.#waiting = [];
  }

  #deliverWaiting(): void {
    while (this.#handlers !== null && !this.isClosed && !this.#isPaused) {
      const packet = this.#waiting.shift();
      if (packet === undefined) return;
      if (packet.type === 'data') this.#deliverData(packet.bytes);
      else this.#deliverEnd();
    }
  }

  #deliverData(bytes: Buffer): void {
    this.peer.#sent(bytes.length);
    this.#handlers?.data(bytes);
  }

  /** Bytes of ours have been taken by the peer. */
  #sent(count: number): void {
    this.pendingBytes -= count;
    if (!this.#needsDrain || this.pendingBytes > WINDOW_BYTES / 2 || this.isClosed) return;
    this.#needsDrain = false;
    this.#wire.soon(this.process, () => {
      if (!this.isClosed) this.#handlers?.drain?.();
    });
  }

  #deliverEnd(): void {
    this.#hasReceivedEnd = true;
    this.#handlers?.end?.();
    if (this.isClosed) return;
    if (this.#hasSentEnd) this.#close();
    // As Node's sockets do by default; only a listener's keep their half open.
    else if (!this.#isServer) this.end();
  }

  #close(error?: Error): void {
    this.isClosed = true;
    this.#waiting = [];
    const handlers = this.#handlers;
    if (handlers !== null) this.#wire.soon(this.process, () => handlers.close(error));
  }
}
