/**
 * What a follower keeps of its incremental fetch session with one leader (KIP-227), from the requesting side: which
 * partitions the leader knows with which values, so that a request names only those that have changed. Pure.
 */
import type { apis, RequestInput, ResponseOutput } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import type { HostedPartition } from './hosted-partition.ts';

export type FetchRequest = RequestInput<typeof apis.fetch>;
export type FetchResponse = ResponseOutput<typeof apis.fetch>;

/** A partition that is followed. */
export interface Followed {
  readonly replica: HostedPartition;
  /** The zero id: it is asked for by name. */
  topicId: string;
  readonly leaderEpoch: number;
  fetchOffset: number;
  /** Epoch of the last batch in the log; -1 when the log holds none. */
  lastFetchedEpoch: number;
  /** Elapsed time before which it is not fetched, after an error. */
  delayedUntilMs: number;
  /** Errors in a row. */
  failureCount: number;
  /** The fetcher's round in which it was last asked for: a response to an earlier object of this kind is not for it. */
  askedInRound: number;
  /** The change of the log that is under way; never rejects. */
  busy: Promise<unknown> | null;
  /** No longer followed, or by another object of this kind. */
  isRemoved: boolean;
  /** What the leader was last told of it. */
  sent: Sent | null;
}

/** What the leader's session holds of a partition. */
interface Sent {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  fetchOffset: number;
  leaderEpoch: number;
  lastFetchedEpoch: number;
  logStartOffset: number;
  /** The request in which it was last among the partitions fetched. */
  request: number;
}

const FULL_FETCH_EPOCH = 0;
const EPOCH_MAX = 2 ** 31 - 1;
/** Topic ids take the place of names from version 13 on. */
const VERSION_WITH_IDS = 17;
const VERSION_WITH_NAMES = 12;

/** Names and bounds that are the same in every request of a fetcher. */
export interface FetchSettings {
  readonly replicaId: number;
  replicaEpoch(): bigint;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
}

export class FetcherSession {
  #sessionId = 0;
  #epoch = FULL_FETCH_EPOCH;
  #requestNumber = 0;
  #version = VERSION_WITH_IDS;
  /** By the name under which the leader knows it, see `nameOf`. */
  readonly #sent = new Map<string, Sent>();

  /** Of the last request: one partition without a topic id keeps all of it at the version with names. */
  get version(): number {
    return this.#version;
  }

