/** The settings of a consumer, named after the Java client's, with its defaults. */
import type { Assignor } from './assignors.ts';
import type { ClusterOptions } from './cluster.ts';
import type { TopicPartition } from './positions.ts';

export interface ConsumerOptions extends Omit<ClusterOptions, 'clientId'> {
  readonly clientId?: string;
  readonly groupId?: string;
  readonly groupInstanceId?: string;
  readonly sessionTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  readonly maxPollIntervalMs?: number;
  readonly maxPollRecords?: number;
  readonly partitionAssignors?: readonly (string | Assignor)[];
  /** On when there is a group. */
  readonly enableAutoCommit?: boolean;
  readonly autoCommitIntervalMs?: number;
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none';
  readonly isolationLevel?: 'read_uncommitted' | 'read_committed';
  readonly fetchMinBytes?: number;
  readonly fetchMaxBytes?: number;
  readonly fetchMaxWaitMs?: number;
  readonly maxPartitionFetchBytes?: number;
  readonly checkCrcs?: boolean;
  readonly clientRack?: string;
  readonly excludeInternalTopics?: boolean;
  readonly defaultApiTimeoutMs?: number;
}

/** Told during `poll`, `unsubscribe` and `close`; what they return is waited for. */
export interface RebalanceListener {
  assigned?(partitions: readonly TopicPartition[]): void | Promise<void>;
  revoked?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /** Partitions that others may own already; `revoked` is called when there is no such function. */
  lost?(partitions: readonly TopicPartition[]): void | Promise<void>;
}

const DEFAULTS = {
  clientId: 'consumer-1',
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 3000,
  maxPollIntervalMs: 300_000,
  maxPollRecords: 500,
  partitionAssignors: ['range', 'cooperative-sticky'] as readonly (string | Assignor)[],
  autoCommitIntervalMs: 5000,
  autoOffsetReset: 'latest' as 'earliest' | 'latest' | 'none',
  isolationLevel: 'read_uncommitted' as 'read_uncommitted' | 'read_committed',
  fetchMinBytes: 1,
  fetchMaxBytes: 52_428_800,
  fetchMaxWaitMs: 500,
  maxPartitionFetchBytes: 1_048_576,
  checkCrcs: true,
  clientRack: '',
  excludeInternalTopics: true,
  defaultApiTimeoutMs: 60_000,
  requestTimeoutMs: 30_000,
};

export type ConsumerSettings = ConsumerOptions & typeof DEFAULTS;

export const consumerSettings = (options: ConsumerOptions): ConsumerSettings => ({
  ...DEFAULTS,
  ...options,
});
