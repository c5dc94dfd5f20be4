import { murmur2, partitionOfKey, StickyPartitioner } from '../../client/partitioner.ts';
import { realRandom } from '../../system/random.ts';

describe('murmur2', () => {
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['abc', 479470107],
    ['a-little-bit-long-string', -985981536],
    ['', 275646681],
  ])('of %j is what the Java client computes', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  test('puts a key always into the same partition, never a negative one', () => {
    expect(partitionOfKey(Buffer.from('21'), 7)).toBe((-973932308 & 0x7fffffff) % 7);
  });
});

describe('the sticky partitioner', () => {
  const load = (available: number[], queued: number[] = []) => ({
    partitionCount: 4,
    available,
    queued: (partition: number) => queued[partition] ?? 0,
  });
  const random = { ...realRandom, int: (limit: number) => limit - 1 };

  test('stays until a batch is full and leaves it then', () => {
    let draws = 0;
    const partitioner = new StickyPartitioner({ ...realRandom, int: () => draws++ }, 100);
    expect(partitioner.partition('t', load([0, 1, 2, 3]))).toBe(0);
    partitioner.appended('t', 60, false);
    expect(partitioner.partition('t', load([0, 1, 2, 3]))).toBe(0);
    partitioner.appended('t', 60, true);
    expect(partitioner.partition('t', load([0, 1, 2, 3]))).toBe(1);
  });

  test('leaves at twice the batch size whether or not a batch is full', () => {
    let draws = 0;
    const partitioner = new StickyPartitioner({ ...realRandom, int: () => draws++ }, 100);
    partitioner.partition('t', load([0, 1]));
    partitioner.appended('t', 200, false);
    expect(partitioner.partition('t', load([0, 1]))).toBe(1);
  });

  test('chooses only partitions that have a leader, if there are any', () => {
    expect(new StickyPartitioner(random, 100).partition('t', load([2]))).toBe(2);
    expect(new StickyPartitioner(random, 100).partition('t', load([]))).toBe(3);
  });

  test('chooses a longer queue less often', () => {
    const counts = [0, 0];
    for (let draw = 0; draw < 5; draw++) {
      const partitioner = new StickyPartitioner({ ...realRandom, int: () => draw }, 100);
      const partition = partitioner.partition('t', load([0, 1], [3, 0]));
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    expect(counts).toEqual([1, 4]);
  });
});
