/**
 * The admin client, put together from its families (admin/<family>.ts). Calls about several things give an outcome for
 * each; `throwFirst` turns a failed one into an exception.
 */
import type { System } from '../system/system.ts';
import { configCalls } from './admin/configs.ts';
import { AdminContext } from './admin/context.ts';
import { groupCalls } from './admin/groups.ts';
import { partitionCalls } from './admin/partitions.ts';
import { topicCalls } from './admin/topics.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';

export interface AdminOptions extends Omit<ClusterOptions, 'clientId'> {
  readonly clientId?: string;
  /** Time limit of a call that names none. */
  readonly defaultApiTimeoutMs?: number;
}

const DEFAULT_API_TIMEOUT_MS = 60_000;

/** An admin client; it connects with the first call. */
export const createAdmin = (system: System, options: AdminOptions) => {
  const { defaultApiTimeoutMs = DEFAULT_API_TIMEOUT_MS } = options;
  const cluster = new Cluster(system, {
    clientId: 'adminclient-1',
    allowAutoTopicCreation: false,
    ...options,
  });
  const context = new AdminContext(system, cluster, defaultApiTimeoutMs);
  return {
    ...topicCalls(context),
    ...configCalls(context),
    ...partitionCalls(context),
    ...groupCalls(context),
    /** For calls that have no method here. */
    context,
    close: (): void => cluster.close(),
  };
};

export type Admin = ReturnType<typeof createAdmin>;
