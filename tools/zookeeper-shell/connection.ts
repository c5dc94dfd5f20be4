/**
 * A ZooKeeper session as a person at a shell wants it, close to Java's ClientCnxn: every operation of the protocol,
 * every event, connections that come back, and no retries: a request that loses its connection has failed. The rest of
 * our code uses zookeeper/session.ts instead. Paths here are the server's.
 */
import type { Timer } from '../../system/clock.ts';
import type { Connection } from '../../system/net.ts';
import type { System } from '../../system/system.ts';
import type { ServerAddress } from '../../zookeeper/connect-string.ts';
import {
  type ZooKeeperErrorName,
  zooKeeperCodes,
  zooKeeperErrorName,
} from '../../zookeeper/errors.ts';
import { FrameCutter } from '../../zookeeper/frames.ts';
import { type Codec, JuteError, JuteReader } from '../../zookeeper/jute.ts';
import {
  connectRequest,
  connectResponse,
  encodeFrame,
  encodeRequest,
  type OpName,
  replyHeader,
  requests,
  watchEventTypes,
  watcherEvent,
  xids,
} from '../../zookeeper/records.ts';
import { ServerCycle } from '../../zookeeper/server-cycle.ts';
import type { WatchEventType } from '../../zookeeper/session.ts';
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
const PASSWORD_BYTES = 16;

interface Pending {
  readonly encode: (xid: number) => Buffer;
  readonly settle: (code: number, body: JuteReader) => void;
  xid: number;
}

const eventNames: Readonly<Record<WatchEventType, string>> = {
  created: 'NodeCreated',
  deleted: 'NodeDeleted',
  dataChanged: 'NodeDataChanged',
  childrenChanged: 'NodeChildrenChanged',
};

const eventTypes = new Map<number, WatchEventType>(
  Object.entries(watchEventTypes).map(([name, code]) => [code, name as WatchEventType]),
);

const noBody = new JuteReader(Buffer.alloc(0));

export class ShellSession {
  readonly watches = new ArmedWatches();
  readonly #system: System;
  readonly #options: SessionOptions;
  readonly #events: SessionEvents;
  readonly #servers: ServerCycle;
  #state: SessionState = 'CONNECTING';
  #connection: Connection | null = null;
  #frames = new FrameCutter(FRAME_BYTES_MAX);
  #session = { id: 0n, password: Buffer.alloc(PASSWORD_BYTES), timeoutMs: 0 };
  #lastZxid = 0n;
  #heardMs = 0;
  #timer: Timer | null = null;
  #isUnreachableTold = false;
  #xid = 0;
  /** Sent and not answered, in order. */
  #sent: Pending[] = [];
  /** Waiting for a connection. */
  #queue: Pending[] = [];
  readonly #credentials: { scheme: string; auth: Buffer | null }[] = [];

