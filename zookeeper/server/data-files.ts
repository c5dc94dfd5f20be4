/** The files of a data directory by their names, `log.<zxid>` and `snapshot.<zxid>`, and which of them may go. */
import type { Disk } from '../../system/disk.ts';

export interface DataDirectories {
  readonly snapshotDirectory: string;
  readonly logDirectory: string;
}

export interface NumberedFile {
  readonly path: string;
  /** Of a log the first transaction, of a snapshot the last. */
  readonly zxid: bigint;
}

export const logName = (firstZxid: bigint): string => `log.${firstZxid.toString(16)}`;
export const snapshotName = (zxid: bigint): string => `snapshot.${zxid.toString(16)}`;
/** Of a snapshot that is being written: no name that ZooKeeper would read. */
export const unfinishedName = (zxid: bigint): string => `unfinished.${zxid.toString(16)}`;

export const logFiles = (disk: Disk, directories: DataDirectories): Promise<NumberedFile[]> =>
  numberedFiles(disk, directories.logDirectory, 'log');

export const snapshotFiles = (disk: Disk, directories: DataDirectories): Promise<NumberedFile[]> =>
  numberedFiles(disk, directories.snapshotDirectory, 'snapshot');

/** What a crash has left of snapshots. */
export const removeUnfinished = async (
  disk: Disk,
  { snapshotDirectory }: DataDirectories,
): Promise<void> => {
  for (const { path } of await numberedFiles(disk, snapshotDirectory, 'unfinished')) {
    await disk.remove(path);
  }
};

/** Removes snapshots beyond the newest ones, and the logs that only they would need. */
export const removeOldFiles = async (
  disk: Disk,
  directories: DataDirectories,
  snapshotsKept: number,
): Promise<void> => {
  const snapshots = await snapshotFiles(disk, directories);
  const oldestKept = snapshots.at(-snapshotsKept);
  if (oldestKept === undefined) return;
  const logs = await logFiles(disk, directories);
  const firstNeeded = logs.findLastIndex(({ zxid }) => zxid <= oldestKept.zxid + 1n);
  const old = [...snapshots.slice(0, -snapshotsKept), ...logs.slice(0, Math.max(firstNeeded, 0))];
  for (const { path } of old) await disk.remove(path);
};

/** Bytes of the files in a directory. */
export const directoryBytes = async (disk: Disk, directory: string): Promise<number> => {
  let bytes = 0;
  for (const name of await disk.list(directory)) {
    bytes += (await disk.info(`${directory}/${name}`))?.size ?? 0;
  }
  return bytes;
};

const numberedFiles = async (
  disk: Disk,
  directory: string,
  kind: 'log' | 'snapshot' | 'unfinished',
): Promise<NumberedFile[]> => {
  const names = await disk.list(directory);
  const pattern = new RegExp(`^${kind}\\.([0-9a-f]{1,16})$`);
  return names
    .flatMap((name) => {
      const digits = pattern.exec(name)?.[1];
      return digits === undefined
        ? []
        : [{ path: `${directory}/${name}`, zxid: BigInt(`0x${digits}`) }];
    })
    .sort((a, b) => (a.zxid < b.zxid ? -1 : 1));
};
