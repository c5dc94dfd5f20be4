/** A file walked in slices: nothing is read twice for long, and what was taken is given back. */
import { type SliceMemory, scanSlices, wholeBatches } from '../../log/batch-scan.ts';
import { realSystem } from '../../system/system.ts';
import { batchOf, removeTempDirectories, tempDirectory } from './log-support.ts';

afterAll(removeTempDirectories);

test('batches larger than a slice are read once each but for the first, in memory that goes back', async () => {
  const { disk } = realSystem();
  const path = `${tempDirectory()}/file`;
  const batches = Array.from({ length: 6 }, (_, index) => batchOf([`${index}`.repeat(5000)]));
  await disk.writeFile(path, Buffer.concat(batches));
  const file = await disk.open(path, 'read');
  const out = new Set<Buffer>();
  let takes = 0;
  const memory: SliceMemory = {
    take: (byteCount) => {
      const taken = Buffer.alloc(byteCount);
      out.add(taken);
      takes += 1;
      return taken;
    },
    release: (view) => {
      for (const taken of out) if (taken.buffer === view.buffer) out.delete(taken);
    },
  };
  const found: Buffer[] = [];
  for await (const slice of scanSlices(file, 0, file.size(), 1000, memory)) {
    for (const batch of wholeBatches(slice.buffer)) found.push(Buffer.from(batch.bytes()));
    memory.release(slice.buffer);
  }
  await file.close();
  expect(Buffer.concat(found).equals(Buffer.concat(batches))).toBe(true);
  expect(out.size).toBe(0);
  expect(takes).toBe(batches.length + 1);
});
