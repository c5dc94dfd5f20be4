/**
 * ZooKeeper's encoding (Jute): big-endian integers, length-prefixed strings and buffers, -1 for null, records
 * as their fields in order. The reader never leaves its bounds and never allocates more than the input holds;
 * the writer grows. Codecs are declared once and serve both directions.
 */

/** Bytes that are not what they should be; always the fault of who sent them. */
export class JuteError extends Error {
  override readonly name = 'JuteError';
}

/** What `read` returns; null when the bytes are not what they should be. */
export const decoded = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch (error) {
    if (error instanceof JuteError) return null;
    throw error;
  }
};

export class JuteReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  #position: number;

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.#position = position;
    this.#end = end;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  int(): number {
    return this.#buffer.readInt32BE(this.#advance(4));
  }

  long(): bigint {
    return this.#buffer.readBigInt64BE(this.#advance(8));
  }

  bool(): boolean {
    return this.#buffer[this.#advance(1)] !== 0;
  }

  /** A view of the input, null for length -1. */
  bytes(): Buffer | null {
    const length = this.int();
    if (length === -1) return null;
    const start = this.#advance(length);
    return this.#buffer.subarray(start, start + length);
  }

  text(): string | null {
    const length = this.int();
    if (length === -1) return null;
    const start = this.#advance(length);
    return this.#buffer.toString('utf8', start, start + length);
  }

  #advance(count: number): number {
    const start = this.#position;
    if (count < 0 || count > this.#end - start) {
      throw new JuteError(`${count} bytes wanted, ${this.#end - start} left`);
    }
    this.#position = start + count;
    return start;
  }
}

export class JuteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  int(value: number): void {
    const at = this.#extend(4);
    this.#buffer.writeInt32BE(value, at);
  }

  long(value: bigint): void {
    const at = this.#extend(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  bool(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  byte(value: number): void {
    const at = this.#extend(1);
    this.#buffer[at] = value;
  }

  bytes(value: Buffer | null): void {
    if (value === null) return this.int(-1);
    this.int(value.length);
    const at = this.#extend(value.length);
    value.copy(this.#buffer, at);
  }

  text(value: string | null): void {
    if (value === null) return this.int(-1);
    const length = Buffer.byteLength(value);
    this.int(length);
    const at = this.#extend(length);
    this.#buffer.write(value, at, length, 'utf8');
  }

  /** Overwrites the int at `position`, for lengths known only afterwards. */
  patchInt(position: number, value: number): void {
    this.#buffer.writeInt32BE(value, position);
  }

  patchLong(position: number, value: bigint): void {
    this.#buffer.writeBigInt64BE(value, position);
  }

  /** What has been written, as a view; the writer must not be used any more. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #extend(count: number): number {
    const start = this.#length;
    const needed = start + count;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, start);
      this.#buffer = larger;
    }
    this.#length = needed;
    return start;
  }
}

export interface Codec<T> {
  read(reader: JuteReader): T;
  write(writer: JuteWriter, value: T): void;
}

/** The type of the values of a codec. */
export type Value<C> = C extends Codec<infer T> ? T : never;

export const int: Codec<number> = {
  read: (reader) => reader.int(),
  write: (writer, value) => writer.int(value),
};

export const long: Codec<bigint> = {
  read: (reader) => reader.long(),
  write: (writer, value) => writer.long(value),
};

/** A long that is a time in milliseconds; what a number cannot hold exactly is rounded. */
export const time: Codec<number> = {
  read: (reader) => Number(reader.long()),
  write: (writer, value) => writer.long(BigInt(Math.trunc(value))),
};

export const bool: Codec<boolean> = {
  read: (reader) => reader.bool(),
  write: (writer, value) => writer.bool(value),
};

/** Bytes; null and empty stay distinct. Read as a view of the input. */
export const buffer: Codec<Buffer | null> = {
  read: (reader) => reader.bytes(),
  write: (writer, value) => writer.bytes(value),
};

/** A string that must be there. */
export const string: Codec<string> = {
  read(reader) {
    const value = reader.text();
    if (value === null) throw new JuteError('null instead of a string');
    return value;
  },
  write: (writer, value) => writer.text(value),
};

/** A string that may be absent. */
export const textOrNull: Codec<string | null> = {
  read: (reader) => reader.text(),
  write: (writer, value) => writer.text(value),
};

/** A string whose absence means the same as an empty one (kazoo sends empty strings as null). */
export const textOrEmpty: Codec<string> = {
  read: (reader) => reader.text() ?? '',
  write: (writer, value) => writer.text(value),
};

const readItems = <T>(reader: JuteReader, count: number, item: Codec<T>): T[] => {
  // Every item takes at least a byte, so a larger count is a lie and must not reserve memory.
  if (count < 0 || count > reader.remaining) throw new JuteError(`a vector of ${count} items`);
  const values: T[] = [];
  for (let index = 0; index < count; index++) values.push(item.read(reader));
  return values;
};

const writeItems = <T>(writer: JuteWriter, values: readonly T[], item: Codec<T>): void => {
  writer.int(values.length);
  for (const value of values) item.write(writer, value);
};

/** A vector that must be there. */
export const vector = <T>(item: Codec<T>): Codec<readonly T[]> => ({
  read: (reader) => readItems(reader, reader.int(), item),
  write: (writer, values) => writeItems(writer, values, item),
});

/** A vector whose absence means the same as an empty one. */
export const vectorOrEmpty = <T>(item: Codec<T>): Codec<readonly T[]> => ({
  read(reader) {
    const count = reader.int();
    return count === -1 ? [] : readItems(reader, count, item);
  },
  write: (writer, values) => writeItems(writer, values, item),
});

type Fields = Record<string, Codec<unknown>>;

/** A record: the fields in the order they are written here. */
export const record = <F extends Fields>(
  fields: F,
): Codec<{ readonly [K in keyof F]: Value<F[K]> }> => {
  type Result = { readonly [K in keyof F]: Value<F[K]> };
  const entries = Object.entries(fields);
  return {
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) value[name] = codec.read(reader);
      return value as Result;
    },
    write(writer, value) {
      for (const [name, codec] of entries) codec.write(writer, value[name]);
    },
  };
};
