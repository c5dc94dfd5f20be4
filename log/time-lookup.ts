/**
 * Finds records by time, as ListOffsets asks: through the largest timestamp of each segment, its
 * time index, its offset index, then the batches. The choice of the segment goes by its maximum
 * alone, so one record from the future captures the search, as in Kafka.
 */
import { messagesIn } from '../protocol/old-messages.ts';
import type { RecordBatch } from '../protocol/record-batch.ts';
import type { Segment } from './segment.ts';

export interface TimestampOffset {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/** The first record at or behind `logStartOffset` with a timestamp of at least `timestampMs`. */
export const findByTimestamp = async (
  segments: readonly Segment[],
  timestampMs: number,
  logStartOffset: number,
): Promise<TimestampOffset | null> => {
  for (const segment of segments) {
    if ((await segment.largestTimestamp()) < timestampMs) continue;
    await segment.loadIndexes();
    const floor = segment.timeIndex.floor(timestampMs)?.offset ?? segment.baseOffset;
    const from = segment.index.positionAt(Math.max(floor, logStartOffset));
    return firstInSegment(segment, from, (batch) =>
      batch.maxTimestamp < timestampMs
        ? null
        : firstInBatch(batch, logStartOffset, (timestamp) => timestamp >= timestampMs),
    );
  }
  return null;
};

/** The first record that has the largest timestamp of all; null where no record has one. */
export const findMaxTimestamp = async (
  segments: readonly Segment[],
): Promise<TimestampOffset | null> => {
  let best: Segment | null = null;
  let largest = -1;
  for (const segment of segments) {
    const { timestamp } = await segment.loadLargest();
    if (timestamp > largest) {
      largest = timestamp;
      best = segment;
    }
  }
  if (best === null) return null;
  const { offset } = await best.loadLargest();
  await best.loadIndexes();
  return firstInSegment(best, best.index.positionAt(offset), (batch) =>
    batch.maxTimestamp === largest ? firstInBatch(batch, 0, (time) => time === largest) : null,
  );
};

const firstInSegment = async (
  segment: Segment,
  from: number,
  look: (batch: RecordBatch) => TimestampOffset | null,
): Promise<TimestampOffset | null> => {
  let found: TimestampOffset | null = null;
  await segment.scan(from, (batch) => {
    found = look(batch);
    return found === null;
  });
  return found;
};

const firstInBatch = (
  batch: RecordBatch,
  startOffset: number,
  fits: (timestamp: number) => boolean,
): TimestampOffset | null => {
  const leaderEpoch = batch.partitionLeaderEpoch;
  const records = batch.isOld ? messagesIn(batch) : batch.records();
  for (const { offset, timestamp } of records)
    if (offset >= startOffset && fits(timestamp)) return { offset, timestamp, leaderEpoch };
  return null;
};
