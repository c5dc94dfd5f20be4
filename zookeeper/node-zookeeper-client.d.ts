/**
 * The part of node-zookeeper-client 1.1.3 that node-transport.ts uses. `connectionManager` and `Transaction.ops` are
 * not documented there; they are what makes the package's defects avoidable.
 */
declare module 'node-zookeeper-client' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  interface ZooKeeperException extends Error {
    readonly code: number;
  }

  /** Longs are 8-byte buffers. */
  interface PackageStat {
    readonly czxid: Buffer;
    readonly mzxid: Buffer;
    readonly ctime: Buffer;
    readonly mtime: Buffer;
    readonly version: number;
    readonly cversion: number;
    readonly aversion: number;
    readonly ephemeralOwner: Buffer;
    readonly dataLength: number;
    readonly numChildren: number;
    readonly pzxid: Buffer;
  }

  interface Id {
    readonly scheme: string;
    readonly id: string;
  }

  interface ACL {
    readonly permission: number;
    readonly id: Id;
  }

  interface Event {
    readonly type: number;
    readonly path: string;
  }

  type Failure = ZooKeeperException | null | undefined;
  type Watcher = (event: Event) => void;

  type TransactionOp =
    | { type: 1; path: string; data: Buffer | null; acls: readonly ACL[]; mode: number }
    | { type: 2; path: string; version: number }
    | { type: 5; path: string; data: Buffer | null; version: number }
    | { type: 13; path: string; version: number };

  interface TransactionResult {
    readonly type: number;
    readonly path?: string;
    readonly stat?: PackageStat;
    readonly err?: number;
  }

  interface Transaction {
    readonly ops: TransactionOp[];
    commit(callback: (error: Failure, results?: readonly TransactionResult[]) => void): void;
  }

  interface ConnectionManager extends EventEmitter {
    state: number;
    servers: { host: string; port: number }[];
    zxid: Buffer;
    xid: number;
    socket?: Socket;
    connectTimeoutHandler: NodeJS.Timeout | null;
    connect(): void;
    onSocketData(chunk: Buffer): void;
  }

  interface Client {
    readonly connectionManager: ConnectionManager;
    connect(): void;
    close(): void;
    getSessionId(): Buffer;
    getSessionPassword(): Buffer;
    getSessionTimeout(): number;
    addAuthInfo(scheme: string, auth: Buffer): void;
    create(
      path: string,
      data: Buffer | null,
      acls: readonly ACL[],
      mode: number,
      callback: (error: Failure, path: string) => void,
    ): void;
    remove(path: string, version: number, callback: (error: Failure) => void): void;
    exists(
      path: string,
      watcher: Watcher | undefined,
      callback: (error: Failure, stat: PackageStat | null) => void,
    ): void;
    getData(
      path: string,
      watcher: Watcher | undefined,
      callback: (error: Failure, data: Buffer | undefined, stat: PackageStat) => void,
    ): void;
    setData(
      path: string,
      data: Buffer,
      version: number,
      callback: (error: Failure, stat: PackageStat) => void,
    ): void;
    getChildren(
      path: string,
      watcher: Watcher | undefined,
      callback: (error: Failure, children: string[] | undefined, stat: PackageStat) => void,
    ): void;
    getACL(
      path: string,
      callback: (error: Failure, acls: ACL[] | undefined, stat: PackageStat) => void,
    ): void;
    setACL(
      path: string,
      acls: readonly ACL[],
      version: number,
      callback: (error: Failure, stat: PackageStat) => void,
    ): void;
    transaction(): Transaction;
  }

  interface ClientOptions {
    readonly sessionTimeout: number;
    readonly spinDelay: number;
    readonly retries: number;
    readonly sessionId?: Buffer;
    readonly sessionPassword?: Buffer;
  }

  const zookeeper: {
    createClient(connectString: string, options: ClientOptions): Client;
    readonly ACL: (new (
      permission: number,
      id: Id,
    ) => ACL) & {
      readonly OPEN_ACL_UNSAFE: readonly ACL[];
    };
    readonly Id: new (scheme: string, id: string) => Id;
  };
  export default zookeeper;
  export type {
    ACL,
    Client,
    ClientOptions,
    Event,
    Failure,
    PackageStat,
    Transaction,
    TransactionOp,
    TransactionResult,
  };
}
