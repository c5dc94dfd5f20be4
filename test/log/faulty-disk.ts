/** A disk that dies at a given operation: a write is torn in half, everything after it fails. */
import { renameSync } from 'node:fs';
import type { Disk, DiskFile } from '../../system/disk.ts';

const killed = (): Error => Object.assign(new Error('the disk is gone'), { code: 'EIO' });

export class FaultyDisk {
  readonly disk: Disk;
  /** Changes so far; the one with this number is the last. */
  count = 0;
  /** The number of the change at which it dies. */
  dieAt: number;

  constructor(real: Disk, dieAt: number) {
    this.dieAt = dieAt;
    const change =
      <A extends unknown[], R>(call: (...args: A) => R) =>
      (...args: A): R => {
        this.#step();
        return call(...args);
      };
    this.disk = {
      ...real,
      open: async (path, mode) => this.#wrap(real.openSync(path, mode)),
      openSync: (path, mode) => this.#wrap(real.openSync(path, mode)),
      writeFile: change(real.writeFile),
      rename: change(async (from: string, to: string) => renameSync(from, to)),
      move: change(real.move),
      remove: change(real.remove),
      removeTree: change(real.removeTree),
      // Nothing reaches a device in these tests; only the order of changes matters.
      syncDirectory: async () => {},
    };
  }

  get isDead(): boolean {
    return this.count >= this.dieAt;
  }

  #step(): void {
    this.count += 1;
    if (this.isDead) throw killed();
  }

  #wrap(file: DiskFile): DiskFile {
    const writeSync = (buffers: readonly Buffer[], position: number): void => {
      const wasDead = this.isDead;
      this.count += 1;
      if (!this.isDead) return file.writeSync(buffers, position);
      const bytes = Buffer.concat(buffers);
      if (!wasDead) file.writeSync([bytes.subarray(0, bytes.length >> 1)], position);
      throw killed();
    };
    const truncateSync = (size: number): void => {
      this.#step();
      file.truncateSync(size);
    };
    return {
      path: file.path,
      size: () => file.size(),
      read: (target, position) => file.read(target, position),
      readSync: (target, position) => file.readSync(target, position),
      writeSync,
      write: async (buffers, position) => writeSync(buffers, position),
      truncateSync,
      truncate: async (size) => truncateSync(size),
      sync: async () => {
        if (this.isDead) throw killed();
      },
      close: () => file.close(),
    };
  }
}
