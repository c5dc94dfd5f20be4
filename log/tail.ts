/**
 * The most recently appended batches of a log, kept in memory so that followers and consumers who
 * are nearly caught up read without touching the disk. Small batches are packed behind each other,
 * because an object for each would weigh more than its bytes, and because a reader then gets
 * many of them as one buffer. Bounded per log and, through `TailBudget`, per broker: when the
 * broker's budget is used up, the logs that were appended to longest ago give up theirs.
 */
import { bufferPool } from '../system/buffer-pool.ts';

/** A tail never shrinks below this for lack of a share; the broker-wide limit still holds. */
const TAIL_BYTES_MIN = 1024 * 1024;
/** Batches of pooled memory from this size on are kept where they lie, others are packed. */
const LARGE_BATCH_BYTES = 4 * 1024;
/** A log's first pack is small, because most logs are seldom written to; later ones grow. */
const PACK_BYTES_MIN = 2 * 1024;
const PACK_BYTES_MAX = 64 * 1024;

/** What the tails of a broker may keep together. */
export class TailBudget {
  readonly #bytesMax: number;
  /** Tails with content, the longest idle first. */
  readonly #tails = new Set<Tail>();
  #bytes = 0;

  constructor(bytesMax = 32 * 1024 * 1024) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What one tail may hold: an equal share, so that few busy logs keep more of their past each. */
  shareBytes(): number {
    return Math.max(TAIL_BYTES_MIN, this.#bytesMax / Math.max(1, this.#tails.size));
  }

  /** `tail` has grown or shrunk by `bytes`. */
  account(tail: Tail, bytes: number): void {
    this.#bytes += bytes;
    this.#tails.delete(tail);
    if (tail.bytes > 0) this.#tails.add(tail);
    while (this.#bytes > this.#bytesMax) {
      const [oldest] = this.#tails;
      if (oldest === undefined) return;
      oldest.clear();
    }
  }
}

/** Batches that lie behind each other in one piece of memory. */
interface Piece {
  readonly memory: Buffer;
  /** Last offset and end position of each batch, in order. */
  readonly lastOffsets: number[];
  readonly ends: number[];
}

export class Tail {
  readonly #budget: TailBudget;
  /** Without gaps between them, the oldest first. What is dropped at the front stays a while, empty. */
  #pieces: Piece[] = [];
  /** The first piece that is there. */
  #first = 0;
  /** Every offset from here to the log's end is in memory. */
  #startOffset = 0;
  #bytes = 0;

  constructor(budget: TailBudget) {
    this.#budget = budget;
  }

