/**
 * A producer with acks=all, idempotent or not: one batch in flight per partition, tried again until its outcome is known.
 * So strict that a batch which is refused for ever is a broken promise of the cluster.
 */
import { apis } from '../../protocol/apis.ts';
import { errorCodes, errorOf } from '../../protocol/errors.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import type { SimClient } from './client.ts';
import type { History } from './history.ts';
import { Violation, type World } from './world.ts';

export interface ProducerOptions {
  readonly name: string;
  readonly isIdempotent: boolean;
  readonly pauseMs: number;
}

const PRODUCE_TIMEOUT_MS = 1500;
const PRODUCE_VERSION = 9;
const RECORD_COUNT_MAX = 4;

export class SimProducer {
  readonly #world: World;
  readonly #client: SimClient;
  readonly #history: History;
  readonly options: ProducerOptions;
  #producerId = -1;
  #isStopped = false;
  #runningCount = 0;

  constructor(world: World, client: SimClient, history: History, options: ProducerOptions) {
    this.#world = world;
    this.#client = client;
    this.#history = history;
    this.options = options;
  }

  /** False once it has stopped and the outcome of everything it sent is known. */
  get isRunning(): boolean {
    return this.#runningCount > 0;
  }

  start(): void {
    this.#runningCount += 1;
    void this.#run().catch((error: Error) => this.#world.fail(error));
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    if (this.options.isIdempotent) await this.#obtainProducerId();
    await Promise.all(this.#history.partitions.map((_, partition) => this.#produce(partition)));
    this.#runningCount -= 1;
  }

  async #obtainProducerId(): Promise<void> {
    while (this.#producerId < 0) {
      try {
        const { errorCode, producerId } = await this.#client.send(
          this.#client.anyBroker(),
          apis.initProducerId,
          { transactionalId: null, transactionTimeoutMs: 60_000 },
          { version: 4 },
        );
        if (errorCode === errorCodes.NONE) this.#producerId = producerId;
      } catch {
        // That broker is down; another will do.
      }
      await this.#client.sleep(10, 100);
    }
  }

  async #produce(partition: number): Promise<void> {
    const { name, pauseMs } = this.options;
    const { random } = this.#client.system;
    let number = 0;
    for (;;) {
      await this.#client.sleep(0, 2 * pauseMs);
      if (this.#isStopped) return;
      const count = 1 + random.int(RECORD_COUNT_MAX);
      const first = number;
      const values = Array.from({ length: count }, (_, index) => `${name}:${first + index}`);
      const baseOffset = await this.#deliver(partition, values, first);
      this.#history.of(partition).acked(baseOffset, values);
      this.#trace(partition, `acked ${values[0]} at ${baseOffset}`);
      number += count;
    }
  }

  /** Sends until acknowledged; the offset of the first record. */
  async #deliver(
    partition: number,
    values: readonly string[],
    baseSequence: number,
  ): Promise<number> {
    for (;;) {
      const outcome = await this.#attempt(partition, values, baseSequence);
      if (outcome.errorCode === errorCodes.NONE) return outcome.baseOffset;
      this.#trace(partition, `${values[0]} refused: ${errorOf(outcome.errorCode).name}`);
      if (broken.has(outcome.errorCode)) {
        const { name } = errorOf(outcome.errorCode);
        throw new Violation(`${values[0]} to partition ${partition} was answered ${name}`);
      }
      this.#client.forget(this.#history.topic, partition);
      await this.#client.sleep(20, 200);
    }
  }

  async #attempt(
    partition: number,
    values: readonly string[],
    baseSequence: number,
  ): Promise<{ errorCode: number; baseOffset: number }> {
    const { topic } = this.#history;
    const unknown = { errorCode: errorCodes.UNKNOWN_SERVER_ERROR, baseOffset: -1 };
    const leader = await this.#client.leader(topic, partition);
    if (leader === null) return unknown;
    // Built anew each time, because brokers stamp what they are given.
    const records = buildBatch({
      records: values.map((value) => ({ key: null, value: Buffer.from(value) })),
      timestamp: this.#client.system.clock.nowMs(),
      ...(this.options.isIdempotent
        ? { producerId: this.#producerId, producerEpoch: 0, baseSequence }
        : {}),
    });
    try {
      const { responses } = await this.#client.send(
        leader.brokerId,
        apis.produce,
        {
          acks: -1,
          timeoutMs: PRODUCE_TIMEOUT_MS,
          topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
        },
        { version: PRODUCE_VERSION },
      );
      return responses[0]?.partitionResponses[0] ?? unknown;
    } catch {
      return unknown;
    }
  }

  #trace(partition: number, text: string): void {
    this.#world.trace.event(this.#world.nowMs, `${this.#history.topic}-${partition} ${text}`);
  }
}

/**
 * Never answered unless something was damaged. OUT_OF_ORDER_SEQUENCE_NUMBER is not among them: a leader that has been
 * deposed and does not know it yet lacks what its successor has acknowledged.
 */
const broken: ReadonlySet<number> = new Set([
  errorCodes.INVALID_PRODUCER_EPOCH,
  errorCodes.UNKNOWN_PRODUCER_ID,
  errorCodes.CORRUPT_MESSAGE,
  errorCodes.INVALID_RECORD,
  errorCodes.INVALID_TIMESTAMP,
  errorCodes.MESSAGE_TOO_LARGE,
]);
