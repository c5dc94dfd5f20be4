/**
 * Which log to clean, how far, and which of its segments become one (pure). Follows Kafka's
 * LogCleanerManager (choice, dirty range) and Cleaner.groupSegmentsBySize.
 */
import type { LogConfig } from '../log-config.ts';
import { RELATIVE_OFFSET_MAX } from '../segment.ts';

export interface SegmentState {
  readonly baseOffset: number;
  readonly sizeBytes: number;
}

export interface LogState {
  /** Ascending, never empty; the last one is the active one. */
  readonly segments: readonly SegmentState[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
  /** Everything below has reached the device. */
  readonly recoveryPoint: number;
}

/** Where the next run begins, by what the last one has left in the checkpoint. */
export const firstDirtyOffset = (
  checkpoint: number | undefined,
  log: Pick<LogState, 'logStartOffset' | 'logEndOffset'>,
): number => {
  const { logStartOffset, logEndOffset } = log;
  // Ahead of the log: its end was lost. Then nothing is known of what is there now.
  if (checkpoint === undefined || checkpoint < logStartOffset || checkpoint > logEndOffset)
    return logStartOffset;
  return checkpoint;
};

/** The segment with `offset` in it and those behind it, without the active one. */
export const sealedFrom = <T extends SegmentState>(segments: readonly T[], offset: number): T[] => {
  const slot = segments.findLastIndex(({ baseOffset }) => baseOffset <= offset);
  return segments.slice(Math.max(slot, 0), -1);
};

/** What can be cleaned of one log. */
export interface CleanableRange {
  readonly firstDirtyOffset: number;
  /** A segment begins here. */
  readonly firstUncleanableOffset: number;
  readonly cleanableBytes: number;
  readonly totalBytes: number;
  /** The share of what can be cleaned in all that a run would go through. */
  readonly ratio: number;
}

/**
 * The range between what is clean and what must not be cleaned yet: the active segment, what is
 * not stable, what the device may not have, and what `tooYoungOffset` begins (null: nothing).
 */
export const cleanableRange = (
  log: LogState,
  firstDirty: number,
  tooYoungOffset: number | null,
): CleanableRange => {
  const { segments, lastStableOffset, recoveryPoint } = log;
  const activeBase = segments.at(-1)?.baseOffset ?? 0;
  const limit = Math.max(
    firstDirty,
    Math.min(lastStableOffset, recoveryPoint, activeBase, tooYoungOffset ?? activeBase),
  );
  const end = sealedFrom(segments, limit)[0]?.baseOffset ?? activeBase;
  const from = Math.min(firstDirty, end);
  const isDirty = sealedFrom(segments, from).filter(({ baseOffset }) => baseOffset < end);
  const clean = segments.filter(({ baseOffset }) => baseOffset < firstDirty);
  const cleanableBytes = totalBytes(isDirty);
  const total = totalBytes(clean) + cleanableBytes;
  return {
    firstDirtyOffset: firstDirty,
    firstUncleanableOffset: end,
    cleanableBytes,
    totalBytes: total,
    ratio: total === 0 ? 0 : cleanableBytes / total,
  };
};

/** Whether a log is due: dirty enough, or with a record that has waited for too long. */
export const isDue = (
  range: CleanableRange,
  config: LogConfig,
  /** The earliest first timestamp of dirty sealed segments; null when none is known. */
  oldest: { readonly timestamp: number | null; readonly nowMs: number },
): boolean => {
  if (range.totalBytes === 0) return false;
  if (range.ratio > config.minCleanableDirtyRatio) return true;
  const isOverdue =
    oldest.timestamp !== null && oldest.timestamp < oldest.nowMs - config.maxCompactionLagMs;
  return isOverdue && range.cleanableBytes > 0;
};

export interface GroupedSegment extends SegmentState {
  readonly indexBytes: number;
  readonly timeIndexBytes: number;
}

/** Neighbours that fit into one segment become one; `segments` end where `endOffset` is. */
export const groupSegments = <T extends GroupedSegment>(
  segments: readonly T[],
  endOffset: number,
  { segmentBytes, segmentIndexBytes }: LogConfig,
): T[][] => {
  const groups: T[][] = [];
  let group: T[] = [];
  let sizes = { log: 0, index: 0, timeIndex: 0 };
  for (const [slot, segment] of segments.entries()) {
    const grown = {
      log: sizes.log + segment.sizeBytes,
      index: sizes.index + segment.indexBytes,
      timeIndex: sizes.timeIndex + segment.timeIndexBytes,
    };
    const lastOffset = (segments[slot + 1]?.baseOffset ?? endOffset) - 1;
    const [first] = group;
    const fits =
      first !== undefined &&
      grown.log <= segmentBytes &&
      grown.index <= segmentIndexBytes &&
      grown.timeIndex <= segmentIndexBytes &&
      (segment.sizeBytes === 0 || lastOffset - first.baseOffset <= RELATIVE_OFFSET_MAX);
    if (fits) {
      group.push(segment);
      sizes = grown;
      continue;
    }
    group = [segment];
    groups.push(group);
    const { sizeBytes: log, indexBytes: index, timeIndexBytes: timeIndex } = segment;
    sizes = { log, index, timeIndex };
  }
  return groups;
};

const totalBytes = (segments: readonly SegmentState[]): number =>
  segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
