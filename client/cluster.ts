/**
 * A client's view of the cluster: finds it through the bootstrap servers, keeps metadata of the topics in use fresh, knows
 * leaders, controller and coordinators, and sends to them. It decides nothing about the meaning of responses to others.
 */

import { backoffMs } from '../network/backoff.ts';
import { BrokerPool, type ChannelKey } from '../network/broker-pool.ts';
import type { RequestChannel, SendOptions } from '../network/request-channel.ts';
import { type Api, apis, type RequestInput, type ResponseOutput } from '../protocol/apis.ts';
import { errorOf } from '../protocol/errors.ts';
import type { Timer } from '../system/clock.ts';
import type { System } from '../system/system.ts';
import { ClientClosed, ConfigError, protocolError, throwIfError } from './errors.ts';
import { Metadata, type PartitionInfo, type TopicInfo } from './metadata.ts';
import { retrying } from './retry.ts';

export interface ClusterOptions {
  /** host:port, several separated by commas or as a list. */
  readonly bootstrapServers: string | readonly string[];
  readonly clientId: string;
  readonly requestTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  readonly retryBackoffMs?: number;
  readonly retryBackoffMaxMs?: number;
  readonly reconnectBackoffMs?: number;
  readonly reconnectBackoffMaxMs?: number;
  readonly metadataMaxAgeMs?: number;
  readonly connectionsMaxIdleMs?: number;
  readonly allowAutoTopicCreation?: boolean;
}

export type CoordinatorType = 'group' | 'transaction';

const DEFAULTS = {
  requestTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1000,
  reconnectBackoffMs: 50,
  reconnectBackoffMaxMs: 1000,
  metadataMaxAgeMs: 300_000,
  connectionsMaxIdleMs: 540_000,
  allowAutoTopicCreation: true,
};

export class Cluster {
  readonly metadata = new Metadata();
  readonly pool: BrokerPool;
  readonly options: ClusterOptions & typeof DEFAULTS;
  /** Called after each metadata response. */
  readonly onUpdate = new Set<() => void>();
  readonly #system: System;
  readonly #bootstrapKeys: ChannelKey[] = [];
  readonly #tracked = new Set<string>();
  #tracksAll = false;
  #hasMetadata = false;
  #running: Promise<void> | null = null;
  #queued: Promise<void> | null = null;
  #isRefreshWanted = false;
  #agingTimer: Timer | null = null;
  #missingTimer: Timer | null = null;
  /** Metadata responses in a row that lacked something. */
  #incompleteCount = 0;
  #isClosed = false;

