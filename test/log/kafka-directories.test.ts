import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LogManager } from '../../log/log-manager.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import { decodeProducerSnapshot } from '../../log/producer-snapshot.ts';
import type { System } from '../../system/system.ts';
import { realSystem } from '../../system/system.ts';
import {
  copyOfFixture,
  type ExpectedPartition,
  type ExpectedSegment,
  expectedOf,
  fixtureConfig,
  readBatches,
  readJson,
  removeTempDirectories,
} from './log-support.ts';

const opened: LogManager[] = [];

afterEach(async () => {
  for (const manager of opened.splice(0)) await manager.close();
  removeTempDirectories();
});

/** When the fixtures were written: producers of then have not expired yet. */
const thenMs = 1_700_000_300_000;
const real = realSystem();
const system: System = { ...real, clock: { ...real.clock, nowMs: () => thenMs } };

/** The topics that were damaged had more index entries than others. */
const topicConfigs = new Map(
  ['clean', 'corrupt', 'no-index', 'no-snapshot', 'open-transaction', 'torn'].map((name) => [
    `u-${name}`,
    { ...fixtureConfig, indexIntervalBytes: 1000 },
  ]),
);

const openFixture = async (path: string): Promise<LogManager> => {
  const options = { logDirs: [path], brokerId: null, defaultConfig: fixtureConfig, topicConfigs };
  const manager = await LogManager.open(system, options);
  opened.push(manager);
  return manager;
};

const eachPartition = (
  manager: LogManager,
  name: string,
  check: (log: PartitionLog, expected: ExpectedPartition) => void,
): void => {
  const logs = [...manager.all()];
  const expected = expectedOf(name);
  expect(logs.map((log) => `${log.topic}-${log.partition}`).sort()).toEqual(
    Object.keys(expected).sort(),
  );
  for (const log of logs)
    check(log, expected[`${log.topic}-${log.partition}`] as ExpectedPartition);
};

const batchesOf = (segments: readonly ExpectedSegment[], from = 0): number[][] =>
  segments
    .flatMap(({ batches }) => batches)
    .filter(([, lastOffset]) => lastOffset >= from)
    .map(([baseOffset, lastOffset, , size]) => [baseOffset, lastOffset, size]);

const readAllBatches = async (log: PartitionLog): Promise<number[][]> =>
  (await readBatches(log, log.logStartOffset)).map((batch) => [
    batch.baseOffset,
    batch.lastOffset,
    batch.sizeBytes,
  ]);

describe('directories that Kafka closed in order', () => {
  test.each(['codecs', 'timestamps', 'transactions', 'epochs/broker-1'])(
    '%s opens with the offsets Kafka reported',
    async (name) => {
      const manager = await openFixture(copyOfFixture(name));
      eachPartition(manager, name, (log, expected) => {
        expect([log.logStartOffset, log.logEndOffset]).toEqual([
          expected.logStartOffset,
          expected.logEndOffset,
        ]);
        expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual(
          expected.segments.map(({ base }) => base),
        );
        expect(`version: 0\ntopic_id: ${log.topicId}`).toBe(expected.metadata);
        expect(log.recoveryPoint).toBe(log.logEndOffset);
      });
      for (const log of manager.all()) {
        const expected = expectedOf(name)[`${log.topic}-${log.partition}`] as ExpectedPartition;
        expect(await readAllBatches(log)).toEqual(
          batchesOf(expected.segments, expected.logStartOffset),
        );
        for (const [slot, segment] of log.segments.entries()) {
          await segment.loadIndexes();
          const { index, timeIndex } = expected.segments[slot] as ExpectedSegment;
          expect(segment.index.entries().map((e) => [e.offset, e.position])).toEqual(index);
          expect(segment.timeIndex.entries().map((e) => [e.timestamp, e.offset])).toEqual(
            timeIndex,
          );
        }
      }
    },
  );

  test('closing them again leaves the same files', async () => {
    const path = copyOfFixture('codecs');
    const before = readdirSync(path, { recursive: true }).sort();
    await (await openFixture(path)).close();
    expect(readdirSync(path, { recursive: true }).sort()).toEqual(before);
    const original = copyOfFixture('codecs');
    for (const name of before.map(String).filter((file) => /\/|^\.|^meta/.test(file))) {
      // Where the only entry is at the log end; Kafka drops it, too, when it loads the log.
      if (/^(codec-broker-side|empty)-0.leader-epoch-checkpoint/.test(name)) continue;
      expect([name, readFileSync(join(path, name))]).toEqual([
        name,
        readFileSync(join(original, name)),
      ]);
    }
  });

  test('message sets of magic 0 and 1 are served as they are', async () => {
    const name = 'old-formats';
    const manager = await openFixture(copyOfFixture(name));
    for (const log of manager.all()) {
      const expected = expectedOf(name)[`${log.topic}-${log.partition}`] as ExpectedPartition;
      expect(log.logEndOffset).toBe(expected.logEndOffset);
      const sizes = (await readAllBatches(log)).map(([, lastOffset, size]) => [lastOffset, size]);
      expect(sizes).toEqual(
        batchesOf(expected.segments).map(([, lastOffset, size]) => [lastOffset, size]),
      );
    }
  });

  test('the open transaction holds back the last stable offset, aborted ones are listed', async () => {
    const manager = await openFixture(copyOfFixture('transactions'));
    const log = manager.get('txn', 0) as PartitionLog;
    const expected = expectedOf('transactions')['txn-0'] as ExpectedPartition;
    expect(log.firstUnstableOffset).toBe(expected.lastStableOffset);
    const aborted = expected.segments.flatMap((segment) => segment.aborted ?? []);
    expect(aborted.length).toBeGreaterThan(0);
    const found = await log.abortedTransactions(0, log.logEndOffset);
    expect(found.map(({ lastOffset }) => lastOffset)).toEqual(
      aborted.map(({ lastOffset }) => lastOffset),
    );
  });
});

