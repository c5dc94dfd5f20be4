/**
 * The API table: every API with its key and its messages, in the order of the keys. `isAdvertised` marks the 62 that a broker
 * of Kafka 3.9 in ZooKeeper mode speaks; the others are declared because tools of the same version know them.
 */

import { addOffsetsToTxnRequest, addOffsetsToTxnResponse } from './messages/add-offsets-to-txn.ts';
import {
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from './messages/add-partitions-to-txn.ts';
import {
  allocateProducerIdsRequest,
  allocateProducerIdsResponse,
} from './messages/allocate-producer-ids.ts';
import {
  alterClientQuotasRequest,
  alterClientQuotasResponse,
} from './messages/alter-client-quotas.ts';
import { alterConfigsRequest, alterConfigsResponse } from './messages/alter-configs.ts';
import { alterPartitionRequest, alterPartitionResponse } from './messages/alter-partition.ts';
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from './messages/alter-partition-reassignments.ts';
import {
  alterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
} from './messages/alter-replica-log-dirs.ts';
import {
  alterUserScramCredentialsRequest,
  alterUserScramCredentialsResponse,
} from './messages/alter-user-scram-credentials.ts';
import { apiVersionsRequest, apiVersionsResponse } from './messages/api-versions.ts';
import {
  consumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
} from './messages/consumer-group-describe.ts';
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from './messages/consumer-group-heartbeat.ts';
import {
  controlledShutdownRequest,
  controlledShutdownResponse,
} from './messages/controlled-shutdown.ts';
import { createAclsRequest, createAclsResponse } from './messages/create-acls.ts';
import {
  createDelegationTokenRequest,
  createDelegationTokenResponse,
} from './messages/create-delegation-token.ts';
import { createPartitionsRequest, createPartitionsResponse } from './messages/create-partitions.ts';
import { createTopicsRequest, createTopicsResponse } from './messages/create-topics.ts';
import { deleteAclsRequest, deleteAclsResponse } from './messages/delete-acls.ts';
import { deleteGroupsRequest, deleteGroupsResponse } from './messages/delete-groups.ts';
import { deleteRecordsRequest, deleteRecordsResponse } from './messages/delete-records.ts';
import { deleteTopicsRequest, deleteTopicsResponse } from './messages/delete-topics.ts';
import { describeAclsRequest, describeAclsResponse } from './messages/describe-acls.ts';
import {
  describeClientQuotasRequest,
  describeClientQuotasResponse,
} from './messages/describe-client-quotas.ts';
import { describeClusterRequest, describeClusterResponse } from './messages/describe-cluster.ts';
import { describeConfigsRequest, describeConfigsResponse } from './messages/describe-configs.ts';
import {
  describeDelegationTokenRequest,
  describeDelegationTokenResponse,
} from './messages/describe-delegation-token.ts';
import { describeGroupsRequest, describeGroupsResponse } from './messages/describe-groups.ts';
import { describeLogDirsRequest, describeLogDirsResponse } from './messages/describe-log-dirs.ts';
import {
  describeProducersRequest,
  describeProducersResponse,
} from './messages/describe-producers.ts';
import { describeQuorumRequest, describeQuorumResponse } from './messages/describe-quorum.ts';
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from './messages/describe-topic-partitions.ts';
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from './messages/describe-transactions.ts';
import {
  describeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
} from './messages/describe-user-scram-credentials.ts';
import { electLeadersRequest, electLeadersResponse } from './messages/elect-leaders.ts';
import { endTxnRequest, endTxnResponse } from './messages/end-txn.ts';
import { envelopeRequest, envelopeResponse } from './messages/envelope.ts';
import {
  expireDelegationTokenRequest,
  expireDelegationTokenResponse,
} from './messages/expire-delegation-token.ts';
import { fetchRequest, fetchResponse } from './messages/fetch.ts';
import { findCoordinatorRequest, findCoordinatorResponse } from './messages/find-coordinator.ts';
import { heartbeatRequest, heartbeatResponse } from './messages/heartbeat.ts';
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from './messages/incremental-alter-configs.ts';
import { initProducerIdRequest, initProducerIdResponse } from './messages/init-producer-id.ts';
import { joinGroupRequest, joinGroupResponse } from './messages/join-group.ts';
import { leaderAndIsrRequest, leaderAndIsrResponse } from './messages/leader-and-isr.ts';
import { leaveGroupRequest, leaveGroupResponse } from './messages/leave-group.ts';
import { listGroupsRequest, listGroupsResponse } from './messages/list-groups.ts';
import { listOffsetsRequest, listOffsetsResponse } from './messages/list-offsets.ts';
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from './messages/list-partition-reassignments.ts';
import { listTransactionsRequest, listTransactionsResponse } from './messages/list-transactions.ts';
import { metadataRequest, metadataResponse } from './messages/metadata.ts';
import { offsetCommitRequest, offsetCommitResponse } from './messages/offset-commit.ts';
import { offsetDeleteRequest, offsetDeleteResponse } from './messages/offset-delete.ts';
import { offsetFetchRequest, offsetFetchResponse } from './messages/offset-fetch.ts';
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from './messages/offset-for-leader-epoch.ts';
import { produceRequest, produceResponse } from './messages/produce.ts';
import {
  renewDelegationTokenRequest,
  renewDelegationTokenResponse,
} from './messages/renew-delegation-token.ts';
import { saslAuthenticateRequest, saslAuthenticateResponse } from './messages/sasl-authenticate.ts';
import { saslHandshakeRequest, saslHandshakeResponse } from './messages/sasl-handshake.ts';
import { stopReplicaRequest, stopReplicaResponse } from './messages/stop-replica.ts';
import { syncGroupRequest, syncGroupResponse } from './messages/sync-group.ts';
import { txnOffsetCommitRequest, txnOffsetCommitResponse } from './messages/txn-offset-commit.ts';
import { updateFeaturesRequest, updateFeaturesResponse } from './messages/update-features.ts';
import { updateMetadataRequest, updateMetadataResponse } from './messages/update-metadata.ts';
import { writeTxnMarkersRequest, writeTxnMarkersResponse } from './messages/write-txn-markers.ts';
import type { Decoded, Encodable, Message } from './schema.ts';

export interface Api {
  readonly key: number;
  /** As in Kafka's ApiKeys, e.g. OffsetForLeaderEpoch. */
  readonly name: string;
  readonly request: Message;
  readonly response: Message;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly isAdvertised: boolean;
}

const api = <Q extends Message, S extends Message>(
  key: number,
  name: string,
  request: Q,
  response: S,
  isAdvertised = true,
) => ({
  key,
  name,
  request,
  response,
  minVersion: request.versions.min,
  maxVersion: request.versions.max,
  isAdvertised,
});

export const apis = {
  produce: api(0, 'Produce', produceRequest, produceResponse),
  fetch: api(1, 'Fetch', fetchRequest, fetchResponse),
  listOffsets: api(2, 'ListOffsets', listOffsetsRequest, listOffsetsResponse),
  metadata: api(3, 'Metadata', metadataRequest, metadataResponse),
  leaderAndIsr: api(4, 'LeaderAndIsr', leaderAndIsrRequest, leaderAndIsrResponse),
  stopReplica: api(5, 'StopReplica', stopReplicaRequest, stopReplicaResponse),
  updateMetadata: api(6, 'UpdateMetadata', updateMetadataRequest, updateMetadataResponse),
  controlledShutdown: api(
    7,
    'ControlledShutdown',
    controlledShutdownRequest,
    controlledShutdownResponse,
  ),
  offsetCommit: api(8, 'OffsetCommit', offsetCommitRequest, offsetCommitResponse),
  offsetFetch: api(9, 'OffsetFetch', offsetFetchRequest, offsetFetchResponse),
  findCoordinator: api(10, 'FindCoordinator', findCoordinatorRequest, findCoordinatorResponse),
  joinGroup: api(11, 'JoinGroup', joinGroupRequest, joinGroupResponse),
  heartbeat: api(12, 'Heartbeat', heartbeatRequest, heartbeatResponse),
  leaveGroup: api(13, 'LeaveGroup', leaveGroupRequest, leaveGroupResponse),
  syncGroup: api(14, 'SyncGroup', syncGroupRequest, syncGroupResponse),
  describeGroups: api(15, 'DescribeGroups', describeGroupsRequest, describeGroupsResponse),
  listGroups: api(16, 'ListGroups', listGroupsRequest, listGroupsResponse),
  saslHandshake: api(17, 'SaslHandshake', saslHandshakeRequest, saslHandshakeResponse),
  apiVersions: api(18, 'ApiVersions', apiVersionsRequest, apiVersionsResponse),
  createTopics: api(19, 'CreateTopics', createTopicsRequest, createTopicsResponse),
  deleteTopics: api(20, 'DeleteTopics', deleteTopicsRequest, deleteTopicsResponse),
  deleteRecords: api(21, 'DeleteRecords', deleteRecordsRequest, deleteRecordsResponse),
  initProducerId: api(22, 'InitProducerId', initProducerIdRequest, initProducerIdResponse),
  offsetForLeaderEpoch: api(
    23,
    'OffsetForLeaderEpoch',
    offsetForLeaderEpochRequest,
    offsetForLeaderEpochResponse,
  ),
  addPartitionsToTxn: api(
    24,
    'AddPartitionsToTxn',
    addPartitionsToTxnRequest,
    addPartitionsToTxnResponse,
  ),
  addOffsetsToTxn: api(25, 'AddOffsetsToTxn', addOffsetsToTxnRequest, addOffsetsToTxnResponse),
  endTxn: api(26, 'EndTxn', endTxnRequest, endTxnResponse),
  writeTxnMarkers: api(27, 'WriteTxnMarkers', writeTxnMarkersRequest, writeTxnMarkersResponse),
  txnOffsetCommit: api(28, 'TxnOffsetCommit', txnOffsetCommitRequest, txnOffsetCommitResponse),
  describeAcls: api(29, 'DescribeAcls', describeAclsRequest, describeAclsResponse),
  createAcls: api(30, 'CreateAcls', createAclsRequest, createAclsResponse),
  deleteAcls: api(31, 'DeleteAcls', deleteAclsRequest, deleteAclsResponse),
  describeConfigs: api(32, 'DescribeConfigs', describeConfigsRequest, describeConfigsResponse),
  alterConfigs: api(33, 'AlterConfigs', alterConfigsRequest, alterConfigsResponse),
  alterReplicaLogDirs: api(
    34,
    'AlterReplicaLogDirs',
    alterReplicaLogDirsRequest,
    alterReplicaLogDirsResponse,
  ),
  describeLogDirs: api(35, 'DescribeLogDirs', describeLogDirsRequest, describeLogDirsResponse),
  saslAuthenticate: api(36, 'SaslAuthenticate', saslAuthenticateRequest, saslAuthenticateResponse),
  createPartitions: api(37, 'CreatePartitions', createPartitionsRequest, createPartitionsResponse),
  createDelegationToken: api(
    38,
    'CreateDelegationToken',
    createDelegationTokenRequest,
    createDelegationTokenResponse,
  ),
  renewDelegationToken: api(
    39,
    'RenewDelegationToken',
    renewDelegationTokenRequest,
    renewDelegationTokenResponse,
  ),
  expireDelegationToken: api(
    40,
    'ExpireDelegationToken',
    expireDelegationTokenRequest,
    expireDelegationTokenResponse,
  ),
  describeDelegationToken: api(
    41,
    'DescribeDelegationToken',
    describeDelegationTokenRequest,
    describeDelegationTokenResponse,
  ),
  deleteGroups: api(42, 'DeleteGroups', deleteGroupsRequest, deleteGroupsResponse),
  electLeaders: api(43, 'ElectLeaders', electLeadersRequest, electLeadersResponse),
  incrementalAlterConfigs: api(
    44,
    'IncrementalAlterConfigs',
    incrementalAlterConfigsRequest,
    incrementalAlterConfigsResponse,
  ),
  alterPartitionReassignments: api(
    45,
    'AlterPartitionReassignments',
    alterPartitionReassignmentsRequest,
    alterPartitionReassignmentsResponse,
  ),
  listPartitionReassignments: api(
    46,
    'ListPartitionReassignments',
    listPartitionReassignmentsRequest,
    listPartitionReassignmentsResponse,
  ),
  offsetDelete: api(47, 'OffsetDelete', offsetDeleteRequest, offsetDeleteResponse),
  describeClientQuotas: api(
    48,
    'DescribeClientQuotas',
    describeClientQuotasRequest,
    describeClientQuotasResponse,
  ),
  alterClientQuotas: api(
    49,
    'AlterClientQuotas',
    alterClientQuotasRequest,
    alterClientQuotasResponse,
  ),
  describeUserScramCredentials: api(
    50,
    'DescribeUserScramCredentials',
    describeUserScramCredentialsRequest,
    describeUserScramCredentialsResponse,
  ),
  alterUserScramCredentials: api(
    51,
    'AlterUserScramCredentials',
    alterUserScramCredentialsRequest,
    alterUserScramCredentialsResponse,
  ),
  describeQuorum: api(55, 'DescribeQuorum', describeQuorumRequest, describeQuorumResponse, false),
  alterPartition: api(56, 'AlterPartition', alterPartitionRequest, alterPartitionResponse),
  updateFeatures: api(57, 'UpdateFeatures', updateFeaturesRequest, updateFeaturesResponse),
  envelope: api(58, 'Envelope', envelopeRequest, envelopeResponse),
  describeCluster: api(60, 'DescribeCluster', describeClusterRequest, describeClusterResponse),
  describeProducers: api(
    61,
    'DescribeProducers',
    describeProducersRequest,
    describeProducersResponse,
  ),
  describeTransactions: api(
    65,
    'DescribeTransactions',
    describeTransactionsRequest,
    describeTransactionsResponse,
  ),
  listTransactions: api(66, 'ListTransactions', listTransactionsRequest, listTransactionsResponse),
  allocateProducerIds: api(
    67,
    'AllocateProducerIds',
    allocateProducerIdsRequest,
    allocateProducerIdsResponse,
  ),
  consumerGroupHeartbeat: api(
    68,
    'ConsumerGroupHeartbeat',
    consumerGroupHeartbeatRequest,
    consumerGroupHeartbeatResponse,
  ),
  consumerGroupDescribe: api(
    69,
    'ConsumerGroupDescribe',
    consumerGroupDescribeRequest,
    consumerGroupDescribeResponse,
  ),
  describeTopicPartitions: api(
    75,
    'DescribeTopicPartitions',
    describeTopicPartitionsRequest,
    describeTopicPartitionsResponse,
    false,
  ),
} as const;

export type ApiName = keyof typeof apis;

/** A request as a server sees it: every field is there. */
export type RequestOf<A extends Api> = Decoded<A['request']>;
/** A response as a server gives it: fields with a default may be left out. */
export type ResponseOf<A extends Api> = Encodable<A['response']>;
/** A request as a client gives it. */
export type RequestInput<A extends Api> = Encodable<A['request']>;
/** A response as a client sees it. */
export type ResponseOutput<A extends Api> = Decoded<A['response']>;

/** In the order of the keys. */
export const allApis: readonly Api[] = Object.values(apis);

const byKey = new Map(allApis.map((entry) => [entry.key, entry]));

export const apiByKey = (key: number): Api | undefined => byKey.get(key);
