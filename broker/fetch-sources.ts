/**
 * What a Fetch request reads, as replication/reads.ts asks for it: the partitions of a full request, or those of a session
 * that may have news. Partitions that the metadata cache does not know are set aside, with the reason.
 */
import { errorCodes } from '../protocol/errors.ts';
import type { FetchSession, SessionPartition } from './fetch-session.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { type FetchSource, fixedSource } from './replication/reads.ts';
import type { ReplicaManager } from './replication/replica-manager.ts';

export interface Refused {
  readonly entry: SessionPartition;
  readonly errorCode: number;
}

export interface PartitionSource extends FetchSource<SessionPartition> {
  /** The partitions left out of the last pass. */
  readonly refused: readonly Refused[];
}

/** All of `partitions`, whatever is new. */
export const fullSource = (
  replicas: ReplicaManager,
  partitions: Iterable<SessionPartition>,
  isFollower: boolean,
): PartitionSource => {
  const { known, refused } = sortOut(replicas.metadata, partitions);
  return { ...fixedSource(replicas, known, isFollower), refused };
};

/** The partitions of a session as far as they may have news. */
export const sessionSource = (
  replicas: ReplicaManager,
  session: FetchSession,
): PartitionSource & { readonly refused: readonly Refused[] } => {
  let refused: readonly Refused[] = [];
  let isEmpty = false;
  return {
    targets: () => {
      const sorted = sortOut(replicas.metadata, session.hot);
      refused = sorted.refused;
      isEmpty = sorted.known.length === 0 && session.coldCount === 0;
      for (const entry of sorted.known) {
        // Before it is read, so that no event is missed in between.
        entry.watch(replicas.get(entry.topic ?? '', entry.partition) ?? null);
        entry.isTouched = false;
      }
      return sorted.known;
    },
    get isEmpty() {
      return isEmpty;
    },
    get refused() {
      return refused;
    },
    passed: (targets, reads) => {
      for (const [index, entry] of targets.entries()) {
        const read = reads[index];
        if (read !== undefined && entry.isQuiet(read)) session.cool(entry);
      }
    },
    watch: (wake) => session.onNews(wake),
  };
};

const sortOut = (
  metadata: MetadataCache,
  partitions: Iterable<SessionPartition>,
): { known: SessionPartition[]; refused: Refused[] } => {
  const known: SessionPartition[] = [];
  const refused: Refused[] = [];
  for (const entry of partitions) {
    const errorCode = unknownReason(metadata, entry);
    if (errorCode === errorCodes.NONE) known.push(entry);
    else refused.push({ entry, errorCode });
  }
  return { known, refused };
};

const unknownReason = (metadata: MetadataCache, entry: SessionPartition): number => {
  entry.topic ??= metadata.topicName(entry.topicId) ?? null;
  if (entry.topic === null) return errorCodes.UNKNOWN_TOPIC_ID;
  return metadata.partition(entry.topic, entry.partition) === undefined
    ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    : errorCodes.NONE;
};
