import { mkdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { PartitionLog } from '../../log/partition-log.ts';
import {
  append,
  openLog,
  readAll,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

afterEach(removeTempDirectories);

const retained = { ...smallConfig, segmentBytes: 600, cleanupCompact: false };
const compact = { ...retained, cleanupCompact: true };
const FUTURE = 'topic-0.0123456789abcdef0123456789abcdef-future';
const values = Array.from({ length: 24 }, (_, index) => `value-${index + 10}`);

/**
 * A log in `name` of which a loss of power has left the second segment without its last batches, and
 * with a whole one at its end, while the later segments are there. Tells where that one ends.
 */
const makeHole = async (name: string): Promise<{ directory: string; holeAt: number }> => {
  const directory = join(tempDirectory(), name);
  mkdirSync(directory);
  const log = await openLog(directory, { config: retained });
  for (const value of values) await append(log, [value]);
  const [, second, third] = log.segments;
  if (second === undefined || third === undefined) throw new Error('too few segments');
  const batchBytes = second.sizeBytes / (third.baseOffset - second.baseOffset);
  await log.close();
  truncateSync(`${second.path}.log`, batchBytes);
  return { directory, holeAt: second.baseOffset + 1 };
};

const reopen = (
  directory: string,
  config: typeof compact,
  recoveryPoint = 0,
): Promise<PartitionLog> => openLog(directory, { config, recoveryPoint });

test('a log ends where records are missing', async () => {
  const { directory, holeAt } = await makeHole('topic-0');
  const log = await reopen(directory, retained);
  expect(log.logEndOffset).toBe(holeAt);
  const kept = values.slice(0, holeAt).map((value, offset) => `${offset}:${value}`);
  expect(await readAll(log)).toEqual(kept);
  await append(log, ['next']);
  await log.close();
  const again = await reopen(directory, retained);
  expect(await readAll(again)).toEqual([...kept, `${holeAt}:next`]);
  await again.close();
});

test('where the cleaner may have been, offsets may be missing', async () => {
  const { directory } = await makeHole('topic-0');
  const log = await reopen(directory, compact);
  expect(log.logEndOffset).toBe(values.length);
  await log.close();
});

test('not so in a log that is being copied from another directory', async () => {
  const { directory, holeAt } = await makeHole(FUTURE);
  const log = await reopen(directory, compact);
  expect(log.logEndOffset).toBe(holeAt);
  await log.close();
});

test('what is known to be on the device is left alone', async () => {
  const { directory } = await makeHole('topic-0');
  const log = await reopen(directory, retained, values.length);
  expect(log.logEndOffset).toBe(values.length);
  await log.close();
});
