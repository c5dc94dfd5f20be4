/**
 * What no client should send, sent to a broker's port: each is answered or its connection closed as Apache Kafka 3.9 does
 * (recorded from it: fixtures/requests holds valid requests, which are mutated here), and the broker serves the others.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openChannel, type RequestChannel } from '../../network/request-channel.ts';
import { apis } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { realSystem } from '../../system/system.ts';
import { type Cluster, startCluster } from '../../tools/cluster.ts';
import { seededRandom } from '../simulation/random.ts';
import { apiVersions, bytes, framed, Peer, produceBody, request } from './raw-peer.ts';

jest.setTimeout(30_000);

const IDLE_MS = 400;
const TOPIC = 'e12';
let cluster: Cluster;
let channel: RequestChannel;
const peers = new Set<Peer>();
/** Errors that nobody has caught: a bug wherever they come from. */
const uncaught: unknown[] = [];
const onUncaught = (error: unknown): void => void uncaught.push(error);

beforeAll(async () => {
  process.on('unhandledRejection', onUncaught);
  cluster = await startCluster({ brokers: 1 });
  channel = await openChannelTo(cluster);
  await createTopic(channel);
});

afterEach(() => {
  for (const peer of peers) peer.close();
  peers.clear();
  expect(uncaught).toEqual([]);
});

afterAll(async () => {
  channel?.close();
  await cluster?.stop();
  process.off('unhandledRejection', onUncaught);
});

const portOf = ({ bootstrapServers }: Cluster): number => Number(bootstrapServers.split(':')[1]);

const openChannelTo = (target: Cluster): Promise<RequestChannel> =>
  openChannel(realSystem(), { host: '127.0.0.1', port: portOf(target), clientId: 'good' });

const createTopic = async (to: RequestChannel): Promise<void> => {
  const topic = {
    name: TOPIC,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  };
  await to.send(apis.createTopics, { topics: [topic], timeoutMs: 5000 });
  while ((await produce(to)) !== errorCodes.NONE);
};

/** Dials the cluster; the connection is closed after the test. */
const dial = async (
  target: Cluster = cluster,
  options: { reads?: boolean } = {},
): Promise<Peer> => {
  const peer = await Peer.dial(portOf(target), options);
  peers.add(peer);
  return peer;
};

/** Produces over a connection in order; the error code. */
const produce = async (over: RequestChannel): Promise<number> => {
  const { responses } = await over.send(apis.produce, produceBody(TOPIC, -1));
  return responses[0]?.partitionResponses[0]?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR;
};

describe('a connection is closed without an answer', () => {
  test.each([
    ['a frame of 2 GiB', bytes('7fffffff 0000')],
    ['a frame of a negative size', bytes('ffffffff')],
    ['a frame above the limit', bytes('7f000000 01')],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a TLS handshake', bytes('1603010200010001fc0303')],
    ['an empty frame', bytes('00000000')],
    ['a frame of two bytes', bytes('00000002 0001')],
    ['an API key that does not exist', framed(bytes('0063000000000105000361626300'))],
    ['an API of KRaft', framed(bytes('0037000000000106000361626300'))],
    ['a version that is too new', framed(bytes('0000006300000104000361626300'))],
    ['a negative version', framed(bytes('0000ffff00000104000361626300'))],
    ['a client id longer than the frame', framed(bytes('00120000000001047fff6162'))],
    [
      'the body of another API',
      framed(bytes('0003000c00000107000161000a68616e642d6d61646504312e3000')),
    ],
    ['an array longer than the frame', framed(bytes('0003000100000107000161 7fffffff'))],
    ['ApiVersions 99 with an old header', framed(bytes('0012006300000107000161'))],
  ])('for %s', async (_name, data) => {
    const peer = await dial();
    peer.send(data);
    await peer.untilClosed();
    expect(peer.received).toHaveLength(0);
    expect(await produce(channel)).toBe(errorCodes.NONE);
  });

  test('for a body that ends early, wherever it does', async () => {
    const whole = request(apis.produce, 9, 7, produceBody(TOPIC, -1)).subarray(4);
    // Without its last byte, the tag section, and so on; the header stays.
    for (let length = 20; length < whole.length; length += 7) {
      const peer = await dial();
      peer.send(framed(whole.subarray(0, length)));
      await peer.untilClosed();
      expect(peer.received).toHaveLength(0);
    }
  });

  test('for acks=0 where the append fails', async () => {
    const peer = await dial();
    peer.send(request(apis.produce, 9, 1, produceBody('no-such-topic', 0)));
    await peer.untilClosed();
    expect(peer.received).toHaveLength(0);
  });

  test('when it is silent for too long, before or amid a request', async () => {
    const config = { 'connections.max.idle.ms': String(IDLE_MS) };
    const other = await startCluster({ brokers: 1, config });
    try {
      const [silent, half] = [await dial(other), await dial(other)];
      half.send(apiVersions(1).subarray(0, 9));
      await Promise.all([silent.untilClosed(), half.untilClosed()]);
      expect(half.received).toHaveLength(0);
      const late = await dial(other);
      late.send(apiVersions(2));
      await late.answers(2);
    } finally {
      await other.stop();
    }
  });
});