  /** Connects at once, and again after every loss, until it is closed. */
  constructor(system: System, options: SessionOptions, events: SessionEvents) {
    this.#system = system;
    this.#options = options;
    this.#events = events;
    this.#servers = new ServerCycle(system.random, options.servers);
    void this.#dial();
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
      const settle = (code: number, reader: JuteReader): void => {
        const outcome: Outcome<R> =
          code === 0
            ? { isOk: true, reply: operation.response.read(reader) }
            : { isOk: false, code: zooKeeperErrorName(code) };
        answered(outcome);
        resolve(outcome);
      };
      const encode = (xid: number): Buffer =>
        encodeRequest(xid, operation.name, operation.request, body);
      this.#submit({ encode, settle, xid: 0 });
    });
  }

  /** Proves an identity, now and on later connections; a refusal comes as the event AuthFailed. */
  addAuth(scheme: string, auth: Buffer | null): void {
    if (!this.isAlive) return;
    this.#credentials.push({ scheme, auth });
    if (this.#state === 'CONNECTED') this.#sendAuth(scheme, auth);
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

  #submit(pending: Pending): void {
    if (!this.isAlive) return pending.settle(this.#lossCode(), noBody);
    if (this.#state === 'CONNECTED') this.#send(pending);
    else this.#queue.push(pending);
  }

  #send(pending: Pending): void {
    this.#xid = (this.#xid + 1) & 0x7fff_ffff;
    pending.xid = this.#xid;
    this.#sent.push(pending);
    this.#write(pending.encode(pending.xid));
  }

  #write(frame: Buffer): void {
    this.#connection?.write([frame]);
  }

  #sendAuth(scheme: string, auth: Buffer | null): void {
    this.#write(encodeRequest(xids.auth, 'auth', requests.auth, { type: 0, scheme, auth }));
  }

  async #dial(): Promise<void> {
    const server = this.#servers.next();
    const timeoutMs = Math.max(1, this.#options.sessionTimeoutMs);
    let connection: Connection;
    try {
      connection = await this.#system.net.connect({ ...server, timeoutMs });
    } catch (error) {
      if (!this.#isUnreachableTold && this.isAlive) {
        this.#isUnreachableTold = true;
        this.#events.unreachable(this.#session.id, server, error);
      }
      return this.#lose();
    }
    if (!this.isAlive) return connection.destroy();
    this.#connection = connection;
    this.#frames = new FrameCutter(FRAME_BYTES_MAX);
    const isCurrent = (): boolean => this.#connection === connection;
    connection.start({
      data: (chunk) => this.#take(chunk, isCurrent),
      end: () => isCurrent() && this.#lose(),
      close: () => isCurrent() && this.#lose(),
    });
    this.#setTimer(timeoutMs, () => this.#lose());
    this.#write(
      encodeFrame((writer) =>
        connectRequest.write(writer, {
          protocolVersion: 0,
          lastZxidSeen: this.#lastZxid,
          timeoutMs: this.#options.sessionTimeoutMs,
          sessionId: this.#session.id,
          password: this.#session.password,
          readOnly: this.#options.readOnly,
        }),
      ),
    );
  }

  #take(chunk: Buffer, isCurrent: () => boolean): void {
    this.#heardMs = this.#system.clock.elapsedMs();
    this.#frames.push(chunk);
    try {
      while (isCurrent()) {
        const payload = this.#frames.next();
        if (payload === null) return;
        if (payload === 'refused') return this.#lose();
        const reader = new JuteReader(payload);
        if (this.#state === 'CONNECTED') this.#takeReply(reader);
        else this.#takeGrant(reader);
      }
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.#lose();
    }
  }

  #takeGrant(reader: JuteReader): void {
    const { timeoutMs, sessionId, password } = connectResponse.read(reader);
    if (timeoutMs <= 0) return this.#end('CLOSED', 'Expired');
    this.#session = { id: sessionId, password: Buffer.from(password ?? []), timeoutMs };
    this.#state = 'CONNECTED';
    this.#servers.reset();
    this.#isUnreachableTold = false;
    this.#restoreWatches();
    for (const { scheme, auth } of this.#credentials) this.#sendAuth(scheme, auth);
    this.#events.state('SyncConnected');
    for (const pending of this.#queue.splice(0)) this.#send(pending);
    this.#scheduleProbe();
  }

  #takeReply(reader: JuteReader): void {
    const { xid, zxid, code } = replyHeader.read(reader);
    if (zxid > this.#lastZxid) this.#lastZxid = zxid;
    switch (xid) {
      case xids.notification: {
        const { type, path } = watcherEvent.read(reader);
        const name = eventTypes.get(type);
        if (name === undefined || !this.watches.take(name, path)) return;
        return this.#events.watch(eventNames[name], path);
      }
      case xids.auth:
        if (code !== 0) this.#end('AUTH_FAILED', 'AuthFailed');
        return;
      case xids.ping:
      case xids.setWatches:
        return;
    }
    const pending = this.#sent.shift();
    if (pending === undefined) return this.#lose();
    if (pending.xid !== xid) {
      pending.settle(zooKeeperCodes.CONNECTION_LOSS, noBody);
      return this.#lose();
    }
    try {
      pending.settle(code, reader);
    } catch (error) {
      // An answer that cannot be read is none.
      pending.settle(zooKeeperCodes.CONNECTION_LOSS, noBody);
      throw error;
    }
  }

  #restoreWatches(): void {
    const { watches } = this;
    if (watches.isEmpty) return;
    const body = {
      relativeZxid: this.#lastZxid,
      data: watches.paths('data'),
      exist: watches.paths('exist'),
      child: watches.paths('child'),
      persistent: watches.paths('persistent'),
      persistentRecursive: watches.paths('recursive'),
    };
    // Servers before 3.6 know no persistent watches, nor the request that restores them.
    const isPlain = body.persistent.length + body.persistentRecursive.length === 0;
    this.#write(
      isPlain
        ? encodeRequest(xids.setWatches, 'setWatches', requests.setWatches, body)
        : encodeRequest(xids.setWatches, 'setWatches2', requests.setWatches2, body),
    );
  }

  /** Pings three times per timeout; a server that has been silent for two thirds of it is given up. */
  #scheduleProbe(): void {
    const { timeoutMs } = this.#session;
    this.#setTimer(timeoutMs / 3, () => {
      const silentMs = this.#system.clock.elapsedMs() - this.#heardMs;
      if (silentMs > (timeoutMs * 2) / 3) return this.#lose();
      this.#write(encodeRequest(xids.ping, 'ping', requests.ping, {}));
      this.#scheduleProbe();
    });
  }

  #setTimer(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#system.clock.setTimer(delayMs, callback);
  }

  /** The connection is gone or could not be made: what waits has failed, and the next is tried. */
  #lose(): void {
    if (!this.isAlive) return;
    const wasConnected = this.#state === 'CONNECTED';
    this.#state = 'CONNECTING';
    this.#disconnect();
    if (wasConnected) this.#events.state('Disconnected');
    this.#setTimer(this.#servers.delayMs(), () => void this.#dial());
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
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy();
  }

  #failAll(): void {
    const code = this.#lossCode();
    for (const { settle } of [...this.#sent.splice(0), ...this.#queue.splice(0)])
      settle(code, noBody);
  }

  #lossCode(): number {
    if (this.#state === 'CLOSED') return zooKeeperCodes.SESSION_EXPIRED;
    if (this.#state === 'AUTH_FAILED') return zooKeeperCodes.AUTH_FAILED;
    return zooKeeperCodes.CONNECTION_LOSS;
  }
}
