import { parseBrokerConfig } from '../../../broker/config.ts';
import { missingProtection } from '../../../broker/missing-protection.ts';

const parse = (settings: Record<string, string>) =>
  parseBrokerConfig(new Map([['zookeeper.connect', 'localhost:2181'], ...Object.entries(settings)]))
    .config;

const on = { 'zookeeper.ssl.client.enable': 'true' };

describe('zookeeper.ssl.*', () => {
  test('mean nothing until TLS is on', () => {
    const config = parse({
      'zookeeper.ssl.keystore.location': 'client.p12',
      'zookeeper.ssl.crl.enable': 'true',
    });
    expect(config.zookeeperTls).toBeNull();
    expect(missingProtection(config)).toBeNull();
  });

  test('have the defaults of Kafka', () => {
    expect(parse(on).zookeeperTls).toEqual({
      keystore: null,
      truststore: null,
      protocols: ['TLSv1.2'],
      cipherSuites: [],
      checksHostName: true,
    });
  });

  test('are read as Kafka reads them', () => {
    const config = parse({
      ...on,
      'zookeeper.clientCnxnSocket': 'org.apache.zookeeper.ClientCnxnSocketNetty',
      'zookeeper.ssl.keystore.location': 'client.p12',
      'zookeeper.ssl.keystore.password': 'secret',
      'zookeeper.ssl.truststore.location': 'trust',
      'zookeeper.ssl.truststore.type': 'JKS',
      'zookeeper.ssl.enabled.protocols': 'TLSv1.3, TLSv1.2',
      'zookeeper.ssl.cipher.suites': 'TLS_AES_128_GCM_SHA256',
      'zookeeper.ssl.endpoint.identification.algorithm': '',
    });
    expect(config.zookeeperTls).toEqual({
      keystore: { location: 'client.p12', password: 'secret', type: null },
      truststore: { location: 'trust', password: null, type: 'JKS' },
      protocols: ['TLSv1.3', 'TLSv1.2'],
      cipherSuites: ['TLS_AES_128_GCM_SHA256'],
      checksHostName: false,
    });
    expect(parse({ ...on, 'zookeeper.ssl.protocol': 'TLSv1.3' }).zookeeperTls?.protocols).toEqual([
      'TLSv1.3',
    ]);
  });

  test('a broker that is to guard its nodes needs a key store to log in with', () => {
    const guard = { ...on, 'zookeeper.set.acl': 'true' };
    expect(missingProtection(parse(guard))).toContain('zookeeper.set.acl is on');
    const withStore = { ...guard, 'zookeeper.ssl.keystore.location': 'client.p12' };
    expect(missingProtection(parse(withStore))).toBeNull();
  });

  test.each(['zookeeper.ssl.crl.enable', 'zookeeper.ssl.ocsp.enable'])(
    'a broker that is to look for revoked certificates (%s) does not start',
    (name) => {
      expect(missingProtection(parse({ ...on, [name]: 'true' }))).toContain(`${name} is set`);
      expect(missingProtection(parse(on))).toBeNull();
    },
  );
});
