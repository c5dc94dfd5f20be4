/** Cases of access lists and of who one is: getACL, setACL, auth, whoAmI, what each permission is for. */
import { a, b, type Case, casesOf, deviation, type Step, unsteady } from './case.ts';
import {
  acl,
  aclOf,
  auth,
  create,
  exists,
  getAcl,
  getChildren,
  getData,
  int,
  open,
  raw,
  remove,
  setAcl,
  setData,
  text,
  whoAmI,
} from './requests.ts';

const ALICE = 'alice:pIyLLJbhOSsZ6gAO7bDTIP3wLHk=';
const BOB = 'bob:fyVmFCwVbTJYrznoSu1koqYEYF0=';
const world = (permissions: number) => [acl(permissions, 'world', 'anyone')];

const listCases: Case[] = casesOf('lists', {
  'setACL changes its version and nothing else': [
    a(create('/b/x'), setAcl('/b/x', world(31)), exists('/b/x'), setAcl('/b/x', world(31))),
  ],
  getACL: [a(create('/b/x'), getAcl('/b/x'), getAcl('/b/nope'))],
  'getACL of reserved nodes': [a(getAcl('/zookeeper/config'), getAcl('/zookeeper/quota'))],
  'getACL needs READ or ADMIN': [
    a(create('/b/r', { acl: world(1) }), create('/b/a', { acl: world(16) })),
    a(create('/b/w', { acl: world(14) }), getAcl('/b/r'), getAcl('/b/a'), getAcl('/b/w')),
  ],
  'hashes are hidden from who may only read': [
    a(create('/b/x', { acl: [acl(31, 'digest', BOB), acl(1, 'world', 'anyone')] })),
    a(getAcl('/b/x'), auth('digest', 'bob:secret'), getAcl('/b/x')),
  ],
  'a null path': [a(getAcl(null), setAcl(null, open))],
  'the right version': [a(create('/b/x'), setAcl('/b/x', open, 0), setAcl('/b/x', open, 1))],
  'a wrong version': [a(create('/b/x'), setAcl('/b/x', open, 1), setAcl('/b/x', open, -2))],
  'the version is not that of the data': [
    a(create('/b/x'), setData('/b/x', 'y'), setAcl('/b/x', open, 1), setAcl('/b/x', open, 0)),
  ],
  'an absent node': [a(setAcl('/b/nope', open))],
  'a bad list before an absent node': [a(setAcl('/b/nope', []))],
  'a bad path before a bad list': [a(setAcl('/b//x', []))],
  'no permission before a wrong version': [
    a(create('/b/x', { acl: world(15) }), setAcl('/b/x', open, 7)),
  ],
  'ADMIN alone is enough': [a(create('/b/x', { acl: world(16) }), setAcl('/b/x', open))],
  'an empty list': [a(create('/b/x'), setAcl('/b/x', []), setAcl('/b/x', null))],
  'duplicates go': [
    a(create('/b/x', { acl: [...open, ...open, acl(1, 'world', 'anyone')] }), getAcl('/b/x')),
  ],
  'the same one with other permissions stays': [
    a(create('/b/x', { acl: [...world(1), ...world(2)] }), getAcl('/b/x'), setData('/b/x', 'y')),
  ],
  'permissions are not checked': [
    a(create('/b/x', { acl: world(0x7fffffff) }), getAcl('/b/x')),
    a(create('/b/y', { acl: world(-1) }), getAcl('/b/y')),
  ],
  'a world that is not anyone': [a(create('/b/x', { acl: [acl(31, 'world', 'someone')] }))],
  'world with an empty id': [a(create('/b/x', { acl: [acl(31, 'world', '')] }))],
  'world with a null id': [a(create('/b/x', { acl: [acl(31, 'world', null)] }))],
  'a null scheme': [a(create('/b/x', { acl: [acl(31, null, 'anyone')] }))],
  'an empty scheme': [a(create('/b/x', { acl: [acl(31, '', 'anyone')] }))],
  'an unknown scheme': [a(create('/b/x', { acl: [acl(31, 'nope', 'x')] }))],
  'scheme super is not for lists': [a(create('/b/x', { acl: [acl(31, 'super', '')] }))],
  'one bad entry spoils the list': [
    a(create('/b/x', { acl: [...open, acl(31, 'nope', 'x')] }), exists('/b/x')),
  ],
  'digest in forms': [
    a(
      create('/b/1', { acl: [acl(31, 'digest', 'x:y')] }),
      create('/b/2', { acl: [acl(31, 'digest', 'x')] }),
    ),
    a(
      create('/b/3', { acl: [acl(31, 'digest', 'x:y:z')] }),
      create('/b/4', { acl: [acl(31, 'digest', ':')] }),
    ),
    a(
      create('/b/5', { acl: [acl(31, 'digest', 'x:')] }),
      create('/b/6', { acl: [acl(31, 'digest', ':y')] }),
    ),
    a(
      create('/b/7', { acl: [acl(31, 'digest', '')] }),
      create('/b/8', { acl: [acl(31, 'digest', null)] }),
    ),
  ],
  'ip in forms': [
    a(
      create('/b/1', { acl: [acl(31, 'ip', '127.0.0.1')] }),
      create('/b/2', { acl: [acl(31, 'ip', '127.0.0.0/8')] }),
    ),
    a(
      create('/b/3', { acl: [acl(31, 'ip', '127.0.0.1/33')] }),
      create('/b/4', { acl: [acl(31, 'ip', 'localhost')] }),
    ),
    a(
      create('/b/5', { acl: [acl(31, 'ip', '256.0.0.1')] }),
      create('/b/6', { acl: [acl(31, 'ip', '1.2.3')] }),
    ),
    a(
      create('/b/7', { acl: [acl(31, 'ip', '1.2.3.4/')] }),
      create('/b/8', { acl: [acl(31, 'ip', '0.0.0.0/0')] }),
    ),
    a(
      create('/b/9', { acl: [acl(31, 'ip', '1.2.3.4/-1')] }),
      create('/b/a', { acl: [acl(31, 'ip', '1.2.3.4/8/8')] }),
    ),
    a(create('/b/b', { acl: [acl(31, 'ip', '')] }), create('/b/c', { acl: [acl(31, 'ip', null)] })),
    a(
      create('/b/d', { acl: [acl(31, 'ip', '1.2.3.4/032')] }),
      create('/b/e', { acl: [acl(31, 'ip', '01.2.3.4')] }),
    ),
    a(
      create('/b/f', { acl: [acl(31, 'ip', '1.2.3.-4')] }),
      create('/b/g', { acl: [acl(31, 'ip', '::1')] }),
    ),
    a(
      create('/b/h', { acl: [acl(31, 'ip', '1.2.3.4.')] }),
      create('/b/i', { acl: [acl(31, 'ip', '+1.2.3.4/+8')] }),
    ),
  ],
  'ip that matches': [
    a(create('/b/x', { acl: [acl(31, 'ip', '127.0.0.1')] }), getData('/b/x'), setData('/b/x', 'y')),
  ],
  'ip that does not match': [
    a(create('/b/x', { acl: [acl(31, 'ip', '10.0.0.1')] }), getData('/b/x')),
  ],
  'ip networks': [
    a(create('/b/1', { acl: [acl(31, 'ip', '127.0.0.0/8')] }), getData('/b/1')),
    a(create('/b/2', { acl: [acl(31, 'ip', '127.255.0.1/8')] }), getData('/b/2')),
    a(create('/b/3', { acl: [acl(31, 'ip', '127.0.0.2/31')] }), getData('/b/3')),
    a(create('/b/4', { acl: [acl(31, 'ip', '9.9.9.9/0')] }), getData('/b/4')),
    a(create('/b/5', { acl: [acl(31, 'ip', '126.0.0.0/7')] }), getData('/b/5')),
  ],
  'auth without a proof': [a(create('/b/x', { acl: [acl(31, 'auth', '')] }))],
  'auth after one': [
    a(auth('digest', 'bob:secret'), create('/b/x', { acl: [acl(31, 'auth', '')] }), getAcl('/b/x')),
  ],
  'auth with a null id': [
    a(
      auth('digest', 'bob:secret'),
      create('/b/x', { acl: [acl(3, 'auth', null)] }),
      getAcl('/b/x'),
    ),
  ],
  'auth with another id': [
    a(
      auth('digest', 'bob:secret'),
      create('/b/x', { acl: [acl(3, 'auth', 'eve')] }),
      getAcl('/b/x'),
    ),
  ],
  'auth of two': [
    a(auth('digest', 'bob:secret'), auth('digest', 'alice:wonder')),
    a(create('/b/x', { acl: [acl(31, 'auth', '')] }), getAcl('/b/x')),
  ],
  'auth beside others': [
    a(auth('digest', 'bob:secret')),
    a(create('/b/x', { acl: [acl(1, 'world', 'anyone'), acl(31, 'auth', '')] }), getAcl('/b/x')),
  ],
  'auth of scheme ip proves nothing': [
    a(auth('ip', ''), create('/b/x', { acl: [acl(31, 'auth', '')] })),
  ],
});

