/**
 * The group coordinator of a broker: the groups of the partitions of __consumer_offsets that it
 * leads, one method per API. Decisions about members are the group machine's (group.ts and its
 * neighbours); here are ownership, loading, the order of checks and what is stored. Reproduces
 * Kafka's GroupCoordinator and GroupMetadataManager as ZooKeeper-mode brokers run them.
 */
import { errorCodes } from '../../protocol/errors.ts';
import { randomUuidText } from '../../system/random.ts';
import type { System } from '../../system/system.ts';
import type { CoordinatorLog } from '../coordinator-log.ts';
import {
  type DescribedGroup,
  describeGroup,
  type FetchedOffset,
  type FetchedTopic,
  fetchOffset,
  type ListedGroup,
  listGroup,
  undescribedGroup,
} from './answers.ts';
import { offsetCommitError } from './append-errors.ts';
import { Cleaner } from './cleaner.ts';
import { defaultGroupConfig, type GroupCoordinatorConfig } from './config.ts';
import { GroupRunner } from './group-runner.ts';
import { type JoinRequest, join } from './join.ts';
import {
  commitError,
  type GenerationIdentity,
  heartbeat,
  leave,
  type MemberIdentity,
} from './membership.ts';
import { GroupOffsets, type OffsetToCommit } from './offsets.ts';
import { Ownership } from './ownership.ts';
import { coordinatorPartition } from './partition-for.ts';
import type { GroupEntry, OwnedPartition } from './partition-groups.ts';
import { joinError, syncError } from './rebalance.ts';
import { offsetRecord } from './records.ts';
import type { JoinResult, SyncResult } from './results.ts';
import { type SyncRequest, sync } from './sync.ts';
import type { TopicPartition } from './topic-partitions.ts';

export type JoinInput = Omit<JoinRequest, 'ticket' | 'newMemberId'> & { readonly groupId: string };
export type SyncInput = Omit<SyncRequest, 'ticket'> & { readonly groupId: string };

export interface LeaveResult {
  readonly errorCode: number;
  /** In the order of the request; empty when the whole request is refused. */
  readonly members: readonly number[];
}

export interface CommitInput extends GenerationIdentity {
  readonly groupId: string;
  readonly offsets: readonly OffsetToCommit[];
}

export interface FetchedOffsets {
  readonly errorCode: number;
  readonly topics: readonly FetchedTopic[];
}

export interface DeletedOffsets {
  readonly errorCode: number;
  /** In the order of the request; empty when the whole request is refused. */
  readonly partitions: readonly number[];
}

export class GroupCoordinator {
  readonly #system: System;
  readonly #config: GroupCoordinatorConfig;
  readonly #runner: GroupRunner;
  readonly #cleaner: Cleaner;
  readonly #ownership: Ownership;
  #partitionCount: number;
  #isActive = false;

