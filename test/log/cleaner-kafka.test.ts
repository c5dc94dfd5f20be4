import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wholeBatches } from '../../log/batch-scan.ts';
import { LogManager } from '../../log/log-manager.ts';
import { realSystem, type System } from '../../system/system.ts';
import { cleanerOf, describeBatch } from './cleaner-support.ts';
import { copyOfFixture, fixtureConfig, removeTempDirectories } from './log-support.ts';

const opened: LogManager[] = [];

afterEach(async () => {
  for (const manager of opened.splice(0)) await manager.close();
  removeTempDirectories();
});

const config = {
  ...fixtureConfig,
  segmentBytes: 4096,
  indexIntervalBytes: 500,
  cleanupCompact: true,
  cleanupDelete: false,
  minCleanableDirtyRatio: 0,
  fileDeleteDelayMs: 1_000_000,
};
const topicConfigs = new Map(
  [
    'compressed',
    'tombstones-dropped',
    'with-transactions',
    'tombstones-kept',
    'with-transactions-kept',
  ].map((topic) => [
    topic,
    { ...config, deleteRetentionMs: topic.endsWith('-kept') ? 9_000_000_000_000 : 1 },
  ]),
);

const segmentsIn = (directory: string): Record<string, string[]> =>
  Object.fromEntries(
    readdirSync(directory)
      .filter((name) => name.endsWith('.log'))
      .map((name) => [
        name,
        [...wholeBatches(readFileSync(join(directory, name)))].map(describeBatch),
      ]),
  );

test.each([
  ['before', 'after-first-pass', 1_795_323_950_000],
  ['before-second-pass', 'after-second-pass', 1_795_324_090_000],
])('%s becomes what Kafka made of it', async (before, after, nowMs) => {
  const real = realSystem();
  const system: System = { ...real, clock: { ...real.clock, nowMs: () => nowMs } };
  const path = copyOfFixture(`compaction/${before}`);
  const expected = copyOfFixture(`compaction/${after}`);
  const manager = await LogManager.open(system, { logDirs: [path], brokerId: null, topicConfigs });
  opened.push(manager);
  const logs = [...manager.all()];
  expect(logs).toHaveLength(topicConfigs.size);
  const cleaner = await cleanerOf(system, logs);
  while (await cleaner.cleanDirtiest());
  expect(cleaner.uncleanable.size).toBe(0);
  await cleaner.stop();
  for (const { directory, topic } of logs) {
    const theirs = join(expected, `${topic}-0`);
    expect({ topic, segments: segmentsIn(directory) }).toEqual({
      topic,
      segments: segmentsIn(theirs),
    });
    const files = (where: string, suffix: string): Record<string, string> =>
      Object.fromEntries(
        readdirSync(where)
          .filter((name) => name.endsWith(suffix))
          .map((name) => [name, readFileSync(join(where, name), 'hex')]),
      );
    expect(files(directory, '.txnindex')).toEqual(files(theirs, '.txnindex'));
    expect(Object.keys(files(directory, '.snapshot'))).toEqual(
      Object.keys(files(theirs, '.snapshot')),
    );
  }
  const checkpoint = (where: string): string[] =>
    readFileSync(join(where, 'cleaner-offset-checkpoint'), 'utf8').split('\n').sort();
  expect(checkpoint(path)).toEqual(checkpoint(expected));
});
