/**
 * Fetches for a consumer: one request at a time per broker, for partitions that may be fetched and have nothing left over,
 * sent ahead so that the next records are there when they are asked for (C9 of the Java client's behaviour). Every fetch
 * is a full one: no incremental sessions.
 */
import type { RequestChannel } from '../network/request-channel.ts';
import { apis, type ResponseOutput } from '../protocol/apis.ts';
import { errorCodes, errorOf } from '../protocol/errors.ts';
import { ZERO_UUID } from '../protocol/uuid.ts';
import { groupBy } from '../system/group-by.ts';
import type { System } from '../system/system.ts';
import type { Cluster } from './cluster.ts';
import { NoOffset, protocolError } from './errors.ts';
import { type ConsumerRecord, FetchedRecords } from './fetched-records.ts';
import { type PartitionPosition, type Positions, partitionKey, type ResetTo } from './positions.ts';

export interface FetcherOptions {
  readonly fetchMinBytes: number;
  readonly fetchMaxBytes: number;
  readonly fetchMaxWaitMs: number;
  readonly maxPartitionFetchBytes: number;
  readonly isReadCommitted: boolean;
  readonly checkCrcs: boolean;
  readonly clientRack: string;
  /** What to do when a position is gone; null: throw. */
  readonly resetTo: ResetTo | null;
}

interface Fetch {
  readonly position: PartitionPosition;
  readonly version: number;
  readonly offset: number;
}

interface Buffered extends Fetch {
  readonly records: FetchedRecords;
}

type FetchResponse = ResponseOutput<typeof apis.fetch>;
type PartitionData = FetchResponse['responses'][number]['partitions'][number];

/** The last version that names topics; later ones need their ids. */
const LAST_VERSION_WITH_NAMES = 12;
const FIRST_VERSION_WITH_BATCHES = 4;

export class Fetcher {
  readonly #system: System;
  readonly #cluster: Cluster;
  readonly #positions: Positions;
  readonly #options: FetcherOptions;
  /** Brokers with a fetch, or a dial, under way. */
  readonly #busy = new Set<number>();
  /** Fetched and not taken yet, in the order of arrival. */
  readonly #buffered = new Map<string, Buffered>();
  #failure: Error | null = null;
  #waiters: (() => void)[] = [];
  #isWakePending = false;

  constructor(
    system: System,
    collaborators: { cluster: Cluster; positions: Positions },
    options: FetcherOptions,
  ) {
    this.#system = system;
    this.#cluster = collaborators.cluster;
    this.#positions = collaborators.positions;
    this.#options = options;
  }

  /** Sends what may be fetched now to brokers that have nothing to do. */
  sendFetches(): void {
    const nowMs = this.#system.clock.elapsedMs();
    const byBroker = new Map<number, Fetch[]>();
    for (const position of this.#positions.all()) {
      if (!this.#mayFetch(position, nowMs)) continue;
      const broker = this.#brokerOf(position, nowMs);
      if (broker === null || this.#busy.has(broker)) continue;
      const fetch = {
        position,
        version: position.version,
        offset: position.offset as number,
      };
      const fetches = byBroker.get(broker);
      if (fetches === undefined) byBroker.set(broker, [fetch]);
      else fetches.push(fetch);
    }
    for (const [broker, fetches] of byBroker) this.#sendTo(broker, fetches);
  }

  /** Takes up to `countMax` records in the order of each partition; throws what a fetch met. */
  collect(countMax: number): ConsumerRecord[] {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
    const out: ConsumerRecord[] = [];
    for (const [key, buffered] of this.#buffered) {
      if (out.length >= countMax) break;
      if (!this.#isCurrent(buffered)) {
        this.#buffered.delete(key);
        continue;
      }
      const { position } = buffered;
      if (position.isPaused || position.isRevoking) continue;
      this.#take(key, buffered, { out, countMax });
    }
    return out;
  }

  /** Resolves when a fetch has ended, `notify` was called, or `timeoutMs` are over. */
  wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#system.clock.setTimer(Math.max(0, timeoutMs), () => this.notify());
      this.#waiters.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Wakes whoever waits. */
  notify(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  #take(
    key: string,
    buffered: Buffered,
    { out, countMax }: { out: ConsumerRecord[]; countMax: number },
  ): void {
    const { position, records } = buffered;
    const countBefore = out.length;
    let isAtEnd = false;
    try {
      while (out.length < countMax) {
        const record = records.next();
        if (record === null) {
          isAtEnd = true;
          break;
        }
        out.push(record);
      }
    } catch (error) {
      this.#buffered.delete(key);
      // What stands before the damage is still handed out; the next poll meets the error again.
      if (out.length === countBefore) throw error;
    }
    position.offset = records.nextOffset;
    if (records.leaderEpoch >= 0) position.leaderEpoch = records.leaderEpoch;
    if (isAtEnd) this.#buffered.delete(key);
  }

  /** No seek and no rebalance has come between. */
  #isCurrent({ position, version }: Fetch): boolean {
    return this.#positions.has(position) && position.version === version;
  }

  #mayFetch(position: PartitionPosition, nowMs: number): boolean {
    if (!position.isFetchable || position.notBeforeMs > nowMs) return false;
    const buffered = this.#buffered.get(partitionKey(position));
    return buffered === undefined || !this.#isCurrent(buffered);
  }

