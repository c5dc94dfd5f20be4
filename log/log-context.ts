/**
 * What all logs of a broker share: the system, the memory for recent batches, the turn-end queue of
 * group commits, and the manager's ear for what a log cannot settle itself.
 */
import { createSerial, type Serial } from '../system/serial.ts';
import type { System } from '../system/system.ts';
import { TailBudget } from './tail.ts';
import { WriteCost } from './write-cost.ts';

/** Kafka 3.9's default. */
export const PRODUCER_ID_EXPIRATION_MS = 86_400_000;

export interface LogContext {
  readonly system: System;
  readonly tails: TailBudget;
  readonly writeCost: WriteCost;
  /**
   * Brings segments that were rolled to the device, one at a time: that of a large one takes seconds, in which it keeps one
   * of the few threads that everybody's reads and writes need too.
   */
  readonly rolledFlushes: Serial;
  /** Producers without an open transaction are forgotten this long after their last record. */
  readonly producerIdExpirationMs: number;
  /** Calls `drain` once at the end of this event-loop turn. */
  drainSoon(drain: () => void): void;
  /** Removes files, already renamed, after a delay in which reads of them may end. */
  removeLater(paths: readonly string[], delayMs: number): void;
  /** The recovery point of a log in `directory` went down: the checkpoint must follow at once. */
  recoveryPointLowered(directory: string): void;
  /** A log in `directory` was cut; its active segment now begins at `activeBaseOffset`. */
  truncated(directory: string, activeBaseOffset: number): void;
  /** Disk input or output failed in a log of this directory. */
  failed(directory: string, error: unknown): void;
}

/** A context for logs without a manager: nothing is removed later, failures are only logged. */
export const createLogContext = (
  system: System,
  hooks: Partial<Omit<LogContext, 'system' | 'drainSoon' | 'writeCost' | 'rolledFlushes'>> = {},
): LogContext => ({
  system,
  tails: hooks.tails ?? new TailBudget(),
  writeCost: new WriteCost(system.clock),
  rolledFlushes: createSerial(),
  producerIdExpirationMs: hooks.producerIdExpirationMs ?? PRODUCER_ID_EXPIRATION_MS,
  drainSoon: turnEndQueue(system),
  removeLater: hooks.removeLater ?? (() => {}),
  recoveryPointLowered: hooks.recoveryPointLowered ?? (() => {}),
  truncated: hooks.truncated ?? (() => {}),
  failed:
    hooks.failed ??
    ((directory, error) =>
      system.logger.error({ directory, err: error }, 'log directory has failed')),
});

/** One deferred call serves all logs that were appended to in a turn. */
const turnEndQueue = (system: System): ((drain: () => void) => void) => {
  let waiting: (() => void)[] = [];
  const runAll = (): void => {
    const drains = waiting;
    waiting = [];
    for (const drain of drains) drain();
  };
  return (drain) => {
    waiting.push(drain);
    if (waiting.length === 1) system.clock.defer(runAll);
  };
};
