/**
 * Cuts a byte stream into frames: a 4-byte size and that many bytes. A frame inside one chunk is
 * a view of it; one that spans chunks is gathered in memory that grows with what has arrived,
 * never with what its size promises.
 */
import { DecodeError } from './bytes.ts';

const SIZE_BYTES = 4;
/** Taken at once for a frame that spans chunks; from there on the memory doubles. */
const FIRST_GATHERED_BYTES = 65_536;

export class FrameReader {
  /**
   * The largest frame; may be changed between frames (it is smaller until a client is
   * authenticated).
   */
  maxBytes: number;
  readonly #size = Buffer.alloc(SIZE_BYTES);
  #sizeBytes = 0;
  /** The frame being gathered: its size, -1 when the size is not known yet. */
  #frameBytes = -1;
  #gathered: Buffer | null = null;
  #gatheredBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Bytes that are held because their frame is not whole. */
  get pendingBytes(): number {
    return this.#sizeBytes + this.#gatheredBytes;
  }

  /**
   * The frames that `chunk` completes, without their sizes. They may be views of the chunk,
   * which from here on belongs to them. Throws DecodeError for a negative size or one above the
   * limit; the stream is of no use after that.
   */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    let position = 0;
    while (position < chunk.length) {
      if (this.#frameBytes < 0) position = this.#readSize(chunk, position);
      if (this.#frameBytes < 0) break;
      const wanted = this.#frameBytes - this.#gatheredBytes;
      const end = Math.min(position + wanted, chunk.length);
      const part = chunk.subarray(position, end);
      position = end;
      if (part.length < wanted) this.#gather(part);
      else frames.push(this.#complete(part));
    }
    return frames;
  }

  /** Takes what the chunk holds of a size and tells where it ends. */
  #readSize(chunk: Buffer, position: number): number {
    let end = position;
    let frameBytes: number;
    if (this.#sizeBytes === 0 && chunk.length - position >= SIZE_BYTES) {
      frameBytes = chunk.readInt32BE(position);
      end = position + SIZE_BYTES;
    } else {
      end = position + Math.min(SIZE_BYTES - this.#sizeBytes, chunk.length - position);
      this.#size.set(chunk.subarray(position, end), this.#sizeBytes);
      this.#sizeBytes += end - position;
      if (this.#sizeBytes < SIZE_BYTES) return end;
      frameBytes = this.#size.readInt32BE(0);
    }
    if (frameBytes < 0 || frameBytes > this.maxBytes) {
      throw new DecodeError(`frame of ${frameBytes} bytes, at most ${this.maxBytes} allowed`);
    }
    this.#sizeBytes = SIZE_BYTES;
    this.#frameBytes = frameBytes;
    return end;
  }

  #gather(part: Buffer): void {
    if (part.length === 0) return;
    const neededBytes = this.#gatheredBytes + part.length;
    if (this.#gathered === null || neededBytes > this.#gathered.length) this.#grow(neededBytes);
    this.#gathered?.set(part, this.#gatheredBytes);
    this.#gatheredBytes = neededBytes;
  }

  #grow(neededBytes: number): void {
    const roomBytes = Math.max(neededBytes, FIRST_GATHERED_BYTES, this.#gatheredBytes * 2);
    const grown = Buffer.allocUnsafeSlow(Math.min(roomBytes, this.#frameBytes));
    this.#gathered?.copy(grown, 0, 0, this.#gatheredBytes);
    this.#gathered = grown;
  }

  /** Ends the frame with its last part. */
  #complete(part: Buffer): Buffer {
    let frame = part;
    if (this.#gathered !== null) {
      this.#gather(part);
      frame = this.#gathered;
    }
    this.#sizeBytes = 0;
    this.#frameBytes = -1;
    this.#gathered = null;
    this.#gatheredBytes = 0;
    return frame;
  }
}
