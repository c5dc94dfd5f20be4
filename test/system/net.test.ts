import {
  type Connection,
  type ConnectionHandlers,
  realNet,
  type ServerSocket,
} from '../../system/net.ts';

let server: ServerSocket | null = null;
const connections: Connection[] = [];

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.destroy();
  await server?.close();
  server = null;
});

/** Both ends of a connection; neither is started. */
const pair = async (): Promise<{ accepted: Connection; dialled: Connection }> => {
  const arrived = new Promise<Connection>((resolve, reject) => {
    realNet.listen({ host: '127.0.0.1', port: 0 }, resolve).then((listening) => {
      server = listening;
      connect(listening.port).then(gotDialled, reject);
    }, reject);
  });
  let gotDialled: (connection: Connection) => void = () => {};
  const dialling = new Promise<Connection>((resolve) => {
    gotDialled = resolve;
  });
  const [accepted, dialled] = await Promise.all([arrived, dialling]);
  connections.push(accepted, dialled);
  return { accepted, dialled };
};

const connect = (port: number): Promise<Connection> =>
  realNet.connect({ host: '127.0.0.1', port, timeoutMs: 5000 });

/** Starts a connection that gathers what comes. */
const gather = (connection: Connection, handlers: Partial<ConnectionHandlers> = {}) => {
  const chunks: Buffer[] = [];
  let wanted = 0;
  let enough: () => void = () => {};
  const received = (): Buffer => Buffer.concat(chunks);
  connection.start({
    data: (chunk) => {
      chunks.push(handlers.borrows ? Buffer.from(chunk) : chunk);
      if (received().length >= wanted) enough();
    },
    close: () => {},
    ...handlers,
  });
  const until = (byteCount: number): Promise<Buffer> =>
    new Promise((resolve) => {
      wanted = byteCount;
      enough = () => resolve(received());
      if (received().length >= wanted) enough();
    });
  return { received, until };
};

describe.each([
  ['kept', false],
  ['borrowed', true],
])('bytes that are %s', (_, borrows) => {
  test('arrive in order both ways, however large', async () => {
    const { accepted, dialled } = await pair();
    const large = Buffer.alloc(3_000_000, 'abcdefg');
    const [there, back] = [gather(accepted, { borrows }), gather(dialled, { borrows })];
    dialled.write([Buffer.from('first '), large]);
    accepted.write([large.subarray(0, 1_000_000), Buffer.from(' last')]);
    const sent = Buffer.concat([Buffer.from('first '), large]);
    expect((await there.until(sent.length)).equals(sent)).toBe(true);
    expect((await back.until(1_000_005)).subarray(-5).toString()).toBe(' last');
  });
});

test('an owner with room of its own gets the bytes there, and elsewhere when it has none', async () => {
  const { accepted, dialled } = await pair();
  const sent = Buffer.alloc(500_000, 'abcdefg');
  const own = Buffer.alloc(200_000);
  const gathered: Buffer[] = [];
  let ownBytes = 0;
  let byteCount = 0;
  const all = new Promise<void>((resolve) => {
    accepted.start({
      borrows: true,
      data: (chunk) => {
        byteCount += chunk.length;
        if (chunk.buffer === own.buffer) ownBytes += chunk.length;
        gathered.push(Buffer.from(chunk));
        if (byteCount === sent.length) resolve();
      },
      // From the first chunk on, until it is full.
      room: () => (byteCount > 0 && ownBytes < own.length ? own.subarray(ownBytes) : null),
      close: () => {},
    });
  });
  dialled.start({ data: () => {}, close: () => {} });
  dialled.write([sent]);
  await all;
  expect(Buffer.concat(gathered).equals(sent)).toBe(true);
  const before = gathered[0]?.length ?? 0;
  expect(ownBytes).toBe(own.length);
  expect(own.equals(sent.subarray(before, before + own.length))).toBe(true);
});

