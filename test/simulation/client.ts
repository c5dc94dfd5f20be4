/** A client of the simulated cluster at the level of the protocol: who leads what, and requests to brokers by id. */
import { BrokerPool } from '../../network/broker-pool.ts';
import { type Api, apis, type RequestInput, type ResponseOutput } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { System } from '../../system/system.ts';
import { BROKER_PORT, type SimCluster } from './cluster.ts';

export interface Leader {
  readonly brokerId: number;
  readonly leaderEpoch: number;
}

const REQUEST_TIMEOUT_MS = 4000;
const METADATA_VERSION = 12;

export class SimClient {
  readonly system: System;
  readonly #pool: BrokerPool;
  readonly #brokerIds: readonly number[];
  #leaders = new Map<string, Leader>();

  constructor(system: System, cluster: SimCluster, clientId: string) {
    this.system = system;
    this.#pool = new BrokerPool(system, {
      clientId,
      connectTimeoutMs: 1000,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      reconnectBackoffMaxMs: 500,
      versions: 'newest',
    });
    this.#brokerIds = cluster.brokers.map(({ id }) => id);
    for (const id of this.#brokerIds)
      this.#pool.set(id, { host: `broker${id}`, port: BROKER_PORT });
  }

  send<A extends Api>(
    brokerId: number,
    api: A,
    body: RequestInput<A>,
    options: { readonly version?: number; readonly timeoutMs?: number } = {},
  ): Promise<ResponseOutput<A>> {
    return this.#pool.send(brokerId, api, body, options);
  }

  /** The leader as last heard, asking anew where none is known; null when nobody can say. */
  async leader(topic: string, partition: number): Promise<Leader | null> {
    const key = `${topic}-${partition}`;
    const known = this.#leaders.get(key);
    if (known !== undefined) return known;
    await this.#refresh(topic);
    return this.#leaders.get(key) ?? null;
  }

  /** The leader has failed or was none. */
  forget(topic: string, partition: number): void {
    this.#leaders.delete(`${topic}-${partition}`);
  }

  sleep(fromMs: number, toMs: number): Promise<void> {
    const { clock, random } = this.system;
    return clock.sleep(fromMs + random.float() * (toMs - fromMs));
  }

  anyBroker(): number {
    return this.#brokerIds[this.system.random.int(this.#brokerIds.length)] ?? 0;
  }

  async #refresh(topic: string): Promise<void> {
    try {
      const response = await this.send(
        this.anyBroker(),
        apis.metadata,
        { topics: [{ name: topic }], allowAutoTopicCreation: false },
        { version: METADATA_VERSION, timeoutMs: 1000 },
      );
      for (const { name, partitions } of response.topics) {
        for (const { partitionIndex, leaderId: brokerId, leaderEpoch, errorCode } of partitions) {
          const key = `${name}-${partitionIndex}`;
          if (errorCode === errorCodes.NONE && brokerId >= 0)
            this.#leaders.set(key, { brokerId, leaderEpoch });
        }
      }
    } catch {
      // The broker asked is down or cut off; the caller tries again.
    }
  }
}

/** Creates the topic of a run and waits until all brokers are there to hold it. */
export const createTopic = async (
  client: SimClient,
  topic: {
    readonly name: string;
    readonly partitionCount: number;
    readonly replicationFactor: number;
    readonly configs: readonly (readonly [string, string])[];
  },
): Promise<void> => {
  const { name, partitionCount: numPartitions, replicationFactor, configs } = topic;
  for (;;) {
    try {
      const { topics } = await client.send(client.anyBroker(), apis.createTopics, {
        topics: [
          {
            name,
            numPartitions,
            replicationFactor,
            assignments: [],
            configs: configs.map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeoutMs: 5000,
        validateOnly: false,
      });
      const errorCode = topics[0]?.errorCode;
      if (errorCode === errorCodes.NONE || errorCode === errorCodes.TOPIC_ALREADY_EXISTS) return;
    } catch {
      // Not up yet.
    }
    await client.sleep(50, 150);
  }
};
