/**
 * The request that arms a session's watches anew on a later connection, cut into packets that any server takes
 * (the batches of ClientCnxn.SendThread.primeConnection).
 */
import { encodeRequest, requests } from './records.ts';

/** Paths of one packet; a server refuses frames above its own limit. */
const SET_WATCHES_BYTES_MAX = 128 * 1024;

/** Watched paths by the kind of watch. What was missed since `relativeZxid` comes as events. */
export interface WatchesToRestore {
  readonly relativeZxid: bigint;
  readonly data: Iterable<string>;
  /** Watched for a node to come into being. */
  readonly exist: Iterable<string>;
  readonly child: Iterable<string>;
  readonly persistent?: Iterable<string>;
  readonly persistentRecursive?: Iterable<string>;
}

const kinds = ['data', 'exist', 'child', 'persistent', 'persistentRecursive'] as const;

type Batch = Record<(typeof kinds)[number], string[]>;

/** The packets, each waiting for its xid; none when nothing is watched. */
export const setWatchesRequests = (watches: WatchesToRestore): ((xid: number) => Buffer)[] =>
  batchesOf(watches).map((batch) => (xid) => {
    const body = { relativeZxid: watches.relativeZxid, ...batch };
    // Servers before 3.6 know no persistent watches, nor the request that restores them.
    return batch.persistent.length + batch.persistentRecursive.length === 0
      ? encodeRequest(xid, 'setWatches', requests.setWatches, body)
      : encodeRequest(xid, 'setWatches2', requests.setWatches2, body);
  });

const batchesOf = (watches: WatchesToRestore): Batch[] => {
  const batches: Batch[] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const kind of kinds) {
    for (const path of watches[kind] ?? []) {
      if (bytes > SET_WATCHES_BYTES_MAX) {
        batches.push({ data: [], exist: [], child: [], persistent: [], persistentRecursive: [] });
        bytes = 0;
      }
      batches.at(-1)?.[kind].push(path);
      bytes += 4 + Buffer.byteLength(path);
    }
  }
  return batches;
};
