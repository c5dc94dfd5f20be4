/** What a log manager is told at its start, and what of it may change later. */
import type { CleanerSettings } from './cleaner/log-cleaner.ts';
import type { LogConfig } from './log-config.ts';
import type { LogTaskIntervals } from './log-tasks.ts';

export interface LogsConfig {
  /** Of topics without settings of their own. */
  readonly default: LogConfig;
  /** The whole config of topics that have some; read while directories are loaded. */
  readonly topics: ReadonlyMap<string, LogConfig>;
  readonly recoveryThreadsPerDataDir: number;
}

export interface LogManagerOptions {
  readonly logDirs: readonly string[];
  /** Null: taken from `meta.properties`, which must then have it. */
  readonly brokerId: number | null;
  /** Null: taken from `meta.properties`, if it has one. */
  readonly clusterId?: string | null;
  readonly defaultConfig?: LogConfig;
  readonly topicConfigs?: ReadonlyMap<string, LogConfig>;
  /** Asked once the broker id is known, before anything is loaded; its answer replaces the two. */
  readonly configFor?: (brokerId: number) => Promise<LogsConfig>;
  readonly producerIdExpirationMs?: number;
  /** Memory for recent batches of all logs together. */
  readonly tailBytesMax?: number;
  readonly intervals?: Partial<LogTaskIntervals>;
  readonly cleaner?: CleanerSettings | null;
}
