/**
 * The server without its sockets and files: handshakes, requests and expiry go in, transactions to be logged
 * and frames to be sent come out, in an order the shell must keep. A write is applied at once; nothing that
 * could show it may leave before it is on disk, which is the shell's business (server.ts). Pure: times are
 * handed in. Standalone ZooKeeper 3.8; deviations are said where they are.
 */
import { zooKeeperCodes as codes } from '../errors.ts';
import { decoded, JuteReader, type JuteWriter } from '../jute.ts';
import { multiRequest } from '../multi-records.ts';
import {
  type ConnectRequest,
  connectRequest,
  connectResponse,
  encodeFrame,
  encodeNotification,
  encodeReply,
  type OpName,
  opName,
  requests,
  responses,
  xids,
} from '../records.ts';
import type { Stat, WatchEventType } from '../session.ts';
import { authenticate, type Identity, mayRead } from './acl.ts';
import {
  appliedStep,
  asMeant,
  failedStep,
  isMultiRead,
  isMultiWrite,
  readResults,
  writeResults,
} from './multi.ts';
import type { Excess } from './quotas.ts';
import { type Answer, isReadOp, type Reader, readHandlers, readStep } from './reads.ts';
import { prepareMulti, prepareWrite, type Requester, type WriteOp } from './requests.ts';
import {
  firstSessionId,
  isPassword,
  negotiateTimeout,
  passwordOf,
  SessionTracker,
} from './sessions.ts';
import type { Transaction, TransactionBody } from './transactions.ts';
import type { DataTree, TreeEvent } from './tree.ts';
import { Watches } from './watches.ts';

/** A client's connection as the core sees it; the shell owns the socket behind it. */
export interface Peer {
  readonly address: string;
  identities: readonly Identity[];
  /** 0n until the handshake is done. */
  sessionId: bigint;
  timeoutMs: number;
  /** Set when the connection is to be closed: nothing it still sends counts. */
  isClosed: boolean;
}

export interface Output<P> {
  /** To be made durable before anything sent from now on leaves. */
  log(transaction: Transaction): void;
  send(peer: P, frame: Buffer): void;
  /** Closes a connection once what was sent to it has gone out. */
  close(peer: P): void;
  /** A quota is exceeded; the write is refused if the limit is a hard one. */
  warn(excess: Excess): void;
}

export interface CoreOptions {
  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** `super:<base64 SHA-1>` of the one who bypasses access lists. */
  readonly superDigest: string | null;
  /** Whether nodes with a time to live may be made (extendedTypesEnabled). */
  readonly extendedTypesEnabled: boolean;
  /** Whether quotas do more than count (enforceQuota). */
  readonly enforceQuota: boolean;
  /** Whether reconfig is let through, to be told that a single node has none (reconfigEnabled). */
  readonly reconfigEnabled: boolean;
  /** How often containers and TTL nodes are looked through. */
  readonly containerCheckIntervalMs: number;
}

/** Wall time stamps nodes; elapsed time decides what expires. */
export interface Instant {
  readonly nowMs: number;
  readonly elapsedMs: number;
}

/** A connection with more gives up its place: each of them is looked at with every check. */
const IDENTITIES_MAX = 1000;

/** More are left for the next check, so that none takes long. */
const REMOVED_PER_CHECK_MAX = 10_000;

export class ServerCore<P extends Peer> {
  readonly tree: DataTree;
  readonly sessions: SessionTracker;
  readonly watches = new Watches<P>();
  readonly #output: Output<P>;
  readonly #options: CoreOptions;
  readonly #peerBySession = new Map<bigint, P>();
  #lastSessionId: bigint;
  #nextContainerCheckMs: number;

  constructor(tree: DataTree, output: Output<P>, options: CoreOptions, now: Instant) {
    this.tree = tree;
    this.#output = output;
    this.#options = options;
    this.sessions = new SessionTracker(options.tickTimeMs, now.elapsedMs);
    for (const [id, timeoutMs] of tree.sessions) this.sessions.add(id, timeoutMs, now.elapsedMs);
    this.#lastSessionId = firstSessionId(now.nowMs, tree.sessions.keys());
    this.#nextContainerCheckMs = now.elapsedMs + options.containerCheckIntervalMs;
    // Nodes whose owner is not among the sessions cannot be left to stand for ever.
    for (const owner of [...tree.ephemerals.keys()]) {
      if (!tree.sessions.has(owner)) this.#closeSession(owner, 0, now);
    }
  }