  #brokerOf(position: PartitionPosition, nowMs: number): number | null {
    const leader = this.#cluster.leader(position.topic, position.partition);
    if (leader === null) {
      this.#cluster.refreshLater();
      return null;
    }
    // A new leader's epoch is checked first, see position-finder.ts.
    if (position.checkedEpoch !== leader.leaderEpoch) return null;
    const { preferredReplica } = position;
    if (preferredReplica < 0 || preferredReplica === leader.leaderId) return leader.leaderId;
    const isUsable =
      position.preferredUntilMs > nowMs && this.#cluster.metadata.brokers.has(preferredReplica);
    if (isUsable) return preferredReplica;
    position.preferredReplica = -1;
    return leader.leaderId;
  }

  #sendTo(broker: number, fetches: readonly Fetch[]): void {
    this.#busy.add(broker);
    void this.#fetch(broker, fetches)
      .catch((error: unknown) => {
        this.#system.logger.debug({ err: error, broker }, 'a fetch failed');
        this.#cluster.refreshLater();
        for (const { position } of fetches) this.#pause(position);
      })
      .finally(() => {
        this.#busy.delete(broker);
        this.notify();
      });
  }

  async #fetch(broker: number, fetches: readonly Fetch[]): Promise<void> {
    const { pool } = this.#cluster;
    const channel = pool.current(broker) ?? (await pool.channel(broker));
    const hasIds = fetches.every(({ position }) => this.#topicId(position.topic) !== null);
    const limits = { min: FIRST_VERSION_WITH_BATCHES };
    const version = channel.version(
      apis.fetch,
      hasIds ? limits : { ...limits, max: LAST_VERSION_WITH_NAMES },
    );
    const current = fetches.filter((fetch) => this.#isCurrent(fetch));
    if (current.length === 0) return;
    const response = await this.#request(channel, version, current);
    if (response.errorCode !== 0) throw protocolError(response.errorCode);
    const byKey = new Map(current.map((fetch) => [partitionKey(fetch.position), fetch]));
    for (const { topic, topicId, partitions } of response.responses) {
      const name =
        version > LAST_VERSION_WITH_NAMES ? this.#cluster.metadata.topicName(topicId) : topic;
      for (const data of partitions) {
        const key = partitionKey({ topic: name ?? '', partition: data.partitionIndex });
        const fetch = byKey.get(key);
        if (fetch !== undefined) this.#handle(fetch, data);
      }
    }
  }

  #request(
    channel: RequestChannel,
    version: number,
    fetches: readonly Fetch[],
  ): Promise<FetchResponse> {
    const options = this.#options;
    const topics = groupBy(fetches, ({ position }) => position.topic);
    const body = {
      maxWaitMs: options.fetchMaxWaitMs,
      minBytes: options.fetchMinBytes,
      maxBytes: options.fetchMaxBytes,
      isolationLevel: options.isReadCommitted ? 1 : 0,
      rackId: options.clientRack,
      topics: [...topics].map(([topic, group]) => ({
        topic,
        topicId: this.#topicId(topic) ?? ZERO_UUID,
        partitions: group.map(({ position, offset }) => ({
          partition: position.partition,
          currentLeaderEpoch: position.checkedEpoch,
          fetchOffset: offset,
          partitionMaxBytes: options.maxPartitionFetchBytes,
        })),
      })),
      forgottenTopicsData: [],
    };
    return channel.send(apis.fetch, version < 7 ? omitForgotten(body) : body, { version });
  }

  #topicId(topic: string): string | null {
    return this.#cluster.metadata.topics.get(topic)?.topicId ?? null;
  }

  #handle(fetch: Fetch, data: PartitionData): void {
    if (!this.#isCurrent(fetch)) return;
    const { position, offset } = fetch;
    if (data.errorCode !== 0) return this.#handleError(fetch, data);
    position.highWatermark = data.highWatermark;
    position.lastStableOffset = data.lastStableOffset;
    position.logStartOffset = data.logStartOffset;
    if (data.preferredReadReplica >= 0) {
      const nowMs = this.#system.clock.elapsedMs();
      position.preferredReplica = data.preferredReadReplica;
      position.preferredUntilMs = nowMs + this.#cluster.options.metadataMaxAgeMs;
    }
    const buffer = data.records;
    if (buffer === null || buffer.length === 0) return;
    const aborted = this.#options.isReadCommitted ? (data.abortedTransactions ?? []) : null;
    const options = { checksCrc: this.#options.checkCrcs, aborted };
    const records = new FetchedRecords(position, { offset, buffer }, options);
    this.#buffered.set(partitionKey(position), { ...fetch, records });
  }

  #handleError({ position, offset }: Fetch, data: PartitionData): void {
    const { errorCode, currentLeader } = data;
    if (errorCode === errorCodes.OFFSET_OUT_OF_RANGE) return this.#outOfRange(position, offset);
    const { isRetriable, refreshesMetadata } = errorOf(errorCode);
    const isFatal =
      errorCode === errorCodes.CORRUPT_MESSAGE ||
      (!isRetriable && errorCode !== errorCodes.UNKNOWN_SERVER_ERROR);
    this.#pause(position);
    position.preferredReplica = -1;
    if (isFatal) {
      const { topic, partition } = position;
      this.#failure = protocolError(errorCode, `${topic}-${partition}: ${errorOf(errorCode).name}`);
      return;
    }
    if (!refreshesMetadata && errorCode !== errorCodes.OFFSET_NOT_AVAILABLE) return;
    const leader = { id: currentLeader.leaderId, epoch: currentLeader.leaderEpoch };
    const { topic, partition } = position;
    if (!this.#cluster.metadata.applyLeader(topic, partition, leader)) this.#cluster.refreshLater();
  }

  #outOfRange(position: PartitionPosition, offset: number): void {
    if (position.preferredReplica >= 0) {
      // A replica that lags behind; the leader knows better.
      position.preferredReplica = -1;
      return;
    }
    const { resetTo } = this.#options;
    if (resetTo !== null) return position.reset(resetTo);
    const { topic, partition } = position;
    this.#pause(position);
    this.#failure = new NoOffset(`offset ${offset} of ${topic}-${partition} is out of range`);
  }

  /** Lets a partition rest after an error; one timer wakes the caller for all that rest. */
  #pause(position: PartitionPosition): void {
    const { initialMs } = this.#cluster.backoff;
    position.notBeforeMs = this.#system.clock.elapsedMs() + initialMs;
    if (this.#isWakePending) return;
    this.#isWakePending = true;
    // A timer may fire a fraction early, and then the rest would not be over.
    this.#system.clock.setTimer(initialMs + 1, () => {
      this.#isWakePending = false;
      this.notify();
    });
  }
}

const omitForgotten = <T extends { forgottenTopicsData: unknown }>(
  body: T,
): Omit<T, 'forgottenTopicsData'> => {
  const { forgottenTopicsData: _, ...rest } = body;
  return rest;
};
