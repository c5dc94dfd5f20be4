/**
 * What the leader of a group does for its members: it computes the assignment from their subscriptions, and watches the
 * partition counts it was made from. Join and sync around it are in group-member.ts.
 */
import type { apis, ResponseOutput } from '../protocol/apis.ts';
import type { Assignor, GroupMember as AssignorMember } from './assignors.ts';
import type { Cluster } from './cluster.ts';
import type { GroupCoordinator } from './group-coordinator.ts';
import { decodeSubscription, encodeAssignment } from './group-protocol.ts';

export type JoinResponse = ResponseOutput<typeof apis.joinGroup>;

export class GroupLeader {
  readonly #cluster: Cluster;
  readonly #coordinator: GroupCoordinator;
  /** The partition counts the assignment was made from; null while somebody else leads. */
  #assignedFrom: ReadonlyMap<string, number> | null = null;

  constructor(collaborators: { cluster: Cluster; coordinator: GroupCoordinator }) {
    this.#cluster = collaborators.cluster;
    this.#coordinator = collaborators.coordinator;
  }

  /** Decides for all; a static leader that came back only watches. */
  async assign(
    { members, skipAssignment }: JoinResponse,
    assignor: Assignor,
    deadlineMs: number,
  ): Promise<{ memberId: string; assignment: Buffer }[]> {
    const subscribers = members.map(
      ({ memberId, groupInstanceId, metadata }): AssignorMember => ({
        ...decodeSubscription(metadata),
        memberId,
        groupInstanceId,
      }),
    );
    const topics = new Set(subscribers.flatMap((member) => member.topics));
    this.#cluster.track(topics);
    if ([...topics].some((topic) => !this.#cluster.metadata.topics.has(topic))) {
      const what = 'fetching metadata of the topics of the group';
      await this.#coordinator.retrying(deadlineMs, what, () => this.#cluster.refresh());
    }
    const counts = new Map([...topics].map((topic) => [topic, this.#partitionCount(topic)]));
    this.#assignedFrom = counts;
    if (skipAssignment) return [];
    const existing = new Map([...counts].filter(([, count]) => count > 0));
    const assignment = assignor.assign(subscribers, existing);
    return [...assignment].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeAssignment(partitions),
    }));
  }

  /** Leads no more. */
  forget(): void {
    this.#assignedFrom = null;
  }

  /** A topic that has got more partitions, or has come or gone, since the assignment; null when there is none. */
  changedTopic(): string | null {
    for (const [topic, count] of this.#assignedFrom ?? [])
      if (this.#partitionCount(topic) !== count) return topic;
    return null;
  }

  #partitionCount(topic: string): number {
    return this.#cluster.metadata.topics.get(topic)?.partitions.length ?? 0;
  }
}
