/**
 * A session and what outlives it: queues requests, sends them over one transport after another until they are
 * answered, notices silence, arms watches anew, turns expiry into an event followed by a new session
 * (Kafka's ZooKeeperClient with the state machine of ZooKeeper's ClientCnxn). It knows nothing of bytes and sockets.
 *
 * The client never declares a session expired by itself, only a server's answer to a handshake does.
 */
import { assert } from '../system/assert.ts';
import type { Timer } from '../system/clock.ts';
import type { Logger } from '../system/logger.ts';
import type { System } from '../system/system.ts';
import { stripChroot } from './chroot.ts';
import type { ConnectString } from './connect-string.ts';
import { MultiError, ZooKeeperError, type ZooKeeperErrorName } from './errors.ts';
import { ServerCycle } from './server-cycle.ts';
import type { SessionHandlers, WatchEvent } from './session.ts';
import type {
  Answer,
  AnyReply,
  Credential,
  OpenTransport,
  Replies,
  Request,
  RequestOf,
  RequestType,
  SessionGrant,
  Transport,
  TransportHandlers,
} from './transport.ts';
import type { WatchRegistry } from './watch-registry.ts';
import { requestFrame } from './wire-records.ts';

export interface SessionLoopOptions extends ConnectString {
  readonly sessionTimeoutMs: number;
  readonly credentials: readonly Credential[];
  /** Requests sent and not yet answered; more wait here. */
  readonly inFlightMax: number;
  readonly logger: Logger;
}

/** How long `close` waits for the server to confirm before it just drops the connection. */
const CLOSE_WAIT_MS_MAX = 2000;
/** Attempts to connect that fit into the session's timeout. */
const TRIES_MIN = 3;
/** Pause before a new session after refused credentials. */
const AUTH_RETRY_MS = 1000;

/**
 * A server closes the connection at a request above its limit (jute.maxbuffer; this one, unless it was raised). Such a
 * request is given up when it was under way for this many losses; others would wait behind it for ever.
 */
const REQUEST_BYTES_SAFE = 0xfffff;
const LARGE_REQUEST_LOSSES_MAX = 2;

const LENGTH_BYTES = 4;

interface Call extends Answer {
  readonly request: Request;
  /** Connections that ended while it was under way. */
  lossCount: number;
}

/** `ending`: the session has expired and the handlers of that event are at work. */
type State = 'connecting' | 'connected' | 'ending' | 'closed';

export class SessionLoop {
  readonly #system: System;
  readonly #openTransport: OpenTransport;
  readonly #registry: WatchRegistry;
  readonly #options: SessionLoopOptions;
  readonly #servers: ServerCycle;
  readonly #sessionHandlers = new Set<SessionHandlers>();
  #state: State = 'connecting';
  /** The connection that is being made or stands; handlers of any other are ignored. */
  #transport: Transport | null = null;
  #session: { readonly id: bigint; readonly password: Buffer } | null = null;
  /** What the server has granted; until then, what is asked for. */
  #timeoutMs: number;
  #lastZxid = 0n;
  #queue: Call[] = [];
  /** Sent over `#transport`, in order. */
  readonly #inFlight = new Set<Call>();
  #hasHeard = false;
  /** Why the latest connection could not be made or was lost. */
  #lostReason: string | undefined;
  #timer: Timer | null = null;
  #start: { resolve(): void; reject(error: ZooKeeperError): void } | null = null;
  #closing: Promise<void> | null = null;
  #onClosed: (() => void) | null = null;

  constructor(
    system: System,
    openTransport: OpenTransport,
    registry: WatchRegistry,
    options: SessionLoopOptions,
  ) {
    this.#system = system;
    this.#openTransport = openTransport;
    this.#registry = registry;
    this.#options = options;
    this.#timeoutMs = options.sessionTimeoutMs;
    this.#servers = new ServerCycle(system.random, options.servers);
  }

  get sessionId(): bigint {
    return this.#session?.id ?? 0n;
  }

  get isConnected(): boolean {
    return this.#state === 'connected';
  }

