/**
 * All logs of a broker, over one or more directories: start-up in the order of Kafka's LogManager,
 * creation, deletion, checkpoints, retention, and directories that fail. High watermarks belong to
 * the replica layer; here they are only kept in their file, and asked for by retention.
 */
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { ZERO_UUID } from '../protocol/uuid.ts';
import { createSerial } from '../system/serial.ts';
import type { System } from '../system/system.ts';
import { type OffsetsByPartition, partitionName } from './checkpoints.ts';
import { deletedDirectoryName } from './file-names.ts';
import { defaultLogConfig, type LogConfig } from './log-config.ts';
import { createLogContext, type LogContext } from './log-context.ts';
import type { LogDirectory } from './log-directory.ts';
import {
  forEachOf,
  identify,
  loadDirectory,
  MisfitError,
  noneUsable,
  openDirectories,
} from './log-directory-loader.ts';
import { type LogTaskIntervals, LogTasks } from './log-tasks.ts';
import { PartitionLog } from './partition-log.ts';
import { TailBudget } from './tail.ts';
import { Trash } from './trash.ts';

export { MisfitError } from './log-directory-loader.ts';

export interface LogManagerOptions {
  readonly logDirs: readonly string[];
  /** Null: taken from `meta.properties`, which must then have it. */
  readonly brokerId: number | null;
  /** Null: taken from `meta.properties`, if it has one. */
  readonly clusterId?: string | null;
  readonly defaultConfig?: LogConfig;
  /** The whole config of topics that have settings of their own. */
  readonly topicConfigs?: ReadonlyMap<string, LogConfig>;
  readonly producerIdExpirationMs?: number;
  /** Memory for recent batches of all logs together. */
  readonly tailBytesMax?: number;
  /** Partitions of one directory that are loaded at the same time. */
  readonly loadConcurrency?: number;
  readonly intervals?: Partial<LogTaskIntervals>;
}

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

  readonly #system: System;
  readonly #directories: LogDirectory[];
  readonly #configuredCount: number;
  readonly #context: LogContext;
  readonly #trash: Trash;
  readonly #tasks: LogTasks;
  readonly #defaultConfig: LogConfig;
  readonly #logs = new Map<string, PartitionLog>();
  /** Logs being created or deleted, so that two requests for one do not cross. */
  readonly #changes = new Map<string, Promise<unknown>>();
  readonly #checkpoints = createSerial();
  readonly #checkpointsAsked = new Set<LogDirectory>();
  #lastFailure: unknown = null;

  /**
   * Locks and loads all directories. One that cannot be read is left out; throws when none is left.
   */
  static async open(system: System, options: LogManagerOptions): Promise<LogManager> {
    const directories = await openDirectories(system, options.logDirs);
    try {
      const { brokerId, clusterId = null } = options;
      const ids = identify(directories, { brokerId, clusterId });
      const manager = new LogManager(system, directories, options, ids);
      await manager.#load(options);
      manager.#tasks.start();
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
    this.#directories = directories;
    this.#configuredCount = options.logDirs.length;
    this.#defaultConfig = options.defaultConfig ?? defaultLogConfig;
    this.brokerId = ids.brokerId;
    this.clusterId = ids.clusterId;
    this.#trash = new Trash(system);
    this.#context = createLogContext(system, {
      tails: new TailBudget(options.tailBytesMax),
      removeLater: (paths, delayMs) => this.#trash.add(paths, delayMs),
      recoveryPointLowered: (directory) => this.#recoveryPointLowered(directory),
      failed: (directory, error) => this.#failed(directory, error),
      ...(options.producerIdExpirationMs === undefined
        ? {}
        : { producerIdExpirationMs: options.producerIdExpirationMs }),
    });
    this.currentHighWatermark = (log) => this.highWatermark(log.topic, log.partition);
    this.#tasks = new LogTasks(system, this, options.intervals ?? {});
  }

  /** Paths of the directories in use. */
  get onlineDirectories(): string[] {
    return this.#directories.filter(({ isOnline }) => isOnline).map(({ path }) => path);
  }

  /** Paths of directories that have failed since the start. */
  get offlineDirectories(): string[] {
    return this.#directories.filter(({ isOnline }) => !isOnline).map(({ path }) => path);
  }

  /** Whether some of the configured directories are out of use, be it since the start. */
  get hasOfflineDirectory(): boolean {
    return this.onlineDirectories.length < this.#configuredCount;
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(partitionName(topic, partition));
  }

  all(): Iterable<PartitionLog> {
    return this.#logs.values();
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

  /** Takes a log out of use at once; its directory is renamed, and removed later. */
  async delete(topic: string, partition: number): Promise<void> {
    const name = partitionName(topic, partition);
    await this.#change(name, async () => {
      const log = this.#logs.get(name);
      if (log === undefined) return;
      this.#drop(log);
      const directory = this.#directoryOf(log.directory);
      try {
        await log.abandon();
        const to = deletedDirectoryName(this.#system.random, topic, partition);
        await this.#system.disk.rename(log.directory, `${directory.path}/${to}`);
        this.#trash.add([`${directory.path}/${to}`], this.#defaultConfig.fileDeleteDelayMs);
        directory.highWatermarks.delete(name);
        this.#checkpointSoon(directory);
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
    return this.#directoryOf(log.directory).highWatermarks.get(name) ?? 0;
  }

  /** Writes the high watermarks of the partitions given; those of other logs stay as they were. */
  async checkpointHighWatermarks(
    values: Iterable<{ topic: string; partition: number; offset: number }>,
  ): Promise<void> {
    await this.#checkpoints.run(async () => {
      const byDirectory = new Map<LogDirectory, OffsetsByPartition>();
      for (const { topic, partition, offset } of values) {
        const log = this.get(topic, partition);
        if (log === undefined) continue;
        const directory = this.#directoryOf(log.directory);
        const offsets = byDirectory.get(directory) ?? new Map(directory.highWatermarks);
        byDirectory.set(directory, offsets.set(partitionName(topic, partition), offset));
      }
      for (const [directory, offsets] of byDirectory)
        await this.#onDirectory(directory, () => directory.writeHighWatermarks(offsets));
    });
  }

  /** Writes the recovery points and log start offsets of all logs. */
  async checkpointOffsets(): Promise<void> {
    await this.#checkpoints.run(async () => {
      for (const directory of this.#directories) await this.#checkpoint(directory);
    });
  }

  /** Closes all logs; directories whose logs all closed in order are marked clean. */
  async close(): Promise<void> {
    await this.#tasks.stop();
    this.#trash.close();
    const failed = new Set<LogDirectory>();
    await forEachOf([...this.#logs.values()], CLOSE_CONCURRENCY, async (log) => {
      try {
        await log.close();
      } catch (error) {
        this.#system.logger.error({ directory: log.directory, err: error }, 'log not closed');
        failed.add(this.#directoryOf(log.directory));
      }
    });
    await this.checkpointOffsets();
    for (const directory of this.#directories.filter(({ isOnline }) => isOnline)) {
      if (!failed.has(directory))
        await this.#onDirectory(directory, () => directory.writeCleanMark());
      await directory.unlock();
      directory.isOnline = false;
    }
    this.#logs.clear();
  }

  async #load(options: LogManagerOptions): Promise<void> {
    const { brokerId, clusterId } = this;
    for (const directory of this.#directories) {
      await this.#onDirectory(directory, async () => {
        await directory.writeMeta({ brokerId, clusterId });
        await loadDirectory(this.#context, directory, {
          has: (topic, partition) => this.get(topic, partition) !== undefined,
          add: (log) => this.#add(log),
          configOf: (topic) => options.topicConfigs?.get(topic) ?? this.#defaultConfig,
          concurrency: options.loadConcurrency ?? LOAD_CONCURRENCY,
          remove: (path) => this.#trash.add([path], this.#defaultConfig.fileDeleteDelayMs),
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
    const directory = this.#emptiestDirectory();
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

  async #checkpoint(directory: LogDirectory): Promise<void> {
    if (!directory.isOnline) return;
    this.#checkpointsAsked.delete(directory);
    const recoveryPoints: OffsetsByPartition = new Map();
    const logStarts: OffsetsByPartition = new Map();
    for (const [name, log] of this.#logs) {
      if (this.#directoryOf(log.directory) !== directory) continue;
      recoveryPoints.set(name, log.recoveryPoint);
      if (log.logStartOffset > (log.segments[0]?.baseOffset ?? 0))
        logStarts.set(name, log.logStartOffset);
    }
    await this.#onDirectory(directory, async () => {
      await directory.writeRecoveryPoints(recoveryPoints);
      await directory.writeLogStarts(logStarts);
    });
  }

  #recoveryPointLowered(logDirectory: string): void {
    this.#checkpointSoon(this.#directoryOf(logDirectory));
  }

  /** One checkpoint serves everything that asked for it before it began. */
  #checkpointSoon(directory: LogDirectory): void {
    if (this.#checkpointsAsked.has(directory)) return;
    this.#checkpointsAsked.add(directory);
    void this.#checkpoints.run(() => this.#checkpoint(directory));
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
    const directory = this.#directoryOf(path);
    if (!directory.isOnline) return;
    directory.isOnline = false;
    this.#lastFailure = error;
    this.#system.logger.error({ directory: directory.path, err: error }, 'log directory failed');
    const lost: PartitionLog[] = [];
    for (const log of this.#logs.values())
      if (this.#directoryOf(log.directory) === directory) lost.push(log);
    for (const log of lost) this.#drop(log);
    // Whatever else goes wrong with them, the directory is out of use already.
    for (const log of lost) log.abandon().catch(() => {});
    // The disk is gone already; that the lock file may stay behind changes nothing.
    directory.unlock().catch(() => {});
    this.onDirectoryFailure(directory.path, lost);
  }

  #emptiestDirectory(): LogDirectory {
    let best: LogDirectory | null = null;
    for (const directory of this.#directories)
      if (directory.isOnline && (best === null || directory.logCount < best.logCount))
        best = directory;
    if (best === null) throw new ProtocolError(errorCodes.KAFKA_STORAGE_ERROR, 'no directory left');
    return best;
  }

  #add(log: PartitionLog): void {
    this.#logs.set(partitionName(log.topic, log.partition), log);
    this.#directoryOf(log.directory).logCount += 1;
  }

  #drop(log: PartitionLog): void {
    this.#logs.delete(partitionName(log.topic, log.partition));
    this.#directoryOf(log.directory).logCount -= 1;
  }

  #directoryOf(path: string): LogDirectory {
    const parent = path.slice(0, path.lastIndexOf('/'));
    const found = this.#directories.find((one) => one.path === parent || one.path === path);
    if (found === undefined) throw new Error(`${path} is in none of the log directories`);
    return found;
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

const LOAD_CONCURRENCY = 8;
const CLOSE_CONCURRENCY = 8;
