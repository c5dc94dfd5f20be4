/**
 * Cuts a byte stream into frames: a 4-byte size and that many bytes. A frame inside one chunk is
 * a view of it; one that spans chunks is gathered in memory that grows with what has arrived,
 * never with what its size promises.
 */
import { bufferPool } from '../system/buffer-pool.ts';
import { DecodeError } from './bytes.ts';
import { readInt32 } from './integers.ts';

const SIZE_BYTES = 4;
/** Taken at once for a frame that spans chunks; from there on the memory doubles. */
const FIRST_GATHERED_BYTES = 16_384;
/**
 * The same for a frame that begins with a large part: it holds a full batch, whose copying would cost more than memory
 * that nobody has touched yet. A peer that sends sizes and little else never gets that much.
 */
const LARGE_PART_BYTES = 16_384;
const LARGE_GATHERED_BYTES = 1_114_112;
/** Less is copied in the time that one more read would take. */
const ROOM_BYTES_MIN = 65_536;

/** A size that cannot be; `frames` are the whole ones that stood before it in the same chunk. */
export class BadFrameSize extends DecodeError {
  readonly frames: readonly Buffer[];

  constructor(message: string, frames: readonly Buffer[]) {
    super(message);
    this.frames = frames;
  }
}

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
   * Where the next bytes belong, while a large frame is gathered; null: anywhere. Whoever reads into it pushes a view of
   * it, which is not copied any more.
   */
  room(): Buffer | null {
    const gathered = this.#gathered;
    if (gathered === null || gathered.length - this.#gatheredBytes < ROOM_BYTES_MIN) return null;
    return gathered.subarray(this.#gatheredBytes);
  }

  /**
   * The frames that `chunk` completes, without their sizes. They may be views of the chunk,
   * which from here on belongs to them, unless it is borrowed: then they are copies. Throws
   * BadFrameSize for a negative size or one above the limit; the stream is of no use after that.
   */
  push(chunk: Buffer, isBorrowed = false): Buffer[] {
    const frames: Buffer[] = [];
    let position = 0;
    while (position < chunk.length) {
      if (this.#frameBytes < 0) position = this.#readSize(chunk, position, frames);
      if (this.#frameBytes < 0) break;
      const wanted = this.#frameBytes - this.#gatheredBytes;
      const end = Math.min(position + wanted, chunk.length);
      const part = chunk.subarray(position, end);
      position = end;
      if (part.length < wanted) this.#gather(part);
      else frames.push(this.#complete(part, isBorrowed));
    }
    return frames;
  }

  /** Takes what the chunk holds of a size and tells where it ends. */
  #readSize(chunk: Buffer, position: number, frames: readonly Buffer[]): number {
    let end = position;
    let frameBytes: number;
    if (this.#sizeBytes === 0 && chunk.length - position >= SIZE_BYTES) {
      frameBytes = readInt32(chunk, position);
      end = position + SIZE_BYTES;
    } else {
      end = position + Math.min(SIZE_BYTES - this.#sizeBytes, chunk.length - position);
      this.#size.set(chunk.subarray(position, end), this.#sizeBytes);
      this.#sizeBytes += end - position;
      if (this.#sizeBytes < SIZE_BYTES) return end;
      frameBytes = readInt32(this.#size, 0);
    }
    if (frameBytes < 0 || frameBytes > this.maxBytes) {
      const message = `frame of ${frameBytes} bytes, at most ${this.maxBytes} allowed`;
      throw new BadFrameSize(message, frames);
    }
    this.#sizeBytes = SIZE_BYTES;
    this.#frameBytes = frameBytes;
    return end;
  }

  #gather(part: Buffer): void {
    if (part.length === 0) return;
    const neededBytes = this.#gatheredBytes + part.length;
    if (this.#gathered === null || neededBytes > this.#gathered.length) this.#grow(neededBytes);
    if (!this.#isInPlace(part)) this.#gathered?.set(part, this.#gatheredBytes);
    this.#gatheredBytes = neededBytes;
  }

  /** Whether the next bytes were read to where they belong. */
  #isInPlace(part: Buffer): boolean {
    const gathered = this.#gathered;
    return (
      part.buffer === gathered?.buffer &&
      part.byteOffset === gathered.byteOffset + this.#gatheredBytes
    );
  }

  #grow(neededBytes: number): void {
    const isLarge = neededBytes >= LARGE_PART_BYTES;
    const firstBytes = isLarge ? LARGE_GATHERED_BYTES : FIRST_GATHERED_BYTES;
    const roomBytes = Math.max(neededBytes, firstBytes, this.#gatheredBytes * 2);
    const grown = bufferPool.take(Math.min(roomBytes, this.#frameBytes));
    if (this.#gathered !== null) {
      this.#gathered.copy(grown, 0, 0, this.#gatheredBytes);
      bufferPool.release(this.#gathered);
    }
    this.#gathered = grown;
  }

  /** Ends the frame with its last part. */
  #complete(part: Buffer, isBorrowed: boolean): Buffer {
    let frame = part;
    if (this.#gathered === null) {
      if (isBorrowed) {
        frame = bufferPool.take(part.length);
        part.copy(frame);
      }
    } else {
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
