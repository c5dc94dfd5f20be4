/**
 * One connection of one session over the package node-zookeeper-client. A package client object serves exactly one
 * connection here and is thrown away with it: that, and cutting the frames before the package sees them, keeps
 * its defects out (lost callbacks, stale partial frames, recursive parsing, unknown codes, endless reconnects).
 *
 * The package opens its socket itself, the one exception to the rule that sockets come from System; under a
 * simulated System use wire-transport.ts.
 */
import zookeeper, {
  type Client,
  type Event,
  type Failure,
  type TransactionOp,
  type TransactionResult,
} from 'node-zookeeper-client';
import { AssertionError, assert } from '../system/assert.ts';
import type { System } from '../system/system.ts';
import { zooKeeperCodes, zooKeeperErrorName } from './errors.ts';
import { FrameCutter } from './frames.ts';
import { JuteError, JuteReader } from './jute.ts';
import { multiResultsOf, packageAcl, plainAcl, statOf, transactionOp } from './node-records.ts';
import { createFlags, replyHeader, watchEventOf } from './records.ts';
import type { WatchEvent, WatchEventType } from './session.ts';
import type {
  Answer,
  AnyReply,
  OpenTransport,
  Replies,
  Request,
  Target,
  Transport,
  TransportHandlers,
} from './transport.ts';
import type { ArmedWatches } from './watch-registry.ts';
import { readOutcome } from './wire-records.ts';

/** The package's connection states that concern us. */
const states = {
  disconnected: 0,
  connecting: 1,
  connected: 2,
  expired: -3,
  authFailed: -4,
} as const;

/** As large as the answers Kafka's own client takes. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;
/** The package does not wrap its request ids at 2^31; starting over is harmless, replies come in order. */
const XID_MAX = 0x7fff_0000;

const nobody: Answer = { resolve: () => {}, reject: () => {} };

interface Waiting {
  readonly request: Request;
  readonly answer: Answer;
}

export const openNodeTransport: OpenTransport = (system, target, handlers) =>
  new NodeTransport(system, target, handlers);

class NodeTransport implements Transport {
  readonly #system: System;
  readonly #handlers: TransportHandlers;
  readonly #client: Client;
  readonly #frames = new FrameCutter(FRAME_BYTES_MAX);
  readonly #parse: (frame: Buffer) => void;
  /** Whom the answers to come are for, in order. */
  readonly #waiting: Waiting[] = [];
  #isGone = false;

  constructor(system: System, target: Target, handlers: TransportHandlers) {
    this.#system = system;
    this.#handlers = handlers;
    this.#client = packageClient(target);
    const manager = this.#client.connectionManager;
    this.#parse = manager.onSocketData.bind(manager);
    manager.onSocketData = (chunk) => this.#take(chunk);
    manager.on('state', (state: number) => this.#onState(state));
    this.#client.connect();
  }

  send(request: Request, answer: Answer): void {
    const reject: Answer['reject'] = (code) => answer.reject(code);
    if (request.type === 'sync') {
      // The package has no sync; an empty multi passes the leader's queue as well and changes nothing.
      const resolve = (): void => answer.resolve(undefined);
      this.#send({ type: 'multi', operations: [] }, { resolve, reject });
    } else if (request.type === 'setData' && request.data === null) {
      // The package's setData cannot send null, its transaction can.
      const resolve = (reply: AnyReply): void => {
        const [result] = reply as Replies['multi'];
        assert(result?.type === 'setData', 'setData answers with a stat');
        answer.resolve(result.stat);
      };
      this.#send({ type: 'multi', operations: [request] }, { resolve, reject });
    } else {
      this.#send(request, answer);
    }
  }

  #send(request: Request, answer: Answer): void {
    const manager = this.#client.connectionManager;
    if (manager.xid > XID_MAX) manager.xid = 0;
    this.#waiting.push({ request, answer });
    try {
      this.#submit(request, answer);
    } catch (error) {
      // The package checks paths and sizes by throwing, before it queues anything.
      if (error instanceof AssertionError) throw error;
      this.#waiting.pop();
      answer.reject('BAD_ARGUMENTS');
    }
  }

  /** The package's own pings are put off by incoming bytes, so a cheap request serves. */
  probe(): void {
    this.send({ type: 'exists', path: '/', watch: false }, nobody);
  }

