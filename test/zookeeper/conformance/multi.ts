/** Cases of multi and multiRead: what holds together, what fails together, and how each step is answered. */
import { a, b, type Case, casesOf, deviation } from './case.ts';
import {
  acl,
  byte,
  check,
  closeSession,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  getAcl,
  getChildren,
  getChildren2,
  getData,
  int,
  multi,
  multiRead,
  ping,
  raw,
  remove,
  setAcl,
  setData,
  sync,
  text,
} from './requests.ts';

/** Older ones answer create2 within a multi without its stat, and wrong flags as a failed step. */
const NEW = { since: '3.8.4' };

const NO_ID =
  'ZooKeeper takes no transaction id here, and sends an empty list of results with the error.';
const EMPTY_RESULT = 'ZooKeeper sends an empty list of results with the error.';

const closed = [acl(1, 'world', 'anyone')];

const writeCases: Case[] = casesOf('multi', {
  'one create': [a(multi(create('/b/x')), exists('/b/x'))],
  'all kinds': [
    NEW,
    a(create('/b/x'), multi(create('/b/y'), create2('/b/z'), createContainer('/b/c'))),
    a(multi(setData('/b/x', 'new'), check('/b/x', 1), remove('/b/y'))),
    a(getChildren2('/b')),
  ],
  'one transaction id for all': [
    a(multi(create('/b/x'), create('/b/y'), setData('/b/x', 'z')), exists('/b/x'), exists('/b/y')),
  ],
  'steps see those before them': [
    a(multi(create('/b/x'), create('/b/x/y'), setData('/b/x/y', 'z', 0), check('/b/x/y', 1))),
    a(getData('/b/x/y'), exists('/b/x')),
  ],
  'stats are those right after each step': [
    a(create('/b/x'), multi(setData('/b/x', '1'), setData('/b/x', '22'), setData('/b/x', '333'))),
  ],
  'made and deleted at once': [
    a(multi(create('/b/x'), remove('/b/x'), create('/b/x', { data: 'again' })), getData('/b/x')),
    a(exists('/b')),
  ],
  'deleted and made again': [
    NEW,
    a(create('/b/x', { data: 'old' }), setData('/b/x', 'older')),
    a(multi(remove('/b/x', 1), create2('/b/x', { data: 'new' })), getData('/b/x')),
  ],
  'a parent and its children deleted': [
    a(create('/b/x'), create('/b/x/y'), create('/b/x/z')),
    a(multi(remove('/b/x/y'), remove('/b/x/z'), remove('/b/x')), exists('/b/x')),
  ],
  'ephemeral nodes': [
    NEW,
    a(multi(create('/b/x', { flags: 1 }), setData('/b/x', null, 0)), exists('/b/x')),
    a(multi(create('/b/e', { flags: 3 }), create2('/b/e', { flags: 3 }))),
  ],
  'under an ephemeral node of the same multi': [
    a(multi(create('/b/x', { flags: 1 }), create('/b/x/y')), exists('/b/x')),
  ],
  empty: [a(multi(), exists('/b'), create('/b/x'))],
  'the first fails': [a(multi(create('/b'), create('/b/x'), create('/b/y')), exists('/b/x'))],
  'one in the middle fails': [
    a(multi(create('/b/x'), create('/b'), create('/b/y')), exists('/b/x')),
  ],
  'the last fails': [a(multi(create('/b/x'), create('/b/y'), remove('/b/nope')), exists('/b'))],
  'the only one fails': [a(multi(remove('/b/nope')))],
  'a failed one takes a transaction id': [a(multi(remove('/b/nope')), create('/b/x'))],
  'two would fail': [a(multi(remove('/b/nope'), create('/b'), check('/b/no', 1)))],
  'a check that holds': [a(multi(check('/b', 0), check('/b', -1)), exists('/b'))],
  'a check that does not hold': [a(multi(create('/b/x'), check('/b', 7)), exists('/b/x'))],
  'a check of an absent node': [a(multi(check('/b/nope', -1)))],
  'a check without READ': [
    a(create('/b/x', { acl: [acl(30, 'world', 'anyone')] }), multi(check('/b/x', 0))),
  ],
  'a check without READ, in a wrong version': [
    a(create('/b/x', { acl: [acl(30, 'world', 'anyone')] }), multi(check('/b/x', 7))),
  ],
  'a check of version -2': [a(multi(check('/b', -2)))],
  'the version of a node that was made': [a(multi(create('/b/x'), check('/b/x', 0)))],
  'a wrong version of a node that was changed': [
    a(create('/b/x'), multi(setData('/b/x', 'y', 0), setData('/b/x', 'z', 0)), getData('/b/x')),
  ],
  'a bad version': [a(create('/b/x'), multi(remove('/b/x', 3), create('/b/y')))],
  'children in the way': [a(create('/b/x'), create('/b/x/y'), multi(remove('/b/x')))],
  'a child that was made is in the way': [
    a(create('/b/x'), multi(create('/b/x/y'), remove('/b/x')), exists('/b/x')),
  ],
  'a child that was deleted is not in the way': [
    a(create('/b/x'), create('/b/x/y'), multi(remove('/b/x/y'), remove('/b/x'))),
  ],
  'a bad path': [a(multi(create('/b/x'), create('/b//y')), exists('/b/x'))],
  'a bad list': [a(multi(create('/b/x'), create('/b/y', { acl: [] })), exists('/b/x'))],
  'no permission': [
    a(create('/b/x', { acl: closed }), multi(create('/b/y'), create('/b/x/z')), exists('/b/y')),
  ],
  'reserved nodes': [a(multi(remove('/zookeeper')), multi(create('/zookeeper')))],
  'the root': [a(multi(create('/')), multi(remove('/')), multi(check('/', -1)))],
  'a null path': [
    deviation(NO_ID, 'a 1 +2 -5', 'a 2 +2 -101'),
    a(multi(create('/b/x'), setData(null, 'y')), exists('/b/x')),
  ],
  'a null path of a create': [
    deviation(NO_ID, 'a 1 +2 -5', 'a 2 +2 -101'),
    a(multi(create(null)), exists('/b/nope')),
  ],
  'a null path of a delete': [
    deviation(NO_ID, 'a 1 +2 -5', 'a 2 +2 -101'),
    a(multi(remove(null)), exists('/b/nope')),
  ],
  'a null path of a check': [
    deviation(NO_ID, 'a 1 +2 -5', 'a 2 +2 -101'),
    a(multi(check(null)), exists('/b/nope')),
  ],
  'flag 4': [a(multi(create('/b/x', { flags: 4 })), exists('/b/x'))],
  'flag 5': [a(multi(create('/b/x', { flags: 5 })), exists('/b'))],
  'flag 6': [a(multi(create('/b/x', { flags: 6 })), exists('/b'))],
  'flag 9': [NEW, a(multi(create('/b/x', { flags: 9 })), exists('/b'))],
  'flag -1': [NEW, a(multi(create('/b/x', { flags: -1 })), exists('/b'))],
  'flag 5 with stat': [a(multi(create2('/b/x', { flags: 5 })), exists('/b'))],
  'flag 9 with stat': [NEW, a(multi(create2('/b/x', { flags: 9 })), exists('/b'))],
  'flag 9 after a step that fails': [
    NEW,
    a(multi(remove('/b/nope'), create('/b/x', { flags: 9 }))),
  ],
  'a container': [a(multi(createContainer('/b/x')), exists('/b/x'))],
  'a container with flag 0': [NEW, a(multi(createContainer('/b/x', { flags: 0 })), exists('/b/x'))],
  'a container with flag 9': [NEW, a(multi(createContainer('/b/x', { flags: 9 })), exists('/b'))],
  'createTTL where it is off': [a(multi(createTtl('/b/x', 1000)), exists('/b/x'))],
  'setACL does not belong': [a(multi(setAcl('/b', closed)), exists('/b'))],
  'reads do not belong': [a(multi(getData('/b')), multi(create('/b/x'), getChildren('/b')))],
  'other operations do not belong': [
    a(multi(exists('/b')), multi(sync('/b')), multi(getAcl('/b')), multi(ping()), exists('/b')),
    a(
      multi(closeSession()),
      multi(getChildren2('/b')),
      multi(raw(99)),
      multi(raw(0)),
      exists('/b'),
    ),
  ],
  'a multi in a multi': [a(multi(multi(create('/b/x'))), exists('/b'))],
  'without an end': [a(raw(14, int(2), byte(0), int(-1), text('/b/x'), int(-1)), exists('/b'))],
  'an end without a code': [a(raw(14, int(-1), byte(1)), exists('/b'))],
  'nothing at all': [a(raw(14), exists('/b'))],
  'an end of another type': [a(raw(14, int(1), byte(1), int(0)), create('/b/x'))],
  'a step that says it failed': [
    a(raw(14, int(2), byte(0), int(5), text('/b/x'), int(-1), int(-1), byte(1), int(-1))),
  ],
  'what follows the end is left alone': [
    a(raw(14, int(-1), byte(1), int(-1), text('more')), exists('/b')),
  ],
  'a step that is cut': [a(raw(14, int(1), byte(0), int(-1), text('/b/x')), exists('/b'))],
  'many steps': [
    a(multi(...Array.from({ length: 50 }, (_, index) => create(`/b/n${index}`, { data: '' })))),
    a(exists('/b')),
  ],
  'a broker registers as Kafka does it': [
    a(multi(create('/b/id', { flags: 1, data: null }), setData('/b/id', '{}', 0)), exists('/b/id')),
    b(
      multi(create('/b/id', { flags: 1, data: null }), setData('/b/id', '{}', 0)),
      getData('/b/id'),
    ),
  ],
  'a controller is elected as Kafka does it': [
    a(create('/b/epoch', { data: '0' })),
    a(multi(create('/b/controller', { flags: 1 }), setData('/b/epoch', '1', 0))),
    b(multi(create('/b/controller', { flags: 1 }), setData('/b/epoch', '2', 1))),
    b(multi(check('/b/epoch', 0), setData('/b', 'x'))),
    a(multi(check('/b/epoch', 1), setData('/b', 'x'))),
  ],
  'events of each step, in order, before the reply': [
    a(create('/b/x'), exists('/b/x', 1), exists('/b/y', 1), getChildren('/b', 1)),
    a(multi(create('/b/y'), setData('/b/x', '1'), remove('/b/y'))),
  ],
  'a failed one has no events': [
    a(exists('/b/y', 1), getChildren('/b', 1)),
    a(multi(create('/b/y'), remove('/b/nope')), create('/b/y')),
  ],
});

