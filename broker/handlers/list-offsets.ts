/** ListOffsets: the earliest, latest, largest-timestamp offset, or the first at or after a time (KIP-79, KIP-207, KIP-734). */
import { partitionName } from '../../log/checkpoints.ts';
import { apis, type RequestOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { HostedPartition } from '../replication/hosted-partition.ts';
import { checkLeaderEpoch } from '../replication/partition-reads.ts';
import type { Services } from '../services.ts';
import { handler, type RequestContext } from './handler.ts';
import { offsetsBefore } from './old-clients.ts';

type ListOffsetsRequest = RequestOf<typeof apis.listOffsets>;

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
/** The first version that may ask for each special timestamp. */
const minVersions = new Map([
  [LATEST, 0],
  [EARLIEST, 0],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
]);
/** A client that looks into a leader's log from outside of its role; only kafka-replica-verification does. */
const DEBUGGING_REPLICA = -2;
const CONSUMER = -1;
const READ_COMMITTED = 1;
const WITH_LEADER_EPOCH = 4;

interface Found {
  readonly errorCode: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
  /** Version 0 lists offsets. */
  readonly oldStyleOffsets?: number[];
}

const NOTHING = { errorCode: errorCodes.NONE, offset: -1, timestamp: -1, leaderEpoch: -1 };

export const listOffsetsHandler = handler(apis.listOffsets, async (services, request, context) => {
  const repeated = context.apiVersion >= 1 ? repeatedIn(request) : NONE_REPEATED;
  const topics = request.topics.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(
      partitions.map(async (asked) => {
        const { partitionIndex } = asked;
        const found = repeated.has(partitionName(name, partitionIndex))
          ? { ...NOTHING, errorCode: errorCodes.INVALID_REQUEST }
          : await findOffset(services, request, context, { topic: name, ...asked });
        return { partitionIndex, ...shaped(found, context.apiVersion) };
      }),
    ),
  }));
  return { topics: await Promise.all(topics) };
});

const NONE_REPEATED: ReadonlySet<string> = new Set();

/** A topic may come twice as well. */
const repeatedIn = ({ topics }: ListOffsetsRequest): ReadonlySet<string> => {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const key = partitionName(name, partitionIndex);
      (seen.has(key) ? repeated : seen).add(key);
    }
  }
  return repeated;
};

/** The leader epoch came with version 4. */
const shaped = (found: Found, version: number) => {
  const { errorCode, offset, timestamp } = found;
  if (version >= WITH_LEADER_EPOCH) return found;
  if (version > 0) return { errorCode, offset, timestamp };
  return { errorCode, oldStyleOffsets: found.oldStyleOffsets ?? [] };
};

const findOffset = async (
  { replicas, system }: Services,
  request: ListOffsetsRequest,
  context: RequestContext,
  asked: {
    readonly topic: string;
    readonly partitionIndex: number;
    readonly currentLeaderEpoch: number;
    readonly timestamp: number;
    readonly maxNumOffsets: number;
  },
): Promise<Found> => {
  const refuse = (errorCode: number): Found => ({ ...NOTHING, errorCode });
  const { timestamp } = asked;
  const minVersion = timestamp < 0 ? minVersions.get(timestamp) : 0;
  if (minVersion === undefined || context.apiVersion < minVersion)
    return refuse(errorCodes.UNSUPPORTED_VERSION);
  const replica = replicas.lookUp(asked.topic, asked.partitionIndex);
  if (typeof replica === 'number') return refuse(replica);
  const epochError = checkLeaderEpoch(replica.state.leaderEpoch, asked.currentLeaderEpoch);
  if (epochError !== errorCodes.NONE) return refuse(epochError);
  if (!replica.state.isLeader && request.replicaId !== DEBUGGING_REPLICA)
    return refuse(errorCodes.NOT_LEADER_OR_FOLLOWER);
  if (context.apiVersion === 0) {
    const isClient = request.replicaId === CONSUMER;
    const count = asked.maxNumOffsets;
    const oldStyleOffsets = offsetsBefore(
      replica.log,
      { timestamp, count, nowMs: system.clock.nowMs() },
      isClient ? replica.state.highWatermark : null,
    );
    return { ...NOTHING, oldStyleOffsets };
  }
  try {
    return await lookUp(replica, request, timestamp, context.apiVersion);
  } catch (error) {
    if (error instanceof ProtocolError) return refuse(error.code);
    system.logger.error({ err: error, topic: asked.topic }, 'offset lookup failed');
    return refuse(errorCodes.KAFKA_STORAGE_ERROR);
  }
};

const lookUp = async (
  replica: HostedPartition,
  request: ListOffsetsRequest,
  timestamp: number,
  version: number,
): Promise<Found> => {
  const { log, state } = replica;
  const isClient = request.replicaId === CONSUMER;
  const bound = !isClient
    ? log.logEndOffset
    : request.isolationLevel === READ_COMMITTED
      ? replica.lastStableOffset
      : state.highWatermark;
  // A new leader may not know yet how far its predecessor had committed.
  const isBehind = isClient && state.highWatermark < (state.leaderEpochStartOffset ?? 0);
  const notYet = {
    ...NOTHING,
    errorCode: version >= 5 ? errorCodes.OFFSET_NOT_AVAILABLE : errorCodes.LEADER_NOT_AVAILABLE,
  };
  switch (timestamp) {
    case LATEST:
      return isBehind ? notYet : { ...NOTHING, offset: bound, leaderEpoch: state.leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL: {
      const leaderEpoch = log.epochs.epochAt(log.logStartOffset) ?? -1;
      return { ...NOTHING, offset: log.logStartOffset, leaderEpoch };
    }
    case LATEST_TIERED:
      return NOTHING;
    default: {
      const found =
        timestamp === MAX_TIMESTAMP
          ? await log.maxTimestamp()
          : await log.offsetForTimestamp(timestamp);
      if (found === null || found.offset >= bound) return isBehind ? notYet : NOTHING;
      return { errorCode: errorCodes.NONE, ...found };
    }
  }
};
