/**
 * A disk in memory that dies at a given change: the change is torn, every call after it fails. What
 * is found afterwards is everything written (the process was killed) or what a loss of power leaves:
 * all that was synced and, of the rest, any beginning (test/simulation/disk-content.ts).
 */
import { posix } from 'node:path';
import type { Disk, DiskFile } from '../../system/disk.ts';
import { Inode, Names } from '../simulation/disk-content.ts';
import { seededRandom } from '../simulation/random.ts';

export type Death = 'kill' | 'power loss';

const failure = (code: string, path: string): Error =>
  Object.assign(new Error(`${code}: ${path}, the disk is gone`), { code });

export class MemoryDisk {
  readonly disk: Disk;
  /** Changes and syncs so far. */
  count = 0;
  /** The number of the change at which it dies. */
  dieAt = Number.POSITIVE_INFINITY;
  readonly #names: Names;
  readonly #modified = new Map<Inode, number>();

  constructor(names: Names = new Names()) {
    this.#names = names;
    this.disk = this.#create();
  }

  get isDead(): boolean {
    return this.count >= this.dieAt;
  }

  /** What a process that starts after the death finds. The old disk stays dead. */
  after(death: Death, seed: number): MemoryDisk {
    this.dieAt = Math.min(this.dieAt, this.count);
    if (death === 'power loss') this.#names.losePower(seededRandom(seed));
    return new MemoryDisk(this.#names);
  }

  /** Everything that exists, for messages. */
  paths(directory = '/'): string[] {
    return this.#names
      .list(directory)
      .map((name) => posix.join(directory, name))
      .flatMap((path) => [path, ...(this.#names.isDirectory(path) ? this.paths(path) : [])]);
  }

  #check(path: string): void {
    if (this.isDead) throw failure('EIO', path);
  }

  /** Counts a change; throws when it is the last, after `torn` has done its part of it. */
  #step(path: string, torn: () => void = () => {}): void {
    this.#check(path);
    this.count += 1;
    if (!this.isDead) return;
    torn();
    throw failure('EIO', path);
  }

  #open(path: string, mode: 'read' | 'write'): Inode {
    this.#check(path);
    const existing = this.#names.file(path);
    if (existing !== undefined) return existing;
    if (this.#names.isDirectory(path)) throw failure('EISDIR', path);
    if (mode === 'read' || !this.#names.isDirectory(posix.dirname(path)))
      throw failure('ENOENT', path);
    this.#step(path);
    const inode = new Inode();
    this.#names.change({ type: 'create', path, inode });
    return inode;
  }

  #file(path: string, mode: 'read' | 'write'): DiskFile {
    const inode = this.#open(path, mode);
    const writeSync = (buffers: readonly Buffer[], position: number): void => {
      const bytes = Buffer.concat(buffers);
      const half = bytes.subarray(0, bytes.length >> 1);
      this.#step(path, () => inode.write([half], position));
      inode.write([bytes], position);
    };
    const readSync = (target: Buffer, position: number): number => {
      this.#check(path);
      return position >= inode.size ? 0 : inode.view.copy(target, 0, position);
    };
    const truncateSync = (size: number): void => {
      this.#step(path);
      inode.truncate(size);
    };
    return {
      path,
      size: () => inode.size,
      readSync,
      read: async (target, position) => readSync(target, position),
      writeSync,
      write: async (buffers, position) => writeSync(buffers, position),
      truncateSync,
      truncate: async (size) => truncateSync(size),
      sync: async () => {
        this.#step(path);
        inode.sync(inode.mark);
        this.#names.sync();
      },
      close: async () => {},
    };
  }

  #create(): Disk {
    const names = this.#names;
    const change = (...args: Parameters<Names['change']>): void => {
      const [what] = args;
      this.#step('from' in what ? what.from : what.path);
      names.change(what);
    };
    const remove = (path: string): void => {
      this.#check(path);
      if (names.file(path) !== undefined || names.isDirectory(path))
        change({ type: 'remove', path });
    };
    const makeDirectory = (path: string): void => {
      if (names.isDirectory(path)) return;
      makeDirectory(posix.dirname(path));
      change({ type: 'makeDirectory', path });
    };
    const move = (from: string, to: string): void => {
      this.#check(from);
      if (names.file(from) === undefined && !names.isDirectory(from)) throw failure('ENOENT', from);
      if (names.isDirectory(to)) throw failure('ENOTEMPTY', to);
      change({ type: 'rename', from, to });
    };
    return {
      open: async (path, mode) => this.#file(path, mode),
      openSync: (path, mode) => this.#file(path, mode),
      readFile: async (path) => {
        this.#check(path);
        const inode = names.file(path);
        return inode === undefined ? null : Buffer.from(inode.view);
      },
      writeFile: async (path, data) => {
        const file = this.#file(path, 'write');
        file.truncateSync(0);
        file.writeSync([typeof data === 'string' ? Buffer.from(data) : data], 0);
      },
      info: async (path) => {
        this.#check(path);
        const inode = names.file(path);
        const modifiedMs = inode === undefined ? 0 : (this.#modified.get(inode) ?? 0);
        if (inode !== undefined) return { size: inode.size, isDirectory: false, modifiedMs };
        return names.isDirectory(path) ? { size: 0, isDirectory: true, modifiedMs } : null;
      },
      list: async (path) => {
        this.#check(path);
        return names.list(path);
      },
      makeDirectory: async (path) => makeDirectory(path),
      move: async (from, to) => move(from, to),
      rename: async (from, to) => {
        move(from, to);
        this.#step(to);
        names.sync();
      },
      remove: async (path) => remove(path),
      removeTree: async (path) => remove(path),
      syncDirectory: async (path) => {
        this.#step(path);
        names.sync();
      },
      setModified: async (path, modifiedMs) => {
        this.#modified.set(this.#open(path, 'write'), modifiedMs);
      },
      lock: async () => ({ release: async () => {} }),
      usage: async () => ({ totalBytes: 2 ** 40, usableBytes: 2 ** 39 }),
    };
  }
}
