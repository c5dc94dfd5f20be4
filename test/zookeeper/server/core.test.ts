import { zooKeeperCodes as codes } from '../../../zookeeper/errors.ts';
import { type MultiStep, multiRequest, multiResponse } from '../../../zookeeper/multi-records.ts';
import { createFlags, openAcl, requests, responses } from '../../../zookeeper/records.ts';
import { bytesOf, type Reply, World } from './harness.ts';

const statOf = (reply: Reply) => responses.exists.read(reply.body).stat;

describe('handshake', () => {
  test('a new session is a transaction, and the read-only byte comes back only when it was sent', () => {
    const world = new World();
    const old = world.handshake({ readOnly: null });
    const modern = world.handshake({ readOnly: false });
    expect((old.frame as Buffer).readInt32BE(0)).toBe(36);
    expect((modern.frame as Buffer).readInt32BE(0)).toBe(37);
    expect(world.transactions.map(({ zxid, body }) => [zxid, body.type])).toEqual([
      [1n, 'createSession'],
      [2n, 'createSession'],
    ]);
    expect(old.answer?.sessionId).not.toBe(modern.answer?.sessionId);
  });

  test('timeouts are kept within the limits', () => {
    const world = new World();
    const granted = (timeoutMs: number) => world.handshake({ timeoutMs }).answer?.timeoutMs;
    expect([granted(-5), granted(1), granted(18_000), granted(10 ** 8)]).toEqual([
      1000, 1000, 18_000, 60_000,
    ]);
  });

  test('a session moves to a new connection with its password, and the old connection is closed', () => {
    const world = new World();
    const { peer, answer } = world.handshake();
    peer.create('/e', { flags: createFlags.ephemeral });
    const { sessionId, password } = answer ?? { sessionId: 0n, password: null };
    const moved = world.handshake({ sessionId, password, lastZxidSeen: 2n });
    expect(moved.answer?.sessionId).toBe(sessionId);
    expect(peer.sent).toEqual(['closed']);
    expect(statOf(moved.peer.read('exists', '/e')).ephemeralOwner).toBe(sessionId);
    world.core.disconnected(peer);
    world.advance(9_000);
    expect(moved.peer.read('exists', '/e').code).toBe(0);
  });

  test('a wrong password is told that the session has expired and does not disturb its owner', () => {
    const world = new World();
    const { peer, answer } = world.handshake();
    const thief = world.handshake({ sessionId: answer?.sessionId ?? 0n });
    expect(thief.answer).toMatchObject({ sessionId: 0n, timeoutMs: 0 });
    expect(thief.peer.sent).toEqual(['closed']);
    expect(peer.read('exists', '/').code).toBe(0);
  });

  test('a client that has seen later transactions is turned away without an answer', () => {
    const world = new World();
    expect(world.handshake({ lastZxidSeen: 5n }).frame).toBe('closed');
    expect(world.handshake({ lastZxidSeen: 5n, sessionId: 7n }).answer?.sessionId).toBe(0n);
  });
});

describe('sessions', () => {
  test('a silent session expires with its ephemeral nodes under one zxid; pings keep it', () => {
    const world = new World();
    const silent = world.connect(2000);
    const alive = world.connect(2000);
    silent.create('/a', { flags: createFlags.ephemeral });
    silent.create('/b', { flags: createFlags.ephemeral });
    alive.read('exists', '/a', true);
    alive.read('exists', '/b', true);
    for (let count = 0; count < 6; count++) {
      alive.ask('ping', undefined, -2);
      world.advance(500);
    }
    expect(alive.events().sort()).toEqual(['2 /a', '2 /b']);
    expect(silent.sent).toEqual(['closed']);
    expect(world.transactions.at(-1)?.body.type).toBe('closeSession');
    expect(statOf(alive.read('exists', '/')).pzxid).toBe(world.core.tree.lastZxid);
  });

  test('closing a session removes its nodes at once, answers and closes the connection', () => {
    const world = new World();
    const peer = world.connect();
    const other = world.connect();
    peer.create('/e', { flags: createFlags.ephemeral });
    other.read('exists', '/e', true);
    expect(peer.ask('closeSession').code).toBe(0);
    expect(peer.sent).toEqual(['closed']);
    expect(other.events()).toEqual(['2 /e']);
  });
});

