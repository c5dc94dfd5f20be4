import { errorCodes } from '../../../protocol/errors.ts';
import { GroupDriver, protocol } from './group-driver.ts';

describe('static members', () => {
  const stableStatic = (): GroupDriver => {
    const driver = new GroupDriver();
    driver.join({ newMemberId: 's1', groupInstanceId: 'one' });
    driver.join({ newMemberId: 's2', groupInstanceId: 'two' });
    driver.advance(6_000);
    driver.sync('s2', { groupInstanceId: 'two' });
    driver.sync('s1', { groupInstanceId: 'one', assignments: { s1: 'first', s2: 'second' } });
    driver.stored();
    return driver;
  };

  test('come back under a new id with their assignment, without a rebalance', () => {
    const driver = stableStatic();
    const ticket = driver.join({ newMemberId: 's3', groupInstanceId: 'two' });
    expect(driver.stores[0]?.snapshot.members[1]).toMatchObject({ memberId: 's3' });
    driver.stored();
    expect(driver.joined(ticket)).toMatchObject({
      generationId: 1,
      leaderId: 's1',
      memberId: 's3',
      members: [],
      skipAssignment: false,
    });
    const sync = driver.sync('s3', { groupInstanceId: 'two' });
    expect(driver.syncs.get(sync)?.assignment.toString()).toBe('second');
    const fenced = driver.sync('s2', { groupInstanceId: 'two' });
    expect(driver.syncs.get(fenced)?.errorCode).toBe(errorCodes.FENCED_INSTANCE_ID);
  });

  test('a leader that comes back is told to leave the assignment alone', () => {
    const driver = stableStatic();
    const ticket = driver.join({ newMemberId: 's3', groupInstanceId: 'one' });
    driver.stored();
    expect(driver.joined(ticket)).toMatchObject({ leaderId: 's3', skipAssignment: true });
    expect(driver.joined(ticket).members).toHaveLength(2);
    const old = driver.join({
      newMemberId: 's4',
      groupInstanceId: 'one',
      canSkipAssignment: false,
    });
    driver.stored();
    expect(driver.joined(old)).toMatchObject({ leaderId: 's3', memberId: 's4', members: [] });
  });

  test('keep their old id when the new one cannot be stored', () => {
    const driver = stableStatic();
    const ticket = driver.join({ newMemberId: 's3', groupInstanceId: 'two' });
    driver.stored(errorCodes.NOT_COORDINATOR);
    expect(driver.joined(ticket)).toMatchObject({
      errorCode: errorCodes.NOT_COORDINATOR,
      memberId: '',
    });
    const sync = driver.sync('s2', { groupInstanceId: 'two' });
    expect(driver.syncs.get(sync)?.errorCode).toBe(errorCodes.NONE);
  });

  test('in the middle of a rebalance fence the old request and start over', () => {
    const driver = new GroupDriver();
    driver.join({ newMemberId: 's1', groupInstanceId: 'one' });
    driver.join({ newMemberId: 's2', groupInstanceId: 'two' });
    driver.advance(6_000);
    const sync = driver.sync('s2', { groupInstanceId: 'two' });
    driver.join({ newMemberId: 's3', groupInstanceId: 'two' });
    expect(driver.syncs.get(sync)?.errorCode).toBe(errorCodes.FENCED_INSTANCE_ID);
    expect(driver.group.state).toBe('PreparingRebalance');
  });

  test('absent ones stay in the next generation, and hold their session until it ends', () => {
    const driver = stableStatic();
    const ticket = driver.join({ newMemberId: 'm3', sessionTimeoutMs: 300_000 });
    driver.join({ memberId: 's1', groupInstanceId: 'one', sessionTimeoutMs: 300_000 });
    for (let beat = 0; beat < 12; beat++) {
      driver.heartbeat('s2');
      driver.advance(5_000);
    }
    expect(driver.joined(ticket).generationId).toBe(2);
    expect(driver.group.members.has('s2')).toBe(true);
    driver.advance(10_000);
    expect(driver.group.members.has('s2')).toBe(false);
  });

  test('an administrator removes them by instance id', () => {
    const driver = stableStatic();
    expect(driver.leave('', 'none')).toBe(errorCodes.UNKNOWN_MEMBER_ID);
    expect(driver.leave('s1', 'two')).toBe(errorCodes.FENCED_INSTANCE_ID);
    expect(driver.leave('', 'two')).toBe(errorCodes.NONE);
    expect([...driver.group.members.keys()]).toEqual(['s1']);
  });

  test('leave no protocol behind that they no longer offer when they cannot be stored', () => {
    const driver = new GroupDriver();
    const both = [protocol('range'), protocol('roundrobin')];
    driver.join({ newMemberId: 's1', groupInstanceId: 'one', sessionTimeoutMs: 600_000 });
    driver.join({ newMemberId: 'm2', protocols: both });
    driver.advance(6_000);
    driver.sync('s1', { groupInstanceId: 'one' });
    driver.sync('m2');
    driver.stored();
    driver.join({ newMemberId: 's3', groupInstanceId: 'one', protocols: both });
    // It may join because everybody offers its protocol now.
    driver.join({ newMemberId: 'm4', protocols: [protocol('roundrobin')] });
    driver.stored(errorCodes.COORDINATOR_NOT_AVAILABLE);
    expect(driver.group.members.get('s1')?.sessionTimeoutMs).toBe(600_000);
    const ticket = driver.join({ memberId: 'm2', protocols: both });
    driver.advance(60_000);
    expect(driver.joined(ticket)).toMatchObject({ errorCode: 0, protocolName: 'roundrobin' });
  });

  test('that come back too late to ask for their assignment are told so', () => {
    const driver = new GroupDriver();
    const session = { sessionTimeoutMs: 600_000 };
    driver.join({ newMemberId: 's1', groupInstanceId: 'one', ...session });
    driver.join({ newMemberId: 'm2', ...session });
    driver.advance(6_000);
    driver.sync('m2');
    driver.sync('s1', { groupInstanceId: 'one' });
    driver.stored();
    // The next generation begins without the static member.
    driver.join({ memberId: 'm2', ...session, protocols: [protocol('range', 'other')] });
    driver.advance(60_000);
    driver.sync('m2');
    driver.stored();
    expect([...driver.group.pendingSyncs]).toEqual(['s1']);
    driver.advance(59_999);
    const late = driver.join({ newMemberId: 's3', groupInstanceId: 'one', ...session });
    driver.advance(1);
    driver.stored();
    expect(driver.joined(late).errorCode).toBe(errorCodes.UNKNOWN_MEMBER_ID);
  });
});
