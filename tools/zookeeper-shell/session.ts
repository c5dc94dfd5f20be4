/**
 * A ZooKeeper session as a person at a shell wants it, close to Java's ClientCnxn: every operation of the protocol,
 * every event, connections that come back, and no retries: a request that loses its connection has failed. The rest of
 * our code uses zookeeper/session.ts instead. Paths here are the server's.
 */
import type { Timer } from '../../system/clock.ts';
import type { System } from '../../system/system.ts';
import type { ServerAddress } from '../../zookeeper/connect-string.ts';
import { type ZooKeeperErrorName, zooKeeperErrorName } from '../../zookeeper/errors.ts';
import type { Codec } from '../../zookeeper/jute.ts';
import { encodeRequest, type OpName, requests } from '../../zookeeper/records.ts';
import { ServerCycle } from '../../zookeeper/server-cycle.ts';
import type { WatchEventType } from '../../zookeeper/session.ts';
import type { SessionGrant } from '../../zookeeper/transport.ts';
import {
  openWireConnection,
  type Settle,
  type WireConnection,
  type WireCredential,
  type WireHandlers,
} from '../../zookeeper/wire-connection.ts';
import { ArmedWatches } from './armed-watches.ts';

export type SessionState = 'CONNECTING' | 'CONNECTED' | 'CLOSED' | 'AUTH_FAILED';
/** States as events name them. */
export type EventState = 'SyncConnected' | 'Disconnected' | 'Expired' | 'AuthFailed' | 'Closed';

export interface SessionEvents {
  /** The session's state has changed. */
  state(state: EventState): void;
  /** A watch has fired, or was removed. */
  watch(event: string, path: string): void;
  /** No connection could be made: told once until one stands again. */
  unreachable(sessionId: bigint, server: ServerAddress, error: unknown): void;
}

export interface SessionOptions {
  readonly servers: readonly ServerAddress[];
  readonly sessionTimeoutMs: number;
  readonly readOnly: boolean;
}

/** What an operation is encoded and answered with. */
export interface Operation<Q, R> {
  readonly name: OpName;
  readonly request: Codec<Q>;
  readonly response: Codec<R>;
}

export type Outcome<R> =
  | { readonly isOk: true; readonly reply: R }
  | { readonly isOk: false; readonly code: ZooKeeperErrorName };

/** What a server may send at once; Java's jute.maxbuffer is smaller, but a shell should show what is there. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

interface Call {
  readonly encode: (xid: number) => Buffer;
  readonly take: Settle;
  /** Called instead of `take` when no answer will come. */
  readonly fail: (code: ZooKeeperErrorName) => void;
}

const eventNames: Readonly<Record<WatchEventType, string>> = {
  created: 'NodeCreated',
  deleted: 'NodeDeleted',
  dataChanged: 'NodeDataChanged',
  childrenChanged: 'NodeChildrenChanged',
};

export class ShellSession {
  readonly watches = new ArmedWatches();
  readonly #system: System;
  readonly #options: SessionOptions;
  readonly #events: SessionEvents;
  readonly #servers: ServerCycle;
  readonly #credentials: WireCredential[] = [];
  #state: SessionState = 'CONNECTING';
  /** The connection that is being made or stands. */
  #connection: WireConnection | null = null;
  #session: SessionGrant | null = null;
  #lastZxid = 0n;
  #heardMs = 0;
  #timer: Timer | null = null;
  #isUnreachableTold = false;
  /** Not answered, in order: sent while there is a connection, waiting for one otherwise. */
  readonly #calls = new Set<Call>();

  /** Connects at once, and again after every loss, until it is closed. */
  constructor(system: System, options: SessionOptions, events: SessionEvents) {
    this.#system = system;
    this.#options = options;
    this.#events = events;
    this.#servers = new ServerCycle(system.random, options.servers);
    this.#dial();
  }

  get state(): SessionState {
    return this.#state;
  }

  get isAlive(): boolean {
    return this.#state === 'CONNECTING' || this.#state === 'CONNECTED';
  }

  /** Sends a request; `answered` runs before any event that comes behind the answer. */
  call<Q, R>(
    operation: Operation<Q, R>,
    body: Q,
    answered: (outcome: Outcome<R>) => void = () => {},
  ): Promise<Outcome<R>> {
    return new Promise((resolve) => {
      const settle = (outcome: Outcome<R>): void => {
        this.#calls.delete(call);
        answered(outcome);
        resolve(outcome);
      };
      const call: Call = {
        encode: (xid) => encodeRequest(xid, operation.name, operation.request, body),
        take: (code, reader) =>
          settle(
            code === 0
              ? { isOk: true, reply: operation.response.read(reader) }
              : { isOk: false, code: zooKeeperErrorName(code) },
          ),
        fail: (code) => settle({ isOk: false, code }),
      };
      this.#submit(call);
    });
  }

