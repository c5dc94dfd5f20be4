import {
  type CommitInput,
  createGroupCoordinator,
  type GroupCoordinator,
  type JoinInput,
} from '../../../broker/groups/coordinator.ts';
import { parseKey } from '../../../broker/groups/records.ts';
import type { JoinResult } from '../../../broker/groups/results.ts';
import { encodeToBuffer } from '../../../protocol/compile.ts';
import { errorCodes } from '../../../protocol/errors.ts';
import { consumerProtocolSubscription } from '../../../protocol/messages/consumer-protocol.ts';
import { ManualClock, manualSystem, settle } from '../../support/manual-clock.ts';
import { protocol } from './group-driver.ts';
import { MemoryLog } from './memory-log.ts';

const PARTITIONS = 4;
const DAY_MS = 24 * 3_600_000;

interface Broker {
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  readonly groups: GroupCoordinator;
}

const running: GroupCoordinator[] = [];

/** A coordinator that owns every partition of `log`. */
const startBroker = async (
  options: { log?: MemoryLog; clock?: ManualClock; leaderEpoch?: number } = {},
): Promise<Broker> => {
  const { clock = new ManualClock(), log = new MemoryLog(), leaderEpoch = 0 } = options;
  const groups = createGroupCoordinator(manualSystem(clock), log, { partitionCount: PARTITIONS });
  running.push(groups);
  groups.start();
  for (let partition = 0; partition < PARTITIONS; partition++)
    groups.onElection(partition, leaderEpoch);
  await settle();
  return { clock, log, groups };
};

afterEach(() => {
  for (const groups of running.splice(0)) groups.stop();
});

const subscription = (...topics: string[]): Buffer =>
  Buffer.concat([
    Buffer.from([0, 1]),
    encodeToBuffer(consumerProtocolSubscription, 1, { topics, ownedPartitions: [] }),
  ]);

const joinInput = (input: Partial<JoinInput> = {}): JoinInput => ({
  groupId: 'group',
  memberId: '',
  groupInstanceId: null,
  clientId: 'client',
  clientHost: '/127.0.0.1',
  rebalanceTimeoutMs: 60_000,
  sessionTimeoutMs: 10_000,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: subscription('read') }],
  requiresKnownMemberId: false,
  canSkipAssignment: true,
  ...input,
});

/** One member in a stable first generation. */
const stableMember = async ({ groups, clock }: Broker): Promise<JoinResult> => {
  const joining = groups.join(joinInput());
  await clock.advance(3_001);
  const member = await joining;
  const { memberId, generationId } = member;
  const sync = await groups.sync({
    groupId: 'group',
    memberId,
    groupInstanceId: null,
    generationId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: new Map([[memberId, Buffer.from('all')]]),
  });
  expect(sync).toMatchObject({ errorCode: 0, assignment: Buffer.from('all') });
  return member;
};

const commitInput = (input: Partial<CommitInput>, offset = 5, metadata = ''): CommitInput => ({
  groupId: 'group',
  memberId: '',
  groupInstanceId: null,
  generationId: -1,
  offsets: ['read', 'other'].map((topic) => ({
    topic,
    partition: 0,
    commit: {
      offset,
      leaderEpoch: 1,
      metadata,
      commitTimestampMs: 1_700_000_000_000,
      expireTimestampMs: -1,
    },
  })),
  ...input,
});

const offsetsOf = (groups: GroupCoordinator, groupId = 'group'): Record<string, number> =>
  Object.fromEntries(
    groups
      .fetchOffsets(groupId, null, { requireStable: false })
      .topics.map(({ name, partitions }) => [name, partitions[0]?.committedOffset ?? -1]),
  );

