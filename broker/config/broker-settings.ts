/**
 * The settings of a broker as Kafka 3.9 has them: two lines each, the first with name, type,
 * default, range and update mode (setting.ts has the notation), the second with what it is for.
 * Those that exist but change nothing here are in inert-settings.ts.
 */
import { inertSettings } from './inert-settings.ts';
import { parseSettings, type Setting } from './setting.ts';

const AUTHENTICATOR = 'org.apache.kafka.common.security.authenticator';
const PROTOCOLS = 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT';

const liveSettings = parseSettings(`
advertised.listeners string null - broker
  Endpoints registered in ZooKeeper for clients; falls back to listeners
alter.config.policy.class.name class null - -
  Plug-in class that can veto alter-config requests
alter.log.dirs.replication.quota.window.num int 11 1.. -
  Sample count kept for intra-broker replica-move quota
alter.log.dirs.replication.quota.window.size.seconds int 1 1.. -
  Seconds per sample for intra-broker replica-move quota
authorizer.class.name string "" - -
  Authorizer plug-in class; empty string disables authorization
auto.create.topics.enable boolean true - -
  Lets Metadata requests create missing topics automatically
auto.include.jmx.reporter boolean true - -
  Deprecated; adds JmxReporter even if not listed in metric.reporters
auto.leader.rebalance.enable boolean true - -
  Controller periodically moves leadership back to preferred replicas
background.threads int 10 1.. cluster
  Scheduler pool size for background housekeeping tasks
broker.id int -1 - -
  Numeric broker identity; -1 requests a generated id
broker.id.generation.enable boolean true - -
  Permits automatic broker id allocation through ZooKeeper sequence
broker.rack string null - -
  Rack label used for rack-aware replica placement
client.quota.callback.class class null - -
  Plug-in class computing client quota limits
compression.gzip.level int -1 gzip cluster
  Level applied when the broker recompresses with gzip
compression.lz4.level int 9 1..17 cluster
  Level applied when the broker recompresses with lz4
compression.type string producer in:uncompressed,zstd,lz4,snappy,gzip,producer cluster
  Final codec for stored batches; producer keeps the sender's codec
compression.zstd.level int 3 -131072..22 cluster
  Level applied when the broker recompresses with zstd
connection.failed.authentication.delay.ms int 100 0.. -
  Delay before closing a connection that failed authentication
connections.max.idle.ms long 600000 - -
  Idle time after which a client connection is closed
connections.max.reauth.ms long 0 - -
  Upper bound of SASL session lifetime; 0 disables re-authentication
control.plane.listener.name string null - -
  Dedicated listener for controller-to-broker traffic; unset means shared
controlled.shutdown.enable boolean true - -
  Asks the controller to move leaders away before stopping
controlled.shutdown.max.retries int 3 - -
  Attempts made at controlled shutdown before giving up
controlled.shutdown.retry.backoff.ms long 5000 - -
  Pause between controlled shutdown attempts
controller.quota.window.num int 11 1.. -
  Sample count for controller mutation quota (sets burst size)
controller.quota.window.size.seconds int 1 1.. -
  Seconds per sample for controller mutation quota
controller.socket.timeout.ms int 30000 - -
  Timeout of requests from controller to brokers
create.topic.policy.class.name class null - -
  Plug-in class that can veto topic creation
default.replication.factor int 1 - -
  Replication factor for auto-created topics or a requested -1
delegation.token.expiry.check.interval.ms long 3600000 1.. -
  Controller period for purging expired delegation tokens
delegation.token.expiry.time.ms long 86400000 1.. -
  Default token validity and renewal period
delegation.token.master.key password null - -
  Deprecated alias of delegation.token.secret.key
delegation.token.max.lifetime.ms long 604800000 1.. -
  Absolute lifetime cap of a delegation token
delegation.token.secret.key password null - -
  Shared HMAC key; setting it enables delegation tokens
delete.records.purgatory.purge.interval.requests int 1 - -
  Completed-entry count that triggers DeleteRecords purgatory purge
delete.topic.enable boolean true - -
  Allows topics to be deleted
early.start.listeners string null - -
  Listeners that may start before authorizer readiness; validated, mostly KRaft
fetch.max.bytes int 57671680 1024.. -
  Broker-side ceiling of one fetch response
fetch.purgatory.purge.interval.requests int 1000 - -
  Completed-entry count that triggers Fetch purgatory purge
follower.replication.throttled.rate long max 0.. quota
  Dynamic-only follower-side reassignment throttle, bytes per second
group.coordinator.rebalance.protocols list classic in:consumer,classic,share,unknown -
  Enabled group protocols; must contain classic, consumer rejected with ZooKeeper
group.initial.rebalance.delay.ms int 3000 - -
  Wait for more members before an empty group's first rebalance
group.max.session.timeout.ms int 1800000 - -
  Largest session timeout a classic member may ask for
group.max.size int 2147483647 1.. -
  Member cap of one classic group
group.min.session.timeout.ms int 6000 - -
  Smallest session timeout a classic member may ask for
inter.broker.listener.name string null - -
  Listener used between brokers; excludes security.inter.broker.protocol
inter.broker.protocol.version string 3.9-IV0 version -
  Inter-broker protocol level; short forms such as 3.9 accepted
kafka.metrics.polling.interval.secs int 10 1.. -
  Polling period handed to Yammer metrics reporters
kafka.metrics.reporters list "" - -
  Yammer metrics reporter classes to load
leader.imbalance.check.interval.seconds long 300 1.. -
  Period of the preferred-leader imbalance check
leader.imbalance.per.broker.percentage int 10 - -
  Imbalance percent per broker that triggers preferred election
leader.replication.throttled.rate long max 0.. quota
  Dynamic-only leader-side reassignment throttle, bytes per second
listener.security.protocol.map string ${PROTOCOLS} - broker
  Comma list NAME:PROTOCOL assigning security protocol per listener
listeners string PLAINTEXT://:9092 - broker
  Bind endpoints NAME://host:port; empty host binds all interfaces
log.cleaner.backoff.ms long 15000 0.. cluster
  Cleaner sleep when nothing needs compaction
log.cleaner.dedupe.buffer.size long 134217728 - cluster
  Total offset-map memory shared by cleaner threads
log.cleaner.delete.retention.ms long 86400000 0.. cluster
  How long tombstones and markers survive compaction
log.cleaner.enable boolean true - -
  Runs the log compaction threads
log.cleaner.io.buffer.load.factor double 0.9 - cluster
  Fill ratio allowed in the dedupe offset map
log.cleaner.io.buffer.size int 524288 0.. cluster
  Total I/O buffer memory shared by cleaner threads
log.cleaner.io.max.bytes.per.second double 1.7976931348623157E308 - cluster
  Combined read and write throttle of compaction
log.cleaner.max.compaction.lag.ms long max 1.. cluster
  Longest time a record may stay uncompacted
log.cleaner.min.cleanable.ratio double 0.5 0..1 cluster
  Dirty ratio that makes a log eligible for compaction
log.cleaner.min.compaction.lag.ms long 0 0.. cluster
  Shortest time a record stays uncompacted
log.cleaner.threads int 1 0.. cluster
  Number of compaction threads
log.cleanup.policy list delete in:compact,delete cluster
  Default cleanup policy: delete, compact or both
log.dir string /tmp/kafka-logs - -
  Single data directory used when log.dirs is unset
log.dirs string null - -
  Comma list of data directories (JBOD)
log.flush.interval.messages long max 1.. cluster
  Appended records that force an fsync
log.flush.interval.ms long null - cluster
  Maximum unflushed age; unset uses scheduler interval
log.flush.offset.checkpoint.interval.ms int 60000 0.. -
  Period for writing recovery-point checkpoint files
log.flush.scheduler.interval.ms long max - -
  Period of the time-based flush check
log.flush.start.offset.checkpoint.interval.ms int 60000 0.. -
  Period for writing log-start-offset checkpoint files
log.index.interval.bytes int 4096 0.. cluster
  Bytes between two offset index entries
log.index.size.max.bytes int 10485760 4.. cluster
  Preallocated size of each index file
log.initial.task.delay.ms long 30000 0.. - internal
  Initial delay of LogManager background tasks (tests)
log.message.downconversion.enable boolean true - cluster
  Allows converting batches for old fetchers
log.message.format.version string 3.0-IV1 version -
  Deprecated on-disk format level; ignored when IBP >= 3.0
log.message.timestamp.after.max.ms long max 0.. cluster
  Largest allowed future offset of CreateTime timestamps
log.message.timestamp.before.max.ms long max 0.. cluster
  Largest allowed past offset of CreateTime timestamps
log.message.timestamp.difference.max.ms long max 0.. cluster
  Deprecated symmetric timestamp bound behind before/after limits
log.message.timestamp.type string CreateTime in:CreateTime,LogAppendTime cluster
  Timestamp source for records: producer time or append time
log.preallocate boolean false - cluster
  Preallocates new segment files
log.retention.bytes long -1 - cluster
  Per-partition size retention; -1 unlimited
log.retention.check.interval.ms long 300000 1.. -
  Period of the retention cleanup task
log.retention.hours int 168 - -
  Age retention in hours, lowest precedence
log.retention.minutes int null - -
  Age retention in minutes, overrides hours
log.retention.ms long null - cluster
  Age retention in milliseconds, highest precedence; -1 unlimited
log.roll.hours int 168 1.. -
  Maximum segment age in hours
log.roll.jitter.hours int 0 0.. -
  Random reduction of segment age in hours
log.roll.jitter.ms long null - cluster
  Random reduction of segment age; overrides hours
log.roll.ms long null - cluster
  Maximum segment age; overrides log.roll.hours
log.segment.bytes int 1073741824 14.. cluster
  Maximum size of one segment file
log.segment.delete.delay.ms long 60000 0.. cluster
  Wait between .deleted rename and actual file removal
max.connection.creation.rate int 2147483647 0.. cluster
  Connections per second accepted broker-wide (listener prefix allowed)
max.connections int 2147483647 0.. cluster
  Open connection cap broker-wide (listener prefix allowed)
max.connections.per.ip int 2147483647 0.. cluster
  Open connection cap per source address
max.connections.per.ip.overrides string "" counts cluster
  Per host or IP caps, format host:count,host:count
max.incremental.fetch.session.cache.slots int 1000 0.. -
  Fetch session cache entries, split over 8 shards
message.max.bytes int 1048588 0.. cluster
  Largest accepted record batch
metric.reporters list "" - cluster
  MetricsReporter classes for the common metrics registry
metrics.num.samples int 2 1.. -
  Samples kept per metric
metrics.recording.level string INFO - -
  Highest metric recording level: INFO, DEBUG or TRACE
metrics.sample.window.ms long 30000 1.. -
  Length of one metric sample
min.insync.replicas int 1 1.. cluster
  Smallest ISR accepting acks=all writes
node.id int -1 - -
  KRaft id; mirrored with broker.id, must be equal if both
num.io.threads int 8 1.. cluster
  Request handler thread count
num.network.threads int 3 1.. cluster
  Network threads per data-plane listener (listener prefix allowed)
num.partitions int 1 1.. -
  Partition count of auto-created topics or a requested -1
num.recovery.threads.per.data.dir int 1 1.. cluster
  Threads per directory for startup recovery and shutdown flush
num.replica.alter.log.dirs.threads int null - -
  Threads moving replicas between directories; default one per directory
num.replica.fetchers int 1 - cluster
  Fetcher threads per source broker
offset.metadata.max.bytes int 4096 - -
  Longest metadata string accepted in offset commits
offsets.commit.required.acks short -1 - -
  Deprecated; acks needed for offset commit append
offsets.commit.timeout.ms int 5000 1.. -
  Wait for replication of an offset commit
offsets.load.buffer.size int 5242880 1.. -
  Read size when loading group metadata
offsets.retention.check.interval.ms long 600000 1.. -
  Period of the expired-offset sweep
offsets.retention.minutes int 10080 1.. -
  Committed offset lifetime after group becomes empty
offsets.topic.compression.codec int 0 - -
  Codec id for __consumer_offsets: 0 none,1 gzip,2 snappy,3 lz4,4 zstd
offsets.topic.num.partitions int 50 1.. -
  Partitions of __consumer_offsets
offsets.topic.replication.factor short 3 1.. -
  Replication factor of __consumer_offsets
offsets.topic.segment.bytes int 104857600 1.. -
  Segment size of __consumer_offsets
password.encoder.cipher.algorithm string AES/CBC/PKCS5Padding - -
  Cipher for dynamic passwords stored in ZooKeeper
password.encoder.iterations int 4096 1024.. -
  PBKDF2 iterations for dynamic password encryption
password.encoder.key.length int 128 8.. -
  Derived key bits for dynamic password encryption
password.encoder.keyfactory.algorithm string null - -
  Key derivation algorithm; default PBKDF2WithHmacSHA512
password.encoder.old.secret password null - -
  Previous encoder secret for re-encrypting at startup
password.encoder.secret password null - -
  Secret encrypting dynamic passwords; required to store them
principal.builder.class class ${AUTHENTICATOR}.DefaultKafkaPrincipalBuilder - broker
  Class deriving the principal; must implement KafkaPrincipalSerde
producer.id.expiration.check.interval.ms int 600000 1.. - internal
  Period of the producer-state expiry sweep
producer.id.expiration.ms int 86400000 1.. cluster
  Idle time before a producer id's state is dropped
producer.purgatory.purge.interval.requests int 1000 - -
  Completed-entry count that triggers Produce purgatory purge
queued.max.request.bytes long -1 - -
  Memory pool for queued requests; -1 unlimited
queued.max.requests int 500 1.. -
  Data-plane request queue capacity
quota.window.num int 11 1.. -
  Sample count kept for client quotas
quota.window.size.seconds int 1 1.. -
  Seconds per sample for client quotas
replica.alter.log.dirs.io.max.bytes.per.second long max 0.. quota
  Dynamic-only throttle for intra-broker replica moves
replica.fetch.backoff.ms int 1000 0.. -
  Follower pause after a partition fetch error
replica.fetch.max.bytes int 1048576 0.. -
  Follower fetch size per partition (soft)
replica.fetch.min.bytes int 1 - -
  Bytes a follower fetch waits for
replica.fetch.response.max.bytes int 10485760 0.. -
  Follower fetch response size (soft)
replica.fetch.wait.max.ms int 500 - -
  Longest follower fetch wait
replica.high.watermark.checkpoint.interval.ms long 5000 - -
  Period for writing high-watermark checkpoint files
replica.lag.time.max.ms long 30000 - -
  Lag duration after which a follower leaves the ISR
replica.selector.class string null - -
  Plug-in choosing preferred read replica
replica.socket.receive.buffer.bytes int 65536 - -
  SO_RCVBUF of replica fetch sockets
replica.socket.timeout.ms int 30000 - -
  Network timeout of replica fetches
replication.quota.window.num int 11 1.. -
  Sample count for replication throttles
replication.quota.window.size.seconds int 1 1.. -
  Seconds per sample for replication throttles
request.timeout.ms int 30000 - -
  Timeout of requests this broker sends to others
reserved.broker.max.id int 1000 0.. -
  Highest manually assignable id; generated ids start above
sasl.client.callback.handler.class class null - -
  SASL client callback class for outgoing connections
sasl.enabled.mechanisms list GSSAPI - broker
  SASL mechanisms offered (listener prefix allowed)
sasl.jaas.config password null - broker
  JAAS entry; brokers need listener and mechanism prefix
sasl.kerberos.kinit.cmd string /usr/bin/kinit - broker
  Path of the kinit binary
sasl.kerberos.min.time.before.relogin long 60000 - broker
  Minimum milliseconds between Kerberos relogin attempts
sasl.kerberos.principal.to.local.rules list DEFAULT - broker
  auth_to_local style rules mapping Kerberos principals
sasl.kerberos.service.name string null - broker
  Kerberos service name of the brokers
sasl.kerberos.ticket.renew.jitter double 0.05 - broker
  Random share added to Kerberos renewal time
sasl.kerberos.ticket.renew.window.factor double 0.8 - broker
  Fraction of ticket lifetime before renewal
sasl.login.callback.handler.class class null - -
  Login callback class (listener and mechanism prefix)
sasl.login.class class null - -
  Login implementation class (listener and mechanism prefix)
sasl.login.connect.timeout.ms int null - -
  OAUTHBEARER token endpoint connect timeout
sasl.login.read.timeout.ms int null - -
  OAUTHBEARER token endpoint read timeout
sasl.login.refresh.buffer.seconds short 300 - broker
  OAUTHBEARER safety margin before token expiry
sasl.login.refresh.min.period.seconds short 60 - broker
  OAUTHBEARER minimum time between refreshes
sasl.login.refresh.window.factor double 0.8 - broker
  OAUTHBEARER lifetime fraction before refresh
sasl.login.refresh.window.jitter double 0.05 - broker
  OAUTHBEARER refresh jitter fraction
sasl.login.retry.backoff.max.ms long 10000 - -
  OAUTHBEARER largest login retry backoff
sasl.login.retry.backoff.ms long 100 - -
  OAUTHBEARER initial login retry backoff
sasl.mechanism.inter.broker.protocol string GSSAPI - broker
  SASL mechanism this broker uses towards other brokers
sasl.oauthbearer.clock.skew.seconds int 30 - -
  Allowed clock difference with token issuer
sasl.oauthbearer.expected.audience list null - -
  Accepted JWT aud values
sasl.oauthbearer.expected.issuer string null - -
  Required JWT iss value
sasl.oauthbearer.jwks.endpoint.refresh.ms long 3600000 - -
  JWKS cache refresh period
sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms long 10000 - -
  Largest JWKS retry backoff
sasl.oauthbearer.jwks.endpoint.retry.backoff.ms long 100 - -
  Initial JWKS retry backoff
sasl.oauthbearer.jwks.endpoint.url string null - -
  URL or file of the JWKS keys
sasl.oauthbearer.scope.claim.name string scope - -
  JWT claim holding the scope
sasl.oauthbearer.sub.claim.name string sub - -
  JWT claim holding the subject
sasl.oauthbearer.token.endpoint.url string null - -
  Token endpoint URL or token file
sasl.server.callback.handler.class class null - -
  Server callback class (listener and mechanism prefix)
sasl.server.max.receive.size int 524288 - -
  Largest frame accepted before authentication completes
security.inter.broker.protocol string PLAINTEXT in:PLAINTEXT,SSL,SASL_PLAINTEXT,SASL_SSL -
  Inter-broker security protocol when no listener name is set
security.providers string null - -
  SecurityProviderCreator classes to install
socket.connection.setup.timeout.max.ms long 30000 - -
  Largest outgoing connect timeout
socket.connection.setup.timeout.ms long 10000 - -
  Initial outgoing connect timeout
socket.listen.backlog.size int 50 1.. -
  Pending connection queue length of server sockets
socket.receive.buffer.bytes int 102400 - -
  SO_RCVBUF of server sockets; -1 uses OS default
socket.request.max.bytes int 104857600 1.. -
  Largest accepted request frame
socket.send.buffer.bytes int 102400 - -
  SO_SNDBUF of accepted sockets; -1 uses OS default
ssl.allow.dn.changes boolean false - -
  Permits certificate DN change on dynamic keystore update
ssl.allow.san.changes boolean false - -
  Permits certificate SAN removal on dynamic keystore update
ssl.cipher.suites list "" - broker
  Enabled cipher suites; empty means runtime defaults
ssl.client.auth string none in:required,requested,none broker
  Client certificate policy: required, requested or none
ssl.enabled.protocols list TLSv1.2,TLSv1.3 - broker
  Enabled TLS versions; default depends on Java version
ssl.endpoint.identification.algorithm string https - broker
  Hostname verification for outgoing connections; empty disables
ssl.engine.factory.class class null - broker
  Custom SslEngineFactory class
ssl.key.password password null - broker
  Private key password (keystore entry or PEM)
ssl.keymanager.algorithm string SunX509 - broker
  Key manager algorithm; default from JVM
ssl.keystore.certificate.chain password null - broker
  Inline PEM certificate chain
ssl.keystore.key password null - broker
  Inline PEM PKCS#8 private key
ssl.keystore.location string null - broker
  Keystore file path
ssl.keystore.password password null - broker
  Keystore password; not allowed for PEM
ssl.keystore.type string JKS - broker
  Keystore format: JKS, PKCS12 or PEM
ssl.principal.mapping.rules string DEFAULT - -
  Rules turning certificate DN into principal name
ssl.protocol string TLSv1.3 - broker
  TLS context protocol; default depends on Java version
ssl.provider string null - broker
  JCA provider for TLS
ssl.secure.random.implementation string null - broker
  SecureRandom algorithm for TLS
ssl.trustmanager.algorithm string PKIX - broker
  Trust manager algorithm; default from JVM
ssl.truststore.certificates password null - broker
  Inline PEM trusted certificates
ssl.truststore.location string null - broker
  Truststore file path
ssl.truststore.password password null - broker
  Truststore password; optional, not allowed for PEM
ssl.truststore.type string JKS - broker
  Truststore format: JKS, PKCS12 or PEM
transaction.abort.timed.out.transaction.cleanup.interval.ms int 10000 1.. -
  Period of the timed-out transaction abort sweep
transaction.max.timeout.ms int 900000 1.. -
  Largest transaction timeout a producer may request
transaction.partition.verification.enable boolean true - cluster
  Verifies partition is in transaction before transactional append
transaction.remove.expired.transaction.cleanup.interval.ms int 3600000 1.. -
  Period of the expired transactional.id sweep
transaction.state.log.load.buffer.size int 5242880 1.. -
  Read size when loading transaction state
transaction.state.log.min.isr int 2 1.. -
  min.insync.replicas of __transaction_state
transaction.state.log.num.partitions int 50 1.. -
  Partitions of __transaction_state
transaction.state.log.replication.factor short 3 1.. -
  Replication factor of __transaction_state
transaction.state.log.segment.bytes int 104857600 1.. -
  Segment size of __transaction_state
transactional.id.expiration.ms int 604800000 1.. -
  Idle time before a transactional.id is forgotten
unclean.leader.election.enable boolean false - cluster
  Allows out-of-sync replicas to become leader
unstable.api.versions.enable boolean false - - internal
  Exposes unreleased API versions (tests)
unstable.feature.versions.enable boolean false - - internal
  Exposes unreleased feature levels (tests)
zookeeper.clientCnxnSocket string null - -
  ZooKeeper client socket class; Netty needed for TLS
zookeeper.connect string null - -
  ZooKeeper host list with optional chroot; required in ZooKeeper mode
zookeeper.connection.timeout.ms int null - -
  ZooKeeper connect wait; unset uses session timeout
zookeeper.max.in.flight.requests int 10 1.. -
  Pipelined ZooKeeper request limit
zookeeper.session.timeout.ms int 18000 - -
  ZooKeeper session timeout
zookeeper.set.acl boolean false - -
  Creates znodes with secured ZooKeeper ACLs
zookeeper.ssl.cipher.suites list null - -
  ZooKeeper TLS cipher suites
zookeeper.ssl.client.enable boolean false - -
  Uses TLS towards ZooKeeper
zookeeper.ssl.crl.enable boolean false - -
  Checks CRLs for ZooKeeper TLS
zookeeper.ssl.enabled.protocols list null - -
  ZooKeeper TLS versions; null follows zookeeper.ssl.protocol
zookeeper.ssl.endpoint.identification.algorithm string HTTPS - -
  ZooKeeper hostname verification; HTTPS on, blank off
zookeeper.ssl.keystore.location string null - -
  ZooKeeper client keystore path
zookeeper.ssl.keystore.password password null - -
  ZooKeeper client keystore password
zookeeper.ssl.keystore.type string null - -
  ZooKeeper client keystore format; null detects by extension
zookeeper.ssl.ocsp.enable boolean false - -
  Checks OCSP for ZooKeeper TLS
zookeeper.ssl.protocol string TLSv1.2 - -
  ZooKeeper TLS context protocol
zookeeper.ssl.truststore.location string null - -
  ZooKeeper truststore path
zookeeper.ssl.truststore.password password null - -
  ZooKeeper truststore password
zookeeper.ssl.truststore.type string null - -
  ZooKeeper truststore format; null detects by extension
`);

/** All settings by name. */
export const brokerSettings: ReadonlyMap<string, Setting> = new Map(
  [...liveSettings, ...inertSettings]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((setting) => [setting.name, setting]),
);
