/**
 * Which segments may go (pure): those below the log start offset, those beyond the size limit,
 * those past their time, always from the oldest on and never past the high watermark. Compacted
 * topics lose only the first kind.
 */
import type { LogConfig } from './log-config.ts';

export interface SegmentFacts {
  /** The next segment's base offset; for the active one the log end offset. */
  readonly endOffset: number;
  readonly sizeBytes: number;
  readonly largestTimestamp: number;
  readonly isActive: boolean;
}

export interface RetentionState {
  readonly segments: readonly SegmentFacts[];
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly nowMs: number;
}

/** How many of the oldest segments may go; all of them only when a new one is rolled first. */
export const countExpired = (state: RetentionState, config: LogConfig): number => {
  const { segments, logStartOffset, highWatermark, nowMs } = state;
  let count = 0;
  const take = (isExpired: (segment: SegmentFacts) => boolean): void => {
    for (let next = segments[count]; next !== undefined; next = segments[count]) {
      if (highWatermark < next.endOffset || (next.isActive && next.sizeBytes === 0)) return;
      if (!isExpired(next)) return;
      count += 1;
    }
  };
  take((segment) => !segment.isActive && segment.endOffset <= logStartOffset);
  if (!config.cleanupDelete) return count;
  if (config.retentionBytes >= 0) {
    const total = segments.slice(count).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    let excess = total - config.retentionBytes;
    take((segment) => {
      if (excess - segment.sizeBytes < 0) return false;
      excess -= segment.sizeBytes;
      return true;
    });
  }
  if (config.retentionMs >= 0)
    take((segment) => nowMs - segment.largestTimestamp > config.retentionMs);
  return count;
};
