/**
 * The settings zookeeper.ssl.*: whether the broker speaks TLS with ZooKeeper, and how (KafkaConfig and ZooKeeper's
 * ClientX509Util). Which client carries it is not their concern: zookeeper.clientCnxnSocket need not be set.
 */
import type { TlsSettings } from '../../system/tls.ts';
import { splitList } from './setting.ts';

type Text = (name: string) => string | null;

/** Null: without TLS. */
export const zooKeeperTls = (text: Text): TlsSettings | null => {
  if (text('zookeeper.ssl.client.enable') !== 'true') return null;
  const enabled = splitList(text('zookeeper.ssl.enabled.protocols') ?? '');
  const identification = text('zookeeper.ssl.endpoint.identification.algorithm') ?? '';
  return {
    keystore: store(text, 'keystore'),
    truststore: store(text, 'truststore'),
    // ZooKeeper enables the version of the context alone where no list is given.
    protocols: enabled.length > 0 ? enabled : [text('zookeeper.ssl.protocol') ?? 'TLSv1.2'],
    cipherSuites: splitList(text('zookeeper.ssl.cipher.suites') ?? ''),
    checksHostName: identification.trim().toUpperCase() === 'HTTPS',
  };
};

const store = (text: Text, kind: 'keystore' | 'truststore'): TlsSettings['keystore'] => {
  const location = text(`zookeeper.ssl.${kind}.location`) ?? '';
  if (location === '') return null;
  return {
    location,
    password: text(`zookeeper.ssl.${kind}.password`),
    type: text(`zookeeper.ssl.${kind}.type`),
  };
};
