/**
 * Which partitions of __consumer_offsets this broker coordinates: taken over and loaded when it
 * becomes their leader, given up when another one does. Leadership changes take effect at once;
 * loading goes on partition after partition behind them.
 */
import { createSerial, type Serial } from '../../system/serial.ts';
import type { System } from '../../system/system.ts';
import type { CoordinatorLog } from '../coordinator-log.ts';
import { Group, type GroupLimits, restoreGroup } from './group.ts';
import type { GroupRunner } from './group-runner.ts';
import { unload } from './membership.ts';
import { GroupOffsets } from './offsets.ts';
import {
  type GroupEntry,
  newGroupEntry,
  newOwnedPartition,
  type OwnedPartition,
  readPartition,
} from './partition-groups.ts';
import { armSession, maybePrepareRebalance } from './rebalance.ts';
import type { Replay } from './replay.ts';
import type { GroupSnapshot } from './snapshot.ts';

/** A failed load is tried again after a pause that doubles, with jitter, up to the limit. */
const RELOAD_PAUSE_MS = 100;
const RELOAD_PAUSE_MS_MAX = 10_000;

export class Ownership {
  readonly #system: System;
  readonly #log: CoordinatorLog;
  readonly #runner: GroupRunner;
  readonly #limits: GroupLimits;
  readonly #loads: Serial = createSerial();
  readonly #owned = new Map<number, OwnedPartition>();
  /** The last leader epoch heard of, by partition: word of earlier ones comes too late. */
  readonly #epochs = new Map<number, number>();

  constructor(system: System, log: CoordinatorLog, runner: GroupRunner, limits: GroupLimits) {
    this.#system = system;
    this.#log = log;
    this.#runner = runner;
    this.#limits = limits;
  }

  get isLoading(): boolean {
    for (const owner of this.#owned.values()) if (owner.isLoading) return true;
    return false;
  }

  get(partition: number): OwnedPartition | undefined {
    return this.#owned.get(partition);
  }

  *entries(): Generator<GroupEntry> {
    for (const owner of this.#owned.values()) yield* owner.groups.values();
  }

  addGroup(owner: OwnedPartition, groupId: string, offsets = new GroupOffsets()): GroupEntry {
    const group = new Group(groupId, this.#limits, this.#system.clock.nowMs());
    return newGroupEntry(owner, group, offsets);
  }

  takeOver(partition: number, leaderEpoch: number): void {
    if (!this.#isNews(partition, leaderEpoch) || this.#owned.has(partition)) return;
    const owner = newOwnedPartition(partition);
    this.#owned.set(partition, owner);
    this.#scheduleLoad(owner, RELOAD_PAUSE_MS);
  }

  giveUp(partition: number, leaderEpoch: number | null): void {
    if (leaderEpoch !== null && !this.#isNews(partition, leaderEpoch)) return;
    const owner = this.#owned.get(partition);
    if (owner !== undefined) this.#unload(owner);
  }

  giveUpAll(): void {
    for (const owner of [...this.#owned.values()]) this.#unload(owner);
  }

  /** Notes the epoch; false when a later one is known. */
  #isNews(partition: number, leaderEpoch: number): boolean {
    if (leaderEpoch < (this.#epochs.get(partition) ?? leaderEpoch)) return false;
    this.#epochs.set(partition, leaderEpoch);
    return true;
  }

  #isCurrent(owner: OwnedPartition): boolean {
    return this.#owned.get(owner.partition) === owner;
  }

  #scheduleLoad(owner: OwnedPartition, pauseMs: number): void {
    owner.reload = null;
    void this.#loads.run(async () => {
      if (this.#isCurrent(owner)) await this.#load(owner, pauseMs);
    });
  }

  async #load(owner: OwnedPartition, pauseMs: number): Promise<void> {
    const { clock, logger, random } = this.#system;
    const { partition } = owner;
    const startMs = clock.elapsedMs();
    try {
      const isCurrent = (): boolean => this.#isCurrent(owner);
      const replay = await readPartition(this.#system, this.#log, partition, isCurrent);
      if (replay === null) return;
      this.#take(owner, replay);
      const { recordCount, skippedCount } = replay;
      const tookMs = Math.round(clock.elapsedMs() - startMs);
      logger.info({ partition, recordCount, skippedCount, tookMs }, 'groups loaded');
    } catch (error) {
      if (!this.#isCurrent(owner)) return;
      // To serve the partition as if it were empty would make consumers start over: keep them
      // waiting instead.
      logger.error({ err: error, partition }, 'loading groups failed; it will be tried again');
      const nextPauseMs = Math.min(2 * pauseMs, RELOAD_PAUSE_MS_MAX);
      const delayMs = pauseMs * (1 + random.float() / 2);
      owner.reload = clock.setTimer(delayMs, () => this.#scheduleLoad(owner, nextPauseMs));
    }
  }

  #take(owner: OwnedPartition, replay: Replay): void {
    owner.nextOrder = replay.nextOrder;
    for (const [groupId, snapshot] of replay.groups)
      this.#restore(owner, groupId, snapshot, replay);
    for (const [groupId, offsets] of replay.offsets) {
      if (!owner.groups.has(groupId) && !offsets.isEmpty) this.addGroup(owner, groupId, offsets);
    }
    owner.isLoading = false;
  }

  #restore(owner: OwnedPartition, groupId: string, snapshot: GroupSnapshot, replay: Replay): void {
    let group: Group;
    try {
      group = restoreGroup(groupId, this.#limits, snapshot);
    } catch (error) {
      // Its members will join again; its offsets are kept.
      this.#system.logger.error({ err: error, groupId }, 'a group record makes no sense');
      return;
    }
    const entry = newGroupEntry(owner, group, replay.offsets.get(groupId) ?? new GroupOffsets());
    this.#runner.run(entry, (step) => {
      for (const member of group.members.values()) armSession(group, member, step);
      if (group.members.size > this.#limits.sizeMax) maybePrepareRebalance(group, step);
    });
  }

  /** Whoever waits for one of its groups is sent away. */
  #unload(owner: OwnedPartition): void {
    this.#owned.delete(owner.partition);
    owner.reload?.cancel();
    for (const entry of owner.groups.values())
      this.#runner.run(entry, (step) => unload(entry.group, step));
  }
}
