/**
 * The controller's watches of one term. A handler is registered before the path is read, and the
 * reading arms the watch; so every event here makes the core read again what it is about.
 */
import type { ZooKeeperClient } from '../zookeeper/session.ts';
import type { ControllerEvent } from './events.ts';

export class Watches {
  readonly #zookeeper: ZooKeeperClient;
  readonly #enqueue: (event: ControllerEvent) => void;
  readonly #endings = new Map<string, () => void>();

  constructor(zookeeper: ZooKeeperClient, enqueue: (event: ControllerEvent) => void) {
    this.#zookeeper = zookeeper;
    this.#enqueue = enqueue;
  }

  has(path: string): boolean {
    return this.#endings.has(path);
  }

  /** Queues `event` whenever the children of `path` have changed. */
  watchChildren(path: string, event: ControllerEvent): void {
    if (this.has(path)) return;
    const end = this.#zookeeper.watchChildren(path, ({ type }) => {
      if (type === 'childrenChanged') this.#enqueue(event);
    });
    this.#endings.set(path, end);
  }

  /**
   * Queues `event` when the znode's data has changed, or (`created`) when it has come into being.
   */
  watchNode(path: string, on: 'dataChanged' | 'created', event: ControllerEvent): void {
    if (this.has(path)) return;
    const end = this.#zookeeper.watchNode(path, ({ type }) => {
      if (type === on) this.#enqueue(event);
    });
    this.#endings.set(path, end);
  }

  end(path: string): void {
    this.#endings.get(path)?.();
    this.#endings.delete(path);
  }

  /** Ends the watches below `prefix` but for those of `paths`. */
  keepOnly(prefix: string, paths: ReadonlySet<string>): void {
    for (const path of [...this.#endings.keys()]) {
      if (path.startsWith(prefix) && !paths.has(path)) this.end(path);
    }
  }

  endAll(): void {
    for (const end of this.#endings.values()) end();
    this.#endings.clear();
  }
}
