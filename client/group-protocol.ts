/** The opaque bytes that consumers exchange through the coordinator: subscriptions and assignments (C5). */
import { decode, encodeToBuffer } from '../protocol/compile.ts';
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from '../protocol/messages/consumer-protocol.ts';
import { groupBy } from '../system/group-by.ts';
import type { TopicPartition } from './positions.ts';

export const PROTOCOL_TYPE = 'consumer';
/** What we write; a reader takes a higher one as this. */
const VERSION = 3;

export interface Subscription {
  readonly topics: readonly string[];
  readonly ownedPartitions: readonly TopicPartition[];
  readonly userData: Buffer | null;
  /** -1: not told. */
  readonly generationId: number;
  readonly rackId: string | null;
}

export const encodeSubscription = (subscription: Subscription): Buffer => {
  const { topics, ownedPartitions, userData, generationId, rackId } = subscription;
  return withVersion(
    encodeToBuffer(consumerProtocolSubscription, VERSION, {
      topics: topics.toSorted(),
      userData,
      ownedPartitions: byTopic(ownedPartitions),
      generationId,
      rackId,
    }),
  );
};

export const decodeSubscription = (bytes: Buffer): Subscription => {
  const version = Math.min(VERSION, bytes.readInt16BE(0));
  const decoded = decode(consumerProtocolSubscription, version, bytes, 2);
  return { ...decoded, ownedPartitions: flat(decoded.ownedPartitions) };
};

export const encodeAssignment = (partitions: readonly TopicPartition[]): Buffer =>
  withVersion(
    encodeToBuffer(consumerProtocolAssignment, VERSION, {
      assignedPartitions: byTopic(partitions),
      userData: null,
    }),
  );

export const decodeAssignment = (bytes: Buffer): TopicPartition[] => {
  const version = Math.min(VERSION, bytes.readInt16BE(0));
  return flat(decode(consumerProtocolAssignment, version, bytes, 2).assignedPartitions);
};

const withVersion = (body: Buffer): Buffer => {
  const version = Buffer.alloc(2);
  version.writeInt16BE(VERSION);
  return Buffer.concat([version, body]);
};

const byTopic = (
  partitions: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] =>
  [...groupBy(partitions, ({ topic }) => topic)]
    .map(([topic, group]) => ({
      topic,
      partitions: group.map(({ partition }) => partition).sort((a, b) => a - b),
    }))
    .sort((a, b) => (a.topic < b.topic ? -1 : 1));

const flat = (
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): TopicPartition[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