  /** The request for `partitions`, or null when it would say nothing and there is nothing to wait for. */
  request(partitions: readonly Followed[], settings: FetchSettings): FetchRequest | null {
    this.#chooseVersion(partitions);
    if (this.#epoch === FULL_FETCH_EPOCH) this.#sent.clear();
    this.#requestNumber += 1;
    const changed: Followed[] = [];
    const knownBefore = this.#sent.size;
    let knownCount = 0;
    for (const followed of partitions) {
      const sent = this.#sentOf(followed);
      if (sent === null) {
        changed.push(followed);
        continue;
      }
      knownCount += 1;
      sent.request = this.#requestNumber;
      if (hasChanged(followed, sent)) changed.push(followed);
    }
    const forgotten = knownCount < knownBefore ? this.#forgetOthers() : [];
    if (partitions.length === 0 && forgotten.length === 0) return null;
    for (const followed of changed) this.#remember(followed);
    return {
      ...identityOf(settings, this.#version),
      maxWaitMs: settings.maxWaitMs,
      minBytes: settings.minBytes,
      maxBytes: settings.maxBytes,
      sessionId: this.#sessionId,
      sessionEpoch: this.#epoch,
      topics: groupByTopic(changed, nameOfFollowed, (followed) => entryOf(followed, settings)),
      forgottenTopicsData: groupByTopic(
        forgotten,
        (sent) => sent,
        ({ partition }) => partition,
      ),
    };
  }

  /**
   * Takes note of a response; false when it carries no partitions because the session was refused. Throws for other errors.
   */
  accept(response: FetchResponse): boolean {
    const { errorCode } = response;
    if (errorCode !== errorCodes.NONE) {
      // The leader does not know the session, or it is out of step: a full request makes a new one.
      if (errorCode === errorCodes.FETCH_SESSION_ID_NOT_FOUND) this.#sessionId = 0;
      this.#epoch = FULL_FETCH_EPOCH;
      if (!sessionErrors.has(errorCode)) throw new ProtocolError(errorCode);
      return false;
    }
    if (response.sessionId === 0) {
      this.#sessionId = 0;
      this.#epoch = FULL_FETCH_EPOCH;
    } else {
      this.#epoch =
        this.#epoch === FULL_FETCH_EPOCH || this.#epoch === EPOCH_MAX ? 1 : this.#epoch + 1;
      this.#sessionId = response.sessionId;
    }
    return true;
  }

  /** The request got no answer: the leader may or may not have moved on. */
  reset(): void {
    this.#epoch = FULL_FETCH_EPOCH;
  }

  /** A session is made for ids or for names, and lasts no longer than they are in use. */
  #chooseVersion(partitions: readonly Followed[]): void {
    if (partitions.length === 0) return;
    const haveIds = partitions.every(({ topicId }) => topicId !== ZERO_UUID);
    const version = haveIds ? VERSION_WITH_IDS : VERSION_WITH_NAMES;
    if (version === this.#version) return;
    this.#version = version;
    this.#epoch = FULL_FETCH_EPOCH;
  }

  /** What the leader knows of the partition in this session; looked up by name only for one that is new here. */
  #sentOf(followed: Followed): Sent | null {
    const { sent } = followed;
    if (sent !== null && sent.request === this.#requestNumber - 1 && this.#sent.size > 0)
      return sent.topicId === followed.topicId ? sent : null;
    followed.sent = this.#sent.get(nameOf(nameOfFollowed(followed))) ?? null;
    return followed.sent;
  }

  #remember(followed: Followed): void {
    const { fetchOffset, leaderEpoch, lastFetchedEpoch } = followed;
    const { logStartOffset } = followed.replica.log;
    const values = { fetchOffset, leaderEpoch, lastFetchedEpoch, logStartOffset };
    const sent = this.#sentOf(followed);
    if (sent !== null) {
      Object.assign(sent, values);
      return;
    }
    const name = nameOfFollowed(followed);
    followed.sent = { ...name, ...values, request: this.#requestNumber };
    this.#sent.set(nameOf(name), followed.sent);
  }

  /** What the last request fetched and this one does not. */
  #forgetOthers(): Sent[] {
    const forgotten = [...this.#sent.values()].filter(
      ({ request }) => request !== this.#requestNumber,
    );
    for (const sent of forgotten) this.#sent.delete(nameOf(sent));
    return forgotten;
  }
}

/** Codes that the next full request cures; anything else is no matter of the session. */
const sessionErrors: ReadonlySet<number> = new Set([
  errorCodes.FETCH_SESSION_ID_NOT_FOUND,
  errorCodes.INVALID_FETCH_SESSION_EPOCH,
]);

const hasChanged = (followed: Followed, sent: Sent): boolean =>
  sent.fetchOffset !== followed.fetchOffset ||
  sent.leaderEpoch !== followed.leaderEpoch ||
  sent.lastFetchedEpoch !== followed.lastFetchedEpoch ||
  sent.logStartOffset !== followed.replica.log.logStartOffset;

interface Name {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

const nameOf = ({ topic, topicId, partition }: Name): string =>
  `${topicId === ZERO_UUID ? topic : topicId}/${partition}`;

const nameOfFollowed = ({ replica, topicId }: Followed): Name => ({
  topic: replica.topic,
  topicId,
  partition: replica.partition,
});

const entryOf = (followed: Followed, settings: FetchSettings) => ({
  partition: followed.replica.partition,
  currentLeaderEpoch: followed.leaderEpoch,
  fetchOffset: followed.fetchOffset,
  lastFetchedEpoch: followed.lastFetchedEpoch,
  logStartOffset: followed.replica.log.logStartOffset,
  partitionMaxBytes: settings.partitionMaxBytes,
});

const groupByTopic = <T, P>(
  items: readonly T[],
  nameOfItem: (item: T) => Name,
  convert: (item: T) => P,
): { topic: string; topicId: string; partitions: P[] }[] => {
  const byTopic = new Map<string, { topic: string; topicId: string; partitions: P[] }>();
  for (const item of items) {
    const { topic, topicId } = nameOfItem(item);
    const key = topicId === ZERO_UUID ? topic : topicId;
    const group = byTopic.get(key);
    if (group === undefined) byTopic.set(key, { topic, topicId, partitions: [convert(item)] });
    else group.partitions.push(convert(item));
  }
  return [...byTopic.values()];
};

/** Who fetches: since version 15 with the broker epoch, in a tagged field (KIP-903). */
const identityOf = ({ replicaId, replicaEpoch }: FetchSettings, version: number) =>
  version >= 15 ? { replicaState: { replicaId, replicaEpoch: replicaEpoch() } } : { replicaId };
