import { backoffMs } from '../../network/backoff.ts';
import { BrokerPool } from '../../network/broker-pool.ts';
import { ChannelClosed } from '../../network/errors.ts';
import { apis } from '../../protocol/apis.ts';
import { realSystem } from '../../system/system.ts';
import { type FakeBroker, startFakeBroker } from './fake-broker.ts';

const system = realSystem();
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const item of opened.splice(0).reverse()) await item.close();
});

const broker = async (errorCode: number, port = 0): Promise<FakeBroker> => {
  const fake = await startFakeBroker(system, { heartbeat: () => ({ errorCode }) }, { port });
  opened.push(fake);
  return fake;
};

const pool = (): BrokerPool => {
  const brokers = new BrokerPool(system, {
    clientId: 'test',
    reconnectBackoffMs: 10,
    reconnectBackoffMaxMs: 20,
  });
  opened.push(brokers);
  return brokers;
};

const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' };

describe('a broker pool', () => {
  test('dials once for those who ask at the same time', async () => {
    const fake = await broker(0);
    const brokers = pool();
    brokers.set(1, { host: '127.0.0.1', port: fake.port });
    const [a, b] = await Promise.all([brokers.channel(1), brokers.channel(1)]);
    expect(a).toBe(b);
    expect(brokers.current(1)).toBe(a);
    expect(fake.listener.connectionCount).toBe(1);
  });

  test('dials again after a connection was lost', async () => {
    const fake = await broker(0);
    const brokers = pool();
    brokers.set(1, { host: '127.0.0.1', port: fake.port });
    const first = await brokers.channel(1);
    first.close();
    expect(brokers.current(1)).toBeNull();
    await brokers.send(1, apis.heartbeat, heartbeat);
    expect(brokers.current(1)).not.toBe(first);
  });

  test('pauses after a failed dial and succeeds once the broker is back', async () => {
    const fake = await broker(5);
    const { port } = fake;
    await fake.close();
    const brokers = pool();
    brokers.set(1, { host: '127.0.0.1', port });
    await expect(brokers.channel(1)).rejects.toMatchObject({ isRefused: true });
    expect(brokers.isBackingOff(1)).toBe(true);
    await broker(7, port);
    expect((await brokers.send(1, apis.heartbeat, heartbeat)).errorCode).toBe(7);
    expect(brokers.isBackingOff(1)).toBe(false);
  });

  test('sends over no connection that has been idle too long', async () => {
    let elapsedMs = 0;
    const clock = Object.assign(Object.create(system.clock) as typeof system.clock, {
      elapsedMs: () => elapsedMs,
    });
    const fake = await broker(0);
    const brokers = new BrokerPool({ ...system, clock }, { clientId: 'test', idleMsMax: 50 });
    opened.push(brokers);
    brokers.set(1, { host: '127.0.0.1', port: fake.port });
    await brokers.send(1, apis.heartbeat, heartbeat);
    const first = brokers.current(1);
    elapsedMs += 49;
    await brokers.send(1, apis.heartbeat, heartbeat);
    expect(brokers.current(1)).toBe(first);
    elapsedMs += 51;
    await brokers.send(1, apis.heartbeat, heartbeat);
    expect(brokers.current(1)).not.toBe(first);
  });

  test('follows a broker to its new address', async () => {
    const brokers = pool();
    brokers.set(1, { host: '127.0.0.1', port: (await broker(1)).port });
    expect((await brokers.send(1, apis.heartbeat, heartbeat)).errorCode).toBe(1);
    brokers.set(1, { host: '127.0.0.1', port: (await broker(2)).port });
    expect((await brokers.send(1, apis.heartbeat, heartbeat)).errorCode).toBe(2);
  });

  test('knows nobody it was not told about, and nobody when closed', async () => {
    const brokers = pool();
    await expect(brokers.channel(9)).rejects.toThrow(ChannelClosed);
    brokers.set(1, { host: '127.0.0.1', port: (await broker(1)).port });
    brokers.close();
    await expect(brokers.channel(1)).rejects.toThrow(ChannelClosed);
  });
});

describe('the pause between tries', () => {
  const random = { ...system.random, float: () => 0.5 };

  test('doubles up to the longest', () => {
    const backoff = { initialMs: 100, maxMs: 1000 };
    const pauses = [0, 1, 2, 3, 4, 100].map((failures) => backoffMs(random, failures, backoff));
    expect(pauses).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  test('varies by a fifth, and not at all when it cannot grow', () => {
    const backoff = { initialMs: 100, maxMs: 1000 };
    expect(backoffMs({ ...random, float: () => 0 }, 0, backoff)).toBe(80);
    expect(backoffMs({ ...random, float: () => 0.75 }, 0, backoff)).toBeCloseTo(110);
    expect(backoffMs(random, 5, { initialMs: 50, maxMs: 50 })).toBe(50);
  });
});
