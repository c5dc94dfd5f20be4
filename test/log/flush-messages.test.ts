/** flush.messages: how many records may be acknowledged that are not on the device yet. */
import {
  append,
  openLog,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

afterEach(removeTempDirectories);

test('with flush.messages the records reach the device before the answer', async () => {
  const log = await openLog(tempDirectory(), { config: { ...smallConfig, flushMessages: 1 } });
  for (const value of ['a', 'b', 'c']) await append(log, [value]);
  expect(log.logEndOffset).toBe(3);
  await log.close();
});

test('flush.messages counts the records that are not on the device yet', async () => {
  const log = await openLog(tempDirectory(), { config: { ...smallConfig, flushMessages: 3 } });
  const synced: number[] = [];
  for (let count = 1; count <= 7; count++) {
    await append(log, ['a']);
    synced.push(log.syncedOffset);
  }
  expect(synced).toEqual([0, 0, 3, 3, 3, 6, 6]);
  // The records are there, their indexes are not: recovery would look at them again.
  expect(log.recoveryPoint).toBe(0);
  await log.truncateTo(5);
  await append(log, ['b']);
  expect(log.syncedOffset).toBe(5);
  log.config = { ...log.config, flushMessages: 1 };
  await append(log, ['b']);
  expect(log.syncedOffset).toBe(7);
  await log.close();
});

test('a repeated batch behind a new one does not keep that from the device', async () => {
  const log = await openLog(tempDirectory(), { config: { ...smallConfig, flushMessages: 1 } });
  const producer = { producerId: 1, producerEpoch: 0 };
  await append(log, ['a'], { ...producer, baseSequence: 0 });
  await Promise.all([
    append(log, ['b'], { ...producer, baseSequence: 1 }),
    append(log, ['a'], { ...producer, baseSequence: 0 }),
  ]);
  expect([log.logEndOffset, log.syncedOffset]).toEqual([2, 2]);
  await log.close();
});
