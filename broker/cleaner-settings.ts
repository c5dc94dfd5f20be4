/** From the broker's settings to those of the log cleaner. */
import type { CleanerSettings } from '../log/cleaner/log-cleaner.ts';
import type { BrokerConfig } from './config.ts';

/** Null: compacted topics are not compacted on this broker. */
export const cleanerSettings = (config: BrokerConfig): CleanerSettings | null =>
  config.logCleanerEnable
    ? {
        threadCount: config.logCleanerThreads,
        dedupeBufferBytes: config.logCleanerDedupeBufferSize,
        loadFactor: config.logCleanerIoBufferLoadFactor,
        ioBufferBytes: config.logCleanerIoBufferSize,
        ioBytesPerSecondMax: config.logCleanerIoBytesPerSecondMax,
        backoffMs: config.logCleanerBackoffMs,
      }
    : null;
