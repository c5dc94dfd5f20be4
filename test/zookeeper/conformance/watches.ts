/** Cases of one-shot watches: what fires them, once, in which order, and that they are the connection's. */
import { a, b, type Case, c, casesOf, type Step } from './case.ts';
import {
  acl,
  auth,
  checkWatches,
  create,
  createContainer,
  exists,
  getAcl,
  getChildren,
  getChildren2,
  getData,
  multi,
  open,
  remove,
  removeWatches,
  setAcl,
  setData,
  sync,
} from './requests.ts';

const BOB = 'bob:fyVmFCwVbTJYrznoSu1koqYEYF0=';
const closed = [acl(31, 'digest', BOB)];
/** Everything of a node and its parent is watched by b. */
const watching: Step = b(
  exists('/b/x', 1),
  getData('/b/x', 1),
  getChildren('/b/x', 1),
  getChildren2('/b', 1),
);

const eventCases: Case[] = casesOf('watches', {
  'creation, by exists': [a(exists('/b/x', 1), create('/b/x'))],
  'deletion, by exists': [a(create('/b/x'), exists('/b/x', 1), remove('/b/x'))],
  'change, by exists': [a(create('/b/x'), exists('/b/x', 1), setData('/b/x', 'y'))],
  'change, by getData': [a(create('/b/x'), getData('/b/x', 1), setData('/b/x', 'y'))],
  'deletion, by getData': [a(create('/b/x'), getData('/b/x', 1), remove('/b/x'))],
  'a child is made, by getChildren': [a(getChildren('/b', 1), create('/b/x'))],
  'a child is deleted, by getChildren2': [a(create('/b/x'), getChildren2('/b', 1), remove('/b/x'))],
  'deletion, by getChildren': [a(create('/b/x'), getChildren('/b/x', 1), remove('/b/x'))],
  'once only': [
    a(create('/b/x'), getData('/b/x', 1), setData('/b/x', 'y'), setData('/b/x', 'z')),
    a(getChildren('/b', 1), create('/b/1'), create('/b/2')),
  ],
  'again when set again': [
    a(create('/b/x'), getData('/b/x', 1), setData('/b/x', 'y'), getData('/b/x', 1)),
    a(setData('/b/x', 'z')),
  ],
  'set twice, told once': [
    a(create('/b/x'), getData('/b/x', 1), getData('/b/x', 1), exists('/b/x', 1)),
    a(setData('/b/x', 'y'), setData('/b/x', 'z')),
  ],
  'the same value is a change': [a(create('/b/x'), getData('/b/x', 1), setData('/b/x', 'x'))],
  'not by changes of children': [
    a(create('/b/x'), getChildren('/b', 1), setData('/b/x', 'y'), create('/b/x/z')),
  ],
  'not by grandchildren': [a(create('/b/x'), getChildren('/b', 1), create('/b/x/y'))],
  'data is not changed by children': [a(getData('/b', 1), create('/b/x'), remove('/b/x'))],
  'children are not changed by data': [a(getChildren('/b', 1), setData('/b', 'y'))],
  'not by setACL': [
    a(create('/b/x'), getData('/b/x', 1), getChildren('/b/x', 1), setAcl('/b/x', open)),
    a(getAcl('/b/x'), setData('/b/x', 'y')),
  ],
  'not by failures': [
    a(create('/b/x'), getData('/b/x', 1), getChildren('/b', 1)),
    a(setData('/b/x', 'y', 9), remove('/b/x', 9), create('/b/x'), create('/b/n/o')),
    a(multi(setData('/b/x', 'y'), remove('/b/no'))),
  ],
  'not by reads and sync': [
    a(exists('/b', 1), getData('/b'), getChildren('/b'), sync('/b'), exists('/b')),
  ],
  'a deleted node is told once to who watches all of it': [
    a(create('/b/x')),
    watching,
    a(remove('/b/x')),
  ],
  'both watches of a deleted node are used up': [
    a(create('/b/x'), getData('/b/x', 1), getChildren('/b/x', 1), remove('/b/x'), create('/b/x')),
    a(create('/b/x/y'), setData('/b/x', 'z')),
  ],
  'data and children, each by another': [
    a(create('/b/x')),
    b(getData('/b/x', 1)),
    c(getChildren('/b/x', 1)),
    a(remove('/b/x')),
  ],
  'to all who watch': [
    a(create('/b/x'), getData('/b/x', 1)),
    b(getData('/b/x', 1)),
    c(getData('/b/x', 1)),
    a(setData('/b/x', 'y')),
  ],
  'changes by another': [b(getChildren('/b', 1)), a(create('/b/x'), create('/b/y'))],
  'a read that fails sets none': [
    a(getData('/b/x', 1), getChildren('/b/x', 1), getChildren2('/b/x', 1)),
    a(create('/b/x'), setData('/b/x', 'y'), create('/b/x/y')),
  ],
  'a read without permission sets none': [
    a(create('/b/x', { acl: [acl(30, 'world', 'anyone')] }), getData('/b/x', 1)),
    a(getChildren('/b/x', 1), setAcl('/b/x', open), setData('/b/x', 'y'), create('/b/x/y')),
  ],
  'exists without permission sets none': [
    { since: '3.8.4' },
    a(create('/b/x', { acl: [acl(30, 'world', 'anyone')] }), exists('/b/x', 1)),
    a(setAcl('/b/x', open), setData('/b/x', 'y')),
  ],
  'an ephemeral node whose session ends': [
    b(create('/b/x', { flags: 1 })),
    a(exists('/b/x', 1), getChildren('/b', 1)),
    b({ op: -11, body: Buffer.alloc(0) }),
    b.closes(),
  ],
  'ephemeral nodes whose session ends, under one id': [
    { isUnordered: true },
    b(create('/b/x', { flags: 1 }), create('/b/y', { flags: 1 }), create('/b/z', { flags: 1 })),
    a(exists('/b/x', 1), exists('/b/y', 1), exists('/b/z', 1), getChildren('/b', 1)),
    b({ op: -11, body: Buffer.alloc(0) }),
    a(exists('/b')),
  ],
  'a container is made': [a(exists('/b/x', 1), getChildren('/b', 1), createContainer('/b/x'))],
  'a sequential node is made': [
    a(exists('/b/q0000000000', 1), getChildren('/b', 1), create('/b/q', { flags: 2 })),
  ],
  'of a multi, in its order': [
    a(create('/b/x')),
    watching,
    a(multi(setData('/b/x', 'y'), create('/b/x/z'), create('/b/w'))),
  ],
  'before the reply of who made the change': [
    a(exists('/b/x', 1), getChildren('/b', 1), create('/b/x')),
  ],
  'before later replies in one write': [
    a(exists('/b/x', 1)),
    a.together(create('/b/x'), exists('/b/x', 1), remove('/b/x'), exists('/b/x')),
  ],
  'are of the connection: gone with it': [
    a(exists('/b/x', 1), getChildren('/b', 1)),
    a.drop(),
    a.resume(),
    b(create('/b/x')),
    a(exists('/b')),
  ],
  'on the empty path': [a(getChildren('', 1), create('/b/x'))],
  'on paths that cannot be': [a(exists('/b/x/', 1), exists('b', 1), create('/b/x'))],
  'on the root': [a(getChildren('/', 1), create('/b/x'))],
});

