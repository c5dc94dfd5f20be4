/**
 * Writes what a log manager knows of its logs into the checkpoint files of their directories, one file at a time: recovery
 * points, log start offsets, high watermarks.
 */
import { createSerial } from '../system/serial.ts';
import { type OffsetsByPartition, partitionName } from './checkpoints.ts';
import type { LogDirectories } from './log-directories.ts';
import type { LogDirectory } from './log-directory.ts';
import type { PartitionLog } from './partition-log.ts';

export interface CheckpointOwner {
  get(topic: string, partition: number): PartitionLog | undefined;
  /** All logs, those included that are only being filled yet. */
  everyLog(): Iterable<PartitionLog>;
  /** Runs `job` unless the directory has failed, and takes it out of use when the job fails. */
  onDirectory(directory: LogDirectory, job: () => Promise<void>): Promise<void>;
}

export class LogCheckpoints {
  readonly #directories: LogDirectories;
  readonly #owner: CheckpointOwner;
  readonly #jobs = createSerial();
  readonly #asked = new Set<LogDirectory>();

  constructor(directories: LogDirectories, owner: CheckpointOwner) {
    this.#directories = directories;
    this.#owner = owner;
  }

  /** Writes the high watermarks of the partitions given; those of other logs stay as they were. */
  writeHighWatermarks(
    values: Iterable<{ topic: string; partition: number; offset: number }>,
  ): Promise<void> {
    return this.#jobs.run(async () => {
      const all = [...values];
      for (const directory of this.#directories) {
        // Not sooner: logs are moved and deleted while another directory's file is written.
        const here = all.filter(({ topic, partition }) => {
          const log = this.#owner.get(topic, partition);
          return log !== undefined && this.#directories.of(log.directory) === directory;
        });
        if (here.length === 0) continue;
        const offsets: OffsetsByPartition = new Map(directory.highWatermarks);
        for (const { topic, partition, offset } of here)
          offsets.set(partitionName(topic, partition), offset);
        await this.#owner.onDirectory(directory, () => directory.writeHighWatermarks(offsets));
      }
    });
  }

  writeRecoveryPoints(): Promise<void> {
    return this.#jobs.run(async () => {
      for (const directory of this.#directories) await this.#writeRecoveryPoints(directory);
    });
  }

  writeLogStarts(): Promise<void> {
    return this.#jobs.run(async () => {
      for (const directory of this.#directories) await this.#writeLogStarts(directory);
    });
  }

  /** Both for one directory, soon; one writing serves everybody who asked before it began. */
  writeOffsetsSoon(directory: LogDirectory): void {
    if (this.#asked.has(directory)) return;
    this.#asked.add(directory);
    void this.#jobs.run(async () => {
      this.#asked.delete(directory);
      await this.#writeRecoveryPoints(directory);
      await this.#writeLogStarts(directory);
    });
  }

  async #writeRecoveryPoints(directory: LogDirectory): Promise<void> {
    if (!directory.isOnline) return;
    const offsets = this.#offsetsIn(directory, (log) => log.recoveryPoint);
    await this.#owner.onDirectory(directory, () => directory.writeRecoveryPoints(offsets));
  }

  /** Only where the start of a log is not that of its first segment. */
  async #writeLogStarts(directory: LogDirectory): Promise<void> {
    if (!directory.isOnline) return;
    const offsets = this.#offsetsIn(directory, ({ logStartOffset, segments }) =>
      logStartOffset > (segments[0]?.baseOffset ?? 0) ? logStartOffset : null,
    );
    await this.#owner.onDirectory(directory, () => directory.writeLogStarts(offsets));
  }

  #offsetsIn(
    directory: LogDirectory,
    offsetOf: (log: PartitionLog) => number | null,
  ): OffsetsByPartition {
    const offsets: OffsetsByPartition = new Map();
    for (const log of this.#owner.everyLog()) {
      if (this.#directories.of(log.directory) !== directory) continue;
      const offset = offsetOf(log);
      if (offset !== null) offsets.set(partitionName(log.topic, log.partition), offset);
    }
    return offsets;
  }
}
