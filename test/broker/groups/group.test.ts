import { restoreGroup } from '../../../broker/groups/group.ts';
import { commitError, unload } from '../../../broker/groups/membership.ts';
import { errorCodes } from '../../../protocol/errors.ts';
import { GroupDriver, NO_LIMITS, protocol } from './group-driver.ts';

describe('the first rebalance', () => {
  test('waits for the initial delay, and again when somebody came meanwhile', () => {
    const driver = new GroupDriver();
    const first = driver.join({ newMemberId: 'm1' });
    driver.advance(2_000);
    const second = driver.join({ newMemberId: 'm2' });
    driver.advance(3_999);
    expect(driver.joins.size).toBe(0);
    driver.advance(1);
    expect(driver.joined(first)).toMatchObject({
      errorCode: 0,
      generationId: 1,
      leaderId: 'm1',
      memberId: 'm1',
      protocolName: 'range',
      protocolType: 'consumer',
    });
    expect(driver.joined(first).members.map((member) => member.memberId)).toEqual(['m1', 'm2']);
    expect(driver.joined(second)).toMatchObject({ generationId: 1, leaderId: 'm1', members: [] });
    expect(driver.group.state).toBe('CompletingRebalance');
  });

  test('is extended no longer than the rebalance timeout', () => {
    const driver = new GroupDriver();
    const first = driver.join({ rebalanceTimeoutMs: 5_000 });
    driver.advance(2_900);
    driver.join({ rebalanceTimeoutMs: 5_000 });
    driver.advance(1_900);
    driver.join({ rebalanceTimeoutMs: 5_000 });
    driver.advance(200);
    expect(driver.joined(first).members).toHaveLength(3);
  });

  test('takes the protocol most members prefer among those that all offer', () => {
    const driver = new GroupDriver();
    const ticket = driver.join({ protocols: [protocol('a'), protocol('b'), protocol('c')] });
    driver.join({ protocols: [protocol('c'), protocol('b')] });
    driver.join({ protocols: [protocol('b'), protocol('c')] });
    driver.advance(6_000);
    expect(driver.joined(ticket).protocolName).toBe('b');
  });
});

describe('the assignment', () => {
  test('reaches members only once it is stored', () => {
    const driver = new GroupDriver();
    driver.join({ newMemberId: 'm1' });
    driver.join({ newMemberId: 'm2' });
    driver.advance(6_000);
    const follower = driver.sync('m2');
    const leader = driver.sync('m1', { assignments: { m2: 'two', stranger: 'x' } });
    expect(driver.syncs.size).toBe(0);
    expect(driver.stores[0]?.snapshot).toMatchObject({
      generation: 1,
      leader: 'm1',
      members: [
        { memberId: 'm1', assignment: Buffer.alloc(0) },
        { memberId: 'm2', assignment: Buffer.from('two') },
      ],
    });
    driver.stored();
    expect(driver.group.state).toBe('Stable');
    expect(driver.syncs.get(follower)?.assignment.toString()).toBe('two');
    expect(driver.syncs.get(leader)).toMatchObject({ errorCode: 0, protocolName: 'range' });
    expect(driver.syncs.get(driver.sync('m2'))?.assignment.toString()).toBe('two');
  });

  test('that cannot be stored fails the waiting members and starts over', () => {
    const driver = new GroupDriver();
    driver.join({ newMemberId: 'm1' });
    driver.advance(3_000);
    const ticket = driver.sync('m1', { assignments: { m1: 'x' } });
    driver.stored(errorCodes.NOT_COORDINATOR);
    expect(driver.syncs.get(ticket)?.errorCode).toBe(errorCodes.NOT_COORDINATOR);
    expect(driver.group.state).toBe('PreparingRebalance');
  });

  test('of an overtaken generation is void', () => {
    const driver = new GroupDriver();
    driver.join({ newMemberId: 'm1' });
    driver.advance(3_000);
    const ticket = driver.sync('m1', { assignments: { m1: 'x' } });
    driver.join({ newMemberId: 'm2' });
    expect(driver.syncs.get(ticket)?.errorCode).toBe(errorCodes.REBALANCE_IN_PROGRESS);
    driver.stored();
    expect(driver.group.state).toBe('PreparingRebalance');
  });

  test('is refused to strangers, old generations and other protocols', () => {
    const driver = GroupDriver.stablePair();
    const codeOf = (ticket: number): number | undefined => driver.syncs.get(ticket)?.errorCode;
    expect(codeOf(driver.sync('nobody'))).toBe(errorCodes.UNKNOWN_MEMBER_ID);
    expect(codeOf(driver.sync('m1', { generationId: 0 }))).toBe(errorCodes.ILLEGAL_GENERATION);
    driver.group.protocolType = 'connect';
    expect(codeOf(driver.sync('m1'))).toBe(errorCodes.INCONSISTENT_GROUP_PROTOCOL);
  });

  test('members that never ask for it are removed after the rebalance timeout', () => {
    const driver = new GroupDriver();
    driver.join({ newMemberId: 'm1', sessionTimeoutMs: 300_000 });
    driver.join({ newMemberId: 'm2', sessionTimeoutMs: 300_000 });
    driver.advance(6_000);
    driver.sync('m1', { assignments: { m1: 'one', m2: 'two' } });
    driver.stored();
    driver.advance(59_999);
    expect(driver.group.members.has('m2')).toBe(true);
    driver.advance(1);
    expect([...driver.group.members.keys()]).toEqual(['m1']);
    expect(driver.group.state).toBe('PreparingRebalance');
  });
});