  /** Memory held, what is still free in the newest pack included. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes over one batch that begins at or above the end of the one before. Large ones in pooled
   * memory are retained there; others are copied.
   */
  push(batch: Buffer, baseOffset: number, lastOffset: number): void {
    if (this.#pieces.length === 0) this.#startOffset = baseOffset;
    const grown = this.#add(batch, lastOffset);
    this.#bytes += grown;
    const dropped = this.#dropAbove(this.#budget.shareBytes());
    this.#budget.account(this, grown - dropped);
  }

  /**
   * The batches from the one that holds `offset` on, by the rules of `PartitionLog.read`; null when
   * `offset` is older than what is kept. Each buffer is retained for the reader, who may release it.
   */
  read(
    offset: number,
    limits: { maxBytes: number; endOffset: number; minOneBatch: boolean },
  ): { buffers: Buffer[]; sizeBytes: number } | null {
    if (this.#pieces.length === 0 || offset < this.#startOffset) return null;
    const buffers: Buffer[] = [];
    let sizeBytes = 0;
    for (let slot = this.#pieceOf(offset); slot < this.#pieces.length; slot++) {
      const piece = this.#pieces[slot] as Piece;
      const first = sizeBytes === 0 ? firstAtOrAbove(piece.lastOffsets, offset, 0) : 0;
      const from = first === 0 ? 0 : (piece.ends[first - 1] as number);
      let to = from;
      let index = first;
      for (; index < piece.ends.length; index++) {
        const end = piece.ends[index] as number;
        if ((piece.lastOffsets[index] as number) >= limits.endOffset) break;
        const isForced = sizeBytes === 0 && index === first && limits.minOneBatch;
        if (sizeBytes + end - from > limits.maxBytes && !isForced) break;
        to = end;
      }
      if (to > from) {
        bufferPool.retain(piece.memory);
        buffers.push(piece.memory.subarray(from, to));
        sizeBytes += to - from;
      }
      if (index < piece.ends.length) break;
    }
    return { buffers, sizeBytes };
  }

  clear(): void {
    const freed = this.#bytes;
    for (const { memory } of this.#pieces) bufferPool.release(memory);
    this.#pieces = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#budget.account(this, -freed);
  }

  /** Returns the memory newly held. */
  #add(batch: Buffer, lastOffset: number): number {
    if (batch.length >= LARGE_BATCH_BYTES) {
      const memory = kept(batch);
      this.#pieces.push({ memory, lastOffsets: [lastOffset], ends: [memory.length] });
      return memory.length;
    }
    let pack = this.#pieces.at(-1);
    let position = pack?.ends.at(-1) ?? 0;
    let grown = 0;
    if (pack === undefined || position + batch.length > pack.memory.length) {
      const packBytes = Math.min(PACK_BYTES_MAX, Math.max(PACK_BYTES_MIN, this.#bytes));
      pack = newPack(Math.max(batch.length, packBytes));
      this.#pieces.push(pack);
      position = 0;
      grown = pack.memory.length;
    }
    batch.copy(pack.memory, position);
    pack.ends.push(position + batch.length);
    pack.lastOffsets.push(lastOffset);
    return grown;
  }

  /** Drops the oldest pieces while more than `bytesMax` are held, but never the newest. */
  #dropAbove(bytesMax: number): number {
    let dropped = 0;
    while (this.#bytes - dropped > bytesMax && this.#first < this.#pieces.length - 1) {
      const { memory, lastOffsets } = this.#pieces[this.#first] as Piece;
      this.#startOffset = (lastOffsets.at(-1) as number) + 1;
      dropped += memory.length;
      bufferPool.release(memory);
      this.#pieces[this.#first] = DROPPED;
      this.#first += 1;
    }
    // Now and then, since it moves all that follow.
    if (this.#first > DROPPED_MIN && this.#first * 2 > this.#pieces.length) {
      this.#pieces.splice(0, this.#first);
      this.#first = 0;
    }
    this.#bytes -= dropped;
    return dropped;
  }

  /** The first piece that ends at or above `offset`. */
  #pieceOf(offset: number): number {
    let low = this.#first;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#pieces[middle] as Piece).lastOffsets.at(-1) as number) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The first index from `low` on whose value is at or above `offset`. */
const firstAtOrAbove = (values: readonly number[], offset: number, low: number): number => {
  let from = low;
  let to = values.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((values[middle] as number) < offset) from = middle + 1;
    else to = middle;
  }
  return from;
};

const DROPPED: Piece = { memory: Buffer.alloc(0), lastOffsets: [], ends: [] };
/** So many dropped pieces may lie about. */
const DROPPED_MIN = 64;

const newPack = (byteCount: number): Piece => ({
  // Of the pool's own sizes, so that packs of busy logs go round.
  memory:
    byteCount >= PACK_BYTES_MAX ? bufferPool.take(byteCount) : Buffer.allocUnsafeSlow(byteCount),
  lastOffsets: [],
  ends: [],
});

/** A view of pooled memory, or a copy where the view would keep much more memory than its own. */
const kept = (batch: Buffer): Buffer => {
  if (bufferPool.owns(batch)) {
    bufferPool.retain(batch);
    return batch;
  }
  return batch.buffer.byteLength > batch.length * 2 ? Buffer.from(batch) : batch;
};
