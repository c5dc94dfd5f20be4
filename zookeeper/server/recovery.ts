/**
 * From the files of a data directory to the tree: the newest whole snapshot, then every later transaction.
 * A torn end of the last log file is cut, as the crash that tore it left nothing answered behind it; damage
 * or a gap anywhere else stops the start. Also decides which files are not needed any more.
 */
import type { Disk } from '../../system/disk.ts';
import type { System } from '../../system/system.ts';
import { JuteError } from '../jute.ts';
import { adler32 } from './adler32.ts';
import { readSnapshot } from './snapshot.ts';
import { readTransaction, type Transaction } from './transactions.ts';
import { DataTree } from './tree.ts';
import { ENTRY_END, LOG_HEADER_BYTES, LOG_MAGIC, LOG_VERSION } from './txn-log.ts';

export interface Recovered {
  readonly tree: DataTree;
  /** Whether there is a snapshot; without one ZooKeeper would refuse the directory. */
  readonly hasSnapshot: boolean;
  readonly replayedCount: number;
}

interface NumberedFile {
  readonly path: string;
  readonly zxid: bigint;
}

export const snapshotName = (zxid: bigint): string => `snapshot.${zxid.toString(16)}`;

const SNAPSHOTS_KEPT = 3;

/** Reads what the directory holds; an absent directory is an empty tree. */
export const recover = async (system: System, directory: string): Promise<Recovered> => {
  const snapshots = await numberedFiles(system.disk, directory, 'snapshot');
  const found = await newestSnapshot(system, snapshots);
  const tree = found ?? new DataTree();
  const logs = await numberedFiles(system.disk, directory, 'log');
  const start = logs.findLastIndex(({ zxid }) => zxid <= tree.lastZxid + 1n);
  const needed = logs.slice(Math.max(start, 0));
  let replayedCount = 0;
  for (const [index, log] of needed.entries()) {
    replayedCount += await replay(system, tree, log, index === needed.length - 1);
  }
  return { tree, hasSnapshot: found !== null, replayedCount };
};

/** Removes snapshots beyond the newest three, and the logs that only they would need. */
export const removeOldFiles = async (disk: Disk, directory: string): Promise<void> => {
  const snapshots = await numberedFiles(disk, directory, 'snapshot');
  const oldestKept = snapshots.at(-SNAPSHOTS_KEPT);
  if (oldestKept === undefined) return;
  const logs = await numberedFiles(disk, directory, 'log');
  const firstNeeded = logs.findLastIndex(({ zxid }) => zxid <= oldestKept.zxid + 1n);
  const old = [...snapshots.slice(0, -SNAPSHOTS_KEPT), ...logs.slice(0, Math.max(firstNeeded, 0))];
  for (const { path } of old) await disk.remove(path);
};

/** `<kind>.<zxid in hex>`, by zxid. */
const numberedFiles = async (
  disk: Disk,
  directory: string,
  kind: 'log' | 'snapshot',
): Promise<NumberedFile[]> => {
  const names = await disk.list(directory);
  return names
    .map((name) => ({ name, digits: name.match(/^(?:log|snapshot)\.([0-9a-f]{1,16})$/)?.[1] }))
    .filter(({ name, digits }) => digits !== undefined && name.startsWith(`${kind}.`))
    .map(({ name, digits }) => ({ path: `${directory}/${name}`, zxid: BigInt(`0x${digits}`) }))
    .sort((a, b) => (a.zxid < b.zxid ? -1 : 1));
};

const newestSnapshot = async (
  system: System,
  snapshots: readonly NumberedFile[],
): Promise<DataTree | null> => {
  for (const { path, zxid } of snapshots.toReversed()) {
    const bytes = await system.disk.readFile(path);
    if (bytes === null) continue;
    try {
      return readSnapshot(bytes, zxid);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      system.logger.warn({ path, error: error.message }, 'snapshot left out');
    }
  }
  return null;
};

const replay = async (
  system: System,
  tree: DataTree,
  log: NumberedFile,
  isLast: boolean,
): Promise<number> => {
  const bytes = (await system.disk.readFile(log.path)) ?? Buffer.alloc(0);
  let position = LOG_HEADER_BYTES;
  let count = 0;
  if (!hasHeader(bytes)) {
    // A crash before the first sync; the file is written anew when its zxid is next.
    if (isLast) return 0;
    throw new Error(`${log.path} is not a transaction log`);
  }
  for (;;) {
    const entry = readEntry(bytes, position);
    if (entry === null) break;
    position = entry.end;
    if (entry.transaction.zxid <= tree.lastZxid) continue;
    assertNext(tree.lastZxid, entry.transaction.zxid, log.path);
    tree.apply(entry.transaction, []);
    count += 1;
  }
  if (isLast) await settle(system, log.path, bytes, position);
  return count;
};

const hasHeader = (bytes: Buffer): boolean =>
  bytes.length >= LOG_HEADER_BYTES &&
  bytes.readInt32BE(0) === LOG_MAGIC &&
  bytes.readInt32BE(4) === LOG_VERSION;

/** The entry at `position`; null where there is none that is whole. */
const readEntry = (
  bytes: Buffer,
  position: number,
): { transaction: Transaction; end: number } | null => {
  if (position + 12 > bytes.length) return null;
  const length = bytes.readInt32BE(position + 8);
  const start = position + 12;
  if (length <= 0 || start + length + 1 > bytes.length) return null;
  const record = bytes.subarray(start, start + length);
  if (bytes[start + length] !== ENTRY_END) return null;
  if (bytes.readBigInt64BE(position) !== BigInt(adler32(record))) return null;
  return { transaction: readTransaction(record), end: start + length + 1 };
};

/** Transactions are numbered without gaps, except where an ensemble's epoch, the upper half, has changed. */
const assertNext = (last: bigint, next: bigint, path: string): void => {
  if (next === last + 1n || next >> 32n !== last >> 32n) return;
  throw new Error(`transactions between 0x${last.toString(16)} and ${path} are missing`);
};

/** ZooKeeper fills its files up with zeros. */
const isPadding = (bytes: Buffer, position: number): boolean => {
  for (let index = position; index < bytes.length; index++) if (bytes[index] !== 0) return false;
  return true;
};

/**
 * Makes the last file what was replayed of it, on the device too: entries that only the page cache had kept
 * are about to be shown to clients.
 */
const settle = async (
  system: System,
  path: string,
  bytes: Buffer,
  position: number,
): Promise<void> => {
  const file = await system.disk.open(path, 'write');
  try {
    if (!isPadding(bytes, position)) {
      const tornBytes = bytes.length - position;
      system.logger.warn({ path, position, tornBytes }, 'torn end of the log is cut');
      await file.truncate(position);
    }
    await file.sync();
  } finally {
    await file.close();
  }
};
