/**
 * Who listens to which path, and which one-shot watches the server holds for us (Kafka's handlers by path over
 * ZooKeeper's WatchManager). Pure: told of every answered read and every event, it says whom to call.
 * An event without an armed watch is a stray (the same deletion reported to two watches) and is dropped.
 */
import type { WatchEvent, WatchHandler } from './session.ts';

/** The watches the server is supposed to hold, with what was known when each was armed. */
export interface ArmedWatches {
  /** The latest zxid seen on any answer. */
  readonly lastZxid: bigint;
  /** Watched nodes that existed, with their mzxid. */
  readonly data: ReadonlyMap<string, bigint>;
  /** Watched paths where there was no node. */
  readonly absent: ReadonlySet<string>;
  /** Watched parents, with their pzxid. */
  readonly children: ReadonlyMap<string, bigint>;
}

type HandlersByPath = Map<string, Set<WatchHandler>>;

export class WatchRegistry {
  readonly #nodeHandlers: HandlersByPath = new Map();
  readonly #childHandlers: HandlersByPath = new Map();
  // A path is in at most one of `data` and `absent`: the server holds one node watch for it.
  readonly #data = new Map<string, bigint>();
  readonly #absent = new Set<string>();
  readonly #children = new Map<string, bigint>();

  /** Registers for created, deleted and dataChanged; returns what ends it. */
  addNodeHandler(path: string, handler: WatchHandler): () => void {
    return add(this.#nodeHandlers, path, handler);
  }

  /** Registers for childrenChanged and deleted; returns what ends it. */
  addChildHandler(path: string, handler: WatchHandler): () => void {
    return add(this.#childHandlers, path, handler);
  }

  /** Whether a read of the node should arm a watch. */
  wantsNode(path: string): boolean {
    return this.#nodeHandlers.has(path);
  }

  /** Whether a list of the children should arm a watch. */
  wantsChildren(path: string): boolean {
    return this.#childHandlers.has(path);
  }

  /** A read armed a node watch; `mzxid` is null where there is no node. */
  armNode(path: string, mzxid: bigint | null): void {
    if (mzxid === null) {
      this.#data.delete(path);
      this.#absent.add(path);
      return;
    }
    this.#absent.delete(path);
    this.#data.set(path, mzxid);
  }

  /** A list of children armed a child watch. */
  armChildren(path: string, pzxid: bigint): void {
    this.#children.set(path, pzxid);
  }

  /** Takes an event in: its watches are spent; returns the handlers to call, each once. */
  take(event: WatchEvent): WatchHandler[] {
    const { path, type } = event;
    const handlers = new Set<WatchHandler>();
    const isNodeEvent = type !== 'childrenChanged';
    const isChildEvent = type === 'childrenChanged' || type === 'deleted';
    if (isNodeEvent && (this.#data.delete(path) || this.#absent.delete(path))) {
      for (const handler of this.#nodeHandlers.get(path) ?? []) handlers.add(handler);
    }
    if (isChildEvent && this.#children.delete(path)) {
      for (const handler of this.#childHandlers.get(path) ?? []) handlers.add(handler);
    }
    return [...handlers];
  }

  /** The watches a new connection of the same session needs; what nobody listens to any more is forgotten. */
  armed(lastZxid: bigint): ArmedWatches | null {
    for (const path of this.#data.keys()) if (!this.wantsNode(path)) this.#data.delete(path);
    for (const path of this.#absent) if (!this.wantsNode(path)) this.#absent.delete(path);
    for (const path of this.#children.keys()) {
      if (!this.wantsChildren(path)) this.#children.delete(path);
    }
    if (this.#data.size + this.#absent.size + this.#children.size === 0) return null;
    return {
      lastZxid,
      data: new Map(this.#data),
      absent: new Set(this.#absent),
      children: new Map(this.#children),
    };
  }

  /** The session has ended and its watches with it; handlers stay and read again. */
  disarm(): void {
    this.#data.clear();
    this.#absent.clear();
    this.#children.clear();
  }
}

const add = (handlers: HandlersByPath, path: string, handler: WatchHandler): (() => void) => {
  const known = handlers.get(path) ?? new Set();
  handlers.set(path, known.add(handler));
  return () => {
    known.delete(handler);
    // Somebody may have registered anew after the set had run empty.
    if (known.size === 0 && handlers.get(path) === known) handlers.delete(path);
  };
};
