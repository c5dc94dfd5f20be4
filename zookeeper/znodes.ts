/**
 * Every znode of the cluster, its brokers, topics and controller: one object each that owns path, encoding and
 * decoding (Kafka's ZkData). Bytes are those of Kafka 3.9 down to the order of keys, which no reader depends on.
 * "No data" (null) is not the business of a decoder unless it says so. Configs: config-znodes.ts.
 */
import { securityProtocols } from '../protocol/security-protocols.ts';
import {
  asArray,
  asDecimal,
  asInt,
  asInts,
  asObject,
  asString,
  decodeJson,
  encodeJson,
  type JsonObject,
  ZnodeFormatError,
} from './znode-json.ts';

/** What a broker makes at start, with parents and null data; what exists already is left alone. */
export const persistentPaths: readonly string[] = [
  '/consumers',
  '/brokers/ids',
  '/brokers/topics',
  '/config/changes',
  '/admin/delete_topics',
  '/brokers/seqid',
  '/isr_change_notification',
  '/latest_producer_id_block',
  '/log_dir_event_notification',
  '/config/topics',
  '/config/clients',
  '/config/users',
  '/config/brokers',
  '/config/ips',
];

/** The number at the end of a sequential node's name. */
export const sequenceNumberOf = (name: string, prefix: string): number => {
  const digits = name.slice(prefix.length);
  if (!name.startsWith(prefix) || !/^-?\d+$/.test(digits)) {
    throw new ZnodeFormatError(`${name} is no ${prefix} node`);
  }
  return Number(digits);
};

/** The version of the format, which must be at least 1. */
const versionOf = (json: JsonObject): number => {
  const version = asInt(json.version, 'version');
  if (version < 1) throw new ZnodeFormatError(`version ${version}`);
  return version;
};

export const clusterIdZnode = {
  path: '/cluster/id',
  encode: (clusterId: string): Buffer => encodeJson({ version: '1', id: clusterId }),
  decode: (data: Buffer): string => asString(decodeJson(data).id, 'id'),
};

/** Its version after setting empty data is the number that makes a broker id. */
export const brokerSequenceZnode = { path: '/brokers/seqid' };

export const brokerIdsZnode = { path: '/brokers/ids' };

export interface BrokerEndpoint {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  /** An index into `securityProtocols`. */
  readonly securityProtocol: number;
}

export interface BrokerRegistration {
  /** The advertised listeners, in order. */
  readonly endpoints: readonly BrokerEndpoint[];
  readonly rack: string | null;
  /** -1 for none. */
  readonly jmxPort: number;
  readonly timestampMs: number;
  /** None with a broker in ZooKeeper mode. */
  readonly features: Readonly<Record<string, { readonly min: number; readonly max: number }>>;
}

/** Ephemeral; made with null data and then set, both in one multi; its czxid is the broker epoch. */
export const brokerIdZnode = {
  path: (brokerId: number): string => `/brokers/ids/${brokerId}`,
  /** `version`: 5 from inter.broker.protocol.version 2.7 on, 4 before, 2 before 0.10.0. */
  encode: (broker: BrokerRegistration, version: 5 | 4 | 2 = 5): Buffer => {
    const plain = broker.endpoints.find(({ securityProtocol }) => securityProtocol === 0);
    return encodeJson({
      ...(version < 5 ? {} : { features: featureRanges(broker.features) }),
      ...(version < 4 ? {} : { listener_security_protocol_map: protocolMap(broker.endpoints) }),
      endpoints: broker.endpoints.map(endpointText),
      ...(version < 3 || broker.rack === null ? {} : { rack: broker.rack }),
      jmx_port: broker.jmxPort,
      port: plain?.port ?? -1,
      host: plain?.host ?? null,
      version,
      timestamp: String(broker.timestampMs),
    });
  },
  decode: (data: Buffer): BrokerRegistration => {
    const json = decodeJson(data);
    const version = versionOf(json);
    const endpoints =
      version === 1
        ? [plainEndpoint(json)]
        : decodeEndpoints(json.endpoints, json.listener_security_protocol_map);
    return {
      endpoints,
      rack: json.rack === undefined || json.rack === null ? null : asString(json.rack, 'rack'),
      jmxPort: asInt(json.jmx_port, 'jmx_port'),
      timestampMs: Number(asDecimal(json.timestamp, 'timestamp')),
      features: json.features === undefined ? {} : decodeFeatureRanges(json.features),
    };
  },
};

const featureRanges = (features: BrokerRegistration['features']): object =>
  Object.fromEntries(
    Object.entries(features).map(([name, { min, max }]) => [
      name,
      { min_version: min, max_version: max },
    ]),
  );

const decodeFeatureRanges = (value: unknown): BrokerRegistration['features'] =>
  Object.fromEntries(
    Object.entries(asObject(value, 'features')).map(([name, range]) => {
      const { min_version, max_version } = asObject(range, name);
      return [
        name,
        { min: asInt(min_version, 'min_version'), max: asInt(max_version, 'max_version') },
      ];
    }),
  );

