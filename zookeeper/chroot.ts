/** The path prefix of a connect string; it exists on the client's side only, servers see whole paths. */

/** The server's path for the client's `path`. */
export const addChroot = (chroot: string, path: string): string => {
  if (chroot === '') return path;
  return path === '/' ? chroot : chroot + path;
};

/** The client's path for the server's `path`. */
export const stripChroot = (chroot: string, path: string): string => {
  if (chroot === '' || !path.startsWith(chroot)) return path;
  return path.length === chroot.length ? '/' : path.slice(chroot.length);
};
