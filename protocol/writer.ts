/**
 * Kafka's primitive types to bytes: a writer that grows, big-endian, the counterpart of `Reader` in
 * `bytes.ts`. A value that does not fit ends in `EncodeError`. Strings bring their length along;
 * the lengths of bytes and records are written apart, as they are read.
 */
import { EncodeError, STRING_BYTES_MAX } from './bytes.ts';
import { writeInt16, writeInt32, writeInt64 } from './integers.ts';

/** Longer strings leave the byte-by-byte loop to the runtime, which is faster from here on. */
const SHORT_STRING_CHARS = 48;
/** From this size on bytes are passed on by reference. */
const REFERENCE_BYTES_MIN = 1024;
const FIRST_PIECE_BYTES = 256;
const PIECE_BYTES_MAX = 65_536;

const empty = Buffer.alloc(0);

/**
 * Gathers pieces instead of copying: a full piece is put aside and a larger one begun, and big
 * byte fields stand between them as they were given, so they must not change until they have
 * been sent.
 */
export class Writer {
  readonly #pieces: Buffer[] = [];
  #piecesBytes = 0;
  #buffer: Buffer;
  /** What lies before it in the buffer is among the pieces already. */
  #start = 0;
  #position = 0;

  constructor(firstPieceBytes = FIRST_PIECE_BYTES) {
    this.#buffer = Buffer.allocUnsafe(firstPieceBytes);
  }

  get sizeBytes(): number {
    return this.#piecesBytes + this.#position - this.#start;
  }

  /** Ends the writing. */
  finish(): Buffer[] {
    this.#cut();
    return this.#pieces;
  }

  /** Overwrites the four bytes the writing began with; only after `finish`. */
  patchFirstInt32(value: number): void {
    writeInt32(this.#pieces[0] ?? empty, 0, value);
  }

  /** Ends the current piece; what follows goes behind it in the same memory. */
  #cut(): void {
    if (this.#position === this.#start) return;
    this.#push(this.#buffer.subarray(this.#start, this.#position));
    this.#start = this.#position;
  }

  #push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
  }

  /** Makes room for `count` bytes and tells where they begin. */
  #take(count: number): number {
    if (this.#position + count > this.#buffer.length) this.#grow(count);
    const start = this.#position;
    this.#position = start + count;
    return start;
  }

  #grow(count: number): void {
    const nextBytes = Math.min(this.#buffer.length * 2, PIECE_BYTES_MAX);
    this.#cut();
    this.#buffer = Buffer.allocUnsafe(Math.max(nextBytes, count));
    this.#start = 0;
    this.#position = 0;
  }

  bool(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  /** An unsigned byte that is known to fit. */
  byte(value: number): void {
    const start = this.#take(1);
    this.#buffer[start] = value;
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) throw notA('int8', value);
    this.byte(value & 0xff);
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) throw notA('int16', value);
    const start = this.#take(2);
    writeInt16(this.#buffer, start, value);
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) throw notA('uint16', value);
    const start = this.#take(2);
    writeInt16(this.#buffer, start, value);
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw notA('int32', value);
    const start = this.#take(4);
    writeInt32(this.#buffer, start, value);
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw notA('int64', value);
    const start = this.#take(8);
    writeInt64(this.#buffer, start, value);
  }

  timestamp(value: number): void {
    this.int64(value);
  }

  int64Big(value: bigint): void {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) {
      throw notA('64-bit bigint', value);
    }
    // Making room may replace the buffer, so it comes first; here and everywhere.
    const start = this.#take(8);
    this.#buffer.writeBigInt64BE(value, start);
  }

  float64(value: number): void {
    if (typeof value !== 'number') throw notA('float64', value);
    const start = this.#take(8);
    this.#buffer.writeDoubleBE(value, start);
  }

  uuid(value: string): void {
    const start = this.#take(16);
    if (value.length !== 22 || this.#buffer.write(value, start, 16, 'base64url') !== 16) {
      throw notA('uuid', value);
    }
  }

  /** Up to 32 bits. */
  uvarint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  length16(length: number): void {
    this.int16(length);
  }

  length32(length: number): void {
    this.int32(length);
  }

  /** The length in flexible versions; -1 stands for null. */
  compactLength(length: number): void {
    this.uvarint(length + 1);
  }

  string(value: string): void {
    const bytes = stringBytes(value);
    this.length16(bytes);
    this.#text(value, bytes);
  }

  compactString(value: string): void {
    const bytes = stringBytes(value);
    this.compactLength(bytes);
    this.#text(value, bytes);
  }

  #text(value: string, bytes: number): void {
    const start = this.#take(bytes);
    const buffer = this.#buffer;
    if (bytes !== value.length || bytes > SHORT_STRING_CHARS) {
      buffer.write(value, start, bytes, 'utf8');
      return;
    }
    for (let index = 0; index < bytes; index += 1) buffer[start + index] = value.charCodeAt(index);
  }

  /** Bytes without their length; large ones by reference. */
  bytes(value: Buffer): void {
    if (value.length >= REFERENCE_BYTES_MIN) {
      this.#cut();
      this.#push(value);
    } else if (value.length > 0) {
      const start = this.#take(value.length);
      this.#buffer.set(value, start);
    }
  }

  /** Record batches without their length, in one or several buffers. */
  records(value: Buffer | readonly Buffer[]): void {
    if (Buffer.isBuffer(value)) this.bytes(value);
    else for (const buffer of value) this.bytes(buffer);
  }

  /** A tagged field whose value stands in a writer of its own, since its size comes first. */
  tagged(tag: number, content: Writer): void {
    this.uvarint(tag);
    this.uvarint(content.sizeBytes);
    for (const piece of content.finish()) this.bytes(piece);
  }
}

/** The size of record batches in one or several buffers. */
export const recordsBytes = (value: Buffer | readonly Buffer[]): number => {
  if (Buffer.isBuffer(value)) return value.length;
  let bytes = 0;
  for (const buffer of value) bytes += buffer.length;
  return bytes;
};

/** The length in UTF-8. Short strings of ASCII, nearly all there are, never leave JavaScript. */
const stringBytes = (value: string): number => {
  const length = value.length;
  if (length <= SHORT_STRING_CHARS) {
    let index = 0;
    while (index < length && value.charCodeAt(index) < 0x80) index += 1;
    if (index === length) return length;
  }
  const bytes = Buffer.byteLength(value, 'utf8');
  if (bytes > STRING_BYTES_MAX) throw new EncodeError(`string of ${bytes} bytes`);
  return bytes;
};

const notA = (type: string, value: unknown): EncodeError =>
  new EncodeError(`${String(value)} is no ${type}`);
