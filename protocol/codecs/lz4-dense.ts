/**
 * One LZ4 block, compressed slowly and well: for every place the longest match among the latest
 * earlier ones, as many as the level says, and a look whether the next place has a longer one (what
 * lz4's high compressor does, to which Kafka turns for any level but its default).
 */

const MATCH_BYTES_MIN = 4;
/** The format wants a block to end in literals, and its last match to begin some way before. */
const LAST_LITERALS = 5;
const MATCH_MARGIN = 12;
const HASH_BITS = 15;
const NIBBLE_MAX = 15;
/** Levels above 13 look no further: somebody's choice of bytes must not hold up a broker. */
const ATTEMPTS_MAX = 4096;

interface Match {
  readonly position: number;
  readonly length: number;
}

const NO_MATCH: Match = { position: 0, length: 0 };

/** Compresses a block of at most 64 KB; level 1 to 17. The result may be larger than `raw`. */
export const lz4DenseBlock = (raw: Buffer, level: number): Buffer => {
  const output = new BlockWriter(raw);
  const matches = new MatchFinder(raw, Math.min(2 ** (level - 1), ATTEMPTS_MAX));
  const end = raw.length - MATCH_MARGIN;
  let position = 0;
  while (position <= end) {
    let match = matches.longestAt(position);
    if (match.length < MATCH_BYTES_MIN) {
      position += 1;
      continue;
    }
    while (position < end) {
      const next = matches.longestAt(position + 1);
      if (next.length <= match.length) break;
      match = next;
      position += 1;
    }
    output.sequence(position, position - match.position, match.length);
    position += match.length;
  }
  return output.finish();
};

/** Places by the hash of their first four bytes, in chains from the latest to the first. */
class MatchFinder {
  readonly #raw: Buffer;
  readonly #attemptsMax: number;
  readonly #latest = new Int32Array(1 << HASH_BITS).fill(-1);
  readonly #earlier: Int32Array;
  /** Places below have been entered. */
  #entered = 0;

  constructor(raw: Buffer, attemptsMax: number) {
    this.#raw = raw;
    this.#attemptsMax = attemptsMax;
    this.#earlier = new Int32Array(raw.length);
  }

  longestAt(position: number): Match {
    const raw = this.#raw;
    this.#enterUpTo(position);
    const lengthMax = raw.length - LAST_LITERALS - position;
    let candidate = this.#latest[this.#hashAt(position)] as number;
    let best = NO_MATCH;
    for (let left = this.#attemptsMax; left > 0 && candidate >= 0; left--) {
      // No better than the best one unless it agrees where that one ends.
      if (raw[candidate + best.length] === raw[position + best.length]) {
        let length = 0;
        while (length < lengthMax && raw[candidate + length] === raw[position + length]) length++;
        if (length > best.length) best = { position: candidate, length };
        if (length === lengthMax) break;
      }
      candidate = this.#earlier[candidate] as number;
    }
    return best;
  }

  #enterUpTo(position: number): void {
    for (; this.#entered < position; this.#entered++) {
      const hash = this.#hashAt(this.#entered);
      this.#earlier[this.#entered] = this.#latest[hash] as number;
      this.#latest[hash] = this.#entered;
    }
  }

  #hashAt(position: number): number {
    return Math.imul(this.#raw.readInt32LE(position), 0x9e37_79b1) >>> (32 - HASH_BITS);
  }
}

/** Puts literals and matches behind each other in the block's format. */
class BlockWriter {
  readonly #raw: Buffer;
  readonly #output: Buffer;
  #size = 0;
  /** Literals from here on have not been written. */
  #literalStart = 0;

  constructor(raw: Buffer) {
    this.#raw = raw;
    this.#output = Buffer.allocUnsafe(raw.length + Math.ceil(raw.length / 255) + 16);
  }

  /** The literals up to `position`, then a match of `length` bytes `distance` before it. */
  sequence(position: number, distance: number, length: number): void {
    this.#literals(position, Math.min(length - MATCH_BYTES_MIN, NIBBLE_MAX));
    this.#size = this.#output.writeUInt16LE(distance, this.#size);
    this.#rest(length - MATCH_BYTES_MIN);
    this.#literalStart = position + length;
  }

  finish(): Buffer {
    this.#literals(this.#raw.length, 0);
    return this.#output.subarray(0, this.#size);
  }

  #literals(end: number, matchNibble: number): void {
    const count = end - this.#literalStart;
    this.#output[this.#size++] = (Math.min(count, NIBBLE_MAX) << 4) | matchNibble;
    this.#rest(count);
    this.#size += this.#raw.copy(this.#output, this.#size, this.#literalStart, end);
  }

  /** What of a length does not fit into its four bits. */
  #rest(length: number): void {
    if (length < NIBBLE_MAX) return;
    let left = length - NIBBLE_MAX;
    for (; left >= 255; left -= 255) this.#output[this.#size++] = 255;
    this.#output[this.#size++] = left;
  }
}
