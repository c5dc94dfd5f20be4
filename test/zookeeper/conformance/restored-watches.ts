/** Cases of setWatches and setWatches2, by which clients set their watches again after a reconnect. */
import { a, b, type Case, casesOf, deviation } from './case.ts';
import {
  acl,
  create,
  exists,
  getData,
  raw,
  remove,
  setAcl,
  setData,
  setWatches,
  setWatches2,
  withXid,
} from './requests.ts';

/** Transaction ids count from the start of the case; a's session takes the first. */
export const restoredWatchCases: Case[] = casesOf('setWatches', {
  nothing: [a(setWatches(0, [], [], []))],
  'data, not changed': [a(create('/b/x'), setWatches(9, ['/b/x'], [], []), setData('/b/x', 'y'))],
  'data, changed since': [
    a(create('/b/x'), setData('/b/x', 'y'), setWatches(2, ['/b/x'], [], [])),
    a(setData('/b/x', 'z')),
  ],
  'data, changed at that very id': [
    a(create('/b/x'), setData('/b/x', 'y'), setWatches(3, ['/b/x'], [], []), setData('/b/x', 'z')),
  ],
  'data, deleted since': [a(setWatches(1, ['/b/x'], [], []), create('/b/x'))],
  'exist, still absent': [a(setWatches(1, [], ['/b/x'], []), create('/b/x'))],
  'exist, made since': [a(create('/b/x'), setWatches(1, [], ['/b/x'], []), setData('/b/x', 'y'))],
  'exist, made before': [a(create('/b/x'), setWatches(9, [], ['/b/x'], []))],
  'children, not changed': [a(setWatches(9, [], [], ['/b']), create('/b/x'))],
  'children, changed since': [a(create('/b/x'), setWatches(1, [], [], ['/b']), create('/b/y'))],
  'children, one deleted since': [
    a(create('/b/x'), remove('/b/x'), setWatches(2, [], [], ['/b']), create('/b/y')),
  ],
  'children, deleted since': [a(setWatches(1, [], [], ['/b/x']), create('/b/x'))],
  'children of a child changed': [
    a(create('/b/x'), create('/b/x/y'), setWatches(2, [], [], ['/b']), create('/b/z')),
  ],
  'data of which only the list changed': [
    a(create('/b/x'), setAcl('/b/x', [acl(31, 'world', 'anyone')])),
    a(setWatches(2, ['/b/x'], [], []), setData('/b/x', 'y')),
  ],
  'data of which only children changed': [
    a(create('/b/x'), create('/b/x/y'), setWatches(2, ['/b/x'], [], []), setData('/b/x', 'y')),
  ],
  'in the order of the lists': [
    a(create('/b/1'), create('/b/2'), setData('/b/2', 'y')),
    a(setWatches(1, ['/b/2', '/b/no', '/b/1'], ['/b/1', '/b/q'], ['/b', '/b/no', '/b/2'])),
  ],
  'a path twice in a list': [a(setWatches(1, ['/b/no', '/b/no'], [], ['/b/no']))],
  'without permission': [
    a(create('/b/x', { acl: [acl(0, 'world', 'anyone')] })),
    a(setWatches(1, ['/b/x'], ['/b/x'], ['/b/x'])),
  ],
  'under xid -8': [a(withXid(-8, setWatches(1, ['/b/no'], [], [])), exists('/b'))],
  'takes no transaction id': [a(setWatches(1, [], [], []), create('/b/x'))],
  'null lists': [a(setWatches(1, null, [], [])), a(setWatches(1, [], [], null), exists('/b'))],
  'a null path': [a(setWatches(1, [null], [], [])), a(setWatches(1, [], [null], []), exists('/b'))],
  'a null path among children': [
    deviation(
      'We read a request whole before we act on it.',
      'a 1 +1 -5',
      'a 2 +1 0 {c+0 m+0 t v0 cv0 av0 o0 d0 n0 p+0}',
    ),
    a(setWatches(1, ['/b/no'], [], [null]), exists('/b')),
  ],
  'a list that is cut': [a(raw(101, Buffer.alloc(8), Buffer.from([0, 0, 0, 1]))), a(exists('/b'))],
  'a count that lies': [
    a(raw(101, Buffer.alloc(8), Buffer.from([127, 255, 255, 255])), exists('/b')),
  ],
  'a negative count': [a(raw(101, Buffer.alloc(8), Buffer.from([255, 255, 255, 0])), exists('/b'))],
  'after a reconnect': [
    a(create('/b/x'), getData('/b/x', 1), exists('/b/y', 1)),
    a.drop(),
    b(setData('/b/x', 'y'), create('/b/y')),
    a.resume(),
    a(setWatches(3, ['/b/x'], ['/b/y'], ['/b'])),
    b(setData('/b/x', 'z')),
  ],
  '2: nothing': [a(setWatches2(0, [], [], [], [], []))],
  '2: as the first one': [
    a(create('/b/x'), setWatches2(1, ['/b/x', '/b/no'], ['/b/q'], ['/b'], [], [])),
    a(create('/b/q'), setData('/b/x', 'y')),
  ],
  '2: lasting watches are never told at once': [
    a(create('/b/x'), setWatches2(1, [], [], [], ['/b/x', '/b/no'], [])),
    a(setData('/b/x', 'y'), setData('/b/x', 'z'), create('/b/no'), create('/b/x/y')),
  ],
  '2: recursive ones': [
    a(create('/b/x'), setWatches2(1, [], [], [], [], ['/b'])),
    a(create('/b/x/y'), setData('/b/x', 'y'), remove('/b/x/y')),
  ],
  '2: null lists': [a(setWatches2(1, [], [], [], null, []), exists('/b'))],
  '2: without its last lists': [a(setWatches2(1, [], [], []), exists('/b'))],
});
