import { type CommitInput, createGroupCoordinator } from '../../../broker/groups/coordinator.ts';
import { deleteGroupsHandler } from '../../../broker/handlers/delete-groups.ts';
import { describeGroupsHandler } from '../../../broker/handlers/describe-groups.ts';
import { findCoordinatorHandler } from '../../../broker/handlers/find-coordinator.ts';
import type { Handler, RequestContext } from '../../../broker/handlers/handler.ts';
import { heartbeatHandler } from '../../../broker/handlers/heartbeat.ts';
import { joinGroupHandler } from '../../../broker/handlers/join-group.ts';
import { leaveGroupHandler } from '../../../broker/handlers/leave-group.ts';
import { listGroupsHandler } from '../../../broker/handlers/list-groups.ts';
import { offsetCommitHandler } from '../../../broker/handlers/offset-commit.ts';
import { offsetDeleteHandler } from '../../../broker/handlers/offset-delete.ts';
import { offsetFetchHandler } from '../../../broker/handlers/offset-fetch.ts';
import { syncGroupHandler } from '../../../broker/handlers/sync-group.ts';
import type { Services } from '../../../broker/services.ts';
import type { apis, RequestInput, ResponseOutput } from '../../../protocol/apis.ts';
import { decode, encodeToBuffer } from '../../../protocol/compile.ts';
import { errorCodes } from '../../../protocol/errors.ts';
import { zooKeeperCodes, zooKeeperErrorOf } from '../../../zookeeper/errors.ts';
import { ManualClock, manualSystem } from '../../support/manual-clock.ts';
import { MemoryLog } from './memory-log.ts';

const NO_NODE = zooKeeperCodes.NO_NODE;

/** Nodes of ZooKeeper that only know their data. */
class Nodes {
  readonly data = new Map<string, Buffer>();

  async setData(path: string, data: Buffer): Promise<void> {
    if (!this.data.has(path)) throw zooKeeperErrorOf(NO_NODE, path);
    this.data.set(path, data);
  }

  async createRecursive(path: string, data: Buffer): Promise<string> {
    this.data.set(path, data);
    return path;
  }

  async getData(path: string): Promise<{ data: Buffer }> {
    const data = this.data.get(path);
    if (data === undefined) throw zooKeeperErrorOf(NO_NODE, path);
    return { data };
  }
}

interface World {
  readonly services: Services;
  readonly nodes: Nodes;
  readonly created: string[];
  leader: number;
  hasTopics: boolean;
}

/** A broker that coordinates nothing; broker 2 leads every partition. */
const newWorld = (): World => {
  const system = manualSystem(new ManualClock());
  const groups = createGroupCoordinator(system, new MemoryLog(), { partitionCount: 4 });
  const world: World = {
    services: undefined as never,
    nodes: new Nodes(),
    created: [],
    leader: 2,
    hasTopics: true,
  };
  const metadata = {
    partition: (topic: string) => (topic === 'unknown' ? undefined : {}),
    partitionCount: () => (world.hasTopics ? 4 : undefined),
    leaderOf: () => world.leader,
    aliveBroker: (id: number, listener: string) =>
      id === 2 && listener === 'CLIENT' ? { id, host: 'two', port: 9092, rack: null } : undefined,
  };
  const topics = {
    ensureInternalTopic: async (name: string) => {
      world.created.push(name);
      return errorCodes.NONE;
    },
  };
  const services = { system, groups, metadata, topics, zookeeper: world.nodes };
  return Object.assign(world, { services: services as unknown as Services });
};

