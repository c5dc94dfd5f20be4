/**
 * Big-endian integers at a position of which the caller knows that it lies within the buffer. Buffer's own methods look at
 * their arguments first, which on Node 20 takes several times as long as the read itself; a small request is read
 * and stamped in fifty places.
 */

export const readInt8 = (buffer: Uint8Array, at: number): number =>
  ((buffer[at] as number) << 24) >> 24;

export const readInt16 = (buffer: Uint8Array, at: number): number =>
  (readInt8(buffer, at) << 8) | (buffer[at + 1] as number);

export const readInt32 = (buffer: Uint8Array, at: number): number =>
  ((buffer[at] as number) << 24) |
  ((buffer[at + 1] as number) << 16) |
  ((buffer[at + 2] as number) << 8) |
  (buffer[at + 3] as number);

export const readUint32 = (buffer: Uint8Array, at: number): number => readInt32(buffer, at) >>> 0;

/** An int64 as a number: exact within 2^53. */
export const readInt64 = (buffer: Uint8Array, at: number): number =>
  readInt32(buffer, at) * 2 ** 32 + readUint32(buffer, at + 4);

/** As in the others, bits of `value` that have no room are dropped. */
export const writeInt16 = (buffer: Uint8Array, at: number, value: number): void => {
  buffer[at] = value >> 8;
  buffer[at + 1] = value;
};

export const writeInt32 = (buffer: Uint8Array, at: number, value: number): void => {
  buffer[at] = value >> 24;
  buffer[at + 1] = value >> 16;
  buffer[at + 2] = value >> 8;
  buffer[at + 3] = value;
};

/** Exact within 2^53. */
export const writeInt64 = (buffer: Uint8Array, at: number, value: number): void => {
  const high = Math.floor(value / 2 ** 32);
  writeInt32(buffer, at, high);
  writeInt32(buffer, at + 4, value - high * 2 ** 32);
};