describe('writes', () => {
  test('stats follow creations, changes and deletions', () => {
    const world = new World();
    const peer = world.connect();
    peer.create('/p');
    for (const name of ['a', 'b', 'c']) peer.create(`/p/${name}`);
    peer.delete('/p/b');
    expect(statOf(peer.read('exists', '/p'))).toMatchObject({
      czxid: 2n,
      mzxid: 2n,
      pzxid: 6n,
      version: 0,
      cversion: 4,
      numChildren: 2,
    });
    const made = peer.create('/p/s-', { flags: createFlags['persistent-sequential'] });
    expect(responses.create.read(made.body).path).toBe('/p/s-0000000003');
    peer.setData('/p', 0);
    expect(statOf(peer.read('exists', '/p'))).toMatchObject({ version: 1, mzxid: 8n, pzxid: 7n });
  });

  test('null data and empty data stay distinct', () => {
    const peer = new World().connect();
    peer.create('/null', { data: null });
    peer.create('/empty', { data: Buffer.alloc(0) });
    const dataOf = (path: string) => responses.getData.read(peer.read('getData', path).body).data;
    expect(dataOf('/null')).toBeNull();
    expect(dataOf('/empty')).toEqual(Buffer.alloc(0));
  });

  test.each([
    ['/x/y', codes.NO_NODE],
    ['/a/', codes.BAD_ARGUMENTS],
    ['/a//b', codes.NO_NODE],
    ['/a/.', codes.BAD_ARGUMENTS],
    ['no-slash', codes.BAD_ARGUMENTS],
    ['/', codes.NODE_EXISTS],
    ['/a', codes.NODE_EXISTS],
    ['/e/x', codes.NO_CHILDREN_FOR_EPHEMERALS],
  ])('creating %s is refused', (path, code) => {
    const peer = new World().connect();
    peer.create('/a');
    peer.create('/e', { flags: createFlags.ephemeral });
    const reply = peer.create(path);
    expect([reply.code, reply.zxid]).toEqual([code, 4n]);
  });

  test('a list without permissions comes before everything, a wrong version before children', () => {
    const peer = new World().connect();
    const request = { path: '/no/x', data: null, acl: [], flags: 0 };
    const refused = peer.ask('create', bytesOf(requests.create, request));
    expect(refused.code).toBe(codes.INVALID_ACL);
    peer.create('/a');
    peer.create('/a/b');
    expect(peer.delete('/a', 7).code).toBe(codes.BAD_VERSION);
    expect(peer.delete('/a', 0).code).toBe(codes.NOT_EMPTY);
    expect(peer.delete('/zookeeper').code).toBe(codes.BAD_ARGUMENTS);
  });
});

