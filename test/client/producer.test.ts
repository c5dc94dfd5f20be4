import { ClientClosed, ConfigError, RecordTooLarge, TimeoutError } from '../../client/errors.ts';
import { createProducer, type Producer, type ProducerOptions } from '../../client/producer.ts';
import { UnsupportedVersion } from '../../network/errors.ts';
import { realSystem } from '../../system/system.ts';
import { type FakeCluster, startFakeCluster } from './fake-cluster.ts';

const system = realSystem();
let cluster: FakeCluster;
const producers: Producer[] = [];

beforeEach(async () => {
  cluster = await startFakeCluster(system, { brokers: 2 });
});

afterEach(async () => {
  for (const producer of producers.splice(0)) await producer.close(0);
  await cluster.close();
});

const producer = (options: Partial<ProducerOptions> = {}): Producer => {
  const created = createProducer(system, {
    bootstrapServers: cluster.bootstrapServers,
    retryBackoffMs: 5,
    ...options,
  });
  producers.push(created);
  return created;
};

const values = (partition: { batches: Buffer[] } | undefined): string[] =>
  (partition?.batches ?? []).flatMap((batch) => {
    const found = cluster.produced.find((other) => other.crc === batch.readUInt32BE(17));
    return [...(found?.records() ?? [])].map(({ value }) => String(value));
  });

/** Puts another answer before the broker's own, `times` times. */
const failProduce = (times: number, errorCode: number): void => {
  let left = times;
  for (const broker of cluster.brokers) {
    const { produce } = broker.handlers;
    broker.handlers.produce = (request, context) => {
      if (left-- <= 0) return produce?.(request, context) ?? null;
      return {
        responses: request.topicData.map(({ name, partitionData }) => ({
          name,
          partitionResponses: partitionData.map(({ index }) => ({
            index,
            errorCode,
            baseOffset: -1,
          })),
        })),
      };
    };
  }
};

