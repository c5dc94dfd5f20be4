/**
 * One step of a group's machine: the time it is taken at, and the commands it gives to the shell
 * (group-runner.ts).
 */
import type { Member } from './group.ts';
import type { JoinResult, SyncResult } from './results.ts';
import type { GroupSnapshot } from './snapshot.ts';

/** Why a snapshot is stored: decides what its outcome means. */
export type StorePurpose =
  /** The last member is gone; nobody waits. */
  | { readonly type: 'empty' }
  /** The leader has brought the assignment of a generation. */
  | {
      readonly type: 'assignment';
      readonly generationId: number;
      readonly assignment: ReadonlyMap<string, Buffer>;
    }
  /** A static member has come back under a new id, without a rebalance. */
  | {
      readonly type: 'staticMember';
      readonly ticket: number;
      readonly memberId: string;
      readonly oldMemberId: string;
      readonly oldLeaderId: string;
      readonly oldTimeouts: Pick<Member, 'rebalanceTimeoutMs' | 'sessionTimeoutMs'>;
      readonly canSkipAssignment: boolean;
    };

export type GroupCommand =
  | { readonly type: 'answerJoin'; readonly ticket: number; readonly result: JoinResult }
  | { readonly type: 'answerSync'; readonly ticket: number; readonly result: SyncResult }
  | {
      readonly type: 'store';
      readonly snapshot: GroupSnapshot;
      readonly purpose: StorePurpose;
    };

/** The time of one step, and the commands it has given so far. */
export interface Step {
  /** Wall time, for what is stored. */
  readonly nowMs: number;
  /** Elapsed time, for deadlines. */
  readonly elapsedMs: number;
  readonly commands: GroupCommand[];
}
