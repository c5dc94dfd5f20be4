/** Which time a segment counts as of, for retention and for look-ups. */
import { realSystem } from '../../system/system.ts';
import {
  append,
  contextOf,
  openLog,
  readAll,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

afterEach(removeTempDirectories);

test('the largest timestamp of before a clean restart is found after an older one', async () => {
  const directory = tempDirectory();
  const log = await openLog(directory);
  await append(log, ['new'], { timestamp: 2_000 });
  await log.close();
  const again = await openLog(directory, { isClean: true, recoveryPoint: 1 });
  await append(again, ['old'], { timestamp: 1_000 });
  expect(await again.offsetForTimestamp(1_500)).toMatchObject({ offset: 0, timestamp: 2_000 });
  await again.close();
});

test('a segment stays for the largest timestamp of before a restart', async () => {
  const directory = tempDirectory();
  const nowMs = Date.now();
  const config = {
    ...smallConfig,
    retentionMs: 600_000,
    segmentMs: 10 ** 12,
    indexIntervalBytes: 10,
  };
  const log = await openLog(directory, { config });
  await append(log, ['fresh'], { timestamp: nowMs });
  await log.close();
  const again = await openLog(directory, { config, isClean: true, recoveryPoint: 1 });
  await append(again, ['old'], { timestamp: nowMs - 6_000_000 });
  await again.deleteOldSegments(2);
  expect(await readAll(again)).toEqual(['0:fresh', '1:old']);
  await again.close();
});

test('records without timestamps count as of when the file was last written', async () => {
  const real = realSystem();
  let nowMs = 1_700_000_000_000;
  const system = { ...real, clock: { ...real.clock, nowMs: () => nowMs } };
  const config = { ...smallConfig, retentionMs: 60_000 };
  const log = await openLog(tempDirectory(), { config }, contextOf(system));
  await append(log, ['old'], { timestamp: -1 });
  nowMs += 10_000_000;
  await append(log, ['fresh'], { timestamp: -1 });
  await log.deleteOldSegments(2);
  expect(await readAll(log)).toEqual(['0:old', '1:fresh']);
  await log.close();
});
