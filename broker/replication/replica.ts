/**
 * What a leader knows of one remote replica: how far it has fetched and when it was last caught up.
 * Pure; the rules are those of Kafka's Replica class (KAFKA-4485 for the caught-up time).
 */

export interface RemoteReplica {
  readonly brokerId: number;
  /** The offset of its last fetch, which is its log end offset; -1 until it has fetched from this leader. */
  logEndOffset: number;
  /** Its log start offset as of its last fetch; -1 until then. */
  logStartOffset: number;
  /** The leader's log end offset when the last fetch was read. */
  lastFetchLeaderLogEndOffset: number;
  /** Elapsed time of the last fetch. */
  lastFetchMs: number;
  /** The last time (elapsed) at which it had everything the leader then had. */
  lastCaughtUpMs: number;
}

/** Never caught up: so long ago that no lag limit reaches back to it. */
const NEVER_MS = Number.NEGATIVE_INFINITY;

export const newRemoteReplica = (brokerId: number): RemoteReplica => ({
  brokerId,
  logEndOffset: -1,
  logStartOffset: -1,
  lastFetchLeaderLogEndOffset: -1,
  lastFetchMs: NEVER_MS,
  lastCaughtUpMs: NEVER_MS,
});

/**
 * A new leader epoch begins with the leader's log ending at `leaderLogEndOffset`. A leader that already led keeps what
 * followers have fetched from it; a new one must not trust offsets that were reported to another.
 */
export const resetForLeaderEpoch = (
  replica: RemoteReplica,
  start: { leaderLogEndOffset: number; nowMs: number; isInIsr: boolean; wasLeader: boolean },
): void => {
  replica.lastCaughtUpMs = start.isInIsr ? start.nowMs : NEVER_MS;
  if (start.wasLeader) {
    replica.lastFetchLeaderLogEndOffset = start.leaderLogEndOffset;
    replica.lastFetchMs = replica.lastCaughtUpMs;
    return;
  }
  replica.logEndOffset = -1;
  replica.logStartOffset = -1;
  replica.lastFetchLeaderLogEndOffset = -1;
  replica.lastFetchMs = NEVER_MS;
};

/** Records one fetch, read while the leader's log ended at `leaderLogEndOffset`. */
export const recordFetch = (
  replica: RemoteReplica,
  fetch: {
    fetchOffset: number;
    logStartOffset: number;
    leaderLogEndOffset: number;
    nowMs: number;
  },
): void => {
  if (fetch.fetchOffset >= fetch.leaderLogEndOffset) {
    replica.lastCaughtUpMs = Math.max(replica.lastCaughtUpMs, fetch.nowMs);
  } else if (fetch.fetchOffset >= replica.lastFetchLeaderLogEndOffset) {
    // It has all that the leader had at its previous fetch, so it was caught up then. Without this rule a steady
    // stream of small appends would throw a follower out that is always one round behind.
    replica.lastCaughtUpMs = Math.max(replica.lastCaughtUpMs, replica.lastFetchMs);
  }
  replica.logEndOffset = fetch.fetchOffset;
  replica.logStartOffset = fetch.logStartOffset;
  replica.lastFetchLeaderLogEndOffset = Math.max(
    fetch.leaderLogEndOffset,
    replica.lastFetchLeaderLogEndOffset,
  );
  replica.lastFetchMs = fetch.nowMs;
};

/**
 * Fetches up to `nowMs` have asked for `fetchOffset` again and again while the leader's log ended just there: what
 * `recordFetch` would have made of each. Nothing changes when the replica has fetched elsewhere since.
 */
export const recordIdleFetches = (
  replica: RemoteReplica,
  fetchOffset: number,
  nowMs: number,
): void => {
  if (replica.logEndOffset !== fetchOffset) return;
  replica.lastCaughtUpMs = Math.max(replica.lastCaughtUpMs, nowMs);
  replica.lastFetchMs = Math.max(replica.lastFetchMs, nowMs);
};

/** Equal log ends count whatever the time: an idle partition's followers do not fall behind. */
export const isCaughtUp = (
  replica: RemoteReplica,
  leaderLogEndOffset: number,
  nowMs: number,
  lagMsMax: number,
): boolean =>
  replica.logEndOffset === leaderLogEndOffset || nowMs - replica.lastCaughtUpMs <= lagMsMax;
