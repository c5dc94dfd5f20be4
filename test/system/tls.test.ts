/** A connection with TLS behaves as any other: system/net.ts says how. */
import { readFileSync } from 'node:fs';
import { createServer, type TLSSocket } from 'node:tls';
import { type Connection, type ConnectionHandlers, type Net, realNet } from '../../system/net.ts';
import { realSystem } from '../../system/system.ts';
import { loadTls, tlsNet } from '../../system/tls.ts';

const fixture = (name: string): string => `test/fixtures/tls/${name}`;

let close: () => void = () => {};

afterEach(() => close());

/** A connection that is not started, and the other end of it. */
const pair = async (net: Net = realNet): Promise<{ connection: Connection; peer: TLSSocket }> => {
  const pem = readFileSync(fixture('server.pem'));
  const server = createServer({ key: pem, cert: pem });
  const arrived = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const client = await loadTls(realSystem().disk, {
    keystore: null,
    truststore: { location: fixture('authority.pem'), password: null, type: null },
    protocols: ['TLS'],
    cipherSuites: [],
    checksHostName: true,
  });
  const where = { host: '127.0.0.1', port, timeoutMs: 5000 };
  const connection = await tlsNet(net, client).connect(where);
  const peer = await arrived;
  peer.on('error', () => {});
  close = () => {
    connection.destroy();
    peer.destroy();
    server.close();
  };
  return { connection, peer };
};

/** What the other end gets, once it is so many bytes. */
const received = (peer: TLSSocket, byteCount: number): Promise<Buffer> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    peer.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      if (all.length >= byteCount) resolve(all);
    });
  });

test('bytes arrive in order, and it is told when they are out', async () => {
  const { connection, peer } = await pair();
  const large = Buffer.alloc(1_000_000, 'abcdefg');
  connection.start({ data: () => {}, close: () => {} });
  const written = new Promise<void>((resolve) => {
    connection.write([Buffer.from('first '), large], resolve);
  });
  const sent = Buffer.concat([Buffer.from('first '), large]);
  expect((await received(peer, sent.length)).equals(sent)).toBe(true);
  await written;
  expect(connection.pendingBytes).toBe(0);
});

test('nothing comes before it is started, nor while it is paused', async () => {
  const { connection, peer } = await pair();
  const text: string[] = [];
  let wake: () => void = () => {};
  const until = async (wanted: string): Promise<void> => {
    while (text.join('') !== wanted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  peer.write('early');
  connection.start({
    data: (chunk) => {
      text.push(String(chunk));
      wake();
    },
    close: () => {},
  });
  await until('early');
  connection.pause();
  peer.write('later');
  // A round trip through the other end, which sends first what it was given first.
  const echoed = received(peer, 1);
  connection.write([Buffer.from('x')]);
  await echoed;
  expect(text.join('')).toBe('early');
  connection.resume();
  await until('earlylater');
});

test('a slow reader makes writes wait, and a drain is told', async () => {
  const { connection, peer } = await pair();
  const drained = new Promise<void>((resolve) => {
    connection.start({ data: () => {}, drain: resolve, close: () => {} });
  });
  const chunk = Buffer.alloc(1_000_000);
  while (connection.write([chunk]));
  expect(connection.pendingBytes).toBeGreaterThan(0);
  peer.resume();
  await drained;
});

test('the end of the other side is told after its bytes, then the close, once', async () => {
  const { connection, peer } = await pair();
  const heard: string[] = [];
  peer.end('last words');
  await new Promise<void>((resolve) => {
    connection.start({
      data: (chunk) => void heard.push(String(chunk)),
      end: () => void heard.push('end'),
      close: () => {
        heard.push('close');
        resolve();
      },
    });
  });
  connection.destroy();
  expect(heard).toEqual(['last words', 'end', 'close']);
  expect(connection.write([Buffer.from('x')])).toBe(false);
});

test('bytes that are not TLS close it, with the reason in plain words', async () => {
  let below: ConnectionHandlers | null = null;
  const { connection } = await pair({
    ...realNet,
    connect: async (where) => {
      const plain = await realNet.connect(where);
      const start = plain.start.bind(plain);
      plain.start = (handlers) => {
        below = handlers;
        start(handlers);
      };
      return plain;
    },
  });
  const failed = new Promise<Error | undefined>((resolve) => {
    connection.start({ data: () => {}, close: resolve });
  });
  const inject = (handlers: ConnectionHandlers | null): void =>
    handlers?.data(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
  inject(below);
  expect((await failed)?.message).toMatch(/^[\w ]+$/);
});

test('one that ended before it was started says so; its addresses are still known', async () => {
  const { connection } = await pair();
  connection.destroy();
  await new Promise<void>((resolve) => {
    connection.start({ data: () => {}, close: () => resolve() });
  });
  expect(connection.remoteAddress).toBe('127.0.0.1');
  expect(connection.localPort).toBeGreaterThan(0);
});
