/** Cases of bytes that no client sends: unknown operations, frames that are cut, lengths that lie. */
import { a, b, type Case, casesOf, deviation, unsteady } from './case.ts';
import { byte, check, create, exists, int, long, raw, reconfig, text } from './requests.ts';

const handshake = [int(0), long(0), int(10_000), long(0), text(Buffer.alloc(16))];
const framed = (...parts: readonly Buffer[]): Buffer[] => [
  int(Buffer.concat(parts).length),
  ...parts,
];

const operationCases: Case[] = casesOf('operations', {
  'unknown ones are answered, and the end': [a(raw(99)), a.closes()],
  '0, the notification': [a(raw(0)), a.closes()],
  '10': [a(raw(10)), a.closes()],
  '23': [a(raw(23)), a.closes()],
  '108': [a(raw(108)), a.closes()],
  '-1': [a(raw(-1)), a.closes()],
  '-2': [a(raw(-2)), a.closes()],
  'the greatest': [a(raw(0x7fffffff)), a.closes()],
  'an unknown one leaves the session': [
    a(create('/b/x', { flags: 1 }), raw(99)),
    a.closes(),
    a.resume(),
    a(exists('/b/x')),
  ],
  'an unknown one with a body': [a(raw(99, text('/b/x'), int(1))), a.closes()],
  'what comes after an unknown one is not done': [
    unsteady(
      'ZooKeeper does it, or not, as its threads run.',
      'a 1 -1 -6',
      'a closed',
      'b 1 +2 -101',
    ),
    a.together(raw(99), create('/b/x')),
    b(exists('/b/x')),
  ],
  'check outside of a multi': [
    unsteady(
      'ZooKeeper answers only a check that fails; the other kind it logs, and cannot start again.',
      'a 1 -1 -6',
      'a closed',
    ),
    a(check('/b', 0)),
  ],
  'the making of a session': [
    unsteady('ZooKeeper answers as if to a handshake.', 'a 1 -1 -6', 'a closed'),
    a(raw(-10, int(5000))),
  ],
  'the removal of a container': [
    deviation('ZooKeeper lets clients ask for it, and refuses.', 'a 1 -1 -6', 'a closed'),
    a(raw(20, text('/b'))),
  ],
  'reconfig is off': [a(reconfig(), exists('/b'))],
  'reconfig that is cut': [a(raw(16, int(-1)), exists('/b'))],
});

/** Bodies that end too early, operation by operation. */
const cutBodies: Readonly<Record<string, number>> = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  getChildren2: 12,
  multi: 14,
  create2: 15,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  createTTL: 21,
  multiRead: 22,
  setWatches: 101,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
};

const bodyCases: Case[] = casesOf(
  'bodies',
  Object.fromEntries(
    Object.entries(cutBodies).map(([name, op]) => [
      `${name} without, cut, with lengths that lie`,
      [
        a(raw(op), raw(op, byte(0)), raw(op, int(4), byte(0x2f)), raw(op, int(0x7fffffff))),
        a(raw(op, int(-2), text('/b'))),
        a(create('/b/x')),
      ],
    ]),
  ),
);

const frameCases: Case[] = casesOf('frames', {
  'a length of zero': [a(exists('/b')), a.bytes(int(0)), a.closes()],
  'a negative length': [a(exists('/b')), a.bytes(int(-1)), a.closes()],
  'a length above the limit': [a(exists('/b')), a.bytes(int(1_048_576)), a.closes()],
  'the greatest length': [a(exists('/b')), a.bytes(int(0x7fffffff)), a.closes()],
  'less than a header': [a(exists('/b')), a.bytes(...framed(int(1))), a.closes()],
  'seven bytes': [a(exists('/b')), a.bytes(...framed(Buffer.alloc(7))), a.closes()],
  'a request before the handshake': [
    a.bytes(...framed(int(1), int(3), text('/b'), byte(0))),
    a.closes(),
  ],
  'a handshake that is cut': [a.bytes(...framed(int(0), long(0))), a.closes()],
  'a handshake without password': [a.bytes(...framed(...handshake.slice(0, 4))), a.closes()],
  'a first length of zero': [a.bytes(int(0)), a.closes()],
  'a first length that is negative': [a.bytes(int(-5)), a.closes()],
  'a first length above the limit': [a.bytes(int(0x01000000)), a.closes()],
  'letters that are no word': [a.bytes(Buffer.from('nope')), a.closes()],
  'letters of a browser': [a.bytes(Buffer.from('GET / HTTP/1.1\r\n\r\n')), a.closes()],
  'a word in capitals': [a.bytes(Buffer.from('RUOK')), a.closes()],
  'a second handshake': [a(exists('/b')), a.bytes(...framed(...handshake)), a.closes()],
  'the session is none the worse': [
    a(create('/b/x', { flags: 1 })),
    a.bytes(int(-1)),
    a.closes(),
    a.resume(),
    a(exists('/b/x')),
  ],
  'others are none the worse': [
    b(exists('/b')),
    a(exists('/b')),
    a.bytes(int(-1)),
    a.closes(),
    b(exists('/b')),
  ],
});

export const hostileCases: Case[] = [...operationCases, ...bodyCases, ...frameCases];
