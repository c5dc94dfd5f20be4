import { ConnectionLimits } from '../../network/connection-limits.ts';
import {
  type Answer,
  type ClientConnection,
  type Listener,
  type ListenerOptions,
  openListener,
  type RequestHandler,
} from '../../network/listener.ts';
import { RequestBudget } from '../../network/request-budget.ts';
import { bufferPool } from '../../system/buffer-pool.ts';
import type { Connection } from '../../system/net.ts';
import { realSystem } from '../../system/system.ts';

const system = realSystem();
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const item of opened.splice(0).reverse()) await item.close();
});

const listen = async (
  onRequest: RequestHandler,
  options: Partial<ListenerOptions> = {},
): Promise<Listener> => {
  const listener = await openListener(
    system,
    { name: 'PLAINTEXT', host: '127.0.0.1', port: 0, ...options },
    onRequest,
  );
  opened.push(listener);
  return listener;
};

/** A peer that keeps all it receives and lets a test wait for it. */
class Peer {
  received = Buffer.alloc(0);
  isClosed = false;
  readonly socket: Connection;
  #changed: () => void = () => {};

  constructor(socket: Connection) {
    this.socket = socket;
    socket.start({
      data: (chunk) => {
        this.received = Buffer.concat([this.received, chunk]);
        this.#changed();
      },
      end: () => {
        this.isClosed = true;
        this.#changed();
      },
      close: () => {
        this.isClosed = true;
        this.#changed();
      },
    });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  async text(expected: string): Promise<void> {
    await this.until(() => this.received.length >= expected.length || this.isClosed);
    expect(this.received.toString()).toBe(expected);
  }

  send(...texts: string[]): void {
    this.socket.write(texts.map(frame));
  }

  close(): void {
    this.socket.destroy();
  }
}

const frame = (text: string): Buffer => {
  const buffer = Buffer.alloc(4 + text.length);
  buffer.writeInt32BE(text.length);
  buffer.write(text, 4);
  return buffer;
};

const dial = async ({ port }: Listener): Promise<Peer> => {
  const socket = await system.net.connect({ host: '127.0.0.1', port, timeoutMs: 5000 });
  const peer = new Peer(socket);
  opened.push(peer);
  return peer;
};

const echo: RequestHandler = (request) => [Buffer.from(request)];

/** Requests that the test answers when it likes. */
const deferred = () => {
  const waiting: ((answer: Answer) => void)[] = [];
  const seen: string[] = [];
  let changed: () => void = () => {};
  const onRequest: RequestHandler = (request) => {
    seen.push(request.toString());
    changed();
    return new Promise((resolve) => waiting.push(resolve));
  };
  const untilSeen = async (count: number): Promise<void> => {
    while (seen.length < count) {
      await new Promise<void>((resolve) => {
        changed = resolve;
      });
    }
  };
  return { waiting, seen, onRequest, untilSeen };
};

describe('a listener', () => {
  test('answers requests, one or many in a chunk', async () => {
    const peer = await dial(await listen(echo));
    peer.send('a', 'bc', 'def');
    await peer.text('abcdef');
  });

  test('sends responses in the order of the requests, whichever is ready first', async () => {
    const { waiting, onRequest, untilSeen } = deferred();
    const peer = await dial(await listen(onRequest));
    peer.send('1', '2', '3');
    await untilSeen(3);
    waiting[2]?.([Buffer.from('three')]);
    waiting[1]?.(null);
    waiting[0]?.([Buffer.from('one'), Buffer.from('-')]);
    await peer.text('one-three');
  });

  test('closes behind the earlier responses when asked to', async () => {
    const { waiting, onRequest, untilSeen } = deferred();
    const peer = await dial(await listen(onRequest));
    peer.send('1', '2', '3');
    await untilSeen(3);
    waiting[2]?.([Buffer.from('never')]);
    waiting[1]?.('close');
    waiting[0]?.([Buffer.from('one')]);
    await peer.until(() => peer.isClosed);
    expect(peer.received.toString()).toBe('one');
  });

  test.each([-1, 1001])('closes the connection for a frame of %i bytes', async (size) => {
    const peer = await dial(await listen(echo, { maxRequestBytes: 1000 }));
    const bad = Buffer.alloc(8);
    bad.writeInt32BE(size);
    peer.socket.write([bad]);
    await peer.until(() => peer.isClosed);
    expect(peer.received.length).toBe(0);
  });

  test('answers what it has received although the peer sends no more', async () => {
    const { waiting, onRequest, untilSeen } = deferred();
    const peer = await dial(await listen(onRequest));
    peer.send('last words');
    peer.socket.end();
    await untilSeen(1);
    waiting[0]?.([Buffer.from('heard')]);
    await peer.until(() => peer.isClosed);
    expect(peer.received.toString()).toBe('heard');
  });

  test('hands on no more requests of a connection than allowed', async () => {
    const { waiting, seen, onRequest, untilSeen } = deferred();
    const peer = await dial(await listen(onRequest, { inFlightMax: 2 }));
    peer.send('1', '2', '3', '4');
    await untilSeen(2);
    expect(seen).toEqual(['1', '2']);
    waiting[0]?.([Buffer.from('a')]);
    await untilSeen(3);
    expect(seen).toEqual(['1', '2', '3']);
    waiting[1]?.([Buffer.from('b')]);
    await untilSeen(4);
    waiting[2]?.([Buffer.from('c')]);
    waiting[3]?.([Buffer.from('d')]);
    await peer.text('abcd');
  });

  test('stops reading all connections while the budget is used up', async () => {
    const budget = new RequestBudget(10);
    const { waiting, seen, onRequest, untilSeen } = deferred();
    const listener = await listen(onRequest, { budget });
    const first = await dial(listener);
    const second = await dial(listener);
    first.send('0123456789');
    await untilSeen(1);
    expect(budget.isExhausted).toBe(true);
    second.send('x');
    first.send('y');
    waiting[0]?.([Buffer.from('done')]);
    await untilSeen(3);
    expect(seen.slice(1).sort()).toEqual(['x', 'y']);
    waiting[1]?.(null);
    waiting[2]?.([Buffer.from('!')]);
    await first.until(() => first.received.length >= 4);
    first.close();
    second.close();
  });

  test('takes no further request while a connection is throttled', async () => {
    const order: string[] = [];
    const onRequest: RequestHandler = (request, connection) => {
      order.push(request.toString());
      if (order.length === 1) {
        connection.throttle(20);
        system.clock.setTimer(5, () => order.push('timer'));
      }
      return [Buffer.from(request)];
    };
    const peer = await dial(await listen(onRequest));
    peer.send('a', 'b');
    await peer.text('ab');
    expect(order).toEqual(['a', 'timer', 'b']);
  });

  test('closes connections that are silent for too long, half a frame being silence', async () => {
    let gone = 0;
    let bothGone: () => void = () => {};
    const closed = new Promise<void>((resolve) => {
      bothGone = resolve;
    });
    const onClosed = () => {
      gone++;
      if (gone === 2) bothGone();
    };
    const listener = await listen(echo, { idleMsMax: 20, onClosed });
    const silent = await dial(listener);
    const half = await dial(listener);
    half.socket.write([Buffer.from([0, 0])]);
    await silent.until(() => silent.isClosed);
    await half.until(() => half.isClosed);
    await closed;
    expect(listener.connectionCount).toBe(0);
  });

  test('lets connections beyond its limit wait until another one has gone', async () => {
    const listener = await listen(echo, { connectionsMax: 1 });
    const first = await dial(listener);
    first.send('first');
    await first.text('first');
    const second = await dial(listener);
    second.send('second');
    first.close();
    await second.text('second');
  });

  test('lets those in who wait when a limit is raised', async () => {
    const limits = new ConnectionLimits({ connectionsMax: 1 });
    const listener = await listen(echo, { limits, connectionsMax: 2 });
    const peers = [await dial(listener), await dial(listener), await dial(listener)] as const;
    for (const peer of peers) peer.send('hello');
    await peers[0].text('hello');
    limits.configure({ connectionsMax: 3 });
    await peers[1].text('hello');
    listener.connectionsMax = 3;
    await peers[2].text('hello');
  });

  test('a protected listener does not wait for room on others', async () => {
    const limits = new ConnectionLimits({ connectionsMax: 1 });
    const clients = await listen(echo, { limits });
    const brokers = await listen(echo, { limits, isProtected: true });
    const client = await dial(clients);
    client.send('client');
    await client.text('client');
    const broker = await dial(brokers);
    broker.send('broker');
    await broker.text('broker');
  });

  test('refuses an address that has its share of connections', async () => {
    const limits = new ConnectionLimits({ perAddressMax: () => 1 });
    const listener = await listen(echo, { limits });
    const first = await dial(listener);
    first.send('first');
    await first.text('first');
    const second = await dial(listener);
    await second.until(() => second.isClosed);
    first.send('still');
    await first.text('firststill');
  });

  test('names connections as Kafka does and tells when they are gone', async () => {
    const connections: ClientConnection[] = [];
    let gone: (connection: ClientConnection) => void = () => {};
    const closed = new Promise<ClientConnection>((resolve) => {
      gone = resolve;
    });
    const onRequest: RequestHandler = (_, connection) => {
      connections.push(connection);
      return [Buffer.from('ok')];
    };
    const listener = await listen(onRequest, { onClosed: (connection) => gone(connection) });
    const peer = await dial(listener);
    peer.send('hello');
    await peer.text('ok');
    const local = `127.0.0.1:${peer.socket.localPort}`;
    expect(connections[0]?.id).toBe(`127.0.0.1:${listener.port}-${local}-0`);
    expect(connections[0]?.clientHost).toBe('127.0.0.1');
    peer.close();
    expect(await closed).toBe(connections[0]);
  });

  test('closes only the connection whose handler throws', async () => {
    const listener = await listen((request) => {
      if (request.toString() === 'bad') throw new Error('a bug');
      return [Buffer.from('fine')];
    });
    const good = await dial(listener);
    const bad = await dial(listener);
    bad.send('bad');
    await bad.until(() => bad.isClosed);
    good.send('good');
    await good.text('fine');
  });
});

/** Opens a listener whose answers lie in pooled memory that the test holds, too. */
const answerFromPool = async (memoryOf: NonNullable<ListenerOptions['memoryOf']>) => {
  const answer = bufferPool.take(100_000).fill('a');
  const listener = await listen(() => [answer], { memoryOf });
  const peer = await dial(listener);
  peer.send('any request');
  await peer.until(() => peer.received.length === answer.length);
  return answer;
};

test('an answer that others hold stays as it is when it has gone out', async () => {
  const answer = await answerFromPool(() => 'kept');
  expect(bufferPool.owns(answer)).toBe(true);
  expect(bufferPool.take(100_000).fill('b').buffer).not.toBe(answer.buffer);
  expect(answer.every((byte) => byte === 97)).toBe(true);
});

test('an answer held for the peer alone is free again when it has gone out', async () => {
  const answer = await answerFromPool(() => 'answerIsHeld');
  while (bufferPool.owns(answer)) await new Promise((resolve) => void setImmediate(resolve));
  expect(bufferPool.take(100_000).buffer).toBe(answer.buffer);
});
