/**
 * The settings of a topic as Kafka 3.9 has them, and the broker setting that each falls back to:
 * a line with name, type, default, range (notation in setting.ts) and broker setting, then a line
 * that says what it is for.
 */
import { parseSettings, type Setting } from './setting.ts';

const table = `
cleanup.policy list delete in:compact,delete log.cleanup.policy
  Old segment handling: delete, compact or both
compression.gzip.level int -1 gzip compression.gzip.level
  gzip level when broker recompresses
compression.lz4.level int 9 1..17 compression.lz4.level
  lz4 level when broker recompresses
compression.type string producer in:uncompressed,zstd,lz4,snappy,gzip,producer compression.type
  Stored batch codec; producer keeps sender's choice
compression.zstd.level int 3 -131072..22 compression.zstd.level
  zstd level when broker recompresses
delete.retention.ms long 86400000 0.. log.cleaner.delete.retention.ms
  Tombstone and marker lifetime in compacted logs
file.delete.delay.ms long 60000 0.. log.segment.delete.delay.ms
  Wait between .deleted rename and file removal
flush.messages long max 1.. log.flush.interval.messages
  Appended records that force an fsync
flush.ms long max 0.. log.flush.interval.ms
  Maximum unflushed age of records
follower.replication.throttled.replicas list "" replicas -
  Follower-side throttled replicas: partition:broker list or *
index.interval.bytes int 4096 0.. log.index.interval.bytes
  Bytes between offset index entries
leader.replication.throttled.replicas list "" replicas -
  Leader-side throttled replicas: partition:broker list or *
local.retention.bytes long -2 -2.. log.local.retention.bytes
  Local size limit when tiered; -2 follows retention.bytes
local.retention.ms long -2 -2.. log.local.retention.ms
  Local age limit when tiered; -2 follows retention.ms
max.compaction.lag.ms long max 1.. log.cleaner.max.compaction.lag.ms
  Longest time a record may stay uncompacted
max.message.bytes int 1048588 0.. message.max.bytes
  Largest accepted record batch
message.downconversion.enable boolean true - log.message.downconversion.enable
  Allows batch conversion for old fetchers
message.format.version string 3.0-IV1 version log.message.format.version
  Deprecated format level; ignored when IBP >= 3.0
message.timestamp.after.max.ms long max 0.. log.message.timestamp.after.max.ms
  Allowed future offset of CreateTime timestamps
message.timestamp.before.max.ms long max 0.. log.message.timestamp.before.max.ms
  Allowed past offset of CreateTime timestamps
message.timestamp.difference.max.ms long max 0.. log.message.timestamp.difference.max.ms
  Deprecated symmetric timestamp bound behind before/after limits
message.timestamp.type string CreateTime in:CreateTime,LogAppendTime log.message.timestamp.type
  Record timestamp source: producer time or append time
min.cleanable.dirty.ratio double 0.5 0..1 log.cleaner.min.cleanable.ratio
  Dirty ratio that makes the log compactable
min.compaction.lag.ms long 0 0.. log.cleaner.min.compaction.lag.ms
  Shortest time a record stays uncompacted
min.insync.replicas int 1 1.. min.insync.replicas
  Smallest ISR accepting acks=all writes
preallocate boolean false - log.preallocate
  Preallocates new segment files
remote.log.copy.disable boolean false - -
  Stops uploads; rejected in ZooKeeper mode when true
remote.log.delete.on.disable boolean false - -
  Deletes remote data on disable; rejected in ZooKeeper mode
remote.storage.enable boolean false - -
  Enables tiered storage for the topic
retention.bytes long -1 - log.retention.bytes
  Per-partition size retention; -1 unlimited
retention.ms long 604800000 -1.. log.retention.ms
  Age retention; -1 unlimited
segment.bytes int 1073741824 14.. log.segment.bytes
  Maximum segment file size
segment.index.bytes int 10485760 4.. log.index.size.max.bytes
  Preallocated index file size
segment.jitter.ms long 0 0.. log.roll.jitter.ms
  Random reduction of segment roll time
segment.ms long 604800000 1.. log.roll.ms
  Maximum segment age before roll
unclean.leader.election.enable boolean false - unclean.leader.election.enable
  Allows out-of-sync replica to become leader
`;

export interface TopicSetting extends Setting {
  /** The broker setting under it; null: there is none and the default of this table counts. */
  readonly brokerName: string | null;
}

/** All settings of a topic by name. */
export const topicSettings: ReadonlyMap<string, TopicSetting> = new Map(
  parseSettings(table).map((setting) => [
    setting.name,
    { ...setting, brokerName: setting.mark === '-' ? null : setting.mark },
  ]),
);
