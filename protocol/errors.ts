/**
 * Kafka's error codes (its class Errors, all of 3.9) as one table, and the error that carries
 * one of them. Codecs know nothing of it: on the wire an error code is an int16 like any other.
 * The texts are the ones a response falls back to.
 */

/** 'R' may be tried again as it is, 'RM' after the metadata was fetched anew, '' is final. */
type Retry = '' | 'R' | 'RM';

const table = {
  UNKNOWN_SERVER_ERROR: [-1, '', 'The broker met an error that it has no code for.'],
  NONE: [0, '', ''],
  OFFSET_OUT_OF_RANGE: [1, '', 'The offset lies outside of what the partition holds.'],
  CORRUPT_MESSAGE: [
    2,
    'R',
    'The records are damaged, too large, or lack a key that a compacted topic asks for.',
  ],
  UNKNOWN_TOPIC_OR_PARTITION: [3, 'RM', 'This broker does not host this topic-partition.'],
  INVALID_FETCH_SIZE: [4, '', 'The fetch size asked for is not valid.'],
  LEADER_NOT_AVAILABLE: [
    5,
    'RM',
    'The partition has no leader at the moment; an election may be under way.',
  ],
  NOT_LEADER_OR_FOLLOWER: [
    6,
    'RM',
    'This broker is not the leader, or for a fetch not a replica, of this partition.',
  ],
  REQUEST_TIMED_OUT: [7, 'R', 'The time allowed for the request ran out.'],
  BROKER_NOT_AVAILABLE: [8, '', 'The broker cannot be reached.'],
  REPLICA_NOT_AVAILABLE: [9, 'RM', 'The replica asked for cannot be had on this broker.'],
  MESSAGE_TOO_LARGE: [10, '', 'The batch is larger than the largest that the broker takes.'],
  STALE_CONTROLLER_EPOCH: [11, '', 'A newer controller has taken over.'],
  OFFSET_METADATA_TOO_LARGE: [12, '', 'The metadata beside the offset is longer than allowed.'],
  NETWORK_EXCEPTION: [13, 'RM', 'The connection ended before the response came.'],
  COORDINATOR_LOAD_IN_PROGRESS: [14, 'R', 'The coordinator is still loading its state.'],
  COORDINATOR_NOT_AVAILABLE: [15, 'R', 'There is no coordinator at the moment.'],
  NOT_COORDINATOR: [16, 'R', 'Another broker is the coordinator.'],
  INVALID_TOPIC_EXCEPTION: [17, '', 'The topic name is not valid or not allowed here.'],
  RECORD_LIST_TOO_LARGE: [18, '', 'The records together are larger than a segment of the log.'],
  NOT_ENOUGH_REPLICAS: [19, 'R', 'Fewer replicas are in sync than the topic asks for.'],
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: [
    20,
    'R',
    'The records were written, but to fewer in-sync replicas than the topic asks for.',
  ],
  INVALID_REQUIRED_ACKS: [21, '', 'The acks asked for are none of -1, 0 and 1.'],
  ILLEGAL_GENERATION: [22, '', 'The generation is not the current one of the group.'],
  INCONSISTENT_GROUP_PROTOCOL: [
    23,
    '',
    'The protocols of this member do not go with those of the group.',
  ],
  INVALID_GROUP_ID: [24, '', 'The group id is not valid.'],
  UNKNOWN_MEMBER_ID: [25, '', 'The group does not know this member.'],
  INVALID_SESSION_TIMEOUT: [
    26,
    '',
    'The session timeout lies outside of the range that the broker allows.',
  ],
  REBALANCE_IN_PROGRESS: [27, '', 'The group is rebalancing and the member has to join again.'],
  INVALID_COMMIT_OFFSET_SIZE: [28, '', 'The offset to be committed is larger than allowed.'],
  TOPIC_AUTHORIZATION_FAILED: [29, '', 'Access to the topic is denied.'],
  GROUP_AUTHORIZATION_FAILED: [30, '', 'Access to the group is denied.'],
  CLUSTER_AUTHORIZATION_FAILED: [31, '', 'Access to the cluster is denied.'],
  INVALID_TIMESTAMP: [32, '', 'The timestamp is out of the accepted range.'],
  UNSUPPORTED_SASL_MECHANISM: [33, '', 'The broker does not offer this SASL mechanism.'],
  ILLEGAL_SASL_STATE: [34, '', 'The request has no place in the current state of authentication.'],
  UNSUPPORTED_VERSION: [35, '', 'The broker does not support this version of the request.'],
  TOPIC_ALREADY_EXISTS: [36, '', 'A topic of this name exists already.'],
  INVALID_PARTITIONS: [37, '', 'The number of partitions is not valid.'],
  INVALID_REPLICATION_FACTOR: [
    38,
    '',
    'The replication factor is not valid, or larger than the number of brokers.',
  ],
  INVALID_REPLICA_ASSIGNMENT: [39, '', 'The replica assignment is not valid.'],
  INVALID_CONFIG: [40, '', 'The configuration is not valid.'],
  NOT_CONTROLLER: [41, 'R', 'This is not the correct controller for this cluster.'],
  INVALID_REQUEST: [
    42,
    '',
    'The request contradicts itself or the protocol; the log of the broker says more.',
  ],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [
    43,
    '',
    'The message format of the log does not support this request.',
  ],
  POLICY_VIOLATION: [44, '', 'The request violates a policy of the cluster.'],
  OUT_OF_ORDER_SEQUENCE_NUMBER: [
    45,
    '',
    'The sequence number does not follow the last one of its producer.',
  ],
  DUPLICATE_SEQUENCE_NUMBER: [46, '', 'The sequence number was used before.'],
  INVALID_PRODUCER_EPOCH: [47, '', 'The epoch of the producer is not the current one.'],
  INVALID_TXN_STATE: [48, '', 'The transaction is in a state that does not allow this.'],
  INVALID_PRODUCER_ID_MAPPING: [
    49,
    '',
    'The producer id does not belong to this transactional id.',
  ],
  INVALID_TRANSACTION_TIMEOUT: [
    50,
    '',
    'The transaction timeout is larger than the broker allows.',
  ],
  CONCURRENT_TRANSACTIONS: [
    51,
    'R',
    'An earlier operation of the same transactional id is still under way.',
  ],
  TRANSACTION_COORDINATOR_FENCED: [
    52,
    '',
    'A newer coordinator of this transactional id has taken over.',
  ],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [53, '', 'Access to the transactional id is denied.'],
  SECURITY_DISABLED: [54, '', 'Security features are turned off on this broker.'],
  OPERATION_NOT_ATTEMPTED: [
    55,
    '',
    'The operation was not tried; another one of the same request may have failed.',
  ],
  KAFKA_STORAGE_ERROR: [56, 'RM', 'The disk failed when the log was read or written.'],
  LOG_DIR_NOT_FOUND: [57, '', 'The log directory is not among those of the broker.'],
  SASL_AUTHENTICATION_FAILED: [58, '', 'Authentication failed.'],
  UNKNOWN_PRODUCER_ID: [59, '', 'The broker no longer holds the state of this producer id.'],
  REASSIGNMENT_IN_PROGRESS: [60, '', 'The partitions are being reassigned.'],
  DELEGATION_TOKEN_AUTH_DISABLED: [61, '', 'Delegation tokens are turned off.'],
  DELEGATION_TOKEN_NOT_FOUND: [62, '', 'The broker does not know this delegation token.'],
  DELEGATION_TOKEN_OWNER_MISMATCH: [63, '', 'The delegation token belongs to somebody else.'],
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: [
    64,
    '',
    'Delegation token requests are not allowed over this kind of connection.',
  ],
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: [65, '', 'Access to the delegation token is denied.'],
  DELEGATION_TOKEN_EXPIRED: [66, '', 'The delegation token has expired.'],
  INVALID_PRINCIPAL_TYPE: [67, '', 'The type of the principal is not supported.'],
  NON_EMPTY_GROUP: [68, '', 'The group still has members.'],
  GROUP_ID_NOT_FOUND: [69, '', 'There is no such group.'],
  FETCH_SESSION_ID_NOT_FOUND: [70, 'R', 'There is no such fetch session.'],
  INVALID_FETCH_SESSION_EPOCH: [71, 'R', 'The epoch of the fetch session is not the expected one.'],
  LISTENER_NOT_FOUND: [
    72,
    'RM',
    'The leader has no endpoint on the listener that the request came through.',
  ],
  TOPIC_DELETION_DISABLED: [73, '', 'Deletion of topics is turned off.'],
  FENCED_LEADER_EPOCH: [74, 'RM', 'The leader epoch is older than that of the broker.'],
  UNKNOWN_LEADER_EPOCH: [75, 'R', 'The leader epoch is newer than that of the broker.'],
  UNSUPPORTED_COMPRESSION_TYPE: [76, '', 'The compression type is not supported in this version.'],
  STALE_BROKER_EPOCH: [77, '', 'The broker epoch is older than the registered one.'],
  OFFSET_NOT_AVAILABLE: [78, 'R', 'The leader does not know its high watermark yet.'],
  MEMBER_ID_REQUIRED: [79, '', 'The member has to join again with the id it was given.'],
  PREFERRED_LEADER_NOT_AVAILABLE: [
    80,
    'RM',
    'The preferred leader cannot take over at the moment.',
  ],
  GROUP_MAX_SIZE_REACHED: [81, '', 'The group has as many members as it may.'],
  FENCED_INSTANCE_ID: [82, '', 'Another member with the same instance id has taken over.'],
  ELIGIBLE_LEADERS_NOT_AVAILABLE: [83, 'RM', 'None of the replicas that may lead is available.'],
  ELECTION_NOT_NEEDED: [84, 'RM', 'Leader election not needed for topic partition.'],
  NO_REASSIGNMENT_IN_PROGRESS: [85, '', 'No partition reassignment is in progress.'],
  GROUP_SUBSCRIBED_TO_TOPIC: [86, '', 'Members of the group are subscribed to the topic.'],
  INVALID_RECORD: [87, '', 'The broker refused a record.'],
  UNSTABLE_OFFSET_COMMIT: [88, 'R', 'Offsets of open transactions must settle first.'],
  THROTTLING_QUOTA_EXCEEDED: [89, 'R', 'The quota is used up.'],
  PRODUCER_FENCED: [90, '', 'A newer producer with the same transactional id has taken over.'],
  RESOURCE_NOT_FOUND: [91, '', 'There is no such resource.'],
  DUPLICATE_RESOURCE: [92, '', 'The resource is given more than once.'],
  UNACCEPTABLE_CREDENTIAL: [93, '', 'The credential does not meet the requirements.'],
  INCONSISTENT_VOTER_SET: [94, '', 'The sender and the receiver know different sets of voters.'],
  INVALID_UPDATE_VERSION: [95, '', 'The feature version is not valid.'],
  FEATURE_UPDATE_FAILED: [96, '', 'The features could not be updated.'],
  PRINCIPAL_DESERIALIZATION_FAILURE: [
    97,
    '',
    'The principal of the forwarded request could not be read.',
  ],
  SNAPSHOT_NOT_FOUND: [98, '', 'There is no such snapshot.'],
  POSITION_OUT_OF_RANGE: [99, '', 'The position lies outside of the snapshot.'],
  UNKNOWN_TOPIC_ID: [100, 'RM', 'This broker does not host this topic id.'],
  DUPLICATE_BROKER_REGISTRATION: [101, '', 'A broker with this id is registered already.'],
  BROKER_ID_NOT_REGISTERED: [102, '', 'No broker with this id is registered.'],
  INCONSISTENT_TOPIC_ID: [103, 'RM', 'The topic id in the log is not that of the request.'],
  INCONSISTENT_CLUSTER_ID: [104, '', 'The cluster id is not that of this cluster.'],
  TRANSACTIONAL_ID_NOT_FOUND: [105, '', 'There is no such transactional id.'],
  FETCH_SESSION_TOPIC_ID_ERROR: [
    106,
    'R',
    'The fetch session mixes requests with and without topic ids.',
  ],
  INELIGIBLE_REPLICA: [107, '', 'A replica that is not eligible cannot join the in-sync replicas.'],
  NEW_LEADER_ELECTED: [108, '', 'The change was made and a new leader was chosen.'],
  OFFSET_MOVED_TO_TIERED_STORAGE: [109, '', 'The offset has moved to tiered storage.'],
  FENCED_MEMBER_EPOCH: [110, '', 'The epoch of the member is no longer valid.'],
  UNRELEASED_INSTANCE_ID: [111, '', 'The instance id is still in use by another member.'],
  UNSUPPORTED_ASSIGNOR: [112, '', 'The group does not support this assignor.'],
  STALE_MEMBER_EPOCH: [113, '', 'The epoch of the member is not the one the coordinator expects.'],
  MISMATCHED_ENDPOINT_TYPE: [114, '', 'The request was sent to an endpoint of the wrong type.'],
  UNSUPPORTED_ENDPOINT_TYPE: [115, '', 'The type of endpoint is not supported.'],
  UNKNOWN_CONTROLLER_ID: [116, '', 'There is no such controller.'],
  UNKNOWN_SUBSCRIPTION_ID: [117, '', 'The subscription of the client metrics is not known.'],
  TELEMETRY_TOO_LARGE: [118, '', 'The telemetry is larger than the broker takes.'],
  INVALID_REGISTRATION: [119, '', 'The registration of the controller is not valid.'],
  TRANSACTION_ABORTABLE: [120, '', 'The transaction failed and can be aborted.'],
  INVALID_RECORD_STATE: [121, '', 'The record is in a state that does not allow this.'],
  SHARE_SESSION_NOT_FOUND: [122, 'R', 'There is no such share session.'],
  INVALID_SHARE_SESSION_EPOCH: [
    123,
    'R',
    'The epoch of the share session is not the expected one.',
  ],
  FENCED_STATE_EPOCH: [124, '', 'The state epoch is older than the current one.'],
  INVALID_VOTER_KEY: [125, '', 'The key of the voter is not that of the receiver.'],
  DUPLICATE_VOTER: [126, '', 'The voter is in the set already.'],
  VOTER_NOT_FOUND: [127, '', 'The voter is not in the set.'],
} as const satisfies Record<string, readonly [code: number, retry: Retry, message: string]>;

