/** The real disk, whose operations a test can hold up one by one; it knows which files are open. */
import type { Disk, DiskFile } from '../../system/disk.ts';
import { realSystem, type System } from '../../system/system.ts';

/** A write is held once it is done, everything else before it begins. */
type Operation = 'read' | 'write' | 'sync' | 'writeFile' | 'rename';

interface Gate {
  readonly operation: Operation;
  readonly ending: string;
  readonly reach: () => void;
  readonly isOpen: Promise<void>;
}

export interface HeldOperation {
  /** Resolves when the operation waits. */
  readonly reached: Promise<void>;
  release(): void;
}

export class GatedDisk {
  readonly system: System;
  readonly #gates: Gate[] = [];
  readonly #open = new Map<DiskFile, string>();

  constructor() {
    const real = realSystem();
    const disk: Disk = {
      ...real.disk,
      open: async (path, mode) => this.#gated(path, await real.disk.open(path, mode)),
      openSync: (path, mode) => this.#gated(path, real.disk.openSync(path, mode)),
      writeFile: async (path, data) => {
        await this.#pass('writeFile', path);
        return real.disk.writeFile(path, data);
      },
      rename: async (from, to) => {
        await this.#pass('rename', to);
        return real.disk.rename(from, to);
      },
    };
    this.system = { ...real, disk };
  }

  get openPaths(): string[] {
    return [...this.#open.values()];
  }

  /** Holds the next operation of that kind on a path that ends so. */
  hold(operation: Operation, ending: string): HeldOperation {
    let release = (): void => {};
    const isOpen = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached = new Promise<void>((reach) => {
      this.#gates.push({ operation, ending, reach, isOpen });
    });
    return { reached, release };
  }

  async #pass(operation: Operation, path: string): Promise<void> {
    const index = this.#gates.findIndex(
      (gate) => gate.operation === operation && path.endsWith(gate.ending),
    );
    const [gate] = index < 0 ? [] : this.#gates.splice(index, 1);
    gate?.reach();
    await gate?.isOpen;
  }

  #gated(path: string, file: DiskFile): DiskFile {
    const gated: DiskFile = {
      path: file.path,
      size: () => file.size(),
      read: async (target, position) => {
        await this.#pass('read', path);
        return file.read(target, position);
      },
      readSync: (target, position) => file.readSync(target, position),
      write: async (buffers, position) => {
        await file.write(buffers, position);
        await this.#pass('write', path);
      },
      writeSync: (buffers, position) => file.writeSync(buffers, position),
      truncate: (size) => file.truncate(size),
      truncateSync: (size) => file.truncateSync(size),
      sync: async () => {
        await this.#pass('sync', path);
        return file.sync();
      },
      close: () => {
        this.#open.delete(gated);
        return file.close();
      },
    };
    this.#open.set(gated, path);
    return gated;
  }
}
