import { cpSync, readdirSync } from 'node:fs';
import { PartitionLog } from '../../log/partition-log.ts';
import { buildEndTransactionMarker } from '../../protocol/control-record.ts';
import { buildBatch } from '../../protocol/record-batch.ts';
import { realSystem, type System } from '../../system/system.ts';
import { Device, simDisk } from '../simulation/disk.ts';
import { SimProcess } from '../simulation/process.ts';
import { seededRandom } from '../simulation/random.ts';
import { World } from '../simulation/world.ts';
import { cleanerOf, describeLog } from './cleaner-support.ts';
import { FaultyDisk } from './faulty-disk.ts';
import {
  contextOf,
  openLog,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

afterEach(removeTempDirectories);

const config = {
  ...smallConfig,
  segmentBytes: 700,
  indexIntervalBytes: 50,
  cleanupCompact: true,
  cleanupDelete: false,
  minCleanableDirtyRatio: 0,
  deleteRetentionMs: 1000,
};
const nowMs = 1_700_000_000_000;

const at = (system: System, timeMs: number): System => ({
  ...system,
  clock: { ...system.clock, nowMs: () => timeMs },
});

/** Faster, where only the order of changes matters. */
const withoutSync = (system: System): System => ({
  ...system,
  disk: new FaultyDisk(system.disk, Number.POSITIVE_INFINITY).disk,
});

/** Segments that shrink a little, others that nothing is left of, transactions, tombstones. */
const fill = async (log: PartitionLog): Promise<void> => {
  for (let round = 0; round < 14; round++) {
    const isTransactional = round % 3 === 1;
    const producerId = isTransactional ? 5 : 6;
    const keys = [`a-${round % 4}`, round < 12 ? `early-${round % 5}` : 'late', `only-${round}`];
    const records = (round % 3 === 2 ? keys : keys.slice(0, 2)).map((key, index) => ({
      key: Buffer.from(key),
      value: round % 5 === 4 && index === 0 ? null : Buffer.from(`${key}@${round}`),
      timestamp: nowMs,
    }));
    const ids = { producerId, producerEpoch: 0, baseSequence: -1, isTransactional };
    await log.appendAsLeader(buildBatch({ records, ...ids }), {
      leaderEpoch: 0,
      origin: 'coordinator',
    });
    if (!isTransactional) continue;
    const marker = { producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: nowMs };
    const bytes = buildEndTransactionMarker({ ...marker, isCommit: round % 2 === 0 });
    await log.appendAsLeader(bytes, { leaderEpoch: 0, origin: 'coordinator' });
    log.producers.advanceHighWatermark(log.logEndOffset);
  }
  await log.settled();
  await log.flush();
};

interface Content {
  readonly batches: readonly string[];
  readonly bases: readonly number[];
}

const contentOf = async (log: PartitionLog): Promise<Content> => ({
  batches: await describeLog(log),
  bases: log.segments.map(({ baseOffset }) => baseOffset),
});

const within = (batches: readonly string[], from: number, end: number): string[] =>
  batches.filter((line) => {
    const offset = Number.parseInt(line, 10);
    return offset >= from && offset < end;
  });

/** Of each segment that was there before, what it held or what the run has made of that. */
const checkMixture = (found: Content, before: Content, after: Content): void => {
  for (const [slot, base] of before.bases.entries()) {
    const end = before.bases[slot + 1] ?? Number.POSITIVE_INFINITY;
    const [now, old, cleaned] = [found, before, after].map(({ batches }) =>
      within(batches, base, end),
    );
    if (JSON.stringify(now) !== JSON.stringify(cleaned)) expect(now).toEqual(old);
  }
};

const cleanAll = async (system: System, log: PartitionLog): Promise<void> => {
  log.producers.advanceHighWatermark(log.logEndOffset);
  const cleaner = await cleanerOf(system, [log], { settings: { ioBufferBytes: 8192 } });
  while (await cleaner.cleanDirtiest());
  await cleaner.stop();
};

const leftovers = (names: readonly string[]): string[] =>
  names.filter((name) => /\.(cleaned|swap|deleted)$/.test(name));

/** The directory of a log as it is before a run, twice cleaned or not at all. */
const prepare = async (rounds: number): Promise<{ path: string; recoveryPoint: number }> => {
  const path = tempDirectory();
  const system = at(withoutSync(realSystem()), nowMs);
  const log = await openLog(`${path}/topic-0`, { config }, contextOf(system));
  await fill(log);
  for (let round = 0; round < rounds; round++) {
    await cleanAll(at(system, nowMs + 1 + round), log);
    await fill(log);
  }
  const { recoveryPoint } = log;
  await log.close();
  return { path, recoveryPoint };
};

test.each([
  ['of a log that was never cleaned', 0],
  ['of a log with horizons that have passed', 1],
])('a run %s may die at any change to the disk', async (_name, rounds) => {
  const { path, recoveryPoint } = await prepare(rounds);
  const real = at(withoutSync(realSystem()), nowMs + 5000);
  const open = async (
    system: System,
    isClean: boolean,
    from = path,
  ): Promise<[PartitionLog, string]> => {
    const directory = tempDirectory();
    cpSync(from, directory, { recursive: true });
    const options = { config, recoveryPoint, isClean };
    return [await openLog(`${directory}/topic-0`, options, contextOf(system)), directory];
  };
  const [reference] = await open(real, true);
  const before = await contentOf(reference);
  await cleanAll(real, reference);
  const after = await contentOf(reference);
  expect(after.batches.length).toBeLessThan(before.batches.length);
  await reference.abandon();

  let isOver = false;
  for (let step = 1; !isOver; step++) {
    const faulty = new FaultyDisk(real.disk, Number.POSITIVE_INFINITY);
    const system = { ...real, disk: faulty.disk };
    const [log, directory] = await open(system, true);
    faulty.dieAt = faulty.count + step;
    await cleanAll(system, log).catch(() => {});
    isOver = !faulty.isDead;
    await log.abandon().catch(() => {});
    const [again] = await open(real, false, directory);
    expect(leftovers(readdirSync(again.directory))).toEqual([]);
    expect(again.logEndOffset).toBe(reference.logEndOffset);
    checkMixture(await contentOf(again), before, after);
    // Now and then: it is cleaned as if nothing had happened.
    if (step % 5 === 0) {
      await cleanAll(real, again);
      expect((await contentOf(again)).batches.length).toBeLessThanOrEqual(after.batches.length);
    }
    await again.close();
  }
});

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'a loss of power during a run leaves old or new segments (seed %i)',
  async (seed) => {
    const { losePower, random, start, run } = simulated(seed);
    const directory = '/data/topic-0';
    const first = start();
    const fillIn = async (path: string): Promise<PartitionLog> => {
      await first.system.disk.makeDirectory(path);
      const opened = await openLogIn(path, contextOf(first.system));
      await fill(opened);
      return opened;
    };
    const log = (await run(() => fillIn(directory))) as PartitionLog;
    const before = (await run(() => contentOf(log))) as Content;
    // Another log with the same content shows what the run would have come to.
    const after = (await run(async () => {
      const other = await fillIn('/other/topic-0');
      await cleanAll(first.system, other);
      return contentOf(other);
    })) as Content;
    const { recoveryPoint } = log;
    // Long enough for a part of the run at least; sometimes for all of it.
    await run(() => cleanAll(first.system, log), random.between(1, 300));
    losePower(first.process);

    const second = start();
    const again = (await run(() =>
      openLogIn(directory, contextOf(second.system), { recoveryPoint }),
    )) as PartitionLog;
    const found = (await run(() => contentOf(again))) as Content;
    const names = await run(() => second.system.disk.list(directory));
    expect(leftovers(names ?? [])).toEqual([]);
    checkMixture(found, before, after);
    await run(() => cleanAll(second.system, again));
    const cleaned = (await run(() => contentOf(again))) as Content;
    expect(cleaned.batches.length).toBeLessThanOrEqual(after.batches.length);
  },
);

