/**
 * The producer: takes records, chooses their partitions, waits for metadata and memory, and hands them to the
 * accumulator; the sender does the rest. Settings and their defaults are the Java client's; transactions are not here.
 */

import type { Codec } from '../protocol/compression.ts';
import type { RecordInput } from '../protocol/record-batch.ts';
import type { Timer } from '../system/clock.ts';
import type { System } from '../system/system.ts';
import {
  Accumulator,
  type PartitionQueue,
  type RecordMetadata,
  recordBytesMax,
  type SendCallback,
} from './accumulator.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import {
  ClientClosed,
  ConfigError,
  protocolError,
  RecordTooLarge,
  TimeoutError,
} from './errors.ts';
import type { TopicInfo } from './metadata.ts';
import { partitionOfKey, StickyPartitioner } from './partitioner.ts';
import { retrying, settledWithin } from './retry.ts';
import { Sender } from './sender.ts';
import { tell } from './settlement.ts';

export type { RecordMetadata, SendCallback } from './accumulator.ts';

/** Text counts as its UTF-8 bytes. */
type Bytes = Buffer | string | null;

export interface ProducerRecord {
  readonly topic: string;
  /** Chosen by key, or spread, when left out. */
  readonly partition?: number;
  readonly key?: Bytes;
  readonly value: Bytes;
  readonly headers?: readonly { readonly key: string; readonly value: Bytes }[];
  /** Now, when left out. */
  readonly timestamp?: number;
}

export interface ProducerOptions extends Omit<ClusterOptions, 'clientId'> {
  readonly clientId?: string;
  readonly acks?: 'all' | -1 | 0 | 1;
  readonly enableIdempotence?: boolean;
  readonly retries?: number;
  readonly maxInFlightRequestsPerConnection?: number;
  readonly batchSize?: number;
  readonly lingerMs?: number;
  readonly bufferMemory?: number;
  readonly maxBlockMs?: number;
  readonly maxRequestSize?: number;
  readonly deliveryTimeoutMs?: number;
  readonly compressionType?: Codec;
  readonly compressionLevel?: number;
}

const DEFAULTS = {
  clientId: 'producer-1',
  retries: 2_147_483_647,
  maxInFlightRequestsPerConnection: 5,
  batchSize: 16_384,
  lingerMs: 0,
  bufferMemory: 33_554_432,
  maxBlockMs: 60_000,
  maxRequestSize: 1_048_576,
  compressionType: 'none' as Codec,
  requestTimeoutMs: 30_000,
};

type Settings = ProducerOptions & typeof DEFAULTS;

/** A record that waits for metadata of its topic, or for memory. */
interface Waiting {
  readonly record: ProducerRecord;
  readonly callback: SendCallback;
  readonly deadlineMs: number;
  /** It has found its place in a batch, or has failed. */
  isOver: boolean;
}

/** A producer; it connects with the first record. */
export const createProducer = (system: System, options: ProducerOptions): Producer =>
  new Producer(system, options);

