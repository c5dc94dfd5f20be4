/** One consumer group for client tests, in memory: joins are answered when all members have joined. */
import type { apis, ResponseOf } from '../../protocol/apis.ts';
import type { Handlers } from '../network/fake-broker.ts';

type JoinResponse = ResponseOf<typeof apis.joinGroup>;
type SyncResponse = ResponseOf<typeof apis.syncGroup>;

interface Member {
  protocols: readonly { readonly name: string; readonly metadata: Buffer }[];
  joining: ((response: JoinResponse) => void) | null;
  syncing: ((response: SyncResponse) => void) | null;
}

export interface FakeGroup {
  readonly members: Map<string, Member>;
  readonly offsets: Map<string, number>;
  readonly generationId: number;
  /** Of each JoinGroup, why. */
  readonly reasons: (string | null)[];
  readonly handlers: Handlers;
  /** Forgets all members, as after a session timeout. */
  evictAll(): void;
}

export const createFakeGroup = (port: () => number): FakeGroup => {
  const members = new Map<string, Member>();
  const offsets = new Map<string, number>();
  const reasons: (string | null)[] = [];
  let generationId = 0;
  let isRebalancing = false;
  let assignments: Map<string, Buffer> | null = null;
  let nextId = 1;
  /** Ids that were given out and still count. */
  const known = new Set<string>();
  const check = (memberId: string, generation: number): number => {
    if (!members.has(memberId)) return 25;
    return generation === generationId ? 0 : 22;
  };
  const completeJoins = (): void => {
    const entries = [...members];
    if (entries.some(([, { joining }]) => joining === null)) return;
    generationId++;
    isRebalancing = false;
    assignments = null;
    const leader = entries[0]?.[0] ?? '';
    const names = entries[0]?.[1].protocols.map(({ name }) => name) ?? [];
    const protocolName =
      names.find((name) =>
        entries.every(([, member]) => member.protocols.some((item) => item.name === name)),
      ) ?? '';
    const all = entries.map(([memberId, { protocols }]) => ({
      memberId,
      metadata: protocols.find(({ name }) => name === protocolName)?.metadata as Buffer,
    }));
    for (const [memberId, member] of entries) {
      member.joining?.({
        errorCode: 0,
        generationId,
        protocolType: 'consumer',
        protocolName,
        leader,
        memberId,
        members: memberId === leader ? all : [],
      });
      member.joining = null;
    }
  };
  const handlers: Handlers = {
    findCoordinator: ({ coordinatorKeys }) => {
      const place = { nodeId: 0, host: '127.0.0.1', port: port(), errorCode: 0 };
      return {
        coordinators: coordinatorKeys.map((key) => ({ ...place, key, errorMessage: null })),
      };
    },
    joinGroup: ({ memberId, protocols, reason }) => {
      reasons.push(reason);
      const none = { generationId: -1, protocolName: '', leader: '', members: [] };
      if (memberId === '') {
        const given = `member-${nextId++}`;
        known.add(given);
        return { ...none, errorCode: 79, memberId: given };
      }
      if (!known.has(memberId)) return { ...none, errorCode: 25, memberId };
      return new Promise<JoinResponse>((resolve) => {
        isRebalancing = true;
        members.set(memberId, { protocols, joining: resolve, syncing: null });
        completeJoins();
      });
    },
    syncGroup: ({ memberId, generationId: generation, assignments: given }) => {
      const errorCode = isRebalancing ? 27 : check(memberId, generation);
      if (errorCode !== 0) return { errorCode, assignment: Buffer.alloc(0) };
      if (given.length > 0) {
        assignments = new Map(given.map((item) => [item.memberId, Buffer.from(item.assignment)]));
      }
      return new Promise<SyncResponse>((resolve) => {
        (members.get(memberId) as Member).syncing = resolve;
        if (assignments === null) return;
        for (const [id, member] of members) {
          member.syncing?.({ errorCode: 0, assignment: assignments.get(id) ?? Buffer.alloc(0) });
          member.syncing = null;
        }
      });
    },
    heartbeat: ({ memberId, generationId: generation }) => ({
      errorCode: check(memberId, generation) || (isRebalancing ? 27 : 0),
    }),
    leaveGroup: ({ members: leaving }) => {
      for (const { memberId } of leaving) {
        const member = members.get(memberId);
        members.delete(memberId);
        known.delete(memberId);
        const none = { generationId: -1, protocolName: '', leader: '', members: [] };
        member?.joining?.({ ...none, errorCode: 25, memberId });
        member?.syncing?.({ errorCode: 25, assignment: Buffer.alloc(0) });
      }
      isRebalancing = members.size > 0;
      return {
        errorCode: 0,
        members: leaving.map((member) => ({ ...member, errorCode: 0 })),
      };
    },
    offsetCommit: ({ memberId, generationIdOrMemberEpoch, topics }) => {
      const errorCode = memberId === '' ? 0 : check(memberId, generationIdOrMemberEpoch);
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, committedOffset }) => {
            if (errorCode === 0) offsets.set(`${name}-${partitionIndex}`, committedOffset);
            return { partitionIndex, errorCode };
          }),
        })),
      };
    },
    offsetFetch: ({ groups }) => ({
      groups: groups.map(({ groupId, topics }) => ({
        groupId,
        topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({
            partitionIndex,
            committedOffset: offsets.get(`${name}-${partitionIndex}`) ?? -1,
            metadata: '',
            errorCode: 0,
          })),
        })),
      })),
    }),
  };
  return {
    members,
    offsets,
    reasons,
    handlers,
    get generationId() {
      return generationId;
    },
    evictAll: () => {
      members.clear();
      known.clear();
    },
  };
};