  /** Proves an identity, now and on later connections; a refusal comes as the event AuthFailed. */
  addAuth(scheme: string, auth: Buffer | null): void {
    if (!this.isAlive) return;
    const credential = { scheme, auth };
    this.#credentials.push(credential);
    if (this.#state === 'CONNECTED') this.#connection?.authenticate(credential);
  }

  /** Ends the session on the server, once a connection stands or could not be made. */
  async close(): Promise<void> {
    if (!this.isAlive) return;
    const nothing = requests.closeSession;
    await this.call({ name: 'closeSession', request: nothing, response: nothing }, {});
    this.#end('CLOSED', 'Closed');
  }

  /** Drops the connection. The session lives on at the server until it expires. */
  abandon(): void {
    this.#state = 'CLOSED';
    this.#disconnect();
  }

  #submit(call: Call): void {
    if (!this.isAlive) return call.fail(this.#lossCode());
    this.#calls.add(call);
    if (this.#state === 'CONNECTED') this.#connection?.send(call.encode, call.take);
  }

  #dial(): void {
    const server = this.#servers.next();
    const { sessionTimeoutMs, readOnly } = this.#options;
    // One limit for reaching the server, and the same again for its grant.
    const connectTimeoutMs = Math.max(1, sessionTimeoutMs);
    this.#connection = openWireConnection(
      this.#system,
      {
        ...server,
        sessionTimeoutMs,
        connectTimeoutMs,
        session: this.#session,
        lastZxid: this.#lastZxid,
        credentials: this.#credentials,
        readOnly,
        frameBytesMax: FRAME_BYTES_MAX,
      },
      this.#handlers(server, connectTimeoutMs),
    );
  }

  #handlers(server: ServerAddress, grantTimeoutMs: number): WireHandlers {
    return {
      reached: () => this.#setTimer(grantTimeoutMs, () => this.#lose()),
      connected: (grant) => this.#connected(grant),
      heard: (zxid) => {
        this.#heardMs = this.#system.clock.elapsedMs();
        if (zxid !== null && zxid > this.#lastZxid) this.#lastZxid = zxid;
      },
      watchEvent: ({ type, path }) => {
        if (this.watches.take(type, path)) this.#events.watch(eventNames[type], path);
      },
      authFailed: () => this.#end('AUTH_FAILED', 'AuthFailed'),
      expired: () => this.#end('CLOSED', 'Expired'),
      lost: (_reason, dialError) => {
        if (dialError !== undefined) this.#tellUnreachable(server, dialError);
        this.#lose();
      },
    };
  }

  #connected(grant: SessionGrant): void {
    this.#session = grant;
    this.#state = 'CONNECTED';
    this.#servers.reset();
    this.#isUnreachableTold = false;
    const { watches } = this;
    this.#connection?.setWatches({
      relativeZxid: this.#lastZxid,
      data: watches.paths('data'),
      exist: watches.paths('exist'),
      child: watches.paths('child'),
      persistent: watches.paths('persistent'),
      persistentRecursive: watches.paths('recursive'),
    });
    // Whoever is told may call at once, and that has then been sent.
    const waiting = [...this.#calls];
    this.#events.state('SyncConnected');
    for (const { encode, take } of waiting) this.#connection?.send(encode, take);
    this.#scheduleProbe(grant.timeoutMs);
  }

  /** Pings three times per timeout; a server that has been silent for two thirds of it is given up. */
  #scheduleProbe(timeoutMs: number): void {
    this.#setTimer(timeoutMs / 3, () => {
      const silentMs = this.#system.clock.elapsedMs() - this.#heardMs;
      if (silentMs > (timeoutMs * 2) / 3) return this.#lose();
      this.#connection?.ping();
      this.#scheduleProbe(timeoutMs);
    });
  }

  #setTimer(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#system.clock.setTimer(delayMs, callback);
  }

  #tellUnreachable(server: ServerAddress, error: unknown): void {
    if (this.#isUnreachableTold) return;
    this.#isUnreachableTold = true;
    this.#events.unreachable(this.#session?.id ?? 0n, server, error);
  }

  /** The connection is gone or could not be made: what waits has failed, and the next is tried. */
  #lose(): void {
    if (!this.isAlive) return;
    const wasConnected = this.#state === 'CONNECTED';
    this.#state = 'CONNECTING';
    this.#disconnect();
    if (wasConnected) this.#events.state('Disconnected');
    this.#setTimer(this.#servers.delayMs(), () => this.#dial());
    this.#failAll();
  }

  #end(state: SessionState, event: EventState): void {
    if (!this.isAlive) return;
    this.#state = state;
    this.#disconnect();
    this.#failAll();
    this.#events.state(event);
  }

  #disconnect(): void {
    this.#timer?.cancel();
    this.#connection?.abandon();
    this.#connection = null;
  }

  #failAll(): void {
    const code = this.#lossCode();
    for (const { fail } of [...this.#calls]) fail(code);
  }

  #lossCode(): ZooKeeperErrorName {
    if (this.#state === 'CLOSED') return 'SESSION_EXPIRED';
    if (this.#state === 'AUTH_FAILED') return 'AUTH_FAILED';
    return 'CONNECTION_LOSS';
  }
}
