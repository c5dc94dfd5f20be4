/**
 * All logs of a broker, over one or more directories: start-up in the order of Kafka's LogManager,
 * creation, deletion, checkpoints, retention, and directories that fail. High watermarks belong to
 * the replica layer; here they are only kept in their file, and asked for by retention.
 */
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { ZERO_UUID } from '../protocol/uuid.ts';
import type { System } from '../system/system.ts';
import { partitionName } from './checkpoints.ts';
import { LogCleaner } from './cleaner/log-cleaner.ts';
import { deletedDirectoryName } from './file-names.ts';
import { FutureLogs } from './future-logs.ts';
import { LogCheckpoints } from './log-checkpoints.ts';
import { defaultLogConfig, type LogConfig } from './log-config.ts';
import { createLogContext, type LogContext, PRODUCER_ID_EXPIRATION_MS } from './log-context.ts';
import { LogDirectories } from './log-directories.ts';
import type { LogDirectory } from './log-directory.ts';
import {
  forEachOf,
  identify,
  loadDirectory,
  MisfitError,
  noneUsable,
  openDirectories,
} from './log-directory-loader.ts';
import type { LogManagerOptions, LogsConfig } from './log-manager-options.ts';
import { LogTasks } from './log-tasks.ts';
import { PartitionLog } from './partition-log.ts';
import { TailBudget } from './tail.ts';
import { Trash } from './trash.ts';

export { MisfitError } from './log-directory-loader.ts';
export type { LogManagerOptions, LogsConfig } from './log-manager-options.ts';

export class LogManager {
  readonly brokerId: number;
  readonly clusterId: string | null;
  /** A directory has failed; its logs are gone from the manager and unusable. */
  onDirectoryFailure: (directory: string, logs: readonly PartitionLog[]) => void = () => {};
  /**
   * What retention may not pass; the replica layer sets it once it knows better than the
   * checkpoint.
   */
  currentHighWatermark: (log: PartitionLog) => number;
  readonly cleaner: LogCleaner | null;
  /** The broker replaces it when its settings change. */
  config: LogsConfig;
  /** What moves between directories may copy in all; the broker sets it. */
  moveBytesPerSecondMax: () => number = () => Number.POSITIVE_INFINITY;

  readonly #system: System;
  readonly #directories: LogDirectories;
  readonly #context: LogContext;
  readonly #trash: Trash;
  readonly #tasks: LogTasks;
  readonly #logs = new Map<string, PartitionLog>();
  readonly #futures: FutureLogs;
  /** Where logs that do not exist yet are to be made. */
  readonly #preferred = new Map<string, string>();
  /** Logs being created or deleted, so that two requests for one do not cross. */
  readonly #changes = new Map<string, Promise<unknown>>();
  readonly #checkpoints: LogCheckpoints;
  #lastFailure: unknown = null;
  /** What is still done to directories that have failed. */
  readonly #leaving: Promise<unknown>[] = [];

  /** Locks and loads all directories. One that cannot be read is left out; throws when none is left. */
  static async open(system: System, options: LogManagerOptions): Promise<LogManager> {
    const directories = await openDirectories(system, options.logDirs);
    try {
      const { brokerId, clusterId = null } = options;
      const ids = identify(directories, { brokerId, clusterId });
      const manager = new LogManager(system, directories, options, ids);
      if (options.configFor) manager.config = await options.configFor(ids.brokerId);
      await manager.#load(options);
      manager.#tasks.start();
      manager.#futures.run();
      manager.cleaner?.start();
      return manager;
    } catch (error) {
      for (const directory of directories) await directory.unlock();
      throw error;
    }
  }