  constructor(system: System, log: CoordinatorLog, config: GroupCoordinatorConfig) {
    this.#system = system;
    this.#config = config;
    this.#partitionCount = config.partitionCount;
    this.#runner = new GroupRunner(system, log, config);
    this.#ownership = new Ownership(system, log, this.#runner, {
      sizeMax: config.groupSizeMax,
      initialRebalanceDelayMs: config.initialRebalanceDelayMs,
    });
    this.#cleaner = new Cleaner(system, this.#runner, config);
  }

  /**
   * Takes requests from now on. The count of partitions is that of the topic, where it exists, and
   * never changes.
   */
  start(partitionCount: number = this.#config.partitionCount): void {
    this.#partitionCount = partitionCount;
    this.#isActive = true;
    this.#cleaner.start(() => this.#ownership.entries());
  }

  /** Whoever still waits is told to look for another coordinator. */
  stop(): void {
    this.#isActive = false;
    this.#cleaner.stop();
    this.#ownership.giveUpAll();
    this.#runner.stop();
  }

  /** The longest metadata a committed offset may have, in UTF-16 units. */
  get offsetMetadataLengthMax(): number {
    return this.#config.offsetMetadataLengthMax;
  }

  partitionFor(groupId: string): number {
    return coordinatorPartition(groupId, this.#partitionCount);
  }

  /** This broker leads the partition now: its groups are loaded. */
  onElection(partition: number, leaderEpoch: number): void {
    this.#ownership.takeOver(partition, leaderEpoch);
  }

  /** It leads it no longer; a null epoch (the replica is deleted) always counts. */
  onResignation(partition: number, leaderEpoch: number | null): void {
    this.#ownership.giveUp(partition, leaderEpoch);
  }

  /** Deleted partitions lose their offsets in all groups. */
  onPartitionsDeleted(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return;
    for (const entry of this.#ownership.entries()) void this.#cleaner.remove(entry, partitions);
  }

  async join(input: JoinInput): Promise<JoinResult> {
    const { groupId, memberId, sessionTimeoutMs } = input;
    const owner = this.#ownerOf(groupId);
    if (typeof owner === 'number') return joinError(memberId, owner);
    const { sessionTimeoutMsMin, sessionTimeoutMsMax } = this.#config;
    if (sessionTimeoutMs < sessionTimeoutMsMin || sessionTimeoutMs > sessionTimeoutMsMax)
      return joinError(memberId, errorCodes.INVALID_SESSION_TIMEOUT);
    const entry =
      owner.groups.get(groupId) ??
      (memberId === '' ? this.#ownership.addGroup(owner, groupId) : undefined);
    if (entry === undefined) return joinError(memberId, errorCodes.UNKNOWN_MEMBER_ID);
    const prefix = input.groupInstanceId ?? input.clientId;
    const newMemberId = `${prefix}-${randomUuidText(this.#system.random)}`;
    // The bytes are part of the request's frame, which must not be kept as long as the member.
    const protocols = input.protocols.map(({ name, metadata }) => ({
      name,
      metadata: Buffer.from(metadata),
    }));
    return this.#runner.runJoin(entry, (ticket, step) =>
      join(entry.group, { ...input, protocols, ticket, newMemberId }, step),
    );
  }

  async sync(input: SyncInput): Promise<SyncResult> {
    const owner = this.#ownerOf(input.groupId);
    // Clients take a loading coordinator for a fatal error here; joining again leads to the same
    // end.
    if (owner === errorCodes.COORDINATOR_LOAD_IN_PROGRESS)
      return syncError(errorCodes.REBALANCE_IN_PROGRESS);
    if (typeof owner === 'number') return syncError(owner);
    const entry = owner.groups.get(input.groupId);
    if (entry === undefined) return syncError(errorCodes.UNKNOWN_MEMBER_ID);
    const assignments = new Map(
      Array.from(input.assignments, ([memberId, bytes]) => [memberId, Buffer.from(bytes)]),
    );
    return this.#runner.runSync(entry, (ticket, step) =>
      sync(entry.group, { ...input, assignments, ticket }, step),
    );
  }

  heartbeat(groupId: string, identity: GenerationIdentity): number {
    const owner = this.#ownerOf(groupId);
    // The member is as alive as before the coordinator moved.
    if (owner === errorCodes.COORDINATOR_LOAD_IN_PROGRESS) return errorCodes.NONE;
    if (typeof owner === 'number') return owner;
    const entry = owner.groups.get(groupId);
    if (entry === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
    return this.#runner.run(entry, (step) => heartbeat(entry.group, identity, step));
  }

  leave(groupId: string, members: readonly MemberIdentity[]): LeaveResult {
    const owner = this.#ownerOf(groupId);
    if (typeof owner === 'number') return { errorCode: owner, members: [] };
    const entry = owner.groups.get(groupId);
    if (entry === undefined) {
      const unknown = members.map(() => errorCodes.UNKNOWN_MEMBER_ID);
      return { errorCode: errorCodes.NONE, members: unknown };
    }
    if (entry.group.state === 'Dead')
      return { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, members: [] };
    const codes = this.#runner.run(entry, (step) => leave(entry.group, members, step));
    return { errorCode: errorCodes.NONE, members: codes };
  }

  /** Stores offsets; the codes are in the order of the request. */
  async commitOffsets(input: CommitInput): Promise<readonly number[]> {
    const { groupId, offsets } = input;
    const owner = this.#ownerOf(groupId, { acceptsEmptyId: true });
    if (typeof owner === 'number') return offsets.map(() => owner);
    let entry = owner.groups.get(groupId);
    if (entry === undefined && input.generationId >= 0)
      return offsets.map(() => errorCodes.ILLEGAL_GENERATION);
    entry ??= this.#ownership.addGroup(owner, groupId);
    const { group } = entry;
    const refusal = this.#runner.run(entry, (step) =>
      commitError(group, input, { isTransactional: false }, step),
    );
    if (refusal !== errorCodes.NONE) return offsets.map(() => refusal);
    return this.#storeOffsets(entry, offsets);
  }

  async #storeOffsets(
    entry: GroupEntry,
    offsets: readonly OffsetToCommit[],
  ): Promise<readonly number[]> {
    const lengthMax = this.#config.offsetMetadataLengthMax;
    const isTooLong = ({ commit }: OffsetToCommit): boolean => commit.metadata.length > lengthMax;
    const accepted = offsets.filter((offset) => !isTooLong(offset));
    let errorCode: number = errorCodes.NONE;
    if (accepted.length > 0) {
      const { groupId } = entry.group;
      entry.offsets.prepare(accepted);
      const append = this.#runner.append(
        entry.owner,
        accepted.map((offset) => offsetRecord(groupId, offset)),
        { baseSequence: 0 },
      );
      errorCode = offsetCommitError(await append.errorCode);
      if (errorCode === errorCodes.NONE) entry.offsets.complete(accepted, append.order);
      else entry.offsets.fail(accepted);
    }
    return offsets.map((offset) =>
      isTooLong(offset) ? errorCodes.OFFSET_METADATA_TOO_LARGE : errorCode,
    );
  }

  /** Null topics: all that have a committed offset. */
  fetchOffsets(
    groupId: string,
    topics:
      | readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[]
      | null,
    options: { readonly requireStable: boolean },
  ): FetchedOffsets {
    const owner = this.#ownerOf(groupId, { acceptsEmptyId: true });
    if (typeof owner === 'number') return { errorCode: owner, topics: [] };
    const offsets = owner.groups.get(groupId)?.offsets ?? new GroupOffsets();
    const fetch = (name: string, partitions: Iterable<number>): FetchedTopic => ({
      name,
      partitions: Array.from(
        partitions,
        (partition): FetchedOffset =>
          fetchOffset(offsets, { topic: name, partition }, options.requireStable),
      ),
    });
    return {
      errorCode: errorCodes.NONE,
      topics:
        topics === null
          ? Array.from(offsets.topics(), (name) => fetch(name, offsets.partitions(name)))
          : topics.map(({ name, partitionIndexes }) => fetch(name, partitionIndexes)),
    };
  }

  /** Forgets offsets of topics that nobody in the group reads (KIP-496). */
  async deleteOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<DeletedOffsets> {
    const owner = this.#ownerOf(groupId);
    if (typeof owner === 'number') return { errorCode: owner, partitions: [] };
    const entry = owner.groups.get(groupId);
    if (entry === undefined || entry.group.state === 'Dead')
      return { errorCode: errorCodes.GROUP_ID_NOT_FOUND, partitions: [] };
    const { group } = entry;
    if (group.state !== 'Empty' && !group.isConsumerGroup)
      return { errorCode: errorCodes.NON_EMPTY_GROUP, partitions: [] };
    const isInUse = ({ topic }: TopicPartition): boolean =>
      group.state !== 'Empty' && (group.subscribedTopics?.has(topic) ?? true);
    // Decided before anything is removed: the group ends with its last offset.
    const codes = partitions.map((at) =>
      isInUse(at) ? errorCodes.GROUP_SUBSCRIBED_TO_TOPIC : errorCodes.NONE,
    );
    await this.#cleaner.remove(
      entry,
      partitions.filter((_, index) => codes[index] === errorCodes.NONE),
    );
    return { errorCode: errorCodes.NONE, partitions: codes };
  }

  /** Deletes a group without members, with its offsets. */
  async deleteGroup(groupId: string): Promise<number> {
    const owner = this.#ownerOf(groupId, { acceptsEmptyId: true });
    if (typeof owner === 'number') return owner;
    const entry = owner.groups.get(groupId);
    if (entry === undefined || entry.group.state === 'Dead') return errorCodes.GROUP_ID_NOT_FOUND;
    if (entry.group.state !== 'Empty') return errorCodes.NON_EMPTY_GROUP;
    await this.#cleaner.removeGroup(entry);
    return errorCodes.NONE;
  }

  /** A group that does not exist is described as dead. */
  describe(groupId: string): DescribedGroup {
    const owner = this.#ownerOf(groupId, { acceptsEmptyId: true });
    if (typeof owner === 'number') return undescribedGroup(groupId, owner, '');
    const entry = owner.groups.get(groupId);
    return entry === undefined
      ? undescribedGroup(groupId, errorCodes.NONE, 'Dead')
      : describeGroup(entry.group);
  }

  /** The groups of this broker; while some are being loaded, those that are there and an error. */
  list(): { readonly errorCode: number; readonly groups: readonly ListedGroup[] } {
    if (!this.#isActive) return { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, groups: [] };
    const { isLoading } = this.#ownership;
    return {
      errorCode: isLoading ? errorCodes.COORDINATOR_LOAD_IN_PROGRESS : errorCodes.NONE,
      groups: Array.from(this.#ownership.entries(), ({ group }) => listGroup(group)),
    };
  }

  /** The loaded partition that the group belongs to, or why requests for it are refused here. */
  #ownerOf(
    groupId: string,
    options: { readonly acceptsEmptyId: boolean } = { acceptsEmptyId: false },
  ): OwnedPartition | number {
    if (groupId === '' && !options.acceptsEmptyId) return errorCodes.INVALID_GROUP_ID;
    if (!this.#isActive) return errorCodes.COORDINATOR_NOT_AVAILABLE;
    const owner = this.#ownership.get(this.partitionFor(groupId));
    if (owner === undefined) return errorCodes.NOT_COORDINATOR;
    return owner.isLoading ? errorCodes.COORDINATOR_LOAD_IN_PROGRESS : owner;
  }
}

/** The group coordinator of a broker; it answers COORDINATOR_NOT_AVAILABLE until it is started. */
export const createGroupCoordinator = (
  system: System,
  log: CoordinatorLog,
  config: Partial<GroupCoordinatorConfig> = {},
): GroupCoordinator => new GroupCoordinator(system, log, { ...defaultGroupConfig, ...config });
