/** Adler-32 (RFC 1950 §8.2), with which ZooKeeper seals its files. */

const MODULUS = 65521;
/** Bytes that can be summed before the sums leave 32 bits. */
const STRETCH = 5552;

/** Continues from `seed`; 1 starts a new checksum. */
export const adler32 = (bytes: Buffer, seed = 1): number => {
  let low = seed & 0xffff;
  let high = seed >>> 16;
  for (let start = 0; start < bytes.length; start += STRETCH) {
    const end = Math.min(start + STRETCH, bytes.length);
    for (let index = start; index < end; index++) {
      low += bytes[index] as number;
      high += low;
    }
    low %= MODULUS;
    high %= MODULUS;
  }
  return ((high << 16) | low) >>> 0;
};
