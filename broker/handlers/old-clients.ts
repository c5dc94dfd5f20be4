/**
 * What clients from before record batches need: batches made into their messages, and the lists of offsets of ListOffsets
 * version 0. Nothing that a client of the last years asks for comes by here.
 */
import type { CompressionType } from '../../log/log-config.ts';
import { convertRecords } from '../../log/off-thread.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { System } from '../../system/system.ts';

/** The first version of Produce that carries batches, and nothing else. */
export const PRODUCE_WITH_BATCHES = 3;
/** The first versions of Fetch that tell of timestamps, batches, zstd. */
const FETCH_WITH_TIMESTAMPS = 2;
const FETCH_WITH_BATCHES = 4;
const FETCH_WITH_ZSTD = 10;

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

/** Whether what was read may be more than the version can carry: see `errorForOldVersion`. */
export const isOldFetch = (apiVersion: number): boolean => apiVersion < FETCH_WITH_ZSTD;

/** Whether what was read has to be converted. */
export const needsConversion = (apiVersion: number): boolean => apiVersion < FETCH_WITH_BATCHES;

/** The code of the error that an old version of Fetch gets instead of what was read, 0 for none. */
export const errorForOldVersion = ({ apiVersion, isFollower, config }: OldFetch): number => {
  if (config?.compressionType === 'zstd') return errorCodes.UNSUPPORTED_COMPRESSION_TYPE;
  const isRefused = config?.messageDownconversionEnable === false && !isFollower;
  return isRefused && needsConversion(apiVersion) ? errorCodes.UNSUPPORTED_VERSION : 0;
};

/** What was read as a version of Fetch below 4 carries it, or the code of the error that is answered instead. */
export const convertForOldVersion = async (
  system: System,
  records: readonly Buffer[],
  { apiVersion, fetchOffset }: OldFetch,
): Promise<readonly Buffer[] | number> => {
  const magic = apiVersion < FETCH_WITH_TIMESTAMPS ? 0 : 1;
  try {
    return await convertRecords(system, Buffer.concat(records), { magic, fetchOffset });
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
