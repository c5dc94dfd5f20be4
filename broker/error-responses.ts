/**
 * What a request gets whose handler has thrown: its API's response with one error code in it, where
 * Kafka puts it (its requests' getErrorResponse, requests sheet §5.2): at the top, in every entry
 * of the request, or both. A table; an API whose client could not be told has no response, and its
 * connection is closed.
 */
import { type Api, apis, type RequestOf, type ResponseOf } from '../protocol/apis.ts';
import { errorCodes, errorOf } from '../protocol/errors.ts';

export interface Failure {
  readonly code: number;
  /** Why; "" when nothing more can be said. */
  readonly text: string;
}

/** A failure as the entries below see it. */
interface Reason {
  readonly code: number;
  /** Null when it says no more than the code does. */
  readonly message: string | null;
  /** The same with the code's own text in place of null. */
  readonly text: string;
}

type Build = (request: never, reason: Reason, version: number) => object | null;

const THROTTLE = { throttleTimeMs: 0 };

const entry = <A extends Api>(
  api: A,
  build: (request: RequestOf<A>, reason: Reason, version: number) => ResponseOf<A> | null,
): readonly [number, Build] => [api.key, build as Build];

/** The body to send; null: close the connection. */
export const errorResponse = (
  api: Api,
  request: object,
  version: number,
  failure: Failure,
): object | null => {
  const build = table.get(api.key);
  if (build === undefined) return null;
  return build(request as never, reasonOf(failure), version);
};

const reasonOf = ({ code, text }: Failure): Reason => {
  const usual = errorOf(code).message;
  const saysMore = code !== errorCodes.UNKNOWN_SERVER_ERROR && text !== '' && text !== usual;
  return { code, message: saysMore ? text : null, text: saysMore ? text : usual };
};

/** Topics that name their partitions by number alone, under whatever names. */
const partitionCodes = <P>(
  partitions: readonly P[],
  indexOf: (partition: P) => number,
  code: number,
) => partitions.map((partition) => ({ partitionIndex: indexOf(partition), errorCode: code }));

const same = (index: number): number => index;

const dataApis = [
  entry(apis.produce, (request, { code, message }, version) => {
    if (request.acks === 0) return null;
    const refused = {
      errorCode: code,
      baseOffset: -1,
      logAppendTimeMs: -1,
      logStartOffset: -1,
      ...(version < 8 ? {} : { errorMessage: message }),
    };
    return {
      responses: request.topicData.map(({ name, partitionData }) => ({
        name,
        partitionResponses: partitionData.map(({ index }) => ({ index, ...refused })),
      })),
    };
  }),
  entry(apis.fetch, (request, { code }, version) => ({
    errorCode: code,
    sessionId: version < 7 ? 0 : request.sessionId,
    responses:
      version >= 13
        ? []
        : request.topics.map(({ topic, partitions }) => ({
            topic,
            partitions: partitions.map(({ partition }) => ({
              partitionIndex: partition,
              errorCode: code,
              highWatermark: -1,
              records: Buffer.alloc(0),
            })),
          })),
  })),
  entry(apis.listOffsets, (request, { code }) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitionCodes(partitions, ({ partitionIndex }) => partitionIndex, code),
    })),
  })),
  entry(apis.metadata, (request, { code }) => ({
    brokers: [],
    topics: (request.topics ?? []).map(({ name, topicId }) => ({
      errorCode: code,
      name: name ?? '',
      topicId,
      partitions: [],
    })),
  })),
  entry(apis.deleteRecords, (request, { code }) => ({
    ...THROTTLE,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        lowWatermark: -1,
        errorCode: code,
      })),
    })),
  })),
  entry(apis.offsetForLeaderEpoch, (request, { code }) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ errorCode: code, partition })),
    })),
  })),
  entry(apis.describeProducers, (request, { code, message }) => ({
    ...THROTTLE,
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: code,
        errorMessage: message,
        activeProducers: [],
      })),
    })),
  })),
  entry(apis.describeLogDirs, (_request, { code }) => ({
    ...THROTTLE,
    errorCode: code,
    results: [],
  })),
  entry(apis.alterReplicaLogDirs, (request, { code }) => ({
    ...THROTTLE,
    results: request.dirs.flatMap(({ topics }) =>
      topics.map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitionCodes(partitions, same, code),
      })),
    ),
  })),
];