describe('a producer', () => {
  test('sends records and tells where they are', async () => {
    const [partition] = cluster.addTopic('t', 1);
    const p = producer();
    const sent = await Promise.all(['a', 'b', 'c'].map((value) => p.send({ topic: 't', value })));
    expect(sent.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(values(partition)).toEqual(['a', 'b', 'c']);
    // What one turn appends is one batch.
    expect(partition?.batches.length).toBe(1);
  });

  test('writes keys, headers and timestamps, and goes where the key says', async () => {
    cluster.addTopic('t', 3);
    const headers = [{ key: 'h', value: 'x' }];
    const record = { topic: 't', key: '21', value: null, headers, timestamp: 77 };
    const { partition, timestamp } = await producer().send(record);
    expect(partition).toBe((-973932308 & 0x7fffffff) % 3);
    expect(timestamp).toBe(77);
    const [read] = [...(cluster.produced[0]?.records() ?? [])];
    expect(read).toMatchObject({ timestamp: 77, value: null, headers: [{ key: 'h' }] });
    expect(String(read?.key)).toBe('21');
  });

  test('numbers batches per partition, for the broker to find repetitions', async () => {
    cluster.addTopic('t', 1);
    const p = producer();
    await p.send({ topic: 't', value: 'a' });
    await Promise.all(['b', 'c'].map((value) => p.send({ topic: 't', value })));
    await p.send({ topic: 't', value: 'd' });
    expect(cluster.produced.map((batch) => [batch.producerId, batch.baseSequence])).toEqual([
      [1000, 0],
      [1000, 1],
      [1000, 3],
    ]);
  });

  test('repeats a batch under its own number after a retriable error', async () => {
    cluster.addTopic('t', 1);
    const p = producer();
    await p.send({ topic: 't', value: 'a' });
    failProduce(2, 19);
    expect((await p.send({ topic: 't', value: 'b' })).offset).toBe(1);
    expect(cluster.produced.map(({ baseSequence }) => baseSequence)).toEqual([0, 1]);
  });

  test('repeats after a lost connection', async () => {
    cluster.addTopic('t', 1);
    const [broker] = cluster.brokers;
    const produce = broker?.handlers.produce;
    let isFirst = true;
    if (broker !== undefined) {
      broker.handlers.produce = (request, context) => {
        const wasFirst = isFirst;
        isFirst = false;
        return wasFirst ? 'close' : (produce?.(request, context) ?? null);
      };
    }
    expect((await producer().send({ topic: 't', value: 'a' })).offset).toBe(0);
  });

  test('keeps the order of a partition when an earlier batch has to be repeated', async () => {
    const [partition] = cluster.addTopic('t', 1);
    const p = producer({ batchSize: 1 });
    await p.send({ topic: 't', value: '0' });
    let expected = 1;
    let isFirst = true;
    const [broker] = cluster.brokers;
    const produce = broker?.handlers.produce;
    if (broker === undefined || produce === undefined) throw new Error('no broker');
    broker.handlers.produce = (request, context) => {
      const records = request.topicData[0]?.partitionData[0]?.records;
      const sequence = records?.readInt32BE(53);
      // The first one fails, the ones behind it are out of order, as a broker would say.
      const errorCode = isFirst ? 19 : sequence === expected ? 0 : 45;
      isFirst = false;
      if (errorCode === 0) {
        expected++;
        return produce(request, context);
      }
      const partitionResponses = [{ index: 0, errorCode, baseOffset: -1 }];
      return { responses: [{ name: 't', partitionResponses }] };
    };
    const texts = ['1', '2', '3', '4', '5', '6', '7'];
    await Promise.all(texts.map((value) => p.send({ topic: 't', value })));
    expect(values(partition)).toEqual(['0', ...texts]);
  });

  test('starts again under a new epoch when the broker has lost its sequence', async () => {
    cluster.addTopic('t', 1);
    const p = producer();
    await p.send({ topic: 't', value: 'a' });
    failProduce(1, 59);
    await p.send({ topic: 't', value: 'b' });
    expect(cluster.produced.map((batch) => [batch.producerEpoch, batch.baseSequence])).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  test('rejects a record the broker refuses, and goes on', async () => {
    cluster.addTopic('t', 1);
    const p = producer();
    failProduce(1, 87);
    await expect(p.send({ topic: 't', value: 'a' })).rejects.toMatchObject({ code: 87 });
    await expect(p.send({ topic: 't', value: 'b' })).resolves.toMatchObject({ offset: 0 });
  });

  test('cuts a batch in pieces that the broker finds too large', async () => {
    const [partition] = cluster.addTopic('t', 1);
    const p = producer({ batchSize: 2000 });
    failProduce(1, 10);
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(300));
    const sent = await Promise.all(texts.map((value) => p.send({ topic: 't', value })));
    expect(sent.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(values(partition)).toEqual(texts);
  });

  test('follows a partition to its new leader', async () => {
    const [partition] = cluster.addTopic('t', 1);
    const p = producer();
    await p.send({ topic: 't', value: 'a' });
    if (partition !== undefined) Object.assign(partition, { leaderId: 1, leaderEpoch: 1 });
    expect((await p.send({ topic: 't', value: 'b' })).offset).toBe(1);
    expect(cluster.brokers[1]?.calls).toContain('produce');
  });

  test('waits for a topic that is being created', async () => {
    const p = producer();
    const sent = p.send({ topic: 'late', value: 'a' });
    const [broker] = cluster.brokers;
    const metadata = broker?.handlers.metadata;
    if (broker === undefined || metadata === undefined) throw new Error('no broker');
    broker.handlers.metadata = (request, context) => {
      const answer = metadata(request, context);
      if (!cluster.topics.has('late')) cluster.addTopic('late', 1);
      return answer;
    };
    expect((await sent).offset).toBe(0);
  });

  test('gives up on a topic that does not appear', async () => {
    const p = producer({ maxBlockMs: 50 });
    await expect(p.send({ topic: 'never', value: 'a' })).rejects.toThrow(TimeoutError);
  });

  test('sends without acknowledgement', async () => {
    const [partition] = cluster.addTopic('t', 1);
    const p = producer({ acks: 0 });
    expect((await p.send({ topic: 't', value: 'a' })).offset).toBe(-1);
    await producer().send({ topic: 't', value: 'b' });
    expect(partition?.endOffset).toBeGreaterThan(0);
  });

  test.each(['gzip', 'lz4', 'snappy', 'zstd'] as const)('compresses with %s', async (codec) => {
    const [partition] = cluster.addTopic('t', 1);
    const p = producer({ compressionType: codec });
    await p.send({ topic: 't', value: 'x'.repeat(1000) });
    expect(cluster.produced[0]?.compression).toBe(codec);
    expect(values(partition)).toEqual(['x'.repeat(1000)]);
  });

  test('lets records linger, but not while it flushes', async () => {
    const [partition] = cluster.addTopic('t', 1);
    const p = producer({ lingerMs: 60_000 });
    const sent = [p.send({ topic: 't', value: 'a' }), p.send({ topic: 't', value: 'b' })];
    await p.flush();
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([0, 1]);
    expect(partition?.batches.length).toBe(1);
  });

  test('takes no more than its memory and goes on when some is free', async () => {
    const [partition] = cluster.addTopic('t', 1);
    const p = producer({ bufferMemory: 300, batchSize: 100 });
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`.padStart(50));
    await Promise.all(texts.map((value) => p.send({ topic: 't', value })));
    expect(values(partition)).toEqual(texts);
  });

  test('refuses what is too large, and everything once closed', async () => {
    cluster.addTopic('t', 1);
    const p = producer({ maxRequestSize: 100 });
    const large = p.send({ topic: 't', value: 'x'.repeat(100) });
    await expect(large).rejects.toThrow(RecordTooLarge);
    const last = p.send({ topic: 't', value: 'x' });
    await p.close();
    await expect(last).resolves.toMatchObject({ offset: 0 });
    await expect(p.send({ topic: 't', value: 'x' })).rejects.toThrow(ClientClosed);
  });

  test('refuses settings that contradict each other', () => {
    expect(() => producer({ enableIdempotence: true, acks: 1 })).toThrow(ConfigError);
    expect(() => producer({ deliveryTimeoutMs: 10 })).toThrow(ConfigError);
    expect(() => producer({ bootstrapServers: 'nowhere' })).toThrow(ConfigError);
  });

  test('rejects only the records whose partition does not exist', async () => {
    cluster.addTopic('t', 1);
    const p = producer();
    const missing = p.send({ topic: 't', partition: 5, value: 'a' });
    const sent = p.send({ topic: 't', partition: 0, value: 'b' });
    await expect(missing).rejects.toMatchObject({ code: 3 });
    await expect(sent).resolves.toMatchObject({ offset: 0 });
  });

  test('ends a flush and a close when the last record that waited was refused', async () => {
    cluster.addTopic('t', 1);
    for (const end of ['flush', 'close'] as const) {
      const p = producer({ maxRequestSize: 100 });
      const errors: unknown[] = [];
      p.post({ topic: 't', value: 'x'.repeat(200) }, (error) => errors.push(error));
      await p[end]();
      expect(errors).toEqual([expect.any(RecordTooLarge)]);
    }
  });

  test('ends a flush while others go on sending', async () => {
    cluster.addTopic('t', 1);
    const p = producer();
    let isStopped = false;
    const goOn = (): void => {
      p.post({ topic: 't', value: 'x' }, (error) => {
        if (error === null && !isStopped) goOn();
      });
    };
    // Two take turns, so that there is always one on its way.
    goOn();
    await p.send({ topic: 't', value: 'x' });
    goOn();
    await p.flush();
    isStopped = true;
  });

  test('settles the other records when a callback throws', async () => {
    cluster.addTopic('t', 1);
    const p = producer({ maxRequestSize: 100 });
    const fail = (): void => {
      throw new Error('mine');
    };
    // The first is refused, as too large, once metadata are there; the second is sent.
    p.post({ topic: 't', value: 'x'.repeat(200) }, fail);
    p.post({ topic: 't', value: 'a' }, fail);
    expect((await p.send({ topic: 't', value: 'b' })).offset).toBe(1);
  });

  test('rejects one record after the other where the broker is too old', async () => {
    const old = await startFakeCluster(system, { maxVersions: { produce: 2 } });
    old.addTopic('t', 1);
    const p = producer({
      bootstrapServers: old.bootstrapServers,
      enableIdempotence: false,
      maxInFlightRequestsPerConnection: 1,
    });
    for (const value of ['a', 'b'])
      await expect(p.send({ topic: 't', value })).rejects.toThrow(UnsupportedVersion);
    await p.close(0);
    await old.close();
  });

  test('pauses before it asks again who leads a partition', async () => {
    const [partition] = cluster.addTopic('t', 1);
    if (partition !== undefined) partition.leaderId = -1;
    cluster.addTopic('led', 1);
    const p = producer({ retryBackoffMs: 60_000, retryBackoffMaxMs: 60_000 });
    p.post({ topic: 't', value: 'x' });
    const other = producer();
    for (let round = 0; round < 50; round++) await other.send({ topic: 'led', value: 'x' });
    const calls = cluster.brokers.flatMap((broker) => broker.calls);
    expect(calls.filter((name) => name === 'metadata').length).toBeLessThan(10);
  });
});
