/** Metadata and DescribeCluster against a cluster of three brokers, in all versions that differ. */
import { describeClusterHandler } from '../../broker/handlers/describe-cluster.ts';
import { metadataHandler } from '../../broker/handlers/metadata.ts';
import { apis } from '../../protocol/apis.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import { call, clusterUpdate, fakeServices, topicIdOf } from './fake-services.ts';

const cluster = (parts: Parameters<typeof fakeServices>[0] = {}) => {
  const services = fakeServices({ config: { autoCreateTopicsEnable: true }, ...parts });
  services.metadata.update(
    clusterUpdate([
      {
        name: 'orders',
        topicId: topicIdOf(1),
        partitions: [
          { leader: 1, replicas: [1, 2] },
          { leader: -1, replicas: [4, 2] },
          { leader: 3, replicas: [3, 1] },
        ],
      },
      {
        name: '__consumer_offsets',
        topicId: topicIdOf(2),
        partitions: [{ leader: 2, replicas: [2] }],
      },
    ]),
  );
  return services;
};

const named = (...names: string[]) => names.map((name) => ({ topicId: ZERO_UUID, name }));

test('a topic by name', async () => {
  const request = { topics: named('orders', 'orders'), allowAutoTopicCreation: false };
  const response = await call(metadataHandler, cluster(), 12, request);
  expect(response).toMatchObject({ clusterId: 'a-cluster', controllerId: 1 });
  expect(response.brokers).toEqual(
    [1, 2, 3].map((id) => ({ nodeId: id, host: '127.0.0.1', port: 9000 + id, rack: `rack-${id}` })),
  );
  expect(response.topics).toEqual([
    {
      errorCode: 0,
      name: 'orders',
      topicId: topicIdOf(1),
      isInternal: false,
      topicAuthorizedOperations: -2147483648,
      partitions: [
        partition({ partitionIndex: 0, leaderId: 1, replicaNodes: [1, 2], isrNodes: [1, 2] }),
        partition({ errorCode: 5, partitionIndex: 1, replicaNodes: [4, 2], isrNodes: [4, 2] }),
        partition({ partitionIndex: 2, leaderId: 3, replicaNodes: [3, 1], isrNodes: [3, 1] }),
      ],
    },
  ]);
});

const partition = (fields: object) => ({
  errorCode: 0,
  leaderId: -1,
  leaderEpoch: 4,
  offlineReplicas: [],
  ...fields,
});

test('a leader without the listener that was asked', async () => {
  const codes = async (version: number) => {
    const request = { topics: named('orders').map(({ name }) => ({ name })) };
    const { topics } = await call(metadataHandler, cluster(), version, request, 'INTERNAL');
    const [topic] = topics as { partitions: { errorCode: number; leaderId: number }[] }[];
    return topic?.partitions.map(({ errorCode, leaderId }) => [errorCode, leaderId]);
  };
  expect(await codes(6)).toEqual([
    [0, 1],
    [5, -1],
    [72, -1],
  ]);
  expect(await codes(5)).toEqual([
    [0, 1],
    [5, -1],
    [5, -1],
  ]);
});

test('all topics: no list, before version 1 an empty one', async () => {
  const names = async (version: number, topics: [] | null) => {
    const response = await call(metadataHandler, cluster(), version, { topics });
    return (response.topics as { name: string; isInternal: boolean }[]).map(({ name }) => name);
  };
  expect(await names(0, [])).toEqual(['orders', '__consumer_offsets']);
  expect(await names(1, [])).toEqual([]);
  expect(await names(12, null)).toEqual(['orders', '__consumer_offsets']);
});

test('version 0 leaves out brokers that are not there, and says so', async () => {
  const { topics } = await call(metadataHandler, cluster(), 0, { topics: [{ name: 'orders' }] });
  const [topic] = topics as { partitions: object[] }[];
  expect(topic?.partitions).toMatchObject([
    { errorCode: 0, leaderId: 1, replicaNodes: [1, 2] },
    { errorCode: 5, leaderId: -1, replicaNodes: [2], isrNodes: [2] },
    { errorCode: 0, leaderId: 3 },
  ]);
});

