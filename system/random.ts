/** Random numbers and identifiers. Everything random comes from here, so that a seed decides a whole run. */
import { randomBytes } from 'node:crypto';

export interface Random {
  /** A number in [0, 1). */
  float(): number;
  /** An integer in [0, limit). */
  int(limit: number): number;
  /** `count` random bytes. */
  bytes(count: number): Buffer;
}

export const realRandom: Random = {
  float: () => Math.random(),
  int: (limit) => Math.floor(Math.random() * limit),
  bytes: (count) => randomBytes(count),
};

/** Sets the version (4) and variant bits of a random UUID, in place (RFC 9562 §5.4). */
const stampVersion4 = (bytes: Buffer): Buffer => {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
};

/** A random UUID (version 4) in the 22-character url-safe base64 form Kafka uses for topic and cluster ids. */
export const randomUuid = (random: Random): string =>
  stampVersion4(random.bytes(16)).toString('base64url');

/** A random UUID (version 4) in the usual form with hyphens, as in group member ids. */
export const randomUuidText = (random: Random): string =>
  stampVersion4(random.bytes(16))
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
