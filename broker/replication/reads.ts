/**
 * Reads for consumers and followers, and the wait for enough bytes: the core of Fetch. A request that has to wait hears of
 * its partitions by events and reads again. Reproduces Kafka's ReplicaManager.fetchMessages and DelayedFetch (requests
 * sheet §9.2-9.4); what is read of one partition stands in partition-reads.ts.
 */

import { batches } from '../../protocol/batches.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { bufferPool } from '../../system/buffer-pool.ts';
import type { FetchWatch, HostedPartition } from './hosted-partition.ts';
import {
  boundOf,
  type FetchOptions,
  type FetchTarget,
  type PartitionRead,
  readPartition,
} from './partition-reads.ts';
import type { ReplicaManager } from './replica-manager.ts';

export type { FetchOptions, FetchTarget, PartitionRead } from './partition-reads.ts';

/** What a request reads: fixed, or the partitions of a session that may have news, which change while it waits. */
export interface FetchSource<T extends FetchTarget> {
  /** The partitions to read now, in order. */
  targets(): readonly T[];
  /** Whether there is nothing to wait for. */
  readonly isEmpty: boolean;
  /** A pass over `targets` has given `reads`, the last one as well as those before it. */
  passed(targets: readonly T[], reads: readonly PartitionRead[]): void;
  /** Calls `wake` with news of any partition, until the returned function is called. */
  watch(wake: () => void): () => void;
}

export interface FetchResult<T extends FetchTarget> {
  readonly targets: readonly T[];
  /** In the order of `targets`. */
  readonly reads: readonly PartitionRead[];
}

/** Results when there are `minBytes`, something to report at once, or `maxWaitMs` have passed. */
export const fetchRecords = async <T extends FetchTarget>(
  replicas: ReplicaManager,
  source: FetchSource<T>,
  options: FetchOptions,
): Promise<FetchResult<T>> => {
  const targets = source.targets();
  const reading = readAll(replicas, targets, options, true);
  const pass = reading instanceof Promise ? await reading : reading;
  source.passed(targets, pass.reads);
  const isEnough = options.maxWaitMs <= 0 || source.isEmpty;
  if (isEnough || isReady(replicas, targets, pass, options)) return { targets, reads: pass.reads };
  discard(pass.reads);
  // A pass that waited for the disk may have been overtaken.
  return waitForBytes(replicas, source, options, { readsAtOnce: reading instanceof Promise });
};

const waitForBytes = <T extends FetchTarget>(
  replicas: ReplicaManager,
  source: FetchSource<T>,
  options: FetchOptions,
  { readsAtOnce }: { readonly readsAtOnce: boolean },
): Promise<FetchResult<T>> =>
  new Promise((resolve, reject) => {
    let isChecking = false;
    let isDone = false;
    let isExpired = false;
    const check = async (): Promise<void> => {
      isChecking = false;
      if (isDone) return;
      const targets = source.targets();
      const reading = readAll(replicas, targets, options, false);
      const pass = reading instanceof Promise ? await reading : reading;
      if (isDone) return discard(pass.reads);
      source.passed(targets, pass.reads);
      if (!isExpired && !isReady(replicas, targets, pass, options)) return discard(pass.reads);
      isDone = true;
      replicas.deadlines.remove(deadline);
      unwatch();
      resolve({ targets, reads: pass.reads });
    };
    const wake = (): void => {
      if (isChecking || isDone) return;
      isChecking = true;
      // Once for all partitions that have news in this turn of the event loop.
      replicas.system.clock.defer(() => void check().catch(reject));
    };
    const deadline = replicas.deadlines.add(options.maxWaitMs, () => {
      isExpired = true;
      wake();
    });
    const unwatch = source.watch(wake);
    if (readsAtOnce) wake();
  });

