/**
 * Ships what the accumulator has gathered: to each leader a few Produce requests at once, one batch per partition in each.
 * Retries within the delivery timeout, keeps the order of a partition, and settles every record exactly once (C3 and C4
 * of the Java client's behaviour). Driven by events: records appended, responses, metadata, one timer.
 */

import { backoffMs } from '../network/backoff.ts';
import type { RequestChannel } from '../network/request-channel.ts';
import { apis } from '../protocol/apis.ts';
import type { Codec } from '../protocol/compression.ts';
import { errorCodes, errorOf } from '../protocol/errors.ts';
import type { Timer } from '../system/clock.ts';
import type { System } from '../system/system.ts';
import type { Accumulator, Batch, PartitionQueue } from './accumulator.ts';
import type { Cluster } from './cluster.ts';
import { ClientClosed, isRetriable, protocolError } from './errors.ts';
import {
  answersByPartition,
  expired,
  type PartitionResponse,
  type ProduceRequest,
  type ProduceResponse,
  produceTopics,
} from './produce-request.ts';
import { Sequences } from './sequences.ts';
import { Settlement } from './settlement.ts';

export interface SenderOptions {
  readonly acks: -1 | 0 | 1;
  readonly isIdempotent: boolean;
  readonly retries: number;
  readonly maxInFlight: number;
  readonly maxRequestBytes: number;
  readonly requestTimeoutMs: number;
  readonly deliveryTimeoutMs: number;
  readonly compression: Codec;
  readonly compressionLevel?: number;
}

/** The largest transaction timeout there is: none, for a producer without transactions. */
const NO_TIMEOUT_MS = 2_147_483_647;

export class Sender {
  readonly #system: System;
  readonly #cluster: Cluster;
  readonly #accumulator: Accumulator;
  readonly #options: SenderOptions;
  readonly #sequences = new Sequences();
  readonly #settlement: Settlement;
  readonly #inFlight = new Map<number, number>();
  readonly #dialing = new Set<number>();
  /** Where draining of a broker's partitions begins, so that all get their turn when a request is full. */
  readonly #nextIndex = new Map<number, number>();
  #isWoken = false;
  #isAskingId = false;
  /** Elapsed time before which nobody is asked again who leads a partition. */
  #nextAskMs = 0;
  #timer: Timer | null = null;
  #failure: Error | null = null;
  #isClosed = false;

