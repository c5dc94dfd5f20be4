/**
 * What clients from before record batches need: their messages made into batches, batches made into their messages, and the
 * lists of offsets of ListOffsets version 0. Nothing that a client of the last years asks for comes by here.
 */
import type { CompressionType } from '../../log/log-config.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { batchOfOldMessages, oldMessagesOf } from '../../protocol/old-messages.ts';

/** The first version of Produce that carries batches, and nothing else. */
export const PRODUCE_WITH_BATCHES = 3;
/** The first versions of Fetch that tell of timestamps, batches, zstd. */
const FETCH_WITH_TIMESTAMPS = 2;
const FETCH_WITH_BATCHES = 4;
const FETCH_WITH_ZSTD = 10;

/** Records of an old version of Produce as a batch, or the code of the error in them. */
export const asBatch = (records: Buffer): Buffer | number => {
  try {
    return batchOfOldMessages(records);
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
};

export interface OldFetch {
  readonly apiVersion: number;
  readonly fetchOffset: number;
  readonly isFollower: boolean;
  /** Of the topic; null where no log is known any more. */
  readonly config: {
    readonly compressionType: CompressionType;
    readonly messageDownconversionEnable: boolean;
  } | null;
}

/** Whether what was read has to go through `recordsForOldVersion`. */
export const isOldFetch = (apiVersion: number): boolean => apiVersion < FETCH_WITH_ZSTD;

/** Records as an old version of Fetch may carry them, or the code of the error that is answered instead. */
export const recordsForOldVersion = (
  records: readonly Buffer[],
  { apiVersion, fetchOffset, isFollower, config }: OldFetch,
): readonly Buffer[] | number => {
  if (config?.compressionType === 'zstd') return errorCodes.UNSUPPORTED_COMPRESSION_TYPE;
  if (apiVersion >= FETCH_WITH_BATCHES) return records;
  if (config?.messageDownconversionEnable === false && !isFollower)
    return errorCodes.UNSUPPORTED_VERSION;
  const magic = apiVersion < FETCH_WITH_TIMESTAMPS ? 0 : 1;
  try {
    return [oldMessagesOf(Buffer.concat(records), { magic, fetchOffset })];
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
};

/**
 * The answer to ListOffsets version 0: where segments begin and the log ends, newest first, for times the segments that were
 * last written by then; at most `count`. A consumer sees the high watermark in place of all that lies above it.
 */
export const offsetsBefore = (
  log: PartitionLog,
  asked: { readonly timestamp: number; readonly count: number; readonly nowMs: number },
  highWatermark: number | null,
): number[] => {
  const places = log.segments.map(({ baseOffset, modifiedMs }) => ({
    offset: Math.max(baseOffset, log.logStartOffset),
    atMs: modifiedMs,
  }));
  if ((log.segments.at(-1)?.sizeBytes ?? 0) > 0)
    places.push({ offset: log.logEndOffset, atMs: asked.nowMs });
  const found = upTo(places, asked.timestamp)
    .map(({ offset }) => offset)
    .reverse()
    .slice(0, Math.max(asked.count, 0));
  if (highWatermark === null || !found.some((offset) => offset > highWatermark)) return found;
  return [highWatermark, ...found.filter((offset) => offset <= highWatermark)];
};

const LATEST = -1;
const EARLIEST = -2;

const upTo = <T extends { readonly atMs: number }>(places: T[], timestamp: number): T[] => {
  if (timestamp === LATEST) return places;
  if (timestamp === EARLIEST) return places.slice(0, 1);
  return places.slice(0, places.findLastIndex(({ atMs }) => atMs <= timestamp) + 1);
};
