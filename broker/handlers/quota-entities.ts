/**
 * What quotas can be set for: a user, a client, both together, or an address; each by name or, as
 * null, for all without quotas of their own. Where they stand in ZooKeeper, and which keys they
 * have (security sheet §5.1).
 */
import {
  configRootZnode,
  DEFAULT_ENTITY,
  desanitizeName,
  sanitizeName,
} from '../../zookeeper/config-znodes.ts';
import type { ZooKeeperClient } from '../../zookeeper/session.ts';
import { childrenOf } from './entity-configs.ts';

export const entityTypes = ['user', 'client-id', 'ip'] as const;
export type EntityType = (typeof entityTypes)[number];

/** A type that is left out is not part of the entity; null is its default. */
export type QuotaEntity = { readonly [T in EntityType]?: string | null };

const integralKeys: ReadonlyMap<string, 'LONG' | 'INT'> = new Map([
  ['producer_byte_rate', 'LONG'],
  ['consumer_byte_rate', 'LONG'],
  ['connection_creation_rate', 'INT'],
]);

export const quotaKeys: Readonly<Record<'client' | 'ip', ReadonlySet<string>>> = {
  client: new Set([
    'producer_byte_rate',
    'consumer_byte_rate',
    'request_percentage',
    'controller_mutation_rate',
  ]),
  ip: new Set(['connection_creation_rate']),
};

/** The type of a key that holds a whole number; undefined for the others. */
export const integralType = (key: string): 'LONG' | 'INT' | undefined => integralKeys.get(key);

/** The entity's path below /config. */
export const pathOf = (entity: QuotaEntity): string => {
  const { user, ip } = entity;
  const clientId = entity['client-id'];
  if (ip !== undefined) return `ips/${znodeName(ip)}`;
  if (user === undefined) return `clients/${znodeName(clientId ?? null)}`;
  const userPath = `users/${znodeName(user)}`;
  return clientId === undefined ? userPath : `${userPath}/clients/${znodeName(clientId)}`;
};

const znodeName = (name: string | null): string =>
  name === null ? DEFAULT_ENTITY : sanitizeName(name);

const entityName = (znode: string): string | null =>
  znode === DEFAULT_ENTITY ? null : desanitizeName(znode);

/** Every entity that has a znode, with quotas or without. */
export const listEntities = async (zookeeper: ZooKeeperClient): Promise<QuotaEntity[]> => {
  const entities: QuotaEntity[] = [];
  const usersPath = configRootZnode.path('users');
  for (const child of await childrenOf(zookeeper, usersPath)) {
    const user = entityName(child);
    entities.push({ user });
    for (const client of await childrenOf(zookeeper, `${usersPath}/${child}/clients`))
      entities.push({ user, 'client-id': entityName(client) });
  }
  for (const child of await childrenOf(zookeeper, configRootZnode.path('clients')))
    entities.push({ 'client-id': entityName(child) });
  for (const child of await childrenOf(zookeeper, configRootZnode.path('ips')))
    entities.push({ ip: entityName(child) });
  return entities;
};
