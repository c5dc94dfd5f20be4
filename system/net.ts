/**
 * Stream connections: listen and dial. A connection starts paused; its owner attaches handlers with `start`.
 * TLS is an option of both ends and comes with the security issue; nothing above this file changes for it.
 */
import * as nodeNet from 'node:net';

export interface ConnectionHandlers {
  /** Bytes as they came; the buffer is the owner's to keep, unless it `borrows`. */
  data(chunk: Buffer): void;
  /**
   * The owner copies what it wants to keep before `data` returns: the chunk is overwritten by the next read. Spares
   * an allocation a read, which the garbage collector would have to take back.
   */
  readonly borrows?: boolean;
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
  /**
   * Sends `buffers` in order; they must not change before `written` is called (never, where it is not called: an
   * implementation may leave it out). False: wait for `drain` before sending much.
   */
  write(buffers: readonly Buffer[], written?: () => void): boolean;
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

/** What one read takes at the most. All sockets read into the same memory, because data is handed on at once. */
const READ_BYTES = 256 * 1024;
let sharedReadBuffer: Buffer | null = null;

type OnRead = (byteCount: number) => void;

/** Node's option for reading into one's own memory. */
const readInto = (onRead: OnRead): { buffer: Buffer; callback: (byteCount: number) => boolean } => {
  sharedReadBuffer ??= Buffer.allocUnsafeSlow(READ_BYTES);
  return {
    buffer: sharedReadBuffer,
    callback: (byteCount) => {
      onRead(byteCount);
      return true;
    },
  };
};

/**
 * Node offers `onread` only for sockets that dial; for accepted ones its handle is moved to a socket made with that
 * option. A Node without such handles keeps the socket it has, and reads come as events.
 */
const adoptAccepted = (accepted: nodeNet.Socket, onRead: OnRead): nodeNet.Socket => {
  const holder = accepted as unknown as { _handle: { useUserBuffer?: unknown } | null };
  const handle = holder._handle;
  if (typeof handle?.useUserBuffer !== 'function') {
    accepted.on('data', (chunk: Buffer) => {
      sharedReadBuffer ??= Buffer.allocUnsafeSlow(READ_BYTES);
      for (let position = 0; position < chunk.length; position += READ_BYTES)
        onRead(chunk.copy(sharedReadBuffer, 0, position));
    });
    return accepted;
  }
  holder._handle = null;
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread: readInto(onRead) };
  return new nodeNet.Socket(options as nodeNet.SocketConstructorOpts);
};

class SocketConnection implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #socket: nodeNet.Socket;
  #onData: ((chunk: Buffer) => void) | null = null;

  /** `open` makes the socket, given what to call when bytes stand in the shared read buffer. */
  constructor(open: (onRead: OnRead) => nodeNet.Socket) {
    const socket = open((byteCount) => this.#received(byteCount));
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
    this.#onData = handlers.borrows ? handlers.data : (chunk) => handlers.data(Buffer.from(chunk));
    if (handlers.drain) socket.on('drain', handlers.drain);
    if (handlers.end) socket.on('end', handlers.end);
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => handlers.close(failure));
    socket.resume();
  }

  #received(byteCount: number): void {
    if (sharedReadBuffer !== null) this.#onData?.(sharedReadBuffer.subarray(0, byteCount));
  }

  write(buffers: readonly Buffer[], written?: () => void): boolean {
    const socket = this.#socket;
    const last = buffers.length - 1;
    if (!socket.writable || last < 0) {
      written?.();
      return false;
    }
    if (last > 0) socket.cork();
    for (let index = 0; index < last; index++) socket.write(buffers[index] as Buffer);
    socket.write(buffers[last] as Buffer, written);
    if (last > 0) socket.uncork();
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
      server.on('connection', (socket) => {
        onConnection(new SocketConnection((onRead) => adoptAccepted(socket, onRead)));
      });
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
      // The connection's own handler takes over once it stands; nothing comes before `start`.
      let onRead: OnRead = () => {};
      const socket = nodeNet.connect({ host, port, onread: readInto((count) => onRead(count)) });
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
        resolve(
          new SocketConnection((handler) => {
            onRead = handler;
            return socket;
          }),
        );
      });
    }),
};
