/** A TLS listener in front of a server without TLS, as an ensemble's secureClientPort would be. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createServer, type SecureVersion } from 'node:tls';

export const fixture = (name: string): string => `test/fixtures/tls/${name}`;

export interface TlsFront {
  readonly port: number;
  /** What each handshake that went well has agreed on: protocol, cipher, and the client's common name. */
  readonly agreed: { protocol: string | null; cipher: string; client: string | undefined }[];
  /** Ends all connections; newcomers are served. */
  cut(): void;
  close(): Promise<void>;
}

export interface FrontOptions {
  /** A file of key and certificate. */
  readonly identity?: string;
  /** Whether clients must show a certificate of the authority. */
  readonly wantsClients?: boolean;
  readonly maxVersion?: SecureVersion;
}

export const startTlsFront = async (
  serverPort: number,
  { identity = 'server.pem', wantsClients = false, maxVersion = 'TLSv1.3' }: FrontOptions = {},
): Promise<TlsFront> => {
  const pem = readFileSync(fixture(identity));
  const sockets = new Set<Socket>();
  const agreed: TlsFront['agreed'] = [];
  const server = createServer({
    key: pem,
    cert: pem,
    ca: readFileSync(fixture('authority.pem')),
    requestCert: wantsClients,
    rejectUnauthorized: wantsClients,
    maxVersion,
  });
  server.on('secureConnection', (client) => {
    const peer = client.getPeerCertificate() as { subject?: { CN?: string } };
    agreed.push({
      protocol: client.getProtocol(),
      cipher: client.getCipher().standardName,
      client: peer.subject?.CN,
    });
    const behind = connect(serverPort, '127.0.0.1');
    for (const [from, to] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of [...sockets]) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    agreed,
    cut,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
};