  /**
   * Reads every watched node again and compares: what setWatches does at the server, without its single packet
   * for all paths, which the package may make too large for any server.
   */
  rearm(watches: ArmedWatches): void {
    const report = (type: WatchEventType, path: string) => this.#report({ type, path });
    for (const [path, mzxid] of watches.data) {
      this.#readAgain({ type: 'exists', path, watch: true }, (reply) => {
        if (reply === null) report('deleted', path);
        else if ((reply as { mzxid: bigint }).mzxid !== mzxid) report('dataChanged', path);
      });
    }
    for (const path of watches.absent) {
      this.#readAgain({ type: 'exists', path, watch: true }, (reply) => {
        if (reply !== null) report('created', path);
      });
    }
    for (const [path, pzxid] of watches.children) {
      this.#readAgain(
        { type: 'getChildren', path, watch: true },
        (reply) => {
          const { stat } = reply as { stat: { pzxid: bigint } };
          if (stat.pzxid !== pzxid) report('childrenChanged', path);
        },
        () => report('deleted', path),
      );
    }
  }

  closeSession(): void {
    // Before a connection the package throws or sends closeSession as its first frame.
    if (this.#client.connectionManager.state === states.connected) this.#client.close();
    else this.#lose('closed');
  }

  abandon(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const manager = this.#client.connectionManager;
    manager.connect = () => {};
    if (manager.connectTimeoutHandler !== null) clearTimeout(manager.connectTimeoutHandler);
    // In the turn of `connect` the package has not made its socket yet.
    if (manager.socket !== undefined) manager.socket.destroy();
    else this.#system.clock.defer(() => manager.socket?.destroy());
  }

  #onState(state: number): void {
    if (this.#isGone) return;
    if (state === states.connected) {
      this.#handlers.connected({
        id: this.#client.getSessionId().readBigInt64BE(0),
        password: this.#client.getSessionPassword(),
        timeoutMs: this.#client.getSessionTimeout(),
      });
    } else if (state === states.expired) {
      this.abandon();
      this.#handlers.expired();
    } else if (state === states.authFailed) {
      this.abandon();
      this.#handlers.authFailed();
    } else if (state === states.disconnected) {
      this.#lose('the connection was closed');
    }
  }

  #lose(reason: string): void {
    if (this.#isGone) return;
    this.abandon();
    this.#handlers.lost(reason);
  }

  #take(chunk: Buffer): void {
    this.#frames.push(chunk);
    while (!this.#isGone) {
      const payload = this.#frames.next();
      if (payload === null) return;
      if (payload === 'refused') return this.#lose('a frame of a length that cannot be');
      this.#takeFrame(payload);
    }
  }

  #takeFrame(payload: Buffer): void {
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(payload.length);
    const isReply =
      this.#client.connectionManager.state !== states.connecting &&
      payload.length >= 16 &&
      payload.readInt32BE(0) >= 0;
    const zxid = isReply ? payload.readBigInt64BE(4) : 0n;
    this.#handlers.heard(zxid > 0n ? zxid : null);
    const [waiting] = this.#waiting;
    try {
      this.#parse(Buffer.concat([length, payload]));
    } catch (error) {
      // Once the answer has been handed on, the failure is not the package's but ours.
      if (this.#waiting[0] !== waiting) throw error;
      if (!isReply || waiting === undefined) return this.#lose(String(error));
      this.#waiting.shift();
      this.#readOurselves(waiting, payload);
    }
  }

  /** The package throws, instead of calling back, for codes and values it does not know. */
  #readOurselves({ request, answer }: Waiting, payload: Buffer): void {
    try {
      const reader = new JuteReader(payload);
      const outcome = readOutcome(request, replyHeader.read(reader).code, reader);
      if (outcome.isOk) answer.resolve(outcome.reply);
      else answer.reject(zooKeeperErrorName(outcome.code), outcome.index);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.#lose(error.message);
    }
  }

  /** The package calls back when an answer has come, but also when it has lost or closed the connection. */
  #isAnswered(error: Failure): boolean {
    return !this.#isGone && error?.code !== zooKeeperCodes.CONNECTION_LOSS;
  }

  #settle(answer: Answer, error: Failure, reply: () => AnyReply): void {
    if (!this.#isAnswered(error)) return;
    // Built first: what the package throws while the answer is still waiting becomes its failure.
    const value = error ? undefined : reply();
    assert(this.#waiting.shift()?.answer === answer, 'answers come in the order of requests');
    if (error) answer.reject(zooKeeperErrorName(error.code));
    else answer.resolve(value);
  }

  #submit(request: Request, answer: Answer): void {
    const client = this.#client;
    const watcher = 'watch' in request && request.watch ? this.#watcher : undefined;
    switch (request.type) {
      case 'create': {
        const acl = packageAcl(request.acl);
        return client.create(
          request.path,
          request.data,
          acl,
          createFlags[request.mode],
          (e, path) => this.#settle(answer, e, () => path),
        );
      }
      case 'delete':
        return client.remove(request.path, request.version, (e) =>
          this.#settle(answer, e, () => undefined),
        );
      case 'exists':
        return client.exists(request.path, watcher, (e, stat) =>
          this.#settle(answer, e, () => (stat === null ? null : statOf(stat))),
        );
      case 'getData':
        return client.getData(request.path, watcher, (e, data, stat) =>
          this.#settle(answer, e, () => ({ data: data ?? null, stat: statOf(stat) })),
        );
      case 'getChildren':
        return client.getChildren(request.path, watcher, (e, children, stat) =>
          this.#settle(answer, e, () => ({ children: children ?? [], stat: statOf(stat) })),
        );
      case 'setData': {
        const { path, data, version } = request;
        assert(data !== null, 'null goes as a multi');
        return client.setData(path, data, version, (e, stat) =>
          this.#settle(answer, e, () => statOf(stat)),
        );
      }
      case 'getAcl':
        return client.getACL(request.path, (e, acl, stat) =>
          this.#settle(answer, e, () => ({ acl: (acl ?? []).map(plainAcl), stat: statOf(stat) })),
        );
      case 'setAcl':
        return client.setACL(request.path, packageAcl(request.acl), request.version, (e, stat) =>
          this.#settle(answer, e, () => statOf(stat)),
        );
      case 'sync':
        return assert(false, 'sync goes as a multi');
      case 'multi':
        return this.#submitMulti(request.operations.map(transactionOp), answer);
    }
  }

  #submitMulti(operations: readonly TransactionOp[], answer: Answer): void {
    this.#commit(operations, (error, results = []) => {
      const index = results.findIndex(({ err = 0 }) => err !== 0);
      if (index === -1) return this.#settle(answer, error, () => multiResultsOf(results));
      assert(this.#waiting.shift()?.answer === answer, 'answers come in the order of requests');
      answer.reject(zooKeeperErrorName(results[index]?.err ?? 0), index);
    });
  }

  /** The steps are put in directly, because the package's builder turns version 0 into -1, which means any. */
  #commit(
    operations: readonly TransactionOp[],
    callback: (error: Failure, results?: readonly TransactionResult[]) => void,
  ): void {
    const transaction = this.#client.transaction();
    transaction.ops.push(...operations);
    transaction.commit(callback);
  }

  readonly #watcher = (event: Event): void => {
    const type = watchEventOf(event.type);
    if (type !== undefined) this.#report({ type, path: event.path });
  };

  #report(event: WatchEvent): void {
    if (!this.#isGone) this.#handlers.watchEvent(event);
  }

  #readAgain(
    request: Request,
    compare: (reply: AnyReply) => void,
    isMissing: () => void = () => {},
  ): void {
    this.send(request, {
      resolve: compare,
      reject: (code) => {
        if (code === 'NO_NODE') isMissing();
      },
    });
  }
}

const packageClient = (target: Target): Client => {
  const { session } = target;
  const sessionId = Buffer.alloc(8);
  sessionId.writeBigInt64BE(session?.id ?? 0n);
  const client = zookeeper.createClient('placeholder:1', {
    sessionTimeout: target.sessionTimeoutMs,
    spinDelay: 0,
    retries: 0,
    ...(session === null ? {} : { sessionId, sessionPassword: session.password }),
  });
  const manager = client.connectionManager;
  // Set here because the package's parser does not know IPv6 addresses.
  manager.servers = [{ host: target.host, port: target.port }];
  manager.zxid = Buffer.alloc(8);
  manager.zxid.writeBigInt64BE(target.lastZxid);
  for (const { scheme, auth } of target.credentials) client.addAuthInfo(scheme, auth);
  return client;
};
