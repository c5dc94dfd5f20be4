/** Drives the pure group machine: gives requests their tickets and keeps the answers. */
import { Group, type GroupLimits } from '../../../broker/groups/group.ts';
import { type JoinRequest, join } from '../../../broker/groups/join.ts';
import { heartbeat, leave } from '../../../broker/groups/membership.ts';
import { expire } from '../../../broker/groups/rebalance.ts';
import type { JoinResult, SyncResult } from '../../../broker/groups/results.ts';
import type { GroupCommand, Step } from '../../../broker/groups/step.ts';
import { stored, sync } from '../../../broker/groups/sync.ts';

export type StoreCommand = Extract<GroupCommand, { type: 'store' }>;

export const NO_LIMITS: GroupLimits = { sizeMax: 1000, initialRebalanceDelayMs: 3_000 };

export const protocol = (
  name: string,
  metadata = 'm',
): { readonly name: string; readonly metadata: Buffer } => ({
  name,
  metadata: Buffer.from(metadata),
});

export class GroupDriver {
  readonly group: Group;
  nowMs = 0;
  readonly joins = new Map<number, JoinResult>();
  readonly syncs = new Map<number, SyncResult>();
  readonly stores: StoreCommand[] = [];
  #ticket = 0;

  constructor(limits: GroupLimits = NO_LIMITS, group = new Group('group', limits, 0)) {
    this.group = group;
  }

  run<T>(take: (step: Step) => T): T {
    const step: Step = { nowMs: this.nowMs, elapsedMs: this.nowMs, commands: [] };
    const result = take(step);
    for (const command of step.commands) {
      if (command.type === 'store') {
        this.stores.push(command);
        continue;
      }
      const { ticket } = command;
      if (this.joins.has(ticket) || this.syncs.has(ticket)) throw new Error('answered twice');
      if (command.type === 'answerJoin') this.joins.set(ticket, command.result);
      else this.syncs.set(ticket, command.result);
    }
    return result;
  }

  /** Returns the ticket. */
  join(request: Partial<JoinRequest>): number {
    const ticket = ++this.#ticket;
    this.run((step) =>
      join(
        this.group,
        {
          ticket,
          memberId: '',
          newMemberId: `member-${ticket}`,
          groupInstanceId: null,
          clientId: 'client',
          clientHost: '/127.0.0.1',
          rebalanceTimeoutMs: 60_000,
          sessionTimeoutMs: 10_000,
          protocolType: 'consumer',
          protocols: [protocol('range')],
          requiresKnownMemberId: false,
          canSkipAssignment: true,
          ...request,
        },
        step,
      ),
    );
    return ticket;
  }

  joined(ticket: number): JoinResult {
    const result = this.joins.get(ticket);
    if (result === undefined) throw new Error(`JoinGroup ${ticket} still waits`);
    return result;
  }

  sync(
    memberId: string,
    options: {
      generationId?: number;
      groupInstanceId?: string;
      assignments?: Record<string, string>;
    } = {},
  ): number {
    const ticket = ++this.#ticket;
    const given = Object.entries(options.assignments ?? {});
    this.run((step) =>
      sync(
        this.group,
        {
          ticket,
          memberId,
          groupInstanceId: options.groupInstanceId ?? null,
          generationId: options.generationId ?? this.group.generationId,
          protocolType: 'consumer',
          protocolName: this.group.protocolName,
          assignments: new Map(given.map(([id, text]) => [id, Buffer.from(text)])),
        },
        step,
      ),
    );
    return ticket;
  }

  /** The outcome of the oldest store that is under way. */
  stored(errorCode = 0): void {
    const command = this.stores.shift();
    if (command === undefined) throw new Error('nothing is being stored');
    this.run((step) => stored(this.group, command.purpose, errorCode, step));
  }

  heartbeat(memberId: string, generationId = this.group.generationId): number {
    const identity = { memberId, generationId, groupInstanceId: null };
    return this.run((step) => heartbeat(this.group, identity, step));
  }

  leave(memberId: string, groupInstanceId: string | null = null): number {
    const codes = this.run((step) => leave(this.group, [{ memberId, groupInstanceId }], step));
    return codes[0] ?? -1;
  }

  /** Moves time on, waking the group up at each of its deadlines. */
  advance(ms: number): void {
    const targetMs = this.nowMs + ms;
    while (this.group.wakeUpMs <= targetMs) {
      this.nowMs = Math.max(this.nowMs, this.group.wakeUpMs);
      this.run((step) => expire(this.group, step));
    }
    this.nowMs = targetMs;
  }

  /** Two members, m1 the leader, in a stable generation. */
  static stablePair(limits: GroupLimits = NO_LIMITS): GroupDriver {
    const driver = new GroupDriver(limits);
    driver.join({ newMemberId: 'm1' });
    driver.join({ newMemberId: 'm2' });
    driver.advance(2 * limits.initialRebalanceDelayMs);
    driver.sync('m1', { assignments: { m1: 'one', m2: 'two' } });
    driver.sync('m2');
    driver.stored();
    return driver;
  }
}
