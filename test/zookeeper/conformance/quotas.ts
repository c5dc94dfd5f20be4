/** Cases of quotas: what is counted and when, how the text reads, and what a server that enforces limits refuses. */
import { a, b, type Case, casesOf } from './case.ts';
import {
  acl,
  addWatch,
  create,
  create2,
  createTtl,
  exists,
  getChildren2,
  getData,
  multi,
  type Request,
  reconfig,
  remove,
  setAcl,
  setData,
} from './requests.ts';

const NODE = '/zookeeper/quota/b';
const LIMITS = `${NODE}/zookeeper_limits`;
const STATS = `${NODE}/zookeeper_stats`;

/** What the shell sends to set limits for /b. */
const limit = (limits: string): Request[] => [
  create(NODE, { data: '' }),
  create(LIMITS, { data: limits }),
  create(STATS, { data: 'count=0,bytes=0' }),
];

const soft = 'count=3,bytes=10';
const hard = 'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3';
const stats = getData(STATS);

const countingCases: Case[] = casesOf('quota counts', {
  'what is there when it is set': [
    a(create('/b/x', { data: 'abc' }), create('/b/x/y'), create('/b/z', { data: null })),
    a(...limit(soft), stats, exists(STATS), getData(LIMITS), getChildren2(NODE)),
  ],
  'the answer to the one who made it tells what was asked for': [
    a(create(NODE), create(LIMITS, { data: soft }), create2(STATS, { data: 'anything' }), stats),
  ],
  'what comes, changes and goes': [
    a(...limit(soft), create('/b/x', { data: 'abc' }), stats, create('/b/x/y', { data: null })),
    a(stats, setData('/b/x', 'abcdefgh'), stats, setData('/b/x', null), stats),
    a(setData('/b/x/y', 'q'), stats, remove('/b/x/y'), stats, remove('/b/x'), stats),
  ],
  'the node itself': [a(...limit(soft), setData('/b', 'four'), stats, setData('/b', ''), stats)],
  'nothing of its neighbours': [
    a(create('/b/x'), create(NODE), create(`${NODE}/x`, { data: '' })),
    a(create(`${NODE}/x/zookeeper_limits`, { data: soft })),
    a(create(`${NODE}/x/zookeeper_stats`, { data: '' }), create('/b/xy'), create('/b/y')),
    a(getData(`${NODE}/x/zookeeper_stats`), create('/b/x/z'), getData(`${NODE}/x/zookeeper_stats`)),
  ],
  'without a change of stat, and without an event': [
    a(...limit(soft), getData(STATS, 1), addWatch(STATS, 0)),
    b(create('/b/x'), setData('/b/x', 'abc'), exists(STATS)),
  ],
  'a node of a session that ends': [
    a(...limit(soft)),
    b(create('/b/e', { flags: 1 }), create('/b/f', { flags: 1, data: 'abc' }), stats),
    b({ op: -11, body: Buffer.alloc(0) }),
    a(stats),
  ],
  'the steps of a multi': [
    a(...limit(soft), multi(create('/b/x'), create('/b/x/y'), setData('/b/x', 'abc')), stats),
    a(multi(remove('/b/x/y'), remove('/b/x')), stats),
    a(multi(create('/b/x'), create('/b/nope/y')), stats),
  ],
  'more than a soft limit': [a(...limit('count=1,bytes=1'), create('/b/x'), create('/b/y'), stats)],
  'nothing for a refused write': [a(...limit(soft), create('/b'), setData('/b', 'x', 7), stats)],
  'on from what a client writes there': [
    a(...limit(soft), setData(STATS, 'count=100,bytes=7'), create('/b/x'), stats),
    a(setData(STATS, 'count=5'), create('/b/y'), stats, setData(STATS, 'bytes=5'), remove('/b/y')),
    a(stats, exists(STATS), setData(STATS, 'zz=3;bytes=1,count=2,aa=-4'), create('/b/y'), stats),
    a(setData(STATS, ''), create('/b/z'), stats),
  ],
  'whoever may write there': [
    a(...limit(soft), setAcl(STATS, [acl(1, 'world', 'anyone')]), create('/b/x'), stats),
  ],
  'nothing without limits': [
    a(create(NODE), create(STATS, { data: 'zero' }), stats, create('/b/x'), stats),
    a(create(LIMITS, { data: soft }), stats, create('/b/y'), stats),
  ],
  'nothing any more when the limits are gone': [
    a(...limit(soft), create('/b/x'), remove(LIMITS), create('/b/y'), stats),
    a(create(LIMITS, { data: soft }), create('/b/z'), stats),
  ],
  'nothing where there is no node for it': [
    a(create(NODE), create(LIMITS, { data: soft }), create('/b/x')),
    a(create(STATS, { data: '' }), stats, remove(STATS), create('/b/y'), create(STATS), stats),
  ],
  'for the nearest limits only': [
    a(create('/b/x'), ...limit(soft), create(`${NODE}/x`, { data: '' })),
    a(create(`${NODE}/x/zookeeper_limits`, { data: soft })),
    a(create(`${NODE}/x/zookeeper_stats`), create('/b/x/y'), create('/b/z'), stats),
    a(getData(`${NODE}/x/zookeeper_stats`), remove(`${NODE}/x/zookeeper_limits`)),
    a(create('/b/x/w'), stats, getData(`${NODE}/x/zookeeper_stats`)),
  ],
  'a node that is not there yet, and one made anew': [
    a(create(`${NODE}`), create(`${NODE}/x`, { data: '' })),
    a(create(`${NODE}/x/zookeeper_limits`, { data: soft })),
    a(create(`${NODE}/x/zookeeper_stats`), getData(`${NODE}/x/zookeeper_stats`)),
    a(create('/b/x'), getData(`${NODE}/x/zookeeper_stats`), remove('/b/x')),
    a(getData(`${NODE}/x/zookeeper_stats`)),
  ],
  'limits and counts in one multi': [
    a(create('/b/x'), multi(...limit(soft), create('/b/y')), stats),
  ],
  'hard limits, which a server refuses nothing for unless it is told to': [
    a(...limit(hard), create('/b/x'), create('/b/y'), create('/b/z'), create('/b/w'), stats),
  ],
});

