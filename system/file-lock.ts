/**
 * An exclusive lock named by a file. The kernel keeps it where it can (kernel-lock.ts), and the file says who holds it: a pid,
 * and when that process began, because pids come back. A holder that has ended does not count, were it a zombie or killed;
 * what another kind of program left in the file (Kafka leaves it empty) does not either.
 */
import * as fsp from 'node:fs/promises';
import { dirname } from 'node:path';
import { type KernelLock, lockFolder } from './kernel-lock.ts';
import { isMissing } from './missing.ts';

export interface DiskLock {
  release(): Promise<void>;
}

/** Locks of this process, because several brokers may share it in tests. */
const held = new Set<string>();
/** Those being given back: a server that is killed within this process does that while the next one starts. */
const releases = new Map<string, Promise<void>>();

/** Null when a live process holds it. */
export const acquireLock = async (path: string): Promise<DiskLock | null> => {
  await releases.get(path);
  if (held.has(path)) return null;
  held.add(path);
  try {
    const lock = await acquire(path);
    if (lock === null) held.delete(path);
    return lock;
  } catch (error) {
    held.delete(path);
    throw error;
  }
};

const acquire = async (path: string): Promise<DiskLock | null> => {
  const kernel = await lockFolder(dirname(path));
  if (kernel === 'taken') return null;
  let isOurs = false;
  try {
    const text = `${process.pid} ${(await processState(process.pid))?.startedAt ?? ''}\n`;
    isOurs = !(await isHeld(path)) && (await claim(path, text));
  } finally {
    if (!isOurs) await kernel?.release();
  }
  if (!isOurs) return null;
  return {
    release: () => {
      const released = giveBack(path, kernel);
      // Its failure is told to whoever gives the lock back.
      releases.set(
        path,
        released.catch(() => {}),
      );
      return released;
    },
  };
};

const giveBack = async (path: string, kernel: KernelLock | null): Promise<void> => {
  try {
    await fsp.truncate(path);
  } catch (error) {
    // With its folder gone, the lock is, too.
    if (!isMissing(error)) throw error;
  } finally {
    await kernel?.release();
    held.delete(path);
    releases.delete(path);
  }
};

/**
 * Puts `text` in place of what a holder that has ended left there. Of several that come at the same time one succeeds: a
 * link is made only where there is nothing, and who moves away what is not a relic any more puts it back.
 */
const claim = async (path: string, text: string): Promise<boolean> => {
  const aside = `${path}.${process.pid}`;
  const relic = `${aside}.old`;
  await fsp.writeFile(aside, text);
  try {
    if (await succeeds(fsp.rename(path, relic))) {
      if (await isHeld(relic)) {
        await succeeds(fsp.link(relic, path));
        return false;
      }
    }
    return await succeeds(fsp.link(aside, path));
  } finally {
    await Promise.all([aside, relic].map((each) => fsp.rm(each, { force: true })));
  }
};

/** False where there is nothing to be moved, or something where nothing should be. */
const succeeds = async (change: Promise<void>): Promise<boolean> => {
  try {
    await change;
    return true;
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
};

const isHeld = async (path: string): Promise<boolean> => {
  const match = /^(\d+)(?: (\d*))?\s*$/.exec(await readText(path));
  const pid = Number(match?.[1] ?? 0);
  // Ours would be in `held`: an earlier process had our pid, as the first one of a container has.
  if (pid <= 0 || pid === process.pid) return false;
  const state = await processState(pid);
  if (state === null) return answersSignals(pid);
  const startedAt = match?.[2] ?? '';
  return !state.hasEnded && (startedAt === '' || startedAt === state.startedAt);
};

const readText = async (path: string): Promise<string> => {
  try {
    return await fsp.readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
};

interface ProcessState {
  /** It is a zombie: its parent has not taken note yet. */
  readonly hasEnded: boolean;
  /** In the kernel's ticks. */
  readonly startedAt: string;
}

/** What Linux tells in /proc/<pid>/stat; null elsewhere, and where there is no such process. */
const processState = async (pid: number): Promise<ProcessState | null> => {
  let text: string;
  try {
    text = await fsp.readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // No such process, or no /proc: the caller asks in the portable way.
    return null;
  }
  // The program's name stands in parentheses and may hold anything; fields 3 and 22 come behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  return { hasEnded: state === 'Z' || state === 'X', startedAt: fields[19] ?? '' };
};

const answersSignals = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
