/** OffsetForLeaderEpoch: where a leader epoch ends in this leader's log (KIP-101, KIP-320). */
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { checkLeaderEpoch } from '../replication/partition-reads.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';

export const offsetForLeaderEpochHandler = handler(
  apis.offsetForLeaderEpoch,
  (services, request) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => ({
        partition,
        ...endOffset(services, { topic, partition, currentLeaderEpoch, leaderEpoch }),
      })),
    })),
  }),
);

const endOffset = (
  { replicas }: Services,
  asked: { topic: string; partition: number; currentLeaderEpoch: number; leaderEpoch: number },
): { errorCode: number; leaderEpoch: number; endOffset: number } => {
  const refuse = (errorCode: number) => ({ errorCode, leaderEpoch: -1, endOffset: -1 });
  const replica = replicas.lookUp(asked.topic, asked.partition);
  if (typeof replica === 'number') return refuse(replica);
  const errorCode = checkLeaderEpoch(replica.state.leaderEpoch, asked.currentLeaderEpoch);
  if (errorCode !== errorCodes.NONE) return refuse(errorCode);
  if (!replica.state.isLeader) return refuse(errorCodes.NOT_LEADER_OR_FOLLOWER);
  return { errorCode, ...replica.log.endOffsetForEpoch(asked.leaderEpoch) };
};