  /** The first frame of a connection. */
  connect(peer: P, frame: Buffer, now: Instant): void {
    const request = decoded(() => connectRequest.read(new JuteReader(frame)));
    if (request === null) return this.#close(peer);
    const isKnown = this.sessions.has(request.sessionId);
    if (request.lastZxidSeen > this.tree.lastZxid) {
      // The client has seen what we have not. Deviation: a session we do not know either is told that it
      // has expired, so that clients recover from a wiped data directory; ZooKeeper lets them try for ever.
      if (request.sessionId === 0n || isKnown) return this.#close(peer);
    }
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#options;
    const timeoutMs = negotiateTimeout(request.timeoutMs, minSessionTimeoutMs, maxSessionTimeoutMs);
    if (request.sessionId === 0n) {
      this.#lastSessionId += 1n;
      const id = this.#lastSessionId;
      this.sessions.add(id, timeoutMs, now.elapsedMs);
      this.#commit(id, 0, { type: 'createSession', timeoutMs }, now);
      this.#attach(peer, id, timeoutMs, request);
    } else if (isKnown && isPassword(request.password, request.sessionId)) {
      // Deviation: the password is checked before the session's former connection is closed.
      const former = this.#peerBySession.get(request.sessionId);
      if (former !== undefined) this.#close(former);
      this.sessions.touch(request.sessionId, timeoutMs, now.elapsedMs);
      this.#attach(peer, request.sessionId, timeoutMs, request);
    } else {
      this.#answerConnect(peer, 0n, 0, request);
      this.#close(peer);
    }
  }

