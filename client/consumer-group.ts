/**
 * A consumer's side of its group: what it has subscribed to, the rebalances in between two polls, commits. The protocol is
 * in group-member.ts, positions are in positions.ts; this file decides when partitions are taken up and given up.
 */

import { errorCodes } from '../protocol/errors.ts';
import type { System } from '../system/system.ts';
import { assignors } from './assignors.ts';
import type { Cluster } from './cluster.ts';
import type { ConsumerSettings, RebalanceListener } from './consumer-options.ts';
import {
  ClientClosed,
  CommitFailed,
  ConfigError,
  isRetriable,
  ProtocolError,
  protocolError,
} from './errors.ts';
import { type GroupCoordinator, type Membership, NO_MEMBERSHIP } from './group-coordinator.ts';
import { GroupMember, type JoinOutcome } from './group-member.ts';
import {
  type CommittedOffset,
  type Positions,
  partitionKey,
  type TopicPartition,
} from './positions.ts';

type Wishes = { readonly topics: readonly string[] } | { readonly pattern: RegExp };

export class ConsumerGroup {
  readonly #system: System;
  readonly #cluster: Cluster;
  readonly #positions: Positions;
  readonly #coordinator: GroupCoordinator;
  readonly #member: GroupMember;
  readonly #settings: ConsumerSettings;
  /** Wakes a poll that waits. */
  readonly #notify: () => void;
  /** What was subscribed to; null with partitions chosen by hand. */
  #wishes: Wishes | null = null;
  #listener: RebalanceListener = {};
  #joining: Promise<JoinOutcome | null> | null = null;
  /** `#joining` has ended; the next poll takes its outcome. */
  #isJoinOver = false;
  /** The topics that matched the pattern when last looked at. */
  #matched: string | null = null;
  #nextAutoCommitMs = 0;
  #autoCommitting: Promise<void> | null = null;
  #isClosed = false;

  constructor(
    system: System,
    collaborators: {
      cluster: Cluster;
      positions: Positions;
      coordinator: GroupCoordinator;
      notify: () => void;
    },
    settings: ConsumerSettings,
  ) {
    this.#system = system;
    this.#cluster = collaborators.cluster;
    this.#positions = collaborators.positions;
    this.#coordinator = collaborators.coordinator;
    this.#notify = collaborators.notify;
    this.#settings = settings;
    this.#member = this.#createMember();
    this.#cluster.onUpdate.add(() => this.#followPattern());
  }

  get isSubscribed(): boolean {
    return this.#wishes !== null;
  }

  subscribe(topics: readonly string[] | RegExp, listener: RebalanceListener): void {
    this.#listener = listener;
    this.#wishes = topics instanceof RegExp ? { pattern: topics } : { topics: [...topics] };
    this.#matched = null;
    this.#cluster.trackOnly(topics instanceof RegExp ? 'all' : topics);
    if (topics instanceof RegExp) this.#cluster.refreshLater();
    this.#member.requestRejoin('the subscription has changed');
  }

