/**
 * How groups and committed offsets look in the answers of DescribeGroups, ListGroups and
 * OffsetFetch. Pure.
 */
import { errorCodes } from '../../protocol/errors.ts';
import { type Group, type GroupState, NO_ASSIGNMENT } from './group.ts';
import type { GroupOffsets } from './offsets.ts';
import type { TopicPartition } from './topic-partitions.ts';

export interface DescribedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly memberMetadata: Buffer;
  readonly memberAssignment: Buffer;
}

export interface DescribedGroup {
  readonly errorCode: number;
  readonly groupId: string;
  readonly groupState: GroupState | '';
  readonly protocolType: string;
  readonly protocolData: string;
  readonly members: readonly DescribedMember[];
}

export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly groupState: GroupState;
  readonly groupType: 'classic';
}

export interface FetchedOffset {
  readonly partitionIndex: number;
  /** -1: none. */
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly metadata: string;
  readonly errorCode: number;
}

export interface FetchedTopic {
  readonly name: string;
  readonly partitions: readonly FetchedOffset[];
}

export const undescribedGroup = (
  groupId: string,
  errorCode: number,
  groupState: 'Dead' | '',
): DescribedGroup => ({
  errorCode,
  groupId,
  groupState,
  protocolType: '',
  protocolData: '',
  members: [],
});

/** Metadata and assignments are shown only while they are in force. */
export const describeGroup = (group: Group): DescribedGroup => {
  const isStable = group.state === 'Stable';
  return {
    errorCode: errorCodes.NONE,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: Array.from(group.members.values(), (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? group.metadataOf(member) : NO_ASSIGNMENT,
      memberAssignment: isStable ? member.assignment : NO_ASSIGNMENT,
    })),
  };
};

export const listGroup = (group: Group): ListedGroup => ({
  groupId: group.groupId,
  protocolType: group.protocolType ?? '',
  groupState: group.state,
  groupType: 'classic',
});

/** With `requireStable` an offset that a commit is about to replace is not given out (KIP-447). */
export const fetchOffset = (
  offsets: GroupOffsets,
  at: TopicPartition,
  requireStable: boolean,
): FetchedOffset => {
  const isUnstable = requireStable && offsets.isUnstable(at.topic, at.partition);
  const commit = isUnstable ? undefined : offsets.get(at.topic, at.partition);
  return {
    partitionIndex: at.partition,
    committedOffset: commit?.offset ?? -1,
    committedLeaderEpoch: commit?.leaderEpoch ?? -1,
    metadata: commit?.metadata ?? '',
    errorCode: isUnstable ? errorCodes.UNSTABLE_OFFSET_COMMIT : errorCodes.NONE,
  };
};
