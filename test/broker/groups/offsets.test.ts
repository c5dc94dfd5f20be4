import { expiredOffsets } from '../../../broker/groups/expiration.ts';
import { Group } from '../../../broker/groups/group.ts';
import { GroupOffsets, type OffsetToCommit } from '../../../broker/groups/offsets.ts';
import { GroupDriver, NO_LIMITS } from './group-driver.ts';

const at = (offset: number, partition = 0, topic = 't'): OffsetToCommit => ({
  topic,
  partition,
  commit: {
    offset,
    leaderEpoch: -1,
    metadata: '',
    commitTimestampMs: 1_000,
    expireTimestampMs: -1,
  },
});

describe('commits', () => {
  test('are visible once they are replicated', () => {
    const offsets = new GroupOffsets();
    const commit = [at(5)];
    offsets.prepare(commit);
    expect(offsets.get('t', 0)).toBeUndefined();
    expect(offsets.isUnstable('t', 0)).toBe(true);
    offsets.complete(commit, 1);
    expect(offsets.get('t', 0)?.offset).toBe(5);
    expect(offsets.isUnstable('t', 0)).toBe(false);
  });

  test('that fail leave the earlier offset', () => {
    const offsets = new GroupOffsets();
    offsets.replay(at(1), 0);
    const commit = [at(5)];
    offsets.prepare(commit);
    offsets.fail(commit);
    expect(offsets.get('t', 0)?.offset).toBe(1);
    expect(offsets.isUnstable('t', 0)).toBe(false);
  });

  test('that fail do not undo an earlier one that is still under way', () => {
    const offsets = new GroupOffsets();
    const first = [at(5)];
    const second = [at(6)];
    offsets.prepare(first);
    offsets.prepare(second);
    offsets.fail(second);
    expect(offsets.isUnstable('t', 0)).toBe(true);
    offsets.complete(first, 1);
    expect(offsets.get('t', 0)?.offset).toBe(5);
  });

  test('appended later win, and stay unstable until the last one is through', () => {
    const offsets = new GroupOffsets();
    const first = [at(5)];
    const second = [at(6)];
    offsets.prepare(first);
    offsets.prepare(second);
    offsets.complete(first, 1);
    expect(offsets.isUnstable('t', 0)).toBe(true);
    offsets.complete(second, 2);
    expect(offsets.get('t', 0)?.offset).toBe(6);
    expect(offsets.isUnstable('t', 0)).toBe(false);
  });

  test('that were removed while under way do not come back', () => {
    const offsets = new GroupOffsets();
    const commit = [at(5)];
    offsets.prepare(commit);
    expect(offsets.remove('t', 0)).toBe(true);
    offsets.complete(commit, 1);
    expect(offsets.isEmpty).toBe(true);
  });

  test('of one partition twice in a request: the last one counts', () => {
    const offsets = new GroupOffsets();
    const commit = [at(5), at(4)];
    offsets.prepare(commit);
    offsets.complete(commit, 1);
    expect(offsets.get('t', 0)?.offset).toBe(4);
    expect(offsets.isUnstable('t', 0)).toBe(false);
  });
});

describe('commits in a transaction', () => {
  const open = (...items: OffsetToCommit[]): GroupOffsets => {
    const offsets = new GroupOffsets();
    offsets.prepareInTransaction(9, items);
    offsets.completeInTransaction(9, items, 1);
    return offsets;
  };

  test('count when it commits', () => {
    const offsets = open(at(5));
    expect(offsets.get('t', 0)).toBeUndefined();
    expect(offsets.isUnstable('t', 0)).toBe(true);
    offsets.endTransaction(9, { isCommit: true });
    expect(offsets.get('t', 0)?.offset).toBe(5);
    expect(offsets.isUnstable('t', 0)).toBe(false);
  });

  test('are forgotten when it aborts', () => {
    const offsets = open(at(5));
    offsets.endTransaction(9, { isCommit: false });
    expect(offsets.isEmpty).toBe(true);
  });

  test('do not undo a plain commit that was appended after them', () => {
    const offsets = open(at(5));
    const plain = [at(8)];
    offsets.prepare(plain);
    offsets.complete(plain, 2);
    offsets.endTransaction(9, { isCommit: true });
    expect(offsets.get('t', 0)?.offset).toBe(8);
  });
});

describe('expiration', () => {
  const withOffsets = (...items: OffsetToCommit[]): GroupOffsets => {
    const offsets = new GroupOffsets();
    for (const item of items) offsets.replay(item, 0);
    return offsets;
  };
  const expired = (group: Group, offsets: GroupOffsets, nowMs: number): string[] =>
    expiredOffsets(group, offsets, nowMs, 100).map(({ topic }) => topic);

  test('of a simple group runs from the commit', () => {
    const group = new Group('g', NO_LIMITS, 5_000);
    expect(expired(group, withOffsets(at(1)), 1_099)).toEqual([]);
    expect(expired(group, withOffsets(at(1)), 1_100)).toEqual(['t']);
  });

  test('of an emptied group runs from the time it became empty', () => {
    const group = new Group('g', NO_LIMITS, 5_000);
    group.protocolType = 'consumer';
    expect(expired(group, withOffsets(at(1)), 5_099)).toEqual([]);
    expect(expired(group, withOffsets(at(1)), 5_100)).toEqual(['t']);
    group.stateSinceMs = null;
    expect(expired(group, withOffsets(at(1)), 1_100)).toEqual(['t']);
  });

  test('of live consumers concerns topics they no longer read', () => {
    const { group } = GroupDriver.stablePair();
    group.subscribedTopics = new Set(['read']);
    const offsets = withOffsets(at(1, 0, 'read'), at(1, 0, 'dropped'));
    expect(expired(group, offsets, 2_000)).toEqual(['dropped']);
    group.subscribedTopics = null;
    expect(expired(group, offsets, 2_000)).toEqual([]);
  });

  test("follows the client's own retention, and spares what is being committed", () => {
    const group = new Group('g', NO_LIMITS, 0);
    const item = at(1);
    const own = { ...item, commit: { ...item.commit, expireTimestampMs: 9_000 } };
    const offsets = withOffsets(own);
    expect(expired(group, offsets, 8_999)).toEqual([]);
    expect(expired(group, offsets, 9_000)).toEqual(['t']);
    offsets.prepare([at(2)]);
    expect(expired(group, offsets, 9_000)).toEqual([]);
  });
});
