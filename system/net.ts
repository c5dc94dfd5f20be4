/**
 * Stream connections: listen and dial. A connection starts paused; its owner attaches handlers with `start`.
 * tls.ts dials with TLS; nothing above changes for it.
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
  /**
   * For an owner that borrows: memory of its own that the next bytes may be read into, asked for behind each `data`. Null,
   * or an implementation that cannot: they come as a chunk like any other.
   */
  room?(): Buffer | null;
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
const READ_BYTES = 64 * 1024;
let sharedReadBuffer: Buffer | null = null;

/** Where a socket's chunks go that reads into the shared memory: nowhere before the connection is started. */
interface SharedReads {
  take: ((chunk: Buffer) => void) | null;
  room: (() => Buffer | null) | null;
}

/** Node's option for reading into one's own memory. */
const readInto = (reads: SharedReads): nodeNet.OnReadOpts => {
  sharedReadBuffer ??= Buffer.allocUnsafeSlow(READ_BYTES);
  const shared = sharedReadBuffer;
  return {
    buffer: () => reads.room?.() ?? shared,
    callback: (byteCount, buffer) => {
      reads.take?.((buffer as Buffer).subarray(0, byteCount));
      return true;
    },
  };
};

/**
 * Node offers `onread` only for sockets that dial; for accepted ones its handle is moved to a socket made with that
 * option. A Node without such handles keeps the socket it has, whose reads come as events.
 */
const acceptedConnection = (accepted: nodeNet.Socket): Connection => {
  const holder = accepted as unknown as { _handle: { useUserBuffer?: unknown } | null };
  const handle = holder._handle;
  if (typeof handle?.useUserBuffer !== 'function') return plainConnection(accepted, null);
  holder._handle = null;
  const reads: SharedReads = { take: null, room: null };
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread: readInto(reads) };
  return plainConnection(new nodeNet.Socket(options as nodeNet.SocketConstructorOpts), reads);
};

const plainConnection = (socket: nodeNet.Socket, reads: SharedReads | null): Connection => {
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  return new SocketConnection(socket, {
    localAddress: socket.localAddress ?? '',
    localPort: socket.localPort ?? 0,
    remoteAddress: plainAddress(socket.remoteAddress ?? ''),
    remotePort: socket.remotePort ?? 0,
    reads,
    failureOf: (error) => error,
  });
};

/** An IPv4 peer on a dual-stack socket shows as ::ffff:a.b.c.d; Kafka names it a.b.c.d. */
const plainAddress = (address: string): string => address.replace(/^::ffff:/, '');

/** What a connection has of its own, whichever socket it is on. */
interface SocketOptions
  extends Pick<Connection, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'> {
  /** Null: chunks come as events of the socket, in memory of their own. */
  readonly reads: SharedReads | null;
  /** How `close` tells of an error. */
  failureOf(error: Error): Error;
}

/**
 * A connection on a socket of Node; for system/ alone. Whoever makes the socket, plain here or with TLS in tls.ts, says
 * what is its own about it.
 */
export class SocketConnection implements Connection {
  // Kept here because a socket forgets its addresses when it closes.
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #socket: nodeNet.Socket;
  readonly #reads: SharedReads | null;
  readonly #failureOf: (error: Error) => Error;

  constructor(socket: nodeNet.Socket, options: SocketOptions) {
    this.#socket = socket;
    this.localAddress = options.localAddress;
    this.localPort = options.localPort;
    this.remoteAddress = options.remoteAddress;
    this.remotePort = options.remotePort;
    this.#reads = options.reads;
    this.#failureOf = options.failureOf;
    // Also before `start`: without a listener an error would end the process. Node closes a plain socket by itself, but
    // not one with TLS that has got bytes which make no sense.
    socket.on('error', () => socket.destroy());
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
    this.#deliver(handlers);
    if (handlers.drain) socket.on('drain', handlers.drain);
    if (handlers.end) socket.on('end', handlers.end);
    socket.on('error', (error) => {
      failure = this.#failureOf(error);
    });
    socket.on('close', () => handlers.close(failure));
    socket.resume();
  }

  #deliver(handlers: ConnectionHandlers): void {
    const reads = this.#reads;
    if (reads === null) this.#socket.on('data', (chunk: Buffer) => handlers.data(chunk));
    else if (handlers.borrows) {
      reads.take = handlers.data;
      reads.room = handlers.room ?? null;
    } else reads.take = (chunk) => handlers.data(Buffer.from(chunk));
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

export const realNet: Net = {
  listen: ({ host, port, backlog = 50 }, onConnection) =>
    new Promise((resolve, reject) => {
      const server = nodeNet.createServer({ allowHalfOpen: true, pauseOnConnect: true });
      server.on('connection', (socket) => {
        onConnection(acceptedConnection(socket));
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
      const reads: SharedReads = { take: null, room: null };
      const socket = nodeNet.connect({ host, port, onread: readInto(reads) });
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
        resolve(plainConnection(socket, reads));
      });
    }),
};
