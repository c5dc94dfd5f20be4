/**
 * The replicas of this broker by topic and number, and what runs on timers for all of them: the ISR shrink check and the
 * high watermark checkpoint. How requests use replicas stands in appends.ts, reads.ts and role-changes.ts; following in
 * fetchers.ts. Reproduces the state side of Kafka's ReplicaManager.
 */
import type { LogManager } from '../../log/log-manager.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import type { Timer } from '../../system/clock.ts';
import type { System } from '../../system/system.ts';
import { Deadlines } from '../deadlines.ts';
import type { MetadataCache } from '../metadata-cache.ts';
import type { TopicSettings, TopicSettingsSource } from '../topic-settings.ts';
import { HostedPartition, type ReplicaHost } from './hosted-partition.ts';
import type { IsrUpdates } from './isr-updates.ts';
import { PartitionState } from './partition.ts';

export interface ReplicaManagerOptions {
  readonly brokerId: number;
  readonly lagMsMax: number;
  readonly checkpointIntervalMs: number;
}

export class ReplicaManager implements ReplicaHost {
  readonly system: System;
  readonly brokerId: number;
  readonly lagMsMax: number;
  readonly logs: LogManager;
  readonly metadata: MetadataCache;
  /** For requests that wait. */
  readonly deadlines: Deadlines;
  /** Of the last accepted request of a controller; older ones are refused. */
  controllerEpoch = 0;
  /** From the start of a shutdown on nothing new is followed. */
  isShuttingDown = false;
  /** Called when a log directory has failed and its replicas are offline. */
  onDirectoryFailed: (isLast: boolean) => void = () => {};
  readonly #options: ReplicaManagerOptions;
  readonly #settings: TopicSettingsSource;
  readonly #isrUpdates: IsrUpdates;
  readonly #topics = new Map<string, Map<number, HostedPartition>>();
  /** Replicas that cannot be made because their logs may lie in a directory that has failed. */
  readonly #lost = new Set<string>();
  readonly #timers = new Set<Timer>();
  #isStopped = false;

  constructor(
    system: System,
    parts: {
      readonly logs: LogManager;
      readonly metadata: MetadataCache;
      readonly settings: TopicSettingsSource;
      readonly isrUpdates: IsrUpdates;
    },
    options: ReplicaManagerOptions,
  ) {
    this.system = system;
    this.logs = parts.logs;
    this.metadata = parts.metadata;
    this.#settings = parts.settings;
    this.#isrUpdates = parts.isrUpdates;
    this.#options = options;
    this.brokerId = options.brokerId;
    this.lagMsMax = options.lagMsMax;
    this.deadlines = new Deadlines(system.clock);
  }