  private constructor(
    system: System,
    directories: LogDirectory[],
    options: LogManagerOptions,
    ids: { brokerId: number; clusterId: string | null },
  ) {
    this.#system = system;
    this.#directories = new LogDirectories(directories, options.logDirs);
    this.config = {
      default: options.defaultConfig ?? defaultLogConfig,
      topics: options.topicConfigs ?? new Map(),
      recoveryThreadsPerDataDir: 1,
    };
    this.brokerId = ids.brokerId;
    this.clusterId = ids.clusterId;
    this.#trash = new Trash(system);
    this.#context = createLogContext(system, {
      tails: new TailBudget(options.tailBytesMax),
      removeLater: (paths, delayMs) => this.#trash.add(paths, delayMs),
      recoveryPointLowered: (path) =>
        this.#checkpoints.writeOffsetsSoon(this.#directories.of(path)),
      truncated: (path, activeBaseOffset) => this.cleaner?.truncated(path, activeBaseOffset),
      failed: (directory, error) => this.#failed(directory, error),
      producerIdExpirationMs: options.producerIdExpirationMs ?? PRODUCER_ID_EXPIRATION_MS,
    });
    this.#checkpoints = new LogCheckpoints(this.#directories, {
      get: (topic, partition) => this.get(topic, partition),
      everyLog: () => this.everyLog(),
      onDirectory: (directory, job) => this.#onDirectory(directory, job),
    });
    this.#futures = new FutureLogs(system, {
      get: (topic, partition) => this.get(topic, partition),
      open: (log) => PartitionLog.open(this.#context, log),
      alone: (topic, partition, job) => this.#change(partitionName(topic, partition), job),
      discard: (directory, topic, partition) => this.#discard(directory, topic, partition),
      moved: (log, from) => this.#moved(log, from),
      failed: (path, error) => this.#failed(path, error),
      bytesPerSecondMax: () => this.moveBytesPerSecondMax(),
    });
    this.currentHighWatermark = (log) => this.highWatermark(log.topic, log.partition);
    this.#tasks = new LogTasks(system, this, options.intervals ?? {});
    const { cleaner } = options;
    const failed = (path: string, error: unknown): void => this.#failed(path, error);
    this.cleaner = cleaner ? new LogCleaner(system, { logs: this, failed }, cleaner) : null;
  }

  /** Paths of the directories in use. */
  get onlineDirectories(): string[] {
    return this.#directories.online;
  }

  /** Paths of directories that have failed since the start. */
  get offlineDirectories(): string[] {
    return this.#directories.offline;
  }

  /** Whether some of the configured directories are out of use, be it since the start. */
  get hasOfflineDirectory(): boolean {
    return this.#directories.isOneOffline;
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(partitionName(topic, partition));
  }

  all(): Iterable<PartitionLog> {
    return this.#logs.values();
  }

  /** Of a log that is moving to another directory: what it has there so far. */
  future(topic: string, partition: number): PartitionLog | undefined {
    return this.#futures.get(topic, partition);
  }

  topicId(topic: string, partition: number): string | null {
    return this.get(topic, partition)?.topicId ?? null;
  }

  /** Opens the log of a partition; a new one goes to the directory that has the fewest. */
  async getOrCreate(
    topic: string,
    partition: number,
    options: { topicId: string | null; config: LogConfig },
  ): Promise<PartitionLog> {
    const topicId = options.topicId === ZERO_UUID ? null : options.topicId;
    const existing = this.get(topic, partition);
    if (existing !== undefined && topicId !== null) existing.assignTopicId(topicId);
    if (existing !== undefined) return existing;
    return this.#change(
      partitionName(topic, partition),
      async () =>
        this.get(topic, partition) ??
        (await this.#create(topic, partition, { topicId, config: options.config })),
    );
  }

  /**
   * Moves the log of a partition to `directory`, one of those online, in the background (KIP-113); a move to elsewhere ends.
   * A log that does not exist yet will be made there. Throws ProtocolError(KAFKA_STORAGE_ERROR).
   */
  async moveTo(topic: string, partition: number, directory: string): Promise<void> {
    const name = partitionName(topic, partition);
    await this.#change(name, async () => {
      const log = this.#logs.get(name);
      if (log === undefined) return void this.#preferred.set(name, directory);
      const future = this.#futures.get(topic, partition);
      if (future !== undefined && this.#directories.of(future.directory).path === directory) return;
      await this.#futures.cancel(topic, partition);
      if (this.#directories.of(log.directory).path !== directory)
        await this.#futures.begin(log, directory);
    });
  }

  /** Takes a log out of use at once; its directory is renamed, and removed later. */
  async delete(topic: string, partition: number): Promise<void> {
    const name = partitionName(topic, partition);
    await this.#change(name, async () => {
      const log = this.#logs.get(name);
      if (log === undefined) return;
      this.#drop(log);
      this.cleaner?.forget(log);
      try {
        await this.#futures.cancel(topic, partition);
        await log.abandon();
        await this.#discard(log.directory, topic, partition);
      } catch (error) {
        this.#failed(log.directory, error);
        throw error;
      }
    });
  }

  /** The high watermark of the last checkpoint; 0 where there is none. */
  highWatermark(topic: string, partition: number): number {
    const name = partitionName(topic, partition);
    const log = this.#logs.get(name);
    if (log === undefined) return 0;
    return this.#directories.of(log.directory).highWatermarks.get(name) ?? 0;
  }

  /** Writes the high watermarks of the partitions given; those of other logs stay as they were. */
  checkpointHighWatermarks(
    values: Iterable<{ topic: string; partition: number; offset: number }>,
  ): Promise<void> {
    return this.#checkpoints.writeHighWatermarks(values);
  }

  checkpointRecoveryPoints(): Promise<void> {
    return this.#checkpoints.writeRecoveryPoints();
  }

  checkpointLogStarts(): Promise<void> {
    return this.#checkpoints.writeLogStarts();
  }

  /** Closes all logs; directories whose logs all closed in order are marked clean. */
  async close(): Promise<void> {
    await this.#tasks.stop();
    await this.cleaner?.stop();
    await this.#futures.stop();
    this.#trash.close();
    const failed = new Set<LogDirectory>();
    await forEachOf(this.everyLog(), this.#concurrency, async (log) => {
      try {
        await log.close();
      } catch (error) {
        this.#system.logger.error({ directory: log.directory, err: error }, 'log not closed');
        failed.add(this.#directories.of(log.directory));
      }
    });
    await this.checkpointRecoveryPoints();
    await this.checkpointLogStarts();
    for (const directory of [...this.#directories].filter(({ isOnline }) => isOnline)) {
      const isClean = !failed.has(directory);
      await this.#onDirectory(directory, () => directory.leave({ isClean }));
      directory.isOnline = false;
    }
    await Promise.all(this.#leaving);
    this.#logs.clear();
  }

  /** Those included that are being filled to take another's place. */
  everyLog(): PartitionLog[] {
    return [...this.#logs.values(), ...this.#futures.all()];
  }

  /** How many partitions of a directory are loaded, or closed, at the same time. */
  get #concurrency(): number {
    return PARTITIONS_PER_THREAD * this.config.recoveryThreadsPerDataDir;
  }

  async #load(options: LogManagerOptions): Promise<void> {
    const { brokerId, clusterId } = this;
    for (const directory of this.#directories) {
      await this.#onDirectory(directory, async () => {
        await directory.writeMeta({ brokerId, clusterId });
        await this.cleaner?.addDirectory(directory.path);
        await loadDirectory(this.#context, directory, {
          has: (topic, partition) => this.get(topic, partition) !== undefined,
          add: (log) => this.#add(log),
          addFuture: (log) => this.#futures.add(log),
          configOf: (topic) => this.config.topics.get(topic) ?? this.config.default,
          concurrency: this.#concurrency,
          remove: (path) => this.#trash.add([path], this.config.default.fileDeleteDelayMs),
          stateOf: (path) => this.#directories.stateOf(path),
        });
      });
    }
    if (this.onlineDirectories.length === 0) throw noneUsable(options.logDirs, this.#lastFailure);
  }

  async #create(
    topic: string,
    partition: number,
    options: { topicId: string | null; config: LogConfig },
  ): Promise<PartitionLog> {
    const name = partitionName(topic, partition);
    const directory = this.#directories.forNewLog(this.#preferred.get(name));
    this.#preferred.delete(name);
    const path = `${directory.path}/${name}`;
    // Counted while it is being made, so that others made at the same time go elsewhere.
    directory.logCount += 1;
    try {
      await this.#system.disk.makeDirectory(path);
      const isNew = { isClean: false, recoveryPoint: 0, logStartOffset: 0 };
      const fields = { ...options, ...isNew, directory: path, topic, partition };
      const log = await PartitionLog.open(this.#context, fields);
      this.#add(log);
      return log;
    } catch (cause) {
      this.#failed(path, cause);
      throw new ProtocolError(errorCodes.KAFKA_STORAGE_ERROR, `no log for ${name}`, { cause });
    } finally {
      directory.logCount -= 1;
    }
  }

  /** Renames a partition's directory for removal. */
  async #discard(path: string, topic: string, partition: number): Promise<void> {
    const directory = this.#directories.of(path);
    const to = `${directory.path}/${deletedDirectoryName(this.#system.random, topic, partition)}`;
    await this.#system.disk.rename(path, to);
    this.#trash.add([to], this.config.default.fileDeleteDelayMs);
    directory.highWatermarks.delete(partitionName(topic, partition));
    this.#checkpoints.writeOffsetsSoon(directory);
  }

  /** The log keeps its high watermark, in the checkpoint of the directory where it is now. */
  #moved(log: PartitionLog, from: string): void {
    const name = partitionName(log.topic, log.partition);
    const [before, now] = [this.#directories.of(from), this.#directories.of(log.directory)];
    before.logCount -= 1;
    now.logCount += 1;
    const highWatermark = before.highWatermarks.get(name);
    if (highWatermark !== undefined) now.highWatermarks.set(name, highWatermark);
    this.#checkpoints.writeOffsetsSoon(now);
    this.cleaner?.moved(log, from);
  }

  /**
   * Runs `job`; a failure takes the directory out of use and is not passed on, but for misfits and
   * bugs.
   */
  async #onDirectory(directory: LogDirectory, job: () => Promise<void>): Promise<void> {
    if (!directory.isOnline) return;
    try {
      await job();
    } catch (error) {
      if (error instanceof MisfitError) throw error;
      this.#failed(directory.path, error);
    }
  }

  /** Takes the directory of `path` out of use, once. */
  #failed(path: string, error: unknown): void {
    const directory = this.#directories.of(path);
    if (!directory.isOnline) return;
    directory.isOnline = false;
    this.#lastFailure = error;
    this.#system.logger.error({ directory: directory.path, err: error }, 'log directory failed');
    const lost: PartitionLog[] = [];
    for (const log of this.#logs.values())
      if (this.#directories.of(log.directory) === directory) lost.push(log);
    for (const log of lost) this.#drop(log);
    this.#futures.drop((future) => this.#directories.of(future.directory) === directory);
    // Whatever else goes wrong with them, and with the lock file, the directory is out of use already.
    const leaving = [...lost.map((log) => log.abandon()), directory.unlock()];
    this.#leaving.push(Promise.allSettled(leaving));
    this.onDirectoryFailure(directory.path, lost);
  }

  #add(log: PartitionLog): void {
    this.#logs.set(partitionName(log.topic, log.partition), log);
    this.#directories.of(log.directory).logCount += 1;
  }

  #drop(log: PartitionLog): void {
    this.#logs.delete(partitionName(log.topic, log.partition));
    this.#directories.of(log.directory).logCount -= 1;
  }

  /** Creations and deletions of one partition's log run one after the other. */
  async #change<T>(name: string, job: () => Promise<T>): Promise<T> {
    const running = (this.#changes.get(name) ?? Promise.resolve()).then(job, job);
    this.#changes.set(name, running);
    try {
      return await running;
    } finally {
      if (this.#changes.get(name) === running) this.#changes.delete(name);
    }
  }
}

/** A thread of Kafka's waits for its disk; one of ours has several partitions in hand meanwhile. */
const PARTITIONS_PER_THREAD = 8;
