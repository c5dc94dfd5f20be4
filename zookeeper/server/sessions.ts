/**
 * Sessions and when they expire, in buckets of one tick (ZooKeeper's ExpiryQueue): a silent session dies
 * between its timeout and one tick later. Pure; times are elapsed milliseconds, handed in. Also session ids
 * and passwords, by ZooKeeper's own rules, so that a data directory can change hands.
 */
import { timingSafeEqual } from 'node:crypto';

export class SessionTracker {
  readonly #tickMs: number;
  /** The bucket of each session, by the end of its tick. */
  readonly #bucketOf = new Map<bigint, number>();
  readonly #buckets = new Map<number, Set<bigint>>();
  #nextExpirationMs: number;

  constructor(tickMs: number, nowMs: number) {
    this.#tickMs = tickMs;
    this.#nextExpirationMs = this.#roundUp(nowMs);
  }

  /** When `expire` has something to do next. */
  get nextExpirationMs(): number {
    return this.#nextExpirationMs;
  }

  /** Who expires when, unless heard of before; elapsed time. */
  get buckets(): ReadonlyMap<number, ReadonlySet<bigint>> {
    return this.#buckets;
  }

  get size(): number {
    return this.#bucketOf.size;
  }

  has(id: bigint): boolean {
    return this.#bucketOf.has(id);
  }

  add(id: bigint, timeoutMs: number, nowMs: number): void {
    this.#bucketOf.set(id, -1);
    this.touch(id, timeoutMs, nowMs);
  }

  /** Notes a sign of life; false when the session is unknown. */
  touch(id: bigint, timeoutMs: number, nowMs: number): boolean {
    const former = this.#bucketOf.get(id);
    if (former === undefined) return false;
    const bucket = this.#roundUp(nowMs + timeoutMs);
    if (bucket === former) return true;
    this.#buckets.get(former)?.delete(id);
    let members = this.#buckets.get(bucket);
    if (members === undefined) {
      members = new Set();
      this.#buckets.set(bucket, members);
    }
    members.add(id);
    this.#bucketOf.set(id, bucket);
    return true;
  }

  remove(id: bigint): void {
    const bucket = this.#bucketOf.get(id);
    if (bucket !== undefined) this.#buckets.get(bucket)?.delete(id);
    this.#bucketOf.delete(id);
  }

  /** Removes and returns the sessions whose time is up. */
  expire(nowMs: number): bigint[] {
    const expired: bigint[] = [];
    while (nowMs >= this.#nextExpirationMs) {
      const members = this.#buckets.get(this.#nextExpirationMs);
      this.#buckets.delete(this.#nextExpirationMs);
      for (const id of members ?? []) {
        this.#bucketOf.delete(id);
        expired.push(id);
      }
      this.#nextExpirationMs += this.#tickMs;
    }
    return expired;
  }

  #roundUp(timeMs: number): number {
    return (Math.floor(timeMs / this.#tickMs) + 1) * this.#tickMs;
  }
}

const SERVER_ID = 1n;

/** The id before the first one: server id on top, then the wall clock, above all ids still in use. */
export const firstSessionId = (nowMs: number, inUse: Iterable<bigint>): bigint => {
  const clock = BigInt.asUintN(40, BigInt(Math.trunc(nowMs)));
  let id = (SERVER_ID << 56n) | (clock << 16n);
  for (const used of inUse) if (used >= id && used >> 56n === SERVER_ID) id = used + 1n;
  return id;
};

const MASK_48 = (1n << 48n) - 1n;

/**
 * The password of a session: 16 bytes of java.util.Random seeded with the id, as ZooKeeper makes it. It is a
 * checksum rather than a secret; access is what ACLs are for.
 */
export const passwordOf = (sessionId: bigint): Buffer => {
  const password = Buffer.allocUnsafe(16);
  const seed = BigInt.asIntN(64, sessionId ^ 0xb3415c00n);
  let state = (seed ^ 0x5deece66dn) & MASK_48;
  for (let position = 0; position < 16; position += 4) {
    state = (state * 0x5deece66dn + 0xbn) & MASK_48;
    password.writeInt32LE(Number(BigInt.asIntN(32, state >> 16n)), position);
  }
  return password;
};

export const isPassword = (password: Buffer | null, sessionId: bigint): boolean =>
  password?.length === 16 && timingSafeEqual(password, passwordOf(sessionId));

export const negotiateTimeout = (wantedMs: number, minMs: number, maxMs: number): number =>
  Math.min(Math.max(wantedMs, minMs), maxMs);
