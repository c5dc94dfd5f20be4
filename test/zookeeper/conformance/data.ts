/** Cases of setData and the reads: getData, exists, getChildren, sync, and those that newer clients have. */
import { a, b, type Case, casesOf } from './case.ts';
import {
  acl,
  byte,
  countDescendants,
  create,
  createContainer,
  exists,
  getChildren,
  getChildren2,
  getData,
  getEphemerals,
  raw,
  remove,
  setAcl,
  setData,
  sync,
  text,
} from './requests.ts';

const writeCases: Case[] = casesOf('setData', {
  'changes version and times': [a(create('/b/x'), setData('/b/x', 'hello'), getData('/b/x'))],
  'does not change the parent': [a(create('/b/x'), setData('/b/x', 'y'), exists('/b'))],
  'many times': [
    a(create('/b/x'), setData('/b/x', '1'), setData('/b/x', '2'), setData('/b/x', '3')),
  ],
  'the right version': [a(create('/b/x'), setData('/b/x', 'y', 0), setData('/b/x', 'z', 1))],
  'a wrong version': [a(create('/b/x'), setData('/b/x', 'y', 1), getData('/b/x'))],
  'version 0 after a change': [a(create('/b/x'), setData('/b/x', 'y'), setData('/b/x', 'z', 0))],
  'version -2': [a(create('/b/x'), setData('/b/x', 'y', -2))],
  'an absent node': [a(setData('/b/x', 'y'))],
  'an absent node and a wrong version': [a(setData('/b/x', 'y', 5))],
  null: [a(create('/b/x'), setData('/b/x', null), getData('/b/x'))],
  empty: [a(create('/b/x'), setData('/b/x', ''), getData('/b/x'))],
  'bad paths': [
    a(setData('', 'y'), setData('b', 'y'), setData('/b/', 'y'), setData('/b//x', 'y')),
    a(setData('/b/./x', 'y'), setData('/b/..', 'y'), setData('/b/\u0001', 'y')),
  ],
  'a null path': [a(setData(null, 'y'), create('/b/x'))],
  'the root in a wrong version': [a(setData('/', 'x', 1_000_000))],
  'of the configuration needs a permission': [a(setData('/zookeeper/config', 'x'))],
  'an ephemeral node by another': [
    a(create('/b/x', { flags: 1 })),
    b(setData('/b/x', 'y'), getData('/b/x')),
  ],
  'a container': [a(createContainer('/b/x'), setData('/b/x', 'y'))],
  'without permission, before a wrong version': [
    a(create('/b/x', { acl: [acl(29, 'world', 'anyone')] }), setData('/b/x', 'y', 7)),
  ],
});

const readCases: Case[] = casesOf('reads', {
  'an absent node': [a(exists('/b/x'), getData('/b/x'), getChildren('/b/x'), getChildren2('/b/x'))],
  'no children': [a(getChildren('/b'), getChildren2('/b'))],
  'children are names': [
    a(create('/b/x'), create('/b/y'), create('/b/x/z'), getChildren('/b'), getChildren2('/b')),
  ],
  'reads take no transaction id': [a(exists('/b'), getData('/b'), exists('/nope'), create('/b/x'))],
  'paths are not checked': [
    a(getData('/b/'), getData('/b//x'), getData('b'), exists('b/'), getChildren('/b/.')),
  ],
  'NUL in a path': [a(exists('/b\0'), getData('/b\0'), getChildren('/b\0'), getChildren2('/\0'))],
  'the empty path is the root': [a(getChildren2('/zookeeper/quota'), countDescendants('/b'))],
  'null paths': [
    a(exists(null), getData(null), getChildren(null), getChildren2(null)),
    a(countDescendants(null)),
  ],
  'a null path leaves the connection open': [a(getData(null), exists('/b'))],
  'a watch byte of 2 is true': [a(exists('/b/x', 2)), b(create('/b/x'))],
  'the configuration': [a(getData('/zookeeper/config'), exists('/zookeeper/config'))],
  'the quota node': [a(getData('/zookeeper/quota'), getChildren('/zookeeper'))],
  'without READ': [
    a(create('/b/x', { acl: [acl(30, 'world', 'anyone')] })),
    a(getData('/b/x'), getChildren('/b/x'), getChildren2('/b/x'), countDescendants('/b/x')),
  ],
  'exists without READ': [
    { since: '3.8.4' },
    a(create('/b/x', { acl: [acl(30, 'world', 'anyone')] }), exists('/b/x')),
  ],
  'READ alone is enough': [
    a(create('/b/x', { acl: [acl(1, 'world', 'anyone')] })),
    a(getData('/b/x'), getChildren('/b/x'), exists('/b/x'), countDescendants('/b/x')),
  ],
  sync: [a(sync('/b'), sync('/nope'), sync('/'))],
  'sync of odd paths': [a(sync(''), sync('b//'))],
  'sync of null': [a(sync(null))],
  'what follows a body is left alone': [
    a(raw(4, text('/b'), byte(0), text('more')), raw(8, text('/b'), byte(0), byte(1))),
    a(raw(9, text('/b'), Buffer.alloc(100))),
  ],
});

const countCases: Case[] = casesOf('descendants', {
  none: [a(countDescendants('/b'))],
  'of all levels': [
    a(create('/b/x'), create('/b/x/y'), create('/b/x/y/z'), create('/b/w'), countDescendants('/b')),
    a(countDescendants('/b/x'), countDescendants('/b/x/y/z')),
  ],
  'a prefix is not a parent': [a(create('/b/x'), create('/b/xy'), countDescendants('/b/x'))],
  'of the reserved nodes': [a(countDescendants('/zookeeper'))],
  'of an absent node': [a(countDescendants('/b/nope'))],
  'of the whole tree': [a(create('/b/x'), countDescendants('/'))],
});

const ephemeralsCases: Case[] = casesOf('ephemerals', {
  none: [a(getEphemerals('/'))],
  'those of the own session': [
    a(create('/b/x', { flags: 1 }), create('/b/y', { flags: 1 }), create('/b/z')),
    b(create('/b/w', { flags: 1 }), getEphemerals('/')),
    a(getEphemerals('/')),
  ],
  'null and blank are all': [
    a(create('/b/x', { flags: 1 }), getEphemerals(null), getEphemerals(''), getEphemerals('  ')),
  ],
  'by prefix, which is only text': [
    a(create('/b/x', { flags: 1 }), create('/b/xy', { flags: 1 }), create('/b/z', { flags: 1 })),
    a(getEphemerals('/b/x'), getEphemerals('/b'), getEphemerals('/q'), getEphemerals('b')),
  ],
  'one that is gone': [a(create('/b/x', { flags: 1 }), remove('/b/x'), getEphemerals('/'))],
  'after a resume': [a(create('/b/x', { flags: 3 })), a.drop(), a.resume(), a(getEphemerals('/'))],
  'whose list forbids reading': [
    a(create('/b/x', { flags: 1 }), setAcl('/b/x', [acl(2, 'world', 'anyone')])),
    a(getEphemerals('/b')),
  ],
});

export const dataCases: Case[] = [...writeCases, ...readCases, ...countCases, ...ephemeralsCases];
