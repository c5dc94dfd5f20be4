/**
 * What __consumer_offsets holds: records of groups and of committed offsets, each key and value
 * behind its version, a null value being a tombstone. Writes the versions of inter-broker protocol
 * 2.3 and above, reads all (KIP-211, KIP-320, KIP-345).
 */
import { decode, encodeToBuffer } from '../../protocol/compile.ts';
import {
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
} from '../../protocol/messages/group-log.ts';
import type { Encodable, Message } from '../../protocol/schema.ts';
import type { CommittedOffset, OffsetToCommit } from './offsets.ts';
import type { GroupSnapshot } from './snapshot.ts';
import type { TopicPartition } from './topic-partitions.ts';

export interface CoordinatorRecord {
  readonly key: Buffer;
  /** Null: a tombstone. */
  readonly value: Buffer | null;
}

export type RecordKey =
  | { readonly type: 'group'; readonly groupId: string }
  | ({ readonly type: 'offset'; readonly groupId: string } & TopicPartition)
  /** Written by a newer broker; of no concern to us. */
  | { readonly type: 'unknown'; readonly version: number };

const OFFSET_KEY_VERSION = 1;
const GROUP_KEY_VERSION = 2;
const OFFSET_VALUE_VERSION = 3;
/** The one version that can say when an offset expires. */
const EXPIRING_OFFSET_VALUE_VERSION = 1;
const GROUP_VALUE_VERSION = 3;
const VERSION_BYTES = 2;

export const groupRecord = (groupId: string, snapshot: GroupSnapshot): CoordinatorRecord => ({
  key: versioned(groupMetadataKey, GROUP_KEY_VERSION, { group: groupId }),
  value: versioned(groupMetadataValue, GROUP_VALUE_VERSION, snapshot),
});

export const groupTombstone = (groupId: string): CoordinatorRecord => ({
  key: versioned(groupMetadataKey, GROUP_KEY_VERSION, { group: groupId }),
  value: null,
});

export const offsetRecord = (groupId: string, offset: OffsetToCommit): CoordinatorRecord => {
  const { commit } = offset;
  const hasExpiry = commit.expireTimestampMs !== -1;
  return {
    key: offsetKey(groupId, offset),
    value: versioned(
      offsetCommitValue,
      hasExpiry ? EXPIRING_OFFSET_VALUE_VERSION : OFFSET_VALUE_VERSION,
      {
        offset: commit.offset,
        leaderEpoch: commit.leaderEpoch,
        metadata: commit.metadata,
        commitTimestamp: commit.commitTimestampMs,
        expireTimestamp: commit.expireTimestampMs,
      },
    ),
  };
};

export const offsetTombstone = (groupId: string, at: TopicPartition): CoordinatorRecord => ({
  key: offsetKey(groupId, at),
  value: null,
});

const offsetKey = (groupId: string, { topic, partition }: TopicPartition): Buffer =>
  versioned(offsetCommitKey, OFFSET_KEY_VERSION, { group: groupId, topic, partition });

const versioned = <M extends Message>(
  definition: M,
  version: number,
  value: Encodable<M>,
): Buffer => {
  const prefix = Buffer.alloc(VERSION_BYTES);
  prefix.writeInt16BE(version);
  return Buffer.concat([prefix, encodeToBuffer(definition, version, value)]);
};

/** Throws DecodeError or RangeError on bytes that are no key. */
export const parseKey = (key: Buffer): RecordKey => {
  const version = key.readInt16BE(0);
  if (version === 0 || version === OFFSET_KEY_VERSION) {
    const { group, topic, partition } = decode(offsetCommitKey, version, key, VERSION_BYTES);
    return { type: 'offset', groupId: group, topic, partition };
  }
  if (version !== GROUP_KEY_VERSION) return { type: 'unknown', version };
  const { group } = decode(groupMetadataKey, version, key, VERSION_BYTES);
  return { type: 'group', groupId: group };
};

/** Throws DecodeError or RangeError on bytes that are no such value, or of an unknown version. */
export const parseOffsetValue = (value: Buffer): CommittedOffset => {
  const version = versionOf(value, offsetCommitValue);
  const fields = decode(offsetCommitValue, version, value, VERSION_BYTES);
  return {
    offset: fields.offset,
    leaderEpoch: fields.leaderEpoch,
    metadata: fields.metadata,
    commitTimestampMs: fields.commitTimestamp,
    expireTimestampMs: fields.expireTimestamp,
  };
};

/** Like `parseOffsetValue`. The bytes of members are copied out of `value`. */
export const parseGroupValue = (value: Buffer): GroupSnapshot => {
  const version = versionOf(value, groupMetadataValue);
  const fields = decode(groupMetadataValue, version, value, VERSION_BYTES);
  return {
    ...fields,
    members: fields.members.map((member) => ({
      ...member,
      subscription: Buffer.from(member.subscription),
      assignment: Buffer.from(member.assignment),
    })),
  };
};

const versionOf = (value: Buffer, definition: Message): number => {
  const version = value.readInt16BE(0);
  if (version < definition.versions.min || version > definition.versions.max)
    throw new RangeError(`unknown version ${version} of ${definition.name}`);
  return version;
};
