/**
 * XXH32 with seed 0, the checksum inside LZ4 frames (header always, blocks if the writer wants).
 * Only as fast as that needs: what Kafka clients write has no block checksums.
 */

const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

const round = (lane: number, input: number): number =>
  Math.imul(rotate((lane + Math.imul(input, PRIME_2)) | 0, 13), PRIME_1);

/** The hash of all bytes of `buffer`, as an unsigned number. */
export const xxhash32 = (buffer: Buffer): number => {
  const { length } = buffer;
  let position = 0;
  let hash: number;
  if (length >= 16) {
    let first = (PRIME_1 + PRIME_2) | 0;
    let second = PRIME_2 | 0;
    let third = 0;
    let fourth = -PRIME_1 | 0;
    for (; position <= length - 16; position += 16) {
      first = round(first, buffer.readInt32LE(position));
      second = round(second, buffer.readInt32LE(position + 4));
      third = round(third, buffer.readInt32LE(position + 8));
      fourth = round(fourth, buffer.readInt32LE(position + 12));
    }
    hash = rotate(first, 1) + rotate(second, 7) + rotate(third, 12) + rotate(fourth, 18);
  } else {
    hash = PRIME_5;
  }
  hash = (hash + length) | 0;
  for (; position <= length - 4; position += 4) {
    hash = (hash + Math.imul(buffer.readInt32LE(position), PRIME_3)) | 0;
    hash = Math.imul(rotate(hash, 17), PRIME_4);
  }
  for (; position < length; position++) {
    hash = (hash + Math.imul(buffer.readUInt8(position), PRIME_5)) | 0;
    hash = Math.imul(rotate(hash, 11), PRIME_1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
};