test('what one connection keeps is not overwritten by another', async () => {
  const one = await pair();
  const first = gather(one.accepted);
  one.dialled.write([Buffer.from('aaaa')]);
  const kept = await first.until(4);
  const listening = server;
  const two = await pair();
  const second = gather(two.accepted);
  two.dialled.write([Buffer.from('bbbbbbbb')]);
  await second.until(8);
  expect(kept.toString()).toBe('aaaa');
  await listening?.close();
});

test('a connection stands still until it is started, and while it is paused', async () => {
  const { accepted, dialled } = await pair();
  const echo = gather(dialled);
  dialled.write([Buffer.from('early')]);
  // A round trip on another connection: what was sent before has arrived.
  const first = gather(accepted);
  expect((await first.until(5)).toString()).toBe('early');
  accepted.pause();
  dialled.write([Buffer.from('later')]);
  accepted.write([Buffer.from('x')]);
  await echo.until(1);
  expect(first.received().length).toBe(5);
  accepted.resume();
  expect((await first.until(10)).toString()).toBe('earlylater');
});

test('the end of a peer is told after its bytes, and our side may go on', async () => {
  const { accepted, dialled } = await pair();
  const heard: string[] = [];
  let ended: () => void = () => {};
  const hasEnded = new Promise<void>((resolve) => {
    ended = resolve;
  });
  gather(accepted, {
    data: (chunk) => void heard.push(String(chunk)),
    end: () => {
      heard.push('end');
      ended();
    },
    close: () => void heard.push('close'),
  });
  const peer = gather(dialled);
  dialled.write([Buffer.from('last words')]);
  dialled.end();
  await hasEnded;
  expect(heard.join('')).toBe('last wordsend');
  accepted.write([Buffer.from('answer')]);
  expect((await peer.until(6)).toString()).toBe('answer');
});

test('closing at once is told to both ends, once', async () => {
  const { accepted, dialled } = await pair();
  let closes = 0;
  const closed = [accepted, dialled].map(
    (connection) =>
      new Promise<void>((resolve) => {
        connection.start({
          data: () => {},
          close: () => {
            closes += 1;
            resolve();
          },
        });
      }),
  );
  accepted.destroy();
  accepted.destroy();
  await Promise.all(closed);
  expect(closes).toBe(2);
  expect(accepted.write([Buffer.from('x')])).toBe(false);
});

test('a connection that ended before it was started says so', async () => {
  const { accepted, dialled } = await pair();
  dialled.destroy();
  accepted.destroy();
  await new Promise<void>((resolve) => accepted.start({ data: () => {}, close: () => resolve() }));
});

test('a slow reader makes writes wait, and a drain is told', async () => {
  const { accepted, dialled } = await pair();
  const chunk = Buffer.alloc(1_000_000);
  let drained: () => void = () => {};
  const hasDrained = new Promise<void>((resolve) => {
    drained = resolve;
  });
  gather(dialled, { drain: () => drained() });
  let count = 0;
  while (dialled.write([chunk])) count += 1;
  expect(dialled.pendingBytes).toBeGreaterThan(0);
  const reader = gather(accepted, { borrows: true });
  await hasDrained;
  await reader.until((count + 1) * chunk.length);
  expect(dialled.pendingBytes).toBe(0);
});

test('addresses are known, also after the end, without the prefix of mapped ones', async () => {
  const { accepted, dialled } = await pair();
  expect(accepted.remoteAddress).toBe('127.0.0.1');
  expect(accepted.localPort).toBe(server?.port);
  expect(accepted.remotePort).toBe(dialled.localPort);
  accepted.destroy();
  expect(accepted.remoteAddress).toBe('127.0.0.1');
});

test('a refused dial fails with its code', async () => {
  const listening = await realNet.listen({ host: '127.0.0.1', port: 0 }, () => {});
  await listening.close();
  await expect(connect(listening.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a port that is taken fails with its code', async () => {
  server = await realNet.listen({ host: '127.0.0.1', port: 0 }, () => {});
  const { port } = server;
  const again = realNet.listen({ host: '127.0.0.1', port }, () => {});
  await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
