/**
 * A file's bytes and a file system's names, each twice: as processes see them and as they would be found after a loss of
 * power. What is not synced yet is a list of operations, of which a loss of power keeps a beginning, torn at any byte.
 */
import type { SeededRandom } from './random.ts';

type ByteChange =
  | { readonly type: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly type: 'truncate'; readonly size: number };

/** A growing array of bytes. */
class Bytes {
  #data = Buffer.alloc(0);
  size = 0;

  get view(): Buffer {
    return this.#data.subarray(0, this.size);
  }

  write(bytes: Buffer, position: number): void {
    const end = position + bytes.length;
    if (end > this.#data.length) {
      const grown = Buffer.alloc(Math.max(end, 2 * this.#data.length, 1024));
      this.#data.copy(grown, 0, 0, this.size);
      this.#data = grown;
    }
    bytes.copy(this.#data, position);
    this.size = Math.max(this.size, end);
  }

  truncate(size: number): void {
    if (size > this.size) this.write(Buffer.alloc(size - this.size), this.size);
    // Zeroed, because what is cut off must not come back when the file grows again.
    this.#data.fill(0, size, this.size);
    this.size = size;
  }

  apply(change: ByteChange): void {
    if (change.type === 'write') this.write(change.bytes, change.position);
    else this.truncate(change.size);
  }
}

export class Inode {
  modifiedMs = 0;
  /** Counts the changes that did not add at the end: whoever has read the file must read it again. */
  rewriteCount = 0;
  #current = new Bytes();
  #durable = new Bytes();
  #unsynced: ByteChange[] = [];
  #syncedCount = 0;

  get size(): number {
    return this.#current.size;
  }

  /** The bytes as they are; valid until the next write. */
  get view(): Buffer {
    return this.#current.view;
  }

  write(buffers: readonly Buffer[], position: number): void {
    const bytes = Buffer.concat(buffers);
    if (position < this.size) this.rewriteCount += 1;
    this.#change({ type: 'write', position, bytes });
  }

  truncate(size: number): void {
    if (size === this.size) return;
    this.rewriteCount += 1;
    this.#change({ type: 'truncate', size });
  }

  /** Where the list of changes ends now; a sync that begins now covers everything up to here. */
  get mark(): number {
    return this.#syncedCount + this.#unsynced.length;
  }

  sync(mark: number): void {
    const count = mark - this.#syncedCount;
    if (count <= 0) return;
    for (const change of this.#unsynced.splice(0, count)) this.#durable.apply(change);
    this.#syncedCount = mark;
  }

  losePower(random: SeededRandom): void {
    const keptCount = random.int(this.#unsynced.length + 1);
    const torn = this.#unsynced[keptCount];
    for (const change of this.#unsynced.slice(0, keptCount)) this.#durable.apply(change);
    if (torn?.type === 'write') {
      const bytes = torn.bytes.subarray(0, random.int(torn.bytes.length));
      if (bytes.length > 0) this.#durable.write(bytes, torn.position);
    }
    this.#unsynced = [];
    this.#current = new Bytes();
    this.#current.write(this.#durable.view, 0);
    this.rewriteCount += 1;
  }

  #change(change: ByteChange): void {
    this.#current.apply(change);
    this.#unsynced.push(change);
  }
}

type NameChange =
  | { readonly type: 'create'; readonly path: string; readonly inode: Inode }
  | { readonly type: 'makeDirectory'; readonly path: string }
  | { readonly type: 'remove'; readonly path: string }
  | { readonly type: 'rename'; readonly from: string; readonly to: string };

class NameTable {
  readonly files = new Map<string, Inode>();
  readonly directories = new Set<string>(['/']);

  apply(change: NameChange): void {
    switch (change.type) {
      case 'create':
        this.files.set(change.path, change.inode);
        break;
      case 'makeDirectory':
        this.directories.add(change.path);
        break;
      case 'remove':
        this.#remove(change.path);
        break;
      case 'rename':
        this.#rename(change.from, change.to);
        break;
    }
  }

  #remove(path: string): void {
    this.files.delete(path);
    if (!this.directories.delete(path)) return;
    const prefix = `${path}/`;
    for (const name of [...this.files.keys()]) if (name.startsWith(prefix)) this.files.delete(name);
    for (const name of [...this.directories])
      if (name.startsWith(prefix)) this.directories.delete(name);
  }

  #rename(from: string, to: string): void {
    const inode = this.files.get(from);
    if (inode !== undefined) {
      this.files.delete(from);
      this.files.set(to, inode);
      return;
    }
    if (!this.directories.has(from)) return;
    const prefix = `${from}/`;
    const moved = [...this.files].filter(([name]) => name.startsWith(prefix));
    const inner = [...this.directories].filter((name) => name.startsWith(prefix));
    this.#remove(from);
    this.directories.add(to);
    for (const name of inner) this.directories.add(to + name.slice(from.length));
    for (const [name, file] of moved) this.files.set(to + name.slice(from.length), file);
  }
}

/** The names of one device, changed in the order of a journal: a later change is never durable without an earlier one. */
export class Names {
  #current = new NameTable();
  #durable = new NameTable();
  #journal: NameChange[] = [];
  /** Counts all changes: whoever keeps a list of names must make it anew. */
  changeCount = 0;

  file(path: string): Inode | undefined {
    return this.#current.files.get(path);
  }

  isDirectory(path: string): boolean {
    return this.#current.directories.has(path);
  }

  /** Paths of everything directly in a directory. */
  list(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    const names = new Set<string>();
    for (const table of [this.#current.files.keys(), this.#current.directories]) {
      for (const name of table) {
        if (!name.startsWith(prefix) || name === prefix) continue;
        const rest = name.slice(prefix.length);
        if (!rest.includes('/')) names.add(rest);
      }
    }
    return [...names].sort();
  }

  change(change: NameChange): void {
    this.changeCount += 1;
    this.#current.apply(change);
    this.#journal.push(change);
  }

  sync(): void {
    for (const change of this.#journal) this.#durable.apply(change);
    this.#journal = [];
  }

  losePower(random: SeededRandom): void {
    const keptCount = random.int(this.#journal.length + 1);
    for (const change of this.#journal.slice(0, keptCount)) this.#durable.apply(change);
    this.#journal = [];
    this.changeCount += 1;
    this.#current = new NameTable();
    for (const path of this.#durable.directories)
      this.#current.apply({ type: 'makeDirectory', path });
    for (const [path, inode] of this.#durable.files) {
      inode.losePower(random);
      this.#current.apply({ type: 'create', path, inode });
    }
  }
}