const protocolMap = (endpoints: readonly BrokerEndpoint[]): object =>
  Object.fromEntries(
    endpoints.map(({ listener, securityProtocol }) => [
      listener,
      securityProtocols[securityProtocol],
    ]),
  );

const endpointText = ({ listener, host, port }: BrokerEndpoint): string =>
  `${listener}://${host.includes(':') ? `[${host}]` : host}:${port}`;

const plainEndpoint = ({ host, port }: JsonObject): BrokerEndpoint => ({
  listener: 'PLAINTEXT',
  host: asString(host, 'host'),
  port: asInt(port, 'port'),
  securityProtocol: 0,
});

const decodeEndpoints = (value: unknown, map: unknown): BrokerEndpoint[] => {
  const protocols = new Map<string, string>(
    map === undefined
      ? securityProtocols.map((name) => [name, name])
      : Object.entries(asObject(map, 'listener_security_protocol_map')).map(([name, protocol]) => [
          name.toUpperCase(),
          asString(protocol, name),
        ]),
  );
  const endpoints = asArray(value, 'endpoints').map((item) => {
    const text = asString(item, 'endpoint');
    const match = /^([^:/]+):\/\/(?:\[([^\]]*)\]|([^:]*)):(-?\d+)$/.exec(text);
    const listener = match?.[1]?.toUpperCase() ?? '';
    const securityProtocol = (securityProtocols as readonly string[]).indexOf(
      protocols.get(listener) ?? '',
    );
    if (match === null || securityProtocol === -1) throw new ZnodeFormatError(`endpoint ${text}`);
    return { listener, host: match[2] ?? match[3] ?? '', port: Number(match[4]), securityProtocol };
  });
  if (new Set(endpoints.map(({ listener }) => listener)).size < endpoints.length) {
    throw new ZnodeFormatError('two endpoints of one listener');
  }
  return endpoints;
};

export interface ControllerRegistration {
  readonly brokerId: number;
  /** Above 0: a KRaft controller is in charge of a migration; -1 otherwise. */
  readonly kraftControllerEpoch: number;
}

/** Ephemeral: whoever creates it, in one multi with the controller epoch, is the controller. */
export const controllerZnode = {
  path: '/controller',
  encode: (brokerId: number, timestampMs: number, kraftControllerEpoch = -1): Buffer =>
    encodeJson({
      version: 2,
      brokerid: brokerId,
      timestamp: String(timestampMs),
      kraftControllerEpoch,
    }),
  decode: (data: Buffer): ControllerRegistration => {
    const { brokerid, kraftControllerEpoch = -1 } = decodeJson(data);
    return {
      brokerId: asInt(brokerid, 'brokerid'),
      kraftControllerEpoch: asInt(kraftControllerEpoch, 'kraftControllerEpoch'),
    };
  },
};

/** Decimal text; created as 0, raised by every election. Every write of a controller checks its znode version. */
export const controllerEpochZnode = {
  path: '/controller_epoch',
  encode: (epoch: number): Buffer => Buffer.from(String(epoch)),
  decode: (data: Buffer): number => Number(asDecimal(data.toString(), 'controller epoch')),
};

export interface FinalizedFeatures {
  readonly isEnabled: boolean;
  /** Level by feature; none in a cluster without KRaft. */
  readonly features: Readonly<Record<string, number>>;
}

export const featureZnode = {
  path: '/feature',
  /** `version`: 2 from inter.broker.protocol.version 3.3 on, else 1. */
  encode: ({ isEnabled, features }: FinalizedFeatures, version: 2 | 1 = 2): Buffer => {
    const levels = Object.entries(features).map(([name, level]) => [
      name,
      version === 2
        ? { max_version_level: level }
        : { min_version_level: level, max_version_level: level },
    ]);
    return encodeJson({
      features: Object.fromEntries(levels),
      version,
      status: isEnabled ? 1 : 0,
    });
  },
  decode: (data: Buffer): FinalizedFeatures => {
    const json = decodeJson(data);
    const version = versionOf(json);
    const status = asInt(json.status, 'status');
    if (version > 2 || status < 0 || status > 1) throw new ZnodeFormatError('version or status');
    const levels = Object.entries(asObject(json.features, 'features')).map(([name, value]) => {
      const range = asObject(value, name);
      const max = asInt(range.max_version_level, 'max_version_level');
      const min = version === 1 ? asInt(range.min_version_level, 'min_version_level') : max;
      if (min < 1 || max < min) throw new ZnodeFormatError(`levels of ${name}`);
      return [name, max];
    });
    return { isEnabled: status === 1, features: Object.fromEntries(levels) };
  },
};

export interface ProducerIdBlock {
  readonly brokerId: number;
  readonly firstProducerId: bigint;
  /** Inclusive. */
  readonly lastProducerId: bigint;
}

