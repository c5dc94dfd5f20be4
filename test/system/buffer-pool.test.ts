/** Memory that is used again: holders are counted, and who forgets to release loses nothing but the reuse. */
import { BufferPool } from '../../system/buffer-pool.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

test('memory is used again once its last holder has released it', () => {
  const pool = new BufferPool(8 * MIB);
  const first = pool.take(MIB);
  const memory = first.buffer;
  pool.retain(first.subarray(10, 20));
  pool.release(first);
  expect(pool.take(MIB).buffer).not.toBe(memory);
  pool.release(first.subarray(10, 20));
  expect(pool.take(MIB).buffer).toBe(memory);
});

test('a view is known by the memory it lies in; other memory is passed over', () => {
  const pool = new BufferPool(8 * MIB);
  const piece = pool.take(100 * KIB);
  expect(piece).toHaveLength(100 * KIB);
  expect(pool.owns(piece.subarray(50, 60))).toBe(true);
  const foreign = Buffer.alloc(MIB);
  expect(pool.owns(foreign)).toBe(false);
  pool.retain(foreign);
  pool.release(foreign);
  expect(pool.freeBytes).toBe(0);
});

test('small pieces share a slab, which comes back when all of them have', () => {
  const pool = new BufferPool(8 * MIB);
  const pieces = Array.from({ length: 4 }, () => pool.take(16 * KIB));
  expect(new Set(pieces.map(({ buffer }) => buffer)).size).toBe(1);
  expect(new Set(pieces.map(({ byteOffset }) => byteOffset)).size).toBe(4);
  const next = pool.take(16 * KIB);
  expect(next.buffer).not.toBe(pieces[0]?.buffer);
  for (const piece of pieces.slice(1)) pool.release(piece);
  expect(pool.freeBytes).toBe(0);
  pool.release(pieces[0] as Buffer);
  expect(pool.freeBytes).toBe(64 * KIB);
});

test('what is kept for reuse is bounded, and one release too many frees nothing twice', () => {
  const pool = new BufferPool(MIB);
  const pieces = [pool.take(MIB), pool.take(MIB)];
  for (const piece of pieces) pool.release(piece);
  expect(pool.freeBytes).toBe(MIB);
  pool.release(pieces[0] as Buffer);
  expect(pool.freeBytes).toBe(MIB);
});

test('a pool full of sizes that nobody asks for any more makes room for the one in use', () => {
  const pool = new BufferPool(2 * MIB);
  const small = Array.from({ length: 32 }, () => pool.take(64 * KIB));
  for (const piece of small) pool.release(piece);
  expect(pool.freeBytes).toBe(2 * MIB);
  const large = pool.take(MIB);
  pool.release(large);
  expect(pool.freeBytes).toBe(2 * MIB);
  expect(pool.take(MIB).buffer).toBe(large.buffer);
  // What is left of the others is still used.
  const { buffer: left } = pool.take(64 * KIB);
  expect(small.some(({ buffer }) => buffer === left)).toBe(true);
});
