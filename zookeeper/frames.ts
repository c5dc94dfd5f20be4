/**
 * Cuts ZooKeeper's byte stream into frames: a 4-byte length, then the payload. A length outside the limit is
 * refused as soon as it is seen. A frame that came in pieces is put together once, when it is complete.
 */

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
  }

  /** The first four bytes as a number, without taking them; null when they are not there yet. */
  peekLength(): number | null {
    return this.#bytes < 4 ? null : this.#head(4).readInt32BE(0);
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
