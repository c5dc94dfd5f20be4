/**
 * Settings that Kafka 3.9 knows but that change nothing in a ZooKeeper-mode broker without tiered
 * storage: KRaft, the new group coordinator, share groups, tiered storage, migration. They are
 * checked and described as Kafka does, so that no file or tool stumbles over them.
 */
import { parseSettings } from './setting.ts';

const ASSIGNORS = 'org.apache.kafka.coordinator.group.assignor';
const REMOTE_LOG_METADATA_MANAGER =
  'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager';

export const inertSettings = parseSettings(`
broker.heartbeat.interval.ms int 2000 - -
  KRaft broker heartbeat period; unused with ZooKeeper
broker.session.timeout.ms int 9000 - -
  KRaft broker lease duration; unused with ZooKeeper
controller.listener.names string null - -
  KRaft controller listeners; must be empty in plain ZooKeeper mode
controller.quorum.append.linger.ms int 25 - -
  KRaft leader write batching delay
controller.quorum.bootstrap.servers list "" - -
  KRaft quorum discovery endpoints host:port list
controller.quorum.election.backoff.max.ms int 1000 - -
  KRaft maximum backoff before a new election
controller.quorum.election.timeout.ms int 1000 - -
  KRaft wait without leader contact before electing
controller.quorum.fetch.timeout.ms int 2000 - -
  KRaft maximum time without successful fetch from leader
controller.quorum.request.timeout.ms int 2000 - -
  KRaft quorum request timeout
controller.quorum.retry.backoff.ms int 20 - -
  KRaft initial retry backoff
controller.quorum.voters list "" - -
  KRaft static voter set, entries id@host:port
eligible.leader.replicas.enable boolean false - -
  KRaft ELR preview switch; no ZooKeeper effect
group.consumer.assignors list ${ASSIGNORS}.UniformAssignor,${ASSIGNORS}.RangeAssignor - -
  Server-side assignors of the new consumer protocol (KRaft)
group.consumer.heartbeat.interval.ms int 5000 1.. -
  New consumer protocol heartbeat interval handed to members
group.consumer.max.heartbeat.interval.ms int 15000 1.. -
  New consumer protocol largest heartbeat interval
group.consumer.max.session.timeout.ms int 60000 1.. -
  New consumer protocol largest session timeout
group.consumer.max.size int 2147483647 1.. -
  New consumer protocol member cap per group
group.consumer.migration.policy string disabled - - internal
  Classic/consumer group online conversion policy (KRaft)
group.consumer.min.heartbeat.interval.ms int 5000 1.. -
  New consumer protocol smallest heartbeat interval
group.consumer.min.session.timeout.ms int 45000 1.. -
  New consumer protocol smallest session timeout
group.consumer.session.timeout.ms int 45000 1.. -
  New consumer protocol session timeout
group.coordinator.append.linger.ms int 10 0.. -
  Write batching delay of the new group coordinator
group.coordinator.new.enable boolean false - - internal
  Switches to the new group coordinator (KRaft only)
group.coordinator.threads int 1 1.. -
  Event-loop threads of the new group coordinator
group.share.delivery.count.limit int 5 2..10 -
  Share groups: maximum delivery attempts per record
group.share.enable boolean false - - internal
  Share groups master switch (unreleased, KRaft)
group.share.heartbeat.interval.ms int 5000 1.. -
  Share groups: heartbeat interval
group.share.max.groups short 10 1..100 -
  Share groups: cap on group count
group.share.max.heartbeat.interval.ms int 15000 1.. -
  Share groups: largest heartbeat interval
group.share.max.record.lock.duration.ms int 60000 30000..3600000 -
  Share groups: longest record lock
group.share.max.session.timeout.ms int 60000 1.. -
  Share groups: largest session timeout
group.share.max.size short 200 10..1000 -
  Share groups: member cap per group
group.share.min.heartbeat.interval.ms int 5000 1.. -
  Share groups: smallest heartbeat interval
group.share.min.record.lock.duration.ms int 15000 1000..30000 -
  Share groups: shortest record lock
group.share.min.session.timeout.ms int 45000 1.. -
  Share groups: smallest session timeout
group.share.partition.max.record.locks int 200 100..10000 -
  Share groups: record locks per share-partition
group.share.record.lock.duration.ms int 30000 1000..60000 -
  Share groups: default record lock time
group.share.session.timeout.ms int 45000 1.. -
  Share groups: session timeout
initial.broker.registration.timeout.ms int 60000 - -
  KRaft registration deadline at startup
log.dir.failure.timeout.ms long 30000 1.. -
  KRaft grace period to report failed log directory
log.local.retention.bytes long -2 -2.. cluster
  Local size limit for tiered topics; -2 follows log.retention.bytes
log.local.retention.ms long -2 -2.. cluster
  Local age limit for tiered topics; -2 follows log.retention.ms
max.request.partition.size.limit int 2000 1.. -
  DescribeTopicPartitions page cap (KRaft)
metadata.log.dir string null - -
  KRaft metadata log location (also checked during migration)
metadata.log.max.record.bytes.between.snapshots long 20971520 1.. -
  KRaft bytes between metadata snapshots
metadata.log.max.snapshot.interval.ms long 3600000 0.. -
  KRaft time between metadata snapshots
metadata.log.segment.bytes int 1073741824 12.. -
  KRaft metadata segment size
metadata.log.segment.min.bytes int 8388608 12.. - internal
  KRaft metadata segment minimum (tests)
metadata.log.segment.ms long 604800000 - -
  KRaft metadata segment age
metadata.max.idle.interval.ms int 500 0.. -
  KRaft no-op record interval
metadata.max.retention.bytes long 104857600 - -
  KRaft metadata retention size
metadata.max.retention.ms long 604800000 - -
  KRaft metadata retention age
process.roles list "" in:broker,controller -
  KRaft roles; must stay empty for ZooKeeper mode
remote.fetch.max.wait.ms int 500 1.. cluster
  Longest wait for a remote storage read
remote.log.index.file.cache.total.size.bytes long 1073741824 1.. cluster
  Disk budget for cached remote index files
remote.log.manager.copier.thread.pool.size int -1 - -
  Upload threads; -1 follows thread.pool.size
remote.log.manager.copy.max.bytes.per.second long max 1.. cluster
  Upload bandwidth cap
remote.log.manager.copy.quota.window.num int 11 1.. -
  Sample count for upload quota
remote.log.manager.copy.quota.window.size.seconds int 1 1.. -
  Seconds per sample for upload quota
remote.log.manager.expiration.thread.pool.size int -1 - -
  Remote expiry threads; -1 follows thread.pool.size
remote.log.manager.fetch.max.bytes.per.second long max 1.. cluster
  Remote read bandwidth cap
remote.log.manager.fetch.quota.window.num int 11 1.. -
  Sample count for remote read quota
remote.log.manager.fetch.quota.window.size.seconds int 1 1.. -
  Seconds per sample for remote read quota
remote.log.manager.task.interval.ms long 30000 1.. -
  Period of upload and expiry tasks
remote.log.manager.task.retry.backoff.max.ms long 30000 1.. - internal
  Largest retry backoff of remote tasks
remote.log.manager.task.retry.backoff.ms long 500 1.. - internal
  Initial retry backoff of remote tasks
remote.log.manager.task.retry.jitter double 0.2 0..0.5 - internal
  Jitter fraction of remote task backoff
remote.log.manager.thread.pool.size int 10 1.. -
  Deprecated shared remote task pool size
remote.log.metadata.custom.metadata.max.bytes int 128 0.. -
  Custom segment metadata size limit
remote.log.metadata.manager.class.name string ${REMOTE_LOG_METADATA_MANAGER} nonempty -
  RemoteLogMetadataManager implementation class
remote.log.metadata.manager.class.path string null - -
  Extra class path for RemoteLogMetadataManager
remote.log.metadata.manager.impl.prefix string rlmm.config. nonempty -
  Property prefix passed to RemoteLogMetadataManager
remote.log.metadata.manager.listener.name string null nonempty -
  Local listener the metadata manager connects through
remote.log.reader.max.pending.tasks int 100 1.. -
  Remote reader queue capacity
remote.log.reader.threads int 10 1.. -
  Remote reader thread count
remote.log.storage.manager.class.name string null nonempty -
  RemoteStorageManager implementation class
remote.log.storage.manager.class.path string null - -
  Extra class path for RemoteStorageManager
remote.log.storage.manager.impl.prefix string rsm.config. nonempty -
  Property prefix passed to RemoteStorageManager
remote.log.storage.system.enable boolean false - -
  Enables tiered storage in the broker
sasl.mechanism.controller.protocol string GSSAPI - -
  SASL mechanism towards KRaft controllers
server.max.startup.time.ms long max 0.. - internal
  KRaft startup deadline (tests)
telemetry.max.bytes int 1048576 1.. -
  Client telemetry push size limit (KRaft only)
unclean.leader.election.interval.ms long 300000 1.. - internal
  KRaft unclean election check period
zookeeper.metadata.migration.enable boolean false - -
  Turns on ZooKeeper to KRaft migration
zookeeper.metadata.migration.min.batch.size int 200 1.. - internal
  Soft batch size when migrating metadata
`);
