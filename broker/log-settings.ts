/** From the broker's settings to those of the log manager. */
import type { LogConfig } from '../log/log-config.ts';
import type { LogsConfig } from '../log/log-manager.ts';
import type { LogTaskIntervals } from '../log/log-tasks.ts';
import type { BrokerConfig } from './config.ts';

/** `topics`: the configs of topics, for the logs that are loaded at start. */
export const logsConfig = (
  config: BrokerConfig,
  topics: ReadonlyMap<string, LogConfig> = new Map(),
): LogsConfig => ({
  default: config.log,
  topics,
  recoveryThreadsPerDataDir: config.recoveryThreadsPerDataDir,
});

export const logTaskIntervals = (config: BrokerConfig): LogTaskIntervals => ({
  retentionCheckMs: config.logRetentionCheckIntervalMs,
  flushCheckMs: config.logFlushSchedulerIntervalMs,
  recoveryPointCheckpointMs: config.logFlushOffsetCheckpointIntervalMs,
  logStartCheckpointMs: config.logFlushStartOffsetCheckpointIntervalMs,
  producerExpirationCheckMs: config.producerIdExpirationCheckIntervalMs,
  initialDelayMs: config.logInitialTaskDelayMs,
});
