/** Ways through a subtree (ZKUtil). */
import { isZooKeeperError } from '../../zookeeper/errors.ts';
import type { ShellClient } from './client.ts';
import { childOf } from './paths.ts';

/**
 * Visits `path` and all below it: the children of a node together, before those of the first child. Throws when `path`
 * itself cannot be read; nodes that go meanwhile are passed over.
 */
export const visitTree = async (
  client: ShellClient,
  path: string,
  watch: boolean,
  visit: (path: string) => void | Promise<void>,
): Promise<void> => {
  await client.getData(path, watch);
  await visit(path);
  const open = [path];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const children = await childrenIfThere(client, at, watch);
    const paths = children.map((name) => childOf(at as string, name));
    for (const child of paths) await visit(child);
    open.push(...paths.reverse());
  }
};

const childrenIfThere = async (
  client: ShellClient,
  path: string,
  watch: boolean,
): Promise<readonly string[]> => {
  try {
    return (await client.getChildren(path, watch)).children;
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return [];
    throw error;
  }
};

/** `path` and all below it, every node before its children. */
export const listTree = async (client: ShellClient, path: string): Promise<string[]> => {
  const tree = [path];
  for (let index = 0; index < tree.length; index++) {
    const at = tree[index] as string;
    const { children } = await client.getChildren(at);
    for (const name of children) tree.push(childOf(at, name));
  }
  return tree;
};