const groupApis = [
  entry(apis.offsetCommit, (request, { code }) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitionCodes(partitions, ({ partitionIndex }) => partitionIndex, code),
    })),
  })),
  entry(apis.offsetFetch, (request, { code }, version) => {
    if (version >= 8)
      return {
        groups: request.groups.map(({ groupId }) => ({ groupId, topics: [], errorCode: code })),
      };
    const unknown = { committedOffset: -1, metadata: '', errorCode: code };
    // Before there was a code at the top the partitions have to say it.
    const topics =
      version >= 2
        ? []
        : (request.topics ?? []).map(({ name, partitionIndexes }) => ({
            name,
            partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, ...unknown })),
          }));
    return { topics, errorCode: code };
  }),
  entry(apis.findCoordinator, (request, { code, text }, version) => {
    const nobody = { errorCode: code, errorMessage: text, nodeId: -1, host: '', port: -1 };
    if (version < 4) return nobody;
    return { coordinators: request.coordinatorKeys.map((key) => ({ key, ...nobody })) };
  }),
  entry(apis.joinGroup, (_request, { code }, version) => ({
    errorCode: code,
    generationId: -1,
    protocolName: version >= 7 ? null : '',
    leader: '',
    memberId: '',
    members: [],
  })),
  entry(apis.heartbeat, (_request, { code }) => ({ errorCode: code })),
  entry(apis.leaveGroup, (_request, { code }) => ({ errorCode: code })),
  entry(apis.syncGroup, (_request, { code }) => ({ errorCode: code, assignment: Buffer.alloc(0) })),
  entry(apis.describeGroups, (request, { code }) => ({
    groups: request.groups.map((groupId) => ({
      errorCode: code,
      groupId,
      groupState: '',
      protocolType: '',
      protocolData: '',
      members: [],
    })),
  })),
  entry(apis.listGroups, (_request, { code }) => ({ errorCode: code, groups: [] })),
  entry(apis.deleteGroups, (request, { code }) => ({
    ...THROTTLE,
    results: request.groupsNames.map((groupId) => ({ groupId, errorCode: code })),
  })),
  entry(apis.offsetDelete, (_request, { code }) => ({ errorCode: code, ...THROTTLE, topics: [] })),
  entry(apis.consumerGroupHeartbeat, (_request, { code }) => ({
    ...THROTTLE,
    errorCode: code,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
  })),
  entry(apis.consumerGroupDescribe, (request, { code }) => ({
    ...THROTTLE,
    groups: request.groupIds.map((groupId) => ({
      errorCode: code,
      groupId,
      groupState: '',
      groupEpoch: 0,
      assignmentEpoch: 0,
      assignorName: '',
      members: [],
    })),
  })),
];

const transactionApis = [
  entry(apis.initProducerId, (_request, { code }) => ({
    ...THROTTLE,
    errorCode: code,
    producerEpoch: -1,
  })),
  entry(apis.addPartitionsToTxn, (request, { code }, version) => {
    if (version >= 4) return { ...THROTTLE, errorCode: code };
    return {
      ...THROTTLE,
      resultsByTopicV3AndBelow: request.v3AndBelowTopics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: code,
        })),
      })),
    };
  }),
  entry(apis.addOffsetsToTxn, (_request, { code }) => ({ ...THROTTLE, errorCode: code })),
  entry(apis.endTxn, (_request, { code }) => ({ ...THROTTLE, errorCode: code })),
  entry(apis.writeTxnMarkers, (request, { code }) => ({
    markers: request.markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionCodes(partitionIndexes, same, code),
      })),
    })),
  })),
  entry(apis.txnOffsetCommit, (request, { code }) => ({
    ...THROTTLE,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitionCodes(partitions, ({ partitionIndex }) => partitionIndex, code),
    })),
  })),
  entry(apis.describeTransactions, (request, { code }) => ({
    ...THROTTLE,
    transactionStates: request.transactionalIds.map((transactionalId) => ({
      errorCode: code,
      transactionalId,
      transactionState: '',
      transactionTimeoutMs: 0,
      transactionStartTimeMs: 0,
      producerId: 0,
      producerEpoch: 0,
      topics: [],
    })),
  })),
  entry(apis.listTransactions, (_request, { code }) => ({
    ...THROTTLE,
    errorCode: code,
    unknownStateFilters: [],
    transactionStates: [],
  })),
];

