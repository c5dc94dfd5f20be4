/** Appends whose validation takes a while: what a thread finds, and the order of offsets around it. */

import { defaultLogConfig } from '../../log/log-config.ts';
import { convertRecords } from '../../log/off-thread.ts';
import type { LeaderAppendOptions, PartitionLog } from '../../log/partition-log.ts';
import { run } from '../../log/record-tasks.ts';
import { InvalidRecordsError } from '../../log/validate-errors.ts';
import { downConvert } from '../../protocol/down-conversion.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import { realSystem } from '../../system/system.ts';
import { WorkerError, type WorkerPool } from '../../system/workers.ts';
import { settle } from '../support/manual-clock.ts';
import {
  contextOf,
  openLog,
  readBatches,
  removeTempDirectories,
  tempDirectory,
} from './log-support.ts';

afterAll(removeTempDirectories);

/** Threads that do their work when a test says so. */
class HeldPool implements WorkerPool {
  readonly #held: (() => void)[] = [];
  taskCount = 0;
  fails = false;

  run(request: unknown): Promise<unknown> {
    this.taskCount += 1;
    return new Promise((resolve, reject) => {
      this.#held.push(() => {
        if (this.fails) reject(new WorkerError('no thread'));
        // As between threads: nothing is shared.
        else resolve(structuredClone(run(structuredClone(request)).result));
      });
    });
  }

  /** Lets the oldest task go on. */
  release(): void {
    this.#held.shift()?.();
  }
}

const options: LeaderAppendOptions = { leaderEpoch: 0, origin: 'client' };

const start = async (config: Partial<typeof defaultLogConfig> = {}) => {
  const pool = new HeldPool();
  const system = { ...realSystem(), workers: { pool: () => pool } };
  const log = await openLog(
    tempDirectory(),
    { config: { ...defaultLogConfig, segmentIndexBytes: 4096, ...config } },
    contextOf(system),
  );
  return { pool, log, system };
};

/** Bytes that no codec makes smaller. */
const noise = (bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  let state = 12345;
  for (let index = 0; index < bytes; index++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    buffer[index] = state >>> 16;
  }
  return buffer;
};

const batch = (value: Buffer | string, fields: Partial<Parameters<typeof buildBatch>[0]> = {}) =>
  buildBatch({ records: [{ key: Buffer.from('k'), value: Buffer.from(value) }], ...fields });

const small = (fields = {}) => batch('small', fields);
const large = (fields = {}) => batch(noise(200_000), { compression: 'gzip', ...fields });

const valuesOf = async (log: PartitionLog): Promise<string[]> =>
  (await readBatches(log, 0)).flatMap((one) =>
    [...one.records()].map(({ offset, value }) => `${offset} ${value?.length}`),
  );

test('large compressed batches are validated by a thread, and are as if they had been here', async () => {
  const { pool, log } = await start({ messageTimestampType: 'LogAppendTime' });
  const appended = log.appendAsLeader(large(), options);
  expect(pool.taskCount).toBe(1);
  pool.release();
  const info = await appended;
  expect(info).toMatchObject({ baseOffset: 0, lastOffset: 0, isDuplicate: false });
  const [stored] = await readBatches(log, 0);
  expect(stored).toMatchObject({
    timestampType: 'logAppendTime',
    maxTimestamp: info.logAppendTimeMs,
    partitionLeaderEpoch: 0,
    compression: 'gzip',
  });
  expect(stored?.isCrcValid()).toBe(true);
  await log.close();
});

test('plain batches and small compressed ones never are', async () => {
  const { pool, log } = await start();
  for (const records of [small(), small({ compression: 'gzip' }), batch(noise(300_000))])
    await log.appendAsLeader(records, options);
  expect(pool.taskCount).toBe(0);
  await log.close();
});

test('a few bytes that become many are left to a thread', async () => {
  const { pool, log } = await start();
  const records = batch(Buffer.alloc(5_000_000), { compression: 'gzip' });
  expect(records.length).toBeLessThan(6000);
  const appended = log.appendAsLeader(records, options);
  expect(pool.taskCount).toBe(1);
  pool.release();
  expect(await appended).toMatchObject({ baseOffset: 0 });
  await log.close();
});

test('so is what has to be compressed anew', async () => {
  const { pool, log } = await start({ compressionType: 'lz4' });
  const appended = log.appendAsLeader(batch(noise(50_000)), options);
  expect(pool.taskCount).toBe(1);
  pool.release();
  await appended;
  const [stored] = await readBatches(log, 0);
  expect(stored).toMatchObject({ compression: 'lz4', recordCount: 1 });
  await log.close();
});

