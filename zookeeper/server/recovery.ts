/**
 * From the files of a data directory to the tree: the newest whole snapshot, then every later transaction.
 * A torn end of the last log file is cut, as the crash that tore it left nothing answered behind it. Damage with
 * transactions behind it, a gap, and a snapshot that nothing leads up to stop the start and are named: to go on would
 * be to forget what was answered.
 */
import type { System } from '../../system/system.ts';
import { JuteError } from '../jute.ts';
import {
  type DataDirectories,
  logFiles,
  type NumberedFile,
  removeUnfinished,
  snapshotFiles,
} from './data-files.ts';
import { type Damage, LogReader } from './log-reader.ts';
import { readSnapshot } from './snapshot.ts';
import { DataTree } from './tree.ts';

export interface Recovered {
  readonly tree: DataTree;
  /** The zxid of the snapshot it began with; without one ZooKeeper would refuse the directory. */
  readonly snapshotZxid: bigint | null;
  readonly replayedCount: number;
}

/** Reads what the directories hold; absent ones are an empty tree. Throws an Error that names what is damaged. */
export const recover = async (system: System, directories: DataDirectories): Promise<Recovered> => {
  const { disk } = system;
  await refuseMixedUp(system, directories);
  await removeUnfinished(disk, directories);
  const snapshots = await snapshotFiles(disk, directories);
  const found = await newestSnapshot(system, snapshots);
  const tree = found ?? new DataTree();
  const snapshotZxid = found === null ? null : tree.lastZxid;
  const logs = await logFiles(disk, directories);
  const start = logs.findLastIndex(({ zxid }) => zxid <= tree.lastZxid + 1n);
  const needed = logs.slice(Math.max(start, 0));
  const replay = new Replay(system, tree);
  for (const [index, log] of needed.entries()) {
    await replay.file(log, index === needed.length - 1);
  }
  const newest = snapshots.at(-1);
  if (newest !== undefined && newest.zxid > tree.lastZxid) {
    throw new Error(
      `${newest.path} is damaged and no log leads up to it: put a good copy in its place, or take it away and lose what it held.`,
    );
  }
  return { tree, snapshotZxid, replayedCount: replay.count };
};

/** A log that lies where no log is looked for would be forgotten silently. */
const refuseMixedUp = async (system: System, directories: DataDirectories): Promise<void> => {
  const { snapshotDirectory, logDirectory } = directories;
  if (snapshotDirectory === logDirectory) return;
  const swapped = { snapshotDirectory: logDirectory, logDirectory: snapshotDirectory };
  const [log] = await logFiles(system.disk, swapped);
  if (log !== undefined) {
    throw new Error(
      `${log.path} is a log, and logs belong into dataLogDir: move the log files there.`,
    );
  }
  const [snapshot] = await snapshotFiles(system.disk, swapped);
  if (snapshot !== undefined) {
    throw new Error(
      `${snapshot.path} is a snapshot, and snapshots belong into dataDir: move them there.`,
    );
  }
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

class Replay {
  count = 0;
  readonly #system: System;
  readonly #tree: DataTree;
  /** Where the file before ended before its end: what a gap behind it comes from. */
  #damage: Damage | null = null;

  constructor(system: System, tree: DataTree) {
    this.#system = system;
    this.#tree = tree;
  }

  async file({ path }: NumberedFile, isLast: boolean): Promise<void> {
    const bytes = (await this.#system.disk.readFile(path)) ?? Buffer.alloc(0);
    const reader = new LogReader(path, bytes);
    const tree = this.#tree;
    for (let next = reader.next(); next !== null; next = reader.next()) {
      if (next.zxid <= tree.lastZxid) continue;
      this.#assertFollows(next.zxid, path);
      tree.apply(next, []);
      this.count += 1;
    }
    this.#damage = reader.damage();
    if (this.#damage === null) {
      if (isLast && reader.isLog) await this.#settle(path, null);
      return;
    }
    if (this.#damage.isFollowed) {
      throw new Error(
        `${path} is damaged at byte ${this.#damage.position}, and transactions follow: put a good copy in its place, or cut it there and lose them.`,
      );
    }
    if (isLast && reader.isLog) await this.#settle(path, this.#damage);
  }

  /** Transactions are numbered without gaps, except where an ensemble's epoch, the upper half, has changed. */
  #assertFollows(zxid: bigint, path: string): void {
    const { lastZxid } = this.#tree;
    if (zxid === lastZxid + 1n || zxid >> 32n !== lastZxid >> 32n) return;
    const cause = this.#damage === null ? '' : `, for ${this.#damage.path} is damaged`;
    throw new Error(
      `The transactions between 0x${lastZxid.toString(16)} and ${path} are missing${cause}: put the files back.`,
    );
  }

  /**
   * Makes the last file what was replayed of it, on the device too: entries that only the page cache had kept
   * are about to be shown to clients.
   */
  async #settle(path: string, damage: Damage | null): Promise<void> {
    const { disk, logger } = this.#system;
    const file = await disk.open(path, 'write');
    try {
      if (damage !== null) {
        const { position } = damage;
        logger.warn({ path, position, tornBytes: damage.bytes }, 'torn end of the log is cut');
        await file.truncate(position);
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
