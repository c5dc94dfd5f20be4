/**
 * What the core asks of its shell. Kafka's controller reads and writes ZooKeeper in the middle of
 * its decisions; here a decision is a generator that yields such a command and is resumed with its
 * result. The core thus reads from top to bottom like the original, yet holds no promise and no
 * System, and a test plays the shell with a few lines.
 *
 * The shell carries out all commands of one event before it takes the next one (Kafka's single
 * event thread). When the epoch check of a write fails it does not resume the generator at all: the
 * event is over and the controller resigns.
 */
import type { ControllerEvent, Reply } from './events.ts';
import type { ControlRequest } from './request-batch.ts';
import type { Broker, LeaderAndIsr, Leadership } from './state.ts';

export interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
}

/**
 * A state znode to be written: created when `expectedVersion` is null, else replaced at that
 * version.
 */
export interface PartitionWrite extends PartitionPlace {
  readonly leaderAndIsr: LeaderAndIsr;
  readonly expectedVersion: number | null;
}

export type WriteOutcome =
  /** `version` is the znode's new version. */
  | { readonly type: 'ok'; readonly version: number }
  | { readonly type: 'badVersion' }
  | { readonly type: 'noNode' }
  /** Any other refusal by ZooKeeper, with its name. */
  | { readonly type: 'failed'; readonly reason: string };

/** A topic znode. Partitions without replicas to add or remove have empty lists. */
export interface TopicContent {
  readonly name: string;
  readonly id: string;
  readonly partitions: ReadonlyMap<
    number,
    {
      readonly replicas: readonly number[];
      readonly addingReplicas: readonly number[];
      readonly removingReplicas: readonly number[];
    }
  >;
}

export interface RequestedReassignment extends PartitionPlace {
  readonly replicas: readonly number[];
}

export type Command =
  | { readonly type: 'writePartitionStates'; readonly writes: readonly PartitionWrite[] }
  | { readonly type: 'readPartitionStates'; readonly partitions: readonly PartitionPlace[] }
  | { readonly type: 'readBrokers' }
  /** Keeps watches on exactly these brokers' znodes. */
  | { readonly type: 'watchBrokers'; readonly brokerIds: readonly number[] }
  | { readonly type: 'openChannels'; readonly brokers: readonly Broker[] }
  | { readonly type: 'closeChannels'; readonly brokerIds: readonly number[] }
  | { readonly type: 'readTopicNames' }
  /**
   * Reads and watches topics; one that lacks a topic id is given one. Topics that are gone are
   * left out.
   */
  | { readonly type: 'readTopics'; readonly names: readonly string[] }
  | { readonly type: 'unwatchTopics'; readonly names: readonly string[] }
  | { readonly type: 'writeTopic'; readonly topic: TopicContent }
  /** The numbers of the partitions that have a znode of their own. */
  | { readonly type: 'readPartitionNumbers'; readonly topic: string }
  /** Deletes the topic's tree, its settings and its deletion marker. */
  | { readonly type: 'deleteTopic'; readonly name: string }
  | { readonly type: 'readDeletionMarkers' }
  | { readonly type: 'removeDeletionMarkers'; readonly names: readonly string[] }
  | { readonly type: 'readReassignments' }
  /**
   * Replaces /admin/reassign_partitions; an empty list deletes it and queues its event, which arms
   * the watch again.
   */
  | { readonly type: 'writeReassignments'; readonly entries: readonly RequestedReassignment[] }
  | { readonly type: 'readPreferredElection' }
  | { readonly type: 'deletePreferredElection' }
  | { readonly type: 'readIsrNotifications' }
  | { readonly type: 'readLogDirNotifications' }
  | {
      readonly type: 'deleteNotifications';
      readonly kind: 'isr' | 'logDir';
      /** null: all there are. */
      readonly names: readonly string[] | null;
    }
  /**
   * unclean.leader.election.enable as it is at this moment, by topic; null where it could not be
   * read.
   */
  | { readonly type: 'readUncleanSettings'; readonly topics: readonly string[] }
  | { readonly type: 'allocateProducerIds'; readonly brokerId: number }
  /** Makes /feature what a 3.9 controller in ZooKeeper mode leaves there. */
  | { readonly type: 'prepareFeature' }
  /** Registers all of the controller's watches that are not of one broker or topic. */
  | { readonly type: 'watchCluster' }
  /**
   * Removes the registration of a broker whose process is gone, unless it is another than that of
   * `epoch`.
   */
  | { readonly type: 'removeRegistration'; readonly brokerId: number; readonly epoch: bigint }
  | { readonly type: 'send'; readonly requests: readonly ControlRequest[] }
  /** Answers the request that this event is; what the event still does comes after. */
  | { readonly type: 'reply'; readonly reply: Reply }
  | { readonly type: 'enqueue'; readonly event: ControllerEvent }
  /** Queues the next look at the leaders' balance. */
  | { readonly type: 'schedulePreferredCheck'; readonly delay: 'afterFailover' | 'interval' }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields?: object;
    };

interface Results {
  /** In the order of the writes. */
  writePartitionStates: readonly WriteOutcome[];
  /** In the order asked; null for a znode that does not exist. */
  readPartitionStates: readonly (Leadership | null)[];
  readBrokers: readonly Broker[];
  readTopicNames: readonly string[];
  readTopics: readonly TopicContent[];
  readPartitionNumbers: readonly number[];
  readDeletionMarkers: readonly string[];
  /** null: there is no such znode. One that cannot be read counts as empty. */
  readReassignments: readonly RequestedReassignment[] | null;
  readPreferredElection: readonly PartitionPlace[] | null;
  readIsrNotifications: readonly {
    readonly name: string;
    readonly partitions: readonly PartitionPlace[];
  }[];
  readLogDirNotifications: readonly { readonly name: string; readonly brokerId: number | null }[];
  readUncleanSettings: ReadonlyMap<string, boolean | null>;
  /** null: ids are used up or ZooKeeper refused. */
  allocateProducerIds: { readonly firstId: number; readonly count: number } | null;
}

export type CommandType = Command['type'];
export type CommandOf<K extends CommandType> = Extract<Command, { readonly type: K }>;
export type ResultOf<K extends CommandType> = K extends keyof Results ? Results[K] : undefined;

/** A piece of the controller's work that ends with a `T`. */
export type Procedure<T = void> = Generator<Command, T, unknown>;

/** Yields one command and returns its result. */
export function* perform<K extends CommandType>(command: CommandOf<K>): Procedure<ResultOf<K>> {
  // The shell answers each command by its own type; see the table of executors.
  return (yield command as Command) as ResultOf<K>;
}

export function* log(
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: object,
): Procedure {
  yield { type: 'log', level, message, ...(fields === undefined ? {} : { fields }) };
}
