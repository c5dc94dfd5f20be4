/**
 * Everything that can happen to a controller: watches that fired, answers of brokers, requests,
 * timers.
 */
import type { apis, RequestOf, ResponseOf } from '../protocol/apis.ts';

/** A request that must run on the controller, with the answer it gets. */
interface Requests {
  alterPartition: [RequestOf<typeof apis.alterPartition>, ResponseOf<typeof apis.alterPartition>];
  controlledShutdown: [
    RequestOf<typeof apis.controlledShutdown>,
    ResponseOf<typeof apis.controlledShutdown>,
  ];
  electLeaders: [RequestOf<typeof apis.electLeaders>, ResponseOf<typeof apis.electLeaders>];
  allocateProducerIds: [
    RequestOf<typeof apis.allocateProducerIds>,
    ResponseOf<typeof apis.allocateProducerIds>,
  ];
  alterPartitionReassignments: [
    RequestOf<typeof apis.alterPartitionReassignments>,
    ResponseOf<typeof apis.alterPartitionReassignments>,
  ];
  listPartitionReassignments: [
    RequestOf<typeof apis.listPartitionReassignments>,
    ResponseOf<typeof apis.listPartitionReassignments>,
  ];
  updateFeatures: [RequestOf<typeof apis.updateFeatures>, ResponseOf<typeof apis.updateFeatures>];
}

export type RequestType = keyof Requests;
export type RequestBody<K extends RequestType> = Requests[K][0];
export type ReplyBody<K extends RequestType> = Requests[K][1];

export type RequestEvent = {
  [K in RequestType]: {
    readonly type: K;
    readonly request: RequestBody<K>;
    readonly version: number;
  };
}[RequestType];

export type Reply = ReplyBody<RequestType>;

export type ControllerEvent =
  | RequestEvent
  /** This broker has just won the election with `epoch`. */
  | { readonly type: 'elected'; readonly epoch: number }
  | { readonly type: 'brokerChange' }
  | { readonly type: 'brokerModified'; readonly brokerId: number }
  /** Nothing listens any more where the broker registered with `epoch` did. */
  | { readonly type: 'brokerGone'; readonly brokerId: number; readonly epoch: bigint }
  | { readonly type: 'topicChange' }
  | { readonly type: 'topicModified'; readonly topic: string }
  | { readonly type: 'topicDeletion' }
  | { readonly type: 'reassignmentsRequested' }
  | { readonly type: 'preferredElectionRequested' }
  | { readonly type: 'isrNotifications' }
  | { readonly type: 'logDirNotifications' }
  | { readonly type: 'preferredCheck' }
  /**
   * unclean.leader.election.enable was switched on for one topic, or (null) for all by the
   * broker's settings.
   */
  | { readonly type: 'uncleanElectionEnabled'; readonly topic: string | null }
  | {
      readonly type: 'leaderAndIsrAnswered';
      readonly brokerId: number;
      readonly partitions: readonly {
        readonly topicId: string;
        readonly partition: number;
        readonly errorCode: number;
      }[];
    }
  | {
      readonly type: 'deletionAnswered';
      readonly brokerId: number;
      /** The replicas whose deletion the request asked for. */
      readonly partitions: readonly {
        readonly topic: string;
        readonly partition: number;
        readonly errorCode: number;
      }[];
    };
