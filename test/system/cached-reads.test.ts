import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCachedReads } from '../../system/cached-reads.ts';
import { type DiskFile, realDisk } from '../../system/disk.ts';

const FILE_BYTES = 1024 * 1024;
const directory = mkdtempSync(join(tmpdir(), 'cached-reads-'));
const path = join(directory, 'data');
const content = Buffer.alloc(FILE_BYTES);
for (let at = 0; at < FILE_BYTES; at += 4) content.writeUInt32LE((at * 2654435761) >>> 0, at);

let file: DiskFile;

beforeAll(() => {
  writeFileSync(path, content);
  file = realDisk.openSync(path, 'write');
});

afterAll(async () => {
  await file.close();
  rmSync(directory, { recursive: true });
});

const read = (target: Buffer, position: number): number => file.readCached?.(target, position) ?? 0;

let seed = 11;
const random = (limit: number): number => {
  seed = (seed * 1103515245 + 12345) & 0x7fffffff;
  return seed % limit;
};

test('what is read at once is what the ordinary read gives, at random places and sizes', async () => {
  for (let count = 0; count < 300; count++) {
    const position = random(FILE_BYTES);
    const target = Buffer.alloc(1 + random(300_000));
    const bytes = read(target, position);
    expect(bytes).toBeLessThanOrEqual(target.length);
    const ordinary = Buffer.alloc(target.length);
    const ordinaryBytes = await file.read(ordinary, position);
    expect(bytes).toBeLessThanOrEqual(ordinaryBytes);
    expect(target.subarray(0, bytes).equals(ordinary.subarray(0, bytes))).toBe(true);
  }
});

test('nothing comes of an empty, a large or an impossible read', () => {
  expect(read(Buffer.alloc(0), 0)).toBe(0);
  expect(read(Buffer.alloc(512 * 1024), 0)).toBe(0);
  for (let count = 0; count < 20; count++) {
    expect(read(Buffer.alloc(100), FILE_BYTES)).toBe(0);
    expect(read(Buffer.alloc(100), -5)).toBe(0);
  }
});

// Where there are no such reads, all of them say that they have nothing.
(hasCachedReads() ? test : test.skip)(
  'nearly all reads of a file just written succeed, but never all of many in a row',
  () => {
    let successes = 0;
    for (let count = 0; count < 160; count++)
      if (read(Buffer.alloc(1000), count * 1000) === 1000) successes += 1;
    expect(successes).toBeGreaterThan(0);
    expect(successes).toBeLessThanOrEqual(150);
  },
);