describe('a stable group', () => {
  test('gathers its members again when one joins, and goes on once all are there', () => {
    const driver = GroupDriver.stablePair();
    const third = driver.join({ newMemberId: 'm3' });
    expect(driver.heartbeat('m1')).toBe(errorCodes.REBALANCE_IN_PROGRESS);
    driver.join({ memberId: 'm1' });
    expect(driver.joins.has(third)).toBe(false);
    const second = driver.join({ memberId: 'm2' });
    expect(driver.joined(third)).toMatchObject({ generationId: 2, leaderId: 'm1' });
    expect(driver.joined(second).members).toEqual([]);
    expect(driver.heartbeat('m3')).toBe(errorCodes.NONE);
  });

  test('a member that does not come back in time is left behind, and another one leads', () => {
    const driver = GroupDriver.stablePair();
    const ticket = driver.join({ memberId: 'm2', protocols: [protocol('range', 'new')] });
    for (let second = 0; second < 12; second++) {
      driver.advance(5_000);
      if (second < 11) driver.heartbeat('m1');
    }
    expect(driver.joined(ticket)).toMatchObject({ generationId: 2, leaderId: 'm2' });
    expect(driver.heartbeat('m1')).toBe(errorCodes.UNKNOWN_MEMBER_ID);
  });

  test('a silent member is thrown out when its session ends, heartbeats keep the others', () => {
    const driver = GroupDriver.stablePair();
    driver.advance(6_000);
    expect(driver.heartbeat('m2')).toBe(errorCodes.NONE);
    driver.advance(4_000);
    expect([...driver.group.members.keys()]).toEqual(['m2']);
    expect(driver.group.leaderId).toBe('m2');
    expect(driver.heartbeat('m2')).toBe(errorCodes.REBALANCE_IN_PROGRESS);
  });

  test('a leader that joins again calls for a rebalance, a follower only with new metadata', () => {
    const driver = GroupDriver.stablePair();
    expect(driver.joined(driver.join({ memberId: 'm2' }))).toMatchObject({
      generationId: 1,
      members: [],
    });
    driver.join({ memberId: 'm1' });
    expect(driver.group.state).toBe('PreparingRebalance');
  });

  test('becomes empty with a new generation when its last member leaves', () => {
    const driver = GroupDriver.stablePair();
    expect(driver.leave('m1')).toBe(errorCodes.NONE);
    expect(driver.leave('m2')).toBe(errorCodes.NONE);
    expect(driver.leave('m2')).toBe(errorCodes.UNKNOWN_MEMBER_ID);
    expect(driver.group).toMatchObject({ state: 'Empty', generationId: 2, leaderId: null });
    expect(driver.stores[0]).toMatchObject({
      snapshot: { generation: 2, protocol: null, leader: null, members: [] },
      purpose: { type: 'empty' },
    });
    expect(driver.group.wakeUpMs).toBeGreaterThan(0);
    driver.advance(1_000_000);
    expect(driver.group.wakeUpMs).toBe(Number.POSITIVE_INFINITY);
  });

  test('an answer that was lost in the middle of a rebalance is given again', () => {
    const driver = new GroupDriver();
    driver.join({ newMemberId: 'm1' });
    driver.advance(3_000);
    const ticket = driver.join({ memberId: 'm1' });
    expect(driver.joined(ticket)).toMatchObject({ generationId: 1, leaderId: 'm1' });
    expect(driver.joined(ticket).members).toHaveLength(1);
    driver.join({ memberId: 'm1', protocols: [protocol('range', 'other')] });
    expect(driver.group.state).toBe('CompletingRebalance');
    expect(driver.group.generationId).toBe(2);
  });
});