const readCases: Case[] = casesOf('multiRead', {
  'data and children': [
    a(create('/b/x', { data: 'hello' }), multiRead(getData('/b/x'), getChildren('/b'))),
  ],
  'takes no transaction id': [a(multiRead(getData('/b')), create('/b/x'))],
  empty: [a(multiRead(), exists('/b'))],
  'errors are of each step': [
    a(create('/b/x', { acl: [acl(30, 'world', 'anyone')] })),
    a(multiRead(getData('/b'), getData('/b/nope'), getData('/b/x'), getChildren('/b/x'))),
    a(multiRead(getChildren('/b/nope'), getChildren('/b'))),
  ],
  'null data': [a(create('/b/x', { data: null }), multiRead(getData('/b/x')))],
  'a watch is not set': [a(multiRead(getData('/b', 1), getChildren('/b', 1)), create('/b/x'))],
  'writes do not belong': [
    deviation(EMPTY_RESULT, 'a 1 +1 -5', 'a 2 +1 -5'),
    a(multiRead(create('/b/x')), multiRead(getData('/b'), remove('/b/x'))),
  ],
  'a check does not belong': [
    deviation(EMPTY_RESULT, 'a 1 +1 -5', 'a 2 +1 -101'),
    a(multiRead(check('/b')), exists('/b/nope')),
  ],
  'other reads do not belong': [
    a(
      multiRead(exists('/b')),
      multiRead(getChildren2('/b')),
      multiRead(getAcl('/b')),
      exists('/b'),
    ),
  ],
  'a null path': [
    deviation(EMPTY_RESULT, 'a 1 +1 -5', 'a 2 +1 -101'),
    a(multiRead(getData(null), getData('/b')), exists('/b/nope')),
  ],
  'bad paths are absent': [a(multiRead(getData('/b//x'), getData('b'), getChildren('/b/')))],
  'nothing at all': [a(raw(22), exists('/b'))],
});

export const multiCases: Case[] = [...writeCases, ...readCases];
