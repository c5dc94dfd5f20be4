/**
 * Memory that is used again. A broker moves hundreds of megabytes a second through frames and recent appends; left to the
 * garbage collector, which counts such memory against itself, a fifth of the processor would go into collecting a heap
 * in which nothing is garbage.
 *
 * Memory counts its holders: whoever takes a piece is the first, whoever keeps a view retains it, and each releases once.
 * Who forgets to release costs the reuse of that memory and nothing else: the collector takes it. Who keeps a view without
 * retaining it would see it overwritten; so only frames of Produce requests, responses to followers' fetches and recent
 * appends take part, each where its comment says so.
 */

/** Smaller pieces are cheap enough without. */
const PIECE_BYTES_MIN = 4 * 1024;
/** Pieces up to this size are cut from a shared slab. */
const SHARED_BYTES_MAX = 32 * 1024;
/** Small, because one piece that is kept for long keeps the whole slab. */
const SLAB_BYTES = 64 * 1024;
/** Larger pieces have memory of their own, in sizes of whole units. */
const UNIT_BYTES = 64 * 1024;
/** Beyond this they are rare and would tie up too much. */
const PIECE_BYTES_MAX = 4 * 1024 * 1024;

export class BufferPool {
  readonly #freeBytesMax: number;
  /** Free memory by its size in units; the sizes in the order of their last use, so that the first is the stalest. */
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;
  /** Holders of all memory that is out. */
  readonly #holders = new WeakMap<ArrayBufferLike, number>();
  /** The slab that pieces are cut from; the pool is one of its holders. */
  #slab: Buffer | null = null;
  #slabPosition = 0;

  /** `freeBytesMax`: what is kept for reuse at the most. */
  constructor(freeBytesMax: number) {
    this.#freeBytesMax = freeBytesMax;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** `byteCount` bytes of whatever content; the caller is their first holder. */
  take(byteCount: number): Buffer {
    if (byteCount < PIECE_BYTES_MIN) return Buffer.allocUnsafe(byteCount);
    if (byteCount <= SHARED_BYTES_MAX) return this.#cut(byteCount);
    if (byteCount > PIECE_BYTES_MAX) return Buffer.allocUnsafeSlow(byteCount);
    return this.#takeUnits(Math.ceil(byteCount / UNIT_BYTES)).subarray(0, byteCount);
  }

  /** Whether `view` lies in memory that counts its holders. */
  owns(view: Buffer): boolean {
    return view.buffer.byteLength >= UNIT_BYTES && this.#holders.has(view.buffer);
  }

  /** One more holder of the memory that `view` lies in; nothing for other memory. */
  retain(view: Buffer): void {
    if (view.buffer.byteLength < UNIT_BYTES) return;
    const count = this.#holders.get(view.buffer);
    if (count !== undefined) this.#holders.set(view.buffer, count + 1);
  }

  /** One holder fewer; behind the last one the memory may be taken again. */
  release(view: Buffer): void {
    const memory = view.buffer;
    if (memory.byteLength < UNIT_BYTES) return;
    const count = this.#holders.get(memory);
    if (count === undefined) return;
    if (count > 1) {
      this.#holders.set(memory, count - 1);
      return;
    }
    this.#holders.delete(memory);
    this.#keep(Buffer.from(memory));
  }

  /** Takes memory back for reuse. Full of other sizes, the pool lets those go first that nobody has asked for lately. */
  #keep(memory: Buffer): void {
    const list = this.#listOf(memory.length / UNIT_BYTES);
    while (this.#freeBytes + memory.length > this.#freeBytesMax) {
      if (!this.#dropStalest(list)) return;
    }
    list.push(memory);
    this.#freeBytes += memory.length;
  }

  /** Drops one piece of the size that was not used for the longest time; false when only `kept` has any. */
  #dropStalest(kept: readonly Buffer[]): boolean {
    for (const list of this.#free.values()) {
      if (list === kept) continue;
      const dropped = list.pop();
      if (dropped === undefined) continue;
      this.#freeBytes -= dropped.length;
      return true;
    }
    return false;
  }

  /** The free memory of a size, which from now on is the one used last. */
  #listOf(units: number): Buffer[] {
    const list = this.#free.get(units) ?? [];
    this.#free.delete(units);
    this.#free.set(units, list);
    return list;
  }

  #cut(byteCount: number): Buffer {
    if (this.#slab === null || this.#slabPosition + byteCount > SLAB_BYTES) {
      if (this.#slab !== null) this.release(this.#slab);
      this.#slab = this.#takeUnits(SLAB_BYTES / UNIT_BYTES);
      this.#slabPosition = 0;
    }
    const piece = this.#slab.subarray(this.#slabPosition, this.#slabPosition + byteCount);
    this.#slabPosition += byteCount;
    this.retain(piece);
    return piece;
  }

  #takeUnits(units: number): Buffer {
    const reused = this.#listOf(units).pop();
    if (reused !== undefined) this.#freeBytes -= reused.length;
    const memory = reused ?? Buffer.allocUnsafeSlow(units * UNIT_BYTES);
    this.#holders.set(memory.buffer, 1);
    return memory;
  }
}

/** The pool of this process. */
export const bufferPool = new BufferPool(32 * 1024 * 1024);
