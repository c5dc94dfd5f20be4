/**
 * Ids for producers, unique in the cluster: the controller hands out blocks of them
 * (AllocateProducerIds, KIP-730), this broker counts through its block and asks for the next one
 * before it runs out. Reproduces Kafka's RPCProducerIdManager: without an id at hand the caller is
 * turned away and asks again, rather than waiting for the controller.
 */
import { apis, type RequestInput, type ResponseOutput } from '../protocol/apis.ts';
import { errorCodes, errorOf } from '../protocol/errors.ts';
import type { System } from '../system/system.ts';

/** How the controller is asked; controller-channel.ts provides it. */
export interface ProducerIdChannel {
  send(
    api: typeof apis.allocateProducerIds,
    body: RequestInput<typeof apis.allocateProducerIds>,
  ): Promise<ResponseOutput<typeof apis.allocateProducerIds>>;
  /** The controller was the wrong one. */
  forget(): void;
}

interface Block {
  readonly firstId: number;
  readonly count: number;
}

/** The share of a block after which the next one is asked for. */
const PREFETCH_SHARE = 0.9;
const RETRY_BACKOFF_MS = 50;

export class ProducerIds {
  readonly #system: System;
  readonly #channel: ProducerIdChannel;
  readonly #identity: { readonly brokerId: number; brokerEpoch(): bigint };
  #block: Block = { firstId: 0, count: 0 };
  /** Ids of the block that are out. */
  #usedCount = 0;
  #nextBlock: Block | null = null;
  #isAsking = false;
  #isStopped = false;

  constructor(
    system: System,
    channel: ProducerIdChannel,
    identity: { readonly brokerId: number; brokerEpoch(): bigint },
  ) {
    this.#system = system;
    this.#channel = channel;
    this.#identity = identity;
  }

  /** An id that nobody else gets; null when there is none at hand: ask again in a moment. */
  next(): number | null {
    if (this.#usedCount >= this.#block.count && this.#nextBlock !== null) {
      this.#block = this.#nextBlock;
      this.#nextBlock = null;
      this.#usedCount = 0;
    }
    if (this.#usedCount >= Math.floor(this.#block.count * PREFETCH_SHARE)) this.#prefetch();
    if (this.#usedCount >= this.#block.count) return null;
    const id = this.#block.firstId + this.#usedCount;
    this.#usedCount += 1;
    return id;
  }

  stop(): void {
    this.#isStopped = true;
  }

  #prefetch(): void {
    if (this.#isAsking || this.#nextBlock !== null || this.#isStopped) return;
    this.#isAsking = true;
    void this.#ask();
  }

  async #ask(): Promise<void> {
    try {
      const { brokerId } = this.#identity;
      const body = { brokerId, brokerEpoch: this.#identity.brokerEpoch() };
      this.#nextBlock = this.#judge(await this.#channel.send(apis.allocateProducerIds, body));
    } catch (error) {
      this.#system.logger.info({ err: error }, 'no producer ids from the controller for now');
      this.#channel.forget();
      // Whoever comes next asks again, but not in a tight loop.
      if (!this.#isStopped) await this.#system.clock.sleep(RETRY_BACKOFF_MS);
    } finally {
      this.#isAsking = false;
    }
  }

  /** Throws for an answer without a block that can be used. */
  #judge(response: ResponseOutput<typeof apis.allocateProducerIds>): Block {
    if (response.errorCode !== errorCodes.NONE)
      throw new Error(`AllocateProducerIds: ${errorOf(response.errorCode).name}`);
    const { producerIdStart: firstId, producerIdLen: count } = response;
    const isNew = firstId >= this.#block.firstId + this.#block.count;
    if (!isNew || firstId < 0 || count <= 0 || !Number.isSafeInteger(firstId + count))
      throw new Error(`AllocateProducerIds: ${count} ids from ${firstId} on cannot be used`);
    return { firstId, count };
  }
}
