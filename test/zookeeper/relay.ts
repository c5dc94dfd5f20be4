/** A TCP relay between a client and a server that a test can cut, hold back, or close to newcomers. */
import type { Connection } from '../../system/net.ts';
import { realNet } from '../../system/net.ts';

export interface Relay {
  readonly port: number;
  /** Connections accepted so far. */
  readonly acceptedCount: number;
  /** Closes all connections; new ones are refused while `isClosed`. */
  cut(): void;
  isClosed: boolean;
  /** Bytes from the server are held back while true, and lost when the connection ends. */
  isSilent: boolean;
  /** The server's bytes go out in pieces of one byte. */
  isSlow: boolean;
  close(): Promise<void>;
}

export const startRelay = async (serverPort: number): Promise<Relay> => {
  const connections = new Set<Connection>();
  const proxy = { acceptedCount: 0, isClosed: false, isSilent: false, isSlow: false };
  const relay = (from: Connection, to: Connection, send: (chunk: Buffer) => void): void => {
    connections.add(from);
    from.start({
      data: send,
      end: () => to.end(),
      close: () => {
        connections.delete(from);
        to.destroy();
      },
    });
  };
  const accept = async (client: Connection): Promise<void> => {
    if (proxy.isClosed) return client.destroy();
    proxy.acceptedCount++;
    try {
      const server = await realNet.connect({
        host: '127.0.0.1',
        port: serverPort,
        timeoutMs: 5000,
      });
      relay(client, server, (chunk) => void server.write([chunk]));
      relay(server, client, (chunk) => {
        if (proxy.isSilent) return;
        if (!proxy.isSlow) return void client.write([chunk]);
        for (const byte of chunk) client.write([Buffer.of(byte)]);
      });
    } catch {
      // The server is down: so is the way to it.
      client.destroy();
    }
  };
  const socket = await realNet.listen(
    { host: '127.0.0.1', port: 0 },
    (client) => void accept(client),
  );
  const cut = (): void => {
    for (const connection of [...connections]) connection.destroy();
  };
  return Object.assign(proxy, {
    port: socket.port,
    cut,
    close: async () => {
      await socket.close();
      cut();
    },
  });
};