describe('who may join', () => {
  test('a dynamic member of a newer client learns its id first', () => {
    const driver = new GroupDriver();
    const ticket = driver.join({ newMemberId: 'm1', requiresKnownMemberId: true });
    expect(driver.joined(ticket)).toMatchObject({
      errorCode: errorCodes.MEMBER_ID_REQUIRED,
      memberId: 'm1',
      generationId: -1,
    });
    expect(driver.group.state).toBe('Empty');
    const again = driver.join({ memberId: 'm1', requiresKnownMemberId: true });
    driver.advance(3_000);
    expect(driver.joined(again).generationId).toBe(1);
  });

  test('an id that is not taken up holds a rebalance only until its session ends', () => {
    const driver = GroupDriver.stablePair();
    driver.join({ newMemberId: 'm3', requiresKnownMemberId: true });
    driver.join({ memberId: 'm1' });
    const ticket = driver.join({ memberId: 'm2' });
    driver.advance(9_999);
    expect(driver.joins.has(ticket)).toBe(false);
    driver.advance(1);
    expect(driver.joined(ticket).generationId).toBe(2);
    const late = driver.join({ memberId: 'm3' });
    expect(driver.joined(late).errorCode).toBe(errorCodes.UNKNOWN_MEMBER_ID);
  });

  test('members need a protocol in common and the same type', () => {
    const driver = GroupDriver.stablePair();
    const other = driver.join({ protocols: [protocol('other')] });
    const connect = driver.join({ protocolType: 'connect' });
    const nothing = new GroupDriver();
    const none = nothing.join({ protocols: [] });
    for (const result of [driver.joined(other), driver.joined(connect), nothing.joined(none)])
      expect(result.errorCode).toBe(errorCodes.INCONSISTENT_GROUP_PROTOCOL);
  });

  test('a full group takes nobody else', () => {
    const driver = GroupDriver.stablePair({ ...NO_LIMITS, sizeMax: 2 });
    const ticket = driver.join({});
    expect(driver.joined(ticket)).toMatchObject({
      errorCode: errorCodes.GROUP_MAX_SIZE_REACHED,
      memberId: '',
    });
    expect(driver.group.state).toBe('Stable');
  });

  test('a new member whose rebalance never ends is dropped after five minutes', () => {
    const driver = GroupDriver.stablePair();
    const ticket = driver.join({ rebalanceTimeoutMs: 600_000 });
    for (let minute = 0; minute < 5 * 12; minute++) {
      driver.heartbeat('m1');
      driver.heartbeat('m2');
      driver.advance(5_000);
    }
    expect(driver.joined(ticket)).toMatchObject({
      errorCode: errorCodes.UNKNOWN_MEMBER_ID,
      memberId: '',
    });
  });
});

describe('commits of offsets', () => {
  const commit = (driver: GroupDriver, memberId: string, generationId: number): number =>
    driver.run((step) =>
      commitError(
        driver.group,
        { memberId, generationId, groupInstanceId: null },
        { isTransactional: false },
        step,
      ),
    );

  test('are bound to member and generation while the group has members', () => {
    const driver = GroupDriver.stablePair();
    expect(commit(driver, 'm1', 1)).toBe(errorCodes.NONE);
    expect(commit(driver, 'm1', 0)).toBe(errorCodes.ILLEGAL_GENERATION);
    expect(commit(driver, 'nobody', 1)).toBe(errorCodes.UNKNOWN_MEMBER_ID);
    expect(commit(driver, '', -1)).toBe(errorCodes.UNKNOWN_MEMBER_ID);
  });

  test('are allowed while members are gathered, not while an assignment is awaited', () => {
    const driver = GroupDriver.stablePair();
    driver.join({ memberId: 'm1' });
    expect(commit(driver, 'm2', 1)).toBe(errorCodes.NONE);
    driver.join({ memberId: 'm2' });
    expect(commit(driver, 'm2', 2)).toBe(errorCodes.REBALANCE_IN_PROGRESS);
  });

  test('need no member in an empty group', () => {
    expect(commit(new GroupDriver(), '', -1)).toBe(errorCodes.NONE);
    expect(commit(new GroupDriver(), 'm', 3)).toBe(errorCodes.UNKNOWN_MEMBER_ID);
  });
});

describe('a group that moves', () => {
  test('sends those who wait to its new coordinator', () => {
    const driver = GroupDriver.stablePair();
    const ticket = driver.join({ memberId: 'm1' });
    driver.run((step) => unload(driver.group, step));
    expect(driver.joined(ticket).errorCode).toBe(errorCodes.NOT_COORDINATOR);
    expect(driver.heartbeat('m1')).toBe(errorCodes.COORDINATOR_NOT_AVAILABLE);
  });

  test('is the same after it was restored from its record', () => {
    const driver = GroupDriver.stablePair();
    const snapshot = driver.group.snapshot();
    const restored = restoreGroup('group', NO_LIMITS, snapshot);
    expect(restored).toMatchObject({ state: 'Stable', generationId: 1, leaderId: 'm1' });
    expect(restored.snapshot()).toEqual(snapshot);
    const next = new GroupDriver(NO_LIMITS, restored);
    expect(next.heartbeat('m2')).toBe(errorCodes.NONE);
    expect(next.syncs.get(next.sync('m2'))?.assignment.toString()).toBe('two');
  });
});
