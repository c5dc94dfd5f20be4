/** A client on a plain socket, and a socket that only asks once: for tests of the server from outside. */
import { connect, type Socket } from 'node:net';
import { FrameCutter } from '../../../zookeeper/frames.ts';
import { JuteReader } from '../../../zookeeper/jute.ts';
import {
  type ConnectResponse,
  connectRequest,
  connectResponse,
  createFlags,
  encodeFrame,
  encodeRequest,
  openAcl,
  requests,
} from '../../../zookeeper/records.ts';
import { decodeReply, type Reply } from './harness.ts';

/** A raw connection that hands out frames one by one; null stands for the end. */
export class RawClient {
  readonly #socket: Socket;
  readonly #frames = new FrameCutter(10_000_000);
  readonly #waiting: ((frame: Buffer | null) => void)[] = [];
  #hasEnded = false;
  #xid = 0;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => {
      this.#frames.push(chunk);
      this.#deliver();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#hasEnded = true;
      this.#deliver();
    });
  }

  send(...frames: Buffer[]): void {
    this.#socket.write(Buffer.concat(frames));
  }

  frame(): Promise<Buffer | null> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#deliver();
    });
  }

  async handshake(session?: ConnectResponse): Promise<ConnectResponse> {
    const request = {
      protocolVersion: 0,
      lastZxidSeen: 0n,
      timeoutMs: 10_000,
      sessionId: session?.sessionId ?? 0n,
      password: session?.password ?? Buffer.alloc(16),
      readOnly: false,
    };
    this.send(encodeFrame((writer) => connectRequest.write(writer, request)));
    return connectResponse.read(new JuteReader((await this.frame()) as Buffer));
  }

  create(path: string, flags: number = createFlags.persistent): void {
    const body = { path, data: Buffer.from('data'), acl: openAcl, flags };
    this.send(encodeRequest(++this.#xid, 'create', requests.create, body));
  }

  exists(path: string): void {
    this.send(encodeRequest(++this.#xid, 'exists', requests.exists, { path, watch: false }));
  }

  async reply(): Promise<Reply> {
    const frame = (await this.frame()) as Buffer;
    return decodeReply(Buffer.concat([Buffer.alloc(4), frame]));
  }

  /** Takes nothing in until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Sends no more. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #deliver(): void {
    while (this.#waiting.length > 0) {
      const frame = this.#frames.next();
      if (frame === null && !this.#hasEnded) return;
      this.#waiting.shift()?.(frame === 'refused' ? null : frame);
    }
  }
}

/** Sends bytes and resolves to everything that comes until the end. */
export const ask = (port: number, bytes: Buffer): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
