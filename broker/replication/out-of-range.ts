/**
 * A follower's fetch offset lies outside of its leader's log (Kafka's fetchOffsetAndTruncate): the leader lost a tail, or
 * deleted what the follower has not seen yet. Latest before earliest, and never below what is there (KAFKA-2143).
 */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { BrokerChannel } from './broker-channel.ts';
import type { HostedPartition } from './hosted-partition.ts';

const LATEST = -1;
const EARLIEST = -2;

export interface OutOfRangeOptions {
  readonly replicaId: number;
  readonly leaderEpoch: number;
  readonly requestTimeoutMs: number;
}

/**
 * Asks the leader for its range; returns what brings the log into it, to be done if the log is still followed by then. Null
 * when the leader would not say.
 */
export const resolveOutOfRange = async (
  channel: BrokerChannel,
  replica: HostedPartition,
  options: OutOfRangeOptions,
): Promise<(() => Promise<void>) | null> => {
  const { log, state } = replica;
  const leaderEnd = await askOffset(channel, replica, LATEST, options);
  if (leaderEnd === null) return null;
  if (leaderEnd < log.logEndOffset)
    return async () => {
      await log.truncateTo(leaderEnd);
      replica.truncated();
    };
  const leaderStart = await askOffset(channel, replica, EARLIEST, options);
  if (leaderStart === null) return null;
  return async () => {
    if (leaderStart <= log.logEndOffset) return;
    await log.truncateFullyAndStartAt(leaderStart);
    state.highWatermark = leaderStart;
    replica.truncated();
  };
};

const askOffset = async (
  channel: BrokerChannel,
  { topic, partition }: HostedPartition,
  timestamp: number,
  { replicaId, leaderEpoch, requestTimeoutMs }: OutOfRangeOptions,
): Promise<number | null> => {
  const response = await channel.send(
    apis.listOffsets,
    {
      replicaId,
      isolationLevel: 0,
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex: partition, currentLeaderEpoch: leaderEpoch, timestamp }],
        },
      ],
    },
    { version: 9, timeoutMs: requestTimeoutMs },
  );
  const answer = response.topics[0]?.partitions[0];
  return answer === undefined || answer.errorCode !== errorCodes.NONE ? null : answer.offset;
};