const guarded = (permissions: number): Step[] => [
  a(create('/b/x'), create('/b/x/y'), setAcl('/b/x', world(permissions))),
  a(getData('/b/x'), getChildren('/b/x'), getAcl('/b/x'), create('/b/x/z'), remove('/b/x/y')),
  a(setData('/b/x', 'w'), setAcl('/b/x', open)),
];

const permissionCases: Case[] = casesOf('permissions', {
  none: guarded(0),
  READ: guarded(1),
  WRITE: guarded(2),
  CREATE: guarded(4),
  DELETE: guarded(8),
  ADMIN: guarded(16),
  'READ and WRITE': guarded(3),
  'all but READ': guarded(30),
  'of a digest, before and after its proof': [
    a(create('/b/x', { acl: [acl(31, 'digest', BOB)] }), getData('/b/x')),
    a(auth('digest', 'bob:secret'), getData('/b/x'), setData('/b/x', 'y')),
  ],
  'of a digest, with a wrong password': [
    a(
      create('/b/x', { acl: [acl(31, 'digest', BOB)] }),
      auth('digest', 'bob:wrong'),
      getData('/b/x'),
    ),
  ],
  'of several identities': [
    a(create('/b/x', { acl: [acl(1, 'digest', BOB), acl(2, 'digest', ALICE)] })),
    a(auth('digest', 'bob:secret'), getData('/b/x'), setData('/b/x', 'y')),
    a(auth('digest', 'alice:wonder'), setData('/b/x', 'y')),
  ],
  'are of the connection and not of the session': [
    a(create('/b/x', { acl: [acl(31, 'digest', BOB)] }), auth('digest', 'bob:secret')),
    a(getData('/b/x')),
    a.drop(),
    a.resume(),
    a(getData('/b/x'), auth('digest', 'bob:secret'), getData('/b/x')),
  ],
  'of the super user': [
    a(
      create('/b/x', { acl: [acl(0, 'digest', BOB)] }),
      getData('/b/x'),
      auth('digest', 'super:admin'),
    ),
    a(getData('/b/x'), setData('/b/x', 'y'), setAcl('/b/x', open), getAcl('/b/x')),
  ],
  'of the super user on reserved nodes': [
    a(auth('digest', 'super:admin'), remove('/zookeeper/config'), remove('/')),
    a(setAcl('/zookeeper/config', world(1), 7)),
  ],
});

