/**
 * Files. Data files are written at explicit positions by their one owner; nothing here buffers.
 * A failed call throws Node's error (`code`: ENOSPC, EIO, ENOENT …); the owner of the resource decides.
 */
import * as fs from 'node:fs';
import * as fsp from 'node:fs/promises';
import { dirname } from 'node:path';
import { readCached } from './cached-reads.ts';
import { acquireLock, type DiskLock } from './file-lock.ts';
import { isMissing } from './missing.ts';

export type { DiskLock } from './file-lock.ts';

export interface DiskFile {
  readonly path: string;
  /** Writes all of `buffers`, one behind the other, from `position` on. */
  write(buffers: readonly Buffer[], position: number): Promise<void>;
  /** The same at once, for small writes to the page cache, where a thread's round trip costs more. */
  writeSync(buffers: readonly Buffer[], position: number): void;
  /** Fills `target` from `position` on; returns the count of bytes read, short only at the end of the file. */
  read(target: Buffer, position: number): Promise<number>;
  readSync(target: Buffer, position: number): number;
  /** What can be had of `read` without waiting for a device: a count from 0 on, short for no reason at all. */
  readCached?(target: Buffer, position: number): number;
  size(): number;
  /** Cuts or extends the file to `size` bytes. */
  truncate(size: number): Promise<void>;
  truncateSync(size: number): void;
  /** Returns when the file's bytes have reached the device. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileInfo {
  readonly size: number;
  readonly isDirectory: boolean;
  readonly modifiedMs: number;
}

export interface Disk {
  /** `read`: must exist. `write`: read and write, created when absent, never cut. */
  open(path: string, mode: 'read' | 'write'): Promise<DiskFile>;
  openSync(path: string, mode: 'read' | 'write'): DiskFile;
  /** The whole file; null where there is none. A small one is read on the event loop, as `open` opens there. */
  readFile(path: string): Promise<Buffer | null>;
  /** Replaces the whole file, not atomically; see `replaceFile`. */
  writeFile(path: string, data: Buffer | string): Promise<void>;
  info(path: string): Promise<FileInfo | null>;
  /** Names in a directory, sorted; empty where it does not exist. */
  list(path: string): Promise<string[]>;
  /** Creates a directory with its parents. */
  makeDirectory(path: string): Promise<void>;
  /** Renames within one file system, replacing the target, and syncs the directory. */
  rename(from: string, to: string): Promise<void>;
  /** The same without the sync: of several, one `syncDirectory` behind them brings all to the device. */
  move(from: string, to: string): Promise<void>;
  /** Removes a file; nothing happens where there is none. */
  remove(path: string): Promise<void>;
  /** Removes a directory with everything in it. */
  removeTree(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** Takes an exclusive lock named by a file; null when a live process holds it. */
  lock(path: string): Promise<DiskLock | null>;
  /** Sets when a file was last changed, in milliseconds since the epoch. */
  setModified(path: string, modifiedMs: number): Promise<void>;
  /** Capacity of the file system that holds `path`, in bytes. */
  usage(path: string): Promise<{ totalBytes: number; usableBytes: number }>;
}

/** Buffers one writev call takes (IOV_MAX on Linux). */
const VECTOR_COUNT_MAX = 1024;

class RealFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  async write(buffers: readonly Buffer[], position: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const step = (rest: readonly Buffer[], at: number): void => {
        if (rest.length === 0) return resolve();
        fs.writev(this.#fd, rest.slice(0, VECTOR_COUNT_MAX), at, (error, written) => {
          if (error) return reject(error);
          step(skipBytes(rest, written), at + written);
        });
      };
      step(buffers, position);
    });
  }

  writeSync(buffers: readonly Buffer[], position: number): void {
    let rest = buffers;
    let at = position;
    while (rest.length > 0) {
      const [only] = rest;
      const written =
        rest.length === 1 && only !== undefined
          ? fs.writeSync(this.#fd, only, 0, only.length, at)
          : fs.writevSync(this.#fd, rest.slice(0, VECTOR_COUNT_MAX), at);
      at += written;
      rest = skipBytes(rest, written);
    }
  }

  async read(target: Buffer, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const step = (filled: number): void => {
        fs.read(this.#fd, target, filled, target.length - filled, position + filled, (error, n) => {
          if (error) return reject(error);
          if (n === 0 || filled + n === target.length) return resolve(filled + n);
          step(filled + n);
        });
      };
      step(0);
    });
  }

  readSync(target: Buffer, position: number): number {
    let filled = 0;
    while (filled < target.length) {
      const n = fs.readSync(this.#fd, target, filled, target.length - filled, position + filled);
      if (n === 0) break;
      filled += n;
    }
    return filled;
  }

  readCached(target: Buffer, position: number): number {
    return readCached(this.#fd, target, position);
  }

  size(): number {
    return fs.fstatSync(this.#fd).size;
  }

  async truncate(size: number): Promise<void> {
    this.truncateSync(size);
  }

  truncateSync(size: number): void {
    fs.ftruncateSync(this.#fd, size);
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    fs.closeSync(this.#fd);
  }
}

/** What is left of `buffers` behind its first `count` bytes. */
const skipBytes = (buffers: readonly Buffer[], count: number): readonly Buffer[] => {
  let skip = count;
  for (let index = 0; index < buffers.length; index++) {
    const buffer = buffers[index] as Buffer;
    if (skip < buffer.length) return [buffer.subarray(skip), ...buffers.slice(index + 1)];
    skip -= buffer.length;
  }
  return [];
};

/** A broker with thousands of partitions reads tens of thousands of smaller files when it starts. */
const SMALL_FILE_BYTES_MAX = 64 * 1024;
let scratch: Buffer | null = null;

/** The file at once, where four round trips of a thread would cost more than what they do; null: it is not small. */
const readSmallFile = (path: string): Buffer | null => {
  scratch ??= Buffer.allocUnsafeSlow(SMALL_FILE_BYTES_MAX);
  const fd = fs.openSync(path, 'r');
  try {
    let filled = 0;
    for (;;) {
      const count = fs.readSync(fd, scratch, filled, scratch.length - filled, filled);
      filled += count;
      if (filled === scratch.length) return null;
      if (count === 0) return Buffer.from(scratch.subarray(0, filled));
    }
  } finally {
    fs.closeSync(fd);
  }
};

const openFlags = (mode: 'read' | 'write'): number =>
  mode === 'read' ? fs.constants.O_RDONLY : fs.constants.O_RDWR | fs.constants.O_CREAT;

const syncDirectory = async (path: string): Promise<void> => {
  const handle = await fsp.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Node's own recursive mkdir never returns where a parent exists and yet nothing can be made in it (/proc). */
const makeDirectory = async (path: string): Promise<void> => {
  try {
    await fsp.mkdir(path);
  } catch (error) {
    if (await isDirectory(path)) return;
    const parent = dirname(path);
    if (!isMissing(error) || parent === path || (await isDirectory(parent))) throw error;
    await makeDirectory(parent);
    await makeDirectory(path);
  }
};

const isDirectory = async (path: string): Promise<boolean> => {
  try {
    return (await fsp.stat(path)).isDirectory();
  } catch {
    // Whatever the reason, it cannot be used as one.
    return false;
  }
};

export const realDisk: Disk = {
  open: async (path, mode) => realDisk.openSync(path, mode),
  openSync: (path, mode) => new RealFile(path, fs.openSync(path, openFlags(mode), 0o644)),
  readFile: async (path) => {
    try {
      return readSmallFile(path) ?? (await fsp.readFile(path));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  },
  writeFile: async (path, data) => fsp.writeFile(path, data),
  info: async (path) => {
    try {
      const stat = await fsp.stat(path);
      return { size: stat.size, isDirectory: stat.isDirectory(), modifiedMs: stat.mtimeMs };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  },
  list: async (path) => {
    try {
      return (await fsp.readdir(path)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  makeDirectory,
  move: (from, to) => fsp.rename(from, to),
  rename: async (from, to) => {
    await realDisk.move(from, to);
    await syncDirectory(dirname(to));
  },
  remove: (path) => fsp.rm(path, { force: true }),
  removeTree: (path) => fsp.rm(path, { force: true, recursive: true, maxRetries: 3 }),
  syncDirectory,
  setModified: (path, modifiedMs) => fsp.utimes(path, modifiedMs / 1000, modifiedMs / 1000),
  lock: acquireLock,
  usage: async (path) => {
    const stat = await fsp.statfs(path);
    return { totalBytes: stat.blocks * stat.bsize, usableBytes: stat.bavail * stat.bsize };
  },
};

/** Replaces a file so that a crash leaves either the old or the new one: write aside, sync, rename. */
export const replaceFile = async (
  disk: Disk,
  path: string,
  data: Buffer | string,
): Promise<void> => {
  const aside = `${path}.tmp`;
  const file = await disk.open(aside, 'write');
  try {
    await file.truncate(0);
    await file.write([typeof data === 'string' ? Buffer.from(data) : data], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(aside, path);
};
