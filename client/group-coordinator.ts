/**
 * The way to a group's coordinator: finds it, finds it again when it has moved, and commits and reads offsets there.
 * Membership is in group-member.ts.
 */
import type { ChannelKey } from '../network/broker-pool.ts';
import type { SendOptions } from '../network/request-channel.ts';
import { type Api, apis, type RequestInput, type ResponseOutput } from '../protocol/apis.ts';
import { errorCodes } from '../protocol/errors.ts';
import { groupBy } from '../system/group-by.ts';
import type { System } from '../system/system.ts';
import type { Cluster } from './cluster.ts';
import { CommitFailed, isRetriable, ProtocolError, protocolError } from './errors.ts';
import type { CommittedOffset, TopicPartition } from './positions.ts';
import { retrying } from './retry.ts';

/** Who commits: a member of a generation, or somebody outside the group's membership. */
export interface Membership {
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export const NO_MEMBERSHIP: Membership = { generationId: -1, memberId: '', groupInstanceId: null };

/** After these the coordinator is somewhere else, or has to be asked for again. */
const LOST: ReadonlySet<number> = new Set([
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
  errorCodes.REQUEST_TIMED_OUT,
]);

export class GroupCoordinator {
  readonly groupId: string;
  readonly #system: System;
  readonly #cluster: Cluster;
  #key: ChannelKey | null = null;
  #finding: Promise<ChannelKey> | null = null;

  constructor(system: System, cluster: Cluster, groupId: string) {
    this.#system = system;
    this.#cluster = cluster;
    this.groupId = groupId;
  }

  get isKnown(): boolean {
    return this.#key !== null;
  }

  forget(): void {
    this.#key = null;
  }

  /** Looks the coordinator up until it is found. */
  async find(deadlineMs: number): Promise<ChannelKey> {
    const what = `looking for the coordinator of group ${this.groupId}`;
    // One try is for all who look; how long they go on is their own affair.
    return this.retrying(deadlineMs, what, async () => {
      if (this.#key !== null) return this.#key;
      this.#finding ??= this.#lookUp(deadlineMs).finally(() => {
        this.#finding = null;
      });
      return this.#finding;
    });
  }

  /** Sends to the coordinator as known; a lost connection or an answer that it is not the one makes it unknown. */
  async send<A extends Api>(
    api: A,
    body: RequestInput<A>,
    options: SendOptions & { readonly deadlineMs: number },
  ): Promise<ResponseOutput<A>> {
    const key = await this.find(options.deadlineMs);
    try {
      return await this.#cluster.send(key, api, body, options);
    } catch (error) {
      if (isRetriable(error)) this.forget();
      throw error;
    }
  }

  /** Notes what a response says about the coordinator itself; throws for any code but 0. */
  check(errorCode: number, detail?: string | null): void {
    if (errorCode === 0) return;
    if (LOST.has(errorCode)) this.forget();
    throw protocolError(errorCode, detail);
  }

  /** One try. Throws `CommitFailed` when the group has gone on without this member. */
  async commit(
    offsets: readonly CommittedOffset[],
    membership: Membership,
    deadlineMs: number,
  ): Promise<void> {
    if (offsets.length === 0) return;
    const { generationId, memberId, groupInstanceId } = membership;
    const topics = [...groupBy(offsets, ({ topic }) => topic)].map(([name, group]) => ({
      name,
      partitions: group.map(({ partition, offset, leaderEpoch = -1, metadata = '' }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch,
        committedMetadata: metadata,
      })),
    }));
    const body = {
      groupId: this.groupId,
      generationIdOrMemberEpoch: generationId,
      memberId,
      ...(groupInstanceId === null ? {} : { groupInstanceId }),
      topics,
    };
    const response = await this.send(apis.offsetCommit, body, { deadlineMs });
    for (const { partitions } of response.topics) {
      for (const { errorCode } of partitions) this.#checkCommit(errorCode);
    }
  }

  /** Offsets of those partitions that have one; waits for pending transactions to end. */
  async committed(
    partitions: readonly TopicPartition[] | null,
    deadlineMs: number,
  ): Promise<CommittedOffset[]> {
    return this.retrying(deadlineMs, 'reading committed offsets', async () => {
      const found: CommittedOffset[] = [];
      for (const { name: topic, partitions: entries } of await this.#fetchOffsets(
        partitions,
        deadlineMs,
      )) {
        for (const { partitionIndex: partition, errorCode, ...place } of entries) {
          this.check(errorCode);
          const { committedOffset: offset, committedLeaderEpoch: leaderEpoch, metadata } = place;
          if (offset < 0) continue;
          found.push({ topic, partition, offset, leaderEpoch, metadata: metadata ?? '' });
        }
      }
      return found;
    });
  }

  retrying<T>(deadlineMs: number, what: string, attempt: () => Promise<T>): Promise<T> {
    return retrying(this.#system, { ...this.#cluster.backoff, deadlineMs, what }, attempt);
  }

  async #lookUp(deadlineMs: number): Promise<ChannelKey> {
    const { key } = await this.#cluster.findCoordinator('group', this.groupId, deadlineMs);
    // A coordinator that does not answer is looked up again: it may have moved.
    await this.#cluster.pool.channel(key);
    this.#key = key;
    return key;
  }

  async #fetchOffsets(partitions: readonly TopicPartition[] | null, deadlineMs: number) {
    const { groupId } = this;
    const topics =
      partitions === null
        ? null
        : [...groupBy(partitions, ({ topic }) => topic)].map(([name, group]) => ({
            name,
            partitionIndexes: group.map(({ partition }) => partition),
          }));
    const key = await this.find(deadlineMs);
    const channel = await this.#cluster.pool.channel(key);
    const version = channel.version(apis.offsetFetch);
    const requireStable = version >= 7 ? { requireStable: true } : {};
    const body =
      version >= 8
        ? { groups: [{ groupId, topics }], ...requireStable }
        : { groupId, topics, ...requireStable };
    const response = await this.send(apis.offsetFetch, body, { version, deadlineMs });
    const answer = version >= 8 ? response.groups[0] : response;
    this.check(answer?.errorCode ?? 0);
    return answer?.topics ?? [];
  }

  #checkCommit(errorCode: number): void {
    const isGone =
      errorCode === errorCodes.UNKNOWN_MEMBER_ID || errorCode === errorCodes.ILLEGAL_GENERATION;
    if (!isGone) return this.check(errorCode);
    const message = 'the group has given the partitions to others; offsets were not committed';
    throw new CommitFailed(message, { cause: new ProtocolError(errorCode) });
  }
}
