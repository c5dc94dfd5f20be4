import { MetadataCache } from '../../broker/metadata-cache.ts';
import { apis, type RequestInput, type RequestOf } from '../../protocol/apis.ts';
import { decode, encodeToBuffer } from '../../protocol/compile.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import { clusterUpdate, topicIdOf } from './fake-services.ts';

type Update = RequestOf<typeof apis.updateMetadata>;

const topic = (name: string, topicId: string, leaders: readonly number[]) => ({
  name,
  topicId,
  partitions: leaders.map((leader) => ({ leader, replicas: [1, 2] })),
});

const sent = (version: number, body: object): Update => {
  const { request } = apis.updateMetadata;
  const whole = { controllerId: 1, controllerEpoch: 1, ...body };
  const bytes = encodeToBuffer(request, version, whole as RequestInput<typeof apis.updateMetadata>);
  return decode(request, version, bytes);
};

test('partitions are merged, brokers are replaced', () => {
  const cache = new MetadataCache();
  cache.update(clusterUpdate([topic('a', topicIdOf(1), [1, 2])], [1, 2]));
  cache.update(clusterUpdate([topic('b', topicIdOf(2), [3])], [2, 3]));
  expect([...cache.topicNames()]).toEqual(['a', 'b']);
  expect(cache.partitionCount('a')).toBe(2);
  expect([1, 2, 3].map((id) => cache.isAlive(id))).toEqual([false, true, true]);
  expect(cache.aliveBrokers('CLIENT').map(({ id }) => id)).toEqual([2, 3]);
});

test('the last word counts, whatever its epochs say', () => {
  const cache = new MetadataCache();
  const older = clusterUpdate([topic('a', topicIdOf(1), [2])]);
  cache.update(clusterUpdate([topic('a', topicIdOf(1), [1])]));
  cache.update(older);
  expect(cache.leaderOf('a', 0)).toBe(2);
});

test('a topic goes with its last partition, and its id with it', () => {
  const cache = new MetadataCache();
  cache.update(clusterUpdate([topic('a', topicIdOf(1), [1, 1])]));
  const deletion = (partitionIndex: number): Update =>
    sent(8, {
      liveBrokers: [],
      topicStates: [
        {
          topicName: 'a',
          topicId: topicIdOf(1),
          partitionStates: [
            {
              partitionIndex,
              controllerEpoch: 1,
              leader: -2,
              leaderEpoch: 9,
              isr: [],
              zkVersion: 1,
              replicas: [],
              offlineReplicas: [],
            },
          ],
        },
      ],
    });
  expect(cache.update(deletion(0))).toEqual([{ topic: 'a', partition: 0 }]);
  expect(cache.partition('a', 1)).toBeDefined();
  expect(cache.topicName(topicIdOf(1))).toBe('a');
  cache.update(deletion(1));
  expect(cache.hasTopic('a')).toBe(false);
  expect(cache.topicName(topicIdOf(1))).toBeUndefined();
  expect(cache.topicId('a')).toBe(ZERO_UUID);
});

test('a topic that was made anew is found by its new id only', () => {
  const cache = new MetadataCache();
  cache.update(clusterUpdate([topic('a', topicIdOf(1), [1])]));
  cache.update(clusterUpdate([topic('a', topicIdOf(2), [1])]));
  expect(cache.topicName(topicIdOf(1))).toBeUndefined();
  expect(cache.topicName(topicIdOf(2))).toBe('a');
  cache.update(clusterUpdate([topic('a', ZERO_UUID, [1])]));
  expect(cache.topicName(topicIdOf(2))).toBeUndefined();
});

test('a broker is known on the listeners it has', () => {
  const cache = new MetadataCache();
  cache.update(clusterUpdate([]));
  expect(cache.aliveBroker(1, 'INTERNAL')).toEqual({
    id: 1,
    host: '127.0.0.1',
    port: 9101,
    rack: 'rack-1',
  });
  expect(cache.aliveBroker(3, 'INTERNAL')).toBeUndefined();
  expect(cache.isAlive(3)).toBe(true);
});

test('versions before listeners had names call them by their protocols', () => {
  const cache = new MetadataCache();
  const old = { ungroupedPartitionStates: [] };
  const endpoints = [
    { host: 'a', port: 1, securityProtocol: 0 },
    { host: 'a', port: 2, securityProtocol: 3 },
  ];
  cache.update(sent(2, { ...old, liveBrokers: [{ id: 1, endpoints, rack: null }] }));
  expect(cache.aliveBroker(1, 'PLAINTEXT')?.port).toBe(1);
  expect(cache.aliveBroker(1, 'SASL_SSL')?.port).toBe(2);
  cache.update(sent(0, { ...old, liveBrokers: [{ id: 1, v0Host: 'b', v0Port: 3 }] }));
  expect(cache.aliveBroker(1, 'PLAINTEXT')).toMatchObject({ host: 'b', port: 3 });
});

test('old versions list their partitions without topics around them', () => {
  const cache = new MetadataCache();
  const state = {
    topicName: 'a',
    partitionIndex: 0,
    controllerEpoch: 1,
    leader: 2,
    leaderEpoch: 5,
  };
  const rest = { isr: [2], zkVersion: 3, replicas: [2], offlineReplicas: [7] };
  const ungroupedPartitionStates = [{ ...state, ...rest }];
  cache.update(sent(4, { liveBrokers: [], ungroupedPartitionStates }));
  expect(cache.partition('a', 0)).toEqual({
    leader: 2,
    leaderEpoch: 5,
    isr: [2],
    replicas: [2],
    offlineReplicas: [7],
    partitionEpoch: 3,
  });
});

test('without a controller the cache says so', () => {
  const cache = new MetadataCache();
  expect(cache.controllerId).toBe(-1);
  cache.update(clusterUpdate([]));
  expect(cache.controllerId).toBe(1);
  cache.update(sent(8, { controllerId: -5, liveBrokers: [], topicStates: [] }));
  expect(cache.controllerId).toBe(-1);
});
