/**
 * One connection of one session over System.net: the handshake, pipelined requests, pings, setWatches
 * (ZooKeeper's ClientCnxn with its records). An answer out of order or bytes that make no sense end it.
 */
import type { Connection } from '../system/net.ts';
import type { System } from '../system/system.ts';
import { zooKeeperErrorName } from './errors.ts';
import { FrameCutter } from './frames.ts';
import { JuteError, JuteReader } from './jute.ts';
import {
  connectRequest,
  connectResponse,
  encodeFrame,
  encodeRequest,
  replyHeader,
  requests,
  watchEventTypes,
  watcherEvent,
  xids,
} from './records.ts';
import type { WatchEventType } from './session.ts';
import type {
  Answer,
  OpenTransport,
  Request,
  Target,
  Transport,
  TransportHandlers,
} from './transport.ts';
import type { ArmedWatches } from './watch-registry.ts';
import { readOutcome, requestFrame } from './wire-records.ts';

/** Kafka raises its client's limit to this. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;
/** Paths of one setWatches packet; a server refuses frames above its own limit. */
const SET_WATCHES_BYTES_MAX = 128 * 1024;
const XID_MAX = 0x7fff_ffff;
const PASSWORD_BYTES = 16;

const eventTypes = new Map<number, WatchEventType>(
  Object.entries(watchEventTypes).map(([name, code]) => [code, name as WatchEventType]),
);

/** `request` null: only the header of the answer matters (setWatches, closeSession). */
interface Waiting {
  readonly xid: number;
  readonly request: Request | null;
  readonly answer: Answer | null;
}

export const openWireTransport: OpenTransport = (system, target, handlers) => {
  const transport = new WireTransport(target, handlers);
  void transport.open(system);
  return transport;
};

class WireTransport implements Transport {
  readonly #target: Target;
  readonly #handlers: TransportHandlers;
  readonly #frames = new FrameCutter(FRAME_BYTES_MAX);
  /** What answers are due, in order. */
  #waiting: Waiting[] = [];
  #connection: Connection | null = null;
  #isEstablished = false;
  #isGone = false;
  #xid = 0;

  constructor(target: Target, handlers: TransportHandlers) {
    this.#target = target;
    this.#handlers = handlers;
  }

  async open(system: System): Promise<void> {
    const { host, port, connectTimeoutMs, lastZxid, sessionTimeoutMs, session } = this.#target;
    try {
      this.#connection = await system.net.connect({ host, port, timeoutMs: connectTimeoutMs });
    } catch (error) {
      return this.#lose(error instanceof Error ? error.message : String(error));
    }
    if (this.#isGone) return this.#connection.destroy();
    this.#connection.start({
      data: (chunk) => this.#take(chunk),
      end: () => this.#lose('the server closed the connection'),
      close: (error) => this.#lose(error?.message ?? 'the connection was closed'),
    });
    this.#write(
      encodeFrame((writer) =>
        connectRequest.write(writer, {
          protocolVersion: 0,
          lastZxidSeen: lastZxid,
          timeoutMs: sessionTimeoutMs,
          sessionId: session?.id ?? 0n,
          password: session?.password ?? Buffer.alloc(PASSWORD_BYTES),
          readOnly: false,
        }),
      ),
    );
  }

  send(request: Request, answer: Answer): void {
    const xid = this.#expect(request, answer);
    this.#write(requestFrame(xid, request));
  }

  probe(): void {
    this.#write(encodeRequest(xids.ping, 'ping', requests.ping, {}));
  }

  rearm(watches: ArmedWatches): void {
    for (const { data, exist, child } of setWatchesBatches(watches)) {
      const xid = this.#expect(null, null);
      const body = { relativeZxid: watches.lastZxid, data, exist, child };
      this.#write(encodeRequest(xid, 'setWatches', requests.setWatches, body));
    }
  }

  closeSession(): void {
    if (!this.#isEstablished) return this.#lose('closed');
    const xid = this.#expect(null, null);
    this.#write(encodeRequest(xid, 'closeSession', requests.closeSession, {}));
  }

  abandon(): void {
    this.#isGone = true;
    this.#waiting = [];
    this.#connection?.destroy();
  }

  #expect(request: Request | null, answer: Answer | null): number {
    this.#xid = this.#xid === XID_MAX ? 1 : this.#xid + 1;
    this.#waiting.push({ xid: this.#xid, request, answer });
    return this.#xid;
  }

  #write(frame: Buffer): void {
    if (!this.#isGone) this.#connection?.write([frame]);
  }

  #lose(reason: string): void {
    if (this.#isGone) return;
    this.abandon();
    this.#handlers.lost(reason);
  }

  #take(chunk: Buffer): void {
    this.#frames.push(chunk);
    try {
      while (!this.#isGone) {
        const payload = this.#frames.next();
        if (payload === null) return;
        if (payload === 'refused') return this.#lose('a frame of a length that cannot be');
        if (this.#isEstablished) this.#takeReply(new JuteReader(payload));
        else this.#takeGrant(new JuteReader(payload));
      }
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.#lose(error.message);
    }
  }

  #takeGrant(reader: JuteReader): void {
    const { timeoutMs, sessionId, password } = connectResponse.read(reader);
    if (timeoutMs <= 0) {
      this.abandon();
      this.#handlers.expired();
      return;
    }
    this.#isEstablished = true;
    // Behind the handshake and before everything else, as the rights must hold for watches and requests.
    for (const { scheme, auth } of this.#target.credentials) {
      this.#write(encodeRequest(xids.auth, 'auth', requests.auth, { type: 0, scheme, auth }));
    }
    this.#handlers.heard(null);
    this.#handlers.connected({
      id: sessionId,
      password: Buffer.from(password ?? []),
      timeoutMs,
    });
  }

  #takeReply(reader: JuteReader): void {
    const { xid, zxid, code } = replyHeader.read(reader);
    const isOrdinary = xid >= 0;
    this.#handlers.heard(isOrdinary && zxid > 0n ? zxid : null);
    if (xid === xids.notification) return this.#takeEvent(reader);
    if (xid === xids.ping) return;
    if (xid === xids.auth) {
      if (code === 0) return;
      this.abandon();
      this.#handlers.authFailed();
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting?.xid !== xid) return this.#lose(`an answer to ${xid} instead of ${waiting?.xid}`);
    const { request, answer } = waiting;
    if (request === null || answer === null) return;
    const outcome = readOutcome(request, code, reader);
    if (outcome.isOk) answer.resolve(outcome.reply);
    else answer.reject(zooKeeperErrorName(outcome.code), outcome.index);
  }

  #takeEvent(reader: JuteReader): void {
    const { type, path } = watcherEvent.read(reader);
    const name = eventTypes.get(type);
    if (name !== undefined) this.#handlers.watchEvent({ type: name, path });
  }
}

interface Batch {
  readonly data: string[];
  readonly exist: string[];
  readonly child: string[];
}

/** The watched paths cut into packets that any server takes. */
const setWatchesBatches = (watches: ArmedWatches): Batch[] => {
  let batch: Batch = { data: [], exist: [], child: [] };
  const batches = [batch];
  let bytes = 0;
  const put = (kind: keyof Batch, path: string): void => {
    if (bytes > SET_WATCHES_BYTES_MAX) {
      batch = { data: [], exist: [], child: [] };
      batches.push(batch);
      bytes = 0;
    }
    batch[kind].push(path);
    bytes += 4 + Buffer.byteLength(path);
  };
  for (const path of watches.data.keys()) put('data', path);
  for (const path of watches.absent) put('exist', path);
  for (const path of watches.children.keys()) put('child', path);
  return batches;
};
