/** The rules for paths that ZooKeeper's client checks before it sends anything, and their sentences (PathUtils). Pure. */
import { CommandFailure } from './failures.ts';

/** Characters that no node name may hold. */
const isForbidden = (code: number): boolean =>
  (code > 0 && code <= 0x1f) ||
  (code >= 0x7f && code <= 0x9f) ||
  (code >= 0xd800 && code <= 0xf8ff) ||
  code >= 0xfff0;

/** Why a path that begins and ends well is none, null when it is one. */
const faultOf = (path: string): string | null => {
  let start = 1;
  for (let index = 1; index <= path.length; index++) {
    const isEnd = index === path.length || path[index] === '/';
    if (!isEnd) {
      const code = path.charCodeAt(index);
      if (code === 0) return `null character not allowed @${index}`;
      if (isForbidden(code)) return `invalid character @${index}`;
      continue;
    }
    const name = path.slice(start, index);
    if (name === '') return `empty node name specified @${index}`;
    if (name === '.' || name === '..') return `relative paths not allowed @${index - 1}`;
    start = index + 1;
  }
  return null;
};

/** Throws the sentence for a path that cannot be one. */
export const checkPath = (path: string): void => {
  if (path === '') throw new CommandFailure('Path length must be > 0');
  if (!path.startsWith('/')) throw new CommandFailure('Path must start with / character');
  if (path === '/') return;
  if (path.endsWith('/')) throw new CommandFailure('Path must not end with / character');
  const fault = faultOf(path);
  if (fault === null) return;
  throw new CommandFailure(`Invalid path string "${path}" caused by ${fault}`);
};

/** The path of a child. */
export const childOf = (path: string, name: string): string =>
  path === '/' ? `/${name}` : `${path}/${name}`;