test('which transactions were aborted survives a loss of power, once it was flushed', async () => {
  const { losePower, start, run } = simulated(1);
  const first = start();
  const directory = '/data/topic-0';
  const log = (await run(async () => {
    await first.system.disk.makeDirectory(directory);
    const opened = await openLogIn(directory, contextOf(first.system));
    await fill(opened);
    return opened;
  })) as PartitionLog;
  const { recoveryPoint, logEndOffset } = log;
  const before = await run(() => log.abortedTransactions(0, logEndOffset));
  expect(before?.length).toBeGreaterThan(2);
  losePower(first.process);
  const again = (await run(() =>
    openLogIn(directory, contextOf(start().system), { recoveryPoint }),
  )) as PartitionLog;
  expect(await run(() => again.abortedTransactions(0, logEndOffset))).toEqual(before);
});

const openLogIn = (
  directory: string,
  context: ReturnType<typeof contextOf>,
  options: { readonly recoveryPoint: number } = { recoveryPoint: 0 },
): Promise<PartitionLog> =>
  PartitionLog.open(context, {
    directory,
    topic: 'topic',
    partition: 0,
    config,
    topicId: null,
    isClean: false,
    logStartOffset: 0,
    ...options,
  });

/** A machine whose disk forgets what was not synced when it loses power, and jobs on it. */
const simulated = (seed: number) => {
  const world = new World(seed);
  const random = seededRandom(seed, 'power');
  const device = new Device(world, random);
  const place = { name: 'host', address: '10.0.0.1', isUp: true };
  const start = (): { process: SimProcess; system: System } => {
    const process = new SimProcess(place, 'broker');
    const real = realSystem();
    const clock = {
      nowMs: () => nowMs + 5000,
      elapsedMs: () => world.nowMs,
      setTimer: (delayMs: number, callback: () => void) => {
        const event = world.schedule(delayMs, process, callback);
        return {
          cancel: () => {
            event.isCancelled = true;
          },
        };
      },
      defer: (callback: () => void) => void world.schedule(0.01, process, callback),
      sleep: (delayMs: number) => world.sleep(delayMs),
    };
    return { process, system: { ...real, disk: simDisk(device, process), clock } };
  };
  const run = async <T>(job: () => Promise<T>, limitMs = 1e9): Promise<T | null> => {
    let result: { value: T } | null = null;
    let failure: unknown = null;
    job().then(
      (value) => {
        result = { value };
      },
      (error: unknown) => {
        failure = error;
      },
    );
    await world.run(world.nowMs + limitMs, () => result !== null || failure !== null);
    if (failure !== null) throw failure;
    return (result as { value: T } | null)?.value ?? null;
  };
  const losePower = (process: SimProcess): void => {
    process.isAlive = false;
    device.processEnded(process);
    device.losePower();
  };
  return { losePower, random, start, run };
};
