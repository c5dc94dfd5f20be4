/**
 * The entries of `log.dirs` that could be opened: which of them still work, which one a path lies in, and which one takes
 * the next log.
 */
import { errorCodes, ProtocolError } from '../protocol/errors.ts';
import { parentOf } from './file-names.ts';
import type { LogDirectory } from './log-directory.ts';
import type { DirectoryState } from './moved-away.ts';

export class LogDirectories {
  readonly #all: readonly LogDirectory[];
  readonly #configured: readonly string[];

  /** `configured`: the entries of `log.dirs`, those that could not be opened included. */
  constructor(all: readonly LogDirectory[], configured: readonly string[]) {
    this.#all = all;
    this.#configured = configured.map(withoutSlash);
  }

  [Symbol.iterator](): Iterator<LogDirectory> {
    return this.#all[Symbol.iterator]();
  }

  /** Paths of the directories in use. */
  get online(): string[] {
    return this.#all.filter(({ isOnline }) => isOnline).map(({ path }) => path);
  }

  /** Paths of directories that have failed since the start. */
  get offline(): string[] {
    return this.#all.filter(({ isOnline }) => !isOnline).map(({ path }) => path);
  }

  /** Whether some of the configured directories are out of use, be it since the start. */
  get isOneOffline(): boolean {
    return this.online.length < this.#configured.length;
  }

  stateOf(path: string): DirectoryState {
    if (this.online.includes(path)) return 'online';
    return this.#configured.includes(path) ? 'offline' : 'foreign';
  }

  /** The one that has the fewest logs, or `preferred` if that works. Throws ProtocolError(KAFKA_STORAGE_ERROR) without any. */
  forNewLog(preferred: string | undefined): LogDirectory {
    let best: LogDirectory | null = null;
    for (const directory of this.#all) {
      if (!directory.isOnline) continue;
      if (directory.path === preferred) return directory;
      if (best === null || directory.logCount < best.logCount) best = directory;
    }
    if (best === null) throw new ProtocolError(errorCodes.KAFKA_STORAGE_ERROR, 'no directory left');
    return best;
  }

  /** The one that `path` lies in, or is. */
  of(path: string): LogDirectory {
    const parent = parentOf(path);
    const found = this.#all.find((one) => one.path === parent || one.path === path);
    if (found === undefined) throw new Error(`${path} is in none of the log directories`);
    return found;
  }
}

/** An entry of `log.dirs` without the slashes it may end in. */
export const withoutSlash = (path: string): string => path.replace(/(?<=.)\/+$/, '');
