/**
 * Placement against assignments that Apache Kafka made, with the random start that it must have
 * had.
 */
import { hasMixedRacks, placeReplicas } from '../../controller/placement.ts';

const racked = [1, 2, 3].map((id) => ({ id, rack: `rack-${id}` }));
const plain = [0, 1, 2, 3, 4].map((id) => ({ id, rack: null }));

test('without racks the first replicas go round and the second ones shift with every round', () => {
  const placed = placeReplicas(plain, {
    partitionCount: 10,
    replicationFactor: 3,
    startIndex: 0,
    shift: 0,
  });
  expect([...placed.values()].map((replicas) => replicas.join(''))).toEqual(
    '012 123 234 340 401 023 134 240 301 412'.split(' '),
  );
});

test('with a rack for each broker as recorded: t2 and __consumer_offsets', () => {
  const t2 = placeReplicas(racked, {
    partitionCount: 3,
    replicationFactor: 3,
    startIndex: 1,
    shift: 1,
  });
  expect([...t2]).toEqual([
    [0, [2, 1, 3]],
    [1, [3, 2, 1]],
    [2, [1, 3, 2]],
  ]);
  const offsets = placeReplicas(racked, {
    partitionCount: 4,
    replicationFactor: 3,
    startIndex: 0,
    shift: 1,
  });
  expect([...offsets.values()]).toEqual([
    [1, 3, 2],
    [2, 1, 3],
    [3, 2, 1],
    [1, 2, 3],
  ]);
});

test('replicas spread over the racks before a rack gets a second one', () => {
  const brokers = [0, 1, 2, 3, 4, 5].map((id) => ({ id, rack: ['a', 'b', 'c'][id % 3] ?? 'a' }));
  for (let startIndex = 0; startIndex < 6; startIndex++) {
    for (let shift = 0; shift < 6; shift++) {
      const options = { partitionCount: 12, replicationFactor: 3, startIndex, shift };
      for (const replicas of placeReplicas(brokers, options).values()) {
        expect(new Set(replicas.map((id) => id % 3)).size).toBe(3);
      }
    }
  }
});

test('added partitions go on from where the topic ends', () => {
  const placed = placeReplicas(plain, {
    partitionCount: 2,
    replicationFactor: 2,
    startIndex: 2,
    shift: 2,
    firstPartition: 4,
  });
  expect([...placed.keys()]).toEqual([4, 5]);
  expect([...placed.values()].every((replicas) => new Set(replicas).size === 2)).toBe(true);
});

test('a rack on some brokers only is noticed', () => {
  expect(hasMixedRacks([{ id: 1, rack: null }, ...racked])).toBe(true);
  expect([hasMixedRacks(plain), hasMixedRacks(racked)]).toEqual([false, false]);
});