test('topics by id; unknown ones come first and have no name', async () => {
  const topics = [topicIdOf(2), topicIdOf(9)].map((topicId) => ({ topicId, name: null }));
  const response = await call(metadataHandler, cluster(), 12, { topics });
  expect(response.topics).toMatchObject([
    { errorCode: 100, name: null, topicId: topicIdOf(9), partitions: [] },
    { errorCode: 0, name: '__consumer_offsets', topicId: topicIdOf(2), isInternal: true },
  ]);
});

test.each([
  ['an id', [{ topicId: topicIdOf(1), name: 'orders' }]],
  ['no name', [{ topicId: ZERO_UUID, name: null }]],
])('%s before version 12 is refused', async (_name, topics) => {
  const request = call(metadataHandler, cluster(), 11, { topics });
  await expect(request).rejects.toMatchObject({ code: 42 });
});

describe('a missing topic', () => {
  const created: string[] = [];
  const topics = {
    ensureInternalTopic: async () => 0,
    autoCreate: async (name: string) => {
      created.push(name);
      return name === 'bad name' ? 17 : 5;
    },
  };
  beforeEach(() => created.splice(0));

  const codes = async (version: number, request: object, autoCreateTopicsEnable = true) => {
    const services = cluster({ topics, config: { autoCreateTopicsEnable } });
    const response = await call(metadataHandler, services, version, request);
    return (response.topics as { errorCode: number }[]).map(({ errorCode }) => errorCode);
  };
  const names = [{ name: 'new' }, { name: 'bad name' }, { name: 'orders' }];

  test('is created when the client allows it', async () => {
    expect(await codes(9, { topics: names })).toEqual([0, 5, 17]);
    expect(created).toEqual(['new', 'bad name']);
  });

  test('is created before version 4 without being asked', async () => {
    expect(await codes(3, { topics: names })).toEqual([0, 5, 17]);
  });

  test('is not created when the client or the broker does not want it', async () => {
    const request = { topics: names, allowAutoTopicCreation: false };
    expect(await codes(9, request)).toEqual([0, 3, 17]);
    expect(await codes(9, { topics: names }, false)).toEqual([0, 3, 17]);
    expect(created).toEqual([]);
  });
});

test('operations that are allowed, on request', async () => {
  const request = {
    topics: [{ topicId: ZERO_UUID, name: 'orders' }],
    includeClusterAuthorizedOperations: true,
    includeTopicAuthorizedOperations: true,
  };
  const response = await call(metadataHandler, cluster(), 10, request);
  expect(response).toMatchObject({
    clusterAuthorizedOperations: 8096,
    topics: [{ topicAuthorizedOperations: 3576 }],
  });
});

describe('DescribeCluster', () => {
  test('tells the brokers of the listener that was asked', async () => {
    const body = { includeClusterAuthorizedOperations: false };
    const response = await call(describeClusterHandler, cluster(), 1, body, 'INTERNAL');
    expect(response).toMatchObject({
      errorCode: 0,
      errorMessage: null,
      endpointType: 1,
      clusterId: 'a-cluster',
      controllerId: 1,
      brokers: [{ brokerId: 1 }, { brokerId: 2 }],
      clusterAuthorizedOperations: -2147483648,
    });
  });

  test('does not tell a controller that is not among them', async () => {
    const services = cluster();
    services.metadata.update(clusterUpdate([], [2, 3]));
    const body = { includeClusterAuthorizedOperations: true };
    const response = await call(describeClusterHandler, services, 0, body);
    expect(response).toMatchObject({ controllerId: -1, clusterAuthorizedOperations: 8096 });
  });

  test.each([
    [2, 114],
    [7, 115],
  ])('refuses endpoint type %d', async (endpointType, code) => {
    const body = { includeClusterAuthorizedOperations: false, endpointType };
    await expect(call(describeClusterHandler, cluster(), 1, body)).rejects.toMatchObject({ code });
    expect(apis.describeCluster.maxVersion).toBe(1);
  });
});
