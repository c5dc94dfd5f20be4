/**
 * Finds a position where a consumer has none: the committed offset, else one end of the log; and checks a position against
 * the history of a new leader before it is fetched from there (KIP-320). One run at a time, in the background if need be.
 */
import { apis } from '../protocol/apis.ts';
import { errorCodes, errorOf } from '../protocol/errors.ts';
import { groupBy } from '../system/group-by.ts';
import type { Cluster } from './cluster.ts';
import { LogTruncated, NoOffset, protocolError } from './errors.ts';
import { EARLIEST, LATEST, listSomeOffsets } from './list-offsets.ts';
import type {
  CommittedOffset,
  PartitionPosition,
  Positions,
  ResetTo,
  TopicPartition,
} from './positions.ts';

export interface FinderOptions {
  readonly resetTo: ResetTo | null;
  readonly isReadCommitted: boolean;
  /** Null without a group. */
  readonly fetchCommitted:
    | ((partitions: readonly TopicPartition[], deadlineMs: number) => Promise<CommittedOffset[]>)
    | null;
}

/** Older ones do not tell the epoch they answer for. */
const CHECK_VERSION_MIN = 3;

export class PositionFinder {
  readonly #cluster: Cluster;
  readonly #positions: Positions;
  readonly #options: FinderOptions;

  constructor(collaborators: { cluster: Cluster; positions: Positions }, options: FinderOptions) {
    this.#cluster = collaborators.cluster;
    this.#positions = collaborators.positions;
    this.#options = options;
  }

  /** Whether `find` would have anything to do. */
  get isNeeded(): boolean {
    for (const position of this.#positions.all()) {
      if (position.offset === null || this.#needsCheck(position)) return true;
    }
    return false;
  }

  /** Gives every partition a position that its leader agrees with. Throws `NoOffset`, `LogTruncated`, `TimeoutError`. */
  async find(deadlineMs: number): Promise<void> {
    await this.#applyCommitted(deadlineMs);
    // A leader that is missing keeps nobody from the others.
    await this.#applyResets();
    await this.#check();
    const left = this.#select(({ resetTo }) => resetTo !== null);
    if (left.length > 0) throw protocolError(errorCodes.LEADER_NOT_AVAILABLE);
  }

  async #applyCommitted(deadlineMs: number): Promise<void> {
    const wanted = this.#select(({ offset, resetTo }) => offset === null && resetTo === null);
    if (wanted.length === 0) return;
    const { fetchCommitted, resetTo } = this.#options;
    const committed = fetchCommitted === null ? [] : await fetchCommitted(wanted, deadlineMs);
    for (const position of wanted) {
      if (!this.#positions.has(position) || position.offset !== null) continue;
      const { topic, partition } = position;
      const found = committed.find(
        (offset) => offset.topic === topic && offset.partition === partition,
      );
      if (found !== undefined) position.seek(found.offset, found.leaderEpoch);
      else if (resetTo !== null) position.reset(resetTo);
      else throw new NoOffset(`no committed offset for ${topic}-${partition}`);
    }
  }

  async #applyResets(): Promise<void> {
    const wanted = this.#select(({ resetTo }) => resetTo !== null);
    if (wanted.length === 0) return;
    const versions = wanted.map(({ version }) => version);
    const queries = wanted.map(({ topic, partition, resetTo }) => ({
      topic,
      partition,
      timestamp: resetTo === 'earliest' ? EARLIEST : LATEST,
    }));
    const { isReadCommitted } = this.#options;
    const found = await listSomeOffsets(this.#cluster, queries, { isReadCommitted });
    for (const { topic, partition, offset, leaderEpoch } of found) {
      const position = this.#positions.get({ topic, partition });
      const index = position === undefined ? -1 : wanted.indexOf(position);
      if (position?.version === versions[index]) position?.seek(offset, leaderEpoch);
    }
  }

  /** A leader we have not read from before is asked where our last epoch ends in its log. */
  async #check(): Promise<void> {
    const wanted = this.#select((position) => this.#needsCheck(position));
    const byLeader = groupBy(wanted, ({ topic, partition }) => {
      return this.#cluster.leader(topic, partition)?.leaderId ?? -1;
    });
    await Promise.all(
      [...byLeader].map(([leader, group]) => (leader < 0 ? null : this.#checkAt(leader, group))),
    );
  }

  async #checkAt(leader: number, group: readonly PartitionPosition[]): Promise<void> {
    const unknown: PartitionPosition[] = [];
    for (const position of group) {
      // Without an epoch there is nothing to compare.
      if (position.leaderEpoch < 0 || position.offset === 0) this.#accept(position);
      else unknown.push(position);
    }
    if (unknown.length === 0) return;
    const channel = await this.#cluster.pool.channel(leader);
    const version = channel.version(apis.offsetForLeaderEpoch);
    if (version < CHECK_VERSION_MIN) {
      for (const position of unknown) this.#accept(position);
      return;
    }
    const topics = [...groupBy(unknown, ({ topic }) => topic)].map(([topic, positions]) => ({
      topic,
      partitions: positions.map(({ partition, leaderEpoch }) => ({
        partition,
        leaderEpoch,
        currentLeaderEpoch: this.#cluster.leader(topic, partition)?.leaderEpoch ?? -1,
      })),
    }));
    const body = { replicaId: -1, topics };
    const asked = new Map(unknown.map((position) => [position, { ...position }]));
    const response = await channel.send(apis.offsetForLeaderEpoch, body, { version });
    for (const { topic, partitions } of response.topics) {
      for (const { partition, errorCode, leaderEpoch, endOffset } of partitions) {
        const position = this.#positions.get({ topic, partition });
        const before = position === undefined ? undefined : asked.get(position);
        if (position === undefined || before === undefined) continue;
        // A seek, or records taken meanwhile: the answer is about another place.
        if (position.version !== before.version || position.offset !== before.offset) continue;
        if (errorCode === 0) this.#compare(position, leaderEpoch, endOffset);
        else this.#checkFailed(position, errorCode);
      }
    }
  }

  #checkFailed(position: PartitionPosition, errorCode: number): void {
    const { isRetriable, name } = errorOf(errorCode);
    if (!isRetriable && errorCode !== errorCodes.UNKNOWN_SERVER_ERROR) {
      throw protocolError(errorCode, `${position.topic}-${position.partition}: ${name}`);
    }
    this.#cluster.refreshLater();
  }

  #compare(position: PartitionPosition, leaderEpoch: number, endOffset: number): void {
    const { topic, partition, offset } = position;
    if (offset === null) return;
    const isUnknown = leaderEpoch < 0 || endOffset < 0;
    if (!isUnknown && endOffset >= offset) return this.#accept(position);
    const { resetTo } = this.#options;
    if (resetTo === null) {
      throw new LogTruncated(`${topic}-${partition} was cut below the position ${offset}`);
    }
    if (isUnknown) position.reset(resetTo);
    else position.seek(endOffset, leaderEpoch);
  }

  #accept(position: PartitionPosition): void {
    const leader = this.#cluster.leader(position.topic, position.partition);
    if (leader !== null) position.checkedEpoch = leader.leaderEpoch;
  }

  #needsCheck(position: PartitionPosition): boolean {
    if (position.offset === null) return false;
    const leader = this.#cluster.leader(position.topic, position.partition);
    return leader !== null && leader.leaderEpoch !== position.checkedEpoch;
  }

  #select(condition: (position: PartitionPosition) => boolean): PartitionPosition[] {
    return [...this.#positions.all()].filter(condition);
  }
}
