/**
 * Start-up of log directories: opens and identifies them, then loads every partition directory in
 * one of them. Foreign sub-directories end the start, as in Kafka, because a wrong `log.dirs` must
 * not pass for an empty broker.
 */
import type { System } from '../system/system.ts';
import { type PartitionName, parsePartitionName, partitionName } from './checkpoints.ts';
import { deletedDirectoryName, directoryPurpose } from './file-names.ts';
import { LoadProgress } from './load-progress.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import { damageThatEndsStart } from './log-damage.ts';
import { withoutSlash } from './log-directories.ts';
import { DirectoryLockedError, LogDirectory } from './log-directory.ts';
import { type MetaProperties, MetaPropertiesError, misfit } from './meta-properties.ts';
import { type DirectoryState, placeOfLog } from './moved-away.ts';
import { PartitionLog } from './partition-log.ts';

/**
 * The directories do not belong to this broker or cluster, are in use, hold what no broker put there, or cannot be used at
 * all. The message is a sentence that says what to do.
 */
export class MisfitError extends Error {
  override readonly name = 'MisfitError';
}

/**
 * Opens and locks all directories; one that cannot be used is left out, one that is in use ends the
 * start.
 */
export const openDirectories = async (
  system: System,
  paths: readonly string[],
): Promise<LogDirectory[]> => {
  const opened: LogDirectory[] = [];
  let failure: unknown = null;
  for (const path of paths.map(withoutSlash)) {
    try {
      opened.push(await LogDirectory.open(system, path));
    } catch (error) {
      if (error instanceof DirectoryLockedError || error instanceof MetaPropertiesError) {
        for (const directory of opened) await directory.unlock();
        throw new MisfitError(error.message, { cause: error });
      }
      failure = error;
      system.logger.error({ directory: path, err: error }, 'log directory cannot be used');
    }
  }
  if (opened.length === 0) throw noneUsable(paths, failure);
  return opened;
};

/** None of the directories is left; `failure` is the last one's. */
export const noneUsable = (paths: readonly string[], failure: unknown): MisfitError => {
  const reason = failure instanceof Error ? ` (${failure.message})` : '';
  return new MisfitError(
    `No folder of log.dirs can be used, of ${paths.join(', ')}${reason}: see that it can be read and written, or name another one.`,
    { cause: failure },
  );
};

/** Who this broker is, from what is configured and what the directories say; throws MisfitError. */
export const identify = (
  directories: readonly LogDirectory[],
  expected: { brokerId: number | null; clusterId: string | null },
): { brokerId: number; clusterId: string | null } => {
  const metas = new Map(directories.map(({ path, meta }) => [path, meta]));
  const reason = misfit(metas, expected);
  if (reason !== null) throw new MisfitError(reason);
  const first = <K extends keyof MetaProperties>(key: K): MetaProperties[K] | null =>
    [...metas.values()].find((meta) => meta[key] !== null)?.[key] ?? null;
  const brokerId = expected.brokerId ?? first('brokerId');
  if (brokerId === null)
    throw new MisfitError('There is no broker id configured or known from before: set broker.id.');
  return { brokerId, clusterId: expected.clusterId ?? first('clusterId') };
};

export interface DirectoryLoadOptions {
  readonly concurrency: number;
  configOf(topic: string): LogConfig;
  has(topic: string, partition: number): boolean;
  add(log: PartitionLog): void;
  /** Takes what has been copied so far of a log that was moving. */
  addFuture(log: PartitionLog): void;
  /** Takes leftovers of a deletion. */
  remove(path: string): void;
  stateOf(directory: string): DirectoryState;
}

