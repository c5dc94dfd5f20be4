import { shutDownControlled } from '../../broker/controlled-shutdown.ts';
import type { ControllerChannel } from '../../broker/controller-channel.ts';
import {
  createPersistentPaths,
  generateBrokerId,
  obtainClusterId,
  registerBroker,
  StartupError,
} from '../../broker/registration.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { Connection, Net } from '../../system/net.ts';
import type { System } from '../../system/system.ts';
import { zooKeeperCodes, zooKeeperErrorOf } from '../../zookeeper/errors.ts';
import type { Operation, Stat, ZooKeeperClient } from '../../zookeeper/session.ts';
import { type BrokerRegistration, brokerIdZnode, clusterIdZnode } from '../../zookeeper/znodes.ts';
import { ManualClock, manualSystem } from '../support/manual-clock.ts';
import { absent } from './fake-services.ts';

interface Node {
  data: Buffer | null;
  readonly owner: bigint;
  readonly czxid: bigint;
  version: number;
}

/** A ZooKeeper of one level, as one session sees it. */
class FakeZooKeeper {
  readonly nodes = new Map<string, Node>();
  /** Called before each create, by its path: somebody else may be faster. */
  beforeCreate: (path: string) => void = () => {};
  #zxid = 100n;

  put(path: string, data: Buffer | null, owner = 0n): void {
    this.nodes.set(path, { data, owner, czxid: ++this.#zxid, version: 0 });
  }

  client(sessionId: bigint): ZooKeeperClient {
    return absent<ZooKeeperClient>('zookeeper', {
      sessionId,
      exists: async (path) => this.#stat(path),
      getData: async (path) => ({
        data: this.#node(path).data,
        stat: this.#stat(path) as Stat,
      }),
      setData: async (path, data) => {
        const node = this.#node(path);
        node.data = data;
        node.version += 1;
        return this.#stat(path) as Stat;
      },
      createRecursive: async (path, data) => this.#create(path, data, 0n),
      multi: async (operations) => {
        for (const operation of operations) this.#apply(operation, sessionId);
        return [];
      },
    });
  }

  #apply(operation: Operation, sessionId: bigint): void {
    if (operation.type === 'create') this.#create(operation.path, operation.data, sessionId);
    if (operation.type === 'setData') this.#node(operation.path).data = operation.data;
    if (operation.type === 'delete') this.nodes.delete(operation.path);
  }

  #create(path: string, data: Buffer | null, owner: bigint): string {
    this.beforeCreate(path);
    if (this.nodes.has(path)) throw zooKeeperErrorOf(zooKeeperCodes.NODE_EXISTS, path);
    this.put(path, data, owner);
    return path;
  }

  #node(path: string): Node {
    const node = this.nodes.get(path);
    if (node === undefined) throw zooKeeperErrorOf(zooKeeperCodes.NO_NODE, path);
    return node;
  }

  #stat(path: string): Stat | null {
    const node = this.nodes.get(path);
    if (node === undefined) return null;
    const { czxid, version, owner: ephemeralOwner } = node;
    return absent<Stat>('stat', { czxid, version, ephemeralOwner });
  }
}

const registrationAt = (port: number): BrokerRegistration => ({
  endpoints: [{ listener: 'PLAINTEXT', host: 'host', port, securityProtocol: 0 }],
  rack: null,
  jmxPort: -1,
  timestampMs: 1,
  features: {},
});

const PATH = brokerIdZnode.path(1);

const open = (dial: 'answered' | 'refused' | 'silent' = 'silent') => {
  const clock = new ManualClock();
  const zookeeper = new FakeZooKeeper();
  const net = absent<Net>('net', {
    connect: async () => {
      if (dial === 'answered') return absent<Connection>('connection', { destroy: () => {} });
      const code = dial === 'refused' ? 'ECONNREFUSED' : 'ETIMEDOUT';
      throw Object.assign(new Error(code), { code });
    },
  });
  const system: System = { ...manualSystem(clock), net };
  const register = (session = 7n, patienceMs = 5000): Promise<bigint> =>
    registerBroker(system, zookeeper.client(session), {
      brokerId: 1,
      registration: registrationAt(9092),
      patienceMs,
    });
  return { clock, zookeeper, system, register };
};

