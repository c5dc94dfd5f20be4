import { readdirSync } from 'node:fs';
import type { PartitionLog } from '../../log/partition-log.ts';
import { realSystem } from '../../system/system.ts';
import {
  append,
  contextOf,
  openLog,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

let syncs = 0;
let removed: string[] = [];
let log: PartitionLog;

/** The real system, in which directory syncs are counted. */
const countingSystem = () => {
  const real = realSystem();
  const { disk } = real;
  return {
    ...real,
    disk: {
      ...disk,
      rename: (from: string, to: string) => {
        syncs += 1;
        return disk.rename(from, to);
      },
      syncDirectory: (path: string) => {
        syncs += 1;
        return disk.syncDirectory(path);
      },
    },
  };
};

beforeEach(async () => {
  const removeLater = (paths: readonly string[]): void => void removed.push(...paths);
  const context = contextOf(countingSystem(), { removeLater });
  const config = { ...smallConfig, segmentBytes: 300, retentionMs: -1, retentionBytes: 0 };
  log = await openLog(tempDirectory(), { config }, context);
  for (let count = 0; count < 30; count++) await append(log, ['x'.repeat(200)]);
  await log.settled();
  syncs = 0;
  removed = [];
});

afterEach(async () => {
  await log.close();
  removeTempDirectories();
});

const names = (suffix: string): string[] =>
  readdirSync(log.directory).filter((name) => name.endsWith(suffix));

// A slow device takes many milliseconds for each.
const SYNCS_MAX = 6;

test('retention of many segments syncs their directory a few times', async () => {
  expect(await log.deleteOldSegments(log.logEndOffset)).toBe(30);
  expect(syncs).toBeLessThanOrEqual(SYNCS_MAX);
  expect(names('.log')).toHaveLength(1);
  expect(removed).toHaveLength(names('.deleted').length);
  expect(names('.log.deleted')).toHaveLength(30);
});

test('a cut through many segments syncs their directory a few times', async () => {
  await log.truncateTo(2);
  expect(syncs).toBeLessThanOrEqual(SYNCS_MAX);
  expect(log.logEndOffset).toBe(2);
  expect(names('.log.deleted').length).toBeGreaterThanOrEqual(27);
});
