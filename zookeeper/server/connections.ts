/**
 * The clients of a server: takes their connections in, hands their frames to the core in the order they came, and
 * holds whoever asks for more than the log, its own socket or the limits allow. Decides nothing about requests.
 */
import type { Connection } from '../../system/net.ts';
import type { System } from '../../system/system.ts';
import { Client } from './client.ts';
import type { Instant, ServerCore } from './core.ts';
import type { Outbox } from './outbox.ts';
import { shortNameOf } from './request-names.ts';
import type { Statistics } from './statistics.ts';

export interface ConnectionParts {
  readonly core: ServerCore<Client>;
  readonly outbox: Outbox;
  readonly log: { readonly pendingBytes: number };
  readonly statistics: Statistics;
  readonly limits: ConnectionLimits;
  /** The word that a connection begins with; undefined when it is a frame's length. */
  readonly wordOf: (number: number) => string | undefined;
  /** Whether a number of eight bytes follows it. */
  readonly takesArgument: (word: string) => boolean;
  readonly answerWord: (word: string, argument: bigint | null) => Promise<Buffer>;
}

export interface ConnectionLimits {
  readonly frameBytesMax: number;
  /** 0: any number. */
  readonly connectionsPerAddressMax: number;
  readonly connectionsMax: number;
  readonly outstandingRequestsMax: number;
}

/** A connection that says nothing is closed after this time. */
export const HANDSHAKE_MS_MAX = 15_000;
/** How long a peer may take to close its side once we have closed ours. */
export const FAREWELL_MS_MAX = 1_000;
/** Beyond these, clients that want more are not read until the log has caught up. */
const LOG_PENDING_BYTES_MAX = 16 * 1024 * 1024;
const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** A client that does not take its replies is not read either, and beyond the second limit cut off. */
const CLIENT_PENDING_BYTES_MAX = 4 * 1024 * 1024;
const CLIENT_PENDING_BYTES_LIMIT = 256 * 1024 * 1024;
/** A client that watches more is cut off. */
const WATCH_BYTES_MAX = 128 * 1024 * 1024;

export class Connections {
  readonly all = new Set<Client>();
  readonly #system: System;
  readonly #parts: ConnectionParts;
  readonly #countByAddress = new Map<string, number>();
  /** Clients that are not read until the log or they themselves have caught up. */
  readonly #paused = new Set<Client>();
  #isClosing = false;
  #onLastGone: (() => void) | null = null;

  constructor(system: System, parts: ConnectionParts) {
    this.#system = system;
    this.#parts = parts;
  }

