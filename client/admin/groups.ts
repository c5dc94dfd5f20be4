/** The admin client on consumer groups: list, describe, delete; read, set and remove their committed offsets. */
import { apis } from '../../protocol/apis.ts';
import { groupBy } from '../../system/group-by.ts';
import { throwIfError } from '../errors.ts';
import { type GroupCoordinator, NO_MEMBERSHIP } from '../group-coordinator.ts';
import { decodeAssignment, PROTOCOL_TYPE } from '../group-protocol.ts';
import type { CommittedOffset, TopicPartition } from '../positions.ts';
import { type AdminContext, type CallOptions, type Outcome, outcomeOf } from './context.ts';

export interface GroupListing {
  readonly groupId: string;
  readonly protocolType: string;
  /** '' when the broker does not tell. */
  readonly state: string;
  readonly type: string;
}

export interface GroupDescription {
  readonly groupId: string;
  readonly state: string;
  readonly protocolType: string;
  /** The assignor that was agreed on. */
  readonly protocol: string;
  readonly coordinatorId: number;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    readonly partitions: readonly TopicPartition[];
  }[];
}

export interface ListGroupsOptions extends CallOptions {
  readonly states?: readonly string[];
  readonly types?: readonly string[];
}

export const groupCalls = (context: AdminContext) => ({
  /** Groups of all brokers; those of a broker that cannot be asked are missing from no answer: it throws. */
  listGroups: (options: ListGroupsOptions = {}) => listGroups(context, options),
  /** A group that does not exist is described as Dead. */
  describeGroups: (groupIds: readonly string[], options: CallOptions = {}) =>
    Promise.all(groupIds.map((groupId) => describeGroup(context, groupId, options))),
  deleteGroups: (groupIds: readonly string[], options: CallOptions = {}) =>
    Promise.all(groupIds.map((groupId) => deleteGroup(context, groupId, options))),
  /** Of these partitions, or of all that have one. */
  listGroupOffsets: (
    groupId: string,
    partitions: readonly TopicPartition[] | null = null,
    options: CallOptions = {},
  ): Promise<CommittedOffset[]> =>
    context.onCoordinator(groupId, options, (coordinator, deadlineMs) =>
      coordinator.committed(partitions, deadlineMs),
    ),
  /** The group must have no members. */
  alterGroupOffsets: (
    groupId: string,
    offsets: readonly CommittedOffset[],
    options: CallOptions = {},
  ): Promise<void> =>
    context.onCoordinator(groupId, options, (coordinator, deadlineMs) =>
      coordinator.commit(offsets, NO_MEMBERSHIP, deadlineMs),
    ),
  deleteGroupOffsets: (
    groupId: string,
    partitions: readonly TopicPartition[],
    options: CallOptions = {},
  ) =>
    context.onCoordinator(groupId, options, (coordinator, deadlineMs) =>
      deleteOffsets(coordinator, partitions, deadlineMs),
    ),
});

const listGroups = (context: AdminContext, options: ListGroupsOptions): Promise<GroupListing[]> =>
  context.attempt('listing groups', options, async () => {
    const { states = [], types = [] } = options;
    const groups = new Map<string, GroupListing>();
    for (const brokerId of context.cluster.metadata.brokers.keys()) {
      const response = await context.cluster.sendAs(brokerId, apis.listGroups, (version) => ({
        ...(version >= 4 ? { statesFilter: states } : {}),
        ...(version >= 5 ? { typesFilter: types } : {}),
      }));
      throwIfError(response.errorCode);
      for (const { groupId, protocolType, groupState: state, groupType: type } of response.groups) {
        groups.set(groupId, { groupId, protocolType, state, type });
      }
    }
    return [...groups.values()];
  });

const describeGroup = (
  context: AdminContext,
  groupId: string,
  options: CallOptions,
): Promise<GroupDescription> =>
  context.onCoordinator(groupId, options, async (coordinator, deadlineMs) => {
    const key = await coordinator.find(deadlineMs);
    const body = { groups: [groupId] };
    const response = await coordinator.send(apis.describeGroups, body, { deadlineMs });
    const [group] = response.groups;
    coordinator.check(group?.errorCode ?? 0);
    return {
      groupId,
      state: group?.groupState ?? 'Dead',
      protocolType: group?.protocolType ?? '',
      protocol: group?.protocolData ?? '',
      coordinatorId: Number(String(key).replace(/^coordinator-/, '')),
      members: (group?.members ?? []).map(({ memberMetadata: _, memberAssignment, ...member }) => ({
        ...member,
        partitions:
          group?.protocolType === PROTOCOL_TYPE && memberAssignment.length >= 2
            ? decodeAssignment(memberAssignment)
            : [],
      })),
    };
  });

const deleteGroup = (
  context: AdminContext,
  groupId: string,
  options: CallOptions,
): Promise<Outcome & { groupId: string }> =>
  context.onCoordinator(groupId, options, async (coordinator, deadlineMs) => {
    const body = { groupsNames: [groupId] };
    const response = await coordinator.send(apis.deleteGroups, body, { deadlineMs });
    const errorCode = response.results[0]?.errorCode ?? 0;
    const error = outcomeOf(errorCode);
    if (error?.isRetriable) coordinator.check(errorCode);
    return { groupId, error };
  });

const deleteOffsets = async (
  coordinator: GroupCoordinator,
  partitions: readonly TopicPartition[],
  deadlineMs: number,
): Promise<(TopicPartition & Outcome)[]> => {
  const topics = [...groupBy(partitions, ({ topic }) => topic)].map(([name, group]) => ({
    name,
    partitions: group.map(({ partition }) => ({ partitionIndex: partition })),
  }));
  const body = { groupId: coordinator.groupId, topics };
  const response = await coordinator.send(apis.offsetDelete, body, { deadlineMs });
  coordinator.check(response.errorCode);
  return response.topics.flatMap(({ name: topic, partitions: entries }) =>
    entries.map(({ partitionIndex: partition, errorCode }) => {
      return { topic, partition, error: outcomeOf(errorCode) };
    }),
  );
};