  /** Opens the first session; rejects, with everything closed, when that takes longer than `timeoutMs`. */
  async start(timeoutMs: number): Promise<void> {
    const started = new Promise<void>((resolve, reject) => {
      this.#start = { resolve, reject };
    });
    const deadline = this.#system.clock.setTimer(timeoutMs, () => {
      const error = new ZooKeeperError('OPERATION_TIMEOUT', this.#servers.text);
      this.#start?.reject(Object.assign(error, { cause: this.#lostReason }));
    });
    this.#connect();
    try {
      await started;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      this.#start = null;
      deadline.cancel();
    }
  }

  /** Sends a request (whole paths) and resolves with its answer, over as many connections as it takes. */
  call<T extends RequestType>(request: RequestOf<T>): Promise<Replies[T]> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'ending' || this.#state === 'closed') {
        reject(this.#errorOf(request, 'SESSION_EXPIRED'));
        return;
      }
      const call: Call = {
        request,
        lossCount: 0,
        resolve: (reply) => {
          if (!this.#inFlight.delete(call)) return;
          this.#armFrom(request, reply);
          // The transport answers a request with the reply of its type; the union cannot say so.
          resolve(reply as Replies[T]);
          this.#pump();
        },
        reject: (code, index) => {
          this.#inFlight.delete(call);
          reject(this.#errorOf(request, code, index));
          this.#pump();
        },
      };
      this.#queue.push(call);
      this.#pump();
    });
  }

  /** Registers for changes of the session's state; returns what ends it. */
  onSession(handlers: SessionHandlers): () => void {
    this.#sessionHandlers.add(handlers);
    return () => void this.#sessionHandlers.delete(handlers);
  }

  /** Ends the session at the server if it can be reached; requests without an answer are rejected. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const transport = this.#transport;
    const wasConnected = this.#state === 'connected';
    this.#state = 'closed';
    this.#timer?.cancel();
    this.#rejectCalls(this.#queue.splice(0), 'SESSION_EXPIRED');
    if (transport !== null && wasConnected) {
      // Requests sent before are answered before the session goes.
      await new Promise<void>((resolve) => {
        this.#onClosed = resolve;
        this.#timer = this.#system.clock.setTimer(CLOSE_WAIT_MS_MAX, resolve);
        transport.closeSession();
      });
      this.#timer?.cancel();
    }
    this.#transport = null;
    transport?.abandon();
    this.#rejectCalls([...this.#inFlight], 'SESSION_EXPIRED');
  }

  #connect(): void {
    assert(this.#transport === null, 'one connection at a time');
    const { host, port } = this.#servers.next();
    const { sessionTimeoutMs, credentials, servers } = this.#options;
    // A server that is just starting may accept and stay silent; the session must outlive finding that out.
    const triesMin = Math.max(TRIES_MIN, servers.length);
    const connectTimeoutMs = Math.max(1, Math.floor(this.#timeoutMs / triesMin));
    const transport: Transport = this.#openTransport(
      this.#system,
      {
        host,
        port,
        sessionTimeoutMs,
        connectTimeoutMs,
        session: this.#session,
        // A new session may start at any server, an old one only where its past is known.
        lastZxid: this.#session === null ? 0n : this.#lastZxid,
        credentials,
      },
      this.#handlers(() => this.#transport === transport),
    );
    this.#transport = transport;
    // A server may accept and then say nothing; neither transport notices that by itself.
    this.#setTimer(connectTimeoutMs, () => this.#drop(`no session within ${connectTimeoutMs} ms`));
  }

  #handlers(isCurrent: () => boolean): TransportHandlers {
    return {
      connected: (grant) => isCurrent() && this.#connected(grant),
      expired: () => isCurrent() && void this.#endSession('SESSION_EXPIRED', 0),
      authFailed: () => isCurrent() && this.#authFailed(),
      lost: (reason) => isCurrent() && this.#lost(reason),
      watchEvent: (event) => isCurrent() && this.#dispatch(event),
      heard: (zxid) => {
        if (!isCurrent()) return;
        this.#hasHeard = true;
        if (zxid !== null && zxid > this.#lastZxid) this.#lastZxid = zxid;
      },
    };
  }

  #connected(grant: SessionGrant): void {
    if (this.#state !== 'connecting') return;
    const isResumed = this.#session !== null;
    this.#session = { id: grant.id, password: grant.password };
    this.#timeoutMs = grant.timeoutMs;
    this.#state = 'connected';
    this.#servers.reset();
    this.#hasHeard = true;
    this.#scheduleProbe(Math.max(1, Math.floor(grant.timeoutMs / 3)));
    const armed = this.#registry.armed(this.#lastZxid);
    if (armed !== null) this.#transport?.rearm(armed);
    this.#pump();
    const session = `0x${grant.id.toString(16)}`;
    this.#options.logger.info({ session, timeoutMs: grant.timeoutMs, isResumed }, 'connected');
    if (isResumed) this.#notify((handlers) => handlers.connected?.());
    else if (this.#start !== null) this.#start.resolve();
    else this.#notify((handlers) => handlers.established?.());
  }

  /** Every third of the timeout something must have come; a probe sees to it on an idle connection. */
  #scheduleProbe(intervalMs: number): void {
    this.#setTimer(intervalMs, () => {
      const transport = this.#transport;
      // Judged behind the I/O at hand: after a stall of ours the answer may be waiting in the socket.
      this.#system.clock.defer(() => {
        if (this.#state !== 'connected' || this.#transport !== transport) return;
        if (!this.#hasHeard) return this.#drop(`no answer within ${intervalMs} ms`);
        this.#hasHeard = false;
        this.#transport?.probe();
        this.#scheduleProbe(intervalMs);
      });
    });
  }

  #setTimer(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#system.clock.setTimer(delayMs, callback);
  }

  #drop(reason: string): void {
    this.#transport?.abandon();
    this.#lost(reason);
  }

  #lost(reason: string): void {
    this.#transport = null;
    if (this.#state === 'closed') {
      this.#onClosed?.();
      return;
    }
    const wasConnected = this.#state === 'connected';
    this.#state = 'connecting';
    const tooLarge = [...this.#inFlight].filter(
      (call) => ++call.lossCount >= LARGE_REQUEST_LOSSES_MAX && isLarge(call.request),
    );
    for (const call of tooLarge) this.#inFlight.delete(call);
    this.#queue = [...this.#inFlight, ...this.#queue];
    this.#inFlight.clear();
    this.#lostReason = reason;
    this.#options.logger.debug({ reason }, 'connection lost');
    if (wasConnected) {
      this.#options.logger.warn({ reason }, 'disconnected from ZooKeeper');
      this.#notify((handlers) => handlers.disconnected?.());
    }
    this.#setTimer(this.#servers.delayMs(), () => this.#connect());
    this.#rejectCalls(tooLarge, 'CONNECTION_LOSS');
  }

  #authFailed(): void {
    if (this.#start === null) return void this.#endSession('AUTH_FAILED', AUTH_RETRY_MS);
    this.#drop('authentication failed');
    this.#start.reject(new ZooKeeperError('AUTH_FAILED', this.#servers.text));
  }

  async #endSession(code: ZooKeeperErrorName, pauseMs: number): Promise<void> {
    if (this.#session === null || this.#state === 'closed') return this.#drop(code);
    this.#options.logger.warn({ session: `0x${this.#session.id.toString(16)}`, code }, 'expired');
    this.#timer?.cancel();
    this.#transport?.abandon();
    this.#transport = null;
    this.#session = null;
    this.#state = 'ending';
    this.#registry.disarm();
    this.#rejectCalls([...this.#inFlight, ...this.#queue.splice(0)], code);
    for (const handlers of [...this.#sessionHandlers]) {
      try {
        await handlers.expired?.();
      } catch (error) {
        this.#options.logger.error({ error }, 'a handler of session expiry failed');
      }
    }
    // `close` may have come while the handlers were at work.
    if ((this.#state as State) === 'closed') return;
    this.#state = 'connecting';
    this.#lastZxid = 0n;
    this.#setTimer(pauseMs, () => this.#connect());
  }

  #pump(): void {
    const { inFlightMax } = this.#options;
    while (this.#state === 'connected' && this.#inFlight.size < inFlightMax) {
      const call = this.#queue.shift();
      if (call === undefined) return;
      this.#inFlight.add(call);
      this.#transport?.send(call.request, call);
    }
  }

  /** Notes the watch that a read has armed at the server; before any event of it can come. */
  #armFrom(request: Request, reply: AnyReply): void {
    if (request.type === 'exists' && request.watch) {
      const stat = reply as Replies['exists'];
      this.#registry.armNode(request.path, stat === null ? null : stat.mzxid);
    } else if (request.type === 'getData' && request.watch) {
      this.#registry.armNode(request.path, (reply as Replies['getData']).stat.mzxid);
    } else if (request.type === 'getChildren' && request.watch) {
      this.#registry.armChildren(request.path, (reply as Replies['getChildren']).stat.pzxid);
    }
  }

  #dispatch(event: WatchEvent): void {
    const local = { type: event.type, path: stripChroot(this.#options.chroot, event.path) };
    for (const handler of this.#registry.take(event)) {
      try {
        handler(local);
      } catch (error) {
        this.#options.logger.error({ error, path: local.path }, 'a watch handler failed');
      }
    }
  }

  #notify(tell: (handlers: SessionHandlers) => void): void {
    for (const handlers of [...this.#sessionHandlers]) {
      try {
        tell(handlers);
      } catch (error) {
        this.#options.logger.error({ error }, 'a session handler failed');
      }
    }
  }

  #rejectCalls(calls: readonly Call[], code: ZooKeeperErrorName): void {
    for (const call of calls) call.reject(code);
  }

  #errorOf(request: Request, code: ZooKeeperErrorName, index = -1): ZooKeeperError {
    const { chroot } = this.#options;
    if (request.type !== 'multi') {
      return new ZooKeeperError(code, stripChroot(chroot, request.path));
    }
    const step = request.operations[index];
    if (step === undefined) return new ZooKeeperError(code);
    return new MultiError(code, index, stripChroot(chroot, step.path));
  }
}

const isLarge = (request: Request): boolean =>
  requestFrame(0, request).length - LENGTH_BYTES > REQUEST_BYTES_SAFE;