  start(): void {
    this.#every(this.lagMsMax / 2, () => {
      for (const replica of this.replicas()) if (!replica.isOffline) replica.shrinkIsr();
    });
    this.#every(this.#options.checkpointIntervalMs, () => this.checkpointHighWatermarks());
    // Retention never takes what is not committed yet.
    this.logs.currentHighWatermark = ({ topic, partition }) =>
      this.get(topic, partition)?.state.highWatermark ?? this.logs.highWatermark(topic, partition);
    this.logs.onDirectoryFailure = (_directory, logs) => this.#directoryFailed(logs);
  }

  /** Stops the timers and writes the high watermarks; the logs are closed by their own owner. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const replica of this.replicas()) replica.stop(errorCodes.NOT_LEADER_OR_FOLLOWER);
    this.deadlines.expireAll();
    await this.checkpointHighWatermarks();
  }

  nowMs(): number {
    return this.system.clock.elapsedMs();
  }

  isAlive(brokerId: number): boolean {
    return this.metadata.isAlive(brokerId);
  }

  proposeIsr(partition: HostedPartition, proposal: Parameters<ReplicaHost['proposeIsr']>[1]): void {
    this.#isrUpdates.submit(partition, proposal);
  }

  *replicas(): Generator<HostedPartition> {
    for (const partitions of this.#topics.values()) yield* partitions.values();
  }

  replicasOf(topic: string): Iterable<HostedPartition> {
    return this.#topics.get(topic)?.values() ?? [];
  }

  /** The replica, also one that is offline; undefined when this broker has none. */
  get(topic: string, partition: number): HostedPartition | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  /** The replica when it can serve, else why not, as an error code (the order of Kafka's getPartitionOrError). */
  lookUp(topic: string, partition: number): HostedPartition | number {
    const replica = this.get(topic, partition);
    if (replica !== undefined && !replica.isOffline) return replica;
    if (this.isOffline(topic, partition)) return errorCodes.KAFKA_STORAGE_ERROR;
    return this.metadata.partition(topic, partition) === undefined
      ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      : errorCodes.NOT_LEADER_OR_FOLLOWER;
  }

  /** Its directory has failed, or may have: for good, until the broker starts again. */
  isOffline(topic: string, partition: number): boolean {
    return (
      this.get(topic, partition)?.isOffline === true || this.#lost.has(`${topic}-${partition}`)
    );
  }

  /**
   * The replica with its log, made now if there is none. Throws ProtocolError(KAFKA_STORAGE_ERROR) without a directory, and
   * when a replica that is not new may have its log in a directory that has failed: an empty one must not take its place.
   */
  async create(
    topic: string,
    partition: number,
    topicId: string,
    isNew: boolean,
  ): Promise<HostedPartition> {
    const existing = this.get(topic, partition);
    if (existing !== undefined) {
      existing.assignTopicId(topicId);
      return existing;
    }
    if (!isNew && this.logs.hasOfflineDirectory && this.logs.get(topic, partition) === undefined) {
      this.#lost.add(`${topic}-${partition}`);
      throw new ProtocolError(errorCodes.KAFKA_STORAGE_ERROR, 'its log directory may have failed');
    }
    const settings = await this.#settings.of(topic);
    const log = await this.logs.getOrCreate(topic, partition, { topicId, config: settings.log });
    // The settings may have changed meanwhile, and a log from before was loaded with older ones.
    const { log: config, minInsyncReplicas } = this.#settings.known(topic) ?? settings;
    log.config = config;
    // One request may name a partition twice.
    const made = this.get(topic, partition);
    if (made !== undefined) return made;
    const checkpoint = this.logs.highWatermark(topic, partition);
    const highWatermark = Math.max(log.logStartOffset, Math.min(checkpoint, log.logEndOffset));
    const replica = new HostedPartition(this, {
      state: new PartitionState(topic, partition, this.brokerId, highWatermark),
      log,
      topicId: topicId === ZERO_UUID ? (log.topicId ?? ZERO_UUID) : topicId,
      minInsyncReplicas,
    });
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.#topics.set(topic, partitions);
    }
    partitions.set(partition, replica);
    return replica;
  }

  /** Forgets the replica and, with its directory renamed first, deletes its log. */
  async delete(topic: string, partition: number): Promise<void> {
    const replica = this.get(topic, partition);
    const partitions = this.#topics.get(topic);
    partitions?.delete(partition);
    if (partitions?.size === 0) {
      this.#topics.delete(topic);
      this.#settings.forget(topic);
    }
    replica?.deleted();
    await this.logs.delete(topic, partition);
  }

  /** The topic's settings have changed. */
  async applySettings(topic: string): Promise<void> {
    await this.#settings.of(topic);
    this.applyKnownSettings(topic);
  }

  /** What is known of topics counts from now on, under the broker's settings as they are now. */
  applyKnownSettings(onlyTopic?: string): void {
    const known = new Map<string, TopicSettings | undefined>();
    for (const log of this.logs.everyLog()) {
      const { topic, partition } = log;
      if (onlyTopic !== undefined && topic !== onlyTopic) continue;
      if (!known.has(topic)) known.set(topic, this.#settings.known(topic));
      const settings = known.get(topic);
      if (settings === undefined) continue;
      log.config = settings.log;
      const replica = this.get(topic, partition);
      if (replica !== undefined) replica.minInsyncReplicas = settings.minInsyncReplicas;
    }
  }

  /** The topic id of a hosted partition, by its replica or by the directory's partition.metadata. */
  topicIdOf(topic: string, partition: number): string {
    const replica = this.get(topic, partition);
    if (replica !== undefined && replica.topicId !== ZERO_UUID) return replica.topicId;
    return this.logs.topicId(topic, partition) ?? ZERO_UUID;
  }

  /** Throws ProtocolError(STALE_CONTROLLER_EPOCH) for an older controller, else takes its epoch over. */
  fenceController(controllerEpoch: number): void {
    if (controllerEpoch < this.controllerEpoch)
      throw new ProtocolError(errorCodes.STALE_CONTROLLER_EPOCH);
    this.controllerEpoch = controllerEpoch;
  }

  async checkpointHighWatermarks(): Promise<void> {
    const values: { topic: string; partition: number; offset: number }[] = [];
    for (const { topic, partition, state, isOffline } of this.replicas()) {
      if (!isOffline) values.push({ topic, partition, offset: state.highWatermark });
    }
    await this.logs.checkpointHighWatermarks(values);
  }

  #directoryFailed(logs: readonly PartitionLog[]): void {
    for (const { topic, partition } of logs) {
      const replica = this.get(topic, partition);
      if (replica === undefined) continue;
      replica.isOffline = true;
      replica.stop(errorCodes.KAFKA_STORAGE_ERROR);
    }
    this.onDirectoryFailed(this.logs.onlineDirectories.length === 0);
  }

  #every(intervalMs: number, job: () => Promise<void> | void): void {
    let timer: Timer;
    const run = async (): Promise<void> => {
      this.#timers.delete(timer);
      try {
        await job();
      } catch (error) {
        this.system.logger.error({ err: error }, 'a periodic job of the replica manager failed');
      }
      if (!this.#isStopped) arm();
    };
    const arm = (): void => {
      timer = this.system.clock.setTimer(intervalMs, () => void run());
      this.#timers.add(timer);
    };
    arm();
  }
}
