/**
 * Removes committed offsets and groups: at regular times what has expired (KIP-211), at once what
 * was deleted. Each removal is written as tombstones, one batch per group; when that fails the
 * records come back with the next load and are removed again.
 */
import type { Timer } from '../../system/clock.ts';
import type { System } from '../../system/system.ts';
import type { GroupCoordinatorConfig } from './config.ts';
import { expiredOffsets } from './expiration.ts';
import type { GroupRunner } from './group-runner.ts';
import type { GroupEntry } from './partition-groups.ts';
import { groupTombstone, offsetTombstone } from './records.ts';
import type { TopicPartition } from './topic-partitions.ts';

/** So many groups are looked through before other events get their turn. */
const SLICE_GROUPS = 200;

export class Cleaner {
  readonly #system: System;
  readonly #runner: GroupRunner;
  readonly #config: GroupCoordinatorConfig;
  #timer: Timer | null = null;
  #isRunning = false;

  constructor(system: System, runner: GroupRunner, config: GroupCoordinatorConfig) {
    this.#system = system;
    this.#runner = runner;
    this.#config = config;
  }

  /** Looks through `entries` now and at every interval from now on. */
  start(entries: () => Iterable<GroupEntry>): void {
    this.#isRunning = true;
    this.#schedule(0, entries);
  }

  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #schedule(delayMs: number, entries: () => Iterable<GroupEntry>): void {
    this.#timer = this.#system.clock.setTimer(delayMs, () => {
      this.#timer = null;
      this.#pass([...entries()], () => {
        if (this.#isRunning) this.#schedule(this.#config.retentionCheckIntervalMs, entries);
      });
    });
  }

  #pass(entries: readonly GroupEntry[], done: () => void): void {
    for (const entry of entries.slice(0, SLICE_GROUPS)) {
      const { group, offsets } = entry;
      // The partition may have been given up since the list was made.
      if (group.state === 'Dead') continue;
      const nowMs = this.#system.clock.nowMs();
      void this.remove(
        entry,
        expiredOffsets(group, offsets, nowMs, this.#config.offsetsRetentionMs),
      );
    }
    const rest = entries.slice(SLICE_GROUPS);
    if (rest.length === 0 || !this.#isRunning) done();
    else this.#system.clock.defer(() => this.#pass(rest, done));
  }

  /**
   * Removes offsets, and the group with its last one; resolves when the tombstones are written, or
   * could not be.
   */
  async remove(entry: GroupEntry, partitions: readonly TopicPartition[]): Promise<void> {
    const { group, offsets } = entry;
    const removed = partitions.filter(({ topic, partition }) => offsets.remove(topic, partition));
    const isUseless = group.state === 'Empty' && offsets.isEmpty && group.pendingMembers.size === 0;
    if (isUseless) this.#forget(entry);
    await this.#bury(entry, removed);
  }

  /** Removes a group with all its offsets. */
  async removeGroup(entry: GroupEntry): Promise<void> {
    const { offsets } = entry;
    const all = [...offsets.known()];
    for (const { topic, partition } of all) offsets.remove(topic, partition);
    this.#forget(entry);
    await this.#bury(entry, all);
  }

  #forget(entry: GroupEntry): void {
    const { group, owner } = entry;
    this.#runner.run(entry, (step) => group.transitionTo('Dead', step.nowMs));
    owner.groups.delete(group.groupId);
  }

  async #bury(entry: GroupEntry, removed: readonly TopicPartition[]): Promise<void> {
    const { group, owner } = entry;
    const tombstones = removed.map((at) => offsetTombstone(group.groupId, at));
    // A group that never had a generation was never stored.
    if (group.state === 'Dead' && group.generationId > 0)
      tombstones.push(groupTombstone(group.groupId));
    if (tombstones.length === 0) return;
    const errorCode = await this.#runner.append(owner, tombstones).errorCode;
    if (errorCode === 0) return;
    const fields = { groupId: group.groupId, errorCode, count: tombstones.length };
    this.#system.logger.warn(fields, 'tombstones could not be written');
  }
}
