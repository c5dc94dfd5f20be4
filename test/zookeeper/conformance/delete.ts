/** Cases of delete: results, order of the checks, what it does to the parent. */
import { a, b, type Case, casesOf } from './case.ts';
import {
  acl,
  create,
  createContainer,
  exists,
  getChildren2,
  remove,
  setAcl,
  setData,
} from './requests.ts';

export const deleteCases: Case[] = casesOf('delete', {
  'a node and what it does to its parent': [
    a(create('/b/x'), remove('/b/x'), exists('/b/x'), exists('/b')),
  ],
  'an absent node': [a(remove('/b/x'), exists('/b'))],
  'below an absent node': [a(remove('/b/x/y'))],
  twice: [a(create('/b/x'), remove('/b/x'), remove('/b/x'))],
  'a node with children': [a(create('/b/x'), create('/b/x/y'), remove('/b/x'), remove('/b/x/y'))],
  'the right version': [a(create('/b/x'), setData('/b/x', 'y'), remove('/b/x', 1))],
  'version 0': [a(create('/b/x'), remove('/b/x', 0))],
  'a wrong version': [a(create('/b/x'), remove('/b/x', 1), exists('/b/x'))],
  'version 0 after a change': [a(create('/b/x'), setData('/b/x', 'y'), remove('/b/x', 0))],
  'version -2 is a wrong one': [a(create('/b/x'), remove('/b/x', -2))],
  'a wrong version before children': [
    a(create('/b/x'), create('/b/x/y'), remove('/b/x', 7), remove('/b/x', 0)),
  ],
  'a container': [a(createContainer('/b/x'), remove('/b/x'))],
  'an ephemeral node by its owner': [a(create('/b/x', { flags: 1 }), remove('/b/x'))],
  'an ephemeral node by another': [a(create('/b/x', { flags: 1 })), b(remove('/b/x'))],
  'the root': [a(remove('/'))],
  'reserved nodes': [
    a(remove('/zookeeper'), remove('/zookeeper/quota'), remove('/zookeeper/config')),
  ],
  'reserved nodes with a wrong version': [a(remove('/zookeeper/config', 9))],
  'an empty path': [a(remove(''))],
  'a null path': [a(remove(null), exists('/b'))],
  'a path without slash': [a(remove('b'), remove('nope'))],
  'a path with NUL': [a(remove('/b/x\0'), remove('/b\0/x'))],
  'paths are not checked otherwise': [
    a(remove('/b//x'), remove('/b/x/'), remove('/b/.'), remove('/b/..'), remove('/b/')),
  ],
  'a trailing slash with the node there': [a(create('/b/x'), remove('/b/x/'))],
  'no permission on the parent': [
    a(create('/b/x', { acl: [acl(7, 'world', 'anyone')] }), create('/b/x/y'), remove('/b/x/y')),
  ],
  'no permission before an absent node': [
    a(create('/b/x', { acl: [acl(7, 'world', 'anyone')] }), remove('/b/x/nope')),
  ],
  'no permission before a wrong version': [
    a(create('/b/x', { acl: [acl(7, 'world', 'anyone')] }), create('/b/x/y'), remove('/b/x/y', 5)),
  ],
  'nothing is needed on the node itself': [
    a(create('/b/x', { acl: [acl(0, 'world', 'anyone')] }), remove('/b/x')),
  ],
  'DELETE alone is enough': [
    a(create('/b/x'), create('/b/x/y'), setAcl('/b/x', [acl(8, 'world', 'anyone')])),
    a(remove('/b/x/y'), remove('/b/x')),
  ],
  'many, and what is counted': [
    a(create('/b/x'), create('/b/y'), create('/b/z'), remove('/b/y'), exists('/b')),
    a(remove('/b/x'), remove('/b/z'), getChildren2('/b')),
  ],
  'a refused one takes a transaction id': [a(remove('/b/nope'), remove('/'), create('/b/x'))],
});
