/**
 * The last offset of every key in the part of a log that is to be cleaned (Kafka's
 * SkimpyOffsetMap). An open-addressing table of a fixed size: 16 bytes of hash and 8 of offset for
 * each slot, so that millions of keys fit a bounded piece of memory. Keys themselves are not kept:
 * equal hashes count as equal keys.
 */
import { hash } from 'node:crypto';
import { assert } from '../../system/assert.ts';

const SLOT_BYTES = 24;
const HASH_WORDS = 4;
const SLOTS_MIN = 3;
const BYTES_MAX = 2 ** 31 - 1;

export interface OffsetMapLimits {
  readonly bytesMax: number;
  /** Which share of the slots may be taken; a full table would be slow. */
  readonly loadFactor: number;
  /** More entries than this will never be asked for, so that a small log gets a small table. */
  readonly entriesMax: number;
}

export class OffsetMap {
  /** How many keys it takes. */
  readonly capacity: number;
  /**
   * Everything up to here is in the map; -1 at first. Records behind it are unknown to it and must
   * stay, whatever their key.
   */
  latestOffset = -1;
  readonly #slotCount: number;
  readonly #hashes: Int32Array;
  /** The offset plus one; 0 marks a free slot. */
  readonly #offsets: Float64Array;
  #size = 0;

  constructor({ bytesMax, loadFactor, entriesMax }: OffsetMapLimits) {
    const slotsMax = Math.floor(Math.min(bytesMax, BYTES_MAX) / SLOT_BYTES);
    const wanted = Math.ceil(entriesMax / loadFactor) * 2;
    this.#slotCount = primeAtMost(Math.max(SLOTS_MIN, Math.min(slotsMax, wanted)));
    this.capacity = Math.min(Math.floor(this.#slotCount * loadFactor), this.#slotCount - 1);
    this.#hashes = new Int32Array(this.#slotCount * HASH_WORDS);
    this.#offsets = new Float64Array(this.#slotCount);
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.capacity;
  }

  /** Notes the offset of a key; a key that is known gets the new one. The map must not be full. */
  put(key: Buffer, offset: number): void {
    assert(!this.isFull, 'offset map has room');
    const digest = digestOf(key);
    const slot = this.#slotOf(digest);
    if (this.#offsets[slot] === 0) {
      this.#size += 1;
      for (let word = 0; word < HASH_WORDS; word++)
        this.#hashes[slot * HASH_WORDS + word] = digest.readInt32LE(word * 4);
    }
    this.#offsets[slot] = offset + 1;
  }

  /** The last offset of a key; -1 where there is none. */
  get(key: Buffer): number {
    if (this.#size === 0) return -1;
    return (this.#offsets[this.#slotOf(digestOf(key))] as number) - 1;
  }

  /** The slot that holds the hash, or the free one where it belongs. */
  #slotOf(digest: Buffer): number {
    const count = this.#slotCount;
    // As the number of slots is a prime, any step leads through all of them.
    const step = 1 + (digest.readUInt32LE(4) % (count - 1));
    let slot = digest.readUInt32LE(0) % count;
    while (this.#offsets[slot] !== 0 && !this.#holds(slot, digest)) slot = (slot + step) % count;
    return slot;
  }

  #holds(slot: number, digest: Buffer): boolean {
    const at = slot * HASH_WORDS;
    for (let word = 0; word < HASH_WORDS; word++)
      if (this.#hashes[at + word] !== digest.readInt32LE(word * 4)) return false;
    return true;
  }
}

const digest = Buffer.alloc(HASH_WORDS * 4);

/**
 * Always the same buffer, good until the next call: one for each key would make much work for the
 * garbage collector.
 */
const digestOf = (key: Buffer): Buffer => {
  digest.write(hash('md5', key, 'binary'), 0, 'binary');
  return digest;
};

const primeAtMost = (limit: number): number => {
  for (let number = limit; ; number--) if (isPrime(number)) return number;
};

const isPrime = (number: number): boolean => {
  for (let divisor = 2; divisor * divisor <= number; divisor++)
    if (number % divisor === 0) return false;
  return true;
};
