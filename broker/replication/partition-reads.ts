/**
 * One partition's part of a fetch: the checks in Kafka's order, divergence of the reader's log (KIP-595), the follower's
 * progress, and the records up to what this reader may see (requests sheet §9.2-9.3, replication sheet §8).
 */
import type { LogRead, PartitionLog } from '../../log/partition-log.ts';
import { batches } from '../../protocol/batches.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { ReplicaManager } from './replica-manager.ts';

export interface FetchTarget {
  /** Null: no name is known for the id. */
  readonly topic: string | null;
  /** The zero id when the request names topics. */
  readonly topicId: string;
  readonly partition: number;
  /** -1: not checked. */
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  /** -1: no check for divergence. */
  readonly lastFetchedEpoch: number;
  /** A follower's own; -1 from consumers. */
  readonly logStartOffset: number;
  readonly maxBytes: number;
}

export interface FetchOptions {
  /** -1 for consumers. */
  readonly replicaId: number;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isReadCommitted: boolean;
  /** Versions before 11 read from leaders only, as followers always do. */
  readonly isLeaderOnly: boolean;
}

export interface AbortedRange {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface PartitionRead {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly records: readonly Buffer[];
  readonly sizeBytes: number;
  /** The reader has everything that it may see. */
  readonly isAtEnd: boolean;
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null;
  /** Null but for read_committed consumers. */
  readonly abortedTransactions: readonly AbortedRange[] | null;
}

/** How much of the request's bytes is left; the first partition with data gives at least one batch. */
export interface Budget {
  readonly remainingBytes: number;
  readonly isFirst: boolean;
  /** Only the first reading of a request counts as the follower's progress. */
  readonly recordsProgress: boolean;
}

const NO_RECORDS: readonly Buffer[] = [];
const NO_ABORTED: readonly AbortedRange[] = [];

type Offsets = Pick<PartitionRead, 'highWatermark' | 'lastStableOffset' | 'logStartOffset'>;

/** A promise only if records or aborted transactions have to be read from disk. */
export const readPartition = (
  replicas: ReplicaManager,
  target: FetchTarget,
  options: FetchOptions,
  budget: Budget,
): PartitionRead | Promise<PartitionRead> => {
  if (target.topic === null) return failedRead(errorCodes.UNKNOWN_TOPIC_ID);
  const replica = replicas.lookUp(target.topic, target.partition);
  if (typeof replica === 'number') return failedRead(replica);
  const errorCode = checkTarget(replica, target, options);
  if (errorCode !== errorCodes.NONE) return failedRead(errorCode);
  const { log, state } = replica;
  const isFollower = options.replicaId >= 0;
  // Taken before the read and before this fetch counts, as Kafka does.
  const offsets = {
    highWatermark: state.highWatermark,
    lastStableOffset: replica.lastStableOffset,
    logStartOffset: log.logStartOffset,
  };
  if (target.lastFetchedEpoch >= 0) {
    const divergence = checkDivergence(replica, target);
    if (typeof divergence === 'number') return failedRead(divergence);
    if (divergence !== null) return divergingRead(offsets, divergence);
  }
  if (target.fetchOffset < log.logStartOffset || target.fetchOffset > log.logEndOffset)
    return failedRead(errorCodes.OFFSET_OUT_OF_RANGE);
  const bound = boundOf(log, offsets, options);
  if (isFollower && budget.recordsProgress)
    replica.recordFollowerFetch(options.replicaId, target.fetchOffset, target.logStartOffset);
  const aborted = isFollower || !options.isReadCommitted ? null : NO_ABORTED;
  if (target.fetchOffset >= bound) return emptyRead(offsets, aborted, true);
  return readRecords(replicas, replica, { target, budget, bound, offsets, aborted });
};

/** Up to where a reader may see records. */
export const boundOf = (log: PartitionLog, offsets: Offsets, options: FetchOptions): number => {
  if (options.replicaId >= 0) return log.logEndOffset;
  return options.isReadCommitted ? offsets.lastStableOffset : offsets.highWatermark;
};

const readRecords = (
  replicas: ReplicaManager,
  { log }: HostedPartition,
  asked: {
    readonly target: FetchTarget;
    readonly budget: Budget;
    readonly bound: number;
    readonly offsets: Offsets;
    readonly aborted: readonly AbortedRange[] | null;
  },
): PartitionRead | Promise<PartitionRead> => {
  const { target, budget, bound, offsets, aborted } = asked;
  const maxBytes = Math.max(0, Math.min(target.maxBytes, budget.remainingBytes));
  if (maxBytes === 0 && !budget.isFirst) return emptyRead(offsets, aborted, false);
  const limits = { maxBytes, endOffset: bound, minOneBatch: budget.isFirst };
  const finish = (read: LogRead): PartitionRead | Promise<PartitionRead> =>
    aborted === null || read.sizeBytes === 0
      ? withRecords(offsets, read, aborted)
      : withAborted(log, { ...limits, fetchOffset: target.fetchOffset }, offsets, read);
  try {
    const read = log.read(target.fetchOffset, limits);
    const done = read instanceof Promise ? read.then(finish) : finish(read);
    return done instanceof Promise
      ? done.catch((error: unknown) => readFailure(error, replicas))
      : done;
  } catch (error) {
    return readFailure(error, replicas);
  }
};

/** With the aborted transactions that overlap what was read, so that the consumer can leave their records out. */
const withAborted = async (
  log: PartitionLog,
  { fetchOffset, endOffset }: { readonly fetchOffset: number; readonly endOffset: number },
  offsets: Offsets,
  read: LogRead,
): Promise<PartitionRead> => {
  const found = await log.abortedTransactions(fetchOffset, endOffset);
  if (found.length === 0) return withRecords(offsets, read, NO_ABORTED);
  let end = fetchOffset;
  for (const batch of batches(read.buffers.at(-1) as Buffer)) end = batch.nextOffset;
  return withRecords(
    offsets,
    read,
    found.filter(({ firstOffset }) => firstOffset < end),
  );
};

/** Leader epoch first, then the lead, then whether the follower is one (KAFKA-14078). */
const checkTarget = (
  { state, topicId }: HostedPartition,
  target: FetchTarget,
  options: FetchOptions,
): number => {
  if (target.topicId !== ZERO_UUID && topicId !== ZERO_UUID && target.topicId !== topicId)
    return errorCodes.INCONSISTENT_TOPIC_ID;
  const epochError = checkLeaderEpoch(state.leaderEpoch, target.currentLeaderEpoch);
  if (epochError !== errorCodes.NONE) return epochError;
  if (options.isLeaderOnly && !state.isLeader) return errorCodes.NOT_LEADER_OR_FOLLOWER;
  if (options.replicaId >= 0 && state.remoteReplica(options.replicaId) === undefined)
    return target.currentLeaderEpoch === -1
      ? errorCodes.NOT_LEADER_OR_FOLLOWER
      : errorCodes.UNKNOWN_LEADER_EPOCH;
  return errorCodes.NONE;
};

/** The code for a request made under `requested` (-1: not checked) where `current` is known. */
export const checkLeaderEpoch = (current: number, requested: number): number => {
  if (requested === -1 || requested === current) return errorCodes.NONE;
  return requested < current ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH;
};

/** Where the reader's log and ours part, null if they do not, or an error code (KIP-595, KAFKA-12996). */
const checkDivergence = (
  { log }: HostedPartition,
  target: FetchTarget,
): { epoch: number; endOffset: number } | number | null => {
  const { leaderEpoch, endOffset } = log.endOffsetForEpoch(target.lastFetchedEpoch);
  if (endOffset === -1 || target.fetchOffset < log.logStartOffset)
    return errorCodes.OFFSET_OUT_OF_RANGE;
  return leaderEpoch < target.lastFetchedEpoch || endOffset < target.fetchOffset
    ? { epoch: leaderEpoch, endOffset }
    : null;
};

const withRecords = (
  { highWatermark, lastStableOffset, logStartOffset }: Offsets,
  { buffers: records, sizeBytes }: LogRead,
  abortedTransactions: readonly AbortedRange[] | null,
): PartitionRead => ({
  errorCode: errorCodes.NONE,
  highWatermark,
  lastStableOffset,
  logStartOffset,
  records,
  sizeBytes,
  isAtEnd: false,
  divergingEpoch: null,
  abortedTransactions,
});

const emptyRead = (
  { highWatermark, lastStableOffset, logStartOffset }: Offsets,
  abortedTransactions: readonly AbortedRange[] | null,
  isAtEnd: boolean,
): PartitionRead => ({
  errorCode: errorCodes.NONE,
  highWatermark,
  lastStableOffset,
  logStartOffset,
  records: NO_RECORDS,
  sizeBytes: 0,
  isAtEnd,
  divergingEpoch: null,
  abortedTransactions,
});

const UNKNOWN: Offsets = { highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 };

const divergingRead = (
  offsets: Offsets,
  divergingEpoch: { readonly epoch: number; readonly endOffset: number },
): PartitionRead => ({ ...emptyRead(offsets, null, false), divergingEpoch });

const failedRead = (errorCode: number): PartitionRead => ({
  ...emptyRead(UNKNOWN, null, false),
  errorCode,
});

const readFailure = (error: unknown, replicas: ReplicaManager): PartitionRead => {
  if (error instanceof ProtocolError) return failedRead(error.code);
  replicas.system.logger.error({ err: error }, 'read failed');
  return failedRead(errorCodes.KAFKA_STORAGE_ERROR);
};