const on = { profile: 'enforcing' } as const;

const enforcedCases: Case[] = casesOf('quota enforced', {
  'too many nodes': [
    on,
    a(...limit(hard), create('/b/x'), create('/b/y'), create('/b/z'), stats, remove('/b/x')),
    a(create('/b/z'), create2('/b/w'), stats, exists('/b/w')),
  ],
  'too many bytes': [
    on,
    a(...limit(hard), create('/b/x', { data: '0123456789' }), setData('/b/x', '0123456789a')),
    a(create('/b/y'), create('/b/y', { data: null }), setData('/b', 'x'), stats),
    a(setData('/b/x', '01234'), setData('/b', 'x'), stats),
  ],
  'less, but still too much': [
    on,
    a(setData('/b', '0123456789abcdef'), ...limit(hard), setData('/b', '0123456789abc'), stats),
    a(setData('/b', '0123456789abcdee'), create('/b/x', { data: '' }), setData('/b', 'ok'), stats),
  ],
  'soft limits refuse nothing': [
    on,
    a(...limit('count=1,bytes=1'), create('/b/x'), setData('/b/x', 'abc'), stats),
  ],
  'a hard limit of none': [
    on,
    a(...limit('count=-1,bytes=-1=;byteHardLimit=0;countHardLimit=0'), create('/b/x')),
    a(setData('/b', 'x'), setData('/b', ''), stats),
  ],
  'a hard limit beside a soft one': [
    on,
    a(...limit('count=9,bytes=9=;byteHardLimit=2;countHardLimit=-1'), create('/b/x')),
    a(create('/b/y', { data: 'abc' }), setData('/b/x', 'abc'), stats),
  ],
  'limits changed later': [
    on,
    a(...limit(hard), create('/b/x'), create('/b/y'), create('/b/z'), setData(LIMITS, soft)),
    a(create('/b/z'), create('/b/w'), stats),
  ],
  'limits without counts': [
    on,
    a(create(NODE), create(LIMITS, { data: hard }), create('/b/x'), create('/b/y')),
    a(create('/b/z'), create(STATS), create('/b/w'), stats),
  ],
  'after all other checks of a create': [
    on,
    a(...limit('count=-1,bytes=-1=;countHardLimit=2'), create('/b/e', { flags: 1 })),
    a(create('/b/e'), create('/b/e/x'), create('/b/nope/x'), create('/b/x', { flags: 9 })),
    a(create('/b/x', { acl: [] }), create('/b/'), create('/b/x', { flags: 2 }), create('/b/x')),
    a(createTtl('/b/x', 1000), setAcl('/b', [acl(1, 'world', 'anyone')]), create('/b/x')),
  ],
  'before the version of a setData': [
    on,
    a(...limit(hard), setData('/b', '0123456789abc', 7), setData('/b', 'x', 7)),
    a(setData('/b/nope', '0123456789abc'), setAcl('/b', [acl(1, 'world', 'anyone')])),
    a(setData('/b', '0123456789abc')),
  ],
  'a step of a multi': [
    on,
    a(...limit(hard), create('/b/x'), create('/b/y')),
    a(multi(remove('/b/x'), create('/b/z'), setData('/b', 'x')), stats, exists('/b/x')),
  ],
  'the steps of a multi are looked at one by one': [
    on,
    a(...limit(hard), create('/b/x'), multi(create('/b/y'), create('/b/z'), create('/b/w')), stats),
    a(create('/b/v'), multi(remove('/b/y'), remove('/b/z')), create('/b/v'), stats),
    a(multi(setData('/b/v', '0123456'), setData('/b/v', '0123456789a')), stats),
    a(multi(create('/b/x/y', { data: '01234567' }), setData('/b/x/y', '0')), stats),
  ],
  'a refusal wakes nobody': [
    on,
    a(...limit('count=-1,bytes=-1=;countHardLimit=1'), getChildren2('/b', 1), exists('/b/x', 1)),
    b(create('/b/x')),
  ],
  'texts with other words and no limits': [
    on,
    a(...limit('foo=3;bar=4'), create('/b/x'), setData(LIMITS, ''), create('/b/y'), stats),
  ],
  'reconfig, which a single node has none of': [on, a(reconfig(), { op: 16, body: Buffer.of(1) })],
});

export const quotaCases: Case[] = [...countingCases, ...enforcedCases];