export class Producer {
  readonly #system: System;
  readonly #settings: Settings;
  readonly #cluster: Cluster;
  readonly #accumulator: Accumulator;
  readonly #sender: Sender;
  readonly #sticky: StickyPartitioner;
  /** By topic, in the order of the calls: a topic's records never overtake each other. */
  readonly #waiting = new Map<string, Waiting[]>();
  /** Topics whose metadata is being waited for. */
  readonly #asking = new Set<string>();
  /** Whoever flushes, and looks again after each step forward. */
  readonly #flushing: (() => void)[] = [];
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(system: System, options: ProducerOptions) {
    const settings: Settings = { ...DEFAULTS, ...options };
    const acks = settings.acks === 'all' || settings.acks === undefined ? -1 : settings.acks;
    const isIdempotent = checkIdempotence(settings, acks);
    this.#system = system;
    this.#settings = settings;
    this.#cluster = new Cluster(system, settings);
    this.#accumulator = new Accumulator({
      batchBytes: settings.batchSize,
      lingerMs: settings.lingerMs,
      bufferBytes: settings.bufferMemory,
      isCompressed: settings.compressionType !== 'none',
    });
    this.#sticky = new StickyPartitioner(system.random, settings.batchSize);
    const onRoom = (): void => this.#admitWaiting();
    const collaborators = { cluster: this.#cluster, accumulator: this.#accumulator, onRoom };
    this.#sender = new Sender(system, collaborators, {
      acks,
      isIdempotent,
      retries: settings.retries,
      maxInFlight: settings.maxInFlightRequestsPerConnection,
      maxRequestBytes: settings.maxRequestSize,
      requestTimeoutMs: settings.requestTimeoutMs,
      deliveryTimeoutMs: deliveryTimeoutMs(settings),
      compression: settings.compressionType,
      ...(settings.compressionLevel === undefined
        ? {}
        : { compressionLevel: settings.compressionLevel }),
    });
  }

  /** Resolves when the record is acknowledged as `acks` asks; rejects when it will not be. */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      this.post(record, (error, metadata) =>
        error === null ? resolve(metadata as RecordMetadata) : reject(error),
      );
    });
  }

  /** The same with a callback, which costs less; errors go to it too. */
  post(record: ProducerRecord, callback: SendCallback = ignore): void {
    if (this.#isClosed) return callback(new ClientClosed('the producer is closed'), null);
    if (this.#sender.failure !== null) return callback(this.#sender.failure, null);
    const ahead = this.#waiting.get(record.topic);
    if (ahead === undefined && this.#append(record, callback)) return;
    const deadlineMs = this.#system.clock.elapsedMs() + this.#settings.maxBlockMs;
    const waiting = { record, callback, deadlineMs, isOver: false };
    if (ahead === undefined) this.#waiting.set(record.topic, [waiting]);
    else ahead.push(waiting);
    this.#askTopic(record.topic);
    this.#armTimer();
  }

  /** The topic's partitions as known, once it is. */
  async partitionsFor(topic: string): Promise<TopicInfo> {
    return this.#cluster.topic(topic, this.#cluster.deadline(this.#settings.maxBlockMs));
  }

  /** Resolves when every record sent before this call has been acknowledged or given up; nothing lingers meanwhile. */
  async flush(): Promise<void> {
    this.#accumulator.flushCount++;
    this.#sender.wake();
    try {
      await this.#settled();
    } finally {
      this.#accumulator.flushCount--;
    }
  }

  /** Sends what is there, for at most `timeoutMs`, then fails the rest and disconnects. */
  async close(timeoutMs = Number.MAX_SAFE_INTEGER): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (timeoutMs > 0) await settledWithin(this.#system, this.flush(), timeoutMs);
    this.#timer?.cancel();
    this.#failWaiting(() => new ClientClosed('the producer was closed'));
    this.#sender.close();
    this.#cluster.close();
    this.#progressed();
  }

  #progressed(): void {
    for (const resolve of this.#flushing.splice(0)) resolve();
  }

  /** Waits for what is there now; what comes meanwhile could keep it waiting for ever. */
  async #settled(): Promise<void> {
    const waiting = [...this.#waiting.values()].flat();
    for (const item of waiting) await this.#until(() => item.isOver);
    for (const batch of [...this.#accumulator.incomplete]) await this.#until(() => batch.isSettled);
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (!isReached() && !this.#cluster.isClosed)
      await new Promise<void>((resolve) => this.#flushing.push(resolve));
  }

  /** Appends now; false when metadata or memory is missing. A record that cannot be sent at all fails at once. */
  #append(record: ProducerRecord, callback: SendCallback): boolean {
    const topic = this.#cluster.metadata.topics.get(record.topic);
    if (topic === undefined || topic.errorCode !== 0) return false;
    const partitionCount = topic.partitions.length;
    if (record.partition !== undefined && record.partition >= partitionCount) return false;
    const input = toInput(record, this.#system.clock.nowMs());
    const bytes = recordBytesMax(input);
    const { maxRequestSize, bufferMemory } = this.#settings;
    if (bytes > maxRequestSize || bytes > bufferMemory) {
      const error = new RecordTooLarge(`a record of ${bytes} bytes is larger than allowed`);
      tell(this.#system.logger, callback, error, null);
      return true;
    }
    if (!this.#accumulator.hasRoom(bytes)) {
      this.#accumulator.isOutOfMemory = true;
      this.#sender.wake();
      return false;
    }
    const queue = this.#queueFor(record, input, topic);
    const isFull = this.#accumulator.append(queue, input, callback, this.#system.clock.elapsedMs());
    if (record.partition === undefined && input.key === null) {
      this.#sticky.appended(record.topic, bytes, isFull);
    }
    this.#sender.wake();
    return true;
  }

  #queueFor(record: ProducerRecord, { key }: RecordInput, topic: TopicInfo): PartitionQueue {
    const { name, partitions } = topic;
    if (record.partition !== undefined) return this.#accumulator.queue(name, record.partition);
    if (key !== null) {
      return this.#accumulator.queue(name, partitionOfKey(key, partitions.length));
    }
    const partition = this.#sticky.partition(name, {
      partitionCount: partitions.length,
      // Asked for only when a new partition is chosen.
      get available() {
        return partitions.filter(({ leaderId }) => leaderId >= 0).map((info) => info.partition);
      },
      queued: (number) => this.#accumulator.queue(name, number).batches.length,
    });
    return this.#accumulator.queue(name, partition);
  }

  /** Waits for a topic's metadata in the background, then takes up its records. */
  #askTopic(topic: string): void {
    if (this.#asking.has(topic)) return;
    const wanted = this.#waiting.get(topic)?.[0]?.record.partition ?? 0;
    const known = this.#cluster.metadata.topics.get(topic);
    if (known?.errorCode === 0 && wanted < known.partitions.length) return;
    this.#asking.add(topic);
    const deadlineMs = this.#cluster.deadline(this.#settings.maxBlockMs);
    const asked =
      known?.errorCode === 0
        ? this.#findPartition(topic, deadlineMs)
        : this.#cluster.topic(topic, deadlineMs);
    asked.then(
      () => {
        this.#asking.delete(topic);
        this.#admitTopic(topic);
      },
      (error: Error) => {
        this.#asking.delete(topic);
        this.#failWaiting(() => error, topic);
      },
    );
  }

  /** The first record's partition may have been added lately; if not, that record fails alone. */
  async #findPartition(topic: string, deadlineMs: number): Promise<void> {
    const what = `waiting for a partition of topic ${topic}`;
    const options = { ...this.#cluster.backoff, deadlineMs, what };
    await retrying(this.#system, options, () => this.#cluster.refresh());
    const count = this.#cluster.metadata.topics.get(topic)?.partitions.length ?? 0;
    const waiting = this.#waiting.get(topic) ?? [];
    const wanted = waiting[0]?.record.partition ?? 0;
    if (wanted < count) return;
    const text = `topic ${topic} has ${count} partitions, none is number ${wanted}`;
    this.#failAll(waiting.splice(0, 1), protocolError(3, text));
  }

  #admitWaiting(): void {
    this.#accumulator.isOutOfMemory = false;
    for (const topic of [...this.#waiting.keys()]) this.#admitTopic(topic);
    this.#progressed();
  }

  #admitTopic(topic: string): void {
    const waiting = this.#waiting.get(topic);
    if (waiting === undefined) return;
    let count = 0;
    for (const item of waiting) {
      if (!this.#append(item.record, item.callback)) break;
      item.isOver = true;
      count++;
    }
    waiting.splice(0, count);
    if (waiting.length === 0) this.#waiting.delete(topic);
    else this.#askTopic(topic);
    this.#progressed();
  }

  #failWaiting(error: (topic: string) => Error, only?: string): void {
    for (const [topic, waiting] of [...this.#waiting]) {
      if (only !== undefined && topic !== only) continue;
      this.#waiting.delete(topic);
      this.#failAll(waiting, error(topic));
    }
    this.#admitWaiting();
  }

  #failAll(waiting: readonly Waiting[], error: Error): void {
    for (const item of waiting) {
      item.isOver = true;
      tell(this.#system.logger, item.callback, error, null);
    }
  }

  /** Records that have waited for max.block.ms fail; the ones behind them came later. */
  #armTimer(): void {
    if (this.#timer !== null) return;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [first] of this.#waiting.values()) {
      if (first !== undefined) earliestMs = Math.min(earliestMs, first.deadlineMs);
    }
    if (earliestMs === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#system;
    this.#timer = clock.setTimer(Math.max(1, earliestMs - clock.elapsedMs()), () => {
      this.#timer = null;
      this.#expireWaiting();
      this.#armTimer();
    });
  }

  #expireWaiting(): void {
    const nowMs = this.#system.clock.elapsedMs();
    for (const [topic, waiting] of [...this.#waiting]) {
      const left = waiting.findIndex(({ deadlineMs }) => deadlineMs > nowMs);
      const gone = waiting.splice(0, left < 0 ? waiting.length : left);
      if (waiting.length === 0) this.#waiting.delete(topic);
      this.#failAll(gone, new TimeoutError(`no metadata or memory for topic ${topic} in time`));
    }
    this.#admitWaiting();
  }
}

const ignore: SendCallback = () => {};

const toBuffer = (value: Bytes | undefined): Buffer | null =>
  typeof value === 'string' ? Buffer.from(value) : (value ?? null);

const toInput = (record: ProducerRecord, nowMs: number): RecordInput => {
  const input = {
    key: toBuffer(record.key),
    value: toBuffer(record.value),
    timestamp: record.timestamp ?? nowMs,
  };
  if (record.headers === undefined) return input;
  const headers = record.headers.map(({ key, value }) => ({ key, value: toBuffer(value) }));
  return { ...input, headers };
};

/** Idempotence is on unless a setting speaks against it; asked for beside such a setting, it is an error (KIP-679). */
const checkIdempotence = (settings: Settings, acks: -1 | 0 | 1): boolean => {
  const { enableIdempotence, retries, maxInFlightRequestsPerConnection: inFlight } = settings;
  if (enableIdempotence === false) return false;
  const conflict =
    (acks !== -1 && 'acks=all') ||
    (retries === 0 && 'retries above 0') ||
    (inFlight > 5 && 'at most 5 requests in flight');
  if (conflict === false) return true;
  if (enableIdempotence === true) throw new ConfigError(`an idempotent producer needs ${conflict}`);
  return false;
};

const DELIVERY_TIMEOUT_MS = 120_000;

/** At least linger and request timeout together; raised when it was not set. */
const deliveryTimeoutMs = (settings: Settings): number => {
  const leastMs = settings.lingerMs + settings.requestTimeoutMs;
  const { deliveryTimeoutMs: wantedMs } = settings;
  if (wantedMs === undefined) return Math.max(DELIVERY_TIMEOUT_MS, leastMs);
  if (wantedMs >= leastMs) return wantedMs;
  throw new ConfigError('delivery.timeout.ms must be at least linger.ms + request.timeout.ms');
};
