/**
 * A disk in memory that behaves like a journaling file system: a killed process loses nothing it has written, a loss of
 * power keeps what was synced and any beginning of the rest. Asynchronous calls take virtual time and, as on a thread
 * pool, may overtake each other; one that is under way when its process is killed may have happened in part.
 */
import { posix } from 'node:path';
import type { Disk, DiskFile } from '../../system/disk.ts';
import { Inode, Names } from './disk-content.ts';
import type { SimProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

interface WriteUnderWay {
  readonly process: SimProcess;
  readonly inode: Inode;
  readonly bytes: Buffer;
  readonly position: number;
}

export class Device {
  readonly world: World;
  readonly random: SeededRandom;
  readonly names = new Names();
  readonly locks = new Map<string, SimProcess>();
  readonly writes = new Set<WriteUnderWay>();

  constructor(world: World, random: SeededRandom) {
    this.world = world;
    this.random = random;
  }

  processEnded(process: SimProcess): void {
    for (const [path, holder] of [...this.locks]) if (holder === process) this.locks.delete(path);
    for (const write of [...this.writes]) {
      if (write.process !== process) continue;
      this.writes.delete(write);
      const bytes = write.bytes.subarray(0, this.random.int(write.bytes.length + 1));
      if (bytes.length > 0) write.inode.write([bytes], write.position);
    }
  }

  losePower(): void {
    this.names.losePower(this.random);
  }
}

const DISK_BYTES = 2 ** 40;
/** What wall clocks show when a run begins. */
const START_MS = 1_700_000_000_000;

const failure = (code: string, path: string): Error =>
  Object.assign(new Error(`${code}: ${path}`), { code, path });

export const simDisk = (device: Device, process: SimProcess): Disk => {
  const { world, names, random } = device;
  /** Resolves with what `action` returns, at some time within the limits. */
  const later = <T>(fromMs: number, toMs: number, action: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      world.schedule(random.between(fromMs, toMs), process, () => {
        try {
          resolve(action());
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  const open = (path: string, mode: 'read' | 'write'): Inode => {
    const existing = names.file(path);
    if (existing !== undefined) return existing;
    if (names.isDirectory(path)) throw failure('EISDIR', path);
    if (mode === 'read' || !names.isDirectory(posix.dirname(path))) throw failure('ENOENT', path);
    const inode = new Inode();
    inode.modifiedMs = world.nowMs;
    names.change({ type: 'create', path, inode });
    return inode;
  };
  const openFile = (path: string, mode: 'read' | 'write'): DiskFile =>
    fileOf(device, process, { path, inode: open(path, mode), later });
  const remove = (path: string): void => {
    if (names.file(path) !== undefined || names.isDirectory(path))
      names.change({ type: 'remove', path });
  };
  const move = (from: string, to: string): void => {
    if (names.file(from) === undefined && !names.isDirectory(from)) throw failure('ENOENT', from);
    names.change({ type: 'rename', from, to });
  };
  return {
    open: (path, mode) => later(0.02, 0.2, () => openFile(path, mode)),
    openSync: openFile,
    readFile: (path) =>
      later(0.02, 0.3, () => {
        const inode = names.file(path);
        return inode === undefined ? null : Buffer.from(inode.view);
      }),
    writeFile: (path, data) =>
      later(0.02, 0.3, () => {
        const inode = open(path, 'write');
        inode.truncate(0);
        inode.write([typeof data === 'string' ? Buffer.from(data) : data], 0);
        inode.modifiedMs = world.nowMs;
      }),
    info: (path) =>
      later(0.01, 0.1, () => {
        const inode = names.file(path);
        if (inode === undefined)
          return names.isDirectory(path) ? { size: 0, isDirectory: true, modifiedMs: 0 } : null;
        const modifiedMs = START_MS + inode.modifiedMs;
        return { size: inode.size, isDirectory: false, modifiedMs };
      }),
    list: (path) => later(0.02, 0.2, () => names.list(path)),
    makeDirectory: (path) => later(0.02, 0.2, () => makeDirectory(names, path)),
    move: (from, to) => later(0.02, 0.2, () => move(from, to)),
    rename: (from, to) =>
      later(0.2, 3, () => {
        move(from, to);
        names.sync();
      }),
    remove: (path) => later(0.02, 0.2, () => remove(path)),
    removeTree: (path) => later(0.02, 0.5, () => remove(path)),
    syncDirectory: () => later(0.2, 3, () => names.sync()),
    setModified: (path, modifiedMs) =>
      later(0.02, 0.2, () => {
        const inode = names.file(path);
        if (inode === undefined) throw failure('ENOENT', path);
        inode.modifiedMs = modifiedMs - START_MS;
      }),
    lock: (path) => later(0.02, 0.2, () => lock(device, process, path)),
    usage: () => later(0.01, 0.1, () => ({ totalBytes: DISK_BYTES, usableBytes: DISK_BYTES / 2 })),
  };
};

const makeDirectory = (names: Names, path: string): void => {
  if (names.file(path) !== undefined) throw failure('EEXIST', path);
  if (names.isDirectory(path)) return;
  makeDirectory(names, posix.dirname(path));
  names.change({ type: 'makeDirectory', path });
};

const lock = (device: Device, process: SimProcess, path: string) => {
  if (device.locks.has(path)) return null;
  device.locks.set(path, process);
  return {
    release: async () => {
      if (device.locks.get(path) === process) device.locks.delete(path);
    },
  };
};

const fileOf = (
  device: Device,
  process: SimProcess,
  parts: {
    readonly path: string;
    readonly inode: Inode;
    readonly later: <T>(fromMs: number, toMs: number, action: () => T) => Promise<T>;
  },
): DiskFile => {
  const { inode, later, path } = parts;
  const { world, writes } = device;
  let isClosed = false;
  const check = (): void => {
    if (isClosed) throw failure('EBADF', path);
    // A dead process runs no code; if it does, the simulation itself is at fault.
    if (!process.isAlive) throw new Error(`${process.name} is dead and uses ${path}`);
  };
  const write = (buffers: readonly Buffer[], position: number): void => {
    inode.write(buffers, position);
    inode.modifiedMs = world.nowMs;
  };
  const read = (target: Buffer, position: number): number =>
    position >= inode.size ? 0 : inode.view.copy(target, 0, position);
  return {
    path,
    write: (buffers, position) => {
      check();
      const underWay = { process, inode, bytes: Buffer.concat(buffers), position };
      writes.add(underWay);
      return later(0.02, 1, () => {
        writes.delete(underWay);
        write([underWay.bytes], position);
      });
    },
    writeSync: (buffers, position) => {
      check();
      write(buffers, position);
    },
    read: (target, position) => {
      check();
      return later(0.02, 1, () => read(target, position));
    },
    readSync: (target, position) => {
      check();
      return read(target, position);
    },
    size: () => {
      check();
      return inode.size;
    },
    truncate: async (size) => {
      check();
      inode.truncate(size);
    },
    truncateSync: (size) => {
      check();
      inode.truncate(size);
    },
    sync: () => {
      check();
      const { mark } = inode;
      return later(0.3, 4, () => {
        inode.sync(mark);
        device.names.sync();
      });
    },
    close: async () => {
      isClosed = true;
    },
  };
};