/** Null data before the first block. */
export const producerIdBlockZnode = {
  path: '/latest_producer_id_block',
  encode: ({ brokerId, firstProducerId, lastProducerId }: ProducerIdBlock): Buffer =>
    encodeJson({
      version: 1,
      broker: brokerId,
      block_start: String(firstProducerId),
      block_end: String(lastProducerId),
    }),
  decode: (data: Buffer): ProducerIdBlock => {
    const { broker, block_start, block_end } = decodeJson(data);
    return {
      brokerId: asInt(broker, 'broker'),
      firstProducerId: asDecimal(block_start, 'block_start'),
      lastProducerId: asDecimal(block_end, 'block_end'),
    };
  },
};

export const topicsZnode = { path: '/brokers/topics' };

export interface ReplicaAssignment {
  /** All replicas in order, those being added and removed included. */
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

export interface TopicAssignment {
  /** null in clusters older than 2.8. */
  readonly topicId: string | null;
  readonly partitions: ReadonlyMap<number, ReplicaAssignment>;
}

/** Always written as a whole, as version 3 even without a topic id. */
export const topicZnode = {
  path: (topic: string): string => `/brokers/topics/${topic}`,
  encode: ({ topicId, partitions }: TopicAssignment): Buffer => {
    const lists = (name: keyof ReplicaAssignment, withEmpty: boolean) =>
      Object.fromEntries(
        [...partitions]
          .map(([index, assignment]) => [index, assignment[name]] as const)
          .filter(([, replicas]) => withEmpty || replicas.length > 0),
      );
    return encodeJson({
      partitions: lists('replicas', true),
      ...(topicId === null ? {} : { topic_id: topicId }),
      adding_replicas: lists('addingReplicas', false),
      removing_replicas: lists('removingReplicas', false),
      version: 3,
    });
  },
  decode: (data: Buffer): TopicAssignment => {
    const json = decodeJson(data);
    const adding = asObject(json.adding_replicas ?? {}, 'adding_replicas');
    const removing = asObject(json.removing_replicas ?? {}, 'removing_replicas');
    const entries = Object.entries(asObject(json.partitions ?? {}, 'partitions'));
    const partitions = entries.map(([index, replicas]): [number, ReplicaAssignment] => [
      asInt(Number(index), 'partition'),
      {
        replicas: asInts(replicas, 'replicas'),
        addingReplicas: asInts(adding[index] ?? [], 'adding_replicas'),
        removingReplicas: asInts(removing[index] ?? [], 'removing_replicas'),
      },
    ]);
    return {
      topicId: json.topic_id === undefined ? null : asString(json.topic_id, 'topic_id'),
      partitions: new Map(partitions),
    };
  },
};

/** Null data. */
export const topicPartitionsZnode = {
  path: (topic: string): string => `/brokers/topics/${topic}/partitions`,
};

/** Null data. */
export const topicPartitionZnode = {
  path: (topic: string, partition: number): string =>
    `/brokers/topics/${topic}/partitions/${partition}`,
};

export interface PartitionState {
  /** -1: none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  /** 0 recovered, 1 recovering from an unclean election. */
  readonly leaderRecoveryState: 0 | 1;
  /** Of the controller that wrote it. */
  readonly controllerEpoch: number;
}

/** Its znode version is the partition epoch of all requests. */
export const partitionStateZnode = {
  path: (topic: string, partition: number): string =>
    `/brokers/topics/${topic}/partitions/${partition}/state`,
  encode: (state: PartitionState): Buffer =>
    encodeJson({
      controller_epoch: state.controllerEpoch,
      leader: state.leader,
      version: 1,
      ...(state.leaderRecoveryState === 0 ? {} : { leader_recovery_state: 1 }),
      leader_epoch: state.leaderEpoch,
      isr: state.isr,
    }),
  decode: (data: Buffer): PartitionState => {
    const json = decodeJson(data);
    const recovery = asInt(json.leader_recovery_state ?? 0, 'leader_recovery_state');
    if (recovery !== 0 && recovery !== 1) throw new ZnodeFormatError('leader_recovery_state');
    return {
      leader: asInt(json.leader, 'leader'),
      leaderEpoch: asInt(json.leader_epoch, 'leader_epoch'),
      isr: asInts(json.isr, 'isr'),
      leaderRecoveryState: recovery,
      controllerEpoch: asInt(json.controller_epoch, 'controller_epoch'),
    };
  },
};

/** Offsets of the oldest consumers, still served by OffsetCommit and OffsetFetch version 0. */
export const consumerOffsetZnode = {
  path: (group: string, topic: string, partition: number): string =>
    `/consumers/${group}/offsets/${topic}/${partition}`,
  encode: (offset: number): Buffer => Buffer.from(String(offset)),
  decode: (data: Buffer): number => Number(asDecimal(data.toString(), 'offset')),
};
