/**
 * Quotas: a node /zookeeper/quota/<path>/zookeeper_limits sets limits for the subtree of <path>, and its sibling
 * zookeeper_stats tells how many nodes and bytes of data there are. The counts are not transactions of their own: they are
 * part of what other writes do, and leave the stat of the node that holds them as it is. Limits refuse only where
 * the server enforces them (enforceQuota). Pure. ZooKeeper 3.8's DataTree and ZooKeeperServer.checkQuota.
 *
 * Deviation: ZooKeeper ends itself over limits for the root, and over texts that cannot be read. Here the root has no
 * quota, and what is no number counts as -1, no limit.
 */
import { parseQuota, quotaText } from '../quota-text.ts';
import { nameOf, parentOf } from './paths.ts';

const QUOTA_ROOT = '/zookeeper/quota';
const LIMITS = 'zookeeper_limits';
const STATS = 'zookeeper_stats';

/** What quotas need to know of a node. */
interface Counted {
  readonly data: Buffer | null;
  readonly dataBytes: number;
  readonly children: ReadonlySet<string> | null;
}

/** What a write would add to a subtree. */
interface Growth {
  readonly count: number;
  readonly bytes: number;
}

/** A limit that a write goes beyond. */
export interface Excess {
  /** The subtree. */
  readonly path: string;
  readonly field: 'count' | 'bytes';
  /** What there would be. */
  readonly value: bigint;
  readonly limit: bigint;
  /** A hard limit refuses, a soft one is only worth a warning. */
  readonly isHard: boolean;
}

export class Quotas {
  /** The subtrees that have limits. */
  readonly #limited = new Set<string>();
  readonly #nodes: ReadonlyMap<string, Counted>;
  readonly #write: (path: string, data: Buffer) => void;

  /** `write` replaces the data of a node, and nothing else. */
  constructor(nodes: ReadonlyMap<string, Counted>, write: (path: string, data: Buffer) => void) {
    this.#nodes = nodes;
    this.#write = write;
  }

  /** A node has been made. */
  created(path: string, bytes: number): void {
    const limited = limitedBy(path, LIMITS);
    if (limited) this.#limited.add(limited);
    const counted = limitedBy(path, STATS);
    if (counted !== null) this.#recount(counted);
    this.#add(path, { count: 1, bytes });
  }

  /** A node's data has been replaced. */
  changed(path: string, bytesMore: number): void {
    this.#add(path, { count: 0, bytes: bytesMore });
  }

  /** A node has gone. */
  deleted(path: string, bytes: number): void {
    const limited = limitedBy(path, LIMITS);
    if (limited) this.#limited.delete(limited);
    this.#add(path, { count: -1, bytes: -bytes });
  }

  /** Finds the quotas of a tree that came as a whole, and counts anew. */
  restored(): void {
    this.#limited.clear();
    for (const path of subtree(this.#nodes, QUOTA_ROOT)) {
      const limited = limitedBy(path, LIMITS);
      if (!limited) continue;
      this.#limited.add(limited);
      this.#recount(limited);
    }
  }

  /** The limits that a write to `path` would go beyond: none, soft ones, and a hard one at most, the last. */
  excesses(path: string, growth: Growth): Excess[] {
    const limited = this.#limitedAbove(path);
    if (limited === null) return [];
    const limits = this.#read(limited, LIMITS);
    const used = this.#read(limited, STATS);
    if (limits === null || used === null) return [];
    const found: Excess[] = [];
    const hard = { count: limits.countHardLimit, bytes: limits.byteHardLimit };
    for (const field of ['count', 'bytes'] as const) {
      if (growth[field] === 0) continue;
      const { [field]: hardLimit = -1n } = hard;
      const isHard = hardLimit > -1n;
      const limit = isHard ? hardLimit : (limits[field] ?? -1n);
      const value = (used[field] ?? -1n) + BigInt(growth[field]);
      if (limit === -1n || value <= limit) continue;
      found.push({ path: limited, field, value, limit, isHard });
      if (isHard) break;
    }
    return found;
  }

  /** The nearest subtree with limits that holds `path`. */
  #limitedAbove(path: string): string | null {
    if (this.#limited.size === 0) return null;
    for (let at = path; at !== ''; at = parentOf(at)) if (this.#limited.has(at)) return at;
    return null;
  }

  #add(path: string, growth: Growth): void {
    const limited = this.#limitedAbove(path);
    const used = limited === null ? null : this.#read(limited, STATS);
    if (limited === null || used === null) return;
    const count = (used.count ?? -1n) + BigInt(growth.count);
    const bytes = (used.bytes ?? -1n) + BigInt(growth.bytes);
    this.#write(nodeOf(limited, STATS), Buffer.from(quotaText({ ...used, count, bytes })));
  }

  #recount(limited: string): void {
    const path = nodeOf(limited, STATS);
    if (!this.#nodes.has(path)) return;
    let count = 0n;
    let bytes = 0n;
    for (const each of subtree(this.#nodes, limited)) {
      count += 1n;
      bytes += BigInt(this.#nodes.get(each)?.dataBytes ?? 0);
    }
    this.#write(path, Buffer.from(quotaText({ count, bytes })));
  }

  #read(limited: string, name: string): ReturnType<typeof parseQuota> | null {
    const node = this.#nodes.get(nodeOf(limited, name));
    return node === undefined ? null : parseQuota(node.data?.toString() ?? '');
  }
}

const nodeOf = (limited: string, name: string): string => `${QUOTA_ROOT}${limited}/${name}`;

/** The subtree whose limits or counts (`name`) the node at `path` holds, '' being the root; null for other nodes. */
const limitedBy = (path: string, name: string): string | null => {
  if (!path.startsWith(`${QUOTA_ROOT}/`) || nameOf(path) !== name) return null;
  return parentOf(path).slice(QUOTA_ROOT.length);
};

/** The paths of a node and of all below it. */
function* subtree(nodes: ReadonlyMap<string, Counted>, path: string): Generator<string> {
  const waiting = nodes.has(path) ? [path] : [];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    yield at;
    for (const name of nodes.get(at)?.children ?? []) waiting.push(`${at}/${name}`);
  }
}