const authCases: Case[] = casesOf('auth', {
  digest: [a(auth('digest', 'bob:secret'), whoAmI())],
  'digest under an ordinary xid': [a(auth('digest', 'bob:secret', 77), whoAmI())],
  twice: [a(auth('digest', 'bob:secret'), auth('digest', 'bob:secret'), whoAmI())],
  two: [a(auth('digest', 'bob:secret'), auth('digest', 'alice:wonder'), whoAmI())],
  ip: [a(auth('ip', 'whatever'), whoAmI())],
  'ip with null': [a(auth('ip', null), whoAmI())],
  super: [a(auth('digest', 'super:admin'), whoAmI())],
  'super with a wrong password': [a(auth('digest', 'super:nope'), whoAmI())],
  'a password that is empty': [a(auth('digest', 'bob:'), whoAmI())],
  'no colon': [a(auth('digest', 'bob'), whoAmI())],
  'several colons': [a(auth('digest', 'bob:a:b'), whoAmI())],
  'no user': [a(auth('digest', ':secret'), whoAmI())],
  'empty credentials': [a(auth('digest', ''), whoAmI())],
  umlauts: [
    a(
      auth('digest', 'b\u00f6b:s\u00e4'),
      whoAmI(),
      create('/b/x', { acl: [acl(1, 'auth', '')] }),
      getAcl('/b/x'),
    ),
  ],
  'an unknown scheme': [a(exists('/b'), auth('nope', 'x')), a.closes()],
  'scheme world': [a(auth('world', 'anyone')), a.closes()],
  'scheme sasl': [a(auth('sasl', 'x')), a.closes()],
  'an empty scheme': [a(auth('', 'x')), a.closes()],
  'a refusal leaves the session': [
    a(create('/b/x', { flags: 1 }), auth('nope', 'x')),
    a.closes(),
    a.resume(),
    a(exists('/b/x'), whoAmI()),
  ],
  'what was sent after a refused one is not read': [
    a.together(auth('nope', 'x'), create('/b/x')),
    b(exists('/b/x')),
  ],
  'order with pending requests is kept': [
    unsteady(
      'In ZooKeeper the reply to auth may overtake others, at which kazoo stumbles.',
      'a 1 +1 -101',
      'a -4 0 0',
      'a 2 +1 0 ["digest":"bob" "ip":"127.0.0.1"]',
    ),
    a.together(exists('/b/nope'), auth('digest', 'bob:secret'), whoAmI()),
  ],
  'sasl is not offered': [
    deviation(
      'ZooKeeper without SASL answers with no token and goes on.',
      'a 1 0 -115 rest=ffffffff',
      'a closed',
    ),
    a(raw(102, text(''))),
  ],
  nobody: [a(whoAmI())],
  'what follows whoAmI is left alone': [a(raw(107, text('x')))],
  'an acl whose entry is cut': [
    a(raw(7, text('/b'), int(1), int(31), text('world'))),
    a(exists('/b')),
  ],
  'a list of more entries than there are': [
    a(raw(1, text('/b/x'), text(''), int(5), aclOf(open).subarray(4), int(0)), exists('/b/x')),
  ],
});

export const aclCases: Case[] = [...listCases, ...permissionCases, ...authCases];
