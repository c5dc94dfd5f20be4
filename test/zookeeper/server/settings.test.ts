import { parseProperties } from '../../../broker/config/properties.ts';
import { readServerProperties } from '../../../zookeeper/server/settings.ts';

const read = (text: string) => readServerProperties(parseProperties(text));

test('a file with nothing but dataDir gives the defaults of ZooKeeper', () => {
  expect(read('dataDir=/data')).toEqual({
    warnings: [],
    options: {
      host: '0.0.0.0',
      port: 2181,
      dataDir: '/data',
      tickTimeMs: 3000,
      minSessionTimeoutMs: 6000,
      maxSessionTimeoutMs: 60_000,
      connectionsPerAddressMax: 60,
      connectionsMax: 0,
      snapshotTransactionCount: 100_000,
      snapshotsKept: 3,
      purgeIntervalMs: null,
      outstandingRequestsMax: 1000,
      frameBytesMax: 1_048_575,
      extendedTypesEnabled: false,
      enforceQuota: false,
      reconfigEnabled: false,
      containerCheckIntervalMs: 60_000,
      words: null,
      syncs: true,
      superDigest: null,
      admin: null,
    },
  });
});

test('every setting has its effect', () => {
  const { options, warnings } = read(
    [
      'clientPort=2182',
      'clientPortAddress=127.0.0.1',
      'clientPortListenBacklog=7',
      'dataDir = /data ',
      'dataLogDir=/logs',
      'tickTime=2000',
      'minSessionTimeout=-1',
      'maxSessionTimeout=90000',
      'maxClientCnxns=0',
      'maxCnxns=9',
      'snapCount=500',
      'snapSizeLimitInKb=100',
      'autopurge.snapRetainCount=1',
      'autopurge.purgeInterval=2',
      'globalOutstandingLimit=50',
      'jute.maxbuffer=4194304',
      'extendedTypesEnabled=TRUE',
      'enforceQuota=true',
      'reconfigEnabled=true',
      'znode.container.checkIntervalMs=500',
      '4lw.commands.whitelist=stat, ruok',
      'admin.enableServer=true',
      'admin.serverPort=8081',
      'admin.serverAddress=127.0.0.1',
      'admin.commandURL=/zk/',
      'forceSync=no',
      'DigestAuthenticationProvider.superDigest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs=',
    ].join('\n'),
  );
  expect(warnings).toEqual([]);
  expect(options).toEqual({
    host: '127.0.0.1',
    port: 2182,
    backlog: 7,
    dataDir: '/data',
    dataLogDir: '/logs',
    tickTimeMs: 2000,
    minSessionTimeoutMs: 4000,
    maxSessionTimeoutMs: 90_000,
    connectionsPerAddressMax: 0,
    connectionsMax: 9,
    snapshotTransactionCount: 500,
    logBytesMax: 102_400,
    snapshotsKept: 3,
    purgeIntervalMs: 7_200_000,
    outstandingRequestsMax: 50,
    frameBytesMax: 4_194_304,
    extendedTypesEnabled: true,
    enforceQuota: true,
    reconfigEnabled: true,
    containerCheckIntervalMs: 500,
    words: ['stat', 'ruok'],
    admin: { host: '127.0.0.1', port: 8081, path: '/zk' },
    syncs: false,
    superDigest: 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=',
  });
});

test('the file that comes with Kafka is read without a word', () => {
  const text =
    'dataDir=/tmp/zookeeper\nclientPort=2181\nmaxClientCnxns=0\nadmin.enableServer=false\n';
  expect(read(text).warnings).toEqual([]);
});

test('settings of an ensemble that say nothing to a single node pass, unknown ones warn', () => {
  const text = 'dataDir=/data\ninitLimit=5\nsyncLimit=2\nsnapCuont=7\n';
  expect(read(text).warnings).toEqual([
    'snapCuont is not a setting of this server and has no effect.',
  ]);
});

test.each([
  ['', 'dataDir is missing: name a folder for the data in it.'],
  ['dataDir=', 'dataDir is empty: name a folder in it.'],
  ['clientPort=70000', 'clientPort must be a whole number from 0 to 65535, not "70000".'],
  ['tickTime=2s', 'tickTime must be a whole number from 1 to 2147483647, not "2s".'],
  ['forceSync=false', 'forceSync must be yes or no, not "false".'],
  ['extendedTypesEnabled=1', 'extendedTypesEnabled must be true or false, not "1".'],
  ['admin.commandURL=x', 'admin.commandURL must be a path such as /commands, not "x".'],
  [
    'minSessionTimeout=9000\nmaxSessionTimeout=8000',
    'minSessionTimeout (9000) must not be above maxSessionTimeout (8000).',
  ],
  [
    'server.1=a:2888:3888',
    'server.1 belongs to an ensemble, and this server is a single node: take such lines out, or run Apache ZooKeeper.',
  ],
  [
    'secureClientPort=2281',
    'secureClientPort asks for TLS, which this server does not have: use clientPort.',
  ],
])('"%s" is refused in one sentence', (line, sentence) => {
  const text = line.includes('dataDir') || line === '' ? line : `dataDir=/data\n${line}`;
  expect(() => read(text)).toThrow(sentence);
});

test('a word that does not exist is named', () => {
  expect(() => read('dataDir=/data\n4lw.commands.whitelist=ruok,foo')).toThrow('"foo"');
  expect(read('dataDir=/data\n4lw.commands.whitelist=ruok,*').options.words).toBeNull();
});
