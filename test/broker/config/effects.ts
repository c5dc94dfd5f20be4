/**
 * The settings of a topic and the broker's settings behind them, each with something a client or
 * the files of the topic show when it is set.
 */
import { until } from '../../integration/waiting.ts';
import { type LiveTopic, prose } from './live-topic.ts';

export const HOUR_MS = 3_600_000;
const START_MS = Date.now();

export interface Effect {
  readonly topicSetting: string;
  readonly brokerSetting: string;
  readonly value: string;
  /** What is set before, in the same place, where the default would show already. */
  readonly neutral?: string;
  /** What the topic has from the start. */
  readonly given?: Readonly<Record<string, string>>;
  /** Whether the setting shows; does what makes it show. Without it the answer must be no. */
  readonly shows: (topic: LiveTopic) => Promise<boolean>;
}

export const ok = async (
  topic: LiveTopic,
  ...args: Parameters<LiveTopic['produce']>
): Promise<void> => {
  const { errorCode } = await topic.produce(...args);
  if (errorCode !== 0) throw new Error(`error ${errorCode}`);
};

/** How often a topic has been looked at. */
const rounds = new Map<LiveTopic, number>();
const nextRound = (topic: LiveTopic): number => {
  const round = (rounds.get(topic) ?? 0) + 1;
  rounds.set(topic, round);
  return round;
};

const UNCLEANED_BYTES_MAX = 12_000;
const FIRST_LOG = `${'0'.repeat(20)}.log`;
export const refusesTime = (ageMs: number) => async (topic: LiveTopic) =>
  (await topic.produce([{ timestamp: Date.now() - ageMs }])).errorCode === 32;

/** Fills segments of one batch each; the active one stays. */
const rolls = async (topic: LiveTopic, count = 3): Promise<void> => {
  for (let i = 0; i < count; i++) await ok(topic, [{ value: Buffer.from(prose(900)) }]);
};
const SMALL_SEGMENTS = { 'segment.bytes': '1000' };

export const TEXT = Buffer.from(prose(20_000));

/** Whether a batch now takes less room than one did before with the level that counted then. */
const packsAnew = async (topic: LiveTopic): Promise<boolean> => {
  const before = topic.stored().at(-1)?.sizeBytes;
  await ok(topic, [{ value: TEXT }]);
  const now = topic.stored().at(-1)?.sizeBytes;
  return before !== undefined && before !== now;
};

const keysOf = (topic: LiveTopic): string[] => topic.stored().flatMap(({ keys }) => keys);

/** Two values of one key in segments that are done with, and a third in the active one. */
const isCompacted = async (topic: LiveTopic): Promise<boolean> => {
  if (topic.files('.log').at(-1) === FIRST_LOG) {
    for (const value of ['old', 'new', 'last'])
      await ok(topic, [{ value: Buffer.from(value + prose(900)) }]);
  }
  return !keysOf(topic).some((text) => text.startsWith('k=old'));
};
const COMPACTED = { ...SMALL_SEGMENTS, 'cleanup.policy': 'compact' };

