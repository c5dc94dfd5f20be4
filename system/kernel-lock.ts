/**
 * A lock of the kernel's on a folder, which ends with the process however that ends, and which processes in other containers
 * see, too. Node has no flock(2); flock(1) takes one on a handle that it inherits, and the handle keeps it when flock(1) has
 * ended.
 */
import { spawn } from 'node:child_process';
import * as fsp from 'node:fs/promises';

export interface KernelLock {
  release(): Promise<void>;
}

/** Its exit code for a lock that another process has. */
const IS_TAKEN = 1;
/** The place of the inherited handle in flock(1). */
const HANDLE = '3';

/** `taken`: another process has it; null: this system or the folder's file system has no such locks. */
export const lockFolder = async (path: string): Promise<KernelLock | 'taken' | null> => {
  const handle = await fsp.open(path, 'r');
  const code = await flock(handle.fd);
  if (code === 0) return { release: () => handle.close() };
  await handle.close();
  return code === IS_TAKEN ? 'taken' : null;
};

/** Resolves to the exit code; null when there is no such program, or a signal ended it. */
const flock = (handle: number): Promise<number | null> =>
  new Promise((resolve) => {
    const child = spawn('flock', ['-n', HANDLE], { stdio: ['ignore', 'ignore', 'ignore', handle] });
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
