/**
 * One outgoing connection: requests are pipelined, responses matched by correlation id, each with its own time limit.
 * Versions are agreed on once by ApiVersions (KIP-35, KIP-511), or fixed by the caller, as brokers do among themselves.
 * It does not reconnect (broker-pool.ts does) and knows nothing of error codes in responses.
 */

import type { Api, RequestInput, ResponseOutput } from '../protocol/apis.ts';
import { apis } from '../protocol/apis.ts';
import { FrameReader } from '../protocol/frames.ts';
import { decodeResponse, encodeRequest } from '../protocol/headers.ts';
import { bufferPool } from '../system/buffer-pool.ts';
import type { Timer } from '../system/clock.ts';
import type { Connection } from '../system/net.ts';
import type { System } from '../system/system.ts';
import { chooseVersion, type PeerVersions } from './api-versions.ts';
import { ChannelClosed, RequestTimeout } from './errors.ts';

export interface ChannelOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly connectTimeoutMs?: number;
  /** Time limit of a request that names none. */
  readonly requestTimeoutMs?: number;
  /** `ask`: ApiVersions first. `newest`: what we know, unasked. A function: the version the caller wants. */
  readonly versions?: 'ask' | 'newest' | ((api: Api) => number);
  readonly maxResponseBytes?: number;
  /** The records in a Fetch response are valid only until the next Fetch is sent: their memory is used again. */
  readonly reusesFetchMemory?: boolean;
  readonly softwareName?: string;
  readonly softwareVersion?: string;
}

export interface SendOptions {
  readonly version?: number;
  readonly timeoutMs?: number;
}

interface Pending {
  readonly api: Api;
  readonly version: number;
  readonly deadlineMs: number;
  /** Takes the raw frame for ApiVersions, whose answer may come in another version. */
  readonly resolve: (frame: Buffer) => void;
  readonly reject: (error: Error) => void;
}

const DEFAULTS = {
  connectTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  maxResponseBytes: 2 ** 31 - 1,
  versions: 'ask' as const,
  softwareName: 'barnabas',
  softwareVersion: '0.1.0',
};

const UNSUPPORTED_VERSION = 35;
const CORRELATION_ID_MAX = 2 ** 31 - 1;