describe('ownership', () => {
  test('requests are refused before the start, while loading, and elsewhere', async () => {
    const clock = new ManualClock();
    const log = new MemoryLog();
    const groups = createGroupCoordinator(manualSystem(clock), log, { partitionCount: PARTITIONS });
    const identity = { memberId: 'm', generationId: 1, groupInstanceId: null };
    expect(groups.heartbeat('', identity)).toBe(errorCodes.INVALID_GROUP_ID);
    expect(groups.heartbeat('group', identity)).toBe(errorCodes.COORDINATOR_NOT_AVAILABLE);
    groups.start();
    running.push(groups);
    expect(groups.heartbeat('group', identity)).toBe(errorCodes.NOT_COORDINATOR);
    groups.onElection(groups.partitionFor('group'), 3);
    expect(groups.heartbeat('group', identity)).toBe(errorCodes.NONE);
    expect(groups.describe('group').errorCode).toBe(errorCodes.COORDINATOR_LOAD_IN_PROGRESS);
    expect(groups.list().errorCode).toBe(errorCodes.COORDINATOR_LOAD_IN_PROGRESS);
    await settle();
    expect(groups.heartbeat('group', identity)).toBe(errorCodes.UNKNOWN_MEMBER_ID);
    expect(groups.describe('group')).toMatchObject({ errorCode: 0, groupState: 'Dead' });
    groups.onResignation(groups.partitionFor('group'), 2);
    expect(groups.heartbeat('group', identity)).toBe(errorCodes.UNKNOWN_MEMBER_ID);
    groups.onResignation(groups.partitionFor('group'), 4);
    expect(groups.heartbeat('group', identity)).toBe(errorCodes.NOT_COORDINATOR);
    groups.onElection(groups.partitionFor('group'), 3);
    await settle();
    expect(groups.heartbeat('group', identity)).toBe(errorCodes.NOT_COORDINATOR);
  });

  test('a load that fails is tried again instead of serving an empty partition', async () => {
    const first = await startBroker();
    await first.groups.commitOffsets(commitInput({}));
    first.log.failedReads = PARTITIONS + 1;
    const { groups, clock } = await startBroker({ log: first.log, leaderEpoch: 1 });
    expect(groups.fetchOffsets('group', null, { requireStable: false }).errorCode).toBe(
      errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
    );
    await clock.advance(1_000);
    expect(offsetsOf(groups)).toEqual({ read: 5, other: 5 });
  });

  test('who waits is sent away when the partition moves', async () => {
    const { groups } = await startBroker();
    const joining = groups.join(joinInput());
    groups.onResignation(groups.partitionFor('group'), null);
    expect((await joining).errorCode).toBe(errorCodes.NOT_COORDINATOR);
  });
});

