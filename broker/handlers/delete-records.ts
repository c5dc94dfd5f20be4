/**
 * DeleteRecords: raises the log start offset of partitions led here and waits until all live
 * replicas have followed (KIP-107, requests sheet §10.3). Segments go later, with retention.
 */
import { apis, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { isInternalTopic } from '../internal-topics.ts';
import type { HostedPartition } from '../replication/hosted-partition.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';

type DeleteRecordsResponse = ResponseOf<typeof apis.deleteRecords>;

interface Outcome {
  readonly errorCode: number;
  readonly lowWatermark: number;
}

const HIGH_WATERMARK = -1;
/**
 * Followers tell their log start offsets with their fetches: it takes them a round or two, and
 * nothing depends on it.
 */
const LOOK_INTERVAL_MS = 20;

export const deleteRecordsHandler = handler(
  apis.deleteRecords,
  async (services, request): Promise<DeleteRecordsResponse> => {
    const topics = request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async ({ partitionIndex, offset }) => ({
          partitionIndex,
          ...(await deleteBefore(
            services,
            { topic: name, partition: partitionIndex, offset },
            request.timeoutMs,
          )),
        })),
      ),
    }));
    return { throttleTimeMs: 0, topics: await Promise.all(topics) };
  },
);

const failed = (errorCode: number): Outcome => ({ errorCode, lowWatermark: -1 });

const deleteBefore = async (
  services: Services,
  asked: { readonly topic: string; readonly partition: number; readonly offset: number },
  timeoutMs: number,
): Promise<Outcome> => {
  const { topic, partition } = asked;
  if (services.metadata.partition(topic, partition) === undefined)
    return failed(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  if (isInternalTopic(topic)) return failed(errorCodes.INVALID_TOPIC_EXCEPTION);
  const replica = services.replicas.lookUp(topic, partition);
  if (typeof replica === 'number') return failed(replica);
  const refusal = judge(replica, asked.offset);
  if (refusal !== errorCodes.NONE) return failed(refusal);
  const { highWatermark, leaderEpoch } = replica.state;
  const offset = asked.offset === HIGH_WATERMARK ? highWatermark : asked.offset;
  try {
    await replica.log.advanceLogStartOffset(offset);
  } catch (error) {
    if (error instanceof ProtocolError) return failed(error.code);
    throw error;
  }
  return awaitLowWatermark(services, replica, { offset, leaderEpoch, timeoutMs });
};

const judge = ({ state, log }: HostedPartition, offset: number): number => {
  if (!state.isLeader) return errorCodes.NOT_LEADER_OR_FOLLOWER;
  if (!log.config.cleanupDelete) return errorCodes.POLICY_VIOLATION;
  return offset < HIGH_WATERMARK || offset > state.highWatermark
    ? errorCodes.OFFSET_OUT_OF_RANGE
    : errorCodes.NONE;
};

const awaitLowWatermark = async (
  { system, metadata }: Services,
  replica: HostedPartition,
  wanted: { readonly offset: number; readonly leaderEpoch: number; readonly timeoutMs: number },
): Promise<Outcome> => {
  const deadlineMs = system.clock.elapsedMs() + wanted.timeoutMs;
  const lowWatermark = (): number => {
    let lowest = replica.log.logStartOffset;
    for (const { brokerId, logStartOffset } of replica.state.remoteReplicas())
      if (metadata.isAlive(brokerId)) lowest = Math.min(lowest, logStartOffset);
    return lowest;
  };
  const initial = lowWatermark();
  for (;;) {
    if (replica.isOffline) return failed(errorCodes.KAFKA_STORAGE_ERROR);
    if (!replica.state.isLeader || replica.state.leaderEpoch !== wanted.leaderEpoch)
      return failed(errorCodes.NOT_LEADER_OR_FOLLOWER);
    const lowest = lowWatermark();
    if (lowest >= wanted.offset) return { errorCode: errorCodes.NONE, lowWatermark: lowest };
    if (system.clock.elapsedMs() >= deadlineMs)
      return { errorCode: errorCodes.REQUEST_TIMED_OUT, lowWatermark: initial };
    await system.clock.sleep(LOOK_INTERVAL_MS);
  }
};
