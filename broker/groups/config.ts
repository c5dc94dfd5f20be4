/** The settings of the group coordinator. They cannot change at run time. */
import { type Codec, codecs } from '../../protocol/compression.ts';

export interface GroupCoordinatorConfig {
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
  readonly initialRebalanceDelayMs: number;
  readonly groupSizeMax: number;
  /** Counts UTF-16 units, although the setting speaks of bytes. */
  readonly offsetMetadataLengthMax: number;
  readonly offsetsRetentionMs: number;
  readonly retentionCheckIntervalMs: number;
  readonly commitTimeoutMs: number;
  /** Of __consumer_offsets, as long as the topic does not exist. */
  readonly partitionCount: number;
  readonly compression: Codec;
}

export const defaultGroupConfig: GroupCoordinatorConfig = {
  sessionTimeoutMsMin: 6_000,
  sessionTimeoutMsMax: 1_800_000,
  initialRebalanceDelayMs: 3_000,
  groupSizeMax: 2 ** 31 - 1,
  offsetMetadataLengthMax: 4_096,
  offsetsRetentionMs: 7 * 24 * 3_600_000,
  retentionCheckIntervalMs: 600_000,
  commitTimeoutMs: 5_000,
  partitionCount: 50,
  compression: 'none',
};

const MINUTE_MS = 60_000;

/** The settings from a broker's configuration, given how to look a number up under Kafka's name. */
export const groupConfig = (number: (name: string) => number): GroupCoordinatorConfig => ({
  sessionTimeoutMsMin: number('group.min.session.timeout.ms'),
  sessionTimeoutMsMax: number('group.max.session.timeout.ms'),
  initialRebalanceDelayMs: number('group.initial.rebalance.delay.ms'),
  groupSizeMax: number('group.max.size'),
  offsetMetadataLengthMax: number('offset.metadata.max.bytes'),
  offsetsRetentionMs: number('offsets.retention.minutes') * MINUTE_MS,
  retentionCheckIntervalMs: number('offsets.retention.check.interval.ms'),
  commitTimeoutMs: number('offsets.commit.timeout.ms'),
  partitionCount: number('offsets.topic.num.partitions'),
  compression: codecs[number('offsets.topic.compression.codec')] ?? 'none',
});
