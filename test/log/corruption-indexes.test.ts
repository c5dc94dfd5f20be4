import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeProducerSnapshot } from '../../log/producer-snapshot.ts';
import {
  COUNT,
  checkOpens,
  cleanUp,
  endsAt,
  flipLastByte,
  type Opens,
  producer,
  START_MS,
  valuesOf,
} from './corruption-support.ts';
import { append, readAll } from './log-support.ts';

afterEach(cleanUp);

/** Relative offset and position of the last entry. */
const noises: [string, number, number][] = [
  ['an offset out of range', 1_000_000, 100],
  ['a negative offset', -5, 100],
  ['a position behind the end', 2, 1_000_000],
  ['a negative position', 2, -7],
  ['a position within a batch', 2, 100],
];

const indexRows: Opens[] = [
  ...(['clean', 'crash'] as const).map(
    (stop): Opens => ({
      name: `a missing offset index is built anew, with the others, after a ${stop} stop`,
      stop,
      damage: (on) => {
        for (const suffix of ['.index', '.timeindex']) rmSync(on.file(0, suffix));
        return 0;
      },
      check: async (log, on) => {
        expect(readFileSync(on.file(0, '.index')).length).toBeGreaterThan(0);
        expect(readFileSync(on.file(0, '.timeindex')).length).toBeGreaterThan(0);
        expect(existsSync(on.partition(`${String(on.base(1)).padStart(20, '0')}.snapshot`))).toBe(
          true,
        );
        expect((await log.offsetForTimestamp(START_MS + 4))?.offset).toBe(4);
        await endsAt(log, COUNT);
      },
    }),
  ),
  {
    name: 'a missing offset index of a damaged segment: the end is cut, later segments stay',
    stop: 'clean',
    damage: (on) => {
      rmSync(on.file(1, '.index'));
      return on.editBatch(1, 3, flipLastByte);
    },
    check: async (log, on, offset) => {
      expect(log.logEndOffset).toBe(COUNT);
      expect(log.segments).toHaveLength(on.bases.length);
      expect(await readAll(log)).toEqual([...valuesOf(0, offset), ...valuesOf(on.base(2), COUNT)]);
    },
  },
  {
    name: 'a missing time index becomes an empty one: the time of the file stands in',
    stop: 'clean',
    damage: (on) => {
      rmSync(on.file(0, '.timeindex'));
      utimesSync(on.file(0), START_MS / 1000 + 5, START_MS / 1000 + 5);
    },
    check: async (log, on) => {
      expect(readFileSync(on.file(0, '.timeindex'))).toHaveLength(0);
      expect(await log.segments[0]?.largestTimestamp()).toBe(START_MS + 5000);
      expect((await log.offsetForTimestamp(START_MS + 3))?.offset).toBe(3);
      await endsAt(log, COUNT);
    },
  },
  {
    name: 'a partial entry at the end of an index is passed over, and trimmed on close',
    stop: 'clean',
    damage: (on) => {
      for (const suffix of ['.index', '.timeindex'])
        on.edit(on.file(-1, suffix), (bytes) => Buffer.concat([bytes, Buffer.alloc(5)]));
    },
    check: async (log, on, _noted, manager) => {
      await endsAt(log, COUNT);
      await manager.close();
      expect(readFileSync(on.file(-1, '.index')).length % 8).toBe(0);
      expect(readFileSync(on.file(-1, '.timeindex')).length % 12).toBe(0);
      expect(existsSync(join(on.path, '.kafka_cleanshutdown'))).toBe(true);
    },
  },
  {
    name: 'indexes of full size and without entries are built anew where the crash may have left them',
    stop: 'crash',
    damage: (on) => {
      for (const suffix of ['.index', '.timeindex'])
        writeFileSync(on.file(-1, suffix), Buffer.alloc(240));
    },
    check: async (log) => {
      expect(log.segments.at(-1)?.index.entries().length).toBeGreaterThan(0);
      expect((await log.offsetForTimestamp(START_MS + COUNT - 1))?.offset).toBe(COUNT - 1);
      await endsAt(log, COUNT);
    },
  },
  ...noises.map(
    ([name, offset, position]): Opens => ({
      name: `${name} in the offset index of the active segment hides nothing and ends nothing`,
      stop: 'clean',
      damage: (on) =>
        on.edit(on.file(-1, '.index'), (bytes) => {
          bytes.writeInt32BE(offset, bytes.length - 8);
          bytes.writeInt32BE(position, bytes.length - 4);
        }),
      check: async (log) => {
        for (let next = COUNT; next < COUNT + 4; next++) {
          const info = await append(log, [`value-${next}`], { ...producer, baseSequence: next });
          expect(info.baseOffset).toBe(next);
        }
        await endsAt(log, COUNT + 4);
      },
    }),
  ),
  {
    name: 'an index without its segment is removed',
    stop: 'clean',
    damage: (on) => {
      for (const suffix of ['index', 'timeindex', 'txnindex'])
        writeFileSync(on.partition(`00000000000000000500.${suffix}`), 'x');
    },
    check: async (log, on) => {
      expect(readdirSync(on.partition('')).filter((name) => name.includes('500.'))).toEqual([]);
      await endsAt(log, COUNT);
    },
  },
  {
    name: 'an entry of the transaction index from before its segment has the segment recovered',
    stop: 'clean',
    damage: (on) => writeFileSync(on.file(1, '.txnindex'), Buffer.alloc(34)),
    check: async (log, on) => {
      expect(existsSync(on.file(1, '.txnindex'))).toBe(false);
      expect(await log.abortedTransactions(0, COUNT)).toEqual([]);
      await endsAt(log, COUNT);
    },
  },
  {
    name: 'a partial entry of the transaction index is passed over',
    stop: 'clean',
    damage: (on) => writeFileSync(on.file(1, '.txnindex'), Buffer.alloc(20)),
    check: async (log) => expect(await log.abortedTransactions(0, COUNT)).toEqual([]),
  },
];

