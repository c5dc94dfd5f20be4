/**
 * Records inside a batch of magic 2 (KIP-98): a cursor that walks them without making objects, and
 * the writer. Knows nothing of batch headers or compression. A record that does not parse is an
 * `InvalidRecordError`: the cursor never reads past the end it was given, whatever the lengths
 * claim.
 */

export interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A decoded record; key, value and headers are views of the bytes it was read from. */
export interface Record {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
  /** -1 when the producer is not idempotent. */
  readonly sequence: number;
}

/** What is needed to write a record. */
export interface RecordInput {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp?: number;
  readonly headers?: readonly Header[];
}

/** The bytes of a record do not form one. */
export class InvalidRecordError extends Error {
  override readonly name = 'InvalidRecordError';
}

/**
 * Walks the `count` records that fill `buffer`: after each `next()` the fields tell about the
 * current record.
 */
export class RecordCursor {
  readonly buffer: Buffer;
  readonly #end: number;
  #position = 0;
  #remaining: number;

  timestampDelta = 0;
  offsetDelta = 0;
  /** Where the current record starts, its length included, and where it ends. */
  start = 0;
  end = 0;
  /** -1: null. */
  keyBytes = -1;
  keyPosition = 0;
  /** -1: null. */
  valueBytes = -1;
  valuePosition = 0;
  headerCount = 0;
  headersPosition = 0;

  constructor(buffer: Buffer, count: number) {
    if (count < 0) throw new InvalidRecordError(`record count ${count}`);
    this.buffer = buffer;
    this.#end = buffer.length;
    this.#remaining = count;
  }

  /**
   * Moves to the next record; false after the last one. Throws when a record is broken or bytes are
   * left over.
   */
  next(): boolean {
    if (this.#remaining === 0) {
      if (this.#position !== this.#end) throw new InvalidRecordError('bytes after the last record');
      return false;
    }
    this.#remaining--;
    this.start = this.#position;
    const length = this.#varint();
    const end = this.#position + length;
    if (length < 0 || end > this.#end) throw new InvalidRecordError(`record length ${length}`);
    this.end = end;
    this.#position++; // attributes, which have no meaning yet
    this.timestampDelta = this.#varlong();
    this.offsetDelta = this.#varint();
    this.keyBytes = this.#varint();
    this.keyPosition = this.#skip(this.keyBytes);
    this.valueBytes = this.#varint();
    this.valuePosition = this.#skip(this.valueBytes);
    this.#skipHeaders();
    if (this.#position !== end) throw new InvalidRecordError('record length and content differ');
    return true;
  }

  key(): Buffer | null {
    return this.#view(this.keyPosition, this.keyBytes);
  }

  value(): Buffer | null {
    return this.#view(this.valuePosition, this.valueBytes);
  }

  headers(): readonly Header[] {
    if (this.headerCount === 0) return NO_HEADERS;
    const after = this.#position;
    this.#position = this.headersPosition;
    const headers: Header[] = [];
    for (let index = 0; index < this.headerCount; index++) {
      const keyBytes = this.#varint();
      const key = this.buffer.toString('utf8', this.#position, this.#position + keyBytes);
      this.#position += keyBytes;
      const valueBytes = this.#varint();
      headers.push({ key, value: this.#view(this.#position, valueBytes) });
      if (valueBytes > 0) this.#position += valueBytes;
    }
    this.#position = after;
    return headers;
  }

  #view(position: number, bytes: number): Buffer | null {
    return bytes < 0 ? null : this.buffer.subarray(position, position + bytes);
  }

  /** Steps over `bytes` bytes (-1: null, no byte) and returns where they start. */
  #skip(bytes: number): number {
    const start = this.#position;
    if (bytes < 0) {
      if (bytes !== -1) throw new InvalidRecordError(`field length ${bytes}`);
      return start;
    }
    if (bytes > this.end - start) throw new InvalidRecordError('field runs past its record');
    this.#position = start + bytes;
    return start;
  }

  #skipHeaders(): void {
    const count = this.#varint();
    if (count < 0 || count > this.end - this.#position) {
      throw new InvalidRecordError(`header count ${count}`);
    }
    this.headerCount = count;
    this.headersPosition = this.#position;
    for (let index = 0; index < count; index++) {
      const keyBytes = this.#varint();
      if (keyBytes < 0) throw new InvalidRecordError('null header key');
      this.#skip(keyBytes);
      this.#skip(this.#varint());
    }
  }

  #byte(): number {
    if (this.#position >= this.#end) throw new InvalidRecordError('records end early');
    return this.buffer[this.#position++] as number;
  }

  /** A zig-zag int32, mostly a single byte. */
  #varint(): number {
    const byte = this.buffer[this.#position] as number;
    // False for what lies behind the end, too, which is no number.
    if (byte <= 0x7f) {
      this.#position += 1;
      return (byte >>> 1) ^ -(byte & 1);
    }
    return this.#longVarint();
  }

  /** Like Kafka, drops what exceeds 32 bits in the fifth byte. */
  #longVarint(): number {
    let byte = this.#byte();
    let raw = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      if (shift > 28) throw new InvalidRecordError('varint too long');
      byte = this.#byte();
      raw |= (byte & 0x7f) << shift;
    }
    return (raw >>> 1) ^ -(raw & 1);
  }

  /**
   * A zig-zag int64, exact up to 2^52 in size, which no timestamp of use exceeds; larger ones lose
   * low bits.
   */
  #varlong(): number {
    let byte = this.#byte();
    let raw = byte & 0x7f;
    for (let factor = 128, count = 1; byte > 0x7f; factor *= 128) {
      if (++count > 10) throw new InvalidRecordError('varlong too long');
      byte = this.#byte();
      raw += (byte & 0x7f) * factor;
    }
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }
}

const NO_HEADERS: readonly Header[] = [];

/** Sequence numbers count in [0, 2^31): after the largest comes 0. */
export const incrementSequence = (sequence: number, count: number): number =>
  sequence > SEQUENCE_MAX - count ? count - (SEQUENCE_MAX - sequence) - 1 : sequence + count;

export const SEQUENCE_MAX = 2 ** 31 - 1;

/** Timestamps beyond 2^53 saturate: some clients send the largest long for "for ever". */
export const saturateTimestamp = (timestamp: number): number =>
  Math.max(Number.MIN_SAFE_INTEGER, Math.min(timestamp, Number.MAX_SAFE_INTEGER));

const INT32_MAX = 2 ** 31 - 1;

const zigzag = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2);

