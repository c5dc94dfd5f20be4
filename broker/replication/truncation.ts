/**
 * Where a follower cuts its log when its leader says that they diverge (KIP-101, KIP-279; Kafka's
 * AbstractFetcherThread.getOffsetTruncationState). Pure.
 */

/** The last epoch both may share, and where it ends, in the leader's log. */
export interface DivergingEpoch {
  readonly epoch: number;
  readonly endOffset: number;
}

export interface LocalLog {
  readonly logEndOffset: number;
  endOffsetForEpoch(epoch: number): { readonly leaderEpoch: number; readonly endOffset: number };
}

/**
 * The offset to truncate to. When the follower has no such epoch itself, it cuts to the end of its next smaller one and must
 * compare again: the leader may lack part of that one, too. The next fetch does so by its last fetched epoch.
 */
export const truncationOffset = (log: LocalLog, diverging: DivergingEpoch): number => {
  const local = log.endOffsetForEpoch(diverging.epoch);
  if (local.endOffset === -1) return Math.min(diverging.endOffset, log.logEndOffset);
  if (local.leaderEpoch !== diverging.epoch) return Math.min(local.endOffset, log.logEndOffset);
  return Math.min(local.endOffset, diverging.endOffset, log.logEndOffset);
};
