import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wholeBatches } from '../../log/batch-scan.ts';
import {
  COUNT,
  checkOpens,
  cleanUp,
  endsAt,
  flipLastByte,
  type Opens,
  producer,
} from './corruption-support.ts';
import { append, readBatches } from './log-support.ts';

afterEach(cleanUp);

const SIZE_AT = 8;
const MAGIC_AT = 16;

const tails: [string, (bytes: Buffer) => Buffer][] = [
  ['half a batch', (bytes) => bytes.subarray(0, 50)],
  ['zero bytes', () => Buffer.alloc(300)],
  ['noise', () => Buffer.from('noise that is no batch at all, but long enough to look at')],
];

const cutRows: Opens[] = tails.map(([name, tail]) => ({
  name: `${name} at the end of the last segment after a crash is cut off`,
  stop: 'crash',
  damage: (on) => on.edit(on.file(-1), (bytes) => Buffer.concat([bytes, tail(bytes)])),
  check: (log) => endsAt(log, COUNT),
}));

const dataRows: Opens[] = [
  {
    name: 'a bad checksum above the recovery point after a crash cuts the log there',
    stop: 'crash',
    damage: (on) => {
      on.recoverFrom(on.base(1));
      return on.editBatch(1, 2, flipLastByte);
    },
    check: async (log, on, offset) => {
      expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual(on.bases.slice(0, 2));
      for (const slot of [2, 3]) expect(existsSync(on.file(slot))).toBe(false);
      expect(on.snapshots().every((name) => Number.parseInt(name, 10) <= offset)).toBe(true);
      await endsAt(log, offset);
    },
  },
  {
    name: 'an impossible size above the recovery point after a crash cuts the log there',
    stop: 'crash',
    damage: (on) => {
      on.recoverFrom(0);
      return on.editBatch(1, 3, (batch) => void batch.writeInt32BE(3, SIZE_AT));
    },
    check: (log, _on, offset) => endsAt(log, offset),
  },
  {
    name: 'a magic there is not above the recovery point fails the checksum',
    stop: 'crash',
    damage: (on) => {
      on.recoverFrom(0);
      // The magic is outside the checksum of magic 2, but such a batch has one of its own place.
      return on.editBatch(1, 3, (batch) => {
        batch[MAGIC_AT] = 9;
        flipLastByte(batch);
      });
    },
    check: (log, _on, offset) => endsAt(log, offset),
  },
  ...(['clean', 'crash'] as const).map(
    (stop): Opens => ({
      name: `a bad checksum ${stop === 'clean' ? 'after a stop in order' : 'below the recovery point'} is served as it is`,
      stop,
      damage: (on) => {
        if (stop === 'crash') on.recoverFrom(on.base(2));
        return on.editBatch(1, 2, flipLastByte);
      },
      check: async (log, _on, offset) => {
        expect(log.logEndOffset).toBe(COUNT);
        const batches = await readBatches(log, 0);
        expect(batches).toHaveLength(COUNT);
        const broken = batches.filter((batch) => !batch.isCrcValid());
        expect(broken.map(({ baseOffset }) => baseOffset)).toEqual([offset]);
      },
    }),
  ),
  {
    name: 'a magic there is not is returned raw where nothing is recovered',
    stop: 'clean',
    damage: (on) => on.editBatch(1, 2, (batch) => void batch.writeInt8(9, MAGIC_AT)),
    check: async (log, _on, offset) => {
      const batches = await readBatches(log, 0);
      expect(batches.map(({ baseOffset }) => baseOffset)).toEqual(
        Array.from({ length: COUNT }, (_, index) => index),
      );
      expect(batches[offset]?.magic).toBe(9);
    },
  },
  {
    name: 'an impossible size met by a read is a corrupt message, what lies before it is served',
    stop: 'clean',
    damage: (on) => on.editBatch(1, 2, (batch) => void batch.writeInt32BE(3, SIZE_AT)),
    check: async (log, _on, offset) => {
      const limits = { maxBytes: 10_000, endOffset: COUNT, minOneBatch: true };
      const { buffers } = await log.read(offset - 1, limits);
      expect([...wholeBatches(Buffer.concat(buffers))].map((b) => b.baseOffset)).toEqual([
        offset - 1,
      ]);
      await expect(log.read(offset, limits)).rejects.toMatchObject({ code: 2 });
      expect(log.isUsable).toBe(true);
      await append(log, ['next'], { ...producer, baseSequence: COUNT });
    },
  },
  {
    name: 'a size that points out of a closed segment: reads go on in the next one',
    stop: 'clean',
    damage: (on) => on.editBatch(1, 3, (batch) => void batch.writeInt32BE(1_000_000, SIZE_AT)),
    check: async (log, on, offset) => {
      const found = (await readBatches(log, 0)).map(({ baseOffset }) => baseOffset);
      const next = on.base(2);
      expect(found).toEqual([
        ...Array.from({ length: offset }, (_, index) => index),
        ...Array.from({ length: COUNT - next }, (_, index) => next + index),
      ]);
      const [first] = await readBatches(log, offset);
      expect(first?.baseOffset).toBe(next);
    },
  },
  {
    name: 'a mark of a clean stop that somebody left there: a torn end stays',
    stop: 'crash',
    damage: (on) => {
      writeFileSync(join(on.path, '.kafka_cleanshutdown'), '');
      on.edit(on.file(-1), (bytes) => Buffer.concat([bytes, bytes.subarray(0, 50)]));
      return readFileSync(on.file(-1)).length;
    },
    check: (log, _on, size) => {
      expect(log.logEndOffset).toBe(COUNT);
      expect(log.segments.at(-1)?.sizeBytes).toBe(size);
    },
  },
];

/** Moves the batches from `index` on so far up that the segment's base is out of an index's reach. */
const FAR = 2 ** 31 + 100;

const overflowRows: Opens[] = (['clean', 'crash'] as const).map((stop) => ({
  name: `offsets too far from the base of their segment get one of their own, after a ${stop} stop`,
  stop,
  damage: (on) => {
    if (stop === 'clean') rmSync(on.file(-1, '.index'));
    const from = on.editBatch(-1, 1, (batch) => batch.writeBigInt64BE(BigInt(FAR)));
    on.editBatch(-1, 2, (batch) => batch.writeBigInt64BE(BigInt(FAR + 1)));
    return from;
  },
  check: async (log, on, from) => {
    expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([...on.bases, FAR]);
    expect(log.logEndOffset).toBe(FAR + 2);
    const offsets = (await readBatches(log, on.base(-1))).map(({ baseOffset }) => baseOffset);
    expect(offsets).toEqual([from - 1, FAR, FAR + 1]);
    expect(readdirSync(on.partition('')).some((name) => name.endsWith('.cleaned'))).toBe(false);
  },
}));

describe('damage that a log gets over', () => {
  test.each([...cutRows, ...dataRows, ...overflowRows])('$name', checkOpens);
});
