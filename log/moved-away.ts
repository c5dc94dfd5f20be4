/**
 * The mark that a log leaves in the directory it moves out of, before what was copied takes its name
 * elsewhere (KIP-113). A crash may come before the old directory is renamed for removal; the mark then
 * tells which of the two is the log. Kafka, which has no such mark, does not start any more.
 */
import { type Disk, replaceFile } from '../system/disk.ts';
import { MOVED_TO_FILE, parentOf } from './file-names.ts';

/** The state of an entry of `log.dirs`; `foreign` for a directory that is none. */
export type DirectoryState = 'online' | 'offline' | 'foreign';

const markIn = (directory: string): string => `${directory}/${MOVED_TO_FILE}`;

/** The log in `from` is about to go on in `to`; on the device when this resolves. */
export const markMoved = (disk: Disk, from: string, to: string): Promise<void> =>
  replaceFile(disk, markIn(from), to);

/** The log stays in `from`. */
export const unmarkMoved = async (disk: Disk, from: string): Promise<void> => {
  if ((await disk.info(markIn(from))) === null) return;
  await disk.remove(markIn(from));
  await disk.syncDirectory(from);
};

/**
 * What to do with the partition directory at `path`: `here` if it has the log, `gone` if that is in
 * another directory, `unknown` if that cannot be told because the other one does not work.
 */
export const placeOfLog = async (
  disk: Disk,
  path: string,
  stateOf: (directory: string) => DirectoryState,
): Promise<'here' | 'gone' | 'unknown'> => {
  const to = (await disk.readFile(markIn(path)))?.toString();
  if (to === undefined) return 'here';
  const state = stateOf(parentOf(to));
  if (state === 'offline') return 'unknown';
  if (state === 'online' && (await disk.info(to))?.isDirectory) return 'gone';
  await unmarkMoved(disk, path);
  return 'here';
};