describe('multi', () => {
  const create = (path: string, flags = 0): MultiStep => ({
    type: 'create',
    request: { path, data: null, acl: openAcl, flags },
  });
  const run = (peer: ReturnType<World['connect']>, steps: readonly MultiStep[]) => {
    const reply = peer.ask('multi', bytesOf(multiRequest, steps));
    return { reply, results: reply.code === 0 ? multiResponse.read(reply.body) : [] };
  };

  test('steps see the ones before them, and share one zxid', () => {
    const world = new World();
    const peer = world.connect();
    const { results, reply } = run(peer, [
      create('/b', createFlags.ephemeral),
      { type: 'setData', request: { path: '/b', data: null, version: 0 } },
      { type: 'check', request: { path: '/b', version: 1 } },
      create('/s-', createFlags['persistent-sequential']),
      create('/s-', createFlags['persistent-sequential']),
    ]);
    expect(reply.zxid).toBe(2n);
    expect(results.map((result) => ('path' in result ? result.path : result.type))).toEqual([
      '/b',
      'setData',
      'check',
      '/s-0000000001',
      '/s-0000000002',
    ]);
    expect(results[1]).toMatchObject({ stat: { czxid: 2n, version: 1 } });
  });

  test('a failure undoes everything and marks each step', () => {
    const peer = new World().connect();
    peer.create('/m');
    const { reply, results } = run(peer, [create('/n'), create('/m'), create('/o')]);
    expect(reply.code).toBe(0);
    expect(results).toEqual([
      { type: 'error', code: 0 },
      { type: 'error', code: codes.NODE_EXISTS },
      { type: 'error', code: codes.RUNTIME_INCONSISTENCY },
    ]);
    expect(peer.read('exists', '/n').code).toBe(codes.NO_NODE);
  });

  test('a read among the steps spoils the whole, and the session goes on', () => {
    const peer = new World().connect();
    const read: MultiStep = { type: 'getData', request: { path: '/', watch: false } };
    expect(run(peer, [create('/x'), read]).reply.code).toBe(codes.MARSHALLING_ERROR);
    expect(run(peer, []).reply).toMatchObject({ code: 0, zxid: 3n });
    expect(peer.isClosed).toBe(false);
  });
});

describe('watches', () => {
  test('events come once, before the reply to what caused them', () => {
    const peer = new World().connect();
    peer.read('exists', '/w', true);
    peer.create('/w');
    expect(peer.events()).toEqual(['1 /w']);
    peer.read('getData', '/w', true);
    peer.read('getChildren2', '/w', true);
    peer.create('/w/c');
    peer.setData('/w');
    peer.setData('/w');
    expect(peer.events()).toEqual(['4 /w', '3 /w']);
  });

  test('who watches data and children of a deleted node hears of it once', () => {
    const world = new World();
    const both = world.connect();
    const peer = world.connect();
    peer.create('/d');
    both.read('getData', '/d', true);
    both.read('getChildren2', '/d', true);
    both.read('getChildren2', '/', true);
    peer.delete('/d');
    expect(both.events()).toEqual(['2 /d', '4 /']);
  });

  test('a failed read arms nothing, and a lost connection has no watches', () => {
    const world = new World();
    const watcher = world.connect();
    const peer = world.connect();
    watcher.read('getData', '/x', true);
    peer.create('/x');
    expect(watcher.events()).toEqual([]);
    watcher.read('getData', '/x', true);
    world.core.disconnected(watcher);
    peer.setData('/x');
    expect(watcher.sent).toEqual([]);
  });

  test('watches are restored after a reconnect; what was missed is told at once', () => {
    const world = new World();
    const peer = world.connect();
    peer.create('/same');
    peer.create('/changed');
    const relativeZxid = world.core.tree.lastZxid;
    peer.setData('/changed');
    peer.create('/made');
    const lists = {
      data: ['/same', '/changed', '/gone'],
      exist: ['/made', '/later'],
      child: ['/'],
    };
    const reply = peer.ask(
      'setWatches',
      bytesOf(requests.setWatches, { relativeZxid, ...lists }),
      -8,
    );
    expect([reply.xid, reply.code]).toEqual([-8, 0]);
    expect(peer.events()).toEqual(['3 /changed', '2 /gone', '1 /made', '4 /']);
    peer.setData('/same');
    peer.create('/later');
    expect(peer.events()).toEqual(['3 /same', '1 /later']);
  });
});

