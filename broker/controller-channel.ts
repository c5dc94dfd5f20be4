/**
 * Requests to the controller, wherever it is: the metadata cache says who it is, and it is kept until it fails or says that
 * it is not the one. Each use has a channel of its own, as in Kafka (NodeToControllerChannelManager).
 */
import { BrokerPool } from '../network/broker-pool.ts';
import type { Api, RequestInput, ResponseOutput } from '../protocol/apis.ts';
import type { System } from '../system/system.ts';
import type { MetadataCache } from './metadata-cache.ts';

const KEY = 'controller';

export class ControllerChannel {
  readonly #metadata: MetadataCache;
  readonly #listenerName: string;
  readonly #pool: BrokerPool;
  #controllerId = -1;

  constructor(
    system: System,
    metadata: MetadataCache,
    options: {
      readonly listenerName: string;
      readonly clientId: string;
      readonly requestTimeoutMs: number;
    },
  ) {
    this.#metadata = metadata;
    this.#listenerName = options.listenerName;
    const { clientId, requestTimeoutMs } = options;
    this.#pool = new BrokerPool(system, { clientId, requestTimeoutMs });
  }

  /** Rejects when no controller is known, and with the errors of RequestChannel. */
  async send<A extends Api>(
    api: A,
    body: RequestInput<A>,
    options: { readonly version?: number; readonly timeoutMs?: number } = {},
  ): Promise<ResponseOutput<A>> {
    if (this.#controllerId < 0) this.#controllerId = this.#metadata.controllerId;
    const broker = this.#metadata.aliveBroker(this.#controllerId, this.#listenerName);
    if (broker === undefined) {
      this.forget();
      throw new Error('no controller is known');
    }
    this.#pool.set(KEY, broker);
    return this.#pool.send(KEY, api, body, options);
  }

  /** The controller has failed or was the wrong one: the next request goes to the one then known. */
  forget(): void {
    this.#controllerId = -1;
    this.#pool.remove(KEY);
  }

  close(): void {
    this.#pool.close();
  }
}