  accept(connection: Connection): void {
    const { limits, statistics } = this.#parts;
    const { remoteAddress } = connection;
    if (this.#isClosing || this.#isTooMany(remoteAddress)) {
      if (!this.#isClosing) statistics.rejectedCount += 1;
      connection.destroy();
      return;
    }
    const client = new Client(connection, limits.frameBytesMax, this.#now());
    this.all.add(client);
    this.#count(remoteAddress, 1);
    connection.start({
      data: (chunk) => {
        if (client.isClosed) return;
        client.frames.push(chunk);
        if (!client.isPaused) this.#serve(client);
      },
      drain: () => this.#resume(client),
      end: () => {
        client.hasEnded = true;
        if (!client.isPaused) this.#serve(client);
      },
      close: () => this.#gone(client),
    });
  }

  /** Reads those again that waited for the log. */
  resumePaused(): void {
    if (this.#paused.size === 0) return;
    for (const client of [...this.#paused]) this.#resume(client);
  }

  /** Cuts off who has been silent before a handshake, does not go, or does not take what it asked for. */
  sweep(now: Instant): void {
    for (const client of this.all) {
      const silentMs = now.elapsedMs - client.opened.elapsedMs;
      const isSilent = client.sessionId === 0n && silentMs > HANDSHAKE_MS_MAX;
      const isOverdue = now.elapsedMs > client.destroyAtMs;
      const isStuffed = client.pendingBytes > CLIENT_PENDING_BYTES_LIMIT;
      if (isSilent || isOverdue || isStuffed) client.destroy();
    }
  }

  /** From now on nobody is let in, and nothing counts that comes. */
  stopListening(): void {
    this.#isClosing = true;
    for (const client of this.all) client.isClosed = true;
  }

  /** Says goodbye to all; resolves when they are gone, or have had time to go. */
  farewell(): Promise<void> {
    for (const client of this.all) client.end(0);
    return new Promise((resolve) => {
      if (this.all.size === 0) return resolve();
      const timer = this.#system.clock.setTimer(FAREWELL_MS_MAX, resolve);
      this.#onLastGone = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Closes all at once. */
  destroy(): void {
    this.#isClosing = true;
    for (const client of this.all) client.destroy();
  }

  #isTooMany(address: string): boolean {
    const { connectionsPerAddressMax, connectionsMax } = this.#parts.limits;
    const isFull = connectionsMax > 0 && this.all.size >= connectionsMax;
    const count = this.#countByAddress.get(address) ?? 0;
    return isFull || (connectionsPerAddressMax > 0 && count >= connectionsPerAddressMax);
  }

  #count(address: string, change: number): void {
    const count = (this.#countByAddress.get(address) ?? 0) + change;
    if (count === 0) this.#countByAddress.delete(address);
    else this.#countByAddress.set(address, count);
  }

  /** Works on the frames a client has sent, until they are used up or it has to wait. */
  #serve(client: Client): void {
    const { outbox } = this.#parts;
    const now = this.#now();
    outbox.current = client;
    outbox.receivedMs = now.elapsedMs;
    while (!client.isClosed && !client.isPaused) {
      if (!this.#serveFrame(client, now)) break;
      if (this.#mustWait(client)) this.#pause(client);
    }
    // Frames that came before the end of the stream still count; now there are none left.
    if (client.hasEnded && !client.isPaused) this.#dismiss(client);
    outbox.current = null;
    outbox.flush();
    // The socket may have taken all at once, and then it says nothing later.
    if (client.isPaused) this.#system.clock.defer(() => this.#resume(client));
  }

  /** Takes one frame; false when there is none that is complete. */
  #serveFrame(client: Client, now: Instant): boolean {
    const { core, statistics } = this.#parts;
    if (client.sessionId === 0n && this.#serveWord(client)) return false;
    const frame = client.frames.next();
    if (frame === null) return false;
    if (frame === 'refused') {
      statistics.oversizedCount += 1;
      this.#dismiss(client);
      return false;
    }
    this.#noteRequest(client, frame.length + 4, now);
    if (client.sessionId === 0n) {
      core.connect(client, frame, now);
      if (client.sessionId !== 0n) client.statistics.lastOp = 'SESS';
      return true;
    }
    core.request(client, frame, now);
    noteOperation(client, frame, core.tree.lastZxid);
    if (core.watches.bytesOf(client) > WATCH_BYTES_MAX) {
      this.#system.logger.warn({ address: client.address }, 'a client watches too much');
      this.#dismiss(client);
    }
    return true;
  }

  #noteRequest(client: Client, bytes: number, now: Instant): void {
    const { statistics } = this.#parts;
    statistics.receivedCount += 1;
    statistics.receivedBytes += bytes;
    client.statistics.receivedCount += 1;
    client.lastRequestMs = now.elapsedMs;
  }

  /** Answers a four-letter word; false when the connection does not begin with one. */
  #serveWord(client: Client): boolean {
    const { core, wordOf, takesArgument } = this.#parts;
    const number = client.frames.peekLength();
    const word = number === null ? undefined : wordOf(number);
    if (word === undefined) return false;
    const argument = client.frames.peek(12)?.readBigInt64BE(4) ?? null;
    if (argument === null && takesArgument(word)) return true;
    this.#noteRequest(client, 4, this.#now());
    core.disconnected(client);
    void this.#answerWord(client, word, argument);
    return true;
  }

  async #answerWord(client: Client, word: string, argument: bigint | null): Promise<void> {
    const { answerWord, outbox } = this.#parts;
    let answer: Buffer;
    try {
      answer = await answerWord(word, argument);
    } catch (error) {
      // Whoever uses up all descriptors must not end the server by asking how it is.
      this.#system.logger.warn({ err: error, word }, 'a four-letter word could not be answered');
      return client.destroy();
    }
    if (this.#isClosing) return;
    outbox.send(client, answer);
    outbox.close(client);
    outbox.flush();
  }

  /** Closes a connection after what was sent to it before. */
  #dismiss(client: Client): void {
    if (client.isClosed) return;
    this.#parts.core.disconnected(client);
    this.#parts.outbox.close(client);
  }

  #mustWait(client: Client): boolean {
    const { outbox, log, limits } = this.#parts;
    return (
      outbox.heldCount > limits.outstandingRequestsMax ||
      outbox.heldBytes > HELD_BYTES_MAX ||
      log.pendingBytes > LOG_PENDING_BYTES_MAX ||
      client.pendingBytes > CLIENT_PENDING_BYTES_MAX
    );
  }

  #pause(client: Client): void {
    client.pause();
    this.#paused.add(client);
  }

  #resume(client: Client): void {
    if (!client.isPaused || this.#mustWait(client)) return;
    this.#paused.delete(client);
    client.resume();
    this.#serve(client);
  }

  #gone(client: Client): void {
    this.all.delete(client);
    this.#paused.delete(client);
    this.#count(client.address, -1);
    this.#parts.core.disconnected(client);
    if (this.all.size === 0) this.#onLastGone?.();
  }

  #now(): Instant {
    const { clock } = this.#system;
    return { nowMs: clock.nowMs(), elapsedMs: clock.elapsedMs() };
  }
}

const noteOperation = (client: Client, frame: Buffer, lastZxid: bigint): void => {
  const { statistics } = client;
  if (frame.length < 8) return;
  const xid = frame.readInt32BE(0);
  statistics.lastOp = shortNameOf(frame.readInt32BE(4));
  statistics.lastZxid = lastZxid;
  // Pings and the like are not what a program asked for.
  if (xid >= 0) statistics.lastCxid = xid;
};
