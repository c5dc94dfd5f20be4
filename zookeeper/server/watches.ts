/**
 * Who waits for which change. Pure; a watcher is whatever the owner uses for a connection. One-shot watches as
 * getData, exists (data) and getChildren (child) leave them, and the lasting ones of addWatch; the kinds are
 * independent of each other, as in ZooKeeper 3.9. One event reaches a watcher once.
 */
import { assert } from '../../system/assert.ts';
import type { Acl, WatchEventType } from '../session.ts';
import { parentOf } from './paths.ts';
import type { TreeEvent } from './tree.ts';

export const watchKinds = ['data', 'child', 'persistent', 'persistentRecursive'] as const;
export type WatchKind = (typeof watchKinds)[number];

/** Called for each watcher of an event; `acl` is the list that decides whether it may hear of it. */
export type Notify<W> = (
  watcher: W,
  type: WatchEventType,
  path: string,
  acl: readonly Acl[],
) => void;

export class Watches<W> {
  readonly #tables: Record<WatchKind, WatchTable<W>> = {
    data: new WatchTable(),
    child: new WatchTable(),
    persistent: new WatchTable(),
    persistentRecursive: new WatchTable(),
  };

  add(kind: WatchKind, path: string, watcher: W): void {
    this.#tables[kind].add(path, watcher);
  }

  has(kinds: readonly WatchKind[], path: string, watcher: W): boolean {
    return kinds.some((kind) => this.#tables[kind].has(path, watcher));
  }

  /** Whether there was one to remove. */
  remove(kinds: readonly WatchKind[], path: string, watcher: W): boolean {
    return kinds.filter((kind) => this.#tables[kind].remove(path, watcher)).length > 0;
  }

  /** Forgets a watcher whose connection is gone. */
  removeWatcher(watcher: W): void {
    for (const kind of watchKinds) this.#tables[kind].removeWatcher(watcher);
  }

  /** What a watcher's watches cost, in characters of their paths and a fixed part each. */
  bytesOf(watcher: W): number {
    let bytes = 0;
    for (const kind of watchKinds) bytes += this.#tables[kind].bytesOf(watcher);
    return bytes;
  }

  /** Who watches each path's data; lasting watches count among them. For the words wchc and wchp. */
  watchersByPath(): ReadonlyMap<string, ReadonlySet<W>> {
    const { data, persistent, persistentRecursive } = this.#tables;
    const merged = data.watchersByPath();
    for (const table of [persistent, persistentRecursive]) {
      for (const [path, watchers] of table.watchersByPath()) {
        for (const watcher of watchers) addTo(merged, path, watcher);
      }
    }
    return merged;
  }

  /** How many watches there are, on how many paths. */
  count(): { watches: number; paths: number; watchers: number } {
    return this.#tables.data.count();
  }

  get size(): number {
    return watchKinds.reduce((sum, kind) => sum + this.#tables[kind].count().watches, 0);
  }

  /** Tells everybody concerned by a change; one-shot watches are used up. */
  fire(event: TreeEvent, notify: Notify<W>): void {
    const { type, path, acl } = event;
    const { data, child, persistent } = this.#tables;
    const reached = new Set<W>(data.take(path));
    for (const watcher of persistent.at(path)) reached.add(watcher);
    this.#addRecursive(path, reached);
    for (const watcher of reached) notify(watcher, type, path, acl);
    if (type === 'dataChanged') return;
    if (type === 'deleted') {
      for (const watcher of child.take(path)) {
        if (!reached.has(watcher)) notify(watcher, type, path, acl);
      }
    }
    const parent = parentOf(path) || '/';
    const listeners = new Set<W>(child.take(parent));
    for (const watcher of persistent.at(parent)) listeners.add(watcher);
    for (const watcher of listeners) notify(watcher, 'childrenChanged', parent, event.parentAcl);
  }

  #addRecursive(path: string, reached: Set<W>): void {
    const table = this.#tables.persistentRecursive;
    if (table.isEmpty) return;
    for (let at = path; ; at = parentOf(at)) {
      for (const watcher of table.at(at || '/')) reached.add(watcher);
      if (at === '' || at === '/') return;
    }
  }
}

/** The watchers of a path that has had more than one; they share its text. */
interface Shared<W> {
  readonly path: string;
  readonly watchers: Set<W>;
}

/** What one watcher watches: a list while it is short, as a set takes several times the memory. */
interface Watched {
  paths: string[] | Set<string>;
  bytes: number;
}

/** One kind of watches. A watcher that is alone is held without a set, because most paths have one watcher. */
class WatchTable<W> {
  readonly #alone = new Map<string, W>();
  /** No path is in both maps. */
  readonly #shared = new Map<string, Shared<W>>();
  readonly #watched = new Map<W, Watched>();

  watchersByPath(): Map<string, Set<W>> {
    const found = new Map<string, Set<W>>();
    for (const [path, watcher] of this.#alone) found.set(path, new Set([watcher]));
    for (const [path, { watchers }] of this.#shared) found.set(path, new Set(watchers));
    return found;
  }

  bytesOf(watcher: W): number {
    return this.#watched.get(watcher)?.bytes ?? 0;
  }

  get isEmpty(): boolean {
    return this.#watched.size === 0;
  }

  add(path: string, watcher: W): void {
    if (this.has(path, watcher)) return;
    this.#note(watcher, this.#addWatcher(path, watcher));
  }

  has(path: string, watcher: W): boolean {
    const shared = this.#shared.get(path);
    if (shared !== undefined) return shared.watchers.has(watcher);
    return this.#alone.get(path) === watcher;
  }

  at(path: string): Iterable<W> {
    const shared = this.#shared.get(path);
    if (shared !== undefined) return shared.watchers;
    const alone = this.#alone.get(path);
    return alone === undefined ? [] : [alone];
  }

  /** The watchers of a path, which are removed. */
  take(path: string): Iterable<W> {
    const watchers = this.at(path);
    this.#shared.delete(path);
    this.#alone.delete(path);
    for (const watcher of watchers) this.#forget(watcher, path);
    return watchers;
  }

  remove(path: string, watcher: W): boolean {
    if (!this.has(path, watcher)) return false;
    this.#removeWatcher(path, watcher);
    this.#forget(watcher, path);
    return true;
  }

  removeWatcher(watcher: W): void {
    const watched = this.#watched.get(watcher);
    if (watched === undefined) return;
    this.#watched.delete(watcher);
    for (const path of watched.paths) this.#removeWatcher(path, watcher);
  }

  count(): { watches: number; paths: number; watchers: number } {
    let watches = this.#alone.size;
    for (const { watchers } of this.#shared.values()) watches += watchers.size;
    return {
      watches,
      paths: this.#alone.size + this.#shared.size,
      watchers: this.#watched.size,
    };
  }

  /** Returns the text of the path that is to be kept. */
  #addWatcher(path: string, watcher: W): string {
    const shared = this.#shared.get(path);
    if (shared !== undefined) {
      shared.watchers.add(watcher);
      return shared.path;
    }
    const other = this.#alone.get(path);
    if (other === undefined) {
      this.#alone.set(path, watcher);
    } else {
      this.#alone.delete(path);
      this.#shared.set(path, { path, watchers: new Set([other, watcher]) });
    }
    return path;
  }

  #removeWatcher(path: string, watcher: W): void {
    const shared = this.#shared.get(path);
    if (shared === undefined) {
      if (this.#alone.get(path) === watcher) this.#alone.delete(path);
      return;
    }
    shared.watchers.delete(watcher);
    if (shared.watchers.size === 0) this.#shared.delete(path);
  }

  #note(watcher: W, path: string): void {
    const bytes = path.length + WATCH_BYTES;
    const watched = this.#watched.get(watcher);
    if (watched === undefined) {
      this.#watched.set(watcher, { paths: [path], bytes });
      return;
    }
    watched.bytes += bytes;
    const { paths } = watched;
    if (!Array.isArray(paths)) paths.add(path);
    else if (paths.length < LISTED_PATHS_MAX) paths.push(path);
    else watched.paths = new Set([...paths, path]);
  }

  #forget(watcher: W, path: string): void {
    const watched = this.#watched.get(watcher);
    if (watched === undefined) return;
    const { paths } = watched;
    if (Array.isArray(paths)) {
      const index = paths.indexOf(path);
      assert(index >= 0, 'both directions know of a watch');
      paths.splice(index, 1);
    } else {
      paths.delete(path);
    }
    watched.bytes -= path.length + WATCH_BYTES;
    if (watched.bytes === 0) this.#watched.delete(watcher);
  }
}

/** What a watch costs besides its path, roughly. */
const WATCH_BYTES = 200;
const LISTED_PATHS_MAX = 16;

const addTo = <K, V>(sets: Map<K, Set<V>>, key: K, value: V): void => {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
};