describe('a connection goes on', () => {
  test('after acks=0, which is not answered', async () => {
    const peer = await dial();
    peer.send(request(apis.produce, 9, 1, produceBody(TOPIC, 0)), apiVersions(2));
    await peer.answers(2);
  });

  test('after ApiVersions in a version we do not know, which is answered in version 0', async () => {
    const peer = await dial();
    peer.send(framed(bytes('0012 0063 00000107 0001 61 00')), apiVersions(8));
    await peer.answers(0x107, 8);
    expect(peer.received.subarray(4, 20).toString('hex')).toBe('00000107002300000001001200000004');
  });

  test('after a body with more bytes than it needs', async () => {
    const peer = await dial();
    peer.send(framed(bytes('0012000000000108000178000000')), apiVersions(9));
    await peer.answers(0x108, 9);
  });
});

describe('what came before', () => {
  test.each([
    ['a bad frame', bytes('ffffffff')],
    ['an unknown API', framed(bytes('0063000000000105000361626300'))],
  ])('%s is answered first', async (_name, data) => {
    const peer = await dial();
    peer.send(apiVersions(1), apiVersions(2), data, apiVersions(3));
    await peer.untilClosed();
    expect(peer.correlationIds()).toEqual([1, 2]);
  });

  test('and many more requests than are worked on at once, too', async () => {
    const peer = await dial();
    const ids = Array.from({ length: 500 }, (_, index) => index);
    peer.send(...ids.map(apiVersions), bytes('ffffffff'));
    await peer.untilClosed();
    expect(peer.correlationIds()).toEqual(ids);
  });
});

describe('memory', () => {
  const usedBytes = (): number => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };

  test('5,000 idle connections leave room for the others', async () => {
    const before = usedBytes();
    for (let count = 0; count < 5000; count++) {
      const peer = await dial();
      // Half of them begin a frame of 100 MiB.
      if (count % 2 === 0) peer.send(bytes('06400000 00'));
    }
    expect(await produce(channel)).toBe(errorCodes.NONE);
    // Both ends are in this process.
    expect(usedBytes() - before).toBeLessThan(200_000_000);
  });

  test('200 connections that pipeline 100 fetches and never read stop being served', async () => {
    const other = await startCluster({ brokers: 1 });
    try {
      const writer = await openChannelTo(other);
      await createTopic(writer);
      await writer.send(apis.produce, produceBody(TOPIC, -1, Buffer.alloc(ANSWER_BYTES, 'x')));
      // What was written before a start is read from the disk, into memory of its own for every answer.
      await other.shutDown(1);
      await other.restart(1);
      const good = await openChannelTo(other);
      while ((await produce(good)) !== errorCodes.NONE);
      const before = usedBytes();
      const stubborn: Peer[] = [];
      while (stubborn.length < 200) stubborn.push(await dial(other, { reads: false }));
      for (const peer of stubborn) peer.send(...fetches(100));
      for (let count = 0; count < 50; count++) expect(await produce(good)).toBe(errorCodes.NONE);
      expect(usedBytes() - before).toBeLessThan(800_000_000);
      expect(stubborn.some(({ isClosed }) => isClosed)).toBe(false);
    } finally {
      await other.stop();
    }
  });

  const ANSWER_BYTES = 250_000;

  const fetches = (count: number): Buffer[] =>
    Array.from({ length: count }, (_, index) => {
      const partition = { partition: 0, fetchOffset: 1, partitionMaxBytes: ANSWER_BYTES };
      return request(apis.fetch, 4, index, {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: ANSWER_BYTES,
        topics: [{ topic: TOPIC, partitions: [partition] }],
      });
    });
});

