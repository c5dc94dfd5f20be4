/**
 * The producer snapshots of one log as files, and the rebuilding of producer state from the newest
 * usable one and the batches behind it. A damaged snapshot is removed; an older one, or the log
 * itself, has to do.
 */
import type { Disk } from '../system/disk.ts';
import { DELETED_SUFFIX, offsetName, offsetOf, SNAPSHOT_SUFFIX } from './file-names.ts';
import type { LogContext } from './log-context.ts';
import { BadSnapshotError, decodeProducerSnapshot } from './producer-snapshot.ts';
import type { ProducerStates } from './producer-state.ts';
import type { Segment } from './segment.ts';

export class ProducerFiles {
  readonly #context: LogContext;
  readonly #directory: string;
  /** Offsets there is a snapshot for, ascending. */
  #offsets: number[] = [];

  constructor(context: LogContext, directory: string) {
    this.#context = context;
    this.#directory = directory;
  }

  get offsets(): readonly number[] {
    return this.#offsets;
  }

  get latest(): number {
    return this.#offsets.at(-1) ?? -1;
  }

  /** Takes note of the snapshots among the names of the directory's files. */
  noteFiles(names: readonly string[]): void {
    this.#offsets = names
      .filter((name) => name.endsWith(SNAPSHOT_SUFFIX))
      .map((name) => offsetOf(name) ?? -1)
      .filter((offset) => offset >= 0)
      .sort((a, b) => a - b);
  }

  /** Writes the state as of `offset`; there is never one for offset 0. */
  async write(offset: number, bytes: Buffer): Promise<void> {
    if (offset <= 0) return;
    await this.#disk.writeFile(this.#path(offset), bytes);
    if (this.#offsets.includes(offset)) return;
    this.#offsets = [...this.#offsets, offset].sort((a, b) => a - b);
  }

  /** Brings a written snapshot to the device. */
  async sync(offset: number): Promise<void> {
    if (!this.#offsets.includes(offset)) return;
    const file = this.#disk.openSync(this.#path(offset), 'write');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async remove(isUnwanted: (offset: number) => boolean): Promise<void> {
    const unwanted = this.#offsets.filter(isUnwanted);
    this.#offsets = this.#offsets.filter((offset) => !isUnwanted(offset));
    for (const offset of unwanted) await this.#disk.remove(this.#path(offset));
  }

  /** Renames the snapshot of a deleted segment; returns the path to remove later. Syncs nothing. */
  async markDeleted(offset: number): Promise<string[]> {
    if (!this.#offsets.includes(offset)) return [];
    this.#offsets = this.#offsets.filter((other) => other !== offset);
    await this.#disk.move(this.#path(offset), this.#path(offset) + DELETED_SUFFIX);
    return [this.#path(offset) + DELETED_SUFFIX];
  }

  /** After a load: drops snapshots of no segment, but keeps the newest one behind the last base. */
  removeStray(segments: readonly Segment[]): Promise<void> {
    const bases = new Set(segments.map((segment) => segment.baseOffset));
    const { latest } = this;
    const lastBase = segments.at(-1)?.baseOffset ?? 0;
    return this.remove(
      (offset) => !bases.has(offset) && !(offset === latest && offset >= lastBase),
    );
  }

  /**
   * Makes `producers` what they were at `endOffset`: the newest snapshot at or below it, then the
   * batches from there on. Snapshots the log no longer covers (at or below its start) say nothing
   * about what follows and are passed over.
   */
  async rebuild(
    producers: ProducerStates,
    segments: readonly Segment[],
    range: { logStartOffset: number; endOffset: number },
  ): Promise<void> {
    const { logStartOffset, endOffset } = range;
    producers.reset(logStartOffset);
    await this.#loadNewest(producers, logStartOffset, endOffset);
    const from = producers.mapEndOffset;
    for (const [slot, segment] of segments.entries()) {
      const next = segments[slot + 1]?.baseOffset ?? Number.POSITIVE_INFINITY;
      if (next <= from || segment.baseOffset > endOffset) continue;
      // The next start after a crash finds something to begin with.
      if (slot >= segments.length - 2 && segment.baseOffset > from)
        await this.#writeMissing(segment.baseOffset, producers);
      if (segment.baseOffset < endOffset && segment.sizeBytes > 0)
        await replay(producers, segment, { from, endOffset });
    }
    producers.mapEndOffset = endOffset;
  }

  async #writeMissing(offset: number, producers: ProducerStates): Promise<void> {
    if (!this.#offsets.includes(offset)) await this.write(offset, producers.snapshot());
  }

  async #loadNewest(
    producers: ProducerStates,
    logStartOffset: number,
    endOffset: number,
  ): Promise<void> {
    for (const offset of this.#offsets.toReversed()) {
      if (offset > endOffset || offset <= logStartOffset) continue;
      const bytes = await this.#disk.readFile(this.#path(offset));
      try {
        producers.load(decodeProducerSnapshot(bytes ?? Buffer.alloc(0)), {
          offset,
          nowMs: this.#context.system.clock.nowMs(),
          expirationMs: this.#context.producerIdExpirationMs,
        });
        return;
      } catch (error) {
        if (!(error instanceof BadSnapshotError)) throw error;
        await this.remove((other) => other === offset);
      }
    }
  }

  get #disk(): Disk {
    return this.#context.system.disk;
  }

  #path(offset: number): string {
    return `${this.#directory}/${offsetName(offset)}${SNAPSHOT_SUFFIX}`;
  }
}

const replay = async (
  producers: ProducerStates,
  segment: Segment,
  range: { from: number; endOffset: number },
): Promise<void> => {
  await segment.loadIndexes();
  await segment.scan(segment.index.positionAt(range.from), (batch) => {
    if (batch.baseOffset >= range.endOffset) return false;
    if (batch.baseOffset >= range.from) producers.replay(batch);
    return true;
  });
};
