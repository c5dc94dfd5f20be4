/** Cases of paths: which names a write may make, and which it may not. */
import { a, type Case, casesOf } from './case.ts';
import { acl, check, create, exists, multi, setAcl, setData } from './requests.ts';

const bad: Readonly<Record<string, string>> = {
  'no slash in front': 'b/x',
  'no slash at all': 'x',
  'a slash at the end': '/b/x/',
  'two slashes': '/b//x',
  'two slashes in front': '//b',
  'only two slashes': '//',
  'a dot': '/b/.',
  'two dots': '/b/..',
  'a dot within': '/b/./x',
  'two dots within': '/b/../x',
  'NUL at the end': '/b/x\0',
  'NUL within': '/b/x\0y',
  'control 1': '/b/\u0001',
  'a line feed': '/b/a\nb',
  'control 1f': '/b/\u001f',
  delete: '/b/\u007f',
  'control 80': '/b/\u0080',
  'control 9f': '/b/\u009f',
  'private use e000': '/b/\ue000',
  'private use f8ff': '/b/\uf8ff',
  fff0: '/b/\ufff0',
  fffd: '/b/\ufffd',
  ffff: '/b/\uffff',
  'outside the basic plane': '/b/\u{1f600}',
};

const good: Readonly<Record<string, string>> = {
  'a space': '/b/ ',
  'dots in a name': '/b/a.b..c',
  'three dots': '/b/...',
  'a name that begins with a dot': '/b/.x',
  'a name that ends with a dot': '/b/x.',
  'no-break space': '/b/\u00a0',
  umlauts: '/b/\u00e4\u00f6',
  chinese: '/b/\u4e2d\u6587',
  'd7ff, the last before the surrogates': '/b/\ud7ff',
  'f900, the first after private use': '/b/\uf900',
  ffef: '/b/\uffef',
  tilde: '/b/~',
  signs: '/b/!"#$%&()*+,:;<=>?@[\\]^_{|}',
  'a long name': `/b/${'n'.repeat(150)}`,
};

const tried = (path: string) => [
  a(create(path), exists('/b'), setData(path, 'y'), setAcl(path, [acl(31, 'world', 'anyone')])),
  a(multi(check(path))),
];

const entries = (kind: string, paths: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(paths).map(([name, path]) => [`${kind}: ${name}`, tried(path)]),
  );

export const pathCases: Case[] = casesOf('paths', {
  ...entries('refused', bad),
  ...entries('taken', good),
  'a sequence number makes a slash at the end a name': [a(create('/b/', { flags: 2 }))],
  'a sequence number makes dots a name': [
    a(create('/b/.', { flags: 2 }), create('/b/..', { flags: 2 })),
  ],
  'a sequence number does not help two slashes': [a(create('/b//', { flags: 2 }))],
  'bytes that are no UTF-8': [
    a({ op: 3, body: Buffer.from([0, 0, 0, 4, 0x2f, 0x62, 0x2f, 0xff, 0]) }),
  ],
});
