/**
 * Who of a group reads what: range, roundrobin and cooperative-sticky (KIP-429), as the Java client's assignors do, without
 * regard to racks. Pure; only the leader of a group runs them, so ties may be decided otherwise than in Java.
 */
import type { Subscription } from './group-protocol.ts';
import { partitionKey, type TopicPartition } from './positions.ts';

export interface GroupMember extends Subscription {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export type Assignment = ReadonlyMap<string, readonly TopicPartition[]>;

export interface Assignor {
  readonly name: string;
  /** Members of a cooperative group keep reading what they keep. */
  readonly isCooperative: boolean;
  /** Goes with the subscription. */
  userData(generationId: number): Buffer | null;
  /** `partitionCounts`: of topics that exist. Every member gets an entry. */
  assign(members: readonly GroupMember[], partitionCounts: ReadonlyMap<string, number>): Assignment;
}

/** Static members first, by instance id, then the others by member id. */
const inOrder = (members: readonly GroupMember[]): GroupMember[] =>
  members.toSorted((a, b) => {
    if (a.groupInstanceId !== null && b.groupInstanceId !== null) {
      return a.groupInstanceId < b.groupInstanceId ? -1 : 1;
    }
    if (a.groupInstanceId !== null) return -1;
    if (b.groupInstanceId !== null) return 1;
    return a.memberId < b.memberId ? -1 : 1;
  });

const emptyAssignment = (members: readonly GroupMember[]): Map<string, TopicPartition[]> =>
  new Map(members.map(({ memberId }) => [memberId, []]));

const subscribedTopics = (members: readonly GroupMember[]): string[] =>
  [...new Set(members.flatMap(({ topics }) => topics))].sort();

/** Topic by topic, neighbouring partitions to the same member; the first members get one more. */
export const rangeAssignor: Assignor = {
  name: 'range',
  isCooperative: false,
  userData: () => null,
  assign(members, partitionCounts) {
    const assignment = emptyAssignment(members);
    for (const topic of subscribedTopics(members)) {
      const count = partitionCounts.get(topic) ?? 0;
      const subscribers = inOrder(members).filter(({ topics }) => topics.includes(topic));
      const share = Math.floor(count / subscribers.length);
      const extra = count % subscribers.length;
      let next = 0;
      for (const [index, { memberId }] of subscribers.entries()) {
        const end = next + share + (index < extra ? 1 : 0);
        for (; next < end; next++) assignment.get(memberId)?.push({ topic, partition: next });
      }
    }
    return assignment;
  },
};

/** All partitions of all topics dealt out in turn, passing over who is not subscribed. */
export const roundRobinAssignor: Assignor = {
  name: 'roundrobin',
  isCooperative: false,
  userData: () => null,
  assign(members, partitionCounts) {
    const assignment = emptyAssignment(members);
    const sorted = inOrder(members);
    let turn = 0;
    for (const topic of subscribedTopics(members)) {
      for (let partition = 0; partition < (partitionCounts.get(topic) ?? 0); partition++) {
        while (!sorted[turn % sorted.length]?.topics.includes(topic)) turn++;
        const { memberId } = sorted[turn++ % sorted.length] as GroupMember;
        assignment.get(memberId)?.push({ topic, partition });
      }
    }
    return assignment;
  },
};

/** Balanced, with as few moves as possible; what moves is given up by its owner before another one gets it. */
export const cooperativeStickyAssignor: Assignor = {
  name: 'cooperative-sticky',
  isCooperative: true,
  userData(generationId) {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(generationId);
    return bytes;
  },
  assign(members, partitionCounts) {
    const owners = validOwners(members, partitionCounts);
    const assignment = balance(members, partitionCounts, owners);
    for (const [memberId, partitions] of assignment) {
      const kept = partitions.filter((partition) => {
        const owner = owners.get(partitionKey(partition));
        return owner === undefined || owner === memberId;
      });
      assignment.set(memberId, kept);
    }
    return assignment;
  },
};

export const assignors: ReadonlyMap<string, Assignor> = new Map(
  [rangeAssignor, roundRobinAssignor, cooperativeStickyAssignor].map((assignor) => [
    assignor.name,
    assignor,
  ]),
);

/** Who owns what by the members' own word; of two the one with the younger generation, and nobody in a tie. */
const validOwners = (
  members: readonly GroupMember[],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, string> => {
  const claims = new Map<string, { owner: string | null; generationId: number }>();
  for (const member of members) {
    const generationId = generationOf(member);
    for (const partition of member.ownedPartitions) {
      const isThere = partition.partition < (partitionCounts.get(partition.topic) ?? 0);
      if (!isThere || !member.topics.includes(partition.topic)) continue;
      const key = partitionKey(partition);
      const claim = claims.get(key);
      if (claim === undefined || generationId > claim.generationId) {
        claims.set(key, { owner: member.memberId, generationId });
      } else if (generationId === claim.generationId) {
        claims.set(key, { owner: null, generationId });
      }
    }
  }
  const owners = new Map<string, string>();
  for (const [key, { owner }] of claims) if (owner !== null) owners.set(key, owner);
  return owners;
};

const generationOf = ({ generationId, userData }: GroupMember): number => {
  if (generationId >= 0) return generationId;
  return userData !== null && userData.length >= 4 ? userData.readInt32BE(userData.length - 4) : -1;
};

/** Owners keep what they have; the rest goes to the least loaded; then partitions move until no move evens loads out. */
const balance = (
  members: readonly GroupMember[],
  partitionCounts: ReadonlyMap<string, number>,
  owners: ReadonlyMap<string, string>,
): Map<string, readonly TopicPartition[]> => {
  const assignment = emptyAssignment(members);
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const load = ({ memberId }: GroupMember): number => assignment.get(memberId)?.length ?? 0;
  const leastLoaded = (topic: string): GroupMember | null => {
    let best: GroupMember | null = null;
    for (const member of sorted) {
      if (!member.topics.includes(topic)) continue;
      if (best === null || load(member) < load(best)) best = member;
    }
    return best;
  };
  const unassigned: TopicPartition[] = [];
  for (const topic of subscribedTopics(members)) {
    for (let partition = 0; partition < (partitionCounts.get(topic) ?? 0); partition++) {
      const owner = owners.get(partitionKey({ topic, partition }));
      if (owner === undefined) unassigned.push({ topic, partition });
      else assignment.get(owner)?.push({ topic, partition });
    }
  }
  // Topics that few can read come first, while those few still have room.
  const candidates = ({ topic }: TopicPartition): number =>
    members.filter(({ topics }) => topics.includes(topic)).length;
  const counts = new Map(unassigned.map((item) => [item.topic, candidates(item)]));
  unassigned.sort((a, b) => (counts.get(a.topic) ?? 0) - (counts.get(b.topic) ?? 0));
  for (const item of unassigned) {
    const member = leastLoaded(item.topic);
    if (member !== null) assignment.get(member.memberId)?.push(item);
  }
  evenOut(sorted, assignment, leastLoaded);
  return assignment;
};

/** Each move lowers the sum of the squared loads, so this ends. */
const evenOut = (
  members: readonly GroupMember[],
  assignment: ReadonlyMap<string, TopicPartition[]>,
  leastLoaded: (topic: string) => GroupMember | null,
): void => {
  const loads = (member: GroupMember): TopicPartition[] => assignment.get(member.memberId) ?? [];
  for (let hasMoved = true; hasMoved; ) {
    hasMoved = false;
    const byLoad = members.toSorted((a, b) => loads(b).length - loads(a).length);
    for (const member of byLoad) {
      const own = loads(member);
      for (let index = own.length - 1; index >= 0; index--) {
        const item = own[index] as TopicPartition;
        const taker = leastLoaded(item.topic);
        if (taker === null || loads(taker).length + 1 >= own.length) continue;
        own.splice(index, 1);
        loads(taker).push(item);
        hasMoved = true;
      }
    }
  }
};
