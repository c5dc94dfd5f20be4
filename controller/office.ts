/**
 * One term of office: what the executors of commands need, and the fencing of every write by the
 * version of /controller_epoch. Everything here dies with the term; the next one begins with
 * nothing.
 */
import type { System } from '../system/system.ts';
import { isZooKeeperError, MultiError } from '../zookeeper/errors.ts';
import type { Operation, OperationResult, ZooKeeperClient } from '../zookeeper/session.ts';
import { controllerEpochZnode } from '../zookeeper/znodes.ts';
import type { Channels } from './channels.ts';
import type { ControllerEvent } from './events.ts';
import type { Watches } from './watches.ts';

/** Another broker has been elected meanwhile: nothing was written, and this event is over. */
export class ControllerMoved extends Error {
  override readonly name = 'ControllerMoved';
}

export interface Office {
  readonly system: System;
  readonly zookeeper: ZooKeeperClient;
  readonly brokerId: number;
  /** The znode version of /controller_epoch by which we were elected. */
  readonly epochVersion: number;
  readonly watches: Watches;
  readonly channels: Channels;
  readonly isOver: boolean;
  enqueue(event: ControllerEvent): void;
  schedulePreferredCheck(delay: 'afterFailover' | 'interval'): void;
  /** unclean.leader.election.enable of this broker at this moment. */
  uncleanLeaderElectionEnable(): boolean;
}

/**
 * Carries out `operations` together if we are still the controller; errors count from the first of
 * them.
 */
export const fenced = async (
  office: Office,
  operations: readonly Operation[],
): Promise<readonly OperationResult[]> => {
  const { path } = controllerEpochZnode;
  const check = { type: 'check', path, version: office.epochVersion } as const;
  try {
    const [, ...results] = await office.zookeeper.multi([check, ...operations]);
    return results;
  } catch (error) {
    if (!(error instanceof MultiError)) throw error;
    if (error.index === 0 && error.code === 'BAD_VERSION') {
      throw new ControllerMoved('the controller epoch has moved on');
    }
    throw new MultiError(error.code, error.index - 1, error.path);
  }
};

/** Deletes one znode if we are still the controller; one that is gone already is fine. */
export const deleteFenced = async (office: Office, path: string): Promise<void> => {
  try {
    await fenced(office, [{ type: 'delete', path, version: -1 }]);
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error;
  }
};
