/**
 * The watches a session has armed, by the server's paths. An event is told once, however many watches it meets, and
 * only while one of them stands (ZKWatchManager with the default watcher). Pure.
 */
import type { WatchEventType } from '../../zookeeper/session.ts';

export type WatchKind = 'data' | 'exist' | 'child' | 'persistent' | 'recursive';

/** What `removewatches` takes away; the codes are the wire's. */
export const watcherTypes = { child: 1, data: 2, any: 3 } as const;
export type WatcherType = keyof typeof watcherTypes;

/** One-shot watches by the event that uses them up. */
const usedUpBy: Readonly<Record<WatchEventType, readonly WatchKind[]>> = {
  created: ['data', 'exist'],
  deleted: ['data', 'exist', 'child'],
  dataChanged: ['data', 'exist'],
  childrenChanged: ['child'],
};

/** Which watches a removal takes, and the event that tells of it. */
const removals = [
  { type: 'child', kinds: ['child'], event: 'ChildWatchRemoved' },
  { type: 'data', kinds: ['data', 'exist'], event: 'DataWatchRemoved' },
  { type: 'any', kinds: ['persistent', 'recursive'], event: 'PersistentWatchRemoved' },
] as const;

export class ArmedWatches {
  readonly #paths: Readonly<Record<WatchKind, Set<string>>> = {
    data: new Set(),
    exist: new Set(),
    child: new Set(),
    persistent: new Set(),
    recursive: new Set(),
  };

  arm(kind: WatchKind, path: string): void {
    this.#paths[kind].add(path);
  }

  paths(kind: WatchKind): readonly string[] {
    return [...this.#paths[kind]];
  }

  get isEmpty(): boolean {
    return Object.values(this.#paths).every((paths) => paths.size === 0);
  }

  /** Whether somebody waits for this event; one-shot watches have been used up by it. */
  take(type: WatchEventType, path: string): boolean {
    let isAwaited = this.#paths.persistent.has(path);
    for (const kind of usedUpBy[type]) isAwaited = this.#paths[kind].delete(path) || isAwaited;
    return isAwaited || (type !== 'childrenChanged' && this.#isBelowRecursive(path));
  }

  /** Forgets the watches of `path`; the names of the events that tell of it, none when there was no watch. */
  remove(type: WatcherType, path: string): string[] {
    const events: string[] = [];
    for (const removal of removals) {
      if (type !== 'any' && type !== removal.type) continue;
      const removed = removal.kinds.filter((kind) => this.#paths[kind].delete(path));
      if (removed.length > 0) events.push(removal.event);
    }
    return events;
  }

  #isBelowRecursive(path: string): boolean {
    const roots = this.#paths.recursive;
    if (roots.size === 0) return false;
    for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
      if (roots.has(at)) return true;
    }
    return roots.has('/');
  }
}
