/**
 * What goes wrong between client and server, from a server that does it on purpose. Each test stands for a defect of
 * the package node-zookeeper-client that its transport works around; our own connection has to stand them as well.
 */
import { type Clock, realClock } from '../../system/clock.ts';
import { realSystem, type System } from '../../system/system.ts';
import type { ClientOptions } from '../../zookeeper/client.ts';
import { connectNodeClient } from '../../zookeeper/node-client.ts';
import { encodeNotification, encodeReply, xids } from '../../zookeeper/records.ts';
import type { WatchEvent, ZooKeeperClient } from '../../zookeeper/session.ts';
import { connectWireClient } from '../../zookeeper/wire-client.ts';
import { FakeServer } from './fake-server.ts';
import { codeOf, Inbox } from './inbox.ts';

const CONNECTION_LIMIT_MS = 5000;
const NO_NODE = -101;

/** Timers fire when the test says so. */
class HandClock implements Clock {
  readonly #timers = new Map<symbol, { delayMs: number; callback: () => void }>();
  readonly nowMs = realClock.nowMs;
  readonly elapsedMs = realClock.elapsedMs;
  readonly defer = realClock.defer;
  readonly sleep = realClock.sleep;

  setTimer(delayMs: number, callback: () => void) {
    const key = Symbol();
    this.#timers.set(key, { delayMs, callback });
    return { cancel: () => void this.#timers.delete(key) };
  }

  /** Fires the timers set for exactly `delayMs`; returns how many there were. */
  fire(delayMs: number): number {
    const due = [...this.#timers].filter(([, timer]) => timer.delayMs === delayMs);
    for (const [key, timer] of due) {
      this.#timers.delete(key);
      timer.callback();
    }
    return due.length;
  }

  /** Fires all timers; returns how many there were. */
  fireAll(): number {
    const delays = new Set([...this.#timers.values()].map(({ delayMs }) => delayMs));
    return [...delays].reduce((count, delayMs) => count + this.fire(delayMs), 0);
  }
}

describe.each([
  ['node-zookeeper-client', connectNodeClient],
  ['our own connection', connectWireClient],
])('the session over %s', (_name, connect) => {
  let server: FakeServer;
  const clients: ZooKeeperClient[] = [];

  const open = async (
    options: Partial<ClientOptions> = {},
    system: System = realSystem(),
  ): Promise<ZooKeeperClient> => {
    const client = await connect(system, {
      connectString: `127.0.0.1:${server.port}`,
      sessionTimeoutMs: 10_000,
      connectionTimeoutMs: CONNECTION_LIMIT_MS,
      ...options,
    });
    clients.push(client);
    return client;
  };

  beforeEach(async () => {
    server = await FakeServer.start();
  });

  afterEach(async () => {
    // No answer to closeSession comes from this server: its end is as good.
    const closing = clients.splice(0).map((client) => client.close());
    await server.close();
    await Promise.all(closing);
  });

  test('codes without a name in the package are errors like others', async () => {
    const client = await open();
    const connection = await server.connection(1);
    const answers = Promise.all(['/a', '/b', '/c'].map((path) => codeOf(client.getData(path))));
    const requests = await connection.requests.until(3);
    const codes = [-127, -125, NO_NODE];
    connection.send(...requests.map(({ xid }, index) => encodeReply(xid, 5n, codes[index] ?? 0)));
    expect(await answers).toEqual(['THROTTLED_OP', 'QUOTA_EXCEEDED', 'NO_NODE']);
    expect(server.connections.items).toHaveLength(1);
  });

  test('the same in a step of a multi', async () => {
    const client = await open();
    const connection = await server.connection(1);
    const failed = client.multi([
      { type: 'check', path: '/a', version: 0 },
      { type: 'create', path: '/b', data: null },
    ]);
    const [request] = await connection.requests.until(1);
    connection.reply(request?.xid ?? -1, 0, (writer) => {
      for (const code of [0, -125]) {
        writer.int(-1);
        writer.bool(false);
        writer.int(code);
        writer.int(code);
      }
      writer.int(-1);
      writer.bool(true);
      writer.int(-1);
    });
    await expect(failed).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED', index: 1, path: '/b' });
  });

  test('half a frame at the end of a connection does not spoil the next one', async () => {
    const client = await open();
    const first = await server.connection(1);
    const answer = codeOf(client.getData('/a'));
    const [request] = await first.requests.until(1);
    first.send(encodeReply(request?.xid ?? -1, 5n, NO_NODE).subarray(0, 9));
    first.end();
    const second = await server.connection(2);
    const [again] = await second.requests.until(1);
    second.reply(again?.xid ?? -1, NO_NODE);
    expect(await answer).toBe('NO_NODE');
  });

  test('a server that does not answer the handshake is given up, as often as it takes', async () => {
    server.grants = false;
    const opening = open({ sessionTimeoutMs: 100 });
    await server.connection(1);
    server.grants = true;
    const client = await opening;
    expect(client.isConnected).toBe(true);
    expect(server.connections.items.length).toBeGreaterThan(1);
    // Nothing was sent before the grant, closeSession in particular.
    expect(server.connections.items[0]?.requests.items).toEqual([]);
  });

  test('connecting in vain ends in time and sends nothing but the handshake', async () => {
    server.grants = false;
    expect(await codeOf(open({ connectionTimeoutMs: 50 }))).toBe('OPERATION_TIMEOUT');
    const connection = await server.connection(1);
    await connection.closed.until(1);
    expect(connection.requests.items).toEqual([]);
  });

  test('a connection kept busy by events alone is still kept alive', async () => {
    const clock = new HandClock();
    server.timeoutMs = 9000;
    const client = await open({}, { ...realSystem(), clock });
    const connection = await server.connection(1);
    for (let round = 1; round <= 3; round++) {
      connection.send(encodeNotification('dataChanged', '/a'));
      expect(clock.fire(3000)).toBe(1);
      const requests = await connection.requests.until(round);
      const { xid, op } = requests[round - 1] as { xid: number; op: string };
      expect(op).toBe(xid === xids.ping ? 'ping' : 'exists');
      connection.reply(xid, xid === xids.ping ? 0 : NO_NODE);
      // The answer has been taken in when one to a later request has.
      const answer = codeOf(client.getData('/b'));
      const asked = (await connection.requests.until(round + 1)).at(-1);
      connection.reply(asked?.xid ?? -1, NO_NODE);
      expect(await answer).toBe('NO_NODE');
      connection.requests.items.splice(round);
    }
    expect(server.connections.items).toHaveLength(1);
  });

  test('a connection on which nothing comes back is replaced within the timeout', async () => {
    const clock = new HandClock();
    server.timeoutMs = 9000;
    const client = await open({}, { ...realSystem(), clock });
    const connection = await server.connection(1);
    const states = new Inbox<string>();
    client.onSession({ disconnected: () => states.put('disconnected') });
    clock.fire(3000);
    await connection.requests.until(1);
    clock.fire(3000);
    await states.until(1);
    expect(clock.fire(0)).toBe(1);
    await server.connection(2);
  });

  test('a handshake without an answer is given up while the granted session still lives', async () => {
    const clock = new HandClock();
    server.timeoutMs = 9000;
    const client = await open({ sessionTimeoutMs: 60_000 }, { ...realSystem(), clock });
    const states = new Inbox<string>();
    client.onSession({
      disconnected: () => states.put('disconnected'),
      connected: () => states.put('connected'),
    });
    server.grants = false;
    (await server.connection(1)).end();
    await states.until(1);
    expect(clock.fire(0)).toBe(1);
    await server.connection(2);
    server.grants = true;
    expect(clock.fire(3000)).toBe(1);
    // The pause before the next attempt is random.
    expect(clock.fireAll()).toBe(1);
    await states.until(2);
  });

  test('requests never sent are rejected at expiry, as those sent are', async () => {
    const client = await open({ inFlightMax: 1 });
    const first = await server.connection(1);
    const codes = Promise.all([codeOf(client.getData('/sent')), codeOf(client.getData('/queued'))]);
    await first.requests.until(1);
    server.timeoutMs = 0;
    first.end();
    expect(await codes).toEqual(['SESSION_EXPIRED', 'SESSION_EXPIRED']);
  });

  test('refused credentials end the session', async () => {
    const credentials = [{ scheme: 'digest', auth: Buffer.from('a:b') }];
    const client = await open({ credentials });
    const first = await server.connection(1);
    const codes = Promise.all([codeOf(client.getData('/a')), codeOf(client.getData('/b'))]);
    await first.requests.until(3);
    first.reply(xids.auth, -115);
    expect(await codes).toEqual(['AUTH_FAILED', 'AUTH_FAILED']);
  });

  test('after a reconnect come credentials, watches, and then requests in their old order', async () => {
    const client = await open({ credentials: [{ scheme: 'digest', auth: Buffer.from('a:b') }] });
    client.watchNode('/watched', () => {});
    const first = await server.connection(1);
    const watched = client.exists('/watched');
    const [, exists] = await first.requests.until(2);
    first.reply(exists?.xid ?? -1, NO_NODE);
    expect(await watched).toBeNull();
    const codes = Promise.all([
      codeOf(client.getData('/a')),
      codeOf(client.delete('/b')),
      codeOf(client.getChildren('/c')),
    ]);
    await first.requests.until(5);
    first.end();
    const second = await server.connection(2);
    const requests = await second.requests.until(5);
    expect(requests.map(({ op }) => op)).toEqual([
      'auth',
      connect === connectNodeClient ? 'exists' : 'setWatches',
      'getData',
      'delete',
      'getChildren2',
    ]);
    for (const { xid, op } of requests.slice(1))
      second.reply(xid, op === 'setWatches' ? 0 : NO_NODE);
    expect(await codes).toEqual(['NO_NODE', 'NO_NODE', 'NO_NODE']);
  });

  test('watches by the thousand come back in packets that any server takes', async () => {
    const client = await open({ inFlightMax: 5000 });
    const paths = Array.from({ length: 3000 }, (_, index) => `/${'x'.repeat(90)}-${index}`);
    const first = await server.connection(1);
    for (const path of paths) client.watchNode(path, () => {});
    const reads = Promise.all(paths.map((path) => client.exists(path)));
    const asked = await first.requests.until(paths.length);
    first.send(...asked.map(({ xid }) => encodeReply(xid, 5n, NO_NODE)));
    await reads;
    first.end();
    const second = await server.connection(2);
    const last = codeOf(client.delete('/last'));
    while (second.requests.items.at(-1)?.op !== 'delete') {
      await second.requests.until(second.requests.items.length + 1);
    }
    expect(Math.max(...second.requests.items.map(({ bytes }) => bytes))).toBeLessThan(150_000);
    for (const { xid, op } of second.requests.items) {
      second.reply(xid, op === 'setWatches' ? 0 : NO_NODE);
    }
    expect(await last).toBe('NO_NODE');
  });

  test('a handler that throws does not hold up what came behind its event', async () => {
    const client = await open();
    const events = new Inbox<WatchEvent>();
    client.watchNode('/a', () => {
      throw new Error('a handler of the test');
    });
    client.watchNode('/a', events.put);
    const connection = await server.connection(1);
    const absent = client.exists('/a');
    const [exists] = await connection.requests.until(1);
    connection.reply(exists?.xid ?? -1, NO_NODE);
    await absent;
    const answer = codeOf(client.getData('/b'));
    const [, read] = await connection.requests.until(2);
    connection.send(encodeNotification('created', '/a'), encodeReply(read?.xid ?? -1, 6n, NO_NODE));
    expect(await answer).toBe('NO_NODE');
    expect(events.items).toEqual([{ type: 'created', path: '/a' }]);
  });

  test('twenty thousand frames in one piece are no trouble', async () => {
    const client = await open();
    const connection = await server.connection(1);
    const answer = codeOf(client.getData('/b'));
    const [request] = await connection.requests.until(1);
    const events = Array.from({ length: 20_000 }, () => encodeNotification('dataChanged', '/a'));
    connection.send(...events, encodeReply(request?.xid ?? -1, 5n, NO_NODE));
    expect(await answer).toBe('NO_NODE');
  });

  test('an answer to something else, and bytes that are no frame, end only the connection', async () => {
    const client = await open();
    const first = await server.connection(1);
    const answer = codeOf(client.getData('/a'));
    await first.requests.until(1);
    first.reply(4711, 0);
    const second = await server.connection(2);
    await second.requests.until(1);
    second.send(Buffer.from('7fffffff00000000', 'hex'));
    const third = await server.connection(3);
    const [request] = await third.requests.until(1);
    third.reply(request?.xid ?? -1, NO_NODE);
    expect(await answer).toBe('NO_NODE');
  });
});
