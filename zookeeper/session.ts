/**
 * What the rest of the code knows of ZooKeeper: a client that outlives its sessions, with promises, typed
 * errors, multi, watches that re-arm, and expiry as an event (Kafka's ZooKeeperClient, KAFKA-5642).
 *
 * Requests lost with a connection are sent again until they are answered or the session has expired, so a write
 * may have been applied although its first answer was lost; callers check what they find (sheet §7.2). The exception is a
 * request larger than servers usually take: lost twice, it is rejected with CONNECTION_LOSS, or it would be sent for ever.
 * A read arms the server's one-shot watch when a handler is registered for exactly that path; a handler
 * therefore reads again to stay informed. After expiry nothing is armed until it is read again.
 * At expiry, while its handlers run, and after `close` requests are rejected with SESSION_EXPIRED. A watch handler
 * is called as soon as its event has come, maybe before code that awaits an earlier answer: it should only queue.
 */

export interface Stat {
  /** The zxid that created the node; of a broker's registration it is the broker epoch. */
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** The owning session, 0n for a persistent node. */
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: bigint;
}

export type CreateMode =
  | 'persistent'
  | 'ephemeral'
  | 'persistent-sequential'
  | 'ephemeral-sequential';

export interface Acl {
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

/** One step of a multi. `version` -1 means any. Null data is length -1 on the wire, not an empty buffer. */
export type Operation =
  | {
      readonly type: 'create';
      readonly path: string;
      readonly data: Buffer | null;
      readonly mode?: CreateMode;
      readonly acl?: readonly Acl[];
    }
  | { readonly type: 'delete'; readonly path: string; readonly version: number }
  | {
      readonly type: 'setData';
      readonly path: string;
      readonly data: Buffer | null;
      readonly version: number;
    }
  | { readonly type: 'check'; readonly path: string; readonly version: number };

/** The outcome of each step of a multi that was applied. */
export type OperationResult =
  | { readonly type: 'create'; readonly path: string }
  | { readonly type: 'delete' }
  | { readonly type: 'setData'; readonly stat: Stat }
  | { readonly type: 'check' };

export type WatchEventType = 'created' | 'deleted' | 'dataChanged' | 'childrenChanged';

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly path: string;
}

export type WatchHandler = (event: WatchEvent) => void;

export interface SessionHandlers {
  /** The session has expired; the next one is not opened before this has resolved. */
  expired?(): Promise<void> | void;
  /** A new session stands after one that expired. Watches must be armed again by reading. */
  established?(): void;
  /** The connection was lost, or stands again, within a session. For logs and metrics. */
  disconnected?(): void;
  connected?(): void;
}

export interface ZooKeeperClient {
  /** The id of the current session; 0n before the first connection. */
  readonly sessionId: bigint;
  readonly isConnected: boolean;
  create(
    path: string,
    data: Buffer | null,
    options?: { mode?: CreateMode; acl?: readonly Acl[] },
  ): Promise<string>;
  /** Creates `path` with missing parents (null data); throws `NodeExists` when `path` itself exists. */
  createRecursive(path: string, data: Buffer | null): Promise<string>;
  /** `version` -1 (the default): any. */
  delete(path: string, version?: number): Promise<void>;
  deleteRecursive(path: string): Promise<void>;
  /** The node's Stat, or null. Arms a data watch for a node that is absent, too. */
  exists(path: string): Promise<Stat | null>;
  /** Throws `NoNode`; arms a data watch only on a node that exists. */
  getData(path: string): Promise<{ data: Buffer | null; stat: Stat }>;
  setData(path: string, data: Buffer | null, version?: number): Promise<Stat>;
  /** Names without order. Arms a child watch unless `watch` is false. */
  getChildren(
    path: string,
    options?: { watch?: boolean },
  ): Promise<{ children: string[]; stat: Stat }>;
  getAcl(path: string): Promise<{ acl: Acl[]; stat: Stat }>;
  setAcl(path: string, acl: readonly Acl[], version?: number): Promise<Stat>;
  /** Waits until the server has caught up with the leader of its ensemble. */
  sync(path: string): Promise<void>;
  /** All or nothing: throws `MultiError` naming the step that failed, and then nothing was applied. */
  multi(operations: readonly Operation[]): Promise<OperationResult[]>;
  /** Calls `handler` for created, deleted and dataChanged events of `path`; returns what ends it. */
  watchNode(path: string, handler: WatchHandler): () => void;
  /** Calls `handler` for childrenChanged events of `path` (and its deletion); returns what ends it. */
  watchChildren(path: string, handler: WatchHandler): () => void;
  /** Registers for changes of the session's state; returns what ends it. */
  onSession(handlers: SessionHandlers): () => void;
  /** Ends the session: its ephemeral nodes go at once. */
  close(): Promise<void>;
}
