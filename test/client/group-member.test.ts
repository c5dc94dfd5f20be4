import { assignors } from '../../client/assignors.ts';
import { Cluster } from '../../client/cluster.ts';
import { type Consumer, type ConsumerOptions, createConsumer } from '../../client/consumer.ts';
import { Wakeup } from '../../client/errors.ts';
import { GroupCoordinator } from '../../client/group-coordinator.ts';
import { GroupMember } from '../../client/group-member.ts';
import { encodeAssignment } from '../../client/group-protocol.ts';
import { realSystem } from '../../system/system.ts';
import type { Handlers } from '../network/fake-broker.ts';
import { type FakeCluster, startFakeCluster } from './fake-cluster.ts';
import { createFakeGroup, type FakeGroup } from './fake-group.ts';

const system = realSystem();
let fake: FakeCluster;
let group: FakeGroup;
let cluster: Cluster;
let member: GroupMember;
const consumers: Consumer[] = [];

beforeEach(async () => {
  fake = await startFakeCluster(system);
  fake.addTopic('t', 2);
  group = createFakeGroup(() => fake.brokers[0]?.port ?? 0);
  handle(group.handlers);
  const { bootstrapServers } = fake;
  cluster = new Cluster(system, { bootstrapServers, clientId: 'c', retryBackoffMs: 5 });
  const coordinator = new GroupCoordinator(system, cluster, 'g');
  member = new GroupMember(
    system,
    { cluster, coordinator },
    {
      groupInstanceId: null,
      sessionTimeoutMs: 45_000,
      heartbeatIntervalMs: 3_000,
      maxPollIntervalMs: 300_000,
      assignors: [...assignors.values()],
      clientRack: '',
      requestTimeoutMs: 30_000,
    },
  );
  member.polled();
});

afterEach(async () => {
  member.close();
  cluster.close();
  for (const consumer of consumers.splice(0)) await consumer.close(1000);
  await fake.close();
});

const handle = (handlers: Handlers): void => {
  for (const broker of fake.brokers) Object.assign(broker.handlers, handlers);
};

const consumer = (options: Partial<ConsumerOptions>): Consumer => {
  const created = createConsumer(system, {
    bootstrapServers: fake.bootstrapServers,
    groupId: 'g',
    autoOffsetReset: 'earliest',
    autoCommitIntervalMs: 60_000,
    retryBackoffMs: 5,
    heartbeatIntervalMs: 10,
    ...options,
  });
  consumers.push(created);
  return created;
};

const pollUntil = async (item: Consumer, condition: () => boolean): Promise<void> => {
  while (!condition()) await item.poll(20);
};

const join = () => member.join(async () => ({ topics: ['t'], ownedPartitions: [] }));

describe('leaving', () => {
  test('ends a join that waits for other members', async () => {
    group.members.set('slow', { protocols: [], joining: null, syncing: null });
    const { joinGroup } = group.handlers;
    const waiting = new Promise<void>((resolve) => {
      handle({
        joinGroup: (request, context) => {
          if (request.memberId !== '') resolve();
          return joinGroup?.(request, context) ?? null;
        },
      });
    });
    const joining = join();
    await waiting;
    await member.leave('bye', 1000);
    expect(await joining).toBeNull();
    expect([...group.members.keys()]).toEqual(['slow']);
  });

  test('ends a join that waits for its assignment', async () => {
    let answerSync = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      const syncGroup = () =>
        new Promise<{ errorCode: number; assignment: Buffer }>((done) => {
          answerSync = () => done({ errorCode: 0, assignment: encodeAssignment([]) });
          resolve();
        });
      handle({ syncGroup });
    });
    const joining = join();
    await waiting;
    const leaving = member.leave('bye', 1000);
    answerSync();
    await leaving;
    expect(await joining).toBeNull();
    expect(member.membership).toBeNull();
  });
});

test('a poll that waits for a rebalance can be woken up', async () => {
  const joined = new Promise<void>((resolve) => {
    const joinGroup = () => {
      resolve();
      return new Promise<never>(() => {});
    };
    handle({ joinGroup });
  });
  const c = consumer({});
  c.subscribe(['t']);
  const polling = c.poll(60_000);
  await joined;
  c.wakeup();
  await expect(polling).rejects.toThrow(Wakeup);
});

test('a fenced static member gives up instead of fencing its successor', async () => {
  const c = consumer({ groupInstanceId: 'i' });
  c.subscribe(['t']);
  await pollUntil(c, () => c.assignment().length === 2);
  handle({ heartbeat: () => ({ errorCode: 82 }) });
  await expect(pollUntil(c, () => false)).rejects.toMatchObject({ code: 82 });
  expect(group.generationId).toBe(1);
});

test('a cooperative member thrown out while it rejoins keeps and commits nothing', async () => {
  fake.append('t', 0, ['a']);
  fake.append('t', 1, ['b']);
  const lost: number[] = [];
  const c = consumer({ partitionAssignors: ['cooperative-sticky'] });
  c.subscribe(['t'], {
    lost: (partitions) => void lost.push(...partitions.map(({ partition }) => partition)),
  });
  let count = 0;
  while (count < 2) count += (await c.poll(20)).length;
  const { heartbeat } = group.handlers;
  handle({
    // It hears of the rebalance first. Partition 0 is somebody else's by then.
    heartbeat: (request, context) =>
      group.members.size === 0 ? { errorCode: 27 } : (heartbeat?.(request, context) ?? null),
    syncGroup: () => ({
      errorCode: 0,
      assignment: encodeAssignment([{ topic: 't', partition: 1 }]),
    }),
  });
  group.evictAll();
  await pollUntil(c, () => c.assignment().length === 1);
  expect(lost.sort()).toEqual([0, 1]);
  expect([...group.offsets]).toEqual([]);
});
