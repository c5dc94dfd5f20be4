/**
 * Kafka's primitive types from bytes, all big-endian and bounds-checked; `writer.ts` is the other way.
 * Bad input ends in `DecodeError`, a value that does not fit in `EncodeError`; nothing else is
 * thrown. Lengths and counts are read apart from what they measure (`string(length16())`,
 * `string(compactLength())`), so that old and flexible versions share the rest.
 */

import { readInt8, readInt16, readInt32, readInt64 } from './integers.ts';
import { decodeString } from './known-strings.ts';

/** The bytes are not what they should be; whoever sent them gets the connection closed. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** A value that the message or the version cannot carry: a bug of ours. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';
}

/** Of a string, whatever its version. */
export const STRING_BYTES_MAX = 0x7fff;
/**
 * Array elements of one message. Real ones (200 000 partitions, three replicas) stay below a
 * third.
 */
const ELEMENTS_MAX = 5_000_000;

const empty = Buffer.alloc(0);

/**
 * Reads from `position` on. Byte fields are views of the buffer: it must not change meanwhile.
 */
export class Reader {
  readonly buffer: Buffer;
  position: number;
  readonly #end: number;
  #elementsLeft = ELEMENTS_MAX;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
    this.#end = buffer.length;
  }

  get remaining(): number {
    return this.#end - this.position;
  }

  /** Moves over `count` bytes and tells where they begin. */
  #take(count: number): number {
    const start = this.position;
    if (count > this.#end - start) {
      throw new DecodeError(`${count} bytes wanted, ${this.#end - start} left`);
    }
    this.position = start + count;
    return start;
  }

  bool(): boolean {
    return this.buffer[this.#take(1)] !== 0;
  }

  int8(): number {
    return readInt8(this.buffer, this.#take(1));
  }

  int16(): number {
    return readInt16(this.buffer, this.#take(2));
  }

  uint16(): number {
    return readInt16(this.buffer, this.#take(2)) & 0xffff;
  }

  int32(): number {
    return readInt32(this.buffer, this.#take(4));
  }

  int64(): number {
    const value = readInt64(this.buffer, this.#take(8));
    if (!Number.isSafeInteger(value)) throw new DecodeError('int64 beyond 2^53 - 1');
    return value;
  }

  /** An int64 that stops at 2^53 - 1. */
  timestamp(): number {
    const value = readInt64(this.buffer, this.#take(8));
    return Math.max(Math.min(value, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER);
  }

  int64Big(): bigint {
    return this.buffer.readBigInt64BE(this.#take(8));
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.#take(8));
  }

  /** 22 characters of url-safe base64. */
  uuid(): string {
    const start = this.#take(16);
    return this.buffer.toString('base64url', start, start + 16);
  }

  /** At most five bytes and 32 bits. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.#take(1)] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new DecodeError('varint longer than five bytes');
  }

  length16(): number {
    return this.int16();
  }

  length32(): number {
    return this.int32();
  }

  /** The length in flexible versions; -1 stands for null. */
  compactLength(): number {
    return this.uvarint() - 1;
  }

  /** Invalid UTF-8 is replaced, never refused. */
  string(length: number): string {
    if (length === 0) return '';
    if (length < 0) throw new DecodeError('null where a string must be');
    if (length > STRING_BYTES_MAX) throw new DecodeError(`string of ${length} bytes`);
    const start = this.#take(length);
    return decodeString(this.buffer, start, start + length);
  }

  /** A view. */
  bytes(length: number): Buffer {
    if (length === 0) return empty;
    if (length < 0) throw new DecodeError('null where bytes must be');
    const start = this.#take(length);
    return this.buffer.subarray(start, start + length);
  }

  /**
   * Checks the count of an array: an element takes a byte or more, and all arrays share a limit.
   */
  count(length: number): number {
    if (length < 0) throw new DecodeError('null where an array must be');
    if (length > this.#end - this.position) {
      throw new DecodeError(`${length} elements in ${this.remaining} bytes`);
    }
    this.#elementsLeft -= length;
    if (this.#elementsLeft < 0) throw new DecodeError(`more than ${ELEMENTS_MAX} elements`);
    return length;
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** Moves over a tag section of which no tag is known. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left -= 1) {
      this.uvarint();
      this.skip(this.uvarint());
    }
  }
}
