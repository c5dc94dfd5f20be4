/**
 * Writing partition states: every write is fenced, and conditional on the znode's version. Many go
 * into one multi, which saves ZooKeeper most of its work; where a multi is refused its writes are
 * done one by one, so that each gets its own outcome.
 */
import { isZooKeeperError, MultiError, ZooKeeperError } from '../zookeeper/errors.ts';
import type { Operation, OperationResult } from '../zookeeper/session.ts';
import {
  partitionStateZnode,
  topicPartitionsZnode,
  topicPartitionZnode,
} from '../zookeeper/znodes.ts';
import type { PartitionWrite, WriteOutcome } from './commands.ts';
import { fenced, type Office } from './office.ts';
import { pipelined, readZnode } from './znode-reading.ts';

/** Far below the 1 MiB that ZooKeeper takes, at about 200 bytes a write. */
const WRITES_PER_MULTI = 128;

/**
 * Outcomes in the order of the writes. Throws `ControllerMoved` when we are no longer the
 * controller.
 */
export const writePartitionStates = async (
  office: Office,
  writes: readonly PartitionWrite[],
): Promise<WriteOutcome[]> => {
  const created = writes.filter(({ expectedVersion }) => expectedVersion === null);
  const topics = new Set(created.map(({ topic }) => topic));
  await pipelined([...topics], (topic) => ensure(office, topicPartitionsZnode.path(topic)));
  const chunks: PartitionWrite[][] = [];
  for (let start = 0; start < writes.length; start += WRITES_PER_MULTI) {
    chunks.push(writes.slice(start, start + WRITES_PER_MULTI));
  }
  return (await pipelined(chunks, (chunk) => writeChunk(office, chunk))).flat();
};

const writeChunk = async (
  office: Office,
  chunk: readonly PartitionWrite[],
): Promise<WriteOutcome[]> => {
  try {
    const results = await fenced(office, chunk.flatMap(operationsOf));
    // Two operations for a creation, one for a change: only the last of each says the version.
    let next = 0;
    return chunk.map((write) => {
      next += write.expectedVersion === null ? 2 : 1;
      return outcomeOf(results[next - 1]);
    });
  } catch (error) {
    if (!(error instanceof MultiError)) throw error;
    return pipelined(chunk, (write) => writeOne(office, write));
  }
};

const operationsOf = (write: PartitionWrite): Operation[] => {
  const { topic, partition, leaderAndIsr, expectedVersion } = write;
  const path = partitionStateZnode.path(topic, partition);
  const data = partitionStateZnode.encode(leaderAndIsr);
  return expectedVersion === null
    ? [
        { type: 'create', path: topicPartitionZnode.path(topic, partition), data: null },
        { type: 'create', path, data },
      ]
    : [{ type: 'setData', path, data, version: expectedVersion }];
};

const outcomeOf = (result: OperationResult | undefined): WriteOutcome => ({
  type: 'ok',
  version: result?.type === 'setData' ? result.stat.version : 0,
});

const writeOne = async (office: Office, write: PartitionWrite): Promise<WriteOutcome> => {
  const { topic, partition, expectedVersion } = write;
  try {
    if (expectedVersion === null) await ensure(office, topicPartitionZnode.path(topic, partition));
    const results = await fenced(office, operationsOf(write).slice(-1));
    return outcomeOf(results[0]);
  } catch (error) {
    if (isZooKeeperError(error, 'BAD_VERSION')) return ownChange(office, write);
    if (isZooKeeperError(error, 'NO_NODE')) return { type: 'noNode' };
    if (isZooKeeperError(error, 'NODE_EXISTS')) return ownCreation(office, write);
    if (!(error instanceof MultiError)) throw error;
    return { type: 'failed', reason: error.code };
  }
};

/** A state that exists already may be our own, written by a multi whose answer was lost. */
const ownCreation = async (office: Office, write: PartitionWrite): Promise<WriteOutcome> =>
  (await ownVersion(office, write)) ?? { type: 'failed', reason: 'NODE_EXISTS' };

/**
 * So may a change that is refused because of its version. Unnoticed, leader and controller would go
 * on from the old version, and each of their changes would be refused from then on.
 */
const ownChange = async (office: Office, write: PartitionWrite): Promise<WriteOutcome> => {
  const own = await ownVersion(office, write);
  return own?.version === (write.expectedVersion ?? 0) + 1 ? own : { type: 'badVersion' };
};

const ownVersion = async (
  office: Office,
  { topic, partition, leaderAndIsr }: PartitionWrite,
): Promise<{ type: 'ok'; version: number } | null> => {
  const path = partitionStateZnode.path(topic, partition);
  const reader = { zookeeper: office.zookeeper, logger: office.system.logger };
  const found = await readZnode(reader, path, (data) => data);
  return found?.content.equals(partitionStateZnode.encode(leaderAndIsr)) === true
    ? { type: 'ok', version: found.stat.version }
    : null;
};

/** Creates a znode without data unless it is there. */
const ensure = async (office: Office, path: string): Promise<void> => {
  try {
    await fenced(office, [{ type: 'create', path, data: null }]);
  } catch (error) {
    // Without its topic the state's own creation fails with a better word.
    if (error instanceof ZooKeeperError && ['NODE_EXISTS', 'NO_NODE'].includes(error.code)) return;
    throw error;
  }
};
