/**
 * What the controller last said of brokers and partitions (Kafka's ZkMetadataCache). Fed by UpdateMetadata alone: the list of
 * live brokers is replaced each time, partitions are merged, the last write wins. Answers clients; decides nothing.
 */
import type { apis, RequestOf } from '../protocol/apis.ts';
import { securityProtocols } from '../protocol/security-protocols.ts';
import { ZERO_UUID } from '../protocol/uuid.ts';

export interface PartitionMetadata {
  /** -1: none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
  readonly offlineReplicas: readonly number[];
  readonly partitionEpoch: number;
}

export interface BrokerEndpoint {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

interface AliveBroker {
  readonly id: number;
  readonly rack: string | null;
  readonly endpoints: ReadonlyMap<string, { readonly host: string; readonly port: number }>;
}

type UpdateMetadata = RequestOf<typeof apis.updateMetadata>;

/** The leader that stands for "this partition is being deleted" (LeaderAndIsr.LeaderDuringDelete). */
const LEADER_DURING_DELETE = -2;

export class MetadataCache {
  /** -1: unknown. */
  controllerId = -1;
  /** Called after each update. */
  onUpdate: () => void = () => {};
  readonly #brokers = new Map<number, AliveBroker>();
  readonly #topics = new Map<string, Map<number, PartitionMetadata>>();
  readonly #topicIds = new Map<string, string>();
  readonly #topicNames = new Map<string, string>();

  /** Takes an update over; returns the partitions that it deletes. The caller has checked the epochs. */
  update(request: UpdateMetadata): TopicPartition[] {
    this.controllerId = Math.max(-1, request.controllerId);
    this.#brokers.clear();
    for (const broker of request.liveBrokers) this.#brokers.set(broker.id, aliveBroker(broker));
    const deleted: TopicPartition[] = [];
    for (const topic of request.topicStates) {
      this.#setTopicId(topic.topicName, topic.topicId);
      for (const state of topic.partitionStates)
        this.#updatePartition(topic.topicName, state, deleted);
    }
    // Versions before 5 carry a flat list.
    for (const state of request.ungroupedPartitionStates)
      this.#updatePartition(state.topicName, state, deleted);
    this.onUpdate();
    return deleted;
  }

  hasTopic(topic: string): boolean {
    return this.#topics.has(topic);
  }

  topicNames(): IterableIterator<string> {
    return this.#topics.keys();
  }

  /** The zero id for a topic without one. */
  topicId(topic: string): string {
    return this.#topicIds.get(topic) ?? ZERO_UUID;
  }

  topicName(topicId: string): string | undefined {
    return this.#topicNames.get(topicId);
  }

  partitions(topic: string): ReadonlyMap<number, PartitionMetadata> | undefined {
    return this.#topics.get(topic);
  }

  partition(topic: string, partition: number): PartitionMetadata | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  partitionCount(topic: string): number | undefined {
    return this.#topics.get(topic)?.size;
  }

  /** The leader's id; -1 when there is none or the partition is unknown. */
  leaderOf(topic: string, partition: number): number {
    return this.partition(topic, partition)?.leader ?? -1;
  }

  isAlive(brokerId: number): boolean {
    return this.#brokers.has(brokerId);
  }

  /** Where a live broker listens under `listenerName`. */
  aliveBroker(brokerId: number, listenerName: string): BrokerEndpoint | undefined {
    const broker = this.#brokers.get(brokerId);
    const endpoint = broker?.endpoints.get(listenerName);
    if (broker === undefined || endpoint === undefined) return undefined;
    return { id: brokerId, host: endpoint.host, port: endpoint.port, rack: broker.rack };
  }

  aliveBrokers(listenerName: string): BrokerEndpoint[] {
    return [...this.#brokers.keys()].flatMap(
      (brokerId) => this.aliveBroker(brokerId, listenerName) ?? [],
    );
  }

  #setTopicId(topic: string, topicId: string): void {
    const known = this.#topicIds.get(topic);
    if (known === topicId) return;
    if (known !== undefined) this.#topicNames.delete(known);
    if (topicId === ZERO_UUID) {
      this.#topicIds.delete(topic);
      return;
    }
    this.#topicIds.set(topic, topicId);
    this.#topicNames.set(topicId, topic);
  }

  #updatePartition(
    topic: string,
    state: UpdateMetadata['topicStates'][number]['partitionStates'][number],
    deleted: TopicPartition[],
  ): void {
    const partitions = this.#topics.get(topic);
    if (state.leader === LEADER_DURING_DELETE) {
      deleted.push({ topic, partition: state.partitionIndex });
      partitions?.delete(state.partitionIndex);
      if (partitions?.size === 0) this.#removeTopic(topic);
      return;
    }
    const metadata = {
      leader: state.leader,
      leaderEpoch: state.leaderEpoch,
      isr: state.isr,
      replicas: state.replicas,
      offlineReplicas: state.offlineReplicas,
      partitionEpoch: state.zkVersion,
    };
    if (partitions === undefined)
      this.#topics.set(topic, new Map([[state.partitionIndex, metadata]]));
    else partitions.set(state.partitionIndex, metadata);
  }

  #removeTopic(topic: string): void {
    this.#topics.delete(topic);
    this.#setTopicId(topic, ZERO_UUID);
  }
}

const aliveBroker = (broker: UpdateMetadata['liveBrokers'][number]): AliveBroker => {
  const endpoints = new Map(
    broker.endpoints.map(({ host, port, listener, securityProtocol }) => [
      // Before UpdateMetadata v3 a listener has the name of its security protocol.
      listener === '' ? (securityProtocols[securityProtocol] ?? '') : listener,
      { host, port },
    ]),
  );
  // Version 0 knows one plain endpoint.
  if (broker.v0Host !== '')
    endpoints.set('PLAINTEXT', { host: broker.v0Host, port: broker.v0Port });
  return { id: broker.id, rack: broker.rack, endpoints };
};
