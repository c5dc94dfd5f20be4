/**
 * Dialling with TLS: a Net over another Net, so that whatever can be done to a plain connection (a simulated network, a kill)
 * can be done to one with TLS. Settings are Java's, as Kafka and ZooKeeper have them; stores are read once, at load.
 */
import { isIP } from 'node:net';
import { Duplex } from 'node:stream';
import * as nodeTls from 'node:tls';
import type { Disk } from './disk.ts';
import {
  type KeyMaterial,
  readKeyStore,
  readTrustStore,
  StoreError,
  type StoreSettings,
} from './key-stores.ts';
import { type Connection, type Net, SocketConnection } from './net.ts';

export interface TlsSettings {
  /** Who we are; null: nobody in particular. */
  readonly keystore: StoreSettings | null;
  /** Whom we believe; null: the authorities that Node brings. */
  readonly truststore: StoreSettings | null;
  /** Java's names: TLSv1.2, TLSv1.3; TLS stands for both. */
  readonly protocols: readonly string[];
  /** The names of the standard (TLS_ECDHE_RSA_WITH_...) or OpenSSL's; empty: Node's choice. */
  readonly cipherSuites: readonly string[];
  /** Whether the certificate must name the host that was dialled. */
  readonly checksHostName: boolean;
}

/** Settings with their files read. */
export interface TlsClient {
  readonly context: nodeTls.SecureContext;
  readonly checksHostName: boolean;
}

const versions: readonly nodeTls.SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** Reads the stores and checks that everything can be used; throws StoreError with a sentence. */
export const loadTls = async (disk: Disk, settings: TlsSettings): Promise<TlsClient> => {
  const { keystore, truststore, protocols, cipherSuites, checksHostName } = settings;
  const key = keystore === null ? {} : readKeyStore(keystore, await fileOf(disk, keystore));
  const trust =
    truststore === null ? {} : { ca: readTrustStore(truststore, await fileOf(disk, truststore)) };
  checkKey(keystore, key);
  for (const suite of cipherSuites) checkSuite(suite);
  const context = nodeTls.createSecureContext({
    ...key,
    ...trust,
    ...versionRange(protocols),
    ...(cipherSuites.length === 0 ? {} : { ciphers: cipherSuites.join(':') }),
  });
  return { context, checksHostName };
};

/** Dials with TLS over `net`; `connect` also throws what the handshake failed with. It listens without TLS. */
export const tlsNet = (net: Net, client: TlsClient): Net => ({
  listen: net.listen,
  connect: async (options) => {
    const plain = await net.connect(options);
    return shakeHands(plain, client, options);
  },
});

const fileOf = async (disk: Disk, { location }: StoreSettings): Promise<Buffer> => {
  const bytes = await disk.readFile(location).catch((error: Error) => {
    throw new StoreError(`The store ${location} cannot be read: ${error.message}.`);
  });
  if (bytes === null) throw new StoreError(`There is no store ${location}.`);
  return bytes;
};

/** OpenSSL opens the store: it, too, may find the password wrong, or a cipher that it has given up. */
const checkKey = (keystore: StoreSettings | null, key: KeyMaterial | object): void => {
  try {
    nodeTls.createSecureContext(key);
  } catch (error) {
    throw new StoreError(
      `The store ${keystore?.location} cannot be used: ${(error as Error).message}.`,
    );
  }
};

const checkSuite = (suite: string): void => {
  try {
    nodeTls.createSecureContext({ ciphers: suite });
  } catch {
    throw new StoreError(
      `The cipher suite ${suite} is not known: correct its name or leave it out.`,
    );
  }
};

const versionRange = (
  protocols: readonly string[],
): Pick<nodeTls.SecureContextOptions, 'minVersion' | 'maxVersion'> => {
  const indexes = protocols.flatMap((name) => {
    if (name === 'TLS') return [versions.indexOf('TLSv1.2'), versions.indexOf('TLSv1.3')];
    const index = versions.indexOf(name as nodeTls.SecureVersion);
    if (index < 0)
      throw new StoreError(`The TLS version ${name} is not known: use TLSv1.2 or TLSv1.3.`);
    return [index];
  });
  const minVersion = versions[Math.min(...indexes)];
  const maxVersion = versions[Math.max(...indexes)];
  return minVersion === undefined || maxVersion === undefined ? {} : { minVersion, maxVersion };
};

const shakeHands = (
  plain: Connection,
  { context, checksHostName }: TlsClient,
  { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const socket = nodeTls.connect({
      socket: streamOver(plain),
      secureContext: context,
      host,
      // An address is checked against the certificate as `host`; the handshake can only name names.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(checksHostName ? {} : { checkServerIdentity: () => undefined }),
    });
    const timer = setTimeout(
      () => socket.destroy(new Error(`no TLS with ${host}:${port} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const fail = (error: Error): void => {
      clearTimeout(timer);
      plain.destroy();
      reject(plainFailure(error));
    };
    const close = (): void => fail(new Error(`${host}:${port} ended the TLS handshake`));
    socket.once('error', fail);
    socket.once('close', close);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.removeListener('error', fail);
      socket.removeListener('close', close);
      const { localAddress, localPort, remoteAddress, remotePort } = plain;
      const addresses = { localAddress, localPort, remoteAddress, remotePort };
      resolve(new SocketConnection(socket, { ...addresses, reads: null, failureOf: plainFailure }));
    });
  });

/** OpenSSL's own words, without the place in its sources that Node puts around them. */
const plainFailure = (error: Error & { reason?: unknown }): Error =>
  typeof error.reason === 'string' && error.message.includes(':error:')
    ? new Error(error.reason)
    : error;

/** Node's TLS wants a stream below it. */
const streamOver = (plain: Connection): Duplex => {
  let onDrain: (() => void) | null = null;
  const stream = new Duplex({
    read: () => plain.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      if (plain.write([chunk])) return done();
      onDrain = done;
    },
    final: (done) => {
      plain.end();
      done();
    },
    destroy: (error, done) => {
      plain.destroy();
      done(error);
    },
  });
  plain.start({
    data: (chunk) => {
      if (!stream.push(chunk)) plain.pause();
    },
    drain: () => {
      const done = onDrain;
      onDrain = null;
      done?.();
    },
    end: () => stream.push(null),
    close: (error) => void stream.destroy(error),
  });
  return stream;
};