export type ErrorName = keyof typeof table;

export interface ErrorInfo {
  readonly name: ErrorName;
  readonly code: number;
  readonly isRetriable: boolean;
  /** Whether the error says that the sender's picture of the cluster is old. */
  readonly refreshesMetadata: boolean;
  /** Empty for NONE only. */
  readonly message: string;
}

const infoOf = (name: ErrorName): ErrorInfo => {
  const [code, retry, message] = table[name];
  return { name, code, isRetriable: retry !== '', refreshesMetadata: retry === 'RM', message };
};

const names = Object.keys(table) as ErrorName[];

/** By name. */
export const errors = Object.fromEntries(names.map((name) => [name, infoOf(name)])) as {
  readonly [Name in ErrorName]: ErrorInfo;
};

/** The codes by name. */
export const errorCodes = Object.fromEntries(names.map((name) => [name, table[name][0]])) as {
  readonly [Name in ErrorName]: (typeof table)[Name][0];
};

const byCode = new Map<number, ErrorInfo>(Object.values(errors).map((info) => [info.code, info]));

/** The error behind a code; one that we do not know counts as UNKNOWN_SERVER_ERROR. */
export const errorOf = (code: number): ErrorInfo => byCode.get(code) ?? errors.UNKNOWN_SERVER_ERROR;

/** A refused request. Only what dispatches requests, and the client, catch it. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: number;

  constructor(code: number, message?: string, options?: ErrorOptions) {
    super(message ?? errorOf(code).message, options);
    this.code = code;
  }

  get isRetriable(): boolean {
    return errorOf(this.code).isRetriable;
  }
}
