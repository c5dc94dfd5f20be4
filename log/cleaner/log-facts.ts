/** What the choice of a log goes by, read from the log (cleaning-plan.ts decides). */
import { NEVER } from '../log-config.ts';
import type { PartitionLog } from '../partition-log.ts';
import { type LogState, sealedFrom } from './cleaning-plan.ts';

/** A log as it is now. */
export const stateOf = (log: PartitionLog, highWatermark: number): LogState => ({
  segments: log.segments,
  logStartOffset: log.logStartOffset,
  logEndOffset: log.logEndOffset,
  lastStableOffset: Math.min(highWatermark, log.firstUnstableOffset ?? highWatermark),
  recoveryPoint: log.recoveryPoint,
});

/** Where the first dirty segment begins that min.compaction.lag.ms still protects; null: none. */
export const tooYoungOffset = async (
  log: PartitionLog,
  firstDirtyOffset: number,
  nowMs: number,
): Promise<number | null> => {
  const { minCompactionLagMs } = log.config;
  if (minCompactionLagMs <= 0) return null;
  for (const segment of sealedFrom(log.segments, firstDirtyOffset))
    if ((await segment.largestTimestamp()) > nowMs - minCompactionLagMs) return segment.baseOffset;
  return null;
};

/** The earliest first timestamp of the dirty sealed segments; null where none is known or asked for. */
export const oldestDirtyTimestamp = async (
  log: PartitionLog,
  firstDirtyOffset: number,
): Promise<number | null> => {
  if (log.config.maxCompactionLagMs >= NEVER) return null;
  let oldest: number | null = null;
  for (const segment of sealedFrom(log.segments, firstDirtyOffset)) {
    await segment.loadFirstTimestamp();
    const timestamp = segment.firstTimestamp ?? -1;
    if (timestamp > 0 && (oldest === null || timestamp < oldest)) oldest = timestamp;
  }
  return oldest;
};
