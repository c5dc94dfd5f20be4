/** Cases of sequential nodes: the number is the parent's count of creations. */
import { a, b, type Case, casesOf } from './case.ts';
import {
  create,
  create2,
  createContainer,
  exists,
  getChildren,
  multi,
  remove,
} from './requests.ts';

const next = (path = '/b/q-') => create(path, { flags: 2 });

export const sequenceCases: Case[] = casesOf('sequences', {
  'from zero': [a(next(), next(), next())],
  'ephemeral and persistent ones share the counter': [
    a(next(), create('/b/e-', { flags: 3 }), next(), create('/b/e-', { flags: 3 })),
  ],
  'plain children advance it': [a(create('/b/x'), create('/b/y'), next())],
  'deletions do not': [a(create('/b/x'), create('/b/y'), remove('/b/x'), remove('/b/y'), next())],
  'three creates and a delete': [
    a(create('/b/1'), create('/b/2'), create('/b/3'), exists('/b'), remove('/b/2'), exists('/b')),
    a(next(), exists('/b')),
  ],
  'failed creates do not': [a(create('/b/x'), create('/b/x'), create('/b/y/z'), next())],
  'grandchildren do not': [a(create('/b/x'), create('/b/x/y'), create('/b/x/z'), next())],
  'a name that ends with a slash': [a(next('/b/'), next('/b/'))],
  'a number is part of the name': [a(next('/b/q-0000000000'), getChildren('/b'))],
  'the name it would get exists': [a(create('/b/q-0000000001'), next(), next())],
  'every parent has its own': [a(create('/b/x'), create('/b/y'), next('/b/x/n'), next('/b/y/n'))],
  'under a container': [a(createContainer('/b/x'), next('/b/x/n'), next('/b/x/n'))],
  'two sessions': [a(next()), b(next()), a(next()), b(create('/b/e', { flags: 3 }))],
  'with stat': [a(create2('/b/q-', { flags: 2 }), create2('/b/q-', { flags: 3 }))],
  'in a multi': [a(multi(next(), next(), create('/b/x'), next()), next())],
  'in a multi that fails': [a(multi(next(), next(), remove('/b/nope')), next())],
  'in a multi, with deletions': [a(multi(next(), remove('/b/q-0000000000'), next()))],
  'under an absent parent': [a(next('/b/nope/q-'))],
  'after the parent was made again': [
    a(create('/b/x'), next('/b/x/n'), remove('/b/x/n0000000000'), remove('/b/x')),
    a(create('/b/x'), next('/b/x/n')),
  ],
  'in one write': [a.together(next(), next(), next(), next())],
});
