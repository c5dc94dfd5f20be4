/**
 * The settings a partition log works by: a topic's own, over the broker's defaults. Names are
 * Kafka's, in camel case. Values arrive checked (the settings table of the broker and topic
 * creation do that); here they only get a type. Settings of other parts (throttled replicas,
 * min.insync.replicas …) are not a log's business.
 */

export type CompressionType = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
export type TimestampType = 'CreateTime' | 'LogAppendTime';

export interface LogConfig {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly segmentIndexBytes: number;
  readonly indexIntervalBytes: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  readonly fileDeleteDelayMs: number;
  readonly maxMessageBytes: number;
  readonly cleanupDelete: boolean;
  readonly cleanupCompact: boolean;
  readonly deleteRetentionMs: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly minCleanableDirtyRatio: number;
  readonly compressionType: CompressionType;
  readonly compressionGzipLevel: number;
  readonly compressionLz4Level: number;
  readonly compressionZstdLevel: number;
  readonly preallocate: boolean;
  readonly messageTimestampType: TimestampType;
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly messageDownconversionEnable: boolean;
}

/** Kafka's Long.MAX_VALUE stands for "never"; as a number it is this. */
export const NEVER = Number.MAX_SAFE_INTEGER;

/** Kafka 3.9's defaults. */
export const defaultLogConfig: LogConfig = {
  segmentBytes: 1_073_741_824,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10_485_760,
  indexIntervalBytes: 4096,
  flushMessages: NEVER,
  flushMs: NEVER,
  retentionBytes: -1,
  retentionMs: 604_800_000,
  fileDeleteDelayMs: 60_000,
  maxMessageBytes: 1_048_588,
  cleanupDelete: true,
  cleanupCompact: false,
  deleteRetentionMs: 86_400_000,
  minCompactionLagMs: 0,
  maxCompactionLagMs: NEVER,
  minCleanableDirtyRatio: 0.5,
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  preallocate: false,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: NEVER,
  messageTimestampAfterMaxMs: NEVER,
  messageDownconversionEnable: true,
};

type Values = ReadonlyMap<string, string>;
type Mutable = { -readonly [K in keyof LogConfig]: LogConfig[K] };

const number =
  (
    field: {
      [K in keyof LogConfig]: LogConfig[K] extends number ? K : never;
    }[keyof LogConfig],
  ) =>
  (config: Mutable, text: string): void => {
    config[field] = Math.min(Number(text), NEVER);
  };

/** Topic config name -> how its text changes a config. */
const settings: Readonly<Record<string, (config: Mutable, text: string) => void>> = {
  'segment.bytes': number('segmentBytes'),
  'segment.ms': number('segmentMs'),
  'segment.jitter.ms': number('segmentJitterMs'),
  'segment.index.bytes': number('segmentIndexBytes'),
  'index.interval.bytes': number('indexIntervalBytes'),
  'flush.messages': number('flushMessages'),
  'flush.ms': number('flushMs'),
  'retention.bytes': number('retentionBytes'),
  'retention.ms': number('retentionMs'),
  'file.delete.delay.ms': number('fileDeleteDelayMs'),
  'max.message.bytes': number('maxMessageBytes'),
  'delete.retention.ms': number('deleteRetentionMs'),
  'min.compaction.lag.ms': number('minCompactionLagMs'),
  'max.compaction.lag.ms': number('maxCompactionLagMs'),
  'min.cleanable.dirty.ratio': number('minCleanableDirtyRatio'),
  'compression.gzip.level': number('compressionGzipLevel'),
  'compression.lz4.level': number('compressionLz4Level'),
  'compression.zstd.level': number('compressionZstdLevel'),
  'message.timestamp.before.max.ms': number('messageTimestampBeforeMaxMs'),
  'message.timestamp.after.max.ms': number('messageTimestampAfterMaxMs'),
  'cleanup.policy': (config, text) => {
    const policies = text.split(',').map((policy) => policy.trim());
    config.cleanupDelete = policies.includes('delete');
    config.cleanupCompact = policies.includes('compact');
  },
  'compression.type': (config, text) => {
    config.compressionType = text as CompressionType;
  },
  'message.timestamp.type': (config, text) => {
    config.messageTimestampType = text as TimestampType;
  },
  preallocate: (config, text) => {
    config.preallocate = text === 'true';
  },
  'message.downconversion.enable': (config, text) => {
    config.messageDownconversionEnable = text === 'true';
  },
};

/** `defaults` with a topic's own settings over them; names that are not a log's are passed over. */
export const logConfigOf = (defaults: LogConfig, topicConfig: Values): LogConfig => {
  const config: Mutable = { ...defaults };
  const set = (name: string, text: string): void => settings[name]?.(config, text);
  // The deprecated symmetric limit stands behind the two that replaced it.
  const difference = topicConfig.get('message.timestamp.difference.max.ms');
  if (difference !== undefined) {
    set('message.timestamp.before.max.ms', difference);
    set('message.timestamp.after.max.ms', difference);
  }
  for (const [name, text] of topicConfig) set(name, text);
  return config;
};
