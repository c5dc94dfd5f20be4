import { ChannelClosed, RequestTimeout, UnsupportedVersion } from '../../network/errors.ts';
import { openListener } from '../../network/listener.ts';
import { type ChannelOptions, openChannel } from '../../network/request-channel.ts';
import { apis } from '../../protocol/apis.ts';
import { decodeRequestHeader, encodeResponse } from '../../protocol/headers.ts';
import { realSystem } from '../../system/system.ts';
import { type Handlers, startFakeBroker } from './fake-broker.ts';

const system = realSystem();
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const item of opened.splice(0).reverse()) await item.close();
});

const broker = async (
  ...args: Parameters<typeof startFakeBroker> extends [unknown, ...infer R] ? R : never
) => {
  const fake = await startFakeBroker(system, ...args);
  opened.push(fake);
  return fake;
};

const channelTo = async (port: number, options: Partial<ChannelOptions> = {}) => {
  const channel = await openChannel(system, {
    host: '127.0.0.1',
    port,
    clientId: 'test',
    ...options,
  });
  opened.push(channel);
  return channel;
};

const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' };
const answered = (errorCode: number) => ({ heartbeat: () => ({ errorCode }) }) satisfies Handlers;

describe('a request channel', () => {
  test('agrees on versions once and speaks the highest in common', async () => {
    const versions: number[] = [];
    const fake = await broker(
      {
        heartbeat: (_, context) => {
          versions.push(context.version);
          return { errorCode: 27 };
        },
      },
      { maxVersions: { heartbeat: 2 } },
    );
    const channel = await channelTo(fake.port);
    const response = await channel.send(apis.heartbeat, heartbeat);
    await channel.send(apis.heartbeat, heartbeat, { version: 1 });
    expect(response.errorCode).toBe(27);
    expect(versions).toEqual([2, 1]);
    expect(channel.version(apis.heartbeat, { max: 1 })).toBe(1);
    expect(() => channel.version(apis.heartbeat, { min: 3 })).toThrow(UnsupportedVersion);
  });

  test('falls back when the broker does not know its version of ApiVersions', async () => {
    const asked: number[] = [];
    const listener = await openListener(
      system,
      { name: 'OLD', host: '127.0.0.1', port: 0 },
      (frame) => {
        const { apiVersion, correlationId } = decodeRequestHeader(frame);
        asked.push(apiVersion);
        const own = { apiKey: 18, minVersion: 0, maxVersion: 2 };
        if (apiVersion > 2) {
          const body = { errorCode: 35, apiKeys: [own] };
          return encodeResponse(apis.apiVersions, 0, correlationId, body);
        }
        const apiKeys = [own, { apiKey: 12, minVersion: 0, maxVersion: 3 }];
        return encodeResponse(apis.apiVersions, apiVersion, correlationId, {
          errorCode: 0,
          apiKeys,
        });
      },
    );
    opened.push(listener);
    const channel = await channelTo(listener.port);
    expect(asked).toEqual([4, 2]);
    expect(channel.version(apis.heartbeat)).toBe(3);
    await expect(
      channel.send(apis.produce, { acks: 1, timeoutMs: 1, topicData: [] }),
    ).rejects.toThrow(UnsupportedVersion);
  });

  test('asks nothing when versions are fixed', async () => {
    const versions: number[] = [];
    const fake = await broker({
      apiVersions: () => 'close',
      heartbeat: (_, { version }) => {
        versions.push(version);
        return { errorCode: 0 };
      },
    });
    const channel = await channelTo(fake.port, { versions: () => 3 });
    await channel.send(apis.heartbeat, heartbeat);
    const newest = await channelTo(fake.port, { versions: 'newest' });
    await newest.send(apis.heartbeat, heartbeat);
    expect(versions).toEqual([3, 4]);
  });

  test('pipelines requests and gives each its own response', async () => {
    const fake = await broker({
      heartbeat: ({ generationId }) => ({ errorCode: generationId }),
    });
    const channel = await channelTo(fake.port);
    const responses = await Promise.all(
      [1, 2, 3, 4].map((generationId) =>
        channel.send(apis.heartbeat, { ...heartbeat, generationId }),
      ),
    );
    expect(responses.map(({ errorCode }) => errorCode)).toEqual([1, 2, 3, 4]);
    expect(channel.inFlightCount).toBe(0);
  });

  test('tells a refused dial from other failures', async () => {
    const fake = await broker(answered(0));
    const { port } = fake;
    await fake.close();
    const failure = await channelTo(port).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ChannelClosed);
    expect(failure).toMatchObject({ isRefused: true, isUnsent: true });
  });

  test('rejects everything in flight when the connection ends', async () => {
    const fake = await broker({ heartbeat: () => 'close' });
    const channel = await channelTo(fake.port);
    const closed = new Promise<void>((resolve) => channel.onClose(resolve));
    const results = await Promise.allSettled([
      channel.send(apis.heartbeat, heartbeat),
      channel.send(apis.heartbeat, heartbeat),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { isUnsent: false } });
    }
    await closed;
    expect(channel.isClosed).toBe(true);
    await expect(channel.send(apis.heartbeat, heartbeat)).rejects.toMatchObject({ isUnsent: true });
  });

  test('gives the connection up when a response is overdue', async () => {
    const fake = await broker({ heartbeat: () => new Promise(() => {}) });
    const channel = await channelTo(fake.port);
    const results = await Promise.allSettled([
      channel.send(apis.heartbeat, heartbeat, { timeoutMs: 20 }),
      channel.send(apis.heartbeat, heartbeat),
    ]);
    expect(results.map((result) => result.status === 'rejected' && result.reason)).toEqual([
      expect.any(RequestTimeout),
      expect.any(ChannelClosed),
    ]);
  });

  test('ends when the peer sends what nobody asked for', async () => {
    const listener = await openListener(system, { name: 'BAD', host: '127.0.0.1', port: 0 }, () => [
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 99]),
    ]);
    opened.push(listener);
    const channel = await channelTo(listener.port, { versions: 'newest' });
    await expect(channel.send(apis.heartbeat, heartbeat)).rejects.toThrow(ChannelClosed);
  });

  test('sends without waiting for a response when there is none', async () => {
    const fake = await broker({ ...answered(0), produce: () => null });
    const channel = await channelTo(fake.port);
    channel.sendOneWay(apis.produce, { acks: 0, timeoutMs: 1000, topicData: [] });
    await channel.send(apis.heartbeat, heartbeat);
    expect(fake.calls).toEqual(['produce', 'heartbeat']);
  });

  test('is closed when the answer about versions cannot be read', async () => {
    const listener = await openListener(
      system,
      { name: 'T', host: '127.0.0.1', port: 0 },
      (frame) => {
        const answer = Buffer.alloc(14);
        answer.writeInt32BE(10, 0);
        // The request's correlation id, no error, and an array longer than the frame.
        frame.copy(answer, 4, 4, 8);
        answer.writeInt32BE(0x7fff_ffff, 10);
        return [answer];
      },
    );
    opened.push(listener);
    await expect(channelTo(listener.port)).rejects.toBeInstanceOf(ChannelClosed);
    while (listener.connectionCount > 0) await system.clock.sleep(1);
  });
});
