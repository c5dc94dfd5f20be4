/**
 * One entry of `log.dirs`: its lock, its `meta.properties`, the mark of a clean shutdown and the
 * checkpoints of the logs in it. Knows nothing of partitions' contents; the log manager owns it and
 * decides what a failure means.
 */
import { type DiskLock, replaceFile } from '../system/disk.ts';
import type { System } from '../system/system.ts';
import {
  CheckpointEntryError,
  type OffsetsByPartition,
  readOffsets,
  writeOffsets,
} from './checkpoints.ts';
import {
  CLEAN_SHUTDOWN_FILE,
  HIGH_WATERMARKS_FILE,
  LOCK_FILE,
  LOG_STARTS_FILE,
  META_PROPERTIES_FILE,
  RECOVERY_POINTS_FILE,
} from './file-names.ts';
import {
  decodeMetaProperties,
  encodeMetaProperties,
  type MetaProperties,
  MetaPropertiesError,
} from './meta-properties.ts';

/** Another live process uses the directory; start-up ends here. */
export class DirectoryLockedError extends Error {
  override readonly name = 'DirectoryLockedError';
}

/** The form Kafka 3.9 writes in ZooKeeper mode; only that the file exists matters. */
const CLEAN_SHUTDOWN_TEXT = '{"version":0,"brokerEpoch":-1}';

export class LogDirectory {
  readonly path: string;
  readonly meta: MetaProperties;
  isOnline = true;
  /** Logs in it, by which new ones are spread. */
  logCount = 0;
  /** As of the last checkpoint; the replica layer asks for them when it creates partitions. */
  highWatermarks: OffsetsByPartition = new Map();
  readonly #system: System;
  readonly #lock: DiskLock;

  /** Creates the directory where it is missing, and locks it. */
  static async open(system: System, path: string): Promise<LogDirectory> {
    await system.disk.makeDirectory(path);
    const lock = await system.disk.lock(`${path}/${LOCK_FILE}`);
    if (lock === null)
      throw new DirectoryLockedError(
        `${path} is in use by another process: stop it, or name another folder in log.dirs.`,
      );
    try {
      return new LogDirectory(system, path, lock, await readMeta(system, path));
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private constructor(system: System, path: string, lock: DiskLock, meta: MetaProperties) {
    this.#system = system;
    this.path = path;
    this.#lock = lock;
    this.meta = meta;
  }

  /** Writes `meta.properties` if it does not say this yet. */
  async writeMeta(ids: { brokerId: number; clusterId: string | null }): Promise<void> {
    const { brokerId, clusterId, directoryId } = this.meta;
    if (brokerId === ids.brokerId && (clusterId ?? null) === ids.clusterId) return;
    const text = encodeMetaProperties({ ...ids, directoryId }, this.#system.clock.nowMs());
    await replaceFile(this.#system.disk, this.#file(META_PROPERTIES_FILE), text);
  }

  /** Whether the last broker here stopped in order. The mark goes before anything is touched. */
  async takeCleanMark(): Promise<boolean> {
    const isClean = (await this.#system.disk.info(this.#file(CLEAN_SHUTDOWN_FILE))) !== null;
    if (isClean) {
      await this.#system.disk.remove(this.#file(CLEAN_SHUTDOWN_FILE));
      await this.#system.disk.syncDirectory(this.path);
    }
    return isClean;
  }

  writeCleanMark(): Promise<void> {
    return replaceFile(this.#system.disk, this.#file(CLEAN_SHUTDOWN_FILE), CLEAN_SHUTDOWN_TEXT);
  }

  /**
   * Offsets below which a log is known to be on the device. Entries that are none count for
   * nothing, and everything is recovered; a file that is none fails the directory, as in Kafka.
   */
  readRecoveryPoints(): Promise<OffsetsByPartition> {
    return this.#readLenient(RECOVERY_POINTS_FILE);
  }

  readLogStarts(): Promise<OffsetsByPartition> {
    return this.#readLenient(LOG_STARTS_FILE);
  }

  /**
   * Unlike the others, any damage fails the directory: without it committed records might be cut.
   */
  async readHighWatermarks(): Promise<void> {
    this.highWatermarks = await readOffsets(this.#system.disk, this.#file(HIGH_WATERMARKS_FILE));
  }

  writeRecoveryPoints(offsets: ReadonlyMap<string, number>): Promise<void> {
    return writeOffsets(this.#system.disk, this.#file(RECOVERY_POINTS_FILE), offsets);
  }

  writeLogStarts(offsets: ReadonlyMap<string, number>): Promise<void> {
    return writeOffsets(this.#system.disk, this.#file(LOG_STARTS_FILE), offsets);
  }

  async writeHighWatermarks(offsets: OffsetsByPartition): Promise<void> {
    this.highWatermarks = offsets;
    await writeOffsets(this.#system.disk, this.#file(HIGH_WATERMARKS_FILE), offsets);
  }

  /** Ends the use of the directory; `isClean` when all its logs have been closed in order. */
  async leave({ isClean }: { readonly isClean: boolean }): Promise<void> {
    if (isClean) await this.writeCleanMark();
    await this.unlock();
  }

  /** Gives the lock back and removes its file, as far as the disk still works. */
  async unlock(): Promise<void> {
    await this.#lock.release();
    await this.#system.disk.remove(this.#file(LOCK_FILE));
  }

  async #readLenient(name: string): Promise<OffsetsByPartition> {
    try {
      return await readOffsets(this.#system.disk, this.#file(name));
    } catch (error) {
      if (!(error instanceof CheckpointEntryError)) throw error;
      this.#system.logger.warn({ directory: this.path, name, err: error }, 'checkpoint ignored');
      return new Map();
    }
  }

  #file(name: string): string {
    return `${this.path}/${name}`;
  }
}

/** What `meta.properties` of a directory says; all null where it is missing. */
export const readMeta = async (system: System, path: string): Promise<MetaProperties> => {
  const bytes = await system.disk.readFile(`${path}/${META_PROPERTIES_FILE}`);
  try {
    return decodeMetaProperties(bytes?.toString() ?? '');
  } catch (error) {
    if (!(error instanceof MetaPropertiesError)) throw error;
    throw new MetaPropertiesError(
      `${path}/${META_PROPERTIES_FILE} cannot be used (${error.message}): correct it, or name another folder in log.dirs.`,
      { cause: error },
    );
  }
};
