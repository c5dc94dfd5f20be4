/** The clients as other folders use them. What is not named here is internal. */

export type {
  ConfigChange,
  ConfigEntry,
  ConfigResource,
  ResourceConfigs,
  ResourceType,
} from './admin/configs.ts';
export { AdminContext, type CallOptions, type Outcome, throwFirst } from './admin/context.ts';
export type { GroupDescription, GroupListing } from './admin/groups.ts';
export type {
  ClusterDescription,
  LogDir,
  OngoingReassignment,
  Reassignment,
} from './admin/partitions.ts';
export type { CreatedTopic, NewPartitions, NewTopic } from './admin/topics.ts';
export { type Admin, type AdminOptions, createAdmin } from './admin.ts';
export {
  type Assignor,
  assignors,
  cooperativeStickyAssignor,
  rangeAssignor,
  roundRobinAssignor,
} from './assignors.ts';
export { Cluster, type ClusterOptions, parseServers } from './cluster.ts';
export {
  Consumer,
  type ConsumerOptions,
  type ConsumerRecord,
  createConsumer,
  type RebalanceListener,
} from './consumer.ts';
export * from './errors.ts';
export { CorruptBatch } from './fetched-records.ts';
export {
  EARLIEST,
  type FoundOffset,
  LATEST,
  MAX_TIMESTAMP,
  type OffsetQuery,
} from './list-offsets.ts';
export type { BrokerInfo, PartitionInfo, TopicInfo } from './metadata.ts';
export { murmur2, partitionOfKey } from './partitioner.ts';
export type { CommittedOffset, TopicPartition } from './positions.ts';
export {
  createProducer,
  Producer,
  type ProducerOptions,
  type ProducerRecord,
  type RecordMetadata,
  type SendCallback,
} from './producer.ts';