/** Through the codecs of one version, as on the wire. */
const call = async <A extends (typeof apis)[keyof typeof apis]>(
  { services }: World,
  handler: Handler,
  version: number,
  input: RequestInput<A>,
): Promise<ResponseOutput<A>> => {
  const { request, response } = handler.api;
  const context: RequestContext = {
    apiVersion: version,
    correlationId: 1,
    clientId: 'client',
    clientHost: '127.0.0.1',
    connectionId: '1',
    listenerName: 'CLIENT',
    principal: 'User:ANONYMOUS',
  };
  const asked = decode(request, version, encodeToBuffer(request, version, input as never));
  const answer = await handler.handle(services, asked as never, context);
  return decode(
    response,
    version,
    encodeToBuffer(response, version, answer as never),
  ) as unknown as ResponseOutput<A>;
};

const versionsOf = ({ api }: Handler): number[] => {
  const { min, max } = api.request.versions;
  return Array.from({ length: max - min + 1 }, (_, index) => min + index);
};

describe('FindCoordinator', () => {
  const find = (world: World, version: number, input: RequestInput<typeof apis.findCoordinator>) =>
    call<typeof apis.findCoordinator>(world, findCoordinatorHandler, version, input);

  test('names the leader of the partition, one key or several', async () => {
    for (const version of [0, 1, 2, 3]) {
      const answer = await find(newWorld(), version, { key: 'g' });
      expect(answer).toMatchObject({ errorCode: 0, nodeId: 2, host: 'two', port: 9092 });
      if (version > 0) expect(answer.errorMessage).toBe('NONE');
    }
    for (const version of [4, 5, 6]) {
      const answer = await find(newWorld(), version, { keyType: 1, coordinatorKeys: ['a', 'b'] });
      expect(answer.coordinators).toMatchObject([
        { key: 'a', nodeId: 2, errorCode: 0, errorMessage: '' },
        { key: 'b', nodeId: 2, errorCode: 0, errorMessage: '' },
      ]);
    }
  });

  test('creates the topic that is missing, and asks for patience', async () => {
    const world = newWorld();
    world.hasTopics = false;
    const group = await find(world, 4, { keyType: 0, coordinatorKeys: ['g'] });
    const missing = { nodeId: -1, host: '', port: -1, errorCode: 15, errorMessage: '' };
    expect(group.coordinators).toMatchObject([{ key: 'g', ...missing }]);
    await find(world, 4, { keyType: 1, coordinatorKeys: ['t'] });
    expect(world.created).toEqual(['__consumer_offsets', '__transaction_state']);
    world.hasTopics = true;
    world.leader = -1;
    const leaderless = await find(world, 3, { key: 'g' });
    expect(leaderless).toMatchObject({ errorCode: 15, nodeId: -1 });
    expect(leaderless.errorMessage).not.toBe('NONE');
  });

  test('knows no coordinator for share groups, and refuses other types', async () => {
    const codeOf = async (version: number, keyType: number): Promise<number | undefined> => {
      const answer = await find(newWorld(), version, { keyType, coordinatorKeys: ['k'] });
      return answer.coordinators[0]?.errorCode;
    };
    expect(await codeOf(5, 2)).toBe(errorCodes.INVALID_REQUEST);
    expect(await codeOf(6, 2)).toBe(errorCodes.COORDINATOR_NOT_AVAILABLE);
    expect(await codeOf(6, 7)).toBe(errorCodes.INVALID_REQUEST);
  });
});

