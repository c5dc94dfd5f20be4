/**
 * Writes a snapshot next to the log while the server goes on: piece by piece into a file aside, named and so
 * made valid only when everything it may show is durable in the log. Then files nobody needs any more go.
 */
import type { System } from '../../system/system.ts';
import { removeOldFiles, snapshotName } from './recovery.ts';
import { snapshotPieces } from './snapshot.ts';
import type { DataTree } from './tree.ts';
import type { TxnLog } from './txn-log.ts';

export interface SnapshotOptions {
  readonly directory: string;
  readonly syncs: boolean;
  /** Whether the server has been killed meanwhile, so that the directory is not ours any more. */
  readonly isStopped: () => boolean;
}

export const writeSnapshot = async (
  system: System,
  tree: DataTree,
  log: TxnLog,
  options: SnapshotOptions,
): Promise<void> => {
  const { directory, syncs, isStopped } = options;
  const path = `${directory}/${snapshotName(tree.lastZxid)}`;
  const aside = `${path}.tmp`;
  const file = await system.disk.open(aside, 'write');
  try {
    if (isStopped()) return;
    await file.truncate(0);
    let position = 0;
    for (const piece of snapshotPieces(tree)) {
      await file.write([piece], position);
      position += piece.length;
      if (isStopped()) return;
    }
    if (syncs) await file.sync();
  } finally {
    await file.close();
  }
  await log.flushed();
  if (isStopped()) return;
  await system.disk.rename(aside, path);
  if (isStopped()) return;
  await removeOldFiles(system.disk, directory);
};
