/**
 * What a broker asks of the controller in its own process. The brokers of a cluster reach the active one over the wire;
 * its handlers end here. An inactive controller answers NOT_CONTROLLER (ControlledShutdown: STALE_CONTROLLER_EPOCH).
 */
import type { Api, apis, RequestOf, ResponseOf } from '../protocol/apis.ts';

type Call<A extends Api> = (request: RequestOf<A>, version: number) => Promise<ResponseOf<A>>;

export interface TopicToCreate {
  readonly name: string;
  /** -1 with manual assignments. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly {
    readonly partitionIndex: number;
    readonly brokerIds: readonly number[];
  }[];
  readonly configs: ReadonlyMap<string, string>;
}

export interface TopicResult {
  readonly name: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** On success only. */
  readonly topicId?: string;
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
}

export interface ControllerApi {
  readonly isActive: boolean;
  alterPartition: Call<typeof apis.alterPartition>;
  controlledShutdown: Call<typeof apis.controlledShutdown>;
  electLeaders: Call<typeof apis.electLeaders>;
  allocateProducerIds: Call<typeof apis.allocateProducerIds>;
  alterPartitionReassignments: Call<typeof apis.alterPartitionReassignments>;
  listPartitionReassignments: Call<typeof apis.listPartitionReassignments>;
  updateFeatures: Call<typeof apis.updateFeatures>;
  createTopics(
    topics: readonly TopicToCreate[],
    options: { readonly validateOnly: boolean },
  ): Promise<readonly TopicResult[]>;
  /** The same on whichever broker, as automatic creation does it (the broker writes to ZooKeeper itself). */
  createTopicsLocally(topics: readonly TopicToCreate[]): Promise<readonly TopicResult[]>;
  createPartitions(
    topics: readonly {
      readonly name: string;
      readonly count: number;
      readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null;
    }[],
    options: { readonly validateOnly: boolean },
  ): Promise<readonly TopicResult[]>;
  deleteTopics(names: readonly string[]): Promise<readonly TopicResult[]>;
}