/** Partitions that stay the same, for requests outside of sessions. */
export const fixedSource = <T extends FetchTarget>(
  replicas: ReplicaManager,
  targets: readonly T[],
  isFollower: boolean,
): FetchSource<T> => ({
  targets: () => targets,
  isEmpty: targets.length === 0,
  passed: () => {},
  watch: (wake) => {
    const hosted = targets.flatMap(({ topic, partition }) =>
      topic === null ? [] : (replicas.get(topic, partition) ?? []),
    );
    const watch: FetchWatch = {
      notify: (isUrgent) => {
        if (isUrgent) wake();
      },
    };
    for (const replica of hosted) replica.watch(watch, isFollower);
    return () => {
      for (const replica of hosted) replica.unwatch(watch, isFollower);
    };
  },
});

/** Gives back what was read and is not answered with. */
const discard = (reads: readonly PartitionRead[]): void => {
  for (const { records } of reads) for (const buffer of records) bufferPool.release(buffer);
};

/** One reading of all targets. */
interface Pass {
  readonly reads: PartitionRead[];
  sizeBytes: number;
  /** An error or a divergence, which is answered at once. */
  isUrgent: boolean;
}

/** A promise only if one of the partitions has to be read from disk. */
const readAll = (
  replicas: ReplicaManager,
  targets: readonly FetchTarget[],
  options: FetchOptions,
  isFirst: boolean,
): Pass | Promise<Pass> => {
  const pass: Pass = { reads: [], sizeBytes: 0, isUrgent: false };
  const readFrom = (start: number): Pass | Promise<Pass> => {
    for (let index = start; index < targets.length; index++) {
      const target = targets[index] as FetchTarget;
      const remainingBytes = options.maxBytes - pass.sizeBytes;
      const budget = { remainingBytes, isFirst: pass.sizeBytes === 0, recordsProgress: isFirst };
      const read = readPartition(replicas, target, options, budget);
      if (read instanceof Promise)
        return read.then((done) => {
          take(pass, done);
          return readFrom(index + 1);
        });
      take(pass, read);
    }
    return pass;
  };
  return readFrom(0);
};

const take = (pass: Pass, read: PartitionRead): void => {
  pass.reads.push(read);
  pass.sizeBytes += read.sizeBytes;
  if (read.errorCode !== errorCodes.NONE || read.divergingEpoch !== null) pass.isUrgent = true;
};

const isReady = (
  replicas: ReplicaManager,
  targets: readonly FetchTarget[],
  pass: Pass,
  options: FetchOptions,
): boolean => {
  if (pass.isUrgent || pass.sizeBytes >= options.minBytes) return true;
  if (pass.sizeBytes === 0) return false;
  let availableBytes = 0;
  for (const [index, read] of pass.reads.entries()) {
    const target = targets[index];
    if (read.sizeBytes === 0 || target === undefined || target.topic === null) continue;
    const replica = replicas.get(target.topic, target.partition);
    if (replica !== undefined) availableBytes += available(replica, target, read, options);
  }
  return availableBytes >= options.minBytes;
};

/**
 * What counts towards the bytes waited for: all that the partition may give. One read ends with its segment, and the next
 * would bring no more: Kafka answers then.
 */
const available = (
  { log }: HostedPartition,
  target: FetchTarget,
  read: PartitionRead,
  options: FetchOptions,
): number => {
  const bound = boundOf(log, read, options);
  if (offsetBehind(read.records) >= bound) return read.sizeBytes;
  const { segments } = log;
  for (let index = segments.length - 1; index > 0; index--) {
    const { baseOffset } = segments[index] as (typeof segments)[number];
    if (baseOffset <= target.fetchOffset) break;
    if (baseOffset <= bound) return Number.POSITIVE_INFINITY;
  }
  return Math.max(read.sizeBytes, target.maxBytes);
};

/** The offset that follows the last batch. */
const offsetBehind = (records: readonly Buffer[]): number => {
  let offset = -1;
  const last = records.at(-1);
  if (last !== undefined) for (const batch of batches(last)) offset = batch.nextOffset;
  return offset;
};
