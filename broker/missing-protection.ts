/**
 * Settings that ask for protection which is not built yet: TLS and SASL for clients, an authorizer. Whoever sets them relies on
 * them, so a broker that went on without would be open to everybody where its operator believes it closed.
 */
import { type BrokerConfig, textOf } from './config.ts';

/** Why a broker must not start with these settings, as a sentence; null when it may. */
export const missingProtection = (config: BrokerConfig): string | null => {
  const { authorizerClassName } = config;
  if (authorizerClassName !== null && authorizerClassName !== '')
    return 'authorizer.class.name is set, but there is no authorizer yet: take it out only if the broker may be open to everybody.';
  // Nodes of a session without a login are open to everybody; SASL is not built yet.
  if (config.zookeeperSetAcl && (config.zookeeperTls?.keystore ?? null) === null)
    return 'zookeeper.set.acl is on, but the broker has no login for ZooKeeper: set zookeeper.ssl.client.enable and zookeeper.ssl.keystore.location.';
  const revocation = ['zookeeper.ssl.crl.enable', 'zookeeper.ssl.ocsp.enable'].find(
    (name) => config.zookeeperTls !== null && textOf(config, name) === 'true',
  );
  if (revocation !== undefined)
    return `${revocation} is set, but whether a certificate was revoked is not looked up yet: take it out only if that need not be known.`;
  const guarded = [...config.listeners, ...config.advertisedListeners].find(
    ({ securityProtocol }) => securityProtocol !== 'PLAINTEXT',
  );
  if (guarded === undefined) return null;
  return `Listener ${guarded.name} asks for ${guarded.securityProtocol} (listener.security.protocol.map), but only PLAINTEXT is there yet: use it only if the broker may be open to everybody.`;
};