describe('registration', () => {
  test('gives the epoch of the broker, the same again in the same session', async () => {
    const { zookeeper, register } = open();
    const epoch = await register();
    expect(epoch).toBe(zookeeper.nodes.get(PATH)?.czxid);
    expect(await register()).toBe(epoch);
    const data = zookeeper.nodes.get(PATH)?.data;
    if (!data) throw new Error('no data');
    expect(brokerIdZnode.decode(data).endpoints[0]?.port).toBe(9092);
  });

  test('waits for the session of an earlier process to end', async () => {
    const { clock, zookeeper, register } = open('silent');
    zookeeper.put(PATH, brokerIdZnode.encode(registrationAt(1234)), 3n);
    const registered = register();
    await clock.advance(1000);
    zookeeper.nodes.delete(PATH);
    await clock.advance(1000);
    expect(await registered).toBe(zookeeper.nodes.get(PATH)?.czxid);
    expect(zookeeper.nodes.get(PATH)?.owner).toBe(7n);
    expect(clock.timerCount).toBe(0);
  });

  test('takes the place of a process that has ended', async () => {
    const { zookeeper, register } = open('refused');
    zookeeper.put(PATH, brokerIdZnode.encode(registrationAt(1234)), 3n);
    await register();
    expect(zookeeper.nodes.get(PATH)?.owner).toBe(7n);
  });

  test.each(['answered', 'silent'] as const)(
    'gives up where somebody else has the id (%s)',
    async (dial) => {
      const { clock, zookeeper, register } = open(dial);
      zookeeper.put(PATH, brokerIdZnode.encode(registrationAt(1234)), 3n);
      const failed = expect(register()).rejects.toThrow(StartupError);
      await clock.advance(10_000);
      await failed;
      expect(zookeeper.nodes.get(PATH)?.owner).toBe(3n);
    },
  );
});

describe('first start', () => {
  test('makes the paths that are missing, though others do the same', async () => {
    const { zookeeper } = open();
    zookeeper.beforeCreate = (path) => {
      if (!zookeeper.nodes.has(path) && path.includes('config')) zookeeper.put(path, null);
    };
    await createPersistentPaths(zookeeper.client(7n));
    expect([...zookeeper.nodes.keys()]).toContain('/brokers/ids');
    expect([...zookeeper.nodes.keys()]).toContain('/config/topics');
  });

  test('agrees on the cluster id of whoever was first', async () => {
    const { zookeeper, system } = open();
    const rival = clusterIdZnode.encode('rival');
    zookeeper.beforeCreate = (path) => zookeeper.put(path, rival);
    expect(await obtainClusterId(system, zookeeper.client(7n))).toBe('rival');
    expect(await obtainClusterId(system, zookeeper.client(8n))).toBe('rival');
  });

  test('makes up a cluster id where there is none', async () => {
    const { zookeeper, system } = open();
    const id = await obtainClusterId(system, zookeeper.client(7n));
    expect(id).toMatch(/^[\w-]{22}$/);
    expect(await obtainClusterId(system, zookeeper.client(8n))).toBe(id);
  });

  test('generates broker ids above the reserved ones', async () => {
    const { zookeeper } = open();
    zookeeper.put('/brokers/seqid', null);
    expect(await generateBrokerId(zookeeper.client(7n), 1000)).toBe(1001);
    expect(await generateBrokerId(zookeeper.client(8n), 1000)).toBe(1002);
  });
});

describe('controlled shutdown', () => {
  const shutDown = (
    answers: readonly ({ errorCode: number; remaining: number } | Error)[],
    maxRetries = 3,
  ) => {
    const clock = new ManualClock();
    const counts = { asked: 0, forgotten: 0 };
    const channel = absent<ControllerChannel>('channel', {
      send: (async () => {
        const answer = answers[counts.asked++];
        if (answer === undefined || answer instanceof Error) throw answer ?? new Error('none');
        return {
          errorCode: answer.errorCode,
          remainingPartitions: Array(answer.remaining).fill({}),
        };
      }) as never,
      forget: () => {
        counts.forgotten += 1;
      },
    });
    const result = shutDownControlled(manualSystem(clock), channel, {
      brokerId: 1,
      brokerEpoch: 5n,
      maxRetries,
      retryBackoffMs: 5000,
    });
    return { clock, counts, result };
  };

  test('ends when nothing is led any more', async () => {
    const { clock, counts, result } = shutDown([
      { errorCode: 0, remaining: 2 },
      { errorCode: 0, remaining: 0 },
    ]);
    await clock.advance(5000);
    expect(await result).toBe(true);
    expect(counts.asked).toBe(2);
  });

  test('tries as often as controlled.shutdown.max.retries says, and goes elsewhere after failures', async () => {
    const { clock, counts, result } = shutDown([
      new Error('gone'),
      { errorCode: errorCodes.STALE_CONTROLLER_EPOCH, remaining: 0 },
      { errorCode: 0, remaining: 1 },
      { errorCode: 0, remaining: 0 },
    ]);
    await clock.advance(60_000);
    expect(await result).toBe(false);
    expect(counts).toEqual({ asked: 3, forgotten: 2 });
    expect(clock.timerCount).toBe(0);
  });
});
