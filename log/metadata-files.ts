/**
 * The two text files beside a log's segments: its topic id and its leader epochs. Both change in memory at once, and are on
 * disk before the records that follow; what is pending goes out together, one write behind the other.
 */
import { type Disk, replaceFile } from '../system/disk.ts';
import { createSerial } from '../system/serial.ts';
import type { EpochCache } from './epoch-cache.ts';
import { EPOCHS_FILE, PARTITION_METADATA_FILE } from './file-names.ts';
import { encodePartitionMetadata } from './partition-metadata.ts';

export class MetadataFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #epochs: EpochCache;
  #topicId: string | null;
  #isTopicIdDirty = false;
  readonly #jobs = createSerial();
  #jobCount = 0;

  constructor(
    disk: Disk,
    log: {
      readonly directory: string;
      readonly epochs: EpochCache;
      readonly topicId: string | null;
    },
  ) {
    this.#disk = disk;
    this.#directory = log.directory;
    this.#epochs = log.epochs;
    this.#topicId = log.topicId;
  }

  get topicId(): string | null {
    return this.#topicId;
  }

  /** Sets the topic id of a log that has none yet. */
  assignTopicId(topicId: string): void {
    if (this.#topicId !== null) return;
    this.#topicId = topicId;
    this.#isTopicIdDirty = true;
  }

  /** Whether leader epochs or the topic id have not reached their files yet. */
  get isPending(): boolean {
    return this.#epochs.isDirty || this.#isTopicIdDirty || this.#jobCount > 0;
  }

  /** Writes what is pending, behind such writes that are under way. */
  async write(): Promise<void> {
    if (!this.isPending) return;
    this.#jobCount += 1;
    try {
      await this.#jobs.run(() => this.#writeNow());
    } finally {
      this.#jobCount -= 1;
    }
  }

  async #writeNow(): Promise<void> {
    if (this.#isTopicIdDirty && this.#topicId !== null) {
      const text = encodePartitionMetadata(this.#topicId);
      await replaceFile(this.#disk, `${this.#directory}/${PARTITION_METADATA_FILE}`, text);
      this.#isTopicIdDirty = false;
    }
    if (!this.#epochs.isDirty) return;
    const text = this.#epochs.takeText();
    await replaceFile(this.#disk, `${this.#directory}/${EPOCHS_FILE}`, text);
  }
}
