/**
 * A gate before a server: clients come through while it is open, and their connections end when it closes. A server that is
 * restarted behind its gate never meets a client half started: for some 20 ms of its start ZooKeeper takes connections that
 * it then neither answers nor ends, and kazoo waits for the answer as long as its session lasts.
 */
import { createConnection, createServer, type Socket } from 'node:net';

const HOST = '127.0.0.1';

export class Gate {
  /** Where clients connect. */
  readonly port: number;
  readonly #serverPort: number;
  readonly #sockets = new Set<Socket>();
  readonly #listener = createServer((client) => this.#letThrough(client));

  constructor(port: number, serverPort: number) {
    this.port = port;
    this.#serverPort = serverPort;
  }

  /** Rejects when something else listens on the port. */
  open(): Promise<void> {
    return new Promise((done, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen(this.port, HOST, () => done());
    });
  }

  /** Resolves when nobody is connected any more, and nobody can connect. */
  close(): Promise<void> {
    return new Promise((done) => {
      this.#listener.close(() => done());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  #letThrough(client: Socket): void {
    const server = createConnection({ port: this.#serverPort, host: HOST });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.pipe(other);
      // What is behind an end or an error is told by the connection on the other side.
      socket.once('error', () => other.destroy());
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroySoon();
      });
    }
  }
}