const varBytes = (value: number): number => {
  let raw = zigzag(value);
  let bytes = 1;
  for (; raw > INT32_MAX; raw = Math.floor(raw / 128)) bytes++;
  for (; raw >= 128; raw >>>= 7) bytes++;
  return bytes;
};

const writeVar = (buffer: Buffer, position: number, value: number): number => {
  let raw = zigzag(value);
  let at = position;
  for (; raw > INT32_MAX; raw = Math.floor(raw / 128)) buffer[at++] = (raw % 128) | 0x80;
  for (; raw >= 128; raw >>>= 7) buffer[at++] = (raw & 0x7f) | 0x80;
  buffer[at++] = raw;
  return at;
};

export interface RecordDeltas {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
}

/** The size of the record without its own length in front. */
const bodyBytes = (record: RecordInput, deltas: RecordDeltas): number => {
  let bytes = 1 + varBytes(deltas.timestampDelta) + varBytes(deltas.offsetDelta);
  bytes += fieldBytes(record.key) + fieldBytes(record.value);
  const headers = record.headers ?? NO_HEADERS;
  bytes += varBytes(headers.length);
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key);
    bytes += varBytes(keyBytes) + keyBytes + fieldBytes(header.value);
  }
  return bytes;
};

const fieldBytes = (field: Buffer | null): number =>
  field === null ? 1 : varBytes(field.length) + field.length;

/** The size of the whole record, its length included. */
export const recordBytes = (record: RecordInput, deltas: RecordDeltas): number => {
  const bytes = bodyBytes(record, deltas);
  return varBytes(bytes) + bytes;
};

/**
 * Writes the record at `position`, where there is room for `recordBytes`; returns the position
 * after it.
 */
export const writeRecord = (
  buffer: Buffer,
  position: number,
  record: RecordInput,
  deltas: RecordDeltas,
): number => {
  let at = writeVar(buffer, position, bodyBytes(record, deltas));
  buffer[at++] = 0;
  at = writeVar(buffer, at, deltas.timestampDelta);
  at = writeVar(buffer, at, deltas.offsetDelta);
  at = writeField(buffer, at, record.key);
  at = writeField(buffer, at, record.value);
  const headers = record.headers ?? NO_HEADERS;
  at = writeVar(buffer, at, headers.length);
  for (const header of headers) {
    at = writeVar(buffer, at, Buffer.byteLength(header.key));
    at += buffer.write(header.key, at, 'utf8');
    at = writeField(buffer, at, header.value);
  }
  return at;
};

const writeField = (buffer: Buffer, position: number, field: Buffer | null): number => {
  if (field === null) return writeVar(buffer, position, -1);
  const at = writeVar(buffer, position, field.length);
  return at + field.copy(buffer, at);
};
