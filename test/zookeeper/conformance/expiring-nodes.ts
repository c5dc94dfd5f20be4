/** Cases of nodes that go by themselves: containers and nodes with a time to live. */
import { a, type Case, casesOf, unsteady } from './case.ts';
import {
  acl,
  auth,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  getAcl,
  getData,
  multi,
  remove,
  setData,
} from './requests.ts';

const on = { profile: 'extended' } as const;
const LONG_MS = 3_600_000;

export const expiringNodeCases: Case[] = casesOf('nodes that go', {
  'a TTL node': [on, a(createTtl('/b/x', LONG_MS), exists('/b/x'), exists('/b'))],
  'a TTL node with a number': [
    on,
    a(createTtl('/b/x', LONG_MS, { flags: 6 }), exists('/b/x0000000000')),
  ],
  'the smallest and the greatest TTL': [
    on,
    a(createTtl('/b/x', 2 ** 40 - 1), createTtl('/b/y', 2 ** 40), createTtl('/b/z', -1)),
    a(createTtl('/b/w', 0), createTtl('/b/v', -5), createTtl('/b/u', 2n ** 63n - 1n)),
  ],
  'createTTL without TTL': [on, a(createTtl('/b/x', 1000, { flags: 0 }), exists('/b/x'))],
  'createTTL with other flags': [
    on,
    a(createTtl('/b/x', 1000, { flags: 1 }), createTtl('/b/x', 1000, { flags: 2 })),
    a(createTtl('/b/x', 1000, { flags: 4 }), createTtl('/b/x', 1000, { flags: 9 })),
  ],
  'createTTL without TTL, and none is meant': [
    on,
    unsteady('ZooKeeper takes it and ends itself when it applies it.', 'a 1 +2 -8', 'a 2 +2 -101'),
    a(createTtl('/b/x', -1, { flags: 0 }), exists('/b/x')),
  ],
  'a create with a TTL flag has no TTL': [
    on,
    a(create('/b/x', { flags: 5 }), create('/b/x', { flags: 6 }), create2('/b/x', { flags: 5 })),
    a(createContainer('/b/x', { flags: 5 })),
  ],
  'a TTL node that exists': [on, a(createTtl('/b/x', LONG_MS), createTtl('/b/x', LONG_MS))],
  'a bad TTL before a bad path': [on, a(createTtl('nope', 0), createTtl('nope', LONG_MS))],
  'children of a TTL node': [
    on,
    a(createTtl('/b/x', LONG_MS), create('/b/x/y'), create('/b/x/e', { flags: 1 }), remove('/b/x')),
  ],
  'a TTL node changed and deleted': [
    on,
    a(createTtl('/b/x', LONG_MS), setData('/b/x', 'y'), getData('/b/x'), remove('/b/x', 1)),
  ],
  'the list of a TTL node': [
    on,
    a(createTtl('/b/x', LONG_MS, { acl: [acl(1, 'world', 'anyone')] }), getAcl('/b/x')),
    a(setData('/b/x', 'y')),
  ],
  'a TTL node in a multi': [
    on,
    a(multi(createTtl('/b/x', LONG_MS), create('/b/x/y')), exists('/b/x')),
  ],
  'a TTL node with a number in a multi': [on, a(multi(createTtl('/b/x', LONG_MS, { flags: 6 })))],
  'a bad TTL in a multi': [on, a(multi(create('/b/y'), createTtl('/b/x', 0)), exists('/b/y'))],
  'createTTL without TTL in a multi makes a plain node': [
    on,
    a(multi(createTtl('/b/x', 1000, { flags: 0 })), exists('/b/x')),
  ],
  'createTTL with the flag of containers in a multi': [
    on,
    a(multi(createTtl('/b/x', 1000, { flags: 4 })), exists('/b/x')),
  ],
  'createTTL with flags that do not exist in a multi': [
    on,
    a(multi(createTtl('/b/x', 1000, { flags: 9 })), exists('/b/x')),
  ],
  'a TTL that is up': [
    on,
    a(exists('/b/x', 1), createTtl('/b/x', 3_000), exists('/b/x', 1)),
    a.events(1),
    a(exists('/b/x'), exists('/b')),
  ],
  'a container that is empty again': [
    on,
    a(createContainer('/b/x'), create('/b/x/y'), exists('/b/x', 1), remove('/b/x/y')),
    a.events(1),
    a(exists('/b/x'), exists('/b')),
  ],
  'a container made by the flag, in a multi': [
    on,
    a(multi(create('/b/x', { flags: 4 })), create('/b/x/y'), exists('/b/x', 1), remove('/b/x/y')),
    a.events(1),
    a(exists('/b')),
  ],
  'a container that was never used stays, and so does a plain node': [
    on,
    a(createContainer('/b/x'), create('/b/p'), create('/b/p/y'), remove('/b/p/y')),
    a(createContainer('/b/z'), create('/b/z/y'), exists('/b/z', 1), remove('/b/z/y')),
    a.events(1),
    a(exists('/b/x'), exists('/b/p')),
  ],
  'a container in which one that is empty again stands': [
    on,
    a(createContainer('/b/x'), createContainer('/b/x/y'), create('/b/x/y/z')),
    a(exists('/b/x', 1), exists('/b/x/y', 1), remove('/b/x/y/z')),
    a.events(2),
    a(exists('/b')),
  ],
  'no permission is asked for': [
    on,
    a(createContainer('/b/x'), create('/b/x/y'), exists('/b/x', 1)),
    a(auth('digest', 'bob:secret'), remove('/b/x/y')),
    a.events(1),
    a(exists('/b')),
  ],
});
