/**
 * What the requests that create, extend and delete topics have in common: they wait until the
 * outcome can be seen.
 */
import { errorCodes } from '../../protocol/errors.ts';
import type { TopicResult } from '../controller-api.ts';
import type { Services } from '../services.ts';

/**
 * Whether the metadata cache has at least `partitionCount` partitions of a topic, all with a
 * leader.
 */
export const hasLeaders = (
  { metadata }: Services,
  topic: string,
  partitionCount: number,
): boolean => {
  const partitions = metadata.partitions(topic);
  if (partitions === undefined || partitions.size < partitionCount) return false;
  for (const { leader } of partitions.values()) if (leader < 0) return false;
  return true;
};

/**
 * Waits until the metadata cache shows every change that was written; those it does not show in
 * time get REQUEST_TIMED_OUT, as does every one when there is no time at all. `timeoutMs` null:
 * nothing was written.
 */
export const awaitTopics = async (
  services: Services,
  results: readonly TopicResult[],
  options: {
    readonly timeoutMs: number | null;
    readonly isDone: (result: TopicResult) => boolean;
  },
): Promise<readonly TopicResult[]> => {
  const { timeoutMs, isDone } = options;
  const written = results.filter(({ errorCode }) => errorCode === errorCodes.NONE);
  if (timeoutMs === null || written.length === 0) return results;
  if (timeoutMs > 0) {
    const names = written.map(({ name }) => name);
    if (await services.topicWaits.wait(names, () => written.every(isDone), timeoutMs))
      return results;
  }
  return results.map((result) =>
    result.errorCode === errorCodes.NONE && (timeoutMs <= 0 || !isDone(result))
      ? { ...result, errorCode: errorCodes.REQUEST_TIMED_OUT, errorMessage: null }
      : result,
  );
};
