/**
 * What this broker holds of one partition of __consumer_offsets that it leads: its groups, and the
 * loading of them. An `OwnedPartition` stands for one term of leadership; whoever waited checks
 * that it is still the current one.
 */
import { batches } from '../../protocol/batches.ts';
import type { Timer } from '../../system/clock.ts';
import type { System } from '../../system/system.ts';
import type { CoordinatorLog } from '../coordinator-log.ts';
import type { Deadline } from '../deadlines.ts';
import { CONSUMER_OFFSETS } from '../internal-topics.ts';
import type { Group } from './group.ts';
import type { GroupOffsets } from './offsets.ts';
import { Replay } from './replay.ts';

export interface GroupEntry {
  readonly group: Group;
  readonly offsets: GroupOffsets;
  readonly owner: OwnedPartition;
  /** Wakes the group up; null when nothing is to come. */
  deadline: Deadline | null;
  /** The elapsed time `deadline` stands for. */
  armedMs: number;
}

export interface OwnedPartition {
  readonly partition: number;
  isLoading: boolean;
  /** Until a load that failed is tried again. */
  reload: Timer | null;
  readonly groups: Map<string, GroupEntry>;
  /**
   * The place of the next append among all appends; above the offset of every record that was
   * loaded.
   */
  nextOrder: number;
}

export const newOwnedPartition = (partition: number): OwnedPartition => ({
  partition,
  isLoading: true,
  reload: null,
  groups: new Map(),
  nextOrder: 0,
});

export const newGroupEntry = (
  owner: OwnedPartition,
  group: Group,
  offsets: GroupOffsets,
): GroupEntry => {
  const entry: GroupEntry = {
    group,
    offsets,
    owner,
    deadline: null,
    armedMs: Number.POSITIVE_INFINITY,
  };
  owner.groups.set(group.groupId, entry);
  return entry;
};

/** So many records are replayed before other events get their turn. */
const SLICE_RECORDS = 1_000;

/** Reads the partition through; null when `isCurrent` turned false on the way. */
export const readPartition = async (
  system: System,
  log: CoordinatorLog,
  partition: number,
  isCurrent: () => boolean,
): Promise<Replay | null> => {
  const replay = new Replay();
  let sliceEnd = SLICE_RECORDS;
  for await (const buffer of log.read(CONSUMER_OFFSETS, partition)) {
    for (const batch of batches(buffer)) {
      replay.add(batch);
      if (replay.recordCount < sliceEnd) continue;
      sliceEnd = replay.recordCount + SLICE_RECORDS;
      await new Promise<void>((resolve) => system.clock.defer(resolve));
      if (!isCurrent()) return null;
    }
    if (!isCurrent()) return null;
  }
  return isCurrent() ? replay : null;
};
