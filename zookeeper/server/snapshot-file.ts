/**
 * Writes a snapshot next to the log while the server goes on: piece by piece into a file aside, named and so
 * made valid only when everything it may show is durable in the log.
 */
import type { System } from '../../system/system.ts';
import { type DataDirectories, snapshotName, unfinishedName } from './data-files.ts';
import { snapshotPieces } from './snapshot.ts';
import type { DataTree } from './tree.ts';
import type { TxnLog } from './txn-log.ts';

export interface SnapshotOptions extends DataDirectories {
  readonly syncs: boolean;
  /** Whether the server has been killed meanwhile, so that the directory is not ours any more. */
  readonly isStopped: () => boolean;
}

/** Resolves to the snapshot's zxid; null when the server was stopped before it was whole. */
export const writeSnapshot = async (
  system: System,
  tree: DataTree,
  log: TxnLog,
  options: SnapshotOptions,
): Promise<bigint | null> => {
  const { snapshotDirectory, syncs, isStopped } = options;
  const zxid = tree.lastZxid;
  const aside = `${snapshotDirectory}/${unfinishedName(zxid)}`;
  const file = await system.disk.open(aside, 'write');
  try {
    if (isStopped()) return null;
    await file.truncate(0);
    let position = 0;
    for (const piece of snapshotPieces(tree)) {
      await file.write([piece], position);
      position += piece.length;
      if (isStopped()) return null;
    }
    if (syncs) await file.sync();
  } finally {
    await file.close();
  }
  await log.flushed();
  if (isStopped()) return null;
  await system.disk.rename(aside, `${snapshotDirectory}/${snapshotName(zxid)}`);
  return zxid;
};