  constructor(
    system: System,
    collaborators: { cluster: Cluster; accumulator: Accumulator; onRoom: () => void },
    options: SenderOptions,
  ) {
    this.#system = system;
    this.#cluster = collaborators.cluster;
    this.#accumulator = collaborators.accumulator;
    this.#options = options;
    this.#settlement = new Settlement(system.logger, {
      ...collaborators,
      sequences: this.#sequences,
    });
    this.#cluster.onUpdate.add(() => this.wake());
  }

  /** What ended the producer for good, if anything has. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Looks for something to send, at the end of this turn: what is appended in one turn goes out together. */
  wake(): void {
    if (this.#isWoken || this.#isClosed) return;
    this.#isWoken = true;
    this.#system.clock.defer(() => {
      this.#isWoken = false;
      this.#run();
    });
  }

  /** Fails what is not done. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    const error = new ClientClosed('the producer was closed before the record was sent');
    for (const batch of [...this.#accumulator.incomplete]) this.#settlement.failed(batch, error);
  }

  #run(): void {
    if (this.#isClosed) return;
    this.#expire();
    if (this.#options.isIdempotent) this.#restartSequences();
    let nextMs = Number.POSITIVE_INFINITY;
    for (let hasSent = true; hasSent && !this.#isClosed; ) {
      hasSent = false;
      const { byLeader, nextReadyMs } = this.#readyByLeader();
      nextMs = nextReadyMs;
      for (const [leader, queues] of byLeader) hasSent = this.#sendTo(leader, queues) || hasSent;
    }
    for (const batch of this.#accumulator.incomplete) {
      nextMs = Math.min(nextMs, batch.createdMs + this.#options.deliveryTimeoutMs);
      break; // The set is in the order of creation, near enough for a timer that looks again.
    }
    this.#arm(nextMs);
  }

  #arm(atMs: number): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(1, atMs - this.#system.clock.elapsedMs());
    this.#timer = this.#system.clock.setTimer(delayMs, () => this.#run());
  }

  /** Partitions that may be sent now, by leader, and when the next one may. */
  #readyByLeader(): { byLeader: Map<number, PartitionQueue[]>; nextReadyMs: number } {
    const nowMs = this.#system.clock.elapsedMs();
    const byLeader = new Map<number, PartitionQueue[]>();
    let nextReadyMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#accumulator.active) {
      const readyMs = this.#accumulator.readyMs(queue);
      if (readyMs > nowMs) {
        nextReadyMs = Math.min(nextReadyMs, readyMs);
        continue;
      }
      if (queue.isMuted) continue;
      if (this.#options.isIdempotent && !this.#sequences.maySend(queue)) continue;
      const leader = this.#cluster.leader(queue.topic, queue.partition);
      if (leader === null) {
        nextReadyMs = Math.min(nextReadyMs, this.#askForLeaders(nowMs));
        continue;
      }
      const queues = byLeader.get(leader.leaderId);
      if (queues === undefined) byLeader.set(leader.leaderId, [queue]);
      else queues.push(queue);
    }
    return { byLeader, nextReadyMs };
  }

  /** Not after every answer that knows no leader either; returns when to come again. */
  #askForLeaders(nowMs: number): number {
    if (nowMs >= this.#nextAskMs) {
      this.#nextAskMs = nowMs + this.#cluster.backoff.initialMs;
      this.#cluster.refreshLater();
    }
    return this.#nextAskMs;
  }

  #sendTo(leader: number, queues: readonly PartitionQueue[]): boolean {
    if ((this.#inFlight.get(leader) ?? 0) >= this.#options.maxInFlight) return false;
    const channel = this.#cluster.pool.current(leader);
    if (channel === null) {
      this.#dial(leader);
      return false;
    }
    const batches = this.#drain(leader, queues);
    this.#ship(leader, channel, batches);
    return true;
  }

  #dial(leader: number): void {
    if (this.#dialing.has(leader)) return;
    this.#dialing.add(leader);
    const done = (): void => {
      this.#dialing.delete(leader);
      this.wake();
    };
    this.#cluster.pool.channel(leader).then(done, () => {
      // The broker may be gone, and its partitions led by others.
      this.#cluster.refreshLater();
      done();
    });
  }

  /** One batch of each partition, as many as the request may hold. */
  #drain(leader: number, queues: readonly PartitionQueue[]): Batch[] {
    const { length } = queues;
    const start = (this.#nextIndex.get(leader) ?? 0) % length;
    const batches: Batch[] = [];
    let bytes = 0;
    let index = 0;
    for (; index < length; index++) {
      const queue = queues[(start + index) % length] as PartitionQueue;
      const { sizeBytes } = queue.batches[0] as Batch;
      if (batches.length > 0 && bytes + sizeBytes > this.#options.maxRequestBytes) break;
      bytes += sizeBytes;
      const batch = this.#accumulator.take(queue);
      if (this.#options.isIdempotent) this.#sequences.assign(batch);
      else if (this.#options.maxInFlight === 1) queue.isMuted = true;
      batches.push(batch);
    }
    this.#nextIndex.set(leader, start + index);
    return batches;
  }

  #ship(leader: number, channel: RequestChannel, batches: readonly Batch[]): void {
    const { acks, requestTimeoutMs } = this.#options;
    let request: ProduceRequest;
    let version: number;
    try {
      version = channel.version(apis.produce, { min: 3 });
      request = {
        acks,
        timeoutMs: requestTimeoutMs,
        topicData: produceTopics(batches, this.#accumulator, this.#options),
      };
    } catch (error) {
      for (const batch of batches) {
        batch.queue.isMuted = false;
        this.#settlement.failed(batch, error as Error);
      }
      return;
    }
    for (const { queue } of batches) queue.onWireCount++;
    if (acks === 0) return this.#shipOneWay(channel, version, request, batches);
    this.#inFlight.set(leader, (this.#inFlight.get(leader) ?? 0) + 1);
    channel.send(apis.produce, request, { version, timeoutMs: requestTimeoutMs }).then(
      (response) => this.#answered(leader, batches, () => this.#handle(batches, response)),
      (error: Error) =>
        this.#answered(leader, batches, () => {
          this.#cluster.refreshLater();
          for (const batch of batches) this.#retryOrFail(batch, error);
        }),
    );
  }

  #shipOneWay(
    channel: RequestChannel,
    version: number,
    request: ProduceRequest,
    batches: readonly Batch[],
  ): void {
    try {
      channel.sendOneWay(apis.produce, request, { version });
    } catch (error) {
      for (const batch of batches) this.#landed(batch);
      for (const batch of batches) this.#retryOrFail(batch, error as Error);
      return;
    }
    for (const batch of batches) {
      this.#landed(batch);
      this.#settlement.succeeded(batch, -1, -1);
    }
  }

  #answered(leader: number, batches: readonly Batch[], handle: () => void): void {
    this.#inFlight.set(leader, (this.#inFlight.get(leader) ?? 1) - 1);
    for (const batch of batches) this.#landed(batch);
    if (!this.#isClosed) handle();
    this.wake();
  }

  #landed({ queue }: Batch): void {
    queue.onWireCount--;
    queue.isMuted = false;
  }

  #handle(batches: readonly Batch[], response: ProduceResponse): void {
    const answers = answersByPartition(response);
    for (const batch of batches) {
      const { topic, partition } = batch.queue;
      const answer = answers.get(`${topic}-${partition}`);
      if (answer !== undefined) this.#handlePartition(batch, answer);
      else this.#retryOrFail(batch, protocolError(errorCodes.UNKNOWN_SERVER_ERROR));
    }
  }

  #handlePartition(batch: Batch, answer: PartitionResponse): void {
    // Given up meanwhile, because its delivery time was over.
    if (batch.isDone) return;
    const { errorCode } = answer;
    if (errorCode === 0) {
      return this.#settlement.succeeded(batch, answer.baseOffset, answer.logAppendTimeMs);
    }
    if (errorCode === errorCodes.DUPLICATE_SEQUENCE_NUMBER)
      return this.#settlement.succeeded(batch, -1, -1);
    if (errorCode === errorCodes.MESSAGE_TOO_LARGE && batch.records.length > 1) {
      return this.#split(batch);
    }
    if (errorOf(errorCode).refreshesMetadata) this.#refreshLeader(batch.queue, answer);
    const isGap =
      errorCode === errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER ||
      errorCode === errorCodes.UNKNOWN_PRODUCER_ID;
    if (isGap && this.#options.isIdempotent) return this.#handleGap(batch, errorCode);
    this.#retryOrFail(batch, protocolError(errorCode, answer.errorMessage), answer);
  }

  #refreshLeader(queue: PartitionQueue, { currentLeader }: PartitionResponse): void {
    const leader = { id: currentLeader.leaderId, epoch: currentLeader.leaderEpoch };
    if (!this.#cluster.metadata.applyLeader(queue.topic, queue.partition, leader)) {
      this.#cluster.refreshLater();
    }
  }

  #handleGap(batch: Batch, errorCode: number): void {
    if (!this.#sequences.isGapExpected(batch)) batch.queue.needsBump = true;
    this.#retry(batch, protocolError(errorCode));
  }

  #split(batch: Batch): void {
    const pieces = this.#accumulator.split(batch);
    this.#sequences.split(batch, pieces);
    this.#accumulator.done(batch);
    for (const piece of pieces.toReversed()) this.#accumulator.putBack(piece);
  }

  #retryOrFail(batch: Batch, error: Error, answer?: PartitionResponse): void {
    if (batch.isDone) return;
    if (isRetriable(error)) return this.#retry(batch, error);
    const recordErrors = answer?.recordErrors ?? [];
    this.#settlement.failed(batch, error, recordErrors);
  }

  #retry(batch: Batch, error: Error): void {
    if (batch.isDone) return;
    const nowMs = this.#system.clock.elapsedMs();
    if (batch.tries >= this.#options.retries) return this.#settlement.failed(batch, error);
    if (nowMs - batch.createdMs >= this.#options.deliveryTimeoutMs) {
      return this.#settlement.failed(batch, expired(batch, error));
    }
    const pauseMs = backoffMs(this.#system.random, batch.tries, this.#cluster.backoff);
    batch.tries++;
    batch.notBeforeMs = nowMs + pauseMs;
    this.#accumulator.putBack(batch);
  }

  /** Gives up what has been under way for too long, on the wire or not. */
  #expire(): void {
    const limitMs = this.#system.clock.elapsedMs() - this.#options.deliveryTimeoutMs;
    for (const batch of this.#accumulator.incomplete) {
      if (batch.createdMs > limitMs) break;
      this.#settlement.failed(batch, expired(batch));
    }
  }

  #restartSequences(): void {
    if (!this.#sequences.isReady) return this.#askProducerId();
    for (const queue of this.#accumulator.active) {
      if (queue.needsBump && !this.#sequences.bump(queue)) return this.#askProducerId();
    }
  }

  #askProducerId(): void {
    if (this.#isAskingId || this.#accumulator.active.size === 0) return;
    this.#isAskingId = true;
    void this.#initProducerId().finally(() => {
      this.#isAskingId = false;
      this.wake();
    });
  }

  async #initProducerId(): Promise<void> {
    const { clock, random } = this.#system;
    const request = { transactionalId: null, transactionTimeoutMs: NO_TIMEOUT_MS };
    for (let failures = 0; !this.#isClosed; failures++) {
      try {
        const broker = this.#cluster.anyBroker();
        const response = await this.#cluster.send(broker, apis.initProducerId, request);
        if (response.errorCode !== 0) throw protocolError(response.errorCode);
        return this.#sequences.start(response.producerId, response.producerEpoch);
      } catch (error) {
        if (!isRetriable(error)) return this.#failAll(error as Error);
        this.#expire();
        await clock.sleep(backoffMs(random, failures, this.#cluster.backoff));
      }
    }
  }

  #failAll(error: Error): void {
    this.#failure = error;
    for (const batch of [...this.#accumulator.incomplete]) this.#settlement.failed(batch, error);
  }
}
