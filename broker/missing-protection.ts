/**
 * Settings that ask for protection which is not built yet: TLS, SASL, an authorizer. Whoever sets them relies on them, so a
 * broker that went on without would be open to everybody where its operator believes it closed.
 */
import type { BrokerConfig } from './config.ts';

/** Why a broker must not start with these settings, as a sentence; null when it may. */
export const missingProtection = (config: BrokerConfig): string | null => {
  const { authorizerClassName } = config;
  if (authorizerClassName !== null && authorizerClassName !== '')
    return 'authorizer.class.name is set, but there is no authorizer yet: take it out only if the broker may be open to everybody.';
  const guarded = [...config.listeners, ...config.advertisedListeners].find(
    ({ securityProtocol }) => securityProtocol !== 'PLAINTEXT',
  );
  if (guarded === undefined) return null;
  return `Listener ${guarded.name} asks for ${guarded.securityProtocol} (listener.security.protocol.map), but only PLAINTEXT is there yet: use it only if the broker may be open to everybody.`;
};
