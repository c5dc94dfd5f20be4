/**
 * One incremental fetch session: its partitions, and which of them may have news. A partition without news watches its
 * replica and costs a fetch nothing, however many there are; Kafka goes over all of them with every fetch. Whatever no event
 * tells of (the log start offset, the metadata cache) is found by a look at all partitions now and then.
 */
import { errorCodes } from '../protocol/errors.ts';
import type { MetadataCache } from './metadata-cache.ts';
import type { FetchWatch, HostedPartition } from './replication/hosted-partition.ts';
import type { FetchTarget, PartitionRead } from './replication/partition-reads.ts';

/** Between two looks at all partitions. */
const SWEEP_MS = 500;
const NEVER_TOLD = -1;

/** What a request says of a partition. */
export interface FetchEntry {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly partitionMaxBytes: number;
}

/** A partition of a request, which a session may keep. */
export class SessionPartition implements FetchTarget, FetchWatch {
  readonly topicId: string;
  /** Null while no name is known for the id; a name once found stays (a topic made anew has another id). */
  topic: string | null;
  readonly partition: number;
  maxBytes = 0;
  fetchOffset = 0;
  currentLeaderEpoch = -1;
  lastFetchedEpoch = -1;
  logStartOffset = -1;
  /** What the client was last told; -1: nothing, so the partition is in the next response. */
  toldHighWatermark = NEVER_TOLD;
  toldLogStartOffset = NEVER_TOLD;
  /** Of a session: may have news. */
  isHot = true;
  /** Something has happened since it was last read. */
  isTouched = false;
  #session: FetchSession | null = null;
  #replica: HostedPartition | null = null;

  constructor(topicId: string, topic: string | null, entry: FetchEntry) {
    this.topicId = topicId;
    this.topic = topic;
    this.partition = entry.partition;
    this.update(entry);
  }

  update(entry: FetchEntry): void {
    this.maxBytes = entry.partitionMaxBytes;
    this.fetchOffset = entry.fetchOffset;
    this.currentLeaderEpoch = entry.currentLeaderEpoch;
    this.lastFetchedEpoch = entry.lastFetchedEpoch;
    this.logStartOffset = entry.logStartOffset;
  }

  join(session: FetchSession): void {
    this.#session = session;
  }

  /** Which set it watches in depends on the session, so that the watch goes first. */
  leave(): void {
    this.watch(null);
    this.#session = null;
  }

  /**
   * Hears of news of `replica` from now on, instead of that of another one. Outside of a session nobody would end the
   * watch: a request that still waits may ask for one.
   */
  watch(replica: HostedPartition | null): void {
    if (replica === this.#replica || this.#session === null) return;
    const { isFollower } = this.#session;
    this.#replica?.unwatch(this, isFollower);
    this.#replica = replica;
    replica?.watch(this, isFollower);
  }

  notify(isUrgent: boolean): void {
    const session = this.#session;
    if (session === null) return;
    this.isTouched = true;
    if (!this.isHot) {
      // Until now each of the session's fetches was one from the end of this log.
      if (session.isFollower)
        this.#replica?.recordIdleFetches(session.replicaId, this.fetchOffset, session.lastUsedMs);
      session.heat(this);
    }
    if (isUrgent) session.wake();
  }

  /** Whether the client has to hear of what was read. */
  isNews(read: PartitionRead): boolean {
    return (
      read.sizeBytes > 0 ||
      read.errorCode !== errorCodes.NONE ||
      read.divergingEpoch !== null ||
      read.highWatermark !== this.toldHighWatermark ||
      read.logStartOffset !== this.toldLogStartOffset
    );
  }

  /** After an error nothing counts as told, so that its end is told. */
  told(read: {
    readonly errorCode: number;
    readonly highWatermark: number;
    readonly logStartOffset: number;
  }): void {
    const isError = read.errorCode !== errorCodes.NONE;
    this.toldHighWatermark = isError ? NEVER_TOLD : read.highWatermark;
    this.toldLogStartOffset = isError ? NEVER_TOLD : read.logStartOffset;
  }

  /** What no event tells of has changed since the client was told. */
  isOutdated(metadata: MetadataCache): boolean {
    return (
      this.#replica?.log.logStartOffset !== this.toldLogStartOffset ||
      metadata.partition(this.topic ?? '', this.partition) === undefined
    );
  }

  /** Nothing more to say until an event comes. */
  isQuiet(read: PartitionRead): boolean {
    if (this.isTouched || !read.isAtEnd || this.isNews(read)) return false;
    const session = this.#session;
    if (session === null || this.#replica === null) return false;
    return !session.isFollower || this.#replica.isSettled(session.replicaId);
  }
}

export class FetchSession {
  readonly id: number;
  /** The epoch the next request must have. */
  epoch = 1;
  readonly usesTopicIds: boolean;
  /** -1: a consumer's. */
  readonly replicaId: number;
  readonly partitions: Map<string, SessionPartition>;
  /** When the last request was accepted. */
  lastUsedMs: number;
  #sweptMs: number;
  /** In the order in which they are read. */
  readonly #hot: Set<SessionPartition>;
  readonly #wakes = new Set<() => void>();

  constructor(
    id: number,
    partitions: Map<string, SessionPartition>,
    options: { readonly replicaId: number; readonly usesTopicIds: boolean; readonly nowMs: number },
  ) {
    this.id = id;
    this.partitions = partitions;
    this.replicaId = options.replicaId;
    this.usesTopicIds = options.usesTopicIds;
    this.lastUsedMs = options.nowMs;
    this.#sweptMs = options.nowMs;
    this.#hot = new Set(partitions.values());
    for (const entry of partitions.values()) entry.join(this);
  }

  get isFollower(): boolean {
    return this.replicaId >= 0;
  }

  /** Partitions that may have news, in order. */
  get hot(): readonly SessionPartition[] {
    return [...this.#hot];
  }

  get coldCount(): number {
    return this.partitions.size - this.#hot.size;
  }

  add(key: string, entry: SessionPartition): void {
    this.partitions.set(key, entry);
    entry.join(this);
    this.heat(entry);
  }

  forget(key: string): void {
    const entry = this.partitions.get(key);
    if (entry === undefined) return;
    this.partitions.delete(key);
    this.#hot.delete(entry);
    entry.leave();
  }

  heat(entry: SessionPartition): void {
    entry.isHot = true;
    this.#hot.add(entry);
  }

  cool(entry: SessionPartition): void {
    entry.isHot = false;
    this.#hot.delete(entry);
  }

  /** To the end of the line: the next response begins with the others. */
  putLast(entry: SessionPartition): void {
    if (this.#hot.delete(entry)) this.#hot.add(entry);
  }

  /** Looks, if that was not done for a while, for news that no event has told of. */
  sweep(nowMs: number, metadata: MetadataCache): void {
    if (nowMs - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = nowMs;
    for (const entry of this.partitions.values())
      if (!entry.isHot && entry.isOutdated(metadata)) this.heat(entry);
  }

  onNews(wake: () => void): () => void {
    this.#wakes.add(wake);
    return () => void this.#wakes.delete(wake);
  }

  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /** Lets go of all replicas. */
  end(): void {
    for (const entry of this.partitions.values()) entry.leave();
  }
}
