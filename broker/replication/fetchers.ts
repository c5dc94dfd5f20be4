/**
 * The fetchers of a broker: one (times num.replica.fetchers) for each broker it follows. A partition is with one of them at
 * most. Reproduces Kafka's AbstractFetcherManager.
 */
import type { System } from '../../system/system.ts';
import type { BrokerAddress, OpenBrokerChannel } from './broker-channel.ts';
import { Fetcher, type FetcherSettings } from './fetcher.ts';
import type { HostedPartition } from './hosted-partition.ts';

export interface FetchersOptions extends FetcherSettings {
  readonly fetcherCount: number;
}

interface Entry {
  readonly address: BrokerAddress;
  readonly fetcher: Fetcher;
}

export class Fetchers {
  readonly #system: System;
  readonly #openChannel: OpenBrokerChannel;
  readonly #options: FetchersOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #byReplica = new Map<HostedPartition, Fetcher>();

  constructor(system: System, openChannel: OpenBrokerChannel, options: FetchersOptions) {
    this.#system = system;
    this.#openChannel = openChannel;
    this.#options = options;
  }

  /** Follows `leader` from the end of the local log on. The replica must not be with a fetcher any more. */
  add(replica: HostedPartition, leader: BrokerAddress, leaderEpoch: number): void {
    const number = fetcherNumber(replica, this.#options.fetcherCount);
    const fetcher = this.#fetcher(leader, number);
    this.#byReplica.set(replica, fetcher);
    fetcher.add(replica, leaderEpoch);
  }

  /** The id with which the partition is asked for from now on; the zero id: its name. */
  setTopicId(replica: HostedPartition, topicId: string): void {
    this.#byReplica.get(replica)?.setTopicId(replica, topicId);
  }

  /** Resolves when none of `replicas` is being appended to by a fetcher any more. */
  async remove(replicas: Iterable<HostedPartition>): Promise<void> {
    const removals: Promise<void>[] = [];
    for (const replica of replicas) {
      const fetcher = this.#byReplica.get(replica);
      if (fetcher === undefined) continue;
      this.#byReplica.delete(replica);
      removals.push(fetcher.remove(replica));
    }
    await Promise.all(removals);
  }

  /** Closes the connections of fetchers that have nothing to follow. */
  closeIdle(): void {
    for (const [key, { fetcher }] of this.#entries) {
      if (!fetcher.isIdle) continue;
      fetcher.close();
      this.#entries.delete(key);
    }
  }

  async stop(): Promise<void> {
    const replicas = [...this.#byReplica.keys()];
    for (const { fetcher } of this.#entries.values()) fetcher.close();
    this.#entries.clear();
    await this.remove(replicas);
  }

  #fetcher(leader: BrokerAddress, number: number): Fetcher {
    const key = `${leader.id}-${number}`;
    const existing = this.#entries.get(key);
    if (existing?.address.host === leader.host && existing.address.port === leader.port)
      return existing.fetcher;
    // The broker has come back elsewhere; its other partitions return with their own LeaderAndIsr.
    existing?.fetcher.close();
    const { replicaId, requestTimeoutMs } = this.#options;
    const channel = this.#openChannel(leader, {
      clientId: `broker-${replicaId}-fetcher-${number}`,
      requestTimeoutMs,
    });
    const fetcher = new Fetcher(this.#system, channel, this.#options);
    this.#entries.set(key, { address: leader, fetcher });
    return fetcher;
  }
}

/** Spreads partitions over the fetchers of one leader; any stable choice does. */
const fetcherNumber = ({ topic, partition }: HostedPartition, count: number): number => {
  let hash = partition;
  for (let index = 0; index < topic.length; index++)
    hash = (Math.imul(hash, 31) + topic.charCodeAt(index)) | 0;
  return Math.abs(hash) % count;
};
