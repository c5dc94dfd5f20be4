/**
 * The bytes of one index file: entries of equal size, in the file's own form, kept in memory while
 * in use and written behind. While its segment is active the file has its full size, zeros behind
 * the entries, as Kafka leaves it; it is cut to its entries on roll and on close. So a file of full
 * size after a crash says nothing: recovery rebuilds it.
 */
import type { Disk, DiskFile } from '../system/disk.ts';

/** Entries the first allocation holds; most logs are small. */
const ENTRIES_MIN = 8;

export class IndexFile {
  readonly path: string;
  readonly entryBytes: number;
  #bytes: Buffer | null = null;
  #count = 0;
  /** Entries the file holds already; what follows them in memory is written by `write`. */
  #writtenCount = 0;

  constructor(path: string, entryBytes: number) {
    this.path = path;
    this.entryBytes = entryBytes;
  }

  get isLoaded(): boolean {
    return this.#bytes !== null;
  }

  get count(): number {
    return this.#count;
  }

  /** The entries; positions below `count * entryBytes` are valid. Only while loaded. */
  get bytes(): Buffer {
    return this.#bytes ?? EMPTY;
  }

  /** Starts without entries, whatever the file holds. */
  reset(): void {
    this.#bytes = EMPTY;
    this.#count = 0;
    this.#writtenCount = 0;
  }

  /** Reads the entries; every whole slot of the file counts as one, and an absent file has none. */
  async load(disk: Disk): Promise<void> {
    const bytes = await disk.readFile(this.path);
    // Another reader may have loaded it meanwhile, and an owner may have appended since.
    if (this.#bytes !== null) return;
    this.#bytes = bytes ?? EMPTY;
    this.#count = Math.floor(this.#bytes.length / this.entryBytes);
    this.#writtenCount = this.#count;
  }

  /**
   * Forgets the entries, if the file has them all; a use without loading them again sees an empty
   * index.
   */
  unload(): void {
    if (this.#writtenCount !== this.#count) return;
    this.#bytes = null;
    this.#count = 0;
    this.#writtenCount = 0;
  }

  /** Makes room for one more entry and returns its position in `bytes`, for the caller to fill. */
  push(): number {
    const position = this.#count * this.entryBytes;
    const bytes = this.bytes;
    if (position + this.entryBytes > bytes.length) {
      const grown = Buffer.alloc(Math.max(ENTRIES_MIN, this.#count * 2) * this.entryBytes);
      bytes.copy(grown, 0, 0, position);
      this.#bytes = grown;
    }
    this.#count += 1;
    return position;
  }

  truncate(count: number): void {
    this.#count = Math.min(this.#count, count);
    this.#writtenCount = Math.min(this.#writtenCount, this.#count);
  }

  /**
   * Writes the entries the file lacks and gives it its length: `fullBytes` (rounded down to whole
   * entries) for an active segment, that of its entries when null. `sync` also brings it to the
   * device. A file whose entries are not loaded has them all and keeps them.
   */
  async write(disk: Disk, options: { fullBytes: number | null; sync: boolean }): Promise<void> {
    if (!this.isLoaded && !options.sync) return;
    const file = disk.openSync(this.path, 'write');
    try {
      if (this.isLoaded) this.#writeTo(file, options.fullBytes);
      if (options.sync) await file.sync();
    } finally {
      await file.close();
    }
  }

  #writeTo(file: DiskFile, fullBytes: number | null): void {
    const count = this.#count;
    this.#writePending(file, count);
    const full = Math.floor((fullBytes ?? 0) / this.entryBytes) * this.entryBytes;
    file.truncateSync(Math.max(full, count * this.entryBytes));
    this.#writtenCount = count;
  }

  #writePending(file: DiskFile, count: number): void {
    const from = this.#writtenCount * this.entryBytes;
    const to = count * this.entryBytes;
    if (to > from) file.writeSync([this.bytes.subarray(from, to)], from);
  }
}

const EMPTY = Buffer.alloc(0);
