/**
 * Stream connections: listen and dial. A connection starts paused; its owner attaches handlers with `start`.
 * TLS is an option of both ends and comes with the security issue; nothing above this file changes for it.
 */
import * as nodeNet from 'node:net';

export interface ConnectionHandlers {
  /** Bytes as they came; the buffer is the owner's to keep. */
  data(chunk: Buffer): void;
  /** What `write` held back has gone out. */
  drain?(): void;
  /** The peer will send no more; what was sent before has been delivered. */
  end?(): void;
  /** Called once, last; `error` when it did not end by agreement. */
  close(error?: Error): void;
}

export interface Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Bytes accepted by `write` that have not gone out yet. */
  readonly pendingBytes: number;
  start(handlers: ConnectionHandlers): void;
  /** Sends `buffers` in order; they must not change any more. False: wait for `drain` before sending much. */
  write(buffers: readonly Buffer[]): boolean;
  /** Stops, and takes up again, the delivery of data. */
  pause(): void;
  resume(): void;
  /** Sends what is pending, then closes this direction. */
  end(): void;
  /** Closes at once; pending bytes are dropped. */
  destroy(error?: Error): void;
}

export interface ServerSocket {
  readonly address: string;
  readonly port: number;
  /** Stops accepting; connections that stand are not touched. */
  close(): Promise<void>;
}

export interface Net {
  /** Binds `host:port` (port 0: any free one). Throws Node's error, EADDRINUSE among them. */
  listen(
    options: { host: string; port: number; backlog?: number },
    onConnection: (connection: Connection) => void,
  ): Promise<ServerSocket>;
  /** Dials; throws when refused, unreachable, or not connected within `timeoutMs`. */
  connect(options: { host: string; port: number; timeoutMs: number }): Promise<Connection>;
}

class SocketConnection implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #socket: nodeNet.Socket;

  constructor(socket: nodeNet.Socket) {
    this.#socket = socket;
    // Kept here because a socket forgets its addresses when it closes.
    this.localAddress = socket.localAddress ?? '';
    this.localPort = socket.localPort ?? 0;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? '');
    this.remotePort = socket.remotePort ?? 0;
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    // A peer may reset the connection before `start`; without a listener that would end the process.
    socket.on('error', () => {});
    socket.pause();
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  start(handlers: ConnectionHandlers): void {
    const socket = this.#socket;
    if (socket.destroyed) {
      setImmediate(() => handlers.close());
      return;
    }
    let failure: Error | undefined;
    socket.on('data', handlers.data);
    if (handlers.drain) socket.on('drain', handlers.drain);
    if (handlers.end) socket.on('end', handlers.end);
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => handlers.close(failure));
    socket.resume();
  }

  write(buffers: readonly Buffer[]): boolean {
    const socket = this.#socket;
    if (!socket.writable) return false;
    if (buffers.length === 1) return socket.write(buffers[0] as Buffer);
    socket.cork();
    for (const buffer of buffers) socket.write(buffer);
    socket.uncork();
    return socket.writableLength < socket.writableHighWaterMark;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }
}

/** An IPv4 peer on a dual-stack socket shows as ::ffff:a.b.c.d; Kafka names it a.b.c.d. */
const plainAddress = (address: string): string => address.replace(/^::ffff:/, '');

export const realNet: Net = {
  listen: ({ host, port, backlog = 50 }, onConnection) =>
    new Promise((resolve, reject) => {
      const server = nodeNet.createServer({ allowHalfOpen: true, pauseOnConnect: true });
      server.on('connection', (socket) => onConnection(new SocketConnection(socket)));
      server.once('error', reject);
      server.listen({ host, port, backlog }, () => {
        server.removeListener('error', reject);
        // Accepting can fail later (EMFILE); such an error concerns one peer, not the listener.
        server.on('error', () => {});
        const bound = server.address() as nodeNet.AddressInfo;
        resolve({
          address: bound.address,
          port: bound.port,
          // `close` calls back only after the last connection; the owner closes those itself.
          close: async () => void server.close(),
        });
      });
    }),
  connect: ({ host, port, timeoutMs }) =>
    new Promise((resolve, reject) => {
      const socket = nodeNet.connect({ host, port });
      const timer = setTimeout(
        () => socket.destroy(new Error(`no connection to ${host}:${port} within ${timeoutMs} ms`)),
        timeoutMs,
      );
      socket.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error');
        resolve(new SocketConnection(socket));
      });
    }),
};