export const effects: readonly Effect[] = [
  {
    topicSetting: 'max.message.bytes',
    brokerSetting: 'message.max.bytes',
    value: '100',
    shows: async (topic) => (await topic.produce([{ value: TEXT }])).errorCode === 10,
  },
  {
    topicSetting: 'message.timestamp.type',
    brokerSetting: 'log.message.timestamp.type',
    value: 'LogAppendTime',
    shows: async (topic) => (await topic.produce()).logAppendTimeMs > 0,
  },
  {
    topicSetting: 'message.timestamp.before.max.ms',
    brokerSetting: 'log.message.timestamp.before.max.ms',
    value: '60000',
    shows: refusesTime(HOUR_MS),
  },
  {
    topicSetting: 'message.timestamp.after.max.ms',
    brokerSetting: 'log.message.timestamp.after.max.ms',
    value: '60000',
    shows: refusesTime(-HOUR_MS),
  },
  {
    topicSetting: 'message.timestamp.difference.max.ms',
    brokerSetting: 'log.message.timestamp.difference.max.ms',
    value: '60000',
    shows: refusesTime(HOUR_MS),
  },
  {
    topicSetting: 'message.downconversion.enable',
    brokerSetting: 'log.message.downconversion.enable',
    value: 'false',
    shows: async (topic) => {
      await ok(topic);
      return (await topic.fetchError(3)) === 35;
    },
  },
  {
    topicSetting: 'compression.type',
    brokerSetting: 'compression.type',
    value: 'gzip',
    shows: async (topic) => {
      await ok(topic, [{ value: TEXT }]);
      return topic.stored().at(-1)?.codec === 'gzip';
    },
  },
  ...(['gzip', 'lz4', 'zstd'] as const).map((codec) => ({
    topicSetting: `compression.${codec}.level`,
    brokerSetting: `compression.${codec}.level`,
    value: codec === 'lz4' ? '17' : codec === 'gzip' ? '1' : '19',
    given: { 'compression.type': codec },
    shows: packsAnew,
  })),
  {
    topicSetting: 'cleanup.policy',
    brokerSetting: 'log.cleanup.policy',
    value: 'compact',
    shows: async (topic) => (await topic.produce([{ key: null }])).errorCode === 87,
  },
  {
    topicSetting: 'segment.bytes',
    brokerSetting: 'log.segment.bytes',
    value: '1000',
    shows: async (topic) => {
      await rolls(topic);
      return topic.segmentCount > 1;
    },
  },
  {
    topicSetting: 'segment.ms',
    brokerSetting: 'log.roll.ms',
    value: '1000',
    shows: async (topic) => {
      await ok(topic, [{ timestamp: Date.now() + HOUR_MS }]);
      await ok(topic, [{ timestamp: Date.now() }]);
      return topic.segmentCount > 1;
    },
  },
  {
    topicSetting: 'segment.jitter.ms',
    brokerSetting: 'log.roll.jitter.ms',
    value: String(HOUR_MS),
    given: { 'segment.ms': String(HOUR_MS) },
    // A segment takes two of these, and with jitter but one.
    shows: async (topic) => {
      const before = topic.segmentCount;
      const round = nextRound(topic);
      for (let i = 0; i < 8; i++)
        await ok(topic, [{ timestamp: START_MS + (round * 8 + i) * (HOUR_MS - 1) }]);
      return topic.segmentCount - before > 5;
    },
  },
  {
    topicSetting: 'segment.index.bytes',
    brokerSetting: 'log.index.size.max.bytes',
    value: '120',
    given: SMALL_SEGMENTS,
    shows: async (topic) => {
      await rolls(topic);
      return topic.sizeOf('.index') === 120 && topic.sizeOf('.timeindex') === 120;
    },
  },
  {
    topicSetting: 'index.interval.bytes',
    brokerSetting: 'log.index.interval.bytes',
    value: '0',
    given: { 'segment.bytes': '2000' },
    // Entries of 8 bytes: none in so small a segment, unless every batch but the first gets one.
    shows: async (topic) => {
      await rolls(topic, 5);
      const [, , last] = topic.files('.index').reverse();
      return last !== undefined && topic.sizeOf(last) > 0;
    },
  },
  {
    topicSetting: 'preallocate',
    brokerSetting: 'log.preallocate',
    value: 'true',
    given: SMALL_SEGMENTS,
    shows: async (topic) => {
      await rolls(topic);
      return topic.sizeOf('.log') === 1000;
    },
  },
  {
    topicSetting: 'flush.messages',
    brokerSetting: 'log.flush.interval.messages',
    value: '2',
    shows: async (topic) => {
      await until('a checkpoint', () => topic.recoveryPoint() >= 0);
      await ok(topic, [{}, {}, {}]);
      return topic.recoveryPoint() > 0;
    },
  },
  {
    topicSetting: 'flush.ms',
    brokerSetting: 'log.flush.interval.ms',
    value: '0',
    shows: async (topic) => {
      await until('a checkpoint', () => topic.recoveryPoint() >= 0);
      await ok(topic);
      return topic.recoveryPoint() > 0;
    },
  },
  {
    topicSetting: 'retention.bytes',
    brokerSetting: 'log.retention.bytes',
    value: '1500',
    given: SMALL_SEGMENTS,
    shows: async (topic) => {
      if (topic.segmentCount === 1) await rolls(topic);
      return topic.files('.log')[0] !== FIRST_LOG;
    },
  },
  {
    topicSetting: 'retention.ms',
    brokerSetting: 'log.retention.ms',
    value: String(HOUR_MS),
    shows: async (topic) => {
      if (topic.files('.log')[0] === FIRST_LOG)
        await ok(topic, [{ timestamp: Date.now() - 2 * HOUR_MS }]);
      return topic.files('.log')[0] !== FIRST_LOG;
    },
  },
  {
    topicSetting: 'file.delete.delay.ms',
    brokerSetting: 'log.segment.delete.delay.ms',
    value: '0',
    given: { ...SMALL_SEGMENTS, 'retention.bytes': '0' },
    // What was removed before the change stays for as long as was said then.
    shows: async (topic) => {
      const before = topic.files('.log.deleted').length;
      const first = topic.files('.log')[0];
      await rolls(topic);
      await until('retention', () => topic.files('.log')[0] !== first);
      return topic.files('.log.deleted').length === before;
    },
  },
  {
    topicSetting: 'min.cleanable.dirty.ratio',
    brokerSetting: 'log.cleaner.min.cleanable.ratio',
    neutral: '1',
    value: '0',
    given: COMPACTED,
    shows: isCompacted,
  },
  {
    topicSetting: 'min.compaction.lag.ms',
    brokerSetting: 'log.cleaner.min.compaction.lag.ms',
    neutral: String(1000 * HOUR_MS),
    value: '0',
    given: { ...COMPACTED, 'min.cleanable.dirty.ratio': '0' },
    shows: isCompacted,
  },
  {
    topicSetting: 'max.compaction.lag.ms',
    brokerSetting: 'log.cleaner.max.compaction.lag.ms',
    value: '1',
    given: { ...COMPACTED, 'min.cleanable.dirty.ratio': '1' },
    shows: isCompacted,
  },
  {
    topicSetting: 'delete.retention.ms',
    brokerSetting: 'log.cleaner.delete.retention.ms',
    value: '0',
    given: { ...COMPACTED, 'min.cleanable.dirty.ratio': '0' },
    shows: async (topic) => {
      // No more than the cleaner keeps up with: each segment is some work for it, and for a slow disk.
      if (topic.stored().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) < UNCLEANED_BYTES_MAX) {
        const gone = Buffer.from(`gone-${nextRound(topic)}`);
        await ok(topic, [{ key: gone, value: null }]);
        await rolls(topic);
      }
      const count = rounds.get(topic) ?? 0;
      return keysOf(topic).filter((text) => text.startsWith('gone-')).length < count;
    },
  },
];
