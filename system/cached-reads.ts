/**
 * Reads of what the page cache has, at once and on the event loop, where a turn through the thread pool would cost more than
 * the copy. Linux tells by itself: preadv2 with RWF_NOWAIT never waits for a device. The call goes through koffi, a package
 * that may be missing; then, and on other systems, nothing is read this way. Figures: docs/decisions/reads.md.
 */
import { loadPackage } from './packages.ts';

/** From about here on two threads, one reading and one sending, are faster than one. */
const BYTES_MAX = 256 * 1024;
/**
 * One read in so many says that it has nothing: a job that reads on and on, the loading of a group for one, must let others
 * have their turn of the event loop.
 */
const READS_IN_A_ROW_MAX = 16;

const RWF_NOWAIT = 8;

interface Koffi {
  load(path: null): { func(declaration: string): unknown };
  address(buffer: Buffer): bigint;
}

interface Calls {
  readonly koffi: Koffi;
  /** The bytes read; -1 for an error, one of which says that it would have to wait. */
  readonly preadv2: (
    fd: number,
    vector: Buffer,
    count: number,
    position: number,
    flags: number,
  ) => number;
}

const load = (): Calls | null => {
  // The vector below is of 64 bits, the lower ones first.
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return null;
  try {
    const koffi = loadPackage('koffi') as Koffi;
    const declaration = 'int64_t preadv2(int, void *, int, int64_t, int)';
    return { koffi, preadv2: koffi.load(null).func(declaration) as Calls['preadv2'] };
  } catch {
    // Not installed, or a C library without the call: reads go through the thread pool.
    return null;
  }
};

let calls: Calls | null | undefined;
let readsInARow = 0;
/** A struct iovec: address and length. */
const vector = Buffer.alloc(16);

/** The bytes that could be had at once from `position` on, fewer than `target` holds where some would have to be waited for. */
export const readCached = (fd: number, target: Buffer, position: number): number => {
  if (calls === undefined) calls = load();
  if (calls === null || target.length === 0 || target.length > BYTES_MAX) return 0;
  readsInARow += 1;
  if (readsInARow >= READS_IN_A_ROW_MAX) {
    readsInARow = 0;
    return 0;
  }
  vector.writeBigUInt64LE(calls.koffi.address(target), 0);
  vector.writeBigUInt64LE(BigInt(target.length), 8);
  // Errors are left to the ordinary read, which meets them again.
  return Math.max(calls.preadv2(fd, vector, 1, position, RWF_NOWAIT), 0);
};

/** Whether `readCached` can read here at all. */
export const hasCachedReads = (): boolean => {
  if (calls === undefined) calls = load();
  return calls !== null;
};
