import { join } from 'node:path';
import { type AbortedTransaction, TransactionIndex } from '../../log/transaction-index.ts';
import { type Disk, realDisk } from '../../system/disk.ts';
import { removeTempDirectories, tempDirectory } from './log-support.ts';

afterEach(removeTempDirectories);

const aborted = (firstOffset: number): AbortedTransaction => ({
  producerId: 9,
  firstOffset,
  lastOffset: firstOffset + 2,
  lastStableOffset: firstOffset + 3,
});

/** An index, and how often its file was read. */
const open = () => {
  const counts = { reads: 0 };
  const disk: Disk = {
    ...realDisk,
    readFile: (path) => {
      counts.reads += 1;
      return realDisk.readFile(path);
    },
  };
  return { index: new TransactionIndex(join(tempDirectory(), '0.txnindex')), disk, counts };
};

test('a segment without aborted transactions is looked at once', async () => {
  const { index, disk, counts } = open();
  expect(await index.read(disk)).toEqual([]);
  expect(await index.read(disk)).toEqual([]);
  expect(counts.reads).toBe(1);
});

test('every change is seen by the next read', async () => {
  const { index, disk } = open();
  await index.read(disk);
  index.appendSync(disk, [aborted(1)]);
  expect(await index.read(disk)).toEqual([aborted(1)]);
  index.appendSync(disk, [aborted(5)]);
  expect(await index.read(disk)).toEqual([aborted(1), aborted(5)]);
  await index.truncateTo(disk, 6);
  expect(await index.read(disk)).toEqual([aborted(1)]);
  await index.remove(disk);
  expect(await index.read(disk)).toEqual([]);
});

test('what is written while the file is read is not lost to later reads', async () => {
  const { index, disk } = open();
  const overtaken = index.read(disk);
  index.appendSync(disk, [aborted(1)]);
  await overtaken;
  expect(await index.read(disk)).toEqual([aborted(1)]);
});