const snapshotDamages: [string, (bytes: Buffer) => unknown][] = [
  ['a wrong checksum', flipLastByte],
  ['a version there is not', (bytes) => void bytes.writeInt16BE(2, 0)],
  ['too few bytes', (bytes) => bytes.subarray(0, 9)],
];

const producerRows: Opens[] = [
  ...snapshotDamages.map(
    ([name, change]): Opens => ({
      name: `a snapshot of producers with ${name} is removed, an older one does`,
      stop: 'clean',
      damage: (on) => {
        const last = on.snapshots().at(-1) ?? '';
        expect(Number.parseInt(last, 10)).toBe(COUNT);
        on.edit(on.partition(last), change);
      },
      check: async (log) => {
        expect([...log.producers.activeProducers()][0]?.lastSequence).toBe(COUNT - 1);
        await endsAt(log, COUNT);
      },
    }),
  ),
  {
    name: 'without any sound snapshot the whole log is replayed',
    stop: 'clean',
    damage: (on) => {
      for (const name of on.snapshots()) writeFileSync(on.partition(name), 'noise of some length');
    },
    check: async (log) => {
      expect([...log.producers.activeProducers()][0]?.lastSequence).toBe(COUNT - 1);
      await endsAt(log, COUNT);
    },
  },
  {
    name: 'no snapshot after a stop in order means no producers',
    stop: 'clean',
    damage: (on) => {
      for (const name of on.snapshots()) rmSync(on.partition(name));
    },
    check: (log) => expect([...log.producers.activeProducers()]).toEqual([]),
  },
  {
    name: 'a snapshot above the end is removed',
    stop: 'crash',
    damage: (on) =>
      writeFileSync(on.partition('00000000000000000900.snapshot'), encodeProducerSnapshot([])),
    check: async (log, on) => {
      expect(on.snapshots()).not.toContain('00000000000000000900.snapshot');
      await endsAt(log, COUNT);
    },
  },
];

describe('damage that indexes and snapshots may have', () => {
  test.each([...indexRows, ...producerRows])('$name', checkOpens);
});
