/**
 * Who waits for which change. Pure; a watcher is whatever the owner uses for a connection. One-shot watches as
 * getData, exists (data) and getChildren (child) leave them, and the lasting ones of addWatch; the kinds are
 * independent of each other, as in ZooKeeper 3.9. One event reaches a watcher once.
 */
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
    if (persistent.isEmpty && persistentRecursive.isEmpty) return data.watchersByPath;
    const merged = new Map<string, Set<W>>();
    for (const { watchersByPath } of [data, persistent, persistentRecursive]) {
      for (const [path, watchers] of watchersByPath) {
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

class WatchTable<W> {
  readonly #watchersByPath = new Map<string, Set<W>>();
  readonly #pathsByWatcher = new Map<W, Set<string>>();
  readonly #bytesByWatcher = new Map<W, number>();

  get watchersByPath(): ReadonlyMap<string, ReadonlySet<W>> {
    return this.#watchersByPath;
  }

  bytesOf(watcher: W): number {
    return this.#bytesByWatcher.get(watcher) ?? 0;
  }

  get isEmpty(): boolean {
    return this.#watchersByPath.size === 0;
  }

  add(path: string, watcher: W): void {
    if (this.has(path, watcher)) return;
    addTo(this.#watchersByPath, path, watcher);
    addTo(this.#pathsByWatcher, watcher, path);
    this.#changeBytes(watcher, path.length + WATCH_BYTES);
  }

  has(path: string, watcher: W): boolean {
    return this.#watchersByPath.get(path)?.has(watcher) ?? false;
  }

  at(path: string): Iterable<W> {
    return this.#watchersByPath.get(path) ?? [];
  }

  /** The watchers of a path, which are removed. */
  take(path: string): Iterable<W> {
    const watchers = this.#watchersByPath.get(path);
    if (watchers === undefined) return [];
    this.#watchersByPath.delete(path);
    for (const watcher of watchers) this.#forget(watcher, path);
    return watchers;
  }

  remove(path: string, watcher: W): boolean {
    if (!this.has(path, watcher)) return false;
    removeFrom(this.#watchersByPath, path, watcher);
    this.#forget(watcher, path);
    return true;
  }

  removeWatcher(watcher: W): void {
    const paths = this.#pathsByWatcher.get(watcher);
    if (paths === undefined) return;
    this.#pathsByWatcher.delete(watcher);
    this.#bytesByWatcher.delete(watcher);
    for (const path of paths) removeFrom(this.#watchersByPath, path, watcher);
  }

  count(): { watches: number; paths: number; watchers: number } {
    let watches = 0;
    for (const watchers of this.#watchersByPath.values()) watches += watchers.size;
    return {
      watches,
      paths: this.#watchersByPath.size,
      watchers: this.#pathsByWatcher.size,
    };
  }

  #forget(watcher: W, path: string): void {
    removeFrom(this.#pathsByWatcher, watcher, path);
    this.#changeBytes(watcher, -(path.length + WATCH_BYTES));
  }

  #changeBytes(watcher: W, change: number): void {
    const bytes = (this.#bytesByWatcher.get(watcher) ?? 0) + change;
    if (bytes === 0) this.#bytesByWatcher.delete(watcher);
    else this.#bytesByWatcher.set(watcher, bytes);
  }
}

/** What a watch costs besides its path, roughly. */
const WATCH_BYTES = 200;

const addTo = <K, V>(sets: Map<K, Set<V>>, key: K, value: V): void => {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
};

const removeFrom = <K, V>(sets: Map<K, Set<V>>, key: K, value: V): void => {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
};
