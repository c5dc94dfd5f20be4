/**
 * A group of the classic protocol as plain state: members, generation, leader, deadlines, and the
 * small operations that keep them consistent. Pure. What requests and timers do to a group is in
 * join.ts, sync.ts, membership.ts and rebalance.ts; they change it within one step and leave what
 * is to be done outside as commands. Reproduces Kafka's GroupMetadata.
 */
import { assert } from '../../system/assert.ts';
import type { JoinedMember } from './results.ts';
import type { GroupSnapshot } from './snapshot.ts';
import { subscribedTopicsIn } from './subscription.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

/** One assignment protocol a member offers; the metadata is opaque and compared byte for byte. */
export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface Member {
  /** Changes only when a static member is replaced. */
  memberId: string;
  /** group.instance.id; null for a dynamic member (KIP-345). */
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly protocolType: string;
  /** In the order of the member's preference. */
  protocols: readonly GroupProtocol[];
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  assignment: Buffer;
  /** Names the parked JoinGroup or SyncGroup request; null when none waits. */
  joinTicket: number | null;
  syncTicket: number | null;
  /**
   * Added by a JoinGroup that is not answered yet: it does not know its id and cannot send
   * heartbeats.
   */
  isNew: boolean;
  /** Elapsed time at which the member is taken for dead; Infinity: not watched. */
  sessionDeadlineMs: number;
}

export interface GroupLimits {
  readonly sizeMax: number;
  readonly initialRebalanceDelayMs: number;
}

/**
 * How long members are gathered: a first rebalance waits for more to come, later ones for those
 * that are known.
 */
export type JoinPhase =
  | {
      readonly type: 'initial';
      readonly deadlineMs: number;
      readonly delayMs: number;
      /** How much longer the phase may be extended. */
      readonly remainingMs: number;
    }
  | { readonly type: 'gather'; readonly deadlineMs: number };

const PREDECESSORS: { readonly [S in GroupState]: readonly GroupState[] } = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'],
};

/** The one protocol type whose metadata brokers look into. */
const CONSUMER_PROTOCOL_TYPE = 'consumer';

export const NO_ASSIGNMENT: Buffer = Buffer.alloc(0);

export class Group {
  readonly groupId: string;
  readonly limits: GroupLimits;
  state: GroupState = 'Empty';
  /** When the state was entered; null where an old record does not say. */
  stateSinceMs: number | null;
  protocolType: string | null = null;
  protocolName: string | null = null;
  generationId = 0;
  leaderId: string | null = null;
  /** What the members consume; null when that is not known. */
  subscribedTopics: ReadonlySet<string> | null = null;
  readonly members = new Map<string, Member>();
  /**
   * Ids that were handed out with MEMBER_ID_REQUIRED and have not joined yet, with their deadlines.
   */
  readonly pendingMembers = new Map<string, number>();
  /** Members that have not sent SyncGroup for this generation yet. */
  readonly pendingSyncs = new Set<string>();
  /** Count of members with a parked JoinGroup. */
  joiningCount = 0;
  /** A member was added while the very first rebalance gathers; extends it. */
  hasNewMember = false;
  joinPhase: JoinPhase | null = null;
  syncDeadlineMs = Number.POSITIVE_INFINITY;
  /** No deadline of the group lies before it. */
  wakeUpMs = Number.POSITIVE_INFINITY;
  readonly #instances = new Map<string, string>();
  /** How many members offer a protocol. */
  readonly #offers = new Map<string, number>();

  constructor(groupId: string, limits: GroupLimits, nowMs: number | null) {
    this.groupId = groupId;
    this.limits = limits;
    this.stateSinceMs = nowMs;
  }

  get canRebalance(): boolean {
    return PREDECESSORS.PreparingRebalance.includes(this.state);
  }

  /** The longest any member may take to rejoin. */
  get rebalanceTimeoutMs(): number {
    let timeoutMs = 0;
    for (const member of this.members.values())
      timeoutMs = Math.max(timeoutMs, member.rebalanceTimeoutMs);
    return timeoutMs;
  }

  transitionTo(state: GroupState, nowMs: number): void {
    assert(PREDECESSORS[state].includes(this.state), `a group goes from ${this.state} to ${state}`);
    this.state = state;
    this.stateSinceMs = nowMs;
    if (state !== 'PreparingRebalance') this.joinPhase = null;
    if (state !== 'Dead') return;
    this.syncDeadlineMs = Number.POSITIVE_INFINITY;
    this.wakeUpMs = Number.POSITIVE_INFINITY;
  }

  /** Notes a deadline, so that the group is looked at then. */
  wakeAt(deadlineMs: number): number {
    if (deadlineMs < this.wakeUpMs) this.wakeUpMs = deadlineMs;
    return deadlineMs;
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId;
  }

  memberIdOf(groupInstanceId: string): string | undefined {
    return this.#instances.get(groupInstanceId);
  }

  add(member: Member): void {
    assert(!this.members.has(member.memberId), 'a member is added once');
    if (this.members.size === 0) this.protocolType = member.protocolType;
    assert(this.protocolType === member.protocolType, 'members share their protocol type');
    this.leaderId ??= member.memberId;
    this.members.set(member.memberId, member);
    if (member.groupInstanceId !== null)
      this.#instances.set(member.groupInstanceId, member.memberId);
    this.#countOffers(member, 1);
    if (member.joinTicket !== null) this.joiningCount++;
    this.pendingMembers.delete(member.memberId);
  }

