/**
 * Cuts ZooKeeper's byte stream into frames: a 4-byte length, then the payload. A length outside the limit is
 * refused as soon as it is seen. A frame that came in pieces is put together once, when it is complete.
 */

/** More pieces than this are joined when they are, on the average, smaller than that. */
const CHUNKS_MAX = 256;
const CHUNK_BYTES_MIN = 512;

export class FrameCutter {
  readonly #frameBytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes taken in and not yet handed out. */
  get bufferedBytes(): number {
    return this.#bytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    // A peer that sends single bytes must not cost a buffer for each of them.
    const count = this.#chunks.length;
    if (count > CHUNKS_MAX && this.#bytes < count * CHUNK_BYTES_MIN) {
      this.#chunks = [Buffer.concat(this.#chunks)];
    }
  }

  /** The first four bytes as a number, without taking them; null when they are not there yet. */
  peekLength(): number | null {
    return this.peek(4)?.readInt32BE(0) ?? null;
  }

  /** The first `count` bytes and what came with them, without taking them; null when they are not there yet. */
  peek(count: number): Buffer | null {
    return this.#bytes < count ? null : this.#head(count);
  }

  /**
   * The next payload, null when it is not complete yet, or 'refused' for a length that is not positive or
   * above the limit. A payload is a view of the bytes pushed.
   */
  next(): Buffer | null | 'refused' {
    const length = this.peekLength();
    if (length === null) return null;
    if (length <= 0 || length > this.#frameBytesMax) return 'refused';
    if (this.#bytes < 4 + length) return null;
    const head = this.#head(4 + length);
    const rest = head.subarray(4 + length);
    if (rest.length > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
    this.#bytes -= 4 + length;
    return head.subarray(4, 4 + length);
  }

  /** The first chunk, joined with those behind it until it holds `count` bytes. */
  #head(count: number): Buffer {
    const first = this.#chunks[0] as Buffer;
    if (first.length >= count) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
