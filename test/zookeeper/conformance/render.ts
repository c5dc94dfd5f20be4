/**
 * Frames as text, every byte accounted for: two frames have the same text only if they are the same but for what must differ
 * between two servers. Transaction ids count from the start of the case (+3), sessions by their first appearance (s1), times
 * are only said to be there (t). Names of children, which come in no order, are sorted.
 */
import { createHash } from 'node:crypto';
import { passwordOf } from '../../../zookeeper/server/sessions.ts';

/** What a case has seen so far. */
export class Names {
  readonly #sessions = new Map<bigint, string>();
  /** The last transaction before the case. */
  readonly startZxid: bigint;

  constructor(startZxid: bigint) {
    this.startZxid = startZxid;
  }

  zxid(value: bigint): string {
    if (value <= 0n) return String(value);
    return value < this.startZxid ? 'old' : `+${value - this.startZxid}`;
  }

  session(id: bigint): string {
    if (id === 0n) return '0';
    const known = this.#sessions.get(id) ?? `s${this.#sessions.size + 1}`;
    this.#sessions.set(id, known);
    return known;
  }
}

class Cut extends Error {}

class Cursor {
  readonly #bytes: Buffer;
  #at: number;
  readonly names: Names;

  constructor(bytes: Buffer, at: number, names: Names) {
    this.#bytes = bytes;
    this.#at = at;
    this.names = names;
  }

  get rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  take(count: number): Buffer {
    if (count < 0 || this.rest.length < count) throw new Cut();
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  int(): number {
    return this.take(4).readInt32BE(0);
  }

  long(): bigint {
    return this.take(8).readBigInt64BE(0);
  }

  byte(): number {
    return this.take(1)[0] as number;
  }

  bytes(): string {
    const length = this.int();
    return length === -1 ? 'null' : quote(this.take(length));
  }

  list(item: () => string): string[] | null {
    const count = this.int();
    return count === -1 ? null : Array.from({ length: count }, item);
  }
}

/** As text where that loses nothing. */
const quote = (bytes: Buffer): string => {
  if (bytes.length > 200) {
    return `${bytes.length} bytes, SHA-1 ${createHash('sha1').update(bytes).digest('hex')}`;
  }
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? JSON.stringify(text) : `0x${bytes.toString('hex')}`;
};

type Part = (cursor: Cursor) => string;

const number: Part = (cursor) => String(cursor.int());
const string: Part = (cursor) => cursor.bytes();

const stat: Part = (cursor) => {
  const [czxid, mzxid] = [cursor.long(), cursor.long()].map((zxid) => cursor.names.zxid(zxid));
  const [ctime, mtime] = [cursor.long(), cursor.long()];
  const [version, cversion, aversion] = [cursor.int(), cursor.int(), cursor.int()];
  const owner = cursor.names.session(cursor.long());
  const [dataLength, numChildren] = [cursor.int(), cursor.int()];
  const pzxid = cursor.names.zxid(cursor.long());
  const time = ctime === 0n && mtime === 0n ? '0' : timeOf(ctime, mtime, version === 0);
  return `{c${czxid} m${mzxid} ${time} v${version} cv${cversion} av${aversion} o${owner} d${dataLength} n${numChildren} p${pzxid}}`;
};

/** What was never changed has one time; otherwise the clock may or may not have moved. */
const timeOf = (ctime: bigint, mtime: bigint, isUnchanged: boolean): string => {
  const isRight = ctime > 1_000_000_000_000n && (isUnchanged ? mtime === ctime : mtime >= ctime);
  return isRight ? 't' : `t(${ctime},${mtime})`;
};

const listOf =
  (item: Part, isSorted: boolean): Part =>
  (cursor) => {
    const items = cursor.list(() => item(cursor));
    if (items === null) return 'null';
    if (isSorted) items.sort();
    return `[${items.join(' ')}]`;
  };

const aclEntry: Part = (cursor) => `${cursor.int()}:${cursor.bytes()}:${cursor.bytes()}`;
const identity: Part = (cursor) => `${cursor.bytes()}:${cursor.bytes()}`;
const names = listOf(string, true);

const stepParts: Readonly<Record<number, readonly Part[]>> = {
  [-1]: [number],
  1: [string],
  2: [],
  4: [string, stat],
  5: [stat],
  8: [names],
  13: [],
  15: [string, stat],
};

const multiResult: Part = (cursor) => {
  const steps: string[] = [];
  for (;;) {
    const [type, isDone, code] = [cursor.int(), cursor.byte(), cursor.int()];
    const head = `${type} ${isDone} ${code}`;
    if (isDone !== 0) return `${steps.join(' ')} end(${head})`.trimStart();
    const parts = (stepParts[type] ?? []).map((part) => part(cursor));
    steps.push(`(${[head, ...parts].join(' ')})`);
  }
};

/** What follows the header of a reply that says 0, by operation. */
const bodies: Readonly<Record<number, readonly Part[]>> = {
  1: [string],
  15: [string, stat],
  19: [string, stat],
  21: [string, stat],
  3: [stat],
  4: [string, stat],
  5: [stat],
  6: [listOf(aclEntry, true), stat],
  7: [stat],
  8: [names],
  9: [string],
  12: [names, stat],
  14: [multiResult],
  22: [multiResult],
  103: [names],
  104: [number],
  106: [number],
  107: [listOf(identity, true)],
  102: [string],
};

const render = (cursor: Cursor, head: readonly string[], parts: readonly Part[]): string => {
  const words = [...head];
  try {
    for (const part of parts) words.push(part(cursor));
  } catch (error) {
    if (!(error instanceof Cut)) throw error;
    words.push('cut');
  }
  if (cursor.rest.length > 0) words.push(`rest=${cursor.rest.toString('hex')}`);
  return words.join(' ');
};

export interface Head {
  readonly xid: number;
  readonly zxid: bigint;
}

export const headOf = (frame: Buffer): Head | null =>
  frame.length < 16 ? null : { xid: frame.readInt32BE(0), zxid: frame.readBigInt64BE(4) };

/** A reply to operation `op`, or an event (op 0). */
export const renderReply = (frame: Buffer, op: number, known: Names): string => {
  if (frame.length < 16) return `rest=${frame.toString('hex')}`;
  const cursor = new Cursor(frame, 0, known);
  const [xid, zxid, code] = [cursor.int(), known.zxid(cursor.long()), cursor.int()];
  const parts = op === 0 ? [number, number, string] : code === 0 ? (bodies[op] ?? []) : [];
  return render(
    cursor,
    op === 0 ? ['event', `${xid} ${zxid} ${code}`] : [`${xid} ${zxid} ${code}`],
    parts,
  );
};

const session: Part = (cursor) => {
  const id = cursor.long();
  const length = cursor.int();
  const password = cursor.take(length);
  const right = id === 0n ? Buffer.alloc(16) : passwordOf(id);
  return `${cursor.names.session(id)} ${password.equals(right) ? 'password' : quote(password)}`;
};

const readOnly: Part = (cursor) => (cursor.rest.length === 0 ? 'none' : String(cursor.byte()));

/** The answer to a handshake: version, timeout, session, password, read-only byte. */
export const renderConnect = (frame: Buffer, known: Names): string =>
  render(new Cursor(frame, 0, known), ['connected'], [number, number, session, readOnly]);