test('offsets are given in the order of calls, whichever validation ends first', async () => {
  const { pool, log } = await start();
  const appended = [large(), small(), batch(noise(150_000), { compression: 'zstd' }), small()].map(
    (records) => log.appendAsLeader(records, options),
  );
  expect(pool.taskCount).toBe(2);
  expect(log.nextOffset).toBe(0);
  pool.release();
  pool.release();
  const infos = await Promise.all(appended);
  expect(infos.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 2, 3]);
  expect(await valuesOf(log)).toEqual(['0 200000', '1 5', '2 150000', '3 5']);
  expect((await log.appendAsLeader(small(), options)).baseOffset).toBe(4);
  await log.close();
});

test('so are the sequences of an idempotent producer', async () => {
  const { pool, log } = await start();
  const producer = (baseSequence: number) => ({ producerId: 7, producerEpoch: 0, baseSequence });
  const appended = [large(producer(0)), small(producer(1)), large(producer(0)), small(producer(3))];
  const answers = Promise.allSettled(
    appended.map((records) => log.appendAsLeader(records, options)),
  );
  pool.release();
  pool.release();
  expect(await answers).toMatchObject([
    { value: { baseOffset: 0, isDuplicate: false } },
    { value: { baseOffset: 1, isDuplicate: false } },
    { value: { baseOffset: 0, isDuplicate: true } },
    { reason: { code: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER } },
  ]);
  await log.close();
});

test('a refused batch is refused as here, and the next one is not held up', async () => {
  const { pool, log } = await start({ cleanupCompact: true });
  const withoutKey = buildBatch({
    records: [{ key: null, value: noise(200_000) }],
    compression: 'snappy',
  });
  const refused = log.appendAsLeader(withoutKey, options);
  const next = log.appendAsLeader(small(), options);
  pool.release();
  const error = await refused.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(InvalidRecordsError);
  expect(error).toMatchObject({
    code: errorCodes.INVALID_RECORD,
    recordErrors: [{ batchIndex: 0 }],
  });
  expect(await next).toMatchObject({ baseOffset: 0 });
  await log.close();
});

test('where no thread can be had, the work is done here', async () => {
  const { pool, log } = await start();
  pool.fails = true;
  const appended = log.appendAsLeader(large(), options);
  pool.release();
  expect(await appended).toMatchObject({ baseOffset: 0 });
  await log.close();
});

test('a lead lost meanwhile is noticed', async () => {
  const { pool, log } = await start();
  let leads = true;
  const isStillLeader = () => leads;
  const appended = log.appendAsLeader(large(), { ...options, isStillLeader });
  leads = false;
  pool.release();
  await expect(appended).rejects.toMatchObject({ code: errorCodes.NOT_LEADER_OR_FOLLOWER });
  expect(log.nextOffset).toBe(0);
  await log.close();
});

test('truncation waits for appends that were asked for before it, and later ones for it', async () => {
  const { pool, log } = await start();
  await log.appendAsLeader(small(), options);
  const before = log.appendAsLeader(large(), options);
  const truncated = log.truncateTo(1);
  const after = log.appendAsLeader(large(), options);
  pool.release();
  expect(await before).toMatchObject({ baseOffset: 1 });
  await truncated;
  await settle();
  pool.release();
  expect(await after).toMatchObject({ baseOffset: 1 });
  expect(log.logEndOffset).toBe(2);
  await log.close();
});

test('closing waits, too', async () => {
  const { pool, log } = await start();
  const appended = log.appendAsLeader(large(), options);
  const closed = log.close();
  pool.release();
  expect(await appended).toMatchObject({ baseOffset: 0 });
  await closed;
});

test('conversion for old consumers gives the same in a thread', async () => {
  const { pool, log, system } = await start();
  const records = Buffer.concat([small(), large()]);
  const asked = { magic: 1, fetchOffset: 0 } as const;
  const converted = convertRecords(system, records, asked);
  expect(pool.taskCount).toBe(1);
  pool.release();
  expect(Buffer.concat(await converted)).toEqual(Buffer.concat(downConvert(records, asked)));
  const zstd = convertRecords(system, large({ compression: 'zstd' }), asked);
  pool.release();
  await expect(zstd).rejects.toMatchObject({ code: errorCodes.UNSUPPORTED_COMPRESSION_TYPE });
  expect(Buffer.concat(await convertRecords(system, small(), asked)).length).toBeGreaterThan(0);
  expect(pool.taskCount).toBe(2);
  await log.close();
});