interface Lookup {
  readonly lookup: number;
  readonly timestamp: number;
  readonly offset: number;
}

test('lookups by time give what Kafka gives', async () => {
  const manager = await openFixture(copyOfFixture('timestamps'));
  const lookups = readJson('timestamps-lookups.json') as Record<string, readonly Lookup[]>;
  let checked = 0;
  for (const log of manager.all()) {
    for (const { lookup, timestamp, offset } of lookups[log.topic] ?? []) {
      if (lookup < 0 && lookup !== -3) continue;
      const found = await (lookup === -3 ? log.maxTimestamp() : log.offsetForTimestamp(lookup));
      const answer = [log.topic, lookup, found?.timestamp ?? -1, found?.offset ?? -1];
      expect(answer).toEqual([log.topic, lookup, timestamp, offset]);
      checked += 1;
    }
  }
  expect(checked).toBeGreaterThan(50);
});

describe('directories after kill -9 and damage', () => {
  test('are recovered as Kafka recovers them', async () => {
    const path = copyOfFixture('unclean');
    const manager = await openFixture(path);
    eachPartition(manager, 'unclean-recovered', (log, expected) => {
      const name = `${log.topic}-${log.partition}`;
      expect([name, log.logEndOffset]).toEqual([name, expected.logEndOffset]);
      expect([name, log.firstUnstableOffset ?? log.logEndOffset]).toEqual([
        name,
        expected.lastStableOffset,
      ]);
      expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual(
        expected.segments.map(({ base }) => base),
      );
    });
    for (const log of manager.all()) {
      const expected = expectedOf('unclean-recovered')[`${log.topic}-${log.partition}`];
      expect(await readAllBatches(log)).toEqual(batchesOf(expected?.segments ?? []));
    }
  });

  test('leave the indexes and snapshots that Kafka leaves', async () => {
    const path = copyOfFixture('unclean');
    await (await openFixture(path)).close();
    const expected = expectedOf('unclean-recovered');
    for (const [name, partition] of Object.entries(expected)) {
      for (const [slot, segment] of partition.segments.entries()) {
        const file = join(path, name, `${String(segment.base).padStart(20, '0')}.index`);
        const bytes = readFileSync(file);
        const entries = Array.from({ length: bytes.length / 8 }, (_, entry) => [
          segment.base + bytes.readInt32BE(entry * 8),
          bytes.readInt32BE(entry * 8 + 4),
        ]);
        expect([name, slot, entries]).toEqual([name, slot, segment.index]);
      }
      const snapshots = readdirSync(join(path, name)).filter((file) => file.endsWith('.snapshot'));
      expect([name, snapshots]).toEqual([name, Object.keys(partition.snapshots).sort()]);
      const last = snapshots.at(-1);
      if (last === undefined) continue;
      const byId = (entries: readonly { producerId: number }[]): unknown =>
        [...entries].sort((a, b) => a.producerId - b.producerId);
      expect(byId(decodeProducerSnapshot(readFileSync(join(path, name, last))))).toEqual(
        byId((partition.snapshots[last] ?? []) as unknown as { producerId: number }[]),
      );
    }
  });

  test('a follower whose log diverged opens with its own epochs', async () => {
    const manager = await openFixture(copyOfFixture('epochs/broker-1-diverged'));
    const log = manager.get('epochs', 0) as PartitionLog;
    const expected = expectedOf('epochs/broker-1-diverged')['epochs-0'] as ExpectedPartition;
    const entries = log.epochs.entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}\n`);
    expect(`0\n${entries.length}\n${entries.join('')}`).toBe(expected.epochs);
    await log.truncateTo(34);
    expect(log.logEndOffset).toBe(34);
    expect(log.latestEpoch()).toBe(10);
    expect(log.endOffsetForEpoch(10)).toEqual({ leaderEpoch: 10, endOffset: 34 });
  });

  test('without any checkpoint everything is recovered', async () => {
    const path = copyOfFixture('codecs');
    for (const name of ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint'])
      rmSync(join(path, name));
    const manager = await openFixture(path);
    eachPartition(manager, 'codecs', (log, expected) => {
      expect([log.logStartOffset, log.logEndOffset]).toEqual([
        expected.logStartOffset,
        expected.logEndOffset,
      ]);
    });
  });
});