describe('members', () => {
  test('join, get their assignment, and are gone when their session ends', async () => {
    const broker = await startBroker();
    const { groups, clock, log } = broker;
    const { memberId } = await stableMember(broker);
    expect(memberId).toMatch(/^client-[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(groups.describe('group')).toMatchObject({
      groupState: 'Stable',
      protocolData: 'range',
      members: [{ memberId, clientHost: '/127.0.0.1', memberAssignment: Buffer.from('all') }],
    });
    const identity = { memberId, generationId: 1, groupInstanceId: null };
    for (let beat = 0; beat < 5; beat++) {
      await clock.advance(9_000);
      expect(groups.heartbeat('group', identity)).toBe(errorCodes.NONE);
    }
    await clock.advance(10_010);
    expect(groups.describe('group')).toMatchObject({ groupState: 'Empty', members: [] });
    expect(log.batches(groups.partitionFor('group'))).toHaveLength(2);
  });

  test('session timeouts have bounds', async () => {
    const { groups } = await startBroker();
    for (const sessionTimeoutMs of [5_999, 1_800_001]) {
      const result = await groups.join(joinInput({ sessionTimeoutMs }));
      expect(result.errorCode).toBe(errorCodes.INVALID_SESSION_TIMEOUT);
    }
    const unknown = await groups.join(joinInput({ memberId: 'nobody' }));
    expect(unknown).toMatchObject({ errorCode: errorCodes.UNKNOWN_MEMBER_ID, memberId: 'nobody' });
  });

  test('an assignment that cannot be written makes them start over', async () => {
    const { groups, clock, log } = await startBroker();
    const joining = groups.join(joinInput());
    await clock.advance(3_001);
    const { memberId } = await joining;
    log.errorCode = errorCodes.REQUEST_TIMED_OUT;
    const sync = await groups.sync({
      groupId: 'group',
      memberId,
      groupInstanceId: null,
      generationId: 1,
      protocolType: null,
      protocolName: null,
      assignments: new Map(),
    });
    expect(sync.errorCode).toBe(errorCodes.REBALANCE_IN_PROGRESS);
    expect(groups.describe('group').groupState).toBe('PreparingRebalance');
  });

  test('survive a change of the coordinator, with their offsets', async () => {
    const first = await startBroker();
    const { memberId } = await stableMember(first);
    await first.groups.commitOffsets(commitInput({ memberId, generationId: 1 }));
    const described = first.groups.describe('group');
    const listed = first.groups.list();

    const second = await startBroker({ ...first, leaderEpoch: 1 });
    expect(second.groups.describe('group')).toEqual(described);
    expect(second.groups.list()).toEqual(listed);
    expect(offsetsOf(second.groups)).toEqual({ read: 5, other: 5 });
    const identity = { memberId, generationId: 1, groupInstanceId: null };
    expect(second.groups.heartbeat('group', identity)).toBe(errorCodes.NONE);
    await second.clock.advance(10_010);
    expect(second.groups.describe('group').groupState).toBe('Empty');
  });
});

describe('offsets', () => {
  test('are answered and visible when they are replicated, not before', async () => {
    const { groups, log } = await startBroker();
    log.hold();
    const committing = groups.commitOffsets(commitInput({}));
    await settle();
    expect(offsetsOf(groups)).toEqual({});
    const partitionIndexes = [0, 1];
    const topics = [{ name: 'read', partitionIndexes }];
    expect(groups.fetchOffsets('group', topics, { requireStable: true }).topics).toMatchObject([
      {
        name: 'read',
        partitions: [
          { committedOffset: -1, errorCode: errorCodes.UNSTABLE_OFFSET_COMMIT },
          { committedOffset: -1, metadata: '', errorCode: errorCodes.NONE },
        ],
      },
    ]);
    log.release();
    expect(await committing).toEqual([0, 0]);
    expect(offsetsOf(groups)).toEqual({ read: 5, other: 5 });
  });

  test('of a group with members are bound to them', async () => {
    const broker = await startBroker();
    const { memberId } = await stableMember(broker);
    const { groups } = broker;
    expect(await groups.commitOffsets(commitInput({}))).toEqual([25, 25]);
    expect(await groups.commitOffsets(commitInput({ memberId, generationId: 2 }))).toEqual([
      22, 22,
    ]);
    expect(await groups.commitOffsets(commitInput({ memberId, generationId: 1 }))).toEqual([0, 0]);
    const stranger = commitInput({ groupId: 'nowhere', memberId, generationId: 1 });
    expect(await groups.commitOffsets(stranger)).toEqual([22, 22]);
  });

  test('with long metadata are refused one by one; failed appends refuse all', async () => {
    const { groups, log } = await startBroker();
    const input = commitInput({}, 5, 'ä'.repeat(4_096));
    const [fits, tooLong] = [commitInput({}).offsets[0], input.offsets[1]];
    if (fits === undefined || tooLong === undefined) throw new Error('no offsets');
    expect(await groups.commitOffsets(input)).toEqual([0, 0]);
    const long = { ...tooLong, commit: { ...tooLong.commit, metadata: 'x'.repeat(4_097) } };
    expect(await groups.commitOffsets(commitInput({ offsets: [fits, long] }))).toEqual([0, 12]);
    log.errorCode = errorCodes.NOT_ENOUGH_REPLICAS;
    expect(await groups.commitOffsets(commitInput({}, 9))).toEqual([15, 15]);
    log.errorCode = errorCodes.MESSAGE_TOO_LARGE;
    expect(await groups.commitOffsets(commitInput({}, 9))).toEqual([28, 28]);
    expect(offsetsOf(groups)).toEqual({ read: 5, other: 5 });
  });

  test('expire, and the group goes with the last one', async () => {
    const broker = await startBroker();
    const { memberId } = await stableMember(broker);
    const { groups, clock, log } = broker;
    await groups.commitOffsets(commitInput({ memberId, generationId: 1 }));
    groups.leave('group', [{ memberId, groupInstanceId: null }]);
    await clock.advance(7 * DAY_MS - 700_000);
    expect(offsetsOf(groups)).toEqual({ read: 5, other: 5 });
    await clock.advance(1_400_000);
    expect(groups.describe('group').groupState).toBe('Dead');
    const last = log.batches(groups.partitionFor('group')).at(-1);
    const buried = Array.from(last?.records() ?? [], ({ key, value }) => [
      key === null ? null : parseKey(key).type,
      value,
    ]);
    expect(buried).toEqual([
      ['offset', null],
      ['offset', null],
      ['group', null],
    ]);
  });

  test('of deleted topics go at once', async () => {
    const { groups } = await startBroker();
    await groups.commitOffsets(commitInput({}));
    groups.onPartitionsDeleted([{ topic: 'other', partition: 0 }]);
    expect(offsetsOf(groups)).toEqual({ read: 5 });
  });

  test('are deleted on request unless somebody reads their topic', async () => {
    const broker = await startBroker();
    const { memberId } = await stableMember(broker);
    const { groups } = broker;
    await groups.commitOffsets(commitInput({ memberId, generationId: 1 }));
    const all = ['read', 'other'].map((topic) => ({ topic, partition: 0 }));
    expect(await groups.deleteOffsets('group', all)).toEqual({ errorCode: 0, partitions: [86, 0] });
    expect(offsetsOf(groups)).toEqual({ read: 5 });
    expect((await groups.deleteOffsets('nowhere', all)).errorCode).toBe(69);
  });

  test('are deleted on request down to the last one, which takes the group along', async () => {
    const { groups } = await startBroker();
    await groups.commitOffsets(commitInput({}));
    const all = ['read', 'other'].map((topic) => ({ topic, partition: 0 }));
    expect(await groups.deleteOffsets('group', all)).toEqual({ errorCode: 0, partitions: [0, 0] });
    expect(groups.describe('group').groupState).toBe('Dead');
  });
});

describe('deleting groups', () => {
  test('takes a group without members and its offsets, for good', async () => {
    const broker = await startBroker();
    const { memberId } = await stableMember(broker);
    const { groups } = broker;
    await groups.commitOffsets(commitInput({ memberId, generationId: 1 }));
    expect(await groups.deleteGroup('group')).toBe(errorCodes.NON_EMPTY_GROUP);
    groups.leave('group', [{ memberId, groupInstanceId: null }]);
    expect(await groups.deleteGroup('group')).toBe(errorCodes.NONE);
    expect(await groups.deleteGroup('group')).toBe(errorCodes.GROUP_ID_NOT_FOUND);
    const second = await startBroker({ log: broker.log, leaderEpoch: 1 });
    expect(second.groups.list()).toEqual({ errorCode: 0, groups: [] });
  });

  test('takes a commit along that is still under way', async () => {
    const { groups, log } = await startBroker();
    await groups.commitOffsets(commitInput({}));
    log.hold();
    const committing = groups.commitOffsets(commitInput({}, 9));
    const deleting = groups.deleteGroup('group');
    await settle();
    log.release();
    await Promise.all([committing, deleting]);
    const second = await startBroker({ log, leaderEpoch: 1 });
    expect(offsetsOf(second.groups)).toEqual({});
  });
});

test('stopping answers everybody and leaves no timer behind', async () => {
  const broker = await startBroker();
  await stableMember(broker);
  const joining = broker.groups.join(joinInput({ protocols: [protocol('range')] }));
  broker.groups.stop();
  expect((await joining).errorCode).toBe(errorCodes.NOT_COORDINATOR);
  expect(broker.clock.timerCount).toBe(0);
});