describe('access', () => {
  const auth = (text: string): Buffer =>
    bytesOf(requests.auth, { type: 0, scheme: 'digest', auth: Buffer.from(text) });

  test('only who has shown the password may read, and others do not hear of changes', () => {
    const world = new World();
    const owner = world.connect();
    const other = world.connect();
    expect(owner.ask('auth', auth('bob:secret'), -4)).toMatchObject({ xid: -4, zxid: 0n, code: 0 });
    const acl = [{ permissions: 31, scheme: 'auth', id: '' }];
    other.read('exists', '/own', true);
    owner.ask('create', bytesOf(requests.create, { path: '/own', data: null, acl, flags: 0 }));
    expect(other.events()).toEqual([]);
    expect(other.read('getData', '/own').code).toBe(codes.NO_AUTH);
    const stored = owner.ask('getAcl', bytesOf(requests.getAcl, { path: '/own' }));
    expect(responses.getAcl.read(stored.body).acl).toEqual([
      { permissions: 31, scheme: 'digest', id: 'bob:fyVmFCwVbTJYrznoSu1koqYEYF0=' },
    ]);
  });

  test('a multiRead whose answer would be too large is refused', () => {
    const peer = new World().connect();
    peer.create('/large', { data: Buffer.alloc(1_000_000) });
    const ask = (count: number): number => {
      const request = { path: '/large', watch: false };
      const steps = Array.from({ length: count }, (): MultiStep => ({ type: 'getData', request }));
      return peer.ask('multiRead', bytesOf(multiRequest, steps)).code;
    };
    expect(ask(10)).toBe(0);
    expect(ask(100)).toBe(codes.MARSHALLING_ERROR);
  });

  test('an unknown scheme is refused and the connection closed', () => {
    const peer = new World().connect();
    const body = bytesOf(requests.auth, { type: 0, scheme: 'foo', auth: null });
    expect(peer.ask('auth', body).code).toBe(codes.AUTH_FAILED);
    expect(peer.sent).toEqual(['closed']);
  });

  test('a connection has a thousand names; more cost all others time, and end it', () => {
    const peer = new World().connect();
    // One is its address.
    for (let index = 1; index < 1000; index++)
      expect(peer.ask('auth', auth(`user${index}:secret`)).code).toBe(0);
    expect(peer.ask('auth', auth('one:more')).code).toBe(codes.AUTH_FAILED);
    expect(peer.isClosed).toBe(true);
  });

  test('the super user may do everything', () => {
    const superDigest = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=';
    const world = new World({ superDigest });
    const peer = world.connect();
    const acl = [{ permissions: 1, scheme: 'world', id: 'anyone' }];
    peer.ask('create', bytesOf(requests.create, { path: '/r', data: null, acl, flags: 0 }));
    expect(peer.setData('/r').code).toBe(codes.NO_AUTH);
    peer.ask('auth', auth('super:admin'));
    expect(peer.setData('/r').code).toBe(0);
  });
});

describe('hostile input', () => {
  test('bodies that are cut or lie about their lengths are refused, whatever the operation', () => {
    const world = new World();
    const peer = world.connect();
    for (const op of Object.keys(requests) as (keyof typeof requests)[]) {
      if (['ping', 'closeSession', 'whoAmI', 'auth', 'sasl', 'check'].includes(op)) continue;
      for (const body of [Buffer.from([0, 0]), Buffer.from([0x7f, 0xff, 0xff, 0xff])]) {
        expect(peer.ask(op, body).code).toBe(codes.MARSHALLING_ERROR);
      }
    }
    expect(peer.read('exists', '/').code).toBe(0);
  });

  test('an unknown operation is answered and the connection closed', () => {
    for (const op of ['createSession', 'deleteContainer', 'check', 'error'] as const) {
      const peer = new World().connect();
      expect(peer.ask(op)).toMatchObject({ code: codes.UNIMPLEMENTED, zxid: -1n });
      expect(peer.sent).toEqual(['closed']);
    }
  });

  test('a handshake that is cut closes the connection', () => {
    const world = new World();
    const { peer } = world.handshake();
    const silent = world.handshake().peer;
    world.core.connect(silent, Buffer.alloc(20), world.now());
    expect(silent.sent).toEqual(['closed']);
    world.core.request(peer, Buffer.alloc(7), world.now());
    expect(peer.sent).toEqual(['closed']);
  });
});
