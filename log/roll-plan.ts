/**
 * Decides, when an append is queued, whether a new segment begins with it: by size, by the time
 * records span, by full indexes, by offsets out of an int32's reach. It runs ahead of what is
 * written, over a picture of the segment as it will be by then, because the producer snapshot of a
 * new segment must be taken between two appends, not between two writes.
 */
import type { Random } from '../system/random.ts';
import type { LogConfig } from './log-config.ts';
import { OFFSET_ENTRY_BYTES } from './offset-index.ts';
import { RELATIVE_OFFSET_MAX, type Segment } from './segment.ts';
import { TIME_ENTRY_BYTES } from './time-index.ts';

export interface PlannedAppend {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly sizeBytes: number;
  readonly maxTimestamp: number;
}

export class RollPlan {
  readonly #random: Random;
  #baseOffset = 0;
  #sizeBytes = 0;
  /** Timestamp of the first append; null while the segment is empty. */
  #firstTimestamp: number | null = null;
  #createdMs = 0;
  #jitterMs = 0;
  #offsetEntries = 0;
  #timeEntries = 0;
  #bytesSinceEntry = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Starts from what `active` is now; nothing is queued. */
  reset(active: Segment, config: LogConfig, nowMs: number): void {
    this.#begin(active.baseOffset, config, nowMs);
    this.#sizeBytes = active.sizeBytes;
    this.#firstTimestamp = active.firstTimestamp;
    this.#offsetEntries = active.index.file.count;
    this.#timeEntries = active.timeIndex.file.count;
    this.#bytesSinceEntry = active.bytesSinceIndexEntry;
  }

  /** Plans one append; true when a new segment begins with it. */
  add(append: PlannedAppend, config: LogConfig, nowMs: number): boolean {
    const rolls =
      append.lastOffset - this.#baseOffset > RELATIVE_OFFSET_MAX ||
      (this.#sizeBytes > 0 && this.#mustRoll(append, config, nowMs));
    if (rolls) this.#begin(append.baseOffset, config, nowMs);
    this.#firstTimestamp ??= append.maxTimestamp;
    // The same steps as Segment.noteAppend, so that both see an index fill up at the same append.
    if (this.#bytesSinceEntry > config.indexIntervalBytes) {
      this.#offsetEntries += 1;
      this.#timeEntries += 1;
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += append.sizeBytes;
    this.#sizeBytes += append.sizeBytes;
    return rolls;
  }

  #begin(baseOffset: number, config: LogConfig, nowMs: number): void {
    const jitterMax = Math.min(config.segmentJitterMs, config.segmentMs);
    this.#baseOffset = baseOffset;
    this.#sizeBytes = 0;
    this.#firstTimestamp = null;
    this.#createdMs = nowMs;
    this.#jitterMs = jitterMax > 0 ? this.#random.int(jitterMax) : 0;
    this.#offsetEntries = 0;
    this.#timeEntries = 0;
    this.#bytesSinceEntry = 0;
  }

  #mustRoll(append: PlannedAppend, config: LogConfig, nowMs: number): boolean {
    return (
      this.#sizeBytes > config.segmentBytes - append.sizeBytes ||
      this.#ageMs(append, nowMs) > segmentMsMax(config) - this.#jitterMs ||
      this.#offsetEntries >= Math.floor(config.segmentIndexBytes / OFFSET_ENTRY_BYTES) ||
      this.#timeEntries >= Math.floor(config.segmentIndexBytes / TIME_ENTRY_BYTES) - 1
    );
  }

  /** By the records' own time where they have one: a record from the future rolls at once. */
  #ageMs(append: PlannedAppend, nowMs: number): number {
    const first = this.#firstTimestamp ?? -1;
    return first >= 0 ? append.maxTimestamp - first : nowMs - this.#createdMs;
  }
}

const segmentMsMax = (config: LogConfig): number =>
  config.cleanupCompact && config.maxCompactionLagMs > 0
    ? Math.min(config.maxCompactionLagMs, config.segmentMs)
    : config.segmentMs;
