/**
 * Rules broken on purpose, to prove that the simulation would notice: each replaces a method of the real classes for the time
 * of a run, or sets what no cluster that values its records would set. Nothing in the product knows of them.
 */
import { HostedPartition } from '../../broker/replication/hosted-partition.ts';
import { PartitionState } from '../../broker/replication/partition.ts';
import { ReplicaManager } from '../../broker/replication/replica-manager.ts';
import { PartitionLog } from '../../log/partition-log.ts';
import { SessionLoop } from '../../zookeeper/session-loop.ts';
import type { Request } from '../../zookeeper/transport.ts';
import { controllerEpochZnode } from '../../zookeeper/znodes.ts';

export interface MutantRule {
  readonly what: string;
  /** Where the rule concerns what an operator does, he does it more often. */
  readonly operatorGapMs: number;
  readonly settings: readonly (readonly [string, string])[];
  /** Puts the rule out of force; the returned function brings it back. */
  apply(): () => void;
}

export const OPERATOR_GAP_MS = 4000;

const none: readonly (readonly [string, string])[] = [];

export const mutants = {
  'truncate-by-high-watermark': {
    what: 'followers do not compare epochs and cut at their own high watermark (before KIP-101)',
    operatorGapMs: OPERATOR_GAP_MS,
    settings: none,
    apply: () =>
      replaced(PartitionLog.prototype, 'latestEpoch', () => {
        return () => null;
      }),
  },
  'expand-isr-without-epoch-check': {
    what: 'a follower joins the ISR wherever its log ends',
    operatorGapMs: OPERATOR_GAP_MS,
    settings: none,
    apply: () =>
      replaced(PartitionState.prototype, 'recordFollowerFetch', (original) => {
        return function (this: PartitionState, ...args) {
          const { highWatermark, leaderEpochStartOffset } = this;
          this.highWatermark = 0;
          this.leaderEpochStartOffset = 0;
          try {
            return original.apply(this, args);
          } finally {
            this.highWatermark = highWatermark;
            this.leaderEpochStartOffset = leaderEpochStartOffset;
          }
        };
      }),
  },
  'ack-before-replication': {
    what: 'acks=all is answered once the leader has written',
    operatorGapMs: OPERATOR_GAP_MS,
    settings: none,
    apply: () =>
      replaced(HostedPartition.prototype, 'waitForAcks', () => {
        return (_offset, complete) => {
          complete(0);
          return () => {};
        };
      }),
  },
  'leader-outside-isr': {
    what: 'a replica may be elected that is not in the ISR',
    operatorGapMs: OPERATOR_GAP_MS,
    settings: [['unclean.leader.election.enable', 'true']],
    apply: () => () => {},
  },
  'controller-without-epoch-check': {
    what: 'brokers follow every controller, and ZooKeeper writes are not fenced',
    operatorGapMs: 800,
    settings: none,
    apply: () => {
      const undo = replaced(ReplicaManager.prototype, 'fenceController', () => {
        return function (this: ReplicaManager, controllerEpoch) {
          this.controllerEpoch = controllerEpoch;
        };
      });
      const undoCheck = replaced(SessionLoop.prototype, 'call', (original) => {
        return function (this: SessionLoop, request) {
          return original.call(this, withoutEpochCheck(request)) as never;
        };
      });
      return () => {
        undo();
        undoCheck();
      };
    },
  },
} as const satisfies Record<string, MutantRule>;

export type Mutant = keyof typeof mutants;

export const isMutant = (name: string): name is Mutant => Object.hasOwn(mutants, name);

/** Whatever the epoch's version is, it will do. */
const withoutEpochCheck = (request: Request): Request =>
  request.type !== 'multi'
    ? request
    : {
        ...request,
        operations: request.operations.map((operation) =>
          operation.type === 'check' && operation.path === controllerEpochZnode.path
            ? { ...operation, version: -1 }
            : operation,
        ),
      };

/** Puts another method in place of one; returns what puts the old one back. */
const replaced = <T extends object, K extends keyof T>(
  target: T,
  name: K,
  make: (original: T[K]) => T[K],
): (() => void) => {
  const original = target[name];
  target[name] = make(original);
  return () => {
    target[name] = original;
  };
};
