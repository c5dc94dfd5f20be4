/** The rules for paths of writes (PathUtils.validatePath). Reads do not check paths: a bad one is simply absent. */

/** Nodes that exist from the start and can never be deleted. */
export const reservedPaths = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'] as const;

export const isReservedPath = (path: string): boolean =>
  (reservedPaths as readonly string[]).includes(path);

/** UTF-16 units ZooKeeper refuses: controls, surrogates, private use, specials. */
const isForbiddenUnit = (unit: number): boolean =>
  unit <= 0x1f ||
  (unit >= 0x7f && unit <= 0x9f) ||
  (unit >= 0xd800 && unit <= 0xf8ff) ||
  (unit >= 0xfff0 && unit <= 0xffff);

export const isValidPath = (path: string | null): path is string => {
  if (!path?.startsWith('/')) return false;
  if (path.length === 1) return true;
  for (let index = 0; index < path.length; index++) {
    if (isForbiddenUnit(path.charCodeAt(index))) return false;
  }
  const names = path.split('/');
  return !names.some((name, index) => index > 0 && (name === '' || name === '.' || name === '..'));
};

/** The least a path of a create or delete must be, checked before anything else. */
export const hasParent = (path: string): boolean => path.includes('/') && !path.includes('\0');

/** The path without its last name; '' stands for the root, as in ZooKeeper. */
export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
