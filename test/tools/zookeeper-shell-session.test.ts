/** What the shell's session sends when a connection comes back, and what it makes of answers that make no sense. */
import { realSystem } from '../../system/system.ts';
import {
  type EventState,
  type Outcome,
  ShellSession,
} from '../../tools/zookeeper-shell/session.ts';
import { encodeNotification, requests, responses, xids } from '../../zookeeper/records.ts';
import { FakeServer } from '../zookeeper/fake-server.ts';
import { Inbox } from '../zookeeper/inbox.ts';

const NO_NODE = -101;

let server: FakeServer;
let session: ShellSession;
let states: Inbox<EventState>;
let watched: Inbox<string>;
/** Called after each state that is told. */
let onState: () => void;

beforeEach(async () => {
  server = await FakeServer.start();
  states = new Inbox();
  watched = new Inbox();
  onState = () => {};
  session = new ShellSession(
    realSystem(),
    {
      servers: [{ host: '127.0.0.1', port: server.port }],
      sessionTimeoutMs: 10_000,
      readOnly: false,
    },
    {
      state: (state) => {
        states.put(state);
        onState();
      },
      watch: (event, path) => watched.put(`${event} ${path}`),
      unreachable: () => {},
    },
  );
});

afterEach(async () => {
  session.abandon();
  await server.close();
});

const exists = { name: 'exists', request: requests.exists, response: responses.exists } as const;

const read = (path: string): Promise<Outcome<unknown>> =>
  session.call(exists, { path, watch: false });

const lost = { isOk: false, code: 'CONNECTION_LOSS' };

test('credentials go before everything else, on the first connection and on later ones', async () => {
  session.addAuth('digest', Buffer.from('a:b'));
  const before = read('/a');
  const first = await server.connection(1);
  const [auth, request] = await first.requests.until(2);
  expect([auth?.xid, request?.op]).toEqual([xids.auth, 'exists']);
  first.reply(request?.xid ?? 0, NO_NODE);
  expect(await before).toEqual({ isOk: false, code: 'NO_NODE' });
  session.addAuth('digest', null);
  await first.requests.until(3);
  session.watches.arm('data', '/watched');
  first.end();
  await states.until(2);
  const waiting = read('/b');
  const second = await server.connection(2);
  const sent = await second.requests.until(4);
  expect(sent.map(({ op }) => op)).toEqual(['auth', 'auth', 'setWatches', 'exists']);
  second.reply(sent[2]?.xid ?? 0, 0);
  second.reply(sent[3]?.xid ?? 0, NO_NODE);
  expect(await waiting).toEqual({ isOk: false, code: 'NO_NODE' });
});

test('watches by the thousand come back in packets that any server takes', async () => {
  const kinds = ['data', 'exist', 'child', 'persistent', 'recursive'] as const;
  const first = await server.connection(1);
  await states.until(1);
  for (let index = 0; index < 15_000; index++) {
    session.watches.arm(kinds[index % kinds.length] ?? 'data', `/${'x'.repeat(90)}-${index}`);
  }
  first.end();
  await states.until(2);
  void read('/last');
  const { requests: inbox } = await server.connection(2);
  while (inbox.items.at(-1)?.op !== 'exists') await inbox.until(inbox.items.length + 1);
  const packets = inbox.items.slice(0, -1);
  expect(Math.max(...packets.map(({ bytes }) => bytes))).toBeLessThan(150_000);
  // Servers before 3.6 know the first kind alone: it is used as long as it will do.
  expect(new Set(packets.map(({ op }) => op))).toEqual(new Set(['setWatches', 'setWatches2']));
  session.abandon();
  expect(states.items).toEqual(['SyncConnected', 'Disconnected', 'SyncConnected']);
});

test('an event is told while its watch stands', async () => {
  const connection = await server.connection(1);
  await states.until(1);
  session.watches.arm('data', '/a');
  const events = ['/a', '/a', '/b'].map((path) => encodeNotification('dataChanged', path));
  connection.send(...events);
  const answer = read('/c');
  const [request] = await connection.requests.until(1);
  connection.reply(request?.xid ?? 0, NO_NODE);
  await answer;
  expect(watched.items).toEqual(['NodeDataChanged /a']);
});

test('an answer to something else, one that cannot be read, and bytes that are no frame end the connection', async () => {
  const spoilers = [
    (xid: number) => ({ xid: xid + 1, code: 0 }),
    (xid: number) => ({ xid, code: 0 }),
  ];
  for (const [index, spoil] of spoilers.entries()) {
    const answers = Promise.all([read('/a'), read('/b')]);
    const connection = await server.connection(index + 1);
    const [request] = await connection.requests.until(2);
    const { xid, code } = spoil(request?.xid ?? 0);
    connection.reply(xid, code);
    expect(await answers).toEqual([lost, lost]);
  }
  const third = await server.connection(3);
  await states.until(5);
  const answer = read('/c');
  await third.requests.until(1);
  third.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
  expect(await answer).toEqual(lost);
});

test('refused credentials end the session and whatever waits', async () => {
  session.addAuth('digest', Buffer.from('a:b'));
  const answer = read('/a');
  const connection = await server.connection(1);
  await connection.requests.until(2);
  connection.reply(xids.auth, -115);
  expect(await answer).toEqual({ isOk: false, code: 'AUTH_FAILED' });
  expect(states.items).toEqual(['SyncConnected', 'AuthFailed']);
  expect(await read('/b')).toEqual({ isOk: false, code: 'AUTH_FAILED' });
});

test('closing asks the server, answers what comes later itself, and is told once', async () => {
  const connection = await server.connection(1);
  const closing = session.close();
  const [request] = await connection.requests.until(1);
  expect(request?.op).toBe('closeSession');
  connection.reply(request?.xid ?? 0, 0);
  await closing;
  expect(states.items).toEqual(['SyncConnected', 'Closed']);
  expect(await read('/a')).toEqual({ isOk: false, code: 'SESSION_EXPIRED' });
  await session.close();
  expect(states.items).toHaveLength(2);
});

test('a call made when the connection is told of is sent once', async () => {
  const answers: Promise<Outcome<unknown>>[] = [read('/queued')];
  onState = () => answers.push(read('/early'));
  const connection = await server.connection(1);
  await connection.requests.until(2);
  answers.push(read('/later'));
  const sent = await connection.requests.until(3);
  for (const { xid } of sent) connection.reply(xid, NO_NODE);
  await Promise.all(answers);
  expect(answers).toHaveLength(3);
  expect(connection.requests.items).toHaveLength(3);
});