  constructor(system: System, options: ClusterOptions) {
    this.#system = system;
    this.options = { ...DEFAULTS, ...options };
    const { clientId, requestTimeoutMs, connectTimeoutMs } = this.options;
    this.pool = new BrokerPool(system, {
      clientId,
      requestTimeoutMs,
      connectTimeoutMs,
      reconnectBackoffMs: this.options.reconnectBackoffMs,
      reconnectBackoffMaxMs: this.options.reconnectBackoffMaxMs,
      idleMsMax: this.options.connectionsMaxIdleMs,
    });
    for (const [index, endpoint] of parseServers(options.bootstrapServers).entries()) {
      const key = `bootstrap-${index}`;
      this.#bootstrapKeys.push(key);
      this.pool.set(key, endpoint);
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The clock reading `timeoutMs` from now, as deadlines are given. */
  deadline(timeoutMs: number): number {
    return this.#system.clock.elapsedMs() + timeoutMs;
  }

  /** How to try again, and when to stop because there is no client any more. */
  get backoff(): { initialMs: number; maxMs: number; isClosed: () => boolean } {
    const { retryBackoffMs: initialMs, retryBackoffMaxMs: maxMs } = this.options;
    return { initialMs, maxMs, isClosed: () => this.#isClosed };
  }

  /** Keeps the metadata of these topics from now on. */
  track(topics: Iterable<string>): void {
    for (const topic of topics) this.#tracked.add(topic);
  }

  /** Keeps the metadata of exactly these topics, or of all there are. */
  trackOnly(topics: Iterable<string> | 'all'): void {
    this.#tracksAll = topics === 'all';
    this.#tracked.clear();
    if (topics !== 'all') this.track(topics);
  }

  /** Fetches metadata once, from any broker that answers; a fetch that began before this call does not count. */
  refresh(): Promise<void> {
    if (this.#running === null) {
      this.#running = this.#fetchMetadata().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#queued ??= this.#running
      .catch(() => {}) // Whoever asked for that one is told; this one is another.
      .then(() => {
        this.#queued = null;
        return this.refresh();
      });
    return this.#queued;
  }

  /** Fetches metadata in the background, soon and until it succeeds; calls that come meanwhile are one. */
  refreshLater(): void {
    if (this.#isRefreshWanted || this.#isClosed) return;
    this.#isRefreshWanted = true;
    void this.#refreshUntilDone();
  }

  async ready(deadlineMs: number): Promise<void> {
    if (!this.#hasMetadata)
      await this.#retrying(deadlineMs, 'finding the cluster', () => this.refresh());
  }

  /** A topic that stands; waits for one that is being created. Throws `ProtocolError` or `TimeoutError`. */
  async topic(name: string, deadlineMs: number): Promise<TopicInfo> {
    this.track([name]);
    const known = this.metadata.topics.get(name);
    if (known?.errorCode === 0 && known.partitions.length > 0) return known;
    return this.#retrying(deadlineMs, `waiting for metadata of topic ${name}`, async () => {
      await this.refresh();
      const topic = this.metadata.topics.get(name);
      throwIfError(topic?.errorCode ?? UNKNOWN_TOPIC_OR_PARTITION);
      return topic as TopicInfo;
    });
  }

  /** The partition's leader as far as known; null sends nobody anywhere. */
  leader(topic: string, partition: number): PartitionInfo | null {
    const info = this.metadata.partition(topic, partition);
    if (info === undefined || info.leaderId < 0) return null;
    return this.metadata.brokers.has(info.leaderId) ? info : null;
  }

  send<A extends Api>(
    broker: ChannelKey,
    api: A,
    body: RequestInput<A>,
    options: SendOptions = {},
  ): Promise<ResponseOutput<A>> {
    return this.pool.send(broker, api, body, options);
  }

  /** Sends what depends on the version that was agreed on with that broker. */
  async sendAs<A extends Api>(
    broker: ChannelKey,
    api: A,
    body: (version: number, channel: RequestChannel) => RequestInput<A>,
    options: SendOptions = {},
  ): Promise<ResponseOutput<A>> {
    const channel = await this.pool.channel(broker);
    const version = options.version ?? channel.version(api);
    return channel.send(api, body(version, channel), { ...options, version });
  }

  /** Some broker, preferring one with an open connection and little in flight. */
  anyBroker(): ChannelKey {
    const ids = [...this.metadata.brokers.keys()];
    if (ids.length === 0) ids.push(...(this.#bootstrapKeys as number[]));
    const start = this.#system.random.int(ids.length);
    let best = ids[start] as ChannelKey;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (let index = 0; index < ids.length; index++) {
      const id = ids[(start + index) % ids.length] as ChannelKey;
      const load = this.#load(id);
      if (load < bestLoad) [best, bestLoad] = [id, load];
    }
    return best;
  }

  /** The controller's id; throws a retriable error while none is known. */
  async controller(deadlineMs: number): Promise<number> {
    await this.ready(deadlineMs);
    const { controllerId, brokers } = this.metadata;
    if (controllerId >= 0 && brokers.has(controllerId)) return controllerId;
    await this.refresh();
    if (this.metadata.controllerId < 0) throw protocolError(NOT_CONTROLLER);
    return this.metadata.controllerId;
  }

  /** Asks once who coordinates; the connection is apart from the one that carries data. */
  async findCoordinator(
    type: CoordinatorType,
    name: string,
    deadlineMs: number,
  ): Promise<{ key: ChannelKey; id: number; host: string; port: number }> {
    await this.ready(deadlineMs);
    const keyType = type === 'group' ? 0 : 1;
    const response = await this.sendAs(this.anyBroker(), apis.findCoordinator, (version) =>
      version >= 4
        ? { keyType, coordinatorKeys: [name] }
        : { key: name, ...(version >= 1 ? { keyType } : {}) },
    );
    const found = response.coordinators[0] ?? response;
    throwIfError(found.errorCode, found.errorMessage);
    const { nodeId: id, host, port } = found;
    const key = `coordinator-${id}`;
    this.pool.set(key, { host, port });
    return { key, id, host, port };
  }

  close(): void {
    this.#isClosed = true;
    this.#agingTimer?.cancel();
    this.#missingTimer?.cancel();
    this.onUpdate.clear();
    this.pool.close();
  }

  #retrying<T>(deadlineMs: number, what: string, attempt: () => Promise<T>): Promise<T> {
    return retrying(this.#system, { ...this.backoff, deadlineMs, what }, attempt);
  }

  #load(key: ChannelKey): number {
    if (this.pool.isBackingOff(key)) return 1_000_000;
    const channel = this.pool.current(key);
    return channel === null ? 1000 : channel.inFlightCount;
  }

  async #refreshUntilDone(): Promise<void> {
    const { clock, random, logger } = this.#system;
    for (let failures = 0; !this.#isClosed; failures++) {
      try {
        await this.refresh();
        break;
      } catch (error) {
        logger.debug({ err: error }, 'metadata could not be fetched');
        await clock.sleep(backoffMs(random, failures, this.backoff));
      }
    }
    this.#isRefreshWanted = false;
  }

  async #fetchMetadata(): Promise<void> {
    const keys: ChannelKey[] = [...this.metadata.brokers.keys()];
    if (keys.length > 0) keys.splice(0, 0, this.anyBroker());
    keys.push(...this.#bootstrapKeys);
    let failure: unknown;
    for (const key of new Set(keys)) {
      if (this.#isClosed) throw new ClientClosed('the client is closed');
      try {
        return await this.#fetchMetadataFrom(key);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #fetchMetadataFrom(key: ChannelKey): Promise<void> {
    const isWhole = this.#tracksAll;
    const names = [...this.#tracked];
    const { allowAutoTopicCreation } = this.options;
    const response = await this.sendAs(key, apis.metadata, (version) => ({
      topics: isWhole ? null : names.map((name) => ({ name })),
      ...(version >= 4 ? { allowAutoTopicCreation } : {}),
    }));
    if (this.#isClosed) throw new ClientClosed('the client is closed');
    // A broker that has just started knows nobody yet; its answer would only make us forget the others.
    if (response.brokers.length === 0) throw protocolError(LEADER_NOT_AVAILABLE);
    this.metadata.apply(response, isWhole);
    this.#hasMetadata = true;
    this.#followBrokers();
    this.#armAging();
    this.#planAnother();
    for (const callback of [...this.onUpdate]) callback();
  }

  #followBrokers(): void {
    const { brokers } = this.metadata;
    for (const { id, host, port } of brokers.values()) this.pool.set(id, { host, port });
    for (const key of [...this.pool.keys()]) {
      if (typeof key === 'number' && !brokers.has(key)) this.pool.remove(key);
    }
    // The bootstrap servers are only a way in; they stay as the last resort.
    for (const key of this.#bootstrapKeys) this.pool.current(key)?.close();
  }

  /** Asks again, ever less often, while something in use is missing. */
  #planAnother(): void {
    if (!this.#needsAnother()) {
      this.#incompleteCount = 0;
      return;
    }
    this.#missingTimer?.cancel();
    const { clock, random } = this.#system;
    const delayMs = backoffMs(random, this.#incompleteCount++, this.backoff);
    this.#missingTimer = clock.setTimer(delayMs, () => this.refreshLater());
  }

  /** A partition in use has no leader, or a topic does not exist and may appear. */
  #needsAnother(): boolean {
    for (const name of this.#tracked) {
      const topic = this.metadata.topics.get(name);
      if (topic === undefined) continue;
      if (topic.errorCode !== 0 && errorOf(topic.errorCode).isRetriable) return true;
      if (topic.partitions.some(({ leaderId }) => leaderId < 0)) return true;
    }
    return false;
  }

  #armAging(): void {
    this.#agingTimer?.cancel();
    const { metadataMaxAgeMs } = this.options;
    this.#agingTimer = this.#system.clock.setTimer(metadataMaxAgeMs, () => this.refreshLater());
  }
}

const UNKNOWN_TOPIC_OR_PARTITION = 3;
const LEADER_NOT_AVAILABLE = 5;
const NOT_CONTROLLER = 41;

/** Addresses from `host:port,host:port`; an IPv6 host stands in brackets. */
export const parseServers = (
  servers: string | readonly string[],
): { host: string; port: number }[] => {
  const parts = (typeof servers === 'string' ? servers.split(',') : servers)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) throw new ConfigError('no bootstrap server given');
  return parts.map((part) => {
    const match = /^(?:[A-Z_]+:\/\/)?(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(part);
    const host = match?.[1] ?? match?.[2];
    if (match === null || host === undefined) {
      throw new ConfigError(`invalid url in bootstrap.servers: ${part}`);
    }
    return { host, port: Number(match[3]) };
  });
};
