/**
 * One connection of one session on the wire, over System.net (what ZooKeeper's ClientCnxn.SendThread does between two
 * losses): handshake, credentials, frames, xids, answers in the order of requests, notifications. It never comes back:
 * whoever owns it opens another one. An answer out of order or bytes that make no sense end it.
 */
import type { Connection } from '../system/net.ts';
import type { System } from '../system/system.ts';
import { FrameCutter } from './frames.ts';
import { JuteError, JuteReader } from './jute.ts';
import {
  connectRequest,
  connectResponse,
  encodeFrame,
  encodeRequest,
  replyHeader,
  requests,
  watchEventOf,
  watcherEvent,
  xids,
} from './records.ts';
import type { Target, TransportHandlers } from './transport.ts';
import { setWatchesRequests, type WatchesToRestore } from './wire-watches.ts';

/** `auth` null: a scheme that needs no proof. */
export interface WireCredential {
  readonly scheme: string;
  readonly auth: Buffer | null;
}

export interface WireOptions extends Omit<Target, 'credentials'> {
  /** Looked at when the session is granted: what was added until then counts. */
  readonly credentials: readonly WireCredential[];
  /** Whether a server that has lost its quorum will do. */
  readonly readOnly: boolean;
  /** Longer frames of the server end the connection. */
  readonly frameBytesMax: number;
}

export interface WireHandlers extends TransportHandlers {
  /** The server has taken the connection; whether it grants the session is still to come. */
  reached?(): void;
  /** As in TransportHandlers; `dialError` is what was thrown when no connection could be made at all. */
  lost(reason: string, dialError?: unknown): void;
}

/** Takes an answer: `body` stands behind the header, whose error is `code`. A JuteError thrown ends the connection. */
export type Settle = (code: number, body: JuteReader) => void;

const XID_MAX = 0x7fff_ffff;
const PASSWORD_BYTES = 16;

/** For answers of which only the header matters. */
const ignore: Settle = () => {};

/** Dials and asks for the session; never calls a handler before it has returned. */
export const openWireConnection = (
  system: System,
  options: WireOptions,
  handlers: WireHandlers,
): WireConnection => {
  const connection = new WireConnection(options, handlers);
  void connection.open(system);
  return connection;
};

export class WireConnection {
  readonly #options: WireOptions;
  readonly #handlers: WireHandlers;
  readonly #frames: FrameCutter;
  /** What answers are due, in order. */
  #waiting: { readonly xid: number; readonly settle: Settle }[] = [];
  #connection: Connection | null = null;
  #isEstablished = false;
  #isGone = false;
  #xid = 0;

  constructor(options: WireOptions, handlers: WireHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#frames = new FrameCutter(options.frameBytesMax);
  }

  async open(system: System): Promise<void> {
    const { host, port, connectTimeoutMs } = this.#options;
    let connection: Connection;
    try {
      connection = await system.net.connect({ host, port, timeoutMs: connectTimeoutMs });
    } catch (error) {
      return this.#lose(error instanceof Error ? error.message : String(error), error);
    }
    if (this.#isGone) return connection.destroy();
    this.#connection = connection;
    connection.start({
      data: (chunk) => this.#take(chunk),
      end: () => this.#lose('the server closed the connection'),
      close: (error) => this.#lose(error?.message ?? 'the connection was closed'),
    });
    this.#handlers.reached?.();
    this.#askForSession();
  }

  /** Sends a request once the session stands; `settle` is not called when the connection goes before the answer. */
  send(encode: (xid: number) => Buffer, settle: Settle): void {
    const xid = this.#xid === XID_MAX ? 1 : this.#xid + 1;
    const frame = encode(xid);
    this.#xid = xid;
    this.#waiting.push({ xid, settle });
    this.write(frame);
  }

  /** Sends a whole frame, to which no answer is awaited. */
  write(frame: Buffer): void {
    if (!this.#isGone) this.#connection?.write([frame]);
  }

  /** Proves an identity on a session that stands. */
  authenticate({ scheme, auth }: WireCredential): void {
    this.write(encodeRequest(xids.auth, 'auth', requests.auth, { type: 0, scheme, auth }));
  }

  /** The cheapest request there is; its answer shows as `heard`. */
  ping(): void {
    this.write(encodeRequest(xids.ping, 'ping', requests.ping, {}));
  }

  /** Arms watches of an earlier connection; what was missed meanwhile comes as events before any later answer. */
  setWatches(watches: WatchesToRestore): void {
    // With ordinary xids: the one set aside for this request is only ever sent by the C client.
    for (const encode of setWatchesRequests(watches)) this.send(encode, ignore);
  }

  /** Asks the server to end the session; `lost` tells when that is done. */
  closeSession(): void {
    if (!this.#isEstablished) return this.#lose('closed');
    const { closeSession } = requests;
    this.send((xid) => encodeRequest(xid, 'closeSession', closeSession, {}), ignore);
  }

  /** Drops the connection at once; no handler and no `settle` is called any more. */
  abandon(): void {
    this.#isGone = true;
    this.#waiting = [];
    this.#connection?.destroy();
  }

  #askForSession(): void {
    const { lastZxid, sessionTimeoutMs, session, readOnly } = this.#options;
    const request = {
      protocolVersion: 0,
      lastZxidSeen: lastZxid,
      timeoutMs: sessionTimeoutMs,
      sessionId: session?.id ?? 0n,
      password: session?.password ?? Buffer.alloc(PASSWORD_BYTES),
      readOnly,
    };
    this.write(encodeFrame((writer) => connectRequest.write(writer, request)));
  }

  #lose(reason: string, dialError?: unknown): void {
    if (this.#isGone) return;
    this.abandon();
    this.#handlers.lost(reason, dialError);
  }

  #take(chunk: Buffer): void {
    // A large answer may take its time; its pieces are signs of life as well.
    if (this.#isEstablished && !this.#isGone) this.#handlers.heard(null);
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
    // Before watches and requests, for which the rights must hold.
    for (const credential of this.#options.credentials) this.authenticate(credential);
    this.#handlers.heard(null);
    this.#handlers.connected({
      id: sessionId,
      password: Buffer.from(password ?? []),
      timeoutMs,
    });
  }

  #takeReply(reader: JuteReader): void {
    const { xid, zxid, code } = replyHeader.read(reader);
    if (xid === xids.notification) return this.#takeEvent(reader);
    if (xid === xids.ping) return;
    if (xid === xids.auth) {
      if (code === 0) return;
      this.abandon();
      this.#handlers.authFailed();
      return;
    }
    if (xid >= 0 && zxid > 0n) this.#handlers.heard(zxid);
    const waiting = this.#waiting.shift();
    if (waiting?.xid !== xid) return this.#lose(`an answer to ${xid} instead of ${waiting?.xid}`);
    waiting.settle(code, reader);
  }

  #takeEvent(reader: JuteReader): void {
    const { type, path } = watcherEvent.read(reader);
    const name = watchEventOf(type);
    if (name !== undefined) this.#handlers.watchEvent({ type: name, path });
  }
}
