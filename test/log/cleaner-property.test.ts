import type { PartitionLog } from '../../log/partition-log.ts';
import {
  buildEndTransactionMarker,
  endTransactionMarkerOf,
} from '../../protocol/control-record.ts';
import { buildBatch, type RecordBatch } from '../../protocol/record-batch.ts';
import { realSystem, type System } from '../../system/system.ts';
import { cleanerOf } from './cleaner-support.ts';
import { FaultyDisk } from './faulty-disk.ts';
import {
  contextOf,
  openLog,
  readBatches,
  removeTempDirectories,
  smallConfig,
  tempDirectory,
} from './log-support.ts';

afterEach(removeTempDirectories);

/** The same numbers for the same seed (mulberry32). */
const numbersOf = (seed: number): ((limit: number) => number) => {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
};

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const KEYS = 12;
const DELETE_RETENTION_MS = 1000;

interface Written {
  readonly offset: number;
  readonly key: string;
  /** Null: a tombstone. */
  readonly value: string | null;
  state: 'committed' | 'open' | 'aborted';
}

const textOf = (key: Buffer | string | null, value: Buffer | string | null): string =>
  `${key}=${value}`;

/** Everything that was ever written, and so what a consumer of it must end up with. */
class Model {
  readonly written: Written[] = [];
  /** By transactional producer. */
  readonly open = new Map<number, Written[]>();
  readonly sequences = new Map<number, number>();
  readonly lastOffsets = new Map<number, number>();

  /** The value of each key that has one, of what is committed below `endOffset`. */
  valuesBelow(endOffset: number): Record<string, string> {
    const latest = new Map<string, string | null>();
    for (const { offset, key, value, state } of this.written)
      if (state === 'committed' && offset < endOffset) latest.set(key, value);
    const entries = [...latest].flatMap(([key, value]) =>
      value === null ? [] : [[key, textOf(key, value)] as const],
    );
    return Object.fromEntries(entries.sort());
  }
}

class Workload {
  readonly model = new Model();
  readonly #random: (limit: number) => number;
  readonly #log: PartitionLog;
  #count = 0;

  constructor(log: PartitionLog, random: (limit: number) => number) {
    this.#log = log;
    this.#random = random;
  }