const guardedCases: Case[] = casesOf('watches without permission', {
  'of a change': [
    b(create('/b/x'), exists('/b/x', 1)),
    a(setAcl('/b/x', closed), auth('digest', 'bob:secret'), setData('/b/x', 'y')),
    a(setAcl('/b/x', open), setData('/b/x', 'z')),
  ],
  'of a creation': [b(exists('/b/x', 1)), a(create('/b/x', { acl: closed }), remove('/b/x'))],
  'of a child': [
    a(create('/b/x')),
    b(getChildren('/b/x', 1)),
    a(setAcl('/b/x', closed), auth('digest', 'bob:secret'), create('/b/x/y')),
  ],
  'of a deletion': [
    a(create('/b/x')),
    b(exists('/b/x', 1), getChildren('/b/x', 1)),
    a(setAcl('/b/x', closed), remove('/b/x')),
  ],
  'of a child that may not be read': [b(getChildren('/b', 1)), a(create('/b/x', { acl: closed }))],
  'with the proof it comes': [
    b(auth('digest', 'bob:secret'), exists('/b/x', 1)),
    a(create('/b/x', { acl: closed })),
  ],
});

const removalCases: Case[] = casesOf('watches removed', {
  'none is there': [
    a(
      removeWatches('/b', 1),
      removeWatches('/b', 2),
      removeWatches('/b', 3),
      checkWatches('/b', 3),
    ),
  ],
  data: [
    a(getData('/b', 1), checkWatches('/b', 2), removeWatches('/b', 2), checkWatches('/b', 2)),
    a(setData('/b', 'y')),
  ],
  children: [
    a(getChildren('/b', 1), checkWatches('/b', 1), removeWatches('/b', 1), create('/b/x')),
  ],
  any: [
    a(getData('/b', 1), getChildren('/b', 1), checkWatches('/b', 3), removeWatches('/b', 3)),
    a(setData('/b', 'y'), create('/b/x'), removeWatches('/b', 3)),
  ],
  'any, with only one there': [a(getData('/b', 1), removeWatches('/b', 3), setData('/b', 'y'))],
  'data does not remove children': [
    a(getChildren('/b', 1), removeWatches('/b', 2), create('/b/x')),
  ],
  'children do not remove data': [a(getData('/b', 1), removeWatches('/b', 1), setData('/b', 'y'))],
  'of an absent node': [a(exists('/b/x', 1), removeWatches('/b/x', 2), create('/b/x'))],
  'of another connection': [a(getData('/b', 1)), b(removeWatches('/b', 2)), a(setData('/b', 'y'))],
  'after they fired': [a(getData('/b', 1), setData('/b', 'y'), removeWatches('/b', 2))],
  'of a type that does not exist': [
    a(getData('/b', 1), removeWatches('/b', 0), checkWatches('/b', 9), setData('/b', 'y')),
  ],
});

export const watchCases: Case[] = [...eventCases, ...guardedCases, ...removalCases];