describe('offsets of version 0', () => {
  const topics = (metadata: string) => [
    {
      name: 't',
      partitions: [{ partitionIndex: 3, committedOffset: 42, committedMetadata: metadata }],
    },
    {
      name: 'unknown',
      partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }],
    },
  ];

  test('are kept in ZooKeeper', async () => {
    const world = newWorld();
    const commit = () =>
      call<typeof apis.offsetCommit>(world, offsetCommitHandler, 0, {
        groupId: 'g',
        topics: topics('fine'),
      });
    for (let round = 0; round < 2; round++) {
      const { topics: answers } = await commit();
      expect(answers.map(({ partitions }) => partitions[0]?.errorCode)).toEqual([0, 3]);
    }
    expect(world.nodes.data.get('/consumers/g/offsets/t/3')?.toString()).toBe('42');
    const fetched = await call<typeof apis.offsetFetch>(world, offsetFetchHandler, 0, {
      groupId: 'g',
      topics: [{ name: 't', partitionIndexes: [3, 4] }],
    });
    expect(fetched.topics[0]?.partitions).toMatchObject([
      { partitionIndex: 3, committedOffset: 42, errorCode: 0 },
      { partitionIndex: 4, committedOffset: -1, errorCode: 3 },
    ]);
  });

  test('have bounded metadata', async () => {
    const world = newWorld();
    const { topics: answers } = await call<typeof apis.offsetCommit>(
      world,
      offsetCommitHandler,
      0,
      { groupId: 'g', topics: topics('x'.repeat(4_097)) },
    );
    expect(answers[0]?.partitions[0]?.errorCode).toBe(errorCodes.OFFSET_METADATA_TOO_LARGE);
    expect(world.nodes.data.size).toBe(0);
  });
});

test('an offset of a topic that appears while others are stored stays refused', async () => {
  const world = newWorld();
  const known = new Set(['known']);
  const partition = (topic: string) => (known.has(topic) ? {} : undefined);
  const commitOffsets = async ({ offsets }: CommitInput) => {
    known.add('late');
    return offsets.map(() => errorCodes.NONE);
  };
  Object.assign(world.services, { metadata: { partition }, groups: { commitOffsets } });
  const answer = await call<typeof apis.offsetCommit>(world, offsetCommitHandler, 8, {
    groupId: 'g',
    topics: ['late', 'known'].map((name) => ({
      name,
      partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }],
    })),
  });
  const codes = answer.topics.map(({ partitions }) => partitions[0]?.errorCode);
  expect(codes).toEqual([errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorCodes.NONE]);
});

describe('a refusal can be said in every version', () => {
  const groupId = 'g';
  const generation = { groupId, generationId: 1, memberId: 'm' };
  const bytes = Buffer.from('x');
  const join = {
    groupId,
    sessionTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: bytes }],
  };
  const sync = { protocolType: 'consumer', protocolName: 'range', assignments: [] };
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }];
  const indexes = [{ name: 't', partitionIndexes: [0] }];
  const refusals: readonly (readonly [Handler, (version: number) => object])[] = [
    [joinGroupHandler, () => join],
    [syncGroupHandler, () => ({ ...generation, ...sync })],
    [heartbeatHandler, () => generation],
    [
      leaveGroupHandler,
      (version) => (version < 3 ? { groupId, memberId: 'm' } : { groupId, members: [] }),
    ],
    [offsetCommitHandler, () => ({ groupId, topics: [{ name: 't', partitions }] })],
    [
      offsetFetchHandler,
      (version) =>
        version < 8 ? { groupId, topics: indexes } : { groups: [{ groupId, topics: indexes }] },
    ],
    [
      offsetDeleteHandler,
      () => ({ groupId, topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }] }),
    ],
    [describeGroupsHandler, () => ({ groups: [groupId] })],
    [listGroupsHandler, () => ({})],
    [deleteGroupsHandler, () => ({ groupsNames: [groupId, groupId] })],
  ];

  test.each(refusals)('%#', async (handler, input) => {
    for (const version of versionsOf(handler)) {
      // Versions 0 of the offset APIs and version 1 of OffsetFetch do not speak of the group.
      const isSilent = handler === offsetFetchHandler && version < 2;
      if (isSilent || (handler === offsetCommitHandler && version === 0)) continue;
      const full = { statesFilter: [], typesFilter: [], includeAuthorizedOperations: false };
      const given = { ...full, ...input(version) };
      const known = Object.fromEntries(
        Object.entries(given).filter(([name]) => {
          const field = handler.api.request.fields[name];
          return field !== undefined && version >= field.versions.min;
        }),
      );
      const answer = await call(newWorld(), handler, version, known as never);
      expect(JSON.stringify(answer)).toContain('"errorCode":15');
    }
  });
});
