/** Cases of create, create2 and createContainer: results, flags, the order of the checks. */
import { a, b, type Case, casesOf } from './case.ts';
import {
  acl,
  aclOf,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  getAcl,
  getChildren2,
  getData,
  int,
  open,
  raw,
  remove,
  text,
} from './requests.ts';

const closed = [acl(1, 'world', 'anyone')];

export const createCases: Case[] = casesOf('create', {
  'a node and what it does to its parent': [a(create('/b/x'), getData('/b/x'), exists('/b'))],
  'null data stays null': [a(create('/b/x', { data: null }), getData('/b/x'))],
  'empty data stays empty': [a(create('/b/x', { data: '' }), getData('/b/x'))],
  'bytes that are no text': [
    a(create('/b/x', { data: Buffer.from([0, 255, 128, 10]) }), getData('/b/x')),
  ],
  'large data': [
    a(create('/b/x', { data: Buffer.alloc(500_000, 1) }), getData('/b/x'), exists('/b/x')),
  ],
  'with stat': [a(create2('/b/x', { data: 'hello' }))],
  'with stat, sequential': [a(create2('/b/x-', { flags: 2 }))],
  'with stat, ephemeral': [a(create2('/b/x', { flags: 1 }))],
  'with stat, ephemeral and sequential': [a(create2('/b/x', { flags: 3 }))],
  'the parent is absent': [a(create('/b/x/y'))],
  'the grandparent is absent': [a(create('/b/x/y/z'))],
  'it exists': [a(create('/b/x'), create('/b/x', { data: 'y' }), getData('/b/x'))],
  'it exists, with stat': [a(create('/b/x'), create2('/b/x'))],
  'the root exists': [a(create('/'))],
  'reserved nodes exist': [a(create('/zookeeper'), create('/zookeeper/quota'))],
  'in three levels': [a(create('/b/x'), create('/b/x/y'), create('/b/x/y/z'), exists('/b/x'))],
  'under an ephemeral node': [a(create('/b/x', { flags: 1 }), create('/b/x/y'))],
  'an ephemeral node under an ephemeral node': [
    a(create('/b/x', { flags: 1 }), create('/b/x/y', { flags: 1 })),
  ],
  'a sequential node under an ephemeral node': [
    a(create('/b/x', { flags: 1 }), create('/b/x/y', { flags: 2 })),
  ],
  'again after its deletion, all from the start': [
    a(create('/b/x'), create('/b/x/y'), remove('/b/x/y'), remove('/b/x'), create2('/b/x')),
    a(create('/b/x/y-', { flags: 2 })),
  ],
  'ephemeral, seen by its owner and by another': [
    a(create('/b/x', { flags: 1 }), exists('/b/x')),
    b(exists('/b/x')),
  ],
  'flag 4 makes a plain node': [a(create('/b/x', { flags: 4 }), exists('/b/x'))],
  'flag 4 with stat': [a(create2('/b/x', { flags: 4 }))],
  'flag 5 where TTL is off': [a(create('/b/x', { flags: 5 }), exists('/b/x'))],
  'flag 6 where TTL is off': [a(create('/b/x', { flags: 6 }))],
  'flag 5 with stat where TTL is off': [a(create2('/b/x', { flags: 5 }))],
  'flag 7 does not exist': [a(create('/b/x', { flags: 7 }), exists('/b/x'))],
  'flag -1 does not exist': [a(create('/b/x', { flags: -1 }))],
  'flag 255 does not exist': [a(create2('/b/x', { flags: 255 }))],
  'the largest flag': [a(create('/b/x', { flags: 0x7fffffff }))],
  'bad flags before a bad path': [a(create('b', { flags: 7 }), create('', { flags: 9 }))],
  'bad flags before a bad list': [a(create('/b/x', { flags: 7, acl: [] }))],
  'a TTL flag before all that is checked later': [
    a(create('x', { flags: 5 }), create('/b/x', { flags: 6, acl: null })),
  ],
  'createTTL where it is off': [a(createTtl('/b/x', 1000), exists('/b/x'))],
  'createTTL with plain flags where it is off': [
    a(createTtl('/b/x', 1000, { flags: 0 }), exists('/b/x')),
  ],
  'createTTL with flag 6 where it is off': [a(createTtl('/b/x', 1000, { flags: 6 }))],
  'createTTL without its TTL': [a(raw(21, text('/b/x'), text('x'), aclOf(open), int(5)))],
  'a container': [a(createContainer('/b/x'), exists('/b/x'))],
  'a container with flag 0': [a(createContainer('/b/x', { flags: 0 }), exists('/b/x'))],
  'a container with flag 1': [
    a(createContainer('/b/x', { flags: 1 }), exists('/b/x'), create('/b/x/y')),
  ],
  'a container with flag 2': [a(createContainer('/b/x', { flags: 2 }))],
  'a container with flag 3': [a(createContainer('/b/x', { flags: 3 }))],
  'a container with flag 5': [a(createContainer('/b/x', { flags: 5 }))],
  'a container with flag 7': [a(createContainer('/b/x', { flags: 7 }))],
  'a container that exists': [a(createContainer('/b/x'), createContainer('/b/x'))],
  'a container with children of all kinds': [
    a(createContainer('/b/x'), create('/b/x/p'), create('/b/x/e', { flags: 1 })),
    a(create('/b/x/s', { flags: 2 }), createContainer('/b/x/c'), getChildren2('/b/x')),
  ],
  'a container under an absent parent': [a(createContainer('/b/x/y'))],
  'a bad list before a missing parent': [a(create('/b/nope/x', { acl: [] }))],
  'a bad list before a bad path': [a(create('/b//x', { acl: [] }))],
  'a bad list before a node that exists': [a(create('/b', { acl: [] }))],
  'a missing parent before a bad path': [a(create('/b/q//x'), create('/b/q/x/'))],
  'no permission before a bad path': [
    a(create('/b/x', { acl: closed }), create('/b/x/.'), create('/b/x/y')),
  ],
  'no permission before a node that exists': [
    a(create('/b/x'), create('/b/x/y'), raw(7, text('/b/x'), aclOf(closed), int(-1))),
    a(create('/b/x/y')),
  ],
  'a bad path before a node that exists': [a(create('/b/x'), create('/b/x/'))],
  'a node that exists before an ephemeral parent': [
    a(create('/b/x', { flags: 1 }), create('/b/x')),
  ],
  'a null path': [a(create(null), exists('/b'))],
  'a null path, with stat': [a(create2(null))],
  'an empty path': [a(create(''), create('', { flags: 2 }))],
  'a null list': [a(create('/b/x', { acl: null }))],
  'the list is kept': [a(create('/b/x', { acl: [acl(31, 'world', 'anyone')] }), getAcl('/b/x'))],
  'two connections, one session each': [
    a(create('/b/x')),
    b(create('/b/y')),
    a(getChildren2('/b')),
    b(getChildren2('/b')),
  ],
  'a refused create takes a transaction id': [
    a(create('/b/x/y'), create('/b/x'), create('/b/x'), create('/b/y'), exists('/b')),
  ],
});
