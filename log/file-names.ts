/**
 * Names of files and directories in a log directory, exactly Kafka's, so that either reads what the
 * other wrote.
 */
import type { Random } from '../system/random.ts';

export const LOG_SUFFIX = '.log';
export const INDEX_SUFFIX = '.index';
export const TIME_INDEX_SUFFIX = '.timeindex';
export const TRANSACTION_INDEX_SUFFIX = '.txnindex';
export const SNAPSHOT_SUFFIX = '.snapshot';
/** Renamed for removal; removed for good later or at the next load. */
export const DELETED_SUFFIX = '.deleted';
/** Written by the cleaner or by a split, not complete. */
export const CLEANED_SUFFIX = '.cleaned';
/** A complete replacement that waits to take its final name. */
export const SWAP_SUFFIX = '.swap';

/** The files a segment may have. */
export const SEGMENT_SUFFIXES = [
  LOG_SUFFIX,
  INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
] as const;

export const EPOCHS_FILE = 'leader-epoch-checkpoint';
export const PARTITION_METADATA_FILE = 'partition.metadata';
export const RECOVERY_POINTS_FILE = 'recovery-point-offset-checkpoint';
export const LOG_STARTS_FILE = 'log-start-offset-checkpoint';
export const HIGH_WATERMARKS_FILE = 'replication-offset-checkpoint';
export const CLEANER_OFFSETS_FILE = 'cleaner-offset-checkpoint';
/** In the directory of a partition: see moved-away.ts. */
export const MOVED_TO_FILE = 'moved-to';
export const META_PROPERTIES_FILE = 'meta.properties';
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';
export const LOCK_FILE = '.lock';

const NAME_LENGTH_MAX = 255;

/** The directory that a file or directory lies in. */
export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** An offset as file names show it: at least 20 digits. */
export const offsetName = (offset: number): string => String(offset).padStart(20, '0');

/** The offset a file name begins with; null where it does not. */
export const offsetOf = (name: string): number | null => {
  const digits = name.slice(0, Math.max(0, name.indexOf('.')));
  return /^\d{1,20}$/.test(digits) ? Number(digits) : null;
};

/**
 * `<topic>-<partition>.<32 hex digits>-delete`, the topic shortened where the whole would get too
 * long.
 */
export const deletedDirectoryName = (random: Random, topic: string, partition: number): string => {
  const tail = `-${partition}.${random.bytes(16).toString('hex')}-delete`;
  return topic.slice(0, NAME_LENGTH_MAX - tail.length) + tail;
};

/** `<topic>-<partition>.<32 hex digits>-future`; never shortened, because the log must get its name back. */
export const futureDirectoryName = (random: Random, topic: string, partition: number): string =>
  `${topic}-${partition}.${random.bytes(16).toString('hex')}-future`;

/** Whether a partition's name leaves room for what a future log has behind it. */
export const canMove = (topic: string, partition: number): boolean =>
  `${topic}-${partition}`.length + FUTURE_SUFFIX_LENGTH <= NAME_LENGTH_MAX;

/** A point, 32 digits, -future. */
const FUTURE_SUFFIX_LENGTH = 40;

const SUFFIXED_DIRECTORY = /^(\S+)-(\S+)\.(\S+)-(delete|future|stray)$/;

/** What a suffixed partition directory waits for; null for any other name. */
export const directoryPurpose = (name: string): 'delete' | 'future' | 'stray' | null =>
  (SUFFIXED_DIRECTORY.exec(name)?.[4] as 'delete' | 'future' | 'stray' | undefined) ?? null;