interface Recorded {
  readonly api: string;
  readonly hex: string;
}

const recorded = readFileSync(join(__dirname, '../fixtures/requests/recorded.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

/** Sizes and counts that no message holds. */
const extremes = ['7fffffff', 'ffffffff', '80000000', '7fff', 'ffff', '00', 'ffffffff0f'];

/** The request with one to four changes behind its API key and version. */
const mutate = (original: Buffer, random: ReturnType<typeof seededRandom>): Buffer => {
  let mutated: Buffer = Buffer.from(original);
  const place = (): number => 4 + random.int(Math.max(1, mutated.length - 4));
  for (let changes = random.int(4); changes >= 0; changes--) {
    const at = place();
    switch (random.int(5)) {
      case 0:
        mutated[at] = random.int(256);
        break;
      case 1:
        mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + random.int(9))]);
        break;
      case 2:
        mutated = Buffer.concat([mutated.subarray(0, at), random.bytes(5), mutated.subarray(at)]);
        break;
      case 3:
        mutated = Buffer.concat([
          mutated.subarray(0, at),
          bytes(random.pick(extremes)),
          mutated.subarray(at + random.int(5)),
        ]);
        break;
      default:
        mutated = mutated.subarray(0, at);
    }
  }
  return mutated;
};

describe('mutated requests', () => {
  const OPEN_MAX = 40;
  /** What only brokers send: a valid one may well take topics away. */
  const amongBrokers = new Set([
    'LeaderAndIsr',
    'StopReplica',
    'UpdateMetadata',
    'ControlledShutdown',
    'AlterPartition',
    'WriteTxnMarkers',
  ]);
  const isOfBroker = ({ api }: Recorded): boolean => amongBrokers.has(api);

  const attack = async (requests: readonly Recorded[], count: number, seed: number) => {
    const random = seededRandom(seed, 'bad-input');
    const open: Peer[] = [];
    for (let index = 0; index < count; index++) {
      const peer = await dial();
      peer.send(framed(mutate(Buffer.from(random.pick(requests).hex, 'hex'), random)));
      open.push(peer);
      // Some wait for long, by what the mutation has made of a time limit.
      if (open.length > OPEN_MAX) open.shift()?.close();
    }
    for (const peer of open) peer.close();
  };

  test('of clients do not keep the broker from serving', async () => {
    const before = process.memoryUsage().external;
    await attack(
      recorded.filter((one) => !isOfBroker(one)),
      3000,
      1,
    );
    const fresh = await openChannelTo(cluster);
    expect(await produce(fresh)).toBe(errorCodes.NONE);
    fresh.close();
    expect(process.memoryUsage().external - before).toBeLessThan(200_000_000);
  });

  test('of brokers do not end the broker', async () => {
    await attack(recorded.filter(isOfBroker), 500, 2);
    const peer = await dial();
    peer.send(apiVersions(1));
    await peer.answers(1);
  });
});
