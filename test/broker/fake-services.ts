/**
 * Services for handler tests: a metadata cache fed by an UpdateMetadata request, a clock that a
 * test moves, a controller and a ZooKeeper in memory. What a test does not name is absent and fails
 * when it is touched.
 */
import type { ControllerApi } from '../../broker/controller-api.ts';
import type { Handler, RequestContext } from '../../broker/handlers/handler.ts';
import { MetadataCache } from '../../broker/metadata-cache.ts';
import type { Services } from '../../broker/services.ts';
import { TopicWaits } from '../../broker/topic-waits.ts';
import { apis, type RequestInput, type RequestOf } from '../../protocol/apis.ts';
import { decode, encodeToBuffer } from '../../protocol/compile.ts';
import { createSerial } from '../../system/serial.ts';
import { zooKeeperCodes, zooKeeperErrorOf } from '../../zookeeper/errors.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { ManualClock, manualSystem } from '../support/manual-clock.ts';

export interface FakeTopic {
  readonly name: string;
  readonly topicId: string;
  /** Leader and replicas of each partition; the ISR is the replicas. */
  readonly partitions: readonly { readonly leader: number; readonly replicas: readonly number[] }[];
}

export const topicIdOf = (digit: number): string => `${String(digit).repeat(21)}A`;

const endpoint = (listener: string, port: number) => ({
  host: '127.0.0.1',
  port,
  listener,
  securityProtocol: 0,
});

/**
 * An UpdateMetadata request; brokers 1 to 3 listen on CLIENT, broker 3 has no INTERNAL listener.
 */
export const clusterUpdate = (
  topics: readonly FakeTopic[],
  brokerIds: readonly number[] = [1, 2, 3],
): RequestOf<typeof apis.updateMetadata> => {
  const body: RequestInput<typeof apis.updateMetadata> = {
    controllerId: 1,
    controllerEpoch: 1,
    brokerEpoch: -1n,
    topicStates: topics.map(({ name, topicId, partitions }) => ({
      topicName: name,
      topicId,
      partitionStates: partitions.map(({ leader, replicas }, partitionIndex) => ({
        partitionIndex,
        controllerEpoch: 1,
        leader,
        leaderEpoch: 4,
        isr: replicas,
        zkVersion: 7,
        replicas,
        offlineReplicas: [],
      })),
    })),
    liveBrokers: brokerIds.map((id) => ({
      id,
      endpoints: [
        endpoint('CLIENT', 9000 + id),
        ...(id === 3 ? [] : [endpoint('INTERNAL', 9100 + id)]),
      ],
      rack: `rack-${id}`,
    })),
  };
  const { request } = apis.updateMetadata;
  return decode(request, 8, encodeToBuffer(request, 8, body));
};

export const absent = <T extends object>(what: string, present: Partial<T> = {}): T =>
  new Proxy(present as T, {
    get: (target, name) => {
      // Promises ask everything they are resolved with whether it is one, too.
      if (name in target || name === 'then') return Reflect.get(target, name);
      throw new Error(`${what}.${String(name)} is absent in this test`);
    },
  });

export const fakeServices = (
  parts: Partial<Omit<Services, 'config' | 'controller'>> & {
    readonly config?: Partial<Services['config']>;
    readonly controller?: Partial<ControllerApi>;
  } = {},
): Services & { readonly clock: ManualClock } => {
  const clock = new ManualClock();
  return absent<Services & { readonly clock: ManualClock }>('services', {
    clock,
    system: manualSystem(clock),
    brokerId: 1,
    clusterId: 'a-cluster',
    metadata: new MetadataCache(),
    topicWaits: new TopicWaits(clock),
    configWrites: createSerial(),
    features: { epoch: 0, levels: {} },
    ...parts,
    config: absent('config', parts.config),
    controller: absent('controller', parts.controller),
  });
};

export const contextOf = (apiVersion: number, listenerName = 'CLIENT'): RequestContext => ({
  apiVersion,
  correlationId: 1,
  clientId: 'a-client',
  clientHost: '127.0.0.1',
  connectionId: 'a-connection',
  listenerName,
  principal: 'User:ANONYMOUS',
});

/**
 * Sends a request through its codec, calls the handler, and reads its response as a client would.
 */
export const call = async (
  entry: Handler,
  services: Services,
  version: number,
  body: object,
  listenerName = 'CLIENT',
): Promise<Record<string, unknown>> => {
  const { request, response } = entry.api;
  const decoded = decode(request, version, encodeToBuffer(request, version, body as never));
  const context = contextOf(version, listenerName);
  const answer = await entry.handle(services, decoded as never, context);
  if (answer === null) throw new Error('no response');
  const bytes = encodeToBuffer(response, version, answer as never);
  return decode(response, version, bytes) as Record<string, unknown>;
};

/** Nodes in a map; only what handlers use. */
export const memoryZooKeeper = (nodes = new Map<string, string>()): ZooKeeperClient => {
  const noNode = (path: string) => zooKeeperErrorOf(zooKeeperCodes.NO_NODE, path);
  let sequence = 0;
  return absent<ZooKeeperClient>('zookeeper', {
    getData: async (path) => {
      const text = nodes.get(path);
      if (text === undefined) throw noNode(path);
      return { data: Buffer.from(text), stat: absent('stat') };
    },
    setData: async (path, data) => {
      if (!nodes.has(path)) throw noNode(path);
      nodes.set(path, String(data));
      return absent('stat');
    },
    createRecursive: async (path, data) => {
      nodes.set(path, String(data));
      return path;
    },
    create: async (path, data, options) => {
      const isSequential = options?.mode === 'persistent-sequential';
      const name = isSequential ? `${path}${String(sequence++).padStart(10, '0')}` : path;
      nodes.set(name, String(data));
      return name;
    },
    delete: async (path) => {
      if (!nodes.delete(path)) throw noNode(path);
    },
    getChildren: async (path) => {
      const children = new Set<string>();
      for (const name of nodes.keys()) {
        if (name.startsWith(`${path}/`))
          children.add(name.slice(path.length + 1).split('/')[0] ?? '');
      }
      return { children: [...children], stat: absent('stat') };
    },
  });
};
