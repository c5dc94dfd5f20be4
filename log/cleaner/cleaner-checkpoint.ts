/**
 * The first dirty offset of each compacted log of one directory, in memory and in
 * `cleaner-offset-checkpoint`. What is lost of it only costs work: the log is cleaned from its
 * start again.
 */
import type { System } from '../../system/system.ts';
import {
  CheckpointEntryError,
  type OffsetsByPartition,
  readOffsets,
  writeOffsets,
} from '../checkpoints.ts';
import { CLEANER_OFFSETS_FILE } from '../file-names.ts';

export class CleanerCheckpoint {
  readonly #system: System;
  readonly #path: string;
  #offsets: OffsetsByPartition = new Map();
  #hasChanged = false;

  private constructor(system: System, directory: string) {
    this.#system = system;
    this.#path = `${directory}/${CLEANER_OFFSETS_FILE}`;
  }

  /** Reads the file, or makes it, empty, as Kafka does. */
  static async open(system: System, directory: string): Promise<CleanerCheckpoint> {
    const checkpoint = new CleanerCheckpoint(system, directory);
    if ((await system.disk.info(checkpoint.#path)) === null)
      await system.disk.writeFile(checkpoint.#path, '');
    else await checkpoint.#read();
    return checkpoint;
  }

  get(name: string): number | undefined {
    return this.#offsets.get(name);
  }

  set(name: string, offset: number): void {
    this.#hasChanged ||= this.#offsets.get(name) !== offset;
    this.#offsets.set(name, offset);
  }

  delete(name: string): void {
    if (this.#offsets.delete(name)) this.#hasChanged = true;
  }

  /** The log was cut: what comes behind `offset` from now on is dirty. */
  lower(name: string, offset: number): void {
    if ((this.#offsets.get(name) ?? 0) > offset) this.set(name, offset);
  }

  /** Writes what has changed since the last call, for the logs that are there. */
  async write(isThere: (name: string) => boolean): Promise<void> {
    for (const name of [...this.#offsets.keys()]) if (!isThere(name)) this.delete(name);
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    await writeOffsets(this.#system.disk, this.#path, this.#offsets);
  }

  async #read(): Promise<void> {
    try {
      this.#offsets = await readOffsets(this.#system.disk, this.#path);
    } catch (error) {
      if (!(error instanceof CheckpointEntryError)) throw error;
      const path = this.#path;
      this.#system.logger.warn({ path, err: error }, 'cleaner checkpoint ignored');
    }
  }
}
