/**
 * Reads bytes as Kafka's clients do with Java's ByteBuffer, down to which exception a damaged length
 * ends in. For showing damaged records only: protocol/record.ts is what everything else uses.
 */
import { illegalArgument, JavaFailure } from '../options/java-failure.ts';

export const underflow = (): JavaFailure =>
  new JavaFailure('java.nio.BufferUnderflowException', '');

export class JavaBuffer {
  readonly bytes: Buffer;
  position: number;

  constructor(bytes: Buffer, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  byte(): number {
    if (this.position >= this.bytes.length) throw underflow();
    return this.bytes[this.position++] as number;
  }

  /** A zig-zag int32; the fifth byte may not ask for a sixth. */
  varint(): number {
    return this.#varint(() => this.byte());
  }

  /** The same from a Java stream, which at its end goes on with -1. */
  streamedVarint(): number {
    return this.#varint(() => (this.remaining === 0 ? 0xff : this.byte()));
  }

  #varint(next: () => number): number {
    let raw = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = next();
      raw |= (shift === 28 && byte > 0x7f ? byte - 0x100 : byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
      if (shift < 28) continue;
      throw illegalArgument(
        'Varint is too long, the most significant bit in the 5th byte is set, converted value: ' +
          (raw >>> 0).toString(16),
      );
    }
  }

  /** A zig-zag int64. */
  varlong(): bigint {
    let raw = 0n;
    for (let shift = 0n; ; shift += 7n) {
      // Never shown: whoever reads a record tells of its structure instead.
      if (shift > 63n) throw illegalArgument('Varlong is too long');
      const byte = this.byte();
      raw |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      const value = BigInt.asUintN(64, raw);
      return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
  }

  /** A view; null for a negative size. */
  slice(size: number): Buffer | null {
    if (size < 0) return null;
    if (size > this.remaining) {
      throw illegalArgument(`newLimit > capacity: (${size} > ${this.remaining})`);
    }
    this.position += size;
    return this.bytes.subarray(this.position - size, this.position);
  }
}
