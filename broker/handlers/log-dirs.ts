/**
 * DescribeLogDirs: the log directories of this broker and the replicas in them, those included that are moving there.
 * AlterReplicaLogDirs: begins to move replicas between directories (KIP-113, requests sheet §14).
 */
import { canMove, parentOf } from '../../log/file-names.ts';
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';

type DescribeLogDirsRequest = RequestOf<typeof apis.describeLogDirs>;
type DirectoryResponse = ResponseOf<typeof apis.describeLogDirs>['results'][number];
type TopicResponse = DirectoryResponse['topics'][number];
type AlterResponse = ResponseOf<typeof apis.alterReplicaLogDirs>;

export const describeLogDirsHandler = handler(apis.describeLogDirs, async (services, request) => ({
  throttleTimeMs: 0,
  errorCode: errorCodes.NONE,
  results: await Promise.all(
    services.config.logDirs.map((directory) => describe(services, request, directory)),
  ),
}));

const describe = async (
  services: Services,
  request: DescribeLogDirsRequest,
  directory: string,
): Promise<DirectoryResponse> => {
  if (isOffline(services, directory))
    return { errorCode: errorCodes.KAFKA_STORAGE_ERROR, logDir: directory, topics: [] };
  const usage = await usageOf(services, directory);
  return {
    errorCode: errorCodes.NONE,
    logDir: directory,
    topics: topicsIn(services, request, directory),
    ...usage,
  };
};

/** It has failed, or could not be opened in the first place. */
const isOffline = ({ replicas }: Services, directory: string): boolean =>
  !replicas.logs.onlineDirectories.includes(directory);

const usageOf = async (
  { system }: Services,
  directory: string,
): Promise<{ readonly totalBytes: number; readonly usableBytes: number }> => {
  try {
    return await system.disk.usage(directory);
  } catch (error) {
    system.logger.warn({ err: error, directory }, 'the size of a log directory cannot be told');
    return { totalBytes: -1, usableBytes: -1 };
  }
};

const topicsIn = (
  { replicas }: Services,
  request: DescribeLogDirsRequest,
  directory: string,
): TopicResponse[] => {
  const wanted =
    request.topics === null
      ? null
      : new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
  const byTopic = new Map<string, TopicResponse['partitions'][number][]>();
  for (const log of replicas.logs.everyLog()) {
    const { topic, partition } = log;
    if (wanted !== null && !wanted.get(topic)?.has(partition)) continue;
    if (parentOf(log.directory) !== directory) continue;
    const current = replicas.logs.get(topic, partition);
    const isFutureKey = log !== current;
    const end = isFutureKey
      ? (current?.logEndOffset ?? -1)
      : (replicas.get(topic, partition)?.state.highWatermark ?? 0);
    const entry = {
      partitionIndex: partition,
      partitionSize: log.sizeBytes,
      offsetLag: end < 0 ? -1 : Math.max(0, end - log.logEndOffset),
      isFutureKey,
    };
    const entries = byTopic.get(topic);
    if (entries === undefined) byTopic.set(topic, [entry]);
    else entries.push(entry);
  }
  return Array.from(byTopic, ([name, partitions]) => ({ name, partitions }));
};

export const alterReplicaLogDirsHandler = handler(
  apis.alterReplicaLogDirs,
  async (services, request): Promise<AlterResponse> => {
    // A partition that is named for two directories goes to the last one.
    const targets = new Map<string, Map<number, string>>();
    for (const { path, topics } of request.dirs) {
      for (const { name, partitions } of topics) {
        const entries = targets.get(name) ?? new Map<number, string>();
        targets.set(name, entries);
        for (const partition of partitions) entries.set(partition, path);
      }
    }
    const results = Array.from(targets, async ([topicName, entries]) => ({
      topicName,
      partitions: await Promise.all(
        Array.from(entries, async ([partitionIndex, path]) => ({
          partitionIndex,
          errorCode: await move(services, { path, topic: topicName, partition: partitionIndex }),
        })),
      ),
    }));
    return { throttleTimeMs: 0, results: await Promise.all(results) };
  },
);

interface MoveTarget {
  readonly path: string;
  readonly topic: string;
  readonly partition: number;
}

/** Begins a move, in Kafka's order of checks; the error code. */
const move = async (
  services: Services,
  { path, topic, partition }: MoveTarget,
): Promise<number> => {
  const { config, replicas, metadata, system } = services;
  if (!canMove(topic, partition)) return errorCodes.INVALID_TOPIC_EXCEPTION;
  if (!config.logDirs.includes(path)) return errorCodes.LOG_DIR_NOT_FOUND;
  if (isOffline(services, path) || replicas.isOffline(topic, partition))
    return errorCodes.KAFKA_STORAGE_ERROR;
  try {
    await replicas.logs.moveTo(topic, partition, path);
  } catch (error) {
    system.logger.error({ err: error, topic, partition, path }, 'could not begin to move a log');
    return errorCodes.KAFKA_STORAGE_ERROR;
  }
  if (replicas.get(topic, partition) !== undefined) return errorCodes.NONE;
  // The directory is kept in mind for when the replica is made.
  return metadata.partition(topic, partition) === undefined
    ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    : errorCodes.REPLICA_NOT_AVAILABLE;
};
