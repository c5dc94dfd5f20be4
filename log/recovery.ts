/**
 * Brings one segment back into order after a crash: every batch is checked against its checksum,
 * the indexes are built anew, and the file is cut where the first bytes follow that are not a
 * whole, valid batch. Never trusts an index. Follows Kafka's LogSegment.recover.
 */
import { ProtocolError } from '../protocol/errors.ts';
import { InvalidRecordError } from '../protocol/record.ts';
import type { RecordBatch } from '../protocol/record-batch.ts';
import type { Disk } from '../system/disk.ts';
import { CorruptLogError } from './batch-scan.ts';
import type { EpochCache } from './epoch-cache.ts';
import type { LogConfig } from './log-config.ts';
import type { ProducerStates } from './producer-state.ts';
import { RELATIVE_OFFSET_MAX, type Segment } from './segment.ts';
import type { AbortedTransaction } from './transaction-index.ts';

export interface Recovered {
  /** The offset behind the last valid batch. */
  readonly nextOffset: number;
  readonly lostBytes: number;
}

/** `producers` must stand at the segment's base offset and end up behind its last batch. */
export const recoverSegment = async (
  disk: Disk,
  segment: Segment,
  state: { epochs: EpochCache; producers: ProducerStates; config: LogConfig },
): Promise<Recovered> => {
  const { epochs, producers, config } = state;
  const aborted: AbortedTransaction[] = [];
  let validBytes = 0;
  let nextOffset = segment.baseOffset;
  segment.resetIndexes();
  await segment.transactions.remove(disk);
  const take = (batch: RecordBatch, position: number): boolean => {
    if (!isAcceptable(batch, segment, nextOffset)) return false;
    const transaction = producers.append(batch);
    if (transaction !== null) aborted.push(transaction);
    if (batch.partitionLeaderEpoch >= 0)
      epochs.noteRecovered(batch.partitionLeaderEpoch, batch.baseOffset);
    segment.noteRecovered(batch, position, config.indexIntervalBytes);
    nextOffset = batch.nextOffset;
    validBytes = position + batch.sizeBytes;
    return true;
  };
  try {
    await segment.scan(0, take);
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  const lostBytes = segment.sizeBytes - validBytes;
  segment.sizeBytes = validBytes;
  if (lostBytes > 0) segment.writable().truncateSync(validBytes);
  if (aborted.length > 0) segment.transactions.appendSync(disk, aborted);
  await segment.seal({ sync: false });
  return { nextOffset, lostBytes };
};

const isAcceptable = (batch: RecordBatch, segment: Segment, nextOffset: number): boolean =>
  batch.isCrcValid() &&
  // An old compressed wrapper shows its last offset only, which is at or above the first.
  batch.baseOffset >= nextOffset &&
  batch.lastOffset - segment.baseOffset <= RELATIVE_OFFSET_MAX;

const isDamage = (error: unknown): boolean =>
  error instanceof CorruptLogError ||
  error instanceof InvalidRecordError ||
  error instanceof ProtocolError;
