/**
 * The nodes of a tree, kept small: there may be a million of them. Pure. What a stat tells lies in large pieces of
 * memory, a record of 64 bytes for each node, because numbers of 64 bits are objects of their own in V8's heap.
 *
 * Small data is a string of one-byte characters. A Buffer of its own would take more memory than the data does,
 * and one out of Node's pool would keep 8 KB alive, most of them frames that went out long ago.
 */
import { assert } from '../../system/assert.ts';
import type { Acl } from '../session.ts';

export interface NodeFields {
  readonly data: Buffer | null;
  readonly acl: readonly Acl[];
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly pzxid: bigint;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  /** Children ever created; also the next sequence number. */
  readonly cversion: number;
  readonly aversion: number;
  /** Owning session, 0n, or one of the markers for container and TTL nodes. */
  readonly owner: bigint;
}

/** Many records: the same memory as three kinds of numbers. */
interface Piece {
  /** Counted in longs, what lies in front of it. */
  readonly offset: number;
  readonly longs: BigInt64Array;
  readonly doubles: Float64Array;
  readonly ints: Int32Array;
}

const RECORD_BYTES = 64;
const LONGS_PER_PIECE = (1024 * RECORD_BYTES) / 8;

/** Where the fields are, counted in longs. */
const CZXID = 0;
const MZXID = 1;
const PZXID = 2;
const OWNER = 3;
const CTIME = 4;
const MTIME = 5;
/** Counted in ints. */
const VERSION = 12;
const CVERSION = 13;
const AVERSION = 14;

export class Node {
  acl: readonly Acl[];
  /** Names; null until the first child. */
  children: Set<string> | null = null;
  readonly #piece: Piece;
  /** Of the record in its piece, in longs and doubles; in ints it is twice that. */
  readonly #start: number;
  #data: string | Buffer | null;

  constructor(piece: Piece, start: number, fields: NodeFields) {
    this.#piece = piece;
    this.#start = start;
    this.acl = fields.acl;
    this.#data = null;
    this.assign(fields);
  }

  /** Makes it what the fields say, with a copy of the data; children stay. */
  assign(fields: NodeFields): void {
    const { longs, doubles, ints } = this.#piece;
    const start = this.#start;
    this.acl = fields.acl;
    this.#data = kept(fields.data);
    longs[start + CZXID] = fields.czxid;
    longs[start + MZXID] = fields.mzxid;
    longs[start + PZXID] = fields.pzxid;
    longs[start + OWNER] = fields.owner;
    doubles[start + CTIME] = fields.ctimeMs;
    doubles[start + MTIME] = fields.mtimeMs;
    ints[start * 2 + VERSION] = fields.version;
    ints[start * 2 + CVERSION] = fields.cversion;
    ints[start * 2 + AVERSION] = fields.aversion;
  }

  /** Where its record begins, in longs: for the one who lends records. */
  get position(): number {
    return this.#piece.offset + this.#start;
  }

  /** The data, which may be a copy made for the caller. */
  get data(): Buffer | null {
    return typeof this.#data === 'string' ? Buffer.from(this.#data, 'latin1') : this.#data;
  }

  get dataBytes(): number {
    return this.#data?.length ?? 0;
  }

  /** Keeps a copy of `data`. */
  replaceData(data: Buffer | null): void {
    this.#data = kept(data);
  }

  get czxid(): bigint {
    return this.#piece.longs[this.#start + CZXID] as bigint;
  }

  get mzxid(): bigint {
    return this.#piece.longs[this.#start + MZXID] as bigint;
  }

  get pzxid(): bigint {
    return this.#piece.longs[this.#start + PZXID] as bigint;
  }

  set pzxid(zxid: bigint) {
    this.#piece.longs[this.#start + PZXID] = zxid;
  }

  get owner(): bigint {
    return this.#piece.longs[this.#start + OWNER] as bigint;
  }

  get ctimeMs(): number {
    return this.#piece.doubles[this.#start + CTIME] as number;
  }

  get mtimeMs(): number {
    return this.#piece.doubles[this.#start + MTIME] as number;
  }

  get version(): number {
    return this.#piece.ints[this.#start * 2 + VERSION] as number;
  }

  get cversion(): number {
    return this.#piece.ints[this.#start * 2 + CVERSION] as number;
  }

  set cversion(cversion: number) {
    this.#piece.ints[this.#start * 2 + CVERSION] = cversion;
  }

  get aversion(): number {
    return this.#piece.ints[this.#start * 2 + AVERSION] as number;
  }

  set aversion(aversion: number) {
    this.#piece.ints[this.#start * 2 + AVERSION] = aversion;
  }

  /** A write has given it this version. */
  modified(version: number, zxid: bigint, timeMs: number): void {
    this.#piece.ints[this.#start * 2 + VERSION] = version;
    this.#piece.longs[this.#start + MZXID] = zxid;
    this.#piece.doubles[this.#start + MTIME] = timeMs;
  }
}

/** Makes nodes, and uses the records of those that have gone again. Memory for records is not given back. */
export class NodeRecords {
  readonly #pieces: Piece[] = [];
  /** Where records begin that have never been used, and those of nodes that have gone. */
  #next = 0;
  readonly #free: number[] = [];

  node(fields: NodeFields): Node {
    const position = this.#free.pop() ?? this.#unused();
    const start = position % LONGS_PER_PIECE;
    return new Node(this.#pieces[(position - start) / LONGS_PER_PIECE] as Piece, start, fields);
  }

  /** The node is gone: its record may belong to another one from now on. Once for each node. */
  release(node: Node): void {
    assert(node.czxid !== RELEASED, 'a node goes once');
    node.assign({ ...emptyFields, acl: node.acl, czxid: RELEASED });
    this.#free.push(node.position);
  }

  #unused(): number {
    const position = this.#next;
    if (position % LONGS_PER_PIECE === 0) this.#pieces.push(newPiece(position));
    this.#next += RECORD_BYTES / 8;
    return position;
  }
}

/** No transaction has this number. */
const RELEASED = -1n;

const newPiece = (offset: number): Piece => {
  const memory = new ArrayBuffer(LONGS_PER_PIECE * 8);
  return {
    offset,
    longs: new BigInt64Array(memory),
    doubles: new Float64Array(memory),
    ints: new Int32Array(memory),
  };
};

/** Beyond this a Buffer's own memory is small change, and turning it into a string would cost more. */
const TEXT_BYTES_MAX = 4 * 1024;

/** A copy: the data of a write is a view of what the socket delivered, or of a whole log file. */
const kept = (data: Buffer | null): string | Buffer | null => {
  if (data === null) return null;
  return data.length < TEXT_BYTES_MAX ? data.toString('latin1') : Buffer.from(data);
};

/** Those of a node that was there from the start. */
export const emptyFields: Omit<NodeFields, 'acl'> = {
  data: Buffer.alloc(0),
  czxid: 0n,
  mzxid: 0n,
  pzxid: 0n,
  ctimeMs: 0,
  mtimeMs: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  owner: 0n,
};
