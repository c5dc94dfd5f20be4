/**
 * Who leads next: Kafka's four election strategies (Election, PartitionLeaderElectionAlgorithms) as
 * functions of the state. None of them changes anything; the caller writes what they return.
 */
import {
  type ControllerState,
  isBrokerLive,
  isReplicaOnline,
  type LeaderAndIsr,
  type Partition,
  targetReplicasOf,
} from './state.ts';

/**
 * `offline`: the leader is gone. `reassign`: the leader is not among the new replicas. `preferred`:
 * give the lead back to the first replica. `controlledShutdown`: take it from brokers that are
 * about to stop.
 */
export type ElectionStrategy =
  | {
      readonly type: 'offline';
      /**
       * `always`: an administrator asked for an unclean election. `configured`: as topic and
       * broker settings say.
       */
      readonly unclean: 'always' | 'configured';
    }
  | { readonly type: 'reassign' }
  | { readonly type: 'preferred' }
  | { readonly type: 'controlledShutdown' };

/** A leader to be written, and the brokers to be told. */
export interface ElectionResult {
  readonly leaderAndIsr: LeaderAndIsr;
  readonly recipients: readonly number[];
  /** The leader was not in sync: records may have been lost. */
  readonly isUnclean: boolean;
}

/** The strategies' names in Kafka's messages. */
export const strategyNames: Record<ElectionStrategy['type'], string> = {
  offline: 'OfflinePartitionLeaderElectionStrategy',
  reassign: 'ReassignPartitionLeaderElectionStrategy',
  preferred: 'PreferredReplicaPartitionLeaderElectionStrategy',
  controlledShutdown: 'ControlledShutdownPartitionLeaderElectionStrategy',
};

/**
 * Whether only an unclean election could give the partition a leader; the settings need not be
 * asked otherwise.
 */
export const lacksInSyncReplica = (state: ControllerState, partition: Partition): boolean =>
  !(partition.leadership?.isr.some((id) => isReplicaOnline(state, id, partition)) ?? false);

/**
 * The election's outcome by `strategy`, or null when nobody may lead. `allowUnclean` counts for
 * `offline` only. The leader epoch goes up by one even where the same broker is elected again.
 */
export const elect = (
  state: ControllerState,
  partition: Partition,
  strategy: ElectionStrategy,
  allowUnclean: boolean,
): ElectionResult | null => {
  const current = partition.leadership;
  if (current === null) return null;
  const isOnline = (id: number): boolean => isReplicaOnline(state, id, partition);
  const isInSync = (id: number): boolean => current.isr.includes(id);
  const next = (leader: number, isr: readonly number[]): LeaderAndIsr => ({
    leader,
    leaderEpoch: current.leaderEpoch + 1,
    isr,
    leaderRecoveryState: current.leaderRecoveryState,
    controllerEpoch: state.epoch,
  });
  switch (strategy.type) {
    case 'offline': {
      const recipients = partition.replicas.filter(isOnline);
      const clean = recipients.find(isInSync);
      if (clean !== undefined) {
        return {
          leaderAndIsr: next(clean, current.isr.filter(isOnline)),
          recipients,
          isUnclean: false,
        };
      }
      const [unclean] = recipients;
      if (!allowUnclean || unclean === undefined) return null;
      return {
        leaderAndIsr: { ...next(unclean, [unclean]), leaderRecoveryState: 1 },
        recipients,
        isUnclean: true,
      };
    }
    case 'reassign': {
      const target = targetReplicasOf(partition);
      const leader = target.find((id) => isOnline(id) && isInSync(id));
      return leader === undefined
        ? null
        : { leaderAndIsr: next(leader, current.isr), recipients: target, isUnclean: false };
    }
    case 'preferred': {
      const [leader] = partition.replicas;
      return leader === undefined || !isOnline(leader) || !isInSync(leader)
        ? null
        : {
            leaderAndIsr: next(leader, current.isr),
            recipients: partition.replicas,
            isUnclean: false,
          };
    }
    case 'controlledShutdown': {
      const recipients = partition.replicas.filter((id) =>
        isReplicaOnline(state, id, partition, { includeShuttingDown: true }),
      );
      const leader = recipients.find((id) => isInSync(id) && isBrokerLive(state, id));
      const isr = current.isr.filter((id) => !state.shuttingDown.has(id));
      return leader === undefined
        ? null
        : { leaderAndIsr: next(leader, isr), recipients, isUnclean: false };
    }
  }
};