  /** Takes a member out; another one leads when it was the leader. */
  remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member !== undefined) {
      this.members.delete(memberId);
      this.#countOffers(member, -1);
      if (member.joinTicket !== null) this.joiningCount--;
      if (member.groupInstanceId !== null) this.#instances.delete(member.groupInstanceId);
      this.pendingSyncs.delete(memberId);
    }
    if (this.isLeader(memberId)) this.leaderId = this.members.keys().next().value ?? null;
  }

  /** Gives a static member its new id; leadership follows. */
  rename(member: Member, memberId: string): void {
    assert(member.groupInstanceId !== null, 'only static members are replaced');
    const oldMemberId = member.memberId;
    this.members.delete(oldMemberId);
    member.memberId = memberId;
    this.members.set(memberId, member);
    this.#instances.set(member.groupInstanceId, memberId);
    if (this.isLeader(oldMemberId)) this.leaderId = memberId;
    if (this.pendingSyncs.delete(oldMemberId)) this.pendingSyncs.add(memberId);
  }

  setProtocols(member: Member, protocols: readonly GroupProtocol[]): void {
    this.#countOffers(member, -1);
    member.protocols = protocols;
    this.#countOffers(member, 1);
  }

  setJoinTicket(member: Member, ticket: number | null): void {
    this.joiningCount += Number(ticket !== null) - Number(member.joinTicket !== null);
    member.joinTicket = ticket;
  }

  /** Whether a member with these protocols could work with all that are there. */
  supports(protocolType: string, protocols: readonly GroupProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0;
    if (protocolType !== this.protocolType) return false;
    return protocols.some(({ name }) => (this.#offers.get(name) ?? 0) === this.members.size);
  }

  /** The protocol most members prefer among those that all of them offer. */
  selectProtocol(): string {
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const choice = member.protocols.find(
        ({ name }) => this.#offers.get(name) === this.members.size,
      );
      assert(choice !== undefined, 'members of a group share a protocol');
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
    }
    let selected: string | undefined;
    for (const [name, count] of votes) {
      if (selected === undefined || count > (votes.get(selected) ?? 0)) selected = name;
    }
    assert(selected !== undefined, 'only a group with members selects a protocol');
    return selected;
  }

  /** Starts the next generation with the members that are there. */
  nextGeneration(nowMs: number): void {
    assert(this.state === 'PreparingRebalance', 'a generation follows a rebalance');
    this.generationId++;
    this.hasNewMember = false;
    this.pendingSyncs.clear();
    const isEmpty = this.members.size === 0;
    this.protocolName = isEmpty ? null : this.selectProtocol();
    this.refreshSubscribedTopics();
    this.transitionTo(isEmpty ? 'Empty' : 'CompletingRebalance', nowMs);
  }

  get isConsumerGroup(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  refreshSubscribedTopics(): void {
    const members = [...this.members.values()];
    const isKnown = this.isConsumerGroup && (members.length === 0 || this.protocolName !== null);
    this.subscribedTopics = isKnown
      ? subscribedTopicsIn(members.map((member) => this.metadataOf(member)))
      : null;
  }

  /** The metadata a member gave for the protocol in use. */
  metadataOf(member: Member): Buffer {
    return (
      member.protocols.find(({ name }) => name === this.protocolName)?.metadata ?? NO_ASSIGNMENT
    );
  }

  joinedMembers(): JoinedMember[] {
    return Array.from(this.members.values(), (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: this.metadataOf(member),
    }));
  }

  /** The group as it is stored; `assignment` stands in for what the members hold now. */
  snapshot(assignment?: ReadonlyMap<string, Buffer>): GroupSnapshot {
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generationId,
      protocol: this.protocolName,
      leader: this.leaderId,
      currentStateTimestamp: this.stateSinceMs ?? -1,
      members: Array.from(this.members.values(), (member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: this.metadataOf(member),
        assignment: assignment?.get(member.memberId) ?? member.assignment,
      })),
    };
  }

  #countOffers(member: Member, change: 1 | -1): void {
    for (const name of new Set(member.protocols.map((protocol) => protocol.name))) {
      const count = (this.#offers.get(name) ?? 0) + change;
      if (count === 0) this.#offers.delete(name);
      else this.#offers.set(name, count);
    }
  }
}

/**
 * A group as its record says: with members it is taken for stable, whatever it was when the broker
 * stopped.
 */
export const restoreGroup = (
  groupId: string,
  limits: GroupLimits,
  snapshot: GroupSnapshot,
): Group => {
  const { currentStateTimestamp } = snapshot;
  const group = new Group(
    groupId,
    limits,
    currentStateTimestamp === -1 ? null : currentStateTimestamp,
  );
  group.state = snapshot.members.length === 0 ? 'Empty' : 'Stable';
  group.generationId = snapshot.generation;
  group.protocolType = snapshot.protocolType === '' ? null : snapshot.protocolType;
  group.protocolName = snapshot.protocol;
  group.leaderId = snapshot.leader;
  for (const member of snapshot.members) {
    group.add({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      protocolType: snapshot.protocolType,
      protocols: [{ name: snapshot.protocol ?? '', metadata: member.subscription }],
      rebalanceTimeoutMs:
        member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      assignment: member.assignment,
      joinTicket: null,
      syncTicket: null,
      isNew: false,
      sessionDeadlineMs: Number.POSITIVE_INFINITY,
    });
  }
  group.refreshSubscribedTopics();
  return group;
};
