/**
 * Deletes a topic's znode with all below it, every step fenced; many in one multi, as in
 * partition-writes.ts.
 */
import { isZooKeeperError, MultiError } from '../zookeeper/errors.ts';
import { deleteFenced, fenced, type Office } from './office.ts';
import { pipelined } from './znode-reading.ts';

const DELETIONS_PER_MULTI = 128;

/** Nothing happens where there is nothing. */
export const deleteTopicTree = async (office: Office, path: string): Promise<void> => {
  const levels: string[][] = [];
  let level = [path];
  while (level.length > 0) {
    levels.push(level);
    level = (await pipelined(level, (parent) => childrenOf(office, parent))).flat();
  }
  // A level is empty of children when its turn comes, so the order within it does not matter.
  for (const paths of levels.reverse()) {
    for (let start = 0; start < paths.length; start += DELETIONS_PER_MULTI) {
      await deleteAll(office, paths.slice(start, start + DELETIONS_PER_MULTI));
    }
  }
};

const childrenOf = async ({ zookeeper }: Office, parent: string): Promise<string[]> => {
  try {
    const { children } = await zookeeper.getChildren(parent, { watch: false });
    return children.map((name) => `${parent}/${name}`);
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return [];
    throw error;
  }
};

const deleteAll = async (office: Office, paths: readonly string[]): Promise<void> => {
  try {
    await fenced(
      office,
      paths.map((path) => ({ type: 'delete', path, version: -1 })),
    );
  } catch (error) {
    if (!(error instanceof MultiError)) throw error;
    await pipelined(paths, (path) => deleteFenced(office, path));
  }
};