/** Dials and agrees on versions. Throws `ChannelClosed` or `RequestTimeout`. */
export const openChannel = async (
  system: System,
  options: ChannelOptions,
): Promise<RequestChannel> => {
  const { host, port, connectTimeoutMs: timeoutMs = DEFAULTS.connectTimeoutMs } = options;
  let socket: Connection;
  try {
    socket = await system.net.connect({ host, port, timeoutMs });
  } catch (cause) {
    const isRefused = (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    const message = `no connection to ${host}:${port}: ${(cause as Error).message}`;
    throw new ChannelClosed(message, { isRefused, isUnsent: true, cause });
  }
  const channel = new RequestChannel(system, socket, options);
  await channel.agree();
  return channel;
};

export class RequestChannel {
  readonly host: string;
  readonly port: number;
  /** Elapsed time of the last request or response. */
  lastActiveMs: number;
  readonly #system: System;
  readonly #socket: Connection;
  readonly #options: ChannelOptions & typeof DEFAULTS;
  readonly #reader: FrameReader;
  readonly #pending = new Map<number, Pending>();
  readonly #onClose: (() => void)[] = [];
  #peerVersions: PeerVersions = null;
  #nextCorrelationId = 0;
  /** Frames of this turn; they leave in one write. */
  #outgoing: Buffer[] = [];
  /** The one timer, set to the earliest deadline known when it was set; never later than any deadline. */
  #timer: Timer | null = null;
  #timerMs = Number.POSITIVE_INFINITY;
  #closed: ChannelClosed | null = null;
  /** The frame of the last Fetch response, where its memory is to be reused. */
  #fetchFrame: Buffer | null = null;

  constructor(system: System, socket: Connection, options: ChannelOptions) {
    this.#system = system;
    this.#socket = socket;
    this.#options = { ...DEFAULTS, ...options } as ChannelOptions & typeof DEFAULTS;
    this.host = options.host;
    this.port = options.port;
    this.lastActiveMs = system.clock.elapsedMs();
    this.#reader = new FrameReader(this.#options.maxResponseBytes);
    socket.start({
      borrows: true,
      data: (chunk) => this.#receive(chunk),
      room: () => this.#reader.room(),
      end: () => this.#fail(this.#lost('the peer closed it')),
      close: (error) => this.#fail(this.#lost(error?.message ?? 'it ended', error)),
    });
  }

  get isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Requests without a response so far. */
  get inFlightCount(): number {
    return this.#pending.size;
  }

  /** The version to speak for `api` within what the caller can use; throws `UnsupportedVersion`. */
  version(api: Api, limits: { readonly min?: number; readonly max?: number } = {}): number {
    const { versions } = this.#options as ChannelOptions;
    if (typeof versions === 'function') return versions(api);
    return chooseVersion(this.#peerVersions, api, limits);
  }

  /** Sends a request and resolves to its response; errors in the response are the caller's to see. */
  async send<A extends Api>(
    api: A,
    body: RequestInput<A>,
    options: SendOptions = {},
  ): Promise<ResponseOutput<A>> {
    const version = options.version ?? this.version(api);
    const reuses = this.#options.reusesFetchMemory && api.key === apis.fetch.key;
    if (reuses && this.#fetchFrame !== null) bufferPool.release(this.#fetchFrame);
    if (reuses) this.#fetchFrame = null;
    const frame = await this.#exchange(api, version, body, options.timeoutMs);
    if (reuses) this.#fetchFrame = frame;
    return this.#decode(api, version, frame);
  }

  /** Sends a request that gets no response (Produce with acks=0). */
  sendOneWay<A extends Api>(api: A, body: RequestInput<A>, options: SendOptions = {}): void {
    if (this.#closed !== null) throw this.#unsent(this.#closed);
    this.#enqueue(api, options.version ?? this.version(api), body);
  }

  /** Calls back once, when the connection has ended for whatever reason. */
  onClose(callback: () => void): void {
    if (this.isClosed) this.#system.clock.defer(callback);
    else this.#onClose.push(callback);
  }

  close(): void {
    this.#fail(this.#lost('we closed it'));
  }

  /** Asks the peer for its versions unless they are fixed. Part of opening. */
  async agree(): Promise<void> {
    if (this.#options.versions !== 'ask') return;
    let version = apis.apiVersions.maxVersion;
    for (;;) {
      const { softwareName: clientSoftwareName, softwareVersion: clientSoftwareVersion } =
        this.#options;
      const body = version >= 3 ? { clientSoftwareName, clientSoftwareVersion } : {};
      const frame = await this.#exchange(apis.apiVersions, version, body);
      // A peer that does not know our version answers in version 0, naming its own newest.
      const isRefusal = frame.length >= 6 && frame.readInt16BE(4) === UNSUPPORTED_VERSION;
      const answer = this.#decode(apis.apiVersions, isRefusal ? 0 : version, frame);
      if (!isRefusal) {
        this.#peerVersions = new Map(answer.apiKeys.map((entry) => [entry.apiKey, entry]));
        return;
      }
      const own = answer.apiKeys.find(({ apiKey }) => apiKey === apis.apiVersions.key);
      const next = Math.min(own?.maxVersion ?? 0, version - 1);
      if (next < 0) throw this.#fail(this.#lost('it speaks no version of ApiVersions'));
      version = next;
    }
  }

  /** Whoever sends what cannot be read gets the connection closed. */
  #decode<A extends Api>(api: A, version: number, frame: Buffer): ResponseOutput<A> {
    try {
      return decodeResponse(api, version, frame).body;
    } catch (cause) {
      const error = new ChannelClosed(`${this.#name} sent a bad ${api.name} response`, { cause });
      throw this.#fail(error);
    }
  }

  get #name(): string {
    return `${this.host}:${this.port}`;
  }

  #lost(reason: string, cause?: unknown): ChannelClosed {
    return new ChannelClosed(`connection to ${this.#name} closed: ${reason}`, { cause });
  }

  #unsent(closed: ChannelClosed): ChannelClosed {
    return new ChannelClosed(closed.message, { isUnsent: true });
  }

  #exchange<A extends Api>(
    api: A,
    version: number,
    body: RequestInput<A>,
    timeoutMs = this.#options.requestTimeoutMs,
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) return reject(this.#unsent(this.#closed));
      const correlationId = this.#enqueue(api, version, body);
      const deadlineMs = this.lastActiveMs + timeoutMs;
      this.#pending.set(correlationId, { api, version, deadlineMs, resolve, reject });
      this.#armTimer(deadlineMs);
    });
  }

  #enqueue<A extends Api>(api: A, version: number, body: RequestInput<A>): number {
    const correlationId = this.#nextCorrelationId;
    const { clientId } = this.#options;
    const frame = encodeRequest(api, version, { correlationId, clientId }, body);
    this.#nextCorrelationId = correlationId === CORRELATION_ID_MAX ? 0 : correlationId + 1;
    this.lastActiveMs = this.#system.clock.elapsedMs();
    if (this.#outgoing.length === 0) this.#system.clock.defer(() => this.#flush());
    for (const buffer of frame) this.#outgoing.push(buffer);
    return correlationId;
  }

  #flush(): void {
    const out = this.#outgoing;
    this.#outgoing = [];
    if (this.#closed === null && out.length > 0) this.#socket.write(out);
  }

  #receive(chunk: Buffer): void {
    if (this.#closed !== null) return;
    this.lastActiveMs = this.#system.clock.elapsedMs();
    try {
      for (const frame of this.#reader.push(chunk, true)) this.#answered(frame);
    } catch (error) {
      this.#fail(this.#lost('it sent what is no response', error));
    }
  }

  #answered(frame: Buffer): void {
    const correlationId = frame.length >= 4 ? frame.readInt32BE(0) : -1;
    const pending = this.#pending.get(correlationId);
    if (pending === undefined) throw new Error(`no request has correlation id ${correlationId}`);
    this.#pending.delete(correlationId);
    pending.resolve(frame);
  }

  #armTimer(deadlineMs: number): void {
    if (deadlineMs >= this.#timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = deadlineMs;
    const delayMs = Math.max(0, deadlineMs - this.#system.clock.elapsedMs());
    this.#timer = this.#system.clock.setTimer(delayMs, () => this.#checkDeadlines());
  }

  /** Gives the connection up when a request is overdue; else waits for the next deadline. */
  #checkDeadlines(): void {
    const nowMs = this.#system.clock.elapsedMs();
    this.#timer = null;
    this.#timerMs = Number.POSITIVE_INFINITY;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [correlationId, { api, deadlineMs, reject }] of this.#pending) {
      if (deadlineMs > nowMs) {
        earliestMs = Math.min(earliestMs, deadlineMs);
        continue;
      }
      this.#pending.delete(correlationId);
      reject(new RequestTimeout(`no ${api.name} response from ${this.#name} in time`));
      earliestMs = Number.NEGATIVE_INFINITY;
    }
    if (earliestMs < 0) this.#fail(this.#lost('a request timed out'));
    else if (earliestMs < Number.POSITIVE_INFINITY) this.#armTimer(earliestMs);
  }

  /** Ends the channel once, for everybody who waits. */
  #fail(error: ChannelClosed): ChannelClosed {
    if (this.#closed !== null) return this.#closed;
    this.#closed = error;
    this.#timer?.cancel();
    this.#timer = null;
    this.#outgoing = [];
    this.#socket.destroy();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
    for (const callback of this.#onClose.splice(0)) callback();
    return error;
  }
}
