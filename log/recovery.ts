/**
 * Brings one segment back into order after a crash: every batch is checked against its checksum,
 * the indexes are built anew, and the file is cut where the first bytes follow that are not a
 * whole, valid batch. Never trusts an index. Follows Kafka's LogSegment.recover.
 */
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { InvalidRecordError } from '../protocol/record.ts';
import { BATCH_OVERHEAD, LOG_OVERHEAD, RecordBatch } from '../protocol/record-batch.ts';
import type { Disk } from '../system/disk.ts';
import { CorruptLogError, SLICE_BYTES } from './batch-scan.ts';
import type { EpochCache } from './epoch-cache.ts';
import { CLEANED_SUFFIX, LOG_SUFFIX, offsetName, parentOf } from './file-names.ts';
import type { LogConfig } from './log-config.ts';
import type { ProducerStates } from './producer-state.ts';
import { RELATIVE_OFFSET_MAX, type Segment } from './segment.ts';
import type { AbortedTransaction } from './transaction-index.ts';

export interface Recovered {
  /** The offset behind the last valid batch. */
  readonly nextOffset: number;
  readonly lostBytes: number;
  /** Base of the segment that took what is too far from this one's base; null without such. */
  readonly splitAt: number | null;
}

/** Of magic 0, the smallest. */
const BATCH_BYTES_MIN = LOG_OVERHEAD + 14;

/**
 * `producers` must stand at the segment's base offset and end up behind its last batch. `beforeCut`
 * runs before damage is cut off: until then a start after another crash finds it again.
 */
export const recoverSegment = async (
  disk: Disk,
  segment: Segment,
  state: { epochs: EpochCache; producers: ProducerStates; config: LogConfig },
  beforeCut: () => Promise<void>,
): Promise<Recovered> => {
  const { epochs, producers, config } = state;
  const aborted: AbortedTransaction[] = [];
  let validBytes = 0;
  let nextOffset = segment.baseOffset;
  let splitAt: number | null = null;
  segment.resetIndexes();
  await segment.transactions.remove(disk);
  const take = (batch: RecordBatch, position: number): boolean => {
    if (!isAcceptable(batch, nextOffset)) return false;
    if (batch.lastOffset - segment.baseOffset > RELATIVE_OFFSET_MAX) {
      splitAt = batch.baseOffset;
      return false;
    }
    const transaction = producers.replay(batch);
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
  const cutBytes = segment.sizeBytes - validBytes;
  if (splitAt !== null) await splitOff(disk, segment, validBytes, splitAt);
  else if (cutBytes > 0) await beforeCut();
  segment.sizeBytes = validBytes;
  if (cutBytes > 0) segment.writable().truncateSync(validBytes);
  if (aborted.length > 0) segment.transactions.appendSync(disk, aborted);
  await segment.seal({ sync: false });
  return { nextOffset, lostBytes: splitAt === null ? cutBytes : 0, splitAt };
};

/**
 * Whether the last entry of the offset index points to its batch. Kafka does not look; but the end of
 * the log is found from there, and from a wrong place offsets would be given a second time.
 */
export const pointsToBatch = async (segment: Segment): Promise<boolean> => {
  await segment.loadIndexes();
  const last = segment.index.last();
  if (last === null) return true;
  const { offset, position } = last;
  if (position < 0 || position > segment.sizeBytes - BATCH_BYTES_MIN) return false;
  const header = Buffer.alloc(BATCH_OVERHEAD);
  await segment.withFile((file) => file.read(header, position));
  const { sizeBytes, baseOffset } = new RecordBatch(header, 0);
  const isWhole = sizeBytes >= BATCH_BYTES_MIN && position + sizeBytes <= segment.sizeBytes;
  return isWhole && baseOffset >= segment.baseOffset && baseOffset <= offset;
};

// An old compressed wrapper shows its last offset only, which is at or above the first.
const isAcceptable = (batch: RecordBatch, nextOffset: number): boolean =>
  batch.isCrcValid() && batch.baseOffset >= nextOffset;

/**
 * Copies what begins at `position` into a segment of its own: old versions of Kafka put offsets into a
 * segment that are further from its base than an index can say. After a crash in here the original
 * still has everything and is split again.
 */
const splitOff = async (
  disk: Disk,
  segment: Segment,
  position: number,
  baseOffset: number,
): Promise<void> => {
  const folder = parentOf(segment.path);
  const path = `${folder}/${offsetName(baseOffset)}${LOG_SUFFIX}`;
  const copy = await disk.open(path + CLEANED_SUFFIX, 'write');
  try {
    await copy.truncate(0);
    await segment.withFile(async (file) => {
      for (let from = position; from < segment.sizeBytes; from += SLICE_BYTES) {
        const slice = Buffer.allocUnsafe(Math.min(SLICE_BYTES, segment.sizeBytes - from));
        await file.read(slice, from);
        await copy.write([slice], from - position);
      }
    });
    await copy.sync();
  } finally {
    await copy.close();
  }
  // Retention goes by it where records have no time.
  await disk.setModified(path + CLEANED_SUFFIX, segment.modifiedMs);
  await disk.rename(path + CLEANED_SUFFIX, path);
};

const isDamage = (error: unknown): boolean =>
  error instanceof CorruptLogError ||
  error instanceof InvalidRecordError ||
  // Valid batches that contradict each other are no torn end: see log-damage.ts.
  (error instanceof ProtocolError && error.code !== errorCodes.INVALID_TXN_STATE);