const topicApis = [
  entry(apis.createTopics, (request, { code, message }) => ({
    topics: request.topics.map(({ name }) => ({
      name,
      errorCode: code,
      errorMessage: message,
      configs: [],
    })),
  })),
  entry(apis.deleteTopics, (request, { code }, version) => ({
    responses: (version >= 6
      ? request.topics
      : request.topicNames.map((name) => ({ name, topicId: undefined }))
    ).map(({ name, topicId }) => ({ name, topicId, errorCode: code })),
  })),
  entry(apis.createPartitions, (request, { code, message }) => ({
    ...THROTTLE,
    results: request.topics.map(({ name }) => ({ name, errorCode: code, errorMessage: message })),
  })),
  entry(apis.describeConfigs, (request, { code, text }) => ({
    ...THROTTLE,
    results: request.resources.map(({ resourceType, resourceName }) => ({
      errorCode: code,
      errorMessage: text,
      resourceType,
      resourceName,
      configs: [],
    })),
  })),
  entry(apis.alterConfigs, (request, { code, message }) => ({
    ...THROTTLE,
    responses: request.resources.map(({ resourceType, resourceName }) => ({
      errorCode: code,
      errorMessage: message,
      resourceType,
      resourceName,
    })),
  })),
  entry(apis.incrementalAlterConfigs, (request, { code, message }) => ({
    ...THROTTLE,
    responses: request.resources.map(({ resourceType, resourceName }) => ({
      errorCode: code,
      errorMessage: message,
      resourceType,
      resourceName,
    })),
  })),
  entry(apis.electLeaders, (request, { code, message }, version) => ({
    ...THROTTLE,
    ...(version < 1 ? {} : { errorCode: code }),
    replicaElectionResults: (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({
        partitionId,
        errorCode: code,
        errorMessage: message,
      })),
    })),
  })),
  entry(apis.alterPartitionReassignments, (request, { code, message }) => ({
    ...THROTTLE,
    errorCode: code,
    errorMessage: message,
    responses: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: code,
        errorMessage: message,
      })),
    })),
  })),
  entry(apis.listPartitionReassignments, (request, { code, message }) => ({
    ...THROTTLE,
    errorCode: code,
    errorMessage: message,
    topics: (request.topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        replicas: [],
        addingReplicas: [],
        removingReplicas: [],
      })),
    })),
  })),
];

