/** A ZooKeeper server made of bytes: it grants sessions and leaves every answer to the test. */
import type { Connection } from '../../system/net.ts';
import { realNet } from '../../system/net.ts';
import { FrameCutter } from '../../zookeeper/frames.ts';
import { JuteReader, type JuteWriter } from '../../zookeeper/jute.ts';
import {
  connectResponse,
  encodeFrame,
  encodeReply,
  opName,
  requestHeader,
} from '../../zookeeper/records.ts';
import { Inbox } from './inbox.ts';

export interface FakeRequest {
  readonly xid: number;
  readonly op: string;
  readonly bytes: number;
}

export class FakeConnection {
  /** Whatever came behind the handshake. */
  readonly requests = new Inbox<FakeRequest>();
  readonly closed = new Inbox<true>();
  readonly #connection: Connection;
  readonly #frames = new FrameCutter(16 * 1024 * 1024);
  #isGranted: boolean;
  #hasConnectRequest = false;

  constructor(connection: Connection, grants: boolean, timeoutMs: number) {
    this.#connection = connection;
    this.#isGranted = false;
    connection.start({
      data: (chunk) => {
        this.#frames.push(chunk);
        for (let frame = this.#frames.next(); frame !== null; frame = this.#frames.next()) {
          if (frame === 'refused') return connection.destroy();
          this.#take(frame, grants, timeoutMs);
        }
      },
      end: () => connection.end(),
      close: () => this.closed.put(true),
    });
  }

  #take(frame: Buffer, grants: boolean, timeoutMs: number): void {
    if (!this.#hasConnectRequest) {
      this.#hasConnectRequest = true;
      if (grants) this.grant(timeoutMs);
      return;
    }
    const { xid, type } = requestHeader.read(new JuteReader(frame));
    this.requests.put({ xid, op: opName(type) ?? String(type), bytes: frame.length });
  }

  /** Grants session 1, or, with `timeoutMs` 0, says that it has expired. */
  grant(timeoutMs: number): void {
    if (this.#isGranted) return;
    this.#isGranted = true;
    this.send(
      encodeFrame((writer) =>
        connectResponse.write(writer, {
          protocolVersion: 0,
          timeoutMs,
          sessionId: timeoutMs === 0 ? 0n : 1n,
          password: Buffer.alloc(16),
          readOnly: null,
        }),
      ),
    );
  }

  reply(xid: number, code: number, writeBody?: (writer: JuteWriter) => void): void {
    this.send(encodeReply(xid, 5n, code, writeBody));
  }

  send(...buffers: Buffer[]): void {
    this.#connection.write([Buffer.concat(buffers)]);
  }

  end(): void {
    this.#connection.end();
  }
}

export class FakeServer {
  readonly connections = new Inbox<FakeConnection>();
  /** Whether handshakes are answered, and with what timeout. */
  grants = true;
  timeoutMs = 10_000;
  port = 0;
  close: () => Promise<void> = async () => {};

  static async start(): Promise<FakeServer> {
    const server = new FakeServer();
    const open = new Set<Connection>();
    const socket = await realNet.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
      open.add(connection);
      server.connections.put(new FakeConnection(connection, server.grants, server.timeoutMs));
    });
    server.port = socket.port;
    server.close = async () => {
      await socket.close();
      for (const connection of open) connection.destroy();
    };
    return server;
  }

  /** The `count`th connection, counted from 1. */
  async connection(count: number): Promise<FakeConnection> {
    return (await this.connections.until(count))[count - 1] as FakeConnection;
  }
}
