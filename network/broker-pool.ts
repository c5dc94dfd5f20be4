/**
 * Channels by broker: dialed when first used, shared, dialed again after a loss, with growing, jittered pauses after
 * failed dials (reconnect.backoff.ms, KIP-144). Who is where is told by the owner; nothing is looked up here.
 */
import type { Api, RequestInput, ResponseOutput } from '../protocol/apis.ts';
import type { System } from '../system/system.ts';
import { backoffMs } from './backoff.ts';
import { ChannelClosed } from './errors.ts';
import {
  type ChannelOptions,
  openChannel,
  type RequestChannel,
  type SendOptions,
} from './request-channel.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface PoolOptions extends Omit<ChannelOptions, 'host' | 'port'> {
  readonly reconnectBackoffMs?: number;
  readonly reconnectBackoffMaxMs?: number;
  /** A channel silent for longer is replaced before its next use, since the broker may be closing it. */
  readonly idleMsMax?: number;
}

/** A broker's id, or a name where one broker gets several connections (fetcher, coordinator). */
export type ChannelKey = number | string;

interface Entry {
  endpoint: Endpoint;
  channel: RequestChannel | null;
  dialing: Promise<RequestChannel> | null;
  failedDials: number;
  /** Elapsed time before which it is not dialed again. */
  notBeforeMs: number;
}

export class BrokerPool {
  readonly #system: System;
  readonly #options: PoolOptions;
  readonly #entries = new Map<ChannelKey, Entry>();
  #isClosed = false;

  constructor(system: System, options: PoolOptions) {
    this.#system = system;
    this.#options = options;
  }

  keys(): IterableIterator<ChannelKey> {
    return this.#entries.keys();
  }

  endpoint(key: ChannelKey): Endpoint | undefined {
    return this.#entries.get(key)?.endpoint;
  }

  /** Says where a broker is; a new address closes the channel to the old one. */
  set(key: ChannelKey, endpoint: Endpoint): void {
    const entry = this.#entries.get(key);
    if (entry?.endpoint.host === endpoint.host && entry.endpoint.port === endpoint.port) return;
    entry?.channel?.close();
    this.#entries.set(key, {
      endpoint,
      channel: null,
      dialing: null,
      failedDials: 0,
      notBeforeMs: 0,
    });
  }

  /** Forgets a broker and closes its channel. */
  remove(key: ChannelKey): void {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    entry?.channel?.close();
  }

  /** A dial has failed a moment ago, and the pause after it is not over. */
  isBackingOff(key: ChannelKey): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.notBeforeMs > this.#system.clock.elapsedMs();
  }

  /** The open channel, if there is one now. */
  current(key: ChannelKey): RequestChannel | null {
    const channel = this.#entries.get(key)?.channel ?? null;
    return channel === null || channel.isClosed ? null : channel;
  }

  /** An open channel; dials if need be, after the pause that a failed dial left. Throws `ChannelClosed`. */
  async channel(key: ChannelKey): Promise<RequestChannel> {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#isClosed) {
      throw new ChannelClosed(`no address for broker ${key}`, { isUnsent: true });
    }
    const { channel } = entry;
    if (channel !== null && !channel.isClosed) {
      if (!this.#isStale(channel)) return channel;
      channel.close();
    }
    entry.dialing ??= this.#dial(key, entry).finally(() => {
      entry.dialing = null;
    });
    return entry.dialing;
  }

  /** Sends over the broker's channel; see `RequestChannel.send`. */
  async send<A extends Api>(
    key: ChannelKey,
    api: A,
    body: RequestInput<A>,
    options: SendOptions = {},
  ): Promise<ResponseOutput<A>> {
    const current = this.current(key);
    const isUsable = current !== null && !this.#isStale(current);
    const channel = isUsable ? current : await this.channel(key);
    return channel.send(api, body, options);
  }

  close(): void {
    this.#isClosed = true;
    for (const key of [...this.#entries.keys()]) this.remove(key);
  }

  #isStale(channel: RequestChannel): boolean {
    const { idleMsMax } = this.#options;
    if (idleMsMax === undefined || idleMsMax < 0 || channel.inFlightCount > 0) return false;
    return this.#system.clock.elapsedMs() - channel.lastActiveMs > idleMsMax;
  }

  async #dial(key: ChannelKey, entry: Entry): Promise<RequestChannel> {
    const { clock, random } = this.#system;
    const waitMs = entry.notBeforeMs - clock.elapsedMs();
    if (waitMs > 0) await clock.sleep(waitMs);
    this.#checkCurrent(key, entry);
    const { reconnectBackoffMs = 50, reconnectBackoffMaxMs = 1000 } = this.#options;
    let channel: RequestChannel;
    try {
      channel = await openChannel(this.#system, { ...this.#options, ...entry.endpoint });
    } catch (error) {
      const pauseMs = backoffMs(random, entry.failedDials++, {
        initialMs: reconnectBackoffMs,
        maxMs: reconnectBackoffMaxMs,
      });
      entry.notBeforeMs = clock.elapsedMs() + pauseMs;
      throw error;
    }
    try {
      this.#checkCurrent(key, entry);
    } catch (error) {
      channel.close();
      throw error;
    }
    entry.failedDials = 0;
    entry.notBeforeMs = 0;
    entry.channel = channel;
    return channel;
  }

  /** The broker may have moved or gone while we waited. */
  #checkCurrent(key: ChannelKey, entry: Entry): void {
    if (this.#isClosed || this.#entries.get(key) !== entry) {
      throw new ChannelClosed(`broker ${key} has moved or gone`, { isUnsent: true });
    }
  }
}