const clusterApis = [
  entry(apis.leaderAndIsr, (request, { code }, version) => {
    if (version >= 5)
      return {
        errorCode: code,
        topics: request.topicStates.map(({ topicId, partitionStates }) => ({
          topicId,
          partitionErrors: partitionCodes(partitionStates, (state) => state.partitionIndex, code),
        })),
      };
    const grouped = request.topicStates.flatMap(({ topicName, partitionStates }) =>
      partitionStates.map(({ partitionIndex }) => ({ topicName, partitionIndex, errorCode: code })),
    );
    const flat = request.ungroupedPartitionStates.map(({ topicName, partitionIndex }) => ({
      topicName,
      partitionIndex,
      errorCode: code,
    }));
    return { errorCode: code, partitionErrors: [...grouped, ...flat] };
  }),
  entry(apis.stopReplica, (request, { code }) => ({
    errorCode: code,
    partitionErrors: [
      ...request.topicStates.flatMap(({ topicName, partitionStates }) =>
        partitionStates.map(({ partitionIndex }) => ({ topicName, partitionIndex })),
      ),
      ...request.topics.flatMap(({ name, partitionIndexes }) =>
        partitionIndexes.map((partitionIndex) => ({ topicName: name, partitionIndex })),
      ),
      ...request.ungroupedPartitions,
    ].map(({ topicName, partitionIndex }) => ({ topicName, partitionIndex, errorCode: code })),
  })),
  entry(apis.updateMetadata, (_request, { code }) => ({ errorCode: code })),
  entry(apis.controlledShutdown, (_request, { code }) => ({
    errorCode: code,
    remainingPartitions: [],
  })),
  entry(apis.alterPartition, (_request, { code }) => ({
    ...THROTTLE,
    errorCode: code,
    topics: [],
  })),
  entry(apis.updateFeatures, (_request, { code, message }) => ({
    ...THROTTLE,
    errorCode: code,
    errorMessage: message,
    results: [],
  })),
  entry(apis.allocateProducerIds, (_request, { code }) => ({
    ...THROTTLE,
    errorCode: code,
    producerIdStart: 0,
    producerIdLen: 0,
  })),
  entry(apis.envelope, (_request, { code }) => ({ errorCode: code })),
  entry(apis.describeCluster, (_request, { code, message }) => ({
    ...THROTTLE,
    errorCode: code,
    errorMessage: message,
    clusterId: '',
    brokers: [],
  })),
  entry(apis.apiVersions, (_request, { code }) => ({ errorCode: code, apiKeys: [] })),
];

const securityApis = [
  entry(apis.saslHandshake, (_request, { code }) => ({ errorCode: code, mechanisms: [] })),
  entry(apis.saslAuthenticate, (_request, { code, message }) => ({
    errorCode: code,
    errorMessage: message,
    authBytes: Buffer.alloc(0),
  })),
  entry(apis.describeAcls, (_request, { code, message }) => ({
    ...THROTTLE,
    errorCode: code,
    errorMessage: message,
    resources: [],
  })),
  entry(apis.createAcls, (request, { code, message }) => ({
    ...THROTTLE,
    results: request.creations.map(() => ({ errorCode: code, errorMessage: message })),
  })),
  entry(apis.deleteAcls, (request, { code, message }) => ({
    ...THROTTLE,
    filterResults: request.filters.map(() => ({
      errorCode: code,
      errorMessage: message,
      matchingAcls: [],
    })),
  })),
  entry(apis.createDelegationToken, (_request, { code }) => ({
    errorCode: code,
    principalType: '',
    principalName: '',
    issueTimestampMs: -1,
    expiryTimestampMs: -1,
    maxTimestampMs: -1,
    tokenId: '',
    hmac: Buffer.alloc(0),
    ...THROTTLE,
  })),
  entry(apis.renewDelegationToken, (_request, { code }) => ({
    errorCode: code,
    expiryTimestampMs: -1,
    ...THROTTLE,
  })),
  entry(apis.expireDelegationToken, (_request, { code }) => ({
    errorCode: code,
    expiryTimestampMs: -1,
    ...THROTTLE,
  })),
  entry(apis.describeDelegationToken, (_request, { code }) => ({
    errorCode: code,
    tokens: [],
    ...THROTTLE,
  })),
  entry(apis.describeClientQuotas, (_request, { code, message }) => ({
    ...THROTTLE,
    errorCode: code,
    errorMessage: message,
    entries: null,
  })),
  entry(apis.alterClientQuotas, (request, { code, text }) => ({
    ...THROTTLE,
    entries: request.entries.map(({ entity }) => ({ errorCode: code, errorMessage: text, entity })),
  })),
  entry(apis.describeUserScramCredentials, (_request, { code, message }) => ({
    ...THROTTLE,
    errorCode: code,
    errorMessage: message,
    results: [],
  })),
  entry(apis.alterUserScramCredentials, (request, { code, message }) => {
    const users = new Set([...request.deletions, ...request.upsertions].map(({ name }) => name));
    return {
      ...THROTTLE,
      results: Array.from(users, (user) => ({ user, errorCode: code, errorMessage: message })),
    };
  }),
];

const table: ReadonlyMap<number, Build> = new Map([
  ...dataApis,
  ...groupApis,
  ...transactionApis,
  ...topicApis,
  ...clusterApis,
  ...securityApis,
]);