  async step(nowMs: number): Promise<void> {
    const { model } = this;
    const producerId = this.#random(4);
    const ongoing = model.open.get(producerId);
    if (ongoing !== undefined && this.#random(3) === 0) return this.#end(producerId, nowMs);
    const isTransactional = producerId < 3;
    const records = Array.from({ length: 1 + this.#random(5) }, () => this.#record(nowMs));
    const sequence = model.sequences.get(producerId) ?? 0;
    const compression = codecs[this.#random(codecs.length)] ?? 'none';
    const ids = { producerId, producerEpoch: 0, baseSequence: sequence };
    const batch = buildBatch({ records, compression, isTransactional, ...ids });
    const info = await this.#log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client' });
    model.sequences.set(producerId, sequence + records.length);
    model.lastOffsets.set(producerId, info.lastOffset);
    const written = records.map(
      ({ key, value }, index): Written => ({
        offset: info.baseOffset + index,
        key: key.toString(),
        value: value?.toString() ?? null,
        state: isTransactional ? 'open' : 'committed',
      }),
    );
    model.written.push(...written);
    if (isTransactional) model.open.set(producerId, [...(ongoing ?? []), ...written]);
  }

  async endAll(nowMs: number): Promise<void> {
    for (const producerId of [...this.model.open.keys()]) await this.#end(producerId, nowMs);
  }

  async #end(producerId: number, timestamp: number): Promise<void> {
    const isCommit = this.#random(2) === 0;
    const ids = { producerId, producerEpoch: 0, coordinatorEpoch: 0 };
    const marker = buildEndTransactionMarker({ ...ids, isCommit, timestamp });
    await this.#log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator' });
    this.#log.producers.advanceHighWatermark(this.#log.logEndOffset);
    for (const written of this.model.open.get(producerId) ?? [])
      written.state = isCommit ? 'committed' : 'aborted';
    this.model.open.delete(producerId);
  }

  #record(timestamp: number): { key: Buffer; value: Buffer | null; timestamp: number } {
    const key = Buffer.from(`key-${this.#random(KEYS)}`);
    const isTombstone = this.#random(6) === 0;
    const filling = 'x'.repeat(this.#random(60));
    return {
      key,
      value: isTombstone ? null : Buffer.from(`${this.#count++}${filling}`),
      timestamp,
    };
  }
}

const stableEnd = (log: PartitionLog): number => log.firstUnstableOffset ?? log.logEndOffset;

/** What a read_committed consumer ends up with that reads everything. */
const consume = async (log: PartitionLog): Promise<Record<string, string>> => {
  const endOffset = stableEnd(log);
  const batches = await readBatches(log, log.logStartOffset);
  const aborted = [...(await log.abortedTransactions(log.logStartOffset, endOffset))].sort(
    (a, b) => a.firstOffset - b.firstOffset,
  );
  const seen = new Map<string, string>();
  const inAbort = new Set<number>();
  let previous = -1;
  for (const batch of batches) {
    expect(batch.isCrcValid()).toBe(true);
    expect(batch.baseOffset).toBeGreaterThan(previous);
    previous = batch.lastOffset;
    if (previous >= endOffset) break;
    // As the Java consumer does it.
    for (; aborted[0] !== undefined && aborted[0].firstOffset <= previous; aborted.shift())
      inAbort.add(aborted[0].producerId);
    const isLeftOut = batch.isTransactional && inAbort.has(batch.producerId);
    if (batch.isControl && isAbort(batch)) inAbort.delete(batch.producerId);
    if (batch.isControl || isLeftOut) continue;
    for (const { key, value } of batch.records())
      if (value === null) seen.delete(String(key));
      else seen.set(String(key), textOf(key, value));
  }
  return Object.fromEntries([...seen].sort());
};

const isAbort = (batch: RecordBatch): boolean => endTransactionMarkerOf(batch)?.type === 'abort';

const checkOffsets = async (log: PartitionLog, model: Model): Promise<void> => {
  const written = new Map(model.written.map((one) => [one.offset, textOf(one.key, one.value)]));
  for (const [offset, text] of await everyRecord(log)) expect(text).toBe(written.get(offset));
};

const everyRecord = async (log: PartitionLog): Promise<Map<number, string>> => {
  const found = new Map<number, string>();
  for (const batch of await readBatches(log, log.logStartOffset)) {
    if (batch.isControl) continue;
    for (const { offset, key, value } of batch.records()) found.set(offset, textOf(key, value));
  }
  return found;
};

test.each(Array.from({ length: 10 }, (_, seed) => seed))(
  'whatever is written and cleaned, the same values are read and no record moves (seed %i)',
  async (seed) => {
    const random = numbersOf(seed);
    const real = realSystem();
    let nowMs = 1_700_000_000_000;
    const { disk } = new FaultyDisk(real.disk, Number.POSITIVE_INFINITY);
    const system: System = { ...real, disk, clock: { ...real.clock, nowMs: () => nowMs } };
    const config = {
      ...smallConfig,
      segmentBytes: 500 + random(1500),
      indexIntervalBytes: random(300),
      cleanupCompact: true,
      cleanupDelete: false,
      minCleanableDirtyRatio: 0,
      deleteRetentionMs: DELETE_RETENTION_MS,
    };
    const directory = `${tempDirectory()}/topic-0`;
    let log = await openLog(directory, { config }, contextOf(system));
    const workload = new Workload(log, random);
    const settings = {
      dedupeBufferBytes: random(2) === 0 ? 24 * 11 : 1e6,
      ioBufferBytes: 2 * 4096,
    };
    const cleaner = await cleanerOf(system, [log], { settings });
    const { model } = workload;
    let cleanings = 0;
    for (let round = 0; round < 8; round++) {
      for (let step = 0; step < 20 + random(20); step++) await workload.step(nowMs);
      if (random(2) === 0) await workload.endAll(nowMs);
      await log.settled();
      const cleaning = cleaner.cleanDirtiest();
      // Others write and read while the run is under way.
      for (let step = 0; step < random(6); step++) {
        await workload.step(nowMs);
        expect(await consume(log)).toEqual(model.valuesBelow(stableEnd(log)));
      }
      if (await cleaning) cleanings += 1;
      expect(cleaner.uncleanable.size).toBe(0);
      expect(await consume(log)).toEqual(model.valuesBelow(stableEnd(log)));
      await checkOffsets(log, model);
      await checkProducers(log, model);
      nowMs += random(2 * DELETE_RETENTION_MS);
    }
    expect(cleanings).toBeGreaterThan(3);
    await workload.endAll(nowMs);
    // Cleaned until nothing is left to do, and opened again after a crash: the same values.
    while (await cleaner.cleanDirtiest());
    await cleaner.stop();
    const expected = model.valuesBelow(log.logEndOffset);
    expect(await consume(log)).toEqual(expected);
    const { recoveryPoint } = log;
    await log.abandon();
    log = await openLog(directory, { config, recoveryPoint }, contextOf(system));
    log.producers.advanceHighWatermark(log.logEndOffset);
    expect(await consume(log)).toEqual(expected);
    await checkProducers(log, model);
    await log.close();
  },
);

/** The end of every producer is still in the log, so that a restart finds it. */
const checkProducers = async (log: PartitionLog, model: Model): Promise<void> => {
  const known = new Map(log.producers.entries().map((one) => [one.producerId, one.lastOffset]));
  expect(known).toEqual(model.lastOffsets);
  const ends = new Set<number>();
  for (const { lastOffset } of await readBatches(log, log.logStartOffset)) ends.add(lastOffset);
  for (const offset of model.lastOffsets.values()) expect(ends.has(offset)).toBe(true);
};

test('keys without a successor are all there after a run, superseded ones are not', async () => {
  const system = realSystem();
  const config = {
    ...smallConfig,
    cleanupCompact: true,
    cleanupDelete: false,
    minCleanableDirtyRatio: 0,
  };
  const log = await openLog(`${tempDirectory()}/topic-0`, { config });
  for (let round = 0; round < 100; round++) {
    const records = ['a', 'b', `only-${round}`].map((key) => ({
      key: Buffer.from(key),
      value: Buffer.from(`${key}@${round}`),
    }));
    const batch = buildBatch({ records, timestamp: 1_700_000_000_000 });
    await log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client' });
  }
  await log.settled();
  const cleaner = await cleanerOf(system, [log]);
  const activeBase = log.segments.at(-1)?.baseOffset ?? 0;
  expect(await cleaner.cleanDirtiest()).toBe(true);
  expect(await cleaner.cleanDirtiest()).toBe(false);
  const left = [...(await everyRecord(log))].filter(([offset]) => offset < activeBase);
  const texts = left.map(([, text]) => text);
  const rounds = Math.floor(activeBase / 3);
  expect(texts.filter((text) => text.startsWith('only-'))).toHaveLength(rounds);
  expect(texts.filter((text) => text.startsWith('a='))).toEqual([`a=a@${rounds - 1}`]);
  await cleaner.stop();
  await log.close();
});
