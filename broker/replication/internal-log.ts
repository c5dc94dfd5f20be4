/** The coordinators' topics as logs: what coordinator-log.ts asks for, over the replicas of this broker. */

import { batches } from '../../protocol/batches.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { CoordinatorLog } from '../coordinator-log.ts';
import { appendRecords } from './appends.ts';
import type { ReplicaManager } from './replica-manager.ts';

/** What one read of a load takes at the most (offsets.load.buffer.size is Kafka's name for it). */
const READ_BYTES = 5 * 1024 * 1024;

export const internalLog = (replicas: ReplicaManager): CoordinatorLog => ({
  async append(topic, partition, batch, timeoutMs) {
    const [result] = await appendRecords(replicas, [{ topic, partition, records: batch }], {
      acks: -1,
      timeoutMs,
      origin: 'coordinator',
    });
    return result?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR;
  },
  read: (topic, partition) => readAll(replicas, topic, partition),
});

async function* readAll(
  replicas: ReplicaManager,
  topic: string,
  partition: number,
): AsyncGenerator<Buffer> {
  const replica = replicas.lookUp(topic, partition);
  if (typeof replica === 'number') throw new ProtocolError(replica);
  if (!replica.state.isLeader) throw new ProtocolError(errorCodes.NOT_LEADER_OR_FOLLOWER);
  const { log } = replica;
  const endOffset = log.logEndOffset;
  let offset = log.logStartOffset;
  while (offset < endOffset) {
    const { buffers } = await log.read(offset, {
      maxBytes: READ_BYTES,
      endOffset,
      minOneBatch: true,
    });
    const records = buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers);
    const next = offsetBehind(records);
    if (next <= offset) return;
    offset = next;
    yield records;
  }
}

/** The offset that follows the last whole batch. */
const offsetBehind = (records: Buffer): number => {
  let offset = -1;
  for (const batch of batches(records)) offset = batch.nextOffset;
  return offset;
};