  /** Gives all partitions back and leaves the group. */
  async unsubscribe(reason: string, timeoutMs: number): Promise<void> {
    if (this.#wishes === null) return;
    await this.#giveUp(this.#member.membership === null ? 'lost' : 'revoked');
    await this.#member.leave(reason, timeoutMs);
    this.#wishes = null;
    this.#joining = null;
    this.#isJoinOver = false;
  }

  /** Says goodbye as far as `timeoutMs` allow: commits, gives partitions back, leaves. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    if (this.#wishes !== null) return this.unsubscribe('the consumer is being closed', timeoutMs);
    if (!this.#isAutoCommit || this.#positions.size === 0) return;
    await this.commitOnce(this.#positions.consumed(), this.#cluster.deadline(timeoutMs));
  }

  /** Stops heartbeats and joins that are under way. */
  stop(): void {
    this.#isClosed = true;
    this.#member.close();
  }

  polled(): void {
    this.#member.polled();
  }

  /** The topics subscribed to; of a pattern, those that match now. */
  topics(): string[] {
    if (this.#wishes === null) return [];
    if ('topics' in this.#wishes) return [...this.#wishes.topics];
    const { pattern } = this.#wishes;
    const { excludeInternalTopics } = this.#settings;
    return [...this.#cluster.metadata.topics.values()]
      .filter(({ errorCode }) => errorCode === 0)
      .filter(({ isInternal }) => !isInternal || !excludeInternalTopics)
      .map(({ name }) => name)
      .filter((name) => pattern.exec(name)?.[0] === name)
      .sort();
  }

  #createMember(): GroupMember {
    const settings = this.#settings;
    if (settings.heartbeatIntervalMs >= settings.sessionTimeoutMs) {
      throw new ConfigError('heartbeat.interval.ms must be below session.timeout.ms');
    }
    const chosen = settings.partitionAssignors.map((wanted) => {
      const assignor = typeof wanted === 'string' ? assignors.get(wanted) : wanted;
      if (assignor === undefined) throw new ConfigError(`no assignor is called ${wanted}`);
      return assignor;
    });
    const collaborators = { cluster: this.#cluster, coordinator: this.#coordinator };
    const member = new GroupMember(this.#system, collaborators, {
      ...settings,
      groupInstanceId: settings.groupInstanceId ?? null,
      assignors: chosen,
    });
    member.onChange = () => this.#notify();
    return member;
  }

  /** Whether `ensureMember` has something to do at once. */
  get isJoinOver(): boolean {
    return this.#isJoinOver;
  }

  /** False while joining, which goes on in the background; `notify` tells when it is over. */
  async ensureMember(): Promise<boolean> {
    const member = this.#member;
    const { failure } = member;
    member.failure = null;
    if (failure !== null) throw failure;
    while (member.needsRejoin || this.#joining !== null) {
      if (this.#joining === null) {
        await this.#prepareJoin(member);
        this.#startJoin(member);
      }
      if (this.#isClosed) throw new ClientClosed('the consumer is closed');
      if (!this.#isJoinOver) return false;
      const joining = this.#joining;
      this.#joining = null;
      this.#isJoinOver = false;
      const outcome = await joining;
      if (outcome !== null) await this.#completeJoin(member, outcome);
    }
    return true;
  }

  #startJoin(member: GroupMember): void {
    const joining = this.#join(member);
    this.#joining = joining;
    this.#isJoinOver = false;
    // Whoever polls next is told of a failure; nobody may be waiting now.
    joining
      .catch(() => {})
      .finally(() => {
        if (this.#joining === joining) this.#isJoinOver = true;
        this.#notify();
      });
  }

  #join(member: GroupMember): Promise<JoinOutcome | null> {
    return member.join(async (isLost) => {
      if (this.#wishes !== null && 'pattern' in this.#wishes) await this.#cluster.refresh();
      const isKeeping = member.isCooperative && !isLost;
      const ownedPartitions = isKeeping ? this.#positions.partitions() : [];
      return { topics: this.topics(), ownedPartitions };
    });
  }

  /** Before a rebalance: commit, and give up what is not kept during it. */
  async #prepareJoin(member: GroupMember): Promise<void> {
    if (this.#positions.size === 0) return;
    const isLost = member.membership === null;
    if (!isLost && member.isCooperative) {
      const topics = new Set(this.topics());
      const gone = this.#positions.partitions().filter(({ topic }) => !topics.has(topic));
      if (gone.length > 0) await this.#revoke(gone);
      return;
    }
    await this.#giveUp(isLost ? 'lost' : 'revoked');
  }

  /** Everything goes back to the group, or has gone already. */
  async #giveUp(how: 'revoked' | 'lost'): Promise<void> {
    const partitions = this.#positions.partitions();
    if (partitions.length === 0) return;
    if (how === 'revoked') return this.#revoke(partitions);
    this.#positions.assign([]);
    const { lost, revoked } = this.#listener;
    if (lost !== undefined) await this.#listener.lost?.(partitions);
    else if (revoked !== undefined) await this.#listener.revoked?.(partitions);
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    for (const partition of partitions) {
      const position = this.#positions.get(partition);
      if (position !== undefined) position.isRevoking = true;
    }
    await this.#commitBeforeRevoking();
    await this.#listener.revoked?.(partitions);
    const gone = new Set(partitions.map(partitionKey));
    this.#positions.assign(
      this.#positions.partitions().filter((item) => !gone.has(partitionKey(item))),
    );
  }

  async #commitBeforeRevoking(): Promise<void> {
    if (!this.#isAutoCommit) return;
    const { maxPollIntervalMs, defaultApiTimeoutMs } = this.#settings;
    const deadlineMs = this.#cluster.deadline(Math.min(maxPollIntervalMs, defaultApiTimeoutMs));
    const offsets = this.#positions.consumed();
    try {
      await this.#coordinator.retrying(deadlineMs, 'committing offsets', () =>
        this.commitOnce(offsets, deadlineMs),
      );
    } catch (error) {
      this.#system.logger.warn({ err: error }, 'offsets could not be committed before a rebalance');
    }
  }

  async #completeJoin(member: GroupMember, outcome: JoinOutcome): Promise<void> {
    const { partitions, assignor } = outcome;
    // Nothing is committed for what others may have read further in.
    if (outcome.isLost) await this.#giveUp('lost');
    const wanted = new Set(partitions.map(partitionKey));
    const owned = new Set(this.#positions.partitions().map(partitionKey));
    if (member.isCooperative && assignor.isCooperative) {
      const gone = this.#positions.partitions().filter((item) => !wanted.has(partitionKey(item)));
      if (gone.length > 0) {
        await this.#revoke(gone);
        // What we gave up is handed to its new owner in another round.
        member.requestRejoin('need to revoke partitions and re-join');
      }
    }
    this.#positions.assign(partitions);
    this.#cluster.track(new Set(partitions.map(({ topic }) => topic)));
    const nowMs = this.#system.clock.elapsedMs();
    this.#nextAutoCommitMs = nowMs + this.#settings.autoCommitIntervalMs;
    const added = partitions.filter((item) => !owned.has(partitionKey(item)));
    await this.#listener.assigned?.(added);
  }

  #followPattern(): void {
    if (this.#wishes === null || !('pattern' in this.#wishes)) return;
    const known = this.#matched;
    this.#matched = this.topics().join();
    if (known === this.#matched || known === null) return;
    this.#member.requestRejoin('the topics that match the subscription have changed');
    this.#notify();
  }

  async commitOnce(offsets: readonly CommittedOffset[], deadlineMs: number): Promise<void> {
    try {
      await this.#coordinator.commit(offsets, this.#membership(), deadlineMs);
    } catch (error) {
      if (error instanceof CommitFailed) this.#member.lost();
      if (error instanceof ProtocolError && error.code === errorCodes.REBALANCE_IN_PROGRESS) {
        this.#member.requestRejoin('group is already rebalancing');
      }
      throw error;
    }
  }

  /** Whoever has subscribed commits as a member or not at all. */
  #membership(): Membership {
    if (this.#wishes === null) return NO_MEMBERSHIP;
    const { membership } = this.#member;
    if (membership !== null) return membership;
    if (this.#joining !== null) throw protocolError(errorCodes.REBALANCE_IN_PROGRESS);
    throw new CommitFailed('the consumer is not a member of its group');
  }

  autoCommit(): void {
    const nowMs = this.#system.clock.elapsedMs();
    if (!this.#isAutoCommit || this.#autoCommitting !== null) return;
    if (this.#nextAutoCommitMs === 0) {
      this.#nextAutoCommitMs = nowMs + this.#settings.autoCommitIntervalMs;
    }
    if (nowMs < this.#nextAutoCommitMs || (this.#wishes !== null && !this.#member.isStable)) return;
    this.#nextAutoCommitMs = nowMs + this.#settings.autoCommitIntervalMs;
    const deadlineMs = this.#cluster.deadline(this.#settings.requestTimeoutMs);
    this.#autoCommitting = this.commitOnce(this.#positions.consumed(), deadlineMs)
      .catch((error: unknown) => {
        this.#system.logger.warn({ err: error }, 'offsets could not be committed');
        if (isRetriable(error)) {
          this.#nextAutoCommitMs =
            this.#system.clock.elapsedMs() + this.#cluster.options.retryBackoffMs;
        }
      })
      .finally(() => {
        this.#autoCommitting = null;
      });
  }

  get #isAutoCommit(): boolean {
    return this.#settings.enableAutoCommit ?? true;
  }
}
