/** Containers and nodes with a time to live: when they go, and that a restart changes nothing about it. */
import { openAcl, requests } from '../../../zookeeper/records.ts';
import { DataTree } from '../../../zookeeper/server/tree.ts';
import { bytesOf, World } from './harness.ts';

const CHECK_MS = 60_000;
const options = { extendedTypesEnabled: true, containerCheckIntervalMs: CHECK_MS };
const ttlBody = (path: string, ttl: bigint, flags = 5): Buffer =>
  bytesOf(requests.createTtl, { path, data: null, acl: openAcl, flags, ttl });
const containerBody = (path: string): Buffer =>
  bytesOf(requests.createContainer, { path, data: null, acl: openAcl, flags: 4 });

test('a TTL node goes when nobody has written to it for longer than its TTL', () => {
  const world = new World(options);
  const peer = world.connect(60_000);
  expect(peer.ask('createTtl', ttlBody('/t', BigInt(CHECK_MS))).code).toBe(0);
  peer.read('exists', '/t', true);
  world.advance(CHECK_MS / 2);
  peer.setData('/t');
  peer.read('exists', '/t', true);
  peer.events();
  world.advance(CHECK_MS);
  expect(peer.events()).toEqual([]);
  peer.ask('ping');
  world.advance(CHECK_MS / 2);
  world.advance(CHECK_MS / 2);
  expect(peer.events()).toEqual(['2 /t']);
});

test('a TTL node with children stays until they are gone', () => {
  const world = new World(options);
  const peer = world.connect(60_000);
  peer.ask('createTtl', ttlBody('/t', 1n));
  peer.create('/t/child');
  world.advance(CHECK_MS);
  expect(peer.read('exists', '/t').code).toBe(0);
  peer.delete('/t/child');
  world.advance(CHECK_MS);
  expect(peer.read('exists', '/t').code).toBe(-101);
});

test('without extended types TTL nodes are refused, and one with no TTL is always', () => {
  const plain = new World().connect();
  expect(plain.ask('createTtl', ttlBody('/t', 1n)).code).toBe(-6);
  const peer = new World(options).connect();
  // ZooKeeper accepts this one and stops when it applies it.
  expect(peer.ask('createTtl', ttlBody('/t', -1n, 0)).code).toBe(-8);
  expect(peer.ask('createTtl', ttlBody('/t', 2n ** 40n)).code).toBe(-8);
});

test('a container goes only after it has had children, and each check takes a level', () => {
  const world = new World(options);
  const peer = world.connect(60_000);
  peer.ask('createContainer', containerBody('/new'));
  peer.ask('createContainer', containerBody('/outer'));
  peer.ask('createContainer', containerBody('/outer/inner'));
  peer.create('/outer/inner/x');
  peer.delete('/outer/inner/x');
  world.advance(CHECK_MS);
  expect(peer.read('exists', '/outer/inner').code).toBe(-101);
  expect(peer.read('exists', '/outer').code).toBe(0);
  world.advance(CHECK_MS);
  expect(peer.read('exists', '/outer').code).toBe(-101);
  expect(peer.read('exists', '/new').code).toBe(0);
});

test('what was logged gives the same nodes again, and they go as before', () => {
  const world = new World(options);
  const peer = world.connect(60_000);
  peer.ask('createTtl', ttlBody('/t', 1n));
  peer.ask('createContainer', containerBody('/c'));
  peer.create('/c/x');
  peer.delete('/c/x');
  const tree = new DataTree();
  for (const transaction of world.transactions) tree.apply(transaction, []);
  expect([...tree.abandoned(world.nowMs + 2)].sort()).toEqual(['/c', '/t']);
  const later = new World(options, tree);
  later.nowMs = world.nowMs;
  later.advance(CHECK_MS);
  expect(later.transactions.map(({ body }) => body)).toEqual([
    { type: 'deleteContainer', path: '/c' },
    { type: 'deleteContainer', path: '/t' },
  ]);
  expect([...tree.abandoned(later.nowMs)]).toEqual([]);
});

test('paths that are absent, and ids that are absent in a list, are told apart from bad bodies', () => {
  const peer = new World().connect();
  const setData = { path: null, data: null, version: -1 };
  expect(peer.ask('setData', bytesOf(requests.setData, setData)).code).toBe(-8);
  const setAcl = { path: null, acl: openAcl, version: -1 };
  expect(peer.ask('setAcl', bytesOf(requests.setAcl, setAcl)).code).toBe(-8);
});
