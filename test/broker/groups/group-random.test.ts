import { unload } from '../../../broker/groups/membership.ts';
import { errorCodes } from '../../../protocol/errors.ts';
import { GroupDriver, protocol } from './group-driver.ts';

/** A small generator of pseudo-random numbers (mulberry32), so that a seed is a run. */
const randomOf = (seed: number): ((limit: number) => number) => {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
};

const checkInvariants = ({ group }: GroupDriver): void => {
  const members = [...group.members.values()];
  expect(group.joiningCount).toBe(members.filter((member) => member.joinTicket !== null).length);
  expect(group.leaderId === null).toBe(members.length === 0);
  if (group.leaderId !== null) expect(group.members.has(group.leaderId)).toBe(true);
  for (const memberId of group.pendingSyncs) expect(group.members.has(memberId)).toBe(true);
  for (const member of members) {
    const { groupInstanceId } = member;
    if (groupInstanceId !== null) expect(group.memberIdOf(groupInstanceId)).toBe(member.memberId);
    // Whoever waits for its assignment waits for one that is on its way.
    if (member.syncTicket !== null) expect(group.state).toBe('CompletingRebalance');
  }
  if (group.state === 'PreparingRebalance') expect(group.joinPhase).not.toBeNull();
  if (group.state === 'Stable') expect(members.length).toBeGreaterThan(0);
  if (group.state === 'Empty') expect(members).toHaveLength(0);
};

test.each([1, 2, 3, 4, 5, 6, 7, 8])('whatever happens (seed %i), the group makes sense', (seed) => {
  const random = randomOf(seed);
  const driver = new GroupDriver({ sizeMax: 5, initialRebalanceDelayMs: random(2) * 3_000 });
  const tickets: number[] = [];
  const anyMember = (): string =>
    [...driver.group.members.keys(), ...driver.group.pendingMembers.keys(), 'nobody'][
      random(driver.group.members.size + driver.group.pendingMembers.size + 1)
    ] ?? 'nobody';
  const instanceOf = (memberId: string): string | null =>
    driver.group.members.get(memberId)?.groupInstanceId ?? null;
  const actions: readonly (() => void)[] = [
    () => {
      const groupInstanceId = random(3) === 0 ? `instance-${random(3)}` : null;
      const requiresKnownMemberId = groupInstanceId === null && random(2) === 0;
      tickets.push(driver.join({ groupInstanceId, requiresKnownMemberId }));
    },
    () => {
      const memberId = anyMember();
      const protocols = [protocol('range', `metadata ${random(3)}`)];
      const groupInstanceId = instanceOf(memberId);
      tickets.push(driver.join({ memberId, groupInstanceId, protocols }));
    },
    () => tickets.push(driver.sync(anyMember(), { assignments: { [anyMember()]: 'work' } })),
    () => void driver.heartbeat(anyMember()),
    () => void driver.leave(anyMember()),
    () => driver.advance(random(8_000)),
    () => {
      const errorCode = random(4) === 0 ? errorCodes.NOT_COORDINATOR : errorCodes.NONE;
      if (driver.stores.length > 0) driver.stored(errorCode);
    },
  ];
  let generationId = 0;
  for (let index = 0; index < 600; index++) {
    actions[random(actions.length)]?.();
    checkInvariants(driver);
    expect(driver.group.generationId).toBeGreaterThanOrEqual(generationId);
    generationId = driver.group.generationId;
  }
  expect(generationId).toBeGreaterThan(3);
  driver.run((step) => unload(driver.group, step));
  for (const ticket of tickets)
    expect(driver.joins.has(ticket) || driver.syncs.has(ticket)).toBe(true);
});
