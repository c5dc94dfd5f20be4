import {
  type Assignor,
  cooperativeStickyAssignor,
  type GroupMember,
  rangeAssignor,
  roundRobinAssignor,
} from '../../client/assignors.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../client/group-protocol.ts';

const member = (memberId: string, topics: string[], owned: string[] = []): GroupMember => ({
  memberId,
  groupInstanceId: null,
  topics,
  ownedPartitions: owned.map((text) => ({
    topic: text.slice(0, -1),
    partition: Number(text.at(-1)),
  })),
  userData: null,
  generationId: 1,
  rackId: null,
});

const assign = (assignor: Assignor, members: GroupMember[], counts: Record<string, number>) =>
  Object.fromEntries(
    [...assignor.assign(members, new Map(Object.entries(counts)))].map(([id, partitions]) => [
      id,
      partitions.map(({ topic, partition }) => `${topic}${partition}`).sort(),
    ]),
  );

describe('the range assignor', () => {
  test('gives each topic in contiguous shares, the first members one more', () => {
    const members = [member('b', ['t', 'u']), member('a', ['t', 'u'])];
    expect(assign(rangeAssignor, members, { t: 3, u: 2 })).toEqual({
      a: ['t0', 't1', 'u0'],
      b: ['t2', 'u1'],
    });
  });

  test('puts static members first and skips topics that do not exist', () => {
    const members = [member('a', ['t', 'gone']), { ...member('z', ['t']), groupInstanceId: 'i' }];
    expect(assign(rangeAssignor, members, { t: 1 })).toEqual({ a: [], z: ['t0'] });
  });
});

describe('the round robin assignor', () => {
  test('deals all partitions out in turn, across topics', () => {
    const members = [member('a', ['t', 'u']), member('b', ['t', 'u'])];
    expect(assign(roundRobinAssignor, members, { t: 3, u: 3 })).toEqual({
      a: ['t0', 't2', 'u1'],
      b: ['t1', 'u0', 'u2'],
    });
  });

  test('passes over members that are not subscribed', () => {
    const members = [member('a', ['t']), member('b', ['t', 'u'])];
    expect(assign(roundRobinAssignor, members, { t: 1, u: 2 })).toEqual({
      a: ['t0'],
      b: ['u0', 'u1'],
    });
  });
});

describe('the cooperative sticky assignor', () => {
  test('leaves a balanced assignment as it is', () => {
    const members = [member('a', ['t'], ['t1', 't3']), member('b', ['t'], ['t0', 't2'])];
    expect(assign(cooperativeStickyAssignor, members, { t: 4 })).toEqual({
      a: ['t1', 't3'],
      b: ['t0', 't2'],
    });
  });

  test('takes away first, and gives in the next round', () => {
    const members = [member('a', ['t'], ['t0', 't1', 't2', 't3']), member('b', ['t'])];
    const first = assign(cooperativeStickyAssignor, members, { t: 4 });
    expect(first).toMatchObject({ a: { length: 2 }, b: [] });
    const next = [member('a', ['t'], first.a), member('b', ['t'])];
    const second = assign(cooperativeStickyAssignor, next, { t: 4 });
    expect(second.a).toEqual(first.a);
    expect([...(second.a ?? []), ...(second.b ?? [])].sort()).toEqual(['t0', 't1', 't2', 't3']);
  });

  test('believes the younger generation, and nobody in a tie', () => {
    const old = { ...member('a', ['t'], ['t0']), generationId: 0 };
    expect(assign(cooperativeStickyAssignor, [old, member('b', ['t'], ['t0'])], { t: 1 })).toEqual({
      a: [],
      b: ['t0'],
    });
    const tie = [member('a', ['t'], ['t0']), member('b', ['t'], ['t0'])];
    const { a, b } = assign(cooperativeStickyAssignor, tie, { t: 1 });
    expect([...(a ?? []), ...(b ?? [])]).toEqual(['t0']);
  });

  test('balances members with different subscriptions as far as that goes', () => {
    const members = [member('a', ['t']), member('b', ['t', 'u']), member('c', ['u'])];
    const result = assign(cooperativeStickyAssignor, members, { t: 3, u: 3 });
    expect(Object.values(result).map(({ length }) => length)).toEqual([2, 2, 2]);
  });
});

describe('the bytes members exchange', () => {
  test('come back as they were', () => {
    const partitions = [
      { topic: 'a', partition: 0 },
      { topic: 'a', partition: 2 },
      { topic: 'b', partition: 1 },
    ];
    const subscription = {
      topics: ['a', 'b'],
      ownedPartitions: partitions,
      userData: Buffer.from('x'),
      generationId: 3,
      rackId: 'r',
    };
    expect(decodeSubscription(encodeSubscription(subscription))).toEqual(subscription);
    expect(decodeAssignment(encodeAssignment(partitions))).toEqual(partitions);
  });

  test('of an older version are understood, of a newer one as far as known', () => {
    const bytes = encodeAssignment([{ topic: 'a', partition: 0 }]);
    bytes.writeInt16BE(9);
    expect(decodeAssignment(bytes)).toEqual([{ topic: 'a', partition: 0 }]);
    const old = Buffer.from('00000000000100016100000000', 'hex');
    expect(decodeSubscription(old)).toMatchObject({
      topics: ['a'],
      generationId: -1,
      rackId: null,
    });
  });
});
