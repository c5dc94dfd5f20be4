import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  isrChangeNotificationZnode,
  logDirEventNotificationZnode,
  preferredReplicaElectionZnode,
  reassignPartitionsZnode,
} from '../../zookeeper/admin-znodes.ts';
import {
  configChangeZnode,
  configZnode,
  desanitizeName,
  sanitizeName,
} from '../../zookeeper/config-znodes.ts';
import { ZnodeFormatError } from '../../zookeeper/znode-json.ts';
import {
  brokerIdZnode,
  clusterIdZnode,
  consumerOffsetZnode,
  controllerEpochZnode,
  controllerZnode,
  featureZnode,
  partitionStateZnode,
  producerIdBlockZnode,
  sequenceNumberOf,
  topicZnode,
} from '../../zookeeper/znodes.ts';

interface Sample {
  readonly dump: string;
  readonly path: string;
  readonly data: string;
}

/** What Apache Kafka 3.9.1 wrote. */
const samples: Sample[] = JSON.parse(
  readFileSync(join(process.cwd(), 'test/fixtures/zookeeper/znodes.json'), 'utf8'),
);

/** Decodes and encodes again, by path; the path, too, comes from the znode. */
const roundTrip = ({ dump, path, data }: Sample): { path: string; data: string } => {
  const bytes = Buffer.from(data);
  const isOld = dump === 'ibp-2.6' || dump === 'isr-change-notification';
  const names = path.split('/').slice(1);
  const [first = '', second = '', third = ''] = names;
  const suffix = names.at(-1)?.replace(/^.*_/, '') ?? '';
  const of = (path: string, encoded: Buffer) => ({ path, data: encoded.toString() });
  const partition = Number(names[4]);
  switch (`${first}/${first === 'config' && second !== 'changes' ? '' : second}`) {
    case 'brokers/ids':
      return of(
        brokerIdZnode.path(Number(third)),
        brokerIdZnode.encode(brokerIdZnode.decode(bytes), isOld ? 4 : 5),
      );
    case 'brokers/topics':
      return names.length === 3
        ? of(topicZnode.path(third), topicZnode.encode(topicZnode.decode(bytes)))
        : of(
            partitionStateZnode.path(third, partition),
            partitionStateZnode.encode(partitionStateZnode.decode(bytes)),
          );
    case 'cluster/id':
      return of(clusterIdZnode.path, clusterIdZnode.encode(clusterIdZnode.decode(bytes)));
    case 'config/':
      return of(
        configZnode.path(names.slice(1).join('/')),
        configZnode.encode(configZnode.decode(bytes)),
      );
    case 'config/changes':
      return of(
        configChangeZnode.path(suffix),
        configChangeZnode.encode(configChangeZnode.decode(bytes)),
      );
    case 'controller/': {
      const { brokerId, kraftControllerEpoch } = controllerZnode.decode(bytes);
      const timestampMs = Number(JSON.parse(data).timestamp);
      return of(
        controllerZnode.path,
        controllerZnode.encode(brokerId, timestampMs, kraftControllerEpoch),
      );
    }
    case 'controller_epoch/':
      return of(
        controllerEpochZnode.path,
        controllerEpochZnode.encode(controllerEpochZnode.decode(bytes)),
      );
    case 'feature/':
      return of(featureZnode.path, featureZnode.encode(featureZnode.decode(bytes), isOld ? 1 : 2));
    case 'latest_producer_id_block/':
      return of(
        producerIdBlockZnode.path,
        producerIdBlockZnode.encode(producerIdBlockZnode.decode(bytes)),
      );
    case `isr_change_notification/${second}`:
      return of(
        isrChangeNotificationZnode.path(suffix),
        isrChangeNotificationZnode.encode(isrChangeNotificationZnode.decode(bytes)),
      );
    case `log_dir_event_notification/${second}`:
      return of(
        logDirEventNotificationZnode.path(suffix),
        logDirEventNotificationZnode.encode(logDirEventNotificationZnode.decode(bytes)),
      );
    case 'admin/preferred_replica_election':
      return of(
        preferredReplicaElectionZnode.path,
        preferredReplicaElectionZnode.encode(preferredReplicaElectionZnode.decode(bytes)),
      );
    case 'admin/reassign_partitions':
      return of(
        reassignPartitionsZnode.path,
        reassignPartitionsZnode.encode(reassignPartitionsZnode.decode(bytes)),
      );
    default:
      throw new Error(`no znode for ${path}`);
  }
};

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe('znodes', () => {
  test.each(samples)('$path of $dump is written as Kafka wrote it', (sample) => {
    expect(roundTrip(sample)).toEqual({ path: sample.path, data: sample.data });
  });

  test('a registration is read with its endpoints, whatever its version', () => {
    const decode = (value: object) => brokerIdZnode.decode(bytes(value));
    const common = { jmx_port: 9999, timestamp: '1729500000000', host: 'h', port: 9092 };
    const plain = { listener: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 };
    expect(decode({ ...common, version: 1 })).toEqual({
      endpoints: [plain],
      rack: null,
      jmxPort: 9999,
      timestampMs: 1729500000000,
      features: {},
    });
    expect(
      decode({ ...common, version: 3, endpoints: ['PLAINTEXT://h:9092'], rack: null }).endpoints,
    ).toEqual([plain]);
    expect(
      decode({
        ...common,
        version: 5,
        endpoints: ['in://[::1]:1', 'OUT://:2'],
        listener_security_protocol_map: { IN: 'SASL_SSL', OUT: 'SSL' },
        rack: 'r',
        features: { f: { min_version: 1, max_version: 3 } },
      }),
    ).toMatchObject({
      endpoints: [
        { listener: 'IN', host: '::1', port: 1, securityProtocol: 3 },
        { listener: 'OUT', host: '', port: 2, securityProtocol: 1 },
      ],
      rack: 'r',
      features: { f: { min: 1, max: 3 } },
    });
  });

  test('a registration without a PLAINTEXT listener says so; IPv6 hosts stand in brackets', () => {
    const data = brokerIdZnode.encode({
      endpoints: [{ listener: 'IN', host: '::1', port: 1, securityProtocol: 3 }],
      rack: 'r',
      jmxPort: -1,
      timestampMs: 7,
      features: {},
    });
    expect(data.toString()).toBe(
      '{"features":{},"listener_security_protocol_map":{"IN":"SASL_SSL"},"endpoints":["IN://[::1]:1"],' +
        '"rack":"r","jmx_port":-1,"port":-1,"host":null,"version":5,"timestamp":"7"}',
    );
  });

  test('a registration that makes no sense is refused', () => {
    const good = {
      version: 5,
      host: 'h',
      port: 1,
      jmx_port: -1,
      timestamp: '1',
      endpoints: ['PLAINTEXT://h:1'],
    };
    expect(brokerIdZnode.decode(bytes(good)).endpoints).toHaveLength(1);
    const bad = [
      { version: 0 },
      { version: '5' },
      { jmx_port: '1' },
      { jmx_port: 1.5 },
      { timestamp: 1 },
      { endpoints: ['h:1'] },
      { endpoints: ['OTHER://h:1'] },
      { endpoints: ['PLAINTEXT://h:1', 'plaintext://h:2'] },
      { endpoints: undefined },
    ];
    for (const change of bad) {
      expect(() => brokerIdZnode.decode(bytes({ ...good, ...change }))).toThrow(ZnodeFormatError);
    }
    expect(() => brokerIdZnode.decode(Buffer.alloc(0))).toThrow(ZnodeFormatError);
    expect(() => brokerIdZnode.decode(bytes([]))).toThrow(ZnodeFormatError);
  });

  test('a partition that recovers says so, a recovered one does not', () => {
    const state = { leader: 1, leaderEpoch: 4, isr: [1], controllerEpoch: 2 } as const;
    const recovering = partitionStateZnode.encode({ ...state, leaderRecoveryState: 1 });
    expect(JSON.parse(recovering.toString()).leader_recovery_state).toBe(1);
    expect(partitionStateZnode.decode(recovering)).toEqual({ ...state, leaderRecoveryState: 1 });
    const recovered = partitionStateZnode.encode({ ...state, leaderRecoveryState: 0 });
    expect(recovered.toString()).not.toContain('recovery');
  });

  test('old topics are read without replicas being moved and without an id', () => {
    expect(topicZnode.decode(bytes({ version: 1, partitions: { '0': [1, 2] } }))).toEqual({
      topicId: null,
      partitions: new Map([[0, { replicas: [1, 2], addingReplicas: [], removingReplicas: [] }]]),
    });
  });

  test('the controller of an older version has no KRaft epoch', () => {
    const data = bytes({ version: 1, brokerid: 3, timestamp: '1' });
    expect(controllerZnode.decode(data)).toEqual({ brokerId: 3, kraftControllerEpoch: -1 });
  });

  test('features keep their levels; senseless ones are refused', () => {
    const features = { isEnabled: true, features: { f: 3 } };
    expect(featureZnode.decode(featureZnode.encode(features))).toEqual(features);
    expect(featureZnode.decode(featureZnode.encode(features, 1))).toEqual(features);
    const decode = (value: object) => () => featureZnode.decode(bytes(value));
    expect(decode({ version: 3, status: 1, features: {} })).toThrow(ZnodeFormatError);
    expect(decode({ version: 2, status: 2, features: {} })).toThrow(ZnodeFormatError);
    expect(decode({ version: 2, status: 1 })).toThrow(ZnodeFormatError);
    expect(decode({ version: 2, status: 1, features: { f: { max_version_level: 0 } } })).toThrow(
      ZnodeFormatError,
    );
    expect(decode({ version: 1, status: 1, features: { f: { max_version_level: 1 } } })).toThrow(
      ZnodeFormatError,
    );
  });

  test('producer ids keep all 64 bits', () => {
    const block = {
      brokerId: 1,
      firstProducerId: 9223372036854774000n,
      lastProducerId: 9223372036854774999n,
    };
    expect(producerIdBlockZnode.decode(producerIdBlockZnode.encode(block))).toEqual(block);
  });

  test('config changes of version 1 are understood, later ones refused', () => {
    const old = { version: 1, entity_type: 'topics', entity_name: 't' };
    expect(configChangeZnode.decode(bytes(old))).toBe('topics/t');
    expect(() => configChangeZnode.decode(bytes({ version: 3, entity_path: 'a' }))).toThrow(
      ZnodeFormatError,
    );
    expect(configZnode.decode(null)).toEqual(new Map());
  });

  test('names are sanitized as Java encodes forms, apart from space and asterisk', () => {
    const pairs = [
      ['user with space/é', 'user%20with%20space%2F%C3%A9'],
      ["a*b~c!d'e(f)g", 'a%2Ab%7Ec%21d%27e%28f%29g'],
      ['plain-._', 'plain-._'],
      ['CN=a,O=b', 'CN%3Da%2CO%3Db'],
    ] as const;
    for (const [name, sanitized] of pairs) {
      expect(sanitizeName(name)).toBe(sanitized);
      expect(desanitizeName(sanitized)).toBe(name);
    }
  });

  test('an unknown key in a reassignment is refused, elsewhere ignored', () => {
    const entry = { topic: 't', partition: 0, replicas: [1] };
    const decode = (value: object) => reassignPartitionsZnode.decode(bytes(value));
    expect(decode({ version: 1, partitions: [entry] })).toEqual([entry]);
    expect(() => decode({ version: 1, partitions: [{ ...entry, x: 1 }] })).toThrow(
      ZnodeFormatError,
    );
    expect(() => decode({ version: 1, partitions: [entry], x: 1 })).toThrow(ZnodeFormatError);
    expect(clusterIdZnode.decode(bytes({ version: '1', id: 'i', x: 1 }))).toBe('i');
  });

  test('sequence numbers are read from names, offsets are plain text', () => {
    expect(sequenceNumberOf('isr_change_0000000012', 'isr_change_')).toBe(12);
    expect(() => sequenceNumberOf('other_1', 'isr_change_')).toThrow(ZnodeFormatError);
    expect(consumerOffsetZnode.path('g', 't', 1)).toBe('/consumers/g/offsets/t/1');
    expect(consumerOffsetZnode.decode(consumerOffsetZnode.encode(42))).toBe(42);
  });
});
