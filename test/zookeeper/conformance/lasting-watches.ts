/** Cases of addWatch: persistent and persistent recursive watches. */
import { a, b, type Case, casesOf, deviation } from './case.ts';
import {
  acl,
  addWatch,
  auth,
  checkWatches,
  create,
  createContainer,
  exists,
  getChildren,
  getData,
  multi,
  open,
  remove,
  removeWatches,
  setAcl,
  setData,
} from './requests.ts';

const closed = [acl(31, 'digest', 'bob:fyVmFCwVbTJYrznoSu1koqYEYF0=')];
const TYPES =
  'Types 4 and 5 came with 3.9; there 1 and 2 are one-shot watches only, which 3.8 does not tell apart.';
const NULL = 'ZooKeeper keeps a watch on no path, of which nobody will ever hear.';
const MODES =
  'ZooKeeper 3.8 keeps one mode for a path and a connection; from 3.9 on they stand side by side.';

export const lastingWatchCases: Case[] = casesOf('addWatch', {
  'persistent: data, again and again': [
    a(addWatch('/b', 0), setData('/b', '1'), setData('/b', '2'), setData('/b', '3')),
  ],
  'persistent: children': [
    a(addWatch('/b', 0), create('/b/x'), create('/b/y'), remove('/b/x'), create('/b/y/z')),
  ],
  'persistent: before the node is there': [
    a(addWatch('/b/x', 0), create('/b/x'), setData('/b/x', 'y'), remove('/b/x'), create('/b/x')),
  ],
  'persistent: children and deletion': [
    a(create('/b/x'), addWatch('/b/x', 0), create('/b/x/y'), remove('/b/x/y'), remove('/b/x')),
  ],
  'persistent: not of descendants': [
    a(create('/b/x'), addWatch('/b', 0), setData('/b/x', 'y'), create('/b/x/y')),
  ],
  'recursive: the node and all below': [
    a(addWatch('/b', 1), create('/b/x'), create('/b/x/y'), setData('/b/x/y', 'z')),
    a(setData('/b', 'q'), remove('/b/x/y'), remove('/b/x')),
  ],
  'recursive: never that children changed': [a(addWatch('/b', 1), create('/b/x'), remove('/b/x'))],
  'recursive: not beside it': [
    a(
      create('/b/x'),
      addWatch('/b/x', 1),
      create('/b/xy'),
      setData('/b', '1'),
      setData('/b/x', '2'),
    ),
  ],
  'recursive: before the node is there': [
    a(addWatch('/b/x', 1), create('/b/x'), create('/b/x/y'), remove('/b/x/y'), remove('/b/x')),
  ],
  'recursive: deep': [
    a(create('/b/1'), create('/b/1/2'), create('/b/1/2/3'), addWatch('/b', 1)),
    a(create('/b/1/2/3/4'), setData('/b/1/2/3/4', 'x')),
  ],
  'recursive on the root': [
    a(addWatch('/', 1), create('/b/x'), removeWatches('/', 3), create('/b/y')),
  ],
  'persistent on the root': [a(addWatch('/', 0), create('/b/x'), setData('/b', 'y'))],
  'both on different paths': [
    a(
      addWatch('/b', 1),
      addWatch('/b/x', 0),
      create('/b/x'),
      create('/b/x/y'),
      setData('/b/x', '1'),
    ),
  ],
  'both on one path': [
    deviation(
      MODES,
      'a 1 +1 0 0',
      'a 2 +1 0 0',
      'a event -1 -1 0 1 3 "/b/x"',
      'a event -1 -1 0 4 3 "/b"',
      'a 3 +2 0 "/b/x"',
      'a event -1 -1 0 3 3 "/b"',
      'a 4 +3 0 {c+0 m+3 t v1 cv1 av0 o0 d1 n1 p+2}',
      'a event -1 -1 0 1 3 "/b/x/y"',
      'a 5 +4 0 "/b/x/y"',
    ),
    a(addWatch('/b', 0), addWatch('/b', 1), create('/b/x'), setData('/b', 'y'), create('/b/x/y')),
  ],
  'two recursive ones, one event': [
    a(
      create('/b/x'),
      addWatch('/b', 1),
      addWatch('/b/x', 1),
      setData('/b/x', 'y'),
      create('/b/x/y'),
    ),
  ],
  'twice the same': [a(addWatch('/b', 0), addWatch('/b', 0), setData('/b', 'y'))],
  'a one-shot watch elsewhere is independent': [
    a(addWatch('/b', 0), create('/b/x'), getData('/b/x', 1), setData('/b/x', 'y')),
    a(setData('/b/x', 'z'), setData('/b', 'w')),
  ],
  'a one-shot data watch on the same path': [
    deviation(
      MODES,
      'a 1 +1 0 0',
      'a 2 +1 0 "" {c+0 m+0 t v0 cv0 av0 o0 d0 n0 p+0}',
      'a event -1 -1 0 3 3 "/b"',
      'a 3 +2 0 {c+0 m+2 t v1 cv0 av0 o0 d1 n0 p+0}',
      'a event -1 -1 0 3 3 "/b"',
      'a 4 +3 0 {c+0 m+3 t v2 cv0 av0 o0 d1 n0 p+0}',
    ),
    a(addWatch('/b', 0), getData('/b', 1), setData('/b', '1'), setData('/b', '2')),
  ],
  'a one-shot child watch on the same path': [
    deviation(
      MODES,
      'a 1 +1 0 0',
      'a 2 +1 0 []',
      'a event -1 -1 0 4 3 "/b"',
      'a 3 +2 0 "/b/x"',
      'a event -1 -1 0 4 3 "/b"',
      'a 4 +3 0 "/b/y"',
    ),
    a(addWatch('/b', 0), getChildren('/b', 1), create('/b/x'), create('/b/y')),
  ],
  'a one-shot watch under a recursive one': [
    a(addWatch('/b', 1), create('/b/x'), getData('/b/x', 1), setData('/b/x', '1')),
    a(setData('/b/x', '2')),
  ],
  'a one-shot watch before a persistent one': [
    a(getData('/b', 1), addWatch('/b', 0), setData('/b', '1'), setData('/b', '2')),
  ],
  'by another connection': [b(addWatch('/b', 1)), a(create('/b/x'), setData('/b/x', 'y'))],
  'of a multi': [
    b(addWatch('/b', 1)),
    a(multi(create('/b/x'), create('/b/x/y'), setData('/b/x', '1'), remove('/b/x/y'))),
  ],
  'of containers': [a(addWatch('/b', 1), createContainer('/b/x'), remove('/b/x'))],
  'a session that ends': [
    b(create('/b/x', { flags: 1 })),
    a(addWatch('/b', 0), addWatch('/b/x', 1)),
    b({ op: -11, body: Buffer.alloc(0) }),
    a(exists('/b')),
  ],
  'no permission is needed': [
    a(create('/b/x', { acl: closed }), addWatch('/b/x', 0), addWatch('/b/x', 1)),
  ],
  'nothing is heard without permission': [
    b(addWatch('/b', 1)),
    a(create('/b/x', { acl: closed }), auth('digest', 'bob:secret'), setData('/b/x', 'y')),
    a(setAcl('/b/x', open), setData('/b/x', 'z'), remove('/b/x')),
  ],
  'children are not heard of without permission': [
    a(create('/b/x')),
    b(addWatch('/b/x', 0)),
    a(setAcl('/b/x', closed), auth('digest', 'bob:secret'), create('/b/x/y')),
  ],
  'takes no transaction id': [a(addWatch('/b', 0), addWatch('/b/y', 1), create('/b/x'))],
  'mode 2': [a(addWatch('/b', 2), exists('/b'), setData('/b', 'y'))],
  'mode -1': [a(addWatch('/b', -1), exists('/b'))],
  'a null path': [
    deviation(NULL, 'a 1 +1 -5', 'a 2 +1 0 {c+0 m+0 t v0 cv0 av0 o0 d0 n0 p+0}'),
    a(addWatch(null, 0), exists('/b')),
  ],
  'paths are not checked': [a(addWatch('', 0), addWatch('b', 1), addWatch('/b/', 0), exists('/b'))],
  'are of the connection': [
    a(addWatch('/b', 0), addWatch('/b', 1)),
    a.drop(),
    a.resume(),
    b(create('/b/x')),
    a(exists('/b/x')),
  ],
  'removed as any': [
    a(addWatch('/b', 0), checkWatches('/b', 3), removeWatches('/b', 3), checkWatches('/b', 3)),
    a(setData('/b', 'y'), create('/b/x')),
  ],
  'recursive removed as any': [a(addWatch('/b', 1), removeWatches('/b', 3), create('/b/x'))],
  'removed as data': [
    deviation(
      TYPES,
      'a 1 +1 0 0',
      'a 2 +1 -121',
      'a event -1 -1 0 3 3 "/b"',
      'a 3 +2 0 {c+0 m+2 t v1 cv0 av0 o0 d1 n0 p+0}',
      'a event -1 -1 0 4 3 "/b"',
      'a 4 +3 0 "/b/x"',
    ),
    a(addWatch('/b', 0), removeWatches('/b', 2), setData('/b', 'y'), create('/b/x')),
  ],
  'removed as children': [
    deviation(
      TYPES,
      'a 1 +1 0 0',
      'a 2 +1 -121',
      'a event -1 -1 0 3 3 "/b"',
      'a 3 +2 0 {c+0 m+2 t v1 cv0 av0 o0 d1 n0 p+0}',
      'a event -1 -1 0 4 3 "/b"',
      'a 4 +3 0 "/b/x"',
    ),
    a(addWatch('/b', 0), removeWatches('/b', 1), setData('/b', 'y'), create('/b/x')),
  ],
  'removed as persistent': [
    deviation(TYPES, 'a 1 +1 0 0', 'a 2 +1 0', 'a 3 +2 0 {c+0 m+2 t v1 cv0 av0 o0 d1 n0 p+0}'),
    a(addWatch('/b', 0), removeWatches('/b', 4), setData('/b', 'y')),
  ],
  'removed as recursive': [
    deviation(TYPES, 'a 1 +1 0 0', 'a 2 +1 0', 'a 3 +2 0 {c+0 m+2 t v1 cv0 av0 o0 d1 n0 p+0}'),
    a(addWatch('/b', 1), removeWatches('/b', 5), setData('/b', 'y')),
  ],
  'checked as data and children': [
    deviation(TYPES, 'a 1 +1 0 0', 'a 2 +1 -121', 'a 3 +1 -121'),
    a(addWatch('/b', 0), checkWatches('/b', 1), checkWatches('/b', 2)),
  ],
  'of another connection is not removed': [
    a(addWatch('/b', 0)),
    b(removeWatches('/b', 3)),
    a(setData('/b', 'y')),
  ],
});
