/**
 * One connection to the embedded server: its socket, the frames it is cut into, and what goes out gathered into
 * one write per turn. It decides nothing; connections.ts drives it and the core keeps its session.
 */
import type { Connection } from '../../system/net.ts';
import { FrameCutter } from '../frames.ts';
import type { Identity } from './acl.ts';
import type { Instant, Peer } from './core.ts';
import { type ClientStatistics, newClientStatistics } from './statistics.ts';

export class Client implements Peer {
  readonly address: string;
  readonly port: number;
  readonly frames: FrameCutter;
  /** When it came. */
  readonly opened: Instant;
  /** When it is to be cut off if it does not go by itself; elapsed time. */
  destroyAtMs = Number.POSITIVE_INFINITY;
  identities: readonly Identity[];
  sessionId = 0n;
  timeoutMs = 0;
  isClosed = false;
  isPaused = false;
  /** Whether the peer has said that it sends no more. */
  hasEnded = false;
  /** When it last asked for something, elapsed time. */
  lastRequestMs: number;
  statistics: ClientStatistics = newClientStatistics();
  /** Frames, and their bytes, held back until the log is synced. */
  queuedCount = 0;
  queuedBytes = 0;
  readonly #connection: Connection;
  #outgoing: Buffer[] = [];
  #outgoingBytes = 0;

  constructor(connection: Connection, frameBytesMax: number, opened: Instant) {
    this.#connection = connection;
    this.address = connection.remoteAddress;
    this.port = connection.remotePort;
    this.identities = [{ scheme: 'ip', id: connection.remoteAddress }];
    this.frames = new FrameCutter(frameBytesMax);
    this.opened = opened;
    this.lastRequestMs = opened.elapsedMs;
  }

  /** What it has been answered and has not taken yet, wherever that stands. */
  get pendingBytes(): number {
    return this.queuedBytes + this.#outgoingBytes + this.#connection.pendingBytes;
  }

  /** Gathers a frame for the next `flush`; true when it is the first. */
  add(frame: Buffer): boolean {
    this.#outgoingBytes += frame.length;
    return this.#outgoing.push(frame) === 1;
  }

  flush(): void {
    const frames = this.#outgoing;
    if (frames.length === 0) return;
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    const [only] = frames;
    // Small frames leave as one piece: some clients count the reads that a reply takes.
    const whole = frames.length === 1 && only !== undefined ? only : Buffer.concat(frames);
    this.#connection.write([whole]);
  }

  pause(): void {
    this.isPaused = true;
    this.#connection.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.#connection.resume();
  }

  /** Sends what is gathered and says goodbye; the peer has until `destroyAtMs` to do the same. */
  end(destroyAtMs: number): void {
    this.flush();
    this.destroyAtMs = destroyAtMs;
    this.isPaused = false;
    // What it still sends is read and dropped, as closing over unread bytes would reset the connection.
    this.#connection.resume();
    this.#connection.end();
  }

  destroy(): void {
    this.isClosed = true;
    this.#connection.destroy();
  }
}
