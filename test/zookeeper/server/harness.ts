/** A server core without sockets and disk: requests go in by name, what each client was sent comes out decoded. */
import { type Codec, JuteReader, JuteWriter } from '../../../zookeeper/jute.ts';
import {
  connectRequest,
  connectResponse,
  type OpName,
  opCodes,
  openAcl,
  replyHeader,
  requests,
  watcherEvent,
} from '../../../zookeeper/records.ts';
import { type CoreOptions, type Peer, ServerCore } from '../../../zookeeper/server/core.ts';
import type { Excess } from '../../../zookeeper/server/quotas.ts';
import type { Transaction } from '../../../zookeeper/server/transactions.ts';
import { DataTree } from '../../../zookeeper/server/tree.ts';

export const bytesOf = <T>(codec: Codec<T>, value: T): Buffer => {
  const writer = new JuteWriter();
  codec.write(writer, value);
  return Buffer.from(writer.finish());
};

export interface Reply {
  readonly xid: number;
  readonly zxid: bigint;
  readonly code: number;
  readonly body: JuteReader;
}

export const decodeReply = (frame: Buffer): Reply => {
  const reader = new JuteReader(frame, 4);
  return { ...replyHeader.read(reader), body: reader };
};

export class TestPeer implements Peer {
  readonly address: string = '127.0.0.1';
  identities = [{ scheme: 'ip', id: '127.0.0.1' }];
  sessionId = 0n;
  timeoutMs = 0;
  isClosed = false;
  /** Frames sent to it, in order; 'closed' when the connection was closed. */
  readonly sent: (Buffer | 'closed')[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Sends a request and returns its reply; what was sent before it stays in `sent`. */
  ask(op: OpName, body: Buffer = Buffer.alloc(0), xid = 1): Reply {
    const head = Buffer.alloc(8);
    head.writeInt32BE(xid, 0);
    head.writeInt32BE(opCodes[op], 4);
    return this.askFrame(Buffer.concat([head, body]));
  }

  askFrame(frame: Buffer): Reply {
    this.#world.core.request(this, frame, this.#world.now());
    const index = this.sent.findLastIndex((item) => item !== 'closed');
    const [reply] = this.sent.splice(index, 1);
    return decodeReply(reply as Buffer);
  }

  create(path: string, options: { data?: Buffer | null; flags?: number } = {}): Reply {
    const { data = Buffer.from('x'), flags = 0 } = options;
    return this.ask('create', bytesOf(requests.create, { path, data, flags, acl: openAcl }));
  }

  read(op: 'exists' | 'getData' | 'getChildren2', path: string, watch = false): Reply {
    return this.ask(op, bytesOf(requests[op], { path, watch }));
  }

  setData(path: string, version = -1): Reply {
    return this.ask('setData', bytesOf(requests.setData, { path, data: null, version }));
  }

  delete(path: string, version = -1): Reply {
    return this.ask('delete', bytesOf(requests.delete, { path, version }));
  }

  /** The notifications sent since the last call, as "type path". */
  events(): string[] {
    const frames = this.sent.splice(0).filter((frame) => frame !== 'closed');
    return frames.map((frame) => {
      const { xid, body } = decodeReply(frame);
      expect(xid).toBe(-1);
      const event = watcherEvent.read(body);
      return `${event.type} ${event.path}`;
    });
  }
}

export class World {
  readonly transactions: Transaction[] = [];
  readonly core: ServerCore<TestPeer>;
  readonly excesses: Excess[] = [];
  nowMs = 1_700_000_000_000;
  elapsedMs = 1000;

  constructor(options: Partial<CoreOptions> = {}, tree = new DataTree()) {
    this.core = new ServerCore<TestPeer>(
      tree,
      {
        log: (transaction) => this.transactions.push(transaction),
        send: (peer, frame) => peer.sent.push(frame),
        close: (peer) => peer.sent.push('closed'),
        warn: (excess) => this.excesses.push(excess),
      },
      {
        tickTimeMs: 500,
        minSessionTimeoutMs: 1000,
        maxSessionTimeoutMs: 60_000,
        superDigest: null,
        extendedTypesEnabled: false,
        enforceQuota: false,
        reconfigEnabled: false,
        containerCheckIntervalMs: 60_000,
        ...options,
      },
      this.now(),
    );
  }

  now(): { nowMs: number; elapsedMs: number } {
    return { nowMs: this.nowMs, elapsedMs: this.elapsedMs };
  }

  advance(ms: number): void {
    this.nowMs += ms;
    this.elapsedMs += ms;
    this.core.sweep(this.now());
  }

  /** A handshake; returns the peer and what it was answered, null when the connection was closed instead. */
  handshake(options: Partial<Parameters<typeof connectRequest.write>[1]> = {}) {
    const peer = new TestPeer(this);
    const request = {
      protocolVersion: 0,
      lastZxidSeen: 0n,
      timeoutMs: 10_000,
      sessionId: 0n,
      password: Buffer.alloc(16),
      readOnly: null,
      ...options,
    };
    this.core.connect(peer, bytesOf(connectRequest, request), this.now());
    const frame = peer.sent.shift();
    const answer = frame instanceof Buffer ? connectResponse.read(new JuteReader(frame, 4)) : null;
    return { peer, answer, frame };
  }

  connect(timeoutMs = 10_000): TestPeer {
    return this.handshake({ timeoutMs }).peer;
  }
}
