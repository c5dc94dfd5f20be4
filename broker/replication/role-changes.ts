/**
 * Carries out what the controller decides: who leads, who follows, what is stopped or deleted (LeaderAndIsr, StopReplica).
 * One request at a time; the order inside one is Kafka's (replication sheet §3.2-3.5).
 */
import type { apis, RequestOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import { createSerial } from '../../system/serial.ts';
import type { Fetchers } from './fetchers.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { ReplicaManager } from './replica-manager.ts';

type LeaderAndIsrRequest = RequestOf<typeof apis.leaderAndIsr>;
type PartitionDecision = LeaderAndIsrRequest['topicStates'][number]['partitionStates'][number];

/** Hears which partitions this broker begins and ceases to lead; the coordinators live on it. */
export interface LeadershipListener {
  elected(topic: string, partition: number, leaderEpoch: number): void;
  /** A null epoch: the replica was deleted. */
  resigned(topic: string, partition: number, leaderEpoch: number | null): void;
}

export interface PartitionError {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  errorCode: number;
}

export interface StoppedPartition {
  readonly topic: string;
  readonly partition: number;
  /** -1: not known, -2: the topic is being deleted. */
  readonly leaderEpoch: number;
  readonly deletesLog: boolean;
}

interface Decision {
  readonly topic: string;
  readonly topicId: string;
  readonly state: PartitionDecision;
}

/** A decision to carry out. */
interface Accepted {
  readonly replica: HostedPartition;
  readonly state: PartitionDecision;
  readonly result: PartitionError;
}

const EPOCH_DURING_DELETE = -2;
const NO_EPOCH = -1;

export class RoleChanges {
  readonly #replicas: ReplicaManager;
  readonly #fetchers: Fetchers;
  readonly #listener: LeadershipListener;
  readonly #interBrokerListener: string;
  readonly #serial = createSerial();

  constructor(
    replicas: ReplicaManager,
    fetchers: Fetchers,
    options: { readonly listener: LeadershipListener; readonly interBrokerListener: string },
  ) {
    this.#replicas = replicas;
    this.#fetchers = fetchers;
    this.#listener = options.listener;
    this.#interBrokerListener = options.interBrokerListener;
  }

  /** Throws ProtocolError(STALE_CONTROLLER_EPOCH) when a newer controller has spoken. */
  leaderAndIsr(request: LeaderAndIsrRequest): Promise<PartitionError[]> {
    return this.#serial.run(async () => {
      this.#replicas.fenceController(request.controllerEpoch);
      const results: PartitionError[] = [];
      const accepted: Accepted[] = [];
      const decisions = decisionsOf(request);
      await Promise.all(
        decisions.map(async (decision) => {
          const { topic, topicId, state } = decision;
          const partition = state.partitionIndex;
          const result = { topic, topicId, partition, errorCode: errorCodes.NONE as number };
          const outcome = await this.#check(decision);
          results.push(result);
          if (typeof outcome === 'number') result.errorCode = outcome;
          else accepted.push({ replica: outcome, state, result });
        }),
      );
      const { brokerId } = this.#replicas;
      await this.#makeLeaders(accepted.filter(({ state }) => state.leader === brokerId));
      await this.#makeFollowers(accepted.filter(({ state }) => state.leader !== brokerId));
      this.#fetchers.closeIdle();
      return results;
    });
  }

  /** As above; one result for each partition. */
  stopReplicas(
    controllerEpoch: number,
    partitions: readonly StoppedPartition[],
  ): Promise<{ topic: string; partition: number; errorCode: number }[]> {
    return this.#serial.run(async () => {
      this.#replicas.fenceController(controllerEpoch);
      return Promise.all(
        partitions.map(async (stopped) => ({
          topic: stopped.topic,
          partition: stopped.partition,
          errorCode: await this.#stop(stopped),
        })),
      );
    });
  }

  /** Runs `job` while no role changes; UpdateMetadata is applied so. */
  exclusively<T>(job: () => T): Promise<T> {
    return this.#serial.run(async () => job());
  }

  async #check({ topic, topicId, state }: Decision): Promise<HostedPartition | number> {
    const replicas = this.#replicas;
    if (replicas.isOffline(topic, state.partitionIndex)) return errorCodes.KAFKA_STORAGE_ERROR;
    const existing = replicas.get(topic, state.partitionIndex);
    const knownId = replicas.topicIdOf(topic, state.partitionIndex);
    if (topicId !== ZERO_UUID && knownId !== ZERO_UUID && topicId !== knownId)
      return errorCodes.INCONSISTENT_TOPIC_ID;
    if (existing !== undefined && state.leaderEpoch <= existing.state.leaderEpoch)
      return state.leaderEpoch === existing.state.leaderEpoch
        ? this.#exchangeTopicId(existing, topicId)
        : errorCodes.STALE_CONTROLLER_EPOCH;
    if (!state.replicas.includes(replicas.brokerId)) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    try {
      return await replicas.create(topic, state.partitionIndex, topicId, state.isNew);
    } catch (error) {
      replicas.system.logger.error(
        { err: error, topic, partition: state.partitionIndex },
        'could not open the log',
      );
      return error instanceof ProtocolError ? error.code : errorCodes.KAFKA_STORAGE_ERROR;
    }
  }

  /**
   * A decision of the epoch that is known changes nothing but, at most, the topic id: it comes when the controller begins to
   * use ids, and goes from what a follower asks with when an older controller does not know them.
   */
  #exchangeTopicId(replica: HostedPartition, topicId: string): number {
    const isKnown = topicId !== ZERO_UUID;
    const hadId = replica.topicId !== ZERO_UUID;
    if (isKnown === hadId || (!isKnown && replica.state.isLeader))
      return errorCodes.STALE_CONTROLLER_EPOCH;
    if (isKnown) replica.assignTopicId(topicId);
    this.#fetchers.setTopicId(replica, topicId);
    return errorCodes.NONE;
  }

  async #makeLeaders(accepted: readonly Accepted[]): Promise<void> {
    await this.#fetchers.remove(accepted.map(({ replica }) => replica));
    for (const { replica, state, result } of accepted) {
      const { log } = replica;
      if (replica.isOffline) {
        result.errorCode = errorCodes.KAFKA_STORAGE_ERROR;
        continue;
      }
      const wasLeader = replica.state.isLeader;
      if (state.partitionEpoch < replica.state.partitionEpoch) continue;
      // Before any record of the epoch can be appended, or a crash would leave records without their epoch.
      // Behind what is still on its way to the disk, which is stamped with the epoch before.
      const startOffset = log.nextOffset;
      log.assignEpochStart(state.leaderEpoch, startOffset);
      replica.state.makeLeader(state, startOffset, this.#replicas.nowMs());
      replica.roleChanged();
      if (!wasLeader) this.#listener.elected(replica.topic, replica.partition, state.leaderEpoch);
    }
  }

  async #makeFollowers(accepted: readonly Accepted[]): Promise<void> {
    const followers: Accepted[] = [];
    for (const entry of accepted) {
      const { replica, state } = entry;
      // Without a live leader nothing changes, not even the epoch: the next decision must still be accepted.
      if (!this.#replicas.isAlive(state.leader)) continue;
      if (!replica.state.makeFollower(state)) continue;
      followers.push(entry);
      replica.roleChanged();
      this.#listener.resigned(replica.topic, replica.partition, state.leaderEpoch);
    }
    await this.#fetchers.remove(followers.map(({ replica }) => replica));
    // What was queued while this broker led must be in the log before its end is taken for the fetch offset.
    await Promise.all(followers.map(({ replica }) => replica.log.settled()));
    await Promise.all(
      followers.map(async ({ replica, state, result }) => {
        try {
          if (!replica.isOffline) await this.#follow(replica, state.leader, state.leaderEpoch);
        } catch (error) {
          const { topic, partition } = replica;
          const { logger } = this.#replicas.system;
          logger.error({ err: error, topic, partition }, 'could not follow');
          result.errorCode = errorCodes.KAFKA_STORAGE_ERROR;
        }
        if (replica.isOffline) result.errorCode = errorCodes.KAFKA_STORAGE_ERROR;
      }),
    );
  }

  async #follow(replica: HostedPartition, leaderId: number, leaderEpoch: number): Promise<void> {
    if (this.#replicas.isShuttingDown) return;
    const leader = this.#replicas.metadata.aliveBroker(leaderId, this.#interBrokerListener);
    if (leader === undefined) return;
    const { log, state } = replica;
    if (log.latestEpoch() === null && log.logEndOffset > state.highWatermark) {
      // Without epochs only what was committed is known to be the leader's, too.
      await log.truncateTo(state.highWatermark);
      replica.truncated();
    }
    this.#fetchers.add(replica, leader, leaderEpoch);
  }

  async #stop({ topic, partition, leaderEpoch, deletesLog }: StoppedPartition): Promise<number> {
    if (this.#replicas.isOffline(topic, partition)) return errorCodes.KAFKA_STORAGE_ERROR;
    const replica = this.#replicas.get(topic, partition);
    const isUnconditional = leaderEpoch === EPOCH_DURING_DELETE || leaderEpoch === NO_EPOCH;
    if (replica !== undefined && !isUnconditional && leaderEpoch < replica.state.leaderEpoch)
      return errorCodes.FENCED_LEADER_EPOCH;
    if (replica !== undefined) await this.#fetchers.remove([replica]);
    try {
      if (deletesLog) {
        await this.#replicas.delete(topic, partition);
        this.#listener.resigned(topic, partition, null);
      } else replica?.stop(errorCodes.NOT_LEADER_OR_FOLLOWER);
      return errorCodes.NONE;
    } catch (error) {
      this.#replicas.system.logger.error(
        { err: error, topic, partition },
        'could not stop a replica',
      );
      return errorCodes.KAFKA_STORAGE_ERROR;
    }
  }
}

const decisionsOf = (request: LeaderAndIsrRequest): Decision[] => [
  ...request.topicStates.flatMap(({ topicName, topicId, partitionStates }) =>
    partitionStates.map((state) => ({ topic: topicName, topicId, state })),
  ),
  // Versions 0 and 1 carry a flat list.
  ...request.ungroupedPartitionStates.map((state) => ({
    topic: state.topicName,
    topicId: ZERO_UUID,
    state,
  })),
];
