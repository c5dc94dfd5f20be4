/**
 * DescribeLogDirs: the log directories of this broker and the replicas in them.
 * AlterReplicaLogDirs: replicas cannot move between directories while the broker runs yet; what
 * needs no move is granted, the rest refused as not supported (KIP-113, requests sheet §14).
 */
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

/** The log directory that a partition's directory is in. */
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

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
  for (const log of replicas.logs.all()) {
    const { topic, partition } = log;
    if (wanted !== null && !wanted.get(topic)?.has(partition)) continue;
    if (parentOf(log.directory) !== directory) continue;
    const highWatermark = replicas.get(topic, partition)?.state.highWatermark ?? 0;
    const entry = {
      partitionIndex: partition,
      partitionSize: log.sizeBytes,
      offsetLag: Math.max(0, highWatermark - log.logEndOffset),
      isFutureKey: false,
    };
    const entries = byTopic.get(topic);
    if (entries === undefined) byTopic.set(topic, [entry]);
    else entries.push(entry);
  }
  return Array.from(byTopic, ([name, partitions]) => ({ name, partitions }));
};

export const alterReplicaLogDirsHandler = handler(
  apis.alterReplicaLogDirs,
  (services, request): AlterResponse => {
    // A partition that is named for two directories goes to the last one.
    const codes = new Map<string, Map<number, number>>();
    for (const { path, topics } of request.dirs) {
      for (const { name, partitions } of topics) {
        const entries = codes.get(name) ?? new Map<number, number>();
        codes.set(name, entries);
        for (const partition of partitions)
          entries.set(partition, moveError(services, path, name, partition));
      }
    }
    return {
      throttleTimeMs: 0,
      results: Array.from(codes, ([topicName, entries]) => ({
        topicName,
        partitions: Array.from(entries, ([partitionIndex, errorCode]) => ({
          partitionIndex,
          errorCode,
        })),
      })),
    };
  },
);

const moveError = (services: Services, path: string, topic: string, partition: number): number => {
  const { config, replicas, metadata } = services;
  if (!config.logDirs.includes(path)) return errorCodes.LOG_DIR_NOT_FOUND;
  if (isOffline(services, path)) return errorCodes.KAFKA_STORAGE_ERROR;
  const replica = replicas.get(topic, partition);
  if (replica === undefined)
    return metadata.partition(topic, partition) === undefined
      ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      : errorCodes.REPLICA_NOT_AVAILABLE;
  if (replica.isOffline) return errorCodes.KAFKA_STORAGE_ERROR;
  return parentOf(replica.log.directory) === path
    ? errorCodes.NONE
    : errorCodes.UNSUPPORTED_VERSION;
};
