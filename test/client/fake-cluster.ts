/** A small cluster for client tests: brokers that keep batches in memory and know nothing of replication. */

import type { ApiName } from '../../protocol/apis.ts';
import { buildBatch, RecordBatch, type RecordInput } from '../../protocol/record-batch.ts';
import type { System } from '../../system/system.ts';
import { type FakeBroker, type Handlers, startFakeBroker } from '../network/fake-broker.ts';

export interface FakePartition {
  leaderId: number;
  leaderEpoch: number;
  batches: Buffer[];
  endOffset: number;
  startOffset: number;
}

export interface FakeCluster {
  readonly brokers: FakeBroker[];
  readonly bootstrapServers: string;
  readonly topics: Map<string, FakePartition[]>;
  /** Every batch that came by Produce, in order, accepted or not. */
  readonly produced: RecordBatch[];
  addTopic(name: string, partitions: number): FakePartition[];
  /** Appends as a producer would have. */
  append(topic: string, partition: number, records: readonly (string | RecordInput)[]): void;
  close(): Promise<void>;
}

const topicIdOf = (name: string): string =>
  Buffer.from(name.padEnd(16, '.')).subarray(0, 16).toString('base64url');

export const startFakeCluster = async (
  system: System,
  options: { readonly brokers?: number; readonly maxVersions?: { [N in ApiName]?: number } } = {},
): Promise<FakeCluster> => {
  const count = options.brokers ?? 1;
  const brokers: FakeBroker[] = [];
  const topics = new Map<string, FakePartition[]>();
  const produced: RecordBatch[] = [];
  let nextProducerId = 1000;
  const cluster: FakeCluster = {
    brokers,
    topics,
    produced,
    get bootstrapServers() {
      return `127.0.0.1:${brokers[0]?.port}`;
    },
    addTopic(name, partitionCount) {
      const partitions = Array.from({ length: partitionCount }, (_, index) => ({
        leaderId: index % count,
        leaderEpoch: 0,
        batches: [],
        endOffset: 0,
        startOffset: 0,
      }));
      topics.set(name, partitions);
      return partitions;
    },
    append(topic, partition, records) {
      const inputs = records.map((record) =>
        typeof record === 'string' ? { key: null, value: Buffer.from(record) } : record,
      );
      store(topics.get(topic)?.[partition] as FakePartition, buildBatch({ records: inputs }));
    },
    close: async () => {
      for (const broker of brokers) await broker.close();
    },
  };
  const handlersOf = (id: number): Handlers => ({
    metadata: ({ topics: wanted }) => ({
      clusterId: 'test-cluster',
      controllerId: 0,
      brokers: brokers.map(({ port }, nodeId) => ({ nodeId, host: '127.0.0.1', port })),
      topics: (wanted?.map(({ name }) => name as string) ?? [...topics.keys()]).map((name) => ({
        name,
        topicId: topicIdOf(name),
        errorCode: topics.has(name) ? 0 : 3,
        partitions: (topics.get(name) ?? []).map((partition, partitionIndex) => ({
          errorCode: partition.leaderId < 0 ? 5 : 0,
          partitionIndex,
          leaderId: partition.leaderId,
          leaderEpoch: partition.leaderEpoch,
          replicaNodes: [partition.leaderId],
          isrNodes: [partition.leaderId],
        })),
      })),
    }),
    initProducerId: () => ({
      throttleTimeMs: 0,
      errorCode: 0,
      producerId: nextProducerId++,
      producerEpoch: 0,
    }),
    produce: ({ acks, topicData }) => {
      const responses = topicData.map(({ name, partitionData }) => ({
        name,
        partitionResponses: partitionData.map(({ index, records }) => {
          const partition = topics.get(name)?.[index];
          produced.push(new RecordBatch(records as Buffer, 0));
          if (partition === undefined) return { index, errorCode: 3, baseOffset: -1 };
          if (partition.leaderId !== id) return { index, errorCode: 6, baseOffset: -1 };
          return { index, errorCode: 0, baseOffset: store(partition, records as Buffer) };
        }),
      }));
      return acks === 0 ? null : { responses };
    },
    listOffsets: ({ topics: wanted }) => ({
      topics: wanted.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => {
          const partition = topics.get(name)?.[partitionIndex];
          if (partition === undefined) return { partitionIndex, errorCode: 3 };
          const offset = timestamp === -2 ? partition.startOffset : partition.endOffset;
          return { partitionIndex, errorCode: 0, offset, timestamp: -1, leaderEpoch: 0 };
        }),
      })),
    }),
    offsetForLeaderEpoch: ({ topics: wanted }) => ({
      topics: wanted.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, leaderEpoch }) => {
          const endOffset = topics.get(topic)?.[partition]?.endOffset ?? -1;
          return { errorCode: 0, partition, leaderEpoch, endOffset };
        }),
      })),
    }),
    fetch: async ({ topics: wanted, maxWaitMs }) => {
      const respond = () =>
        wanted.map(({ topic, topicId, partitions }) => ({
          topic,
          topicId,
          partitions: partitions.map(({ partition: partitionIndex, fetchOffset }) => {
            const name = [...topics.keys()].find((key) => topicIdOf(key) === topicId) ?? topic;
            const partition = topics.get(name)?.[partitionIndex];
            const none = { partitionIndex, highWatermark: -1, abortedTransactions: null };
            if (partition === undefined) return { ...none, errorCode: 3, records: null };
            if (partition.leaderId !== id) return { ...none, errorCode: 6, records: null };
            if (fetchOffset < partition.startOffset || fetchOffset > partition.endOffset) {
              return { ...none, errorCode: 1, records: null };
            }
            const records = partition.batches.filter(
              (batch) => new RecordBatch(batch, 0).lastOffset >= fetchOffset,
            );
            return {
              ...none,
              errorCode: 0,
              highWatermark: partition.endOffset,
              records: Buffer.concat(records),
            };
          }),
        }));
      const first = respond();
      const isEmpty = first.every(({ partitions }) =>
        partitions.every(({ errorCode, records }) => errorCode === 0 && records?.length === 0),
      );
      if (!isEmpty) return { responses: first };
      await system.clock.sleep(Math.min(maxWaitMs, 10));
      return { responses: respond() };
    },
  });
  for (let id = 0; id < count; id++) {
    brokers.push(await startFakeBroker(system, handlersOf(id), options));
  }
  return cluster;
};

const store = (partition: FakePartition, records: Buffer): number => {
  const copy = Buffer.from(records);
  const batch = new RecordBatch(copy, 0);
  const baseOffset = partition.endOffset;
  batch.setBaseOffset(baseOffset);
  partition.batches.push(copy);
  partition.endOffset = batch.nextOffset;
  return baseOffset;
};