  /** A frame after the handshake. */
  request(peer: P, frame: Buffer, now: Instant): void {
    if (peer.isClosed) return;
    if (frame.length < 8) return this.#close(peer);
    const body = new JuteReader(frame);
    const sentXid = body.int();
    const op = opName(body.int());
    // A ping is answered under its own xid, whatever it came with.
    const xid = op === 'ping' ? xids.ping : sentXid;
    if (op === 'auth') return this.#authenticate(peer, xid, body);
    if (op === 'sasl') return this.#refuseSasl(peer, xid);
    // A session that has just expired: its connection is about to go, too.
    if (!this.sessions.touch(peer.sessionId, peer.timeoutMs, now.elapsedMs)) return;
    const answer = this.#answer(peer, xid, op, body, now);
    if (answer === null) {
      this.#output.send(peer, encodeReply(xid, -1n, codes.UNIMPLEMENTED));
      return this.#close(peer);
    }
    const { lastZxid } = this.tree;
    this.#output.send(
      peer,
      typeof answer === 'number'
        ? encodeReply(xid, lastZxid, answer)
        : encodeReply(xid, lastZxid, 0, answer),
    );
    if (op === 'closeSession') this.#close(peer);
  }

  /** Expires sessions, and removes containers that are empty again and nodes that have outlived their TTL. */
  sweep(now: Instant): void {
    for (const id of this.sessions.expire(now.elapsedMs)) {
      this.#closeSession(id, 0, now);
      const peer = this.#peerBySession.get(id);
      if (peer !== undefined) this.#close(peer);
    }
    if (now.elapsedMs < this.#nextContainerCheckMs) return;
    this.#nextContainerCheckMs = now.elapsedMs + this.#options.containerCheckIntervalMs;
    // One that has lost its last child in this check waits for the next one.
    const paths = [...this.tree.abandoned(now.nowMs)].slice(0, REMOVED_PER_CHECK_MAX);
    for (const path of paths) this.#commit(0n, 0, { type: 'deleteContainer', path }, now);
  }

  /** The connection is gone; its session lives on until it expires. */
  disconnected(peer: P): void {
    peer.isClosed = true;
    this.watches.removeWatcher(peer);
    if (this.#peerBySession.get(peer.sessionId) === peer) {
      this.#peerBySession.delete(peer.sessionId);
    }
  }

  #close(peer: P): void {
    if (peer.isClosed) return;
    this.disconnected(peer);
    this.#output.close(peer);
  }

  #attach(peer: P, sessionId: bigint, timeoutMs: number, request: ConnectRequest): void {
    peer.sessionId = sessionId;
    peer.timeoutMs = timeoutMs;
    this.#peerBySession.set(sessionId, peer);
    this.#answerConnect(peer, sessionId, timeoutMs, request);
  }

  /** `sessionId` 0n says that the session has expired. The last byte is there if the client sent its own. */
  #answerConnect(peer: P, sessionId: bigint, timeoutMs: number, request: ConnectRequest): void {
    const response = {
      protocolVersion: 0,
      timeoutMs,
      sessionId,
      password: sessionId === 0n ? Buffer.alloc(16) : passwordOf(sessionId),
      readOnly: request.readOnly === null ? null : false,
    };
    this.#output.send(
      peer,
      encodeFrame((writer) => connectResponse.write(writer, response)),
    );
  }

  #authenticate(peer: P, xid: number, body: JuteReader): void {
    const request = decoded(() => requests.auth.read(body));
    const proven =
      request === null
        ? []
        : authenticate(request.scheme, request.auth, {
            address: peer.address,
            superDigest: this.#options.superDigest,
          });
    if (proven.length === 0 || peer.identities.length >= IDENTITIES_MAX) {
      this.#output.send(peer, encodeReply(xid, 0n, codes.AUTH_FAILED));
      return this.#close(peer);
    }
    const known = new Set(peer.identities.map(({ scheme, id }) => `${scheme}:${id}`));
    const added = proven.filter(({ scheme, id }) => !known.has(`${scheme}:${id}`));
    peer.identities = [...peer.identities, ...added];
    this.#output.send(peer, encodeReply(xid, 0n, 0));
  }

  /** SASL is not offered. Deviation: ZooKeeper without SASL answers an empty token and stays connected. */
  #refuseSasl(peer: P, xid: number): void {
    const writeBody = (writer: JuteWriter): void => responses.sasl.write(writer, { token: null });
    this.#output.send(peer, encodeReply(xid, 0n, codes.AUTH_FAILED, writeBody));
    this.#close(peer);
  }

  /** The answer to a request; null for an operation that does not exist or is not a client's. */
  #answer(
    peer: P,
    xid: number,
    op: OpName | undefined,
    body: JuteReader,
    now: Instant,
  ): Answer | null {
    switch (op) {
      case 'create':
      case 'create2':
      case 'createContainer':
      case 'createTtl':
      case 'delete':
      case 'setData':
      case 'setAcl':
        return this.#write(peer, xid, op, body, now);
      case 'multi':
        return this.#multi(peer, xid, body, now);
      case 'multiRead':
        return this.#multiRead(peer, body);
      case 'reconfig':
        if (decoded(() => requests.reconfig.read(body)) === null) return codes.MARSHALLING_ERROR;
        return this.#refuse(
          peer,
          xid,
          this.#options.reconfigEnabled ? codes.UNIMPLEMENTED : codes.RECONFIG_DISABLED,
          now,
        );
      case 'closeSession':
        this.#closeSession(peer.sessionId, xid, now);
        return () => {};
      default:
        if (op === undefined || !isReadOp(op)) return null;
        return (
          decoded(() => readHandlers[op](this.tree, this.#reader(peer), body)) ??
          codes.MARSHALLING_ERROR
        );
    }
  }

  #write(peer: P, xid: number, op: WriteOp, body: JuteReader, now: Instant): Answer {
    const prepared = decoded(() => prepareWrite(this.tree, this.#requester(peer), op, body));
    if (prepared === null) return this.#refuse(peer, xid, codes.MARSHALLING_ERROR, now);
    if (typeof prepared === 'number') return this.#refuse(peer, xid, prepared, now);
    const [stat = null] = this.#commit(peer.sessionId, xid, prepared, now);
    switch (prepared.type) {
      case 'create':
      case 'createContainer':
      case 'createTtl': {
        const { path } = prepared;
        return op === 'create' || stat === null
          ? (writer) => responses.create.write(writer, { path })
          : (writer) => responses.create2.write(writer, { path, stat });
      }
      default:
        return stat === null ? () => {} : (writer) => responses.setData.write(writer, { stat });
    }
  }

  #requester({ sessionId, identities }: P): Requester {
    const { extendedTypesEnabled, enforceQuota } = this.#options;
    const isWithinQuota = (path: string, count: number, bytes: number): boolean => {
      const excesses = enforceQuota ? this.tree.quotas.excesses(path, { count, bytes }) : [];
      for (const excess of excesses) this.#output.warn(excess);
      return !excesses.some(({ isHard }) => isHard);
    };
    return { sessionId, identities, extendedTypesEnabled, isWithinQuota };
  }

  /** A failed multi is answered like one that was applied, with an error entry for every step. */
  #multi(peer: P, xid: number, body: JuteReader, now: Instant): Answer {
    const steps = decoded(() => multiRequest.read(body));
    const writes = steps?.filter(isMultiWrite).map(asMeant);
    if (!steps || !writes || writes.length < steps.length) {
      return this.#refuse(peer, xid, codes.MARSHALLING_ERROR, now);
    }
    const prepared = prepareMulti(this.tree, this.#requester(peer), writes);
    if ('code' in prepared) {
      this.#refuse(peer, xid, prepared.code, now);
      return writeResults(steps.map((_, index) => failedStep(index, prepared)));
    }
    const stats = this.#commit(peer.sessionId, xid, prepared, now);
    return writeResults(
      writes.map(({ type }, index) =>
        appliedStep(type, prepared.bodies[index] as TransactionBody, stats[index] ?? null),
      ),
    );
  }

  #multiRead(peer: P, body: JuteReader): Answer {
    const steps = decoded(() => multiRequest.read(body));
    const reads = steps?.filter(isMultiRead);
    if (!steps || !reads || reads.length < steps.length) return codes.MARSHALLING_ERROR;
    const reader = this.#reader(peer);
    return readResults(reads, (step) => readStep(this.tree, reader, step));
  }

  /** A refused write takes a zxid and is logged, as in ZooKeeper. */
  #refuse(peer: P, xid: number, code: number, now: Instant): number {
    this.#commit(peer.sessionId, xid, { type: 'error', code }, now);
    return code;
  }

  #closeSession(sessionId: bigint, xid: number, now: Instant): void {
    this.sessions.remove(sessionId);
    const paths = [...(this.tree.ephemerals.get(sessionId) ?? [])];
    this.#commit(sessionId, xid, { type: 'closeSession', paths }, now);
  }

  /** Logs and applies a transaction and tells the watchers, before anybody can be answered. */
  #commit(sessionId: bigint, cxid: number, body: TransactionBody, now: Instant): (Stat | null)[] {
    const zxid = this.tree.lastZxid + 1n;
    const transaction = { zxid, sessionId, cxid, timeMs: now.nowMs, body };
    this.#output.log(transaction);
    const events: TreeEvent[] = [];
    const stats = this.tree.apply(transaction, events);
    for (const event of events) {
      this.watches.fire(event, (peer, type, path, acl) => {
        if (mayRead(acl, peer.identities)) this.#notify(peer, type, path);
      });
    }
    return stats;
  }

  #notify(peer: P, type: WatchEventType, path: string): void {
    this.#output.send(peer, encodeNotification(type, path));
  }

  #reader(peer: P): Reader {
    return {
      sessionId: peer.sessionId,
      identities: peer.identities,
      watch: (kind, path) => this.watches.add(kind, path, peer),
      hasWatch: (kinds, path) => this.watches.has(kinds, path, peer),
      unwatch: (kinds, path) => this.watches.remove(kinds, path, peer),
      notify: (type, path) => this.#notify(peer, type, path),
    };
  }
}