/** Loads all partitions of a directory; recovers them unless the last broker stopped in order. */
export const loadDirectory = async (
  context: LogContext,
  directory: LogDirectory,
  options: DirectoryLoadOptions,
): Promise<void> => {
  const isClean = await directory.takeCleanMark();
  const recoveryPoints = await directory.readRecoveryPoints();
  const logStarts = await directory.readLogStarts();
  await directory.readHighWatermarks();
  const names = await partitionNames(context.system, directory, options);
  const progress = new LoadProgress(context.system, {
    directory: directory.path,
    logCount: names.current.length + names.future.length,
    isClean,
  });
  const open = async (name: string, { topic, partition }: PartitionName): Promise<PartitionLog> => {
    const key = partitionName(topic, partition);
    const path = `${directory.path}/${name}`;
    try {
      return await PartitionLog.open(context, {
        directory: path,
        topic,
        partition,
        config: options.configOf(topic),
        topicId: null,
        isClean,
        recoveryPoint: recoveryPoints.get(key) ?? 0,
        logStartOffset: logStarts.get(key) ?? 0,
        onRecovering: (segmentsLeft) => progress.recovering(name, segmentsLeft),
      });
    } catch (cause) {
      const damage = damageThatEndsStart(cause);
      if (damage === null) throw cause;
      throw new MisfitError(
        `${path} is damaged (${damage}): move it out of the way, and other brokers' replicas take its place.`,
        { cause },
      );
    }
  };
  try {
    await forEachOf(names.current, options.concurrency, async (name) => {
      const parsed = parsePartitionName(name);
      if (parsed === null)
        throw new MisfitError(
          `${directory.path}/${name} is no partition: remove it, or name another folder in log.dirs.`,
        );
      if (!(await isLogHere(context.system, directory, { name, ...parsed }, options))) return;
      if (options.has(parsed.topic, parsed.partition))
        throw new MisfitError(
          `${name} is in ${directory.path} and in another log directory: remove one of them.`,
        );
      options.add(await open(name, parsed));
      progress.loaded(name);
    });
    await forEachOf(names.future, options.concurrency, async (name) => {
      const parsed = parsePartitionName(name.slice(0, name.lastIndexOf('.')));
      if (parsed !== null) options.addFuture(await open(name, parsed));
      progress.loaded(name);
    });
  } finally {
    progress.stop();
  }
};

/** False for what a log left behind that has moved to another directory; that is removed, too. */
const isLogHere = async (
  system: System,
  directory: LogDirectory,
  { name, topic, partition }: PartitionName & { readonly name: string },
  options: DirectoryLoadOptions,
): Promise<boolean> => {
  const path = `${directory.path}/${name}`;
  const place = await placeOfLog(system.disk, path, (other) => options.stateOf(other));
  if (place === 'here') return true;
  if (place === 'unknown')
    system.logger.warn({ path }, 'log has moved to a directory that does not work: left alone');
  if (place === 'unknown') return false;
  const to = `${directory.path}/${deletedDirectoryName(system.random, topic, partition)}`;
  await system.disk.rename(path, to);
  options.remove(to);
  return false;
};

/**
 * Names of the partition directories to load, after those queued for deletion have gone to the
 * trash.
 */
const partitionNames = async (
  system: System,
  directory: LogDirectory,
  options: DirectoryLoadOptions,
): Promise<{ readonly current: string[]; readonly future: string[] }> => {
  const names = { current: [] as string[], future: [] as string[] };
  for (const name of await system.disk.list(directory.path)) {
    const path = `${directory.path}/${name}`;
    if ((await system.disk.info(path))?.isDirectory !== true || isPassedOver(name)) continue;
    const purpose = directoryPurpose(name);
    if (purpose === 'delete') options.remove(path);
    else if (purpose === null) names.current.push(name);
    else if (purpose === 'future') names.future.push(name);
    else system.logger.warn({ path }, 'directory of a stray replica: left alone');
  }
  return names;
};

const isPassedOver = (name: string): boolean =>
  name === 'remote-log-index-cache' || name.startsWith('__cluster_metadata-');

/**
 * Runs `job` for every item, a few at a time; after the first failure, which it throws, none begins.
 * No job is under way any more when this ends.
 */
export const forEachOf = async <T>(
  items: readonly T[],
  concurrency: number,
  job: (item: T) => Promise<void>,
): Promise<void> => {
  const left = items.values();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const item of left) {
      if (failures.length > 0) return;
      try {
        await job(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  if (failures.length > 0) throw failures[0];
};
