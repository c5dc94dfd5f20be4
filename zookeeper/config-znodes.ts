/**
 * Dynamic configs and their change notifications below /config. An entity is named by its path there:
 * `topics/t`, `brokers/1`, `brokers/<default>`, `users/u`, `users/u/clients/c`, `clients/c`, `ips/1.2.3.4`.
 * Names of users, clients and ips are sanitized; the literal `<default>` never is.
 */
import {
  asInt,
  asObject,
  asString,
  decodeJson,
  encodeJson,
  ZnodeFormatError,
} from './znode-json.ts';

export type ConfigRoot = 'topics' | 'brokers' | 'users' | 'clients' | 'ips';

/** The name of the entity that stands for all without their own. */
export const DEFAULT_ENTITY = '<default>';

/** A user, client or ip as the name of a znode: Java's form encoding with `%20` and `%2A` (Kafka's Sanitizer). */
export const sanitizeName = (name: string): string =>
  encodeURIComponent(name).replace(
    /[!~*'()]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** The name behind a sanitized one. */
export const desanitizeName = (name: string): string =>
  decodeURIComponent(name.replaceAll('+', '%20'));

/** The entities of one kind are its children. */
export const configRootZnode = { path: (root: ConfigRoot): string => `/config/${root}` };

export const configZnode = {
  path: (entityPath: string): string => `/config/${entityPath}`,
  encode: (config: ReadonlyMap<string, string>): Buffer =>
    encodeJson({ version: 1, config: Object.fromEntries(config) }),
  /** Null data, as with the parents of deeper entities, is an empty config. */
  decode: (data: Buffer | null): Map<string, string> => {
    if (data === null) return new Map();
    const { config = {} } = decodeJson(data);
    const entries = Object.entries(asObject(config, 'config'));
    return new Map(entries.map(([key, value]) => [key, asString(value, key)]));
  },
};

export const configChangesZnode = { path: '/config/changes' };

/** Sequential; brokers read the entity again, and remove the notification after 15 minutes. */
export const configChangeZnode = {
  prefix: 'config_change_',
  path: (suffix = ''): string => `/config/changes/config_change_${suffix}`,
  encode: (entityPath: string): Buffer => encodeJson({ version: 2, entity_path: entityPath }),
  /** The path of the entity that has changed. */
  decode: (data: Buffer): string => {
    const { version, entity_type, entity_name, entity_path } = decodeJson(data);
    switch (asInt(version, 'version')) {
      case 1: {
        const type = asString(entity_type, 'entity_type');
        if (type !== 'topics' && type !== 'clients') throw new ZnodeFormatError('entity_type');
        return `${type}/${asString(entity_name, 'entity_name')}`;
      }
      case 2:
        return asString(entity_path, 'entity_path');
      default:
        throw new ZnodeFormatError('version of a config change');
    }
  },
};
