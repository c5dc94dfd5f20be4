/**
 * Carries out what the group machine decides: answers parked requests, stores records, wakes groups
 * at their deadlines. Decides nothing itself. Every step on a group goes through `run`.
 */
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import type { System } from '../../system/system.ts';
import type { CoordinatorLog } from '../coordinator-log.ts';
import { Deadlines } from '../deadlines.ts';
import { CONSUMER_OFFSETS } from '../internal-topics.ts';
import { groupStoreError } from './append-errors.ts';
import type { GroupCoordinatorConfig } from './config.ts';
import type { GroupEntry, OwnedPartition } from './partition-groups.ts';
import { expire } from './rebalance.ts';
import { type CoordinatorRecord, groupRecord } from './records.ts';
import type { JoinResult, SyncResult } from './results.ts';
import type { GroupCommand, Step } from './step.ts';
import { stored } from './sync.ts';

type StoreCommand = Extract<GroupCommand, { type: 'store' }>;

/** What an append resolves to, and its place among the appends of the partition. */
export interface Append {
  readonly order: number;
  readonly errorCode: Promise<number>;
}

export class GroupRunner {
  readonly #system: System;
  readonly #log: CoordinatorLog;
  readonly #config: GroupCoordinatorConfig;
  readonly #deadlines: Deadlines;
  readonly #joins = new Map<number, (result: JoinResult) => void>();
  readonly #syncs = new Map<number, (result: SyncResult) => void>();
  #lastTicket = 0;

  constructor(system: System, log: CoordinatorLog, config: GroupCoordinatorConfig) {
    this.#system = system;
    this.#log = log;
    this.#config = config;
    this.#deadlines = new Deadlines(system.clock);
  }

  /** No group is woken up any more. */
  stop(): void {
    this.#deadlines.clear();
  }

  /** Takes one step of the group's machine, and carries out what follows from it. */
  run<T>(entry: GroupEntry, take: (step: Step) => T): T {
    const step: Step = {
      nowMs: this.#system.clock.nowMs(),
      elapsedMs: this.#system.clock.elapsedMs(),
      commands: [],
    };
    const result = take(step);
    for (const command of step.commands) this.#carryOut(entry, command);
    this.#arm(entry);
    return result;
  }

  /** A JoinGroup request: resolves when the machine answers the ticket. */
  runJoin(entry: GroupEntry, take: (ticket: number, step: Step) => void): Promise<JoinResult> {
    const ticket = ++this.#lastTicket;
    return new Promise((resolve) => {
      this.#joins.set(ticket, resolve);
      this.run(entry, (step) => take(ticket, step));
    });
  }

  /** The same for SyncGroup. */
  runSync(entry: GroupEntry, take: (ticket: number, step: Step) => void): Promise<SyncResult> {
    const ticket = ++this.#lastTicket;
    return new Promise((resolve) => {
      this.#syncs.set(ticket, resolve);
      this.run(entry, (step) => take(ticket, step));
    });
  }

  /**
   * Appends records as one batch. It is on its way when this returns, so that the order of calls is
   * the order in the log; resolves to 0 when the whole ISR has it.
   */
  append(
    owner: OwnedPartition,
    records: readonly CoordinatorRecord[],
    options: { readonly baseSequence?: number } = {},
  ): Append {
    const batch = buildBatch({
      records,
      timestamp: this.#system.clock.nowMs(),
      compression: this.#config.compression,
      ...options,
    });
    const order = owner.nextOrder++;
    return { order, errorCode: this.#send(owner, batch) };
  }

  async #send(owner: OwnedPartition, batch: Buffer): Promise<number> {
    const { partition } = owner;
    try {
      return await this.#log.append(
        CONSUMER_OFFSETS,
        partition,
        batch,
        this.#config.commitTimeoutMs,
      );
    } catch (error) {
      if (error instanceof ProtocolError) return error.code;
      this.#system.logger.error({ err: error, partition }, `append to ${CONSUMER_OFFSETS} failed`);
      return errorCodes.UNKNOWN_SERVER_ERROR;
    }
  }

  #carryOut(entry: GroupEntry, command: GroupCommand): void {
    switch (command.type) {
      case 'answerJoin':
        this.#joins.get(command.ticket)?.(command.result);
        this.#joins.delete(command.ticket);
        return;
      case 'answerSync':
        this.#syncs.get(command.ticket)?.(command.result);
        this.#syncs.delete(command.ticket);
        return;
      case 'store':
        void this.#store(entry, command);
    }
  }

  async #store(entry: GroupEntry, command: StoreCommand): Promise<void> {
    const { groupId } = entry.group;
    const append = this.append(entry.owner, [groupRecord(groupId, command.snapshot)]);
    const errorCode = await append.errorCode;
    if (errorCode !== errorCodes.NONE) {
      const fields = { groupId, errorCode, purpose: command.purpose.type };
      this.#system.logger.warn(fields, 'group metadata could not be stored');
    }
    this.run(entry, (step) =>
      stored(entry.group, command.purpose, groupStoreError(errorCode), step),
    );
  }

  /** Deadlines mostly move away, so the timer is touched only when one has come nearer. */
  #arm(entry: GroupEntry): void {
    const { wakeUpMs } = entry.group;
    if (wakeUpMs >= entry.armedMs && entry.group.state !== 'Dead') return;
    if (entry.deadline !== null) this.#deadlines.remove(entry.deadline);
    entry.deadline = null;
    entry.armedMs = wakeUpMs;
    if (wakeUpMs === Number.POSITIVE_INFINITY) return;
    entry.deadline = this.#deadlines.add(wakeUpMs - this.#system.clock.elapsedMs(), () => {
      entry.deadline = null;
      entry.armedMs = Number.POSITIVE_INFINITY;
      this.run(entry, (step) => expire(entry.group, step));
    });
  }
}
