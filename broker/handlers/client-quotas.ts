/**
 * Client quotas of users, clients and addresses as they stand in ZooKeeper (KIP-546, security sheet
 * §5): described by filter, changed entity by entity. Any broker does it.
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { Services } from '../services.ts';
import { readEntity, writeEntity } from './entity-configs.ts';
import { handler } from './handler.ts';
import {
  type EntityType,
  entityTypes,
  integralType,
  listEntities,
  pathOf,
  type QuotaEntity,
  quotaKeys,
} from './quota-entities.ts';

type DescribeRequest = RequestOf<typeof apis.describeClientQuotas>;
type DescribeResponse = ResponseOf<typeof apis.describeClientQuotas>;
type AlterEntry = RequestOf<typeof apis.alterClientQuotas>['entries'][number];
type AlterResult = ResponseOf<typeof apis.alterClientQuotas>['entries'][number];
type Component = DescribeRequest['components'][number];

const EXACT = 0;
const DEFAULT = 1;
const ANY = 2;

export const describeClientQuotasHandler = handler(
  apis.describeClientQuotas,
  async (services, request): Promise<DescribeResponse> => {
    checkFilter(request);
    const entries: NonNullable<DescribeResponse['entries']>[number][] = [];
    for (const entity of await listEntities(services.zookeeper)) {
      if (!matches(entity, request)) continue;
      const config = (await readEntity(services.zookeeper, pathOf(entity))) ?? new Map();
      const values = [...config]
        .filter(([key]) => isQuotaKey(entity, key))
        .map(([key, text]) => ({ key, value: Number(text) }));
      if (values.length > 0) entries.push({ entity: components(entity), values });
    }
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, errorMessage: '', entries };
  },
);

const checkFilter = ({ components: asked }: DescribeRequest): void => {
  const types = asked.map(({ entityType }) => entityType);
  for (const { entityType, matchType } of asked) {
    if (entityType === '')
      throw new ProtocolError(
        errorCodes.INVALID_REQUEST,
        'Unexpected empty filter component entity type',
      );
    if (!isEntityType(entityType))
      throw new ProtocolError(
        errorCodes.UNSUPPORTED_VERSION,
        `Custom entity type '${entityType}' not supported`,
      );
    if (matchType !== EXACT && matchType !== DEFAULT && matchType !== ANY)
      throw new ProtocolError(errorCodes.INVALID_REQUEST, `Unexpected match type: ${matchType}`);
  }
  if (new Set(types).size < types.length)
    throw new ProtocolError(errorCodes.INVALID_REQUEST, 'Duplicate filter component entity type');
  if (types.includes('ip') && types.length > 1)
    throw new ProtocolError(
      errorCodes.INVALID_REQUEST,
      'Invalid entity filter component combination, IP filter component should not be used with ' +
        'user or clientId filter component.',
    );
};

const isEntityType = (text: string): text is EntityType =>
  (entityTypes as readonly string[]).includes(text);

const matches = (entity: QuotaEntity, { components: asked, strict }: DescribeRequest): boolean => {
  const isMatch = ({ entityType, matchType, match }: Component): boolean => {
    const name = isEntityType(entityType) ? entity[entityType] : undefined;
    if (name === undefined) return false;
    if (matchType === ANY) return true;
    return matchType === DEFAULT ? name === null : name === match;
  };
  return asked.every(isMatch) && (!strict || asked.length === components(entity).length);
};

const components = (entity: QuotaEntity): { entityType: EntityType; entityName: string | null }[] =>
  entityTypes.flatMap((entityType) => {
    const entityName = entity[entityType];
    return entityName === undefined ? [] : [{ entityType, entityName }];
  });

const isQuotaKey = (entity: QuotaEntity, key: string): boolean =>
  quotaKeys[entity.ip === undefined ? 'client' : 'ip'].has(key);

export const alterClientQuotasHandler = handler(
  apis.alterClientQuotas,
  async (services, { entries, validateOnly }) => {
    const results: AlterResult[] = [];
    // One after the other: an entity may come twice, and its znode is read before it is written.
    for (const entry of entries) {
      const result = await services.configWrites.run(() => alter(services, entry, validateOnly));
      results.push({ ...result, entity: entry.entity });
    }
    return { throttleTimeMs: 0, entries: results };
  },
);

const alter = async (
  { zookeeper }: Services,
  entry: AlterEntry,
  validateOnly: boolean,
): Promise<{ readonly errorCode: number; readonly errorMessage: string | null }> => {
  try {
    const entity = entityOf(entry);
    checkOperations(entity, entry);
    if (!validateOnly) {
      const config = (await readEntity(zookeeper, pathOf(entity))) ?? new Map<string, string>();
      for (const { key, value, remove } of entry.ops) {
        if (remove) config.delete(key);
        else config.set(key, textOf(key, value));
      }
      await writeEntity(zookeeper, pathOf(entity), config);
    }
    return { errorCode: errorCodes.NONE, errorMessage: null };
  } catch (error) {
    if (error instanceof ProtocolError)
      return { errorCode: error.code, errorMessage: error.message };
    throw error;
  }
};

const invalid = (message: string): ProtocolError =>
  new ProtocolError(errorCodes.INVALID_REQUEST, message);

const entityOf = (entry: AlterEntry): QuotaEntity => {
  if (entry.entity.length === 0) throw invalid('Invalid empty client quota entity');
  const entity: { [T in EntityType]?: string | null } = {};
  for (const { entityType, entityName } of entry.entity) {
    if (!isEntityType(entityType))
      throw invalid(`Unhandled client quota entity type: ${entityType}`);
    if (entityName === '') throw invalid(`Empty ${entityType} not supported`);
    entity[entityType] = entityName;
  }
  if (entity.ip !== undefined && entry.entity.length > 1)
    throw invalid(
      'Invalid quota entity combination, IP entity should not be used with user/client ID entity.',
    );
  if (typeof entity.ip === 'string' && !isAddress(entity.ip))
    throw invalid(`${entity.ip} is not a valid IP or resolvable host.`);
  return entity;
};

/** Names of hosts, which Kafka would look up, are taken as they are. */
const isAddress = (text: string): boolean => /^[a-zA-Z0-9.:%_-]+$/.test(text);

const checkOperations = (entity: QuotaEntity, { ops }: AlterEntry): void => {
  const seen = new Set<string>();
  for (const { key, value, remove } of ops) {
    if (seen.has(key)) throw invalid(`Duplicate quota key ${key}`);
    seen.add(key);
    if (!isQuotaKey(entity, key)) throw invalid(`Invalid configuration key ${key}`);
    if (!remove && integralType(key) && Math.abs(value - Math.round(value)) > 1e-6)
      throw invalid(`Configuration ${key} must be a ${integralType(key)} value`);
  }
};

/** Integers as such, doubles as Java prints them. */
const textOf = (key: string, value: number): string => {
  if (integralType(key)) return String(Math.round(value));
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
};
