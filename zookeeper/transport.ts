/**
 * The cut between what every ZooKeeper client does alike (session-loop.ts, client.ts) and how bytes reach a
 * server (node-transport.ts, wire-transport.ts). A transport is one connection of one session to one server:
 * it never reconnects and never retries, it only says that it is gone. Paths here are the server's, chroot included.
 */
import type { System } from '../system/system.ts';
import type { ZooKeeperErrorName } from './errors.ts';
import type { Acl, CreateMode, Operation, OperationResult, Stat, WatchEvent } from './session.ts';
import type { ArmedWatches } from './watch-registry.ts';

/** One request, in the form both transports take. */
export type Request =
  | {
      readonly type: 'create';
      readonly path: string;
      readonly data: Buffer | null;
      readonly mode: CreateMode;
      readonly acl: readonly Acl[];
    }
  | { readonly type: 'delete'; readonly path: string; readonly version: number }
  | { readonly type: 'exists'; readonly path: string; readonly watch: boolean }
  | { readonly type: 'getData'; readonly path: string; readonly watch: boolean }
  | { readonly type: 'getChildren'; readonly path: string; readonly watch: boolean }
  | {
      readonly type: 'setData';
      readonly path: string;
      readonly data: Buffer | null;
      readonly version: number;
    }
  | { readonly type: 'getAcl'; readonly path: string }
  | {
      readonly type: 'setAcl';
      readonly path: string;
      readonly acl: readonly Acl[];
      readonly version: number;
    }
  | { readonly type: 'sync'; readonly path: string }
  | { readonly type: 'multi'; readonly operations: readonly Operation[] };

/** What each request is answered with. `exists` of an absent node is an answer (null), not an error. */
export interface Replies {
  readonly create: string;
  readonly delete: undefined;
  readonly exists: Stat | null;
  readonly getData: { readonly data: Buffer | null; readonly stat: Stat };
  readonly getChildren: { readonly children: string[]; readonly stat: Stat };
  readonly setData: Stat;
  readonly getAcl: { readonly acl: Acl[]; readonly stat: Stat };
  readonly setAcl: Stat;
  readonly sync: undefined;
  readonly multi: OperationResult[];
}

export type RequestType = Request['type'];
export type RequestOf<T extends RequestType> = Extract<Request, { type: T }>;
export type AnyReply = Replies[RequestType];

/** Exactly one of the two is called, at most once, and not at all when the transport was lost before the answer. */
export interface Answer {
  resolve(reply: AnyReply): void;
  /** `index` is the step of a multi that failed. */
  reject(code: ZooKeeperErrorName, index?: number): void;
}

/** A session as the server granted it. */
export interface SessionGrant {
  readonly id: bigint;
  readonly password: Buffer;
  /** The timeout after negotiation. */
  readonly timeoutMs: number;
}

export interface TransportHandlers {
  /** The server has accepted the session; requests may be sent. */
  connected(grant: SessionGrant): void;
  /** The server does not know the session any more. The last call. */
  expired(): void;
  /** The server refused the credentials. The last call. */
  authFailed(): void;
  /** The connection could not be made or is gone. The last call. */
  lost(reason: string): void;
  /** Anything came from the server; `zxid` when it is an ordinary answer's. */
  heard(zxid: bigint | null): void;
  watchEvent(event: WatchEvent): void;
}

export interface Credential {
  readonly scheme: string;
  readonly auth: Buffer;
}

export interface Target {
  readonly host: string;
  readonly port: number;
  /** What is asked for; the grant says what was given. */
  readonly sessionTimeoutMs: number;
  /** Until connection and handshake have failed. */
  readonly connectTimeoutMs: number;
  /** The session to be taken up again; null asks for a new one. */
  readonly session: { readonly id: bigint; readonly password: Buffer } | null;
  /** The latest zxid seen: a server that is behind it must not serve us. */
  readonly lastZxid: bigint;
  readonly credentials: readonly Credential[];
}

export interface Transport {
  /** Sends a request; answers come in the order of requests. */
  send(request: Request, answer: Answer): void;
  /** Sends the cheapest request there is; its answer shows as `heard`. */
  probe(): void;
  /** Arms watches of an earlier connection; what was missed meanwhile comes as events before any later answer. */
  rearm(watches: ArmedWatches): void;
  /** Asks the server to end the session; `lost` tells when that is done. */
  closeSession(): void;
  /** Drops the connection at once; no handler and no answer is called any more. */
  abandon(): void;
}

export type OpenTransport = (
  system: System,
  target: Target,
  handlers: TransportHandlers,
) => Transport;
