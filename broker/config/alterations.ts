/**
 * Altering stored configs: AlterConfigs, which replaces all settings of a resource, and
 * IncrementalAlterConfigs (KIP-133, KIP-339). One resource's failure leaves the others alone. What
 * is written takes effect when every broker has read it.
 */
import { errorCodes, errorOf, ProtocolError } from '../../protocol/errors.ts';
import { DEFAULT_ENTITY } from '../../zookeeper/config-znodes.ts';
import type { Services } from '../services.ts';
import { brokerSettings } from './broker-settings.ts';
import { readConfig, writeConfig } from './config-store.ts';
import { ConfigError, type Setting, splitList } from './setting.ts';
import { topicSettings } from './topic-config-table.ts';
import { checkTopicConfigs } from './topic-configs.ts';

export const resourceTypes = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
} as const;

const typeNames: Readonly<Record<number, string>> = {
  2: 'TOPIC',
  4: 'BROKER',
  8: 'BROKER_LOGGER',
  16: 'CLIENT_METRICS',
};

export const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export interface Alteration {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly {
    readonly name: string;
    readonly value: string | null;
    /** Absent in AlterConfigs. */
    readonly configOperation?: number;
  }[];
}

export interface Outcome {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export interface AlterOptions {
  readonly isIncremental: boolean;
  readonly validateOnly: boolean;
}

/**
 * Carries out what may be carried out, one resource after the other; answers in the order of the
 * request.
 */
export const alterConfigs = async (
  services: Services,
  alterations: readonly Alteration[],
  options: AlterOptions,
): Promise<Outcome[]> => {
  const keyOf = ({ resourceType, resourceName }: Alteration): string =>
    `${resourceType} ${resourceName}`;
  const counts = new Map<string, number>();
  for (const key of alterations.map(keyOf)) counts.set(key, (counts.get(key) ?? 0) + 1);
  const outcomes: Outcome[] = [];
  for (const alteration of alterations) {
    const isTwice = counts.get(keyOf(alteration)) !== 1;
    const { resourceType, resourceName } = alteration;
    const refusal = isTwice
      ? refusalOf(invalidRequest('Each resource must appear at most once.'))
      : await services.configWrites.run(() => attempt(services, alteration, options));
    outcomes.push({ resourceType, resourceName, ...refusal });
  }
  return outcomes;
};

type Refusal = Pick<Outcome, 'errorCode' | 'errorMessage'>;

const invalidRequest = (message: string): ProtocolError =>
  new ProtocolError(errorCodes.INVALID_REQUEST, message);

/** The default text of a code is not sent. */
const refusalOf = ({ code, message }: ProtocolError): Refusal => ({
  errorCode: code,
  errorMessage: message === errorOf(code).message ? null : message,
});

const attempt = async (
  services: Services,
  alteration: Alteration,
  options: AlterOptions,
): Promise<Refusal> => {
  try {
    checkShape(alteration);
    await alter(services, alteration, options);
    return { errorCode: errorCodes.NONE, errorMessage: null };
  } catch (error) {
    if (error instanceof ProtocolError) return refusalOf(error);
    const { resourceType, resourceName } = alteration;
    if (error instanceof ConfigError) {
      const resource = `ConfigResource(type=${typeNames[resourceType]}, name='${resourceName}')`;
      return {
        errorCode: errorCodes.INVALID_CONFIG,
        errorMessage: `Invalid config value for resource ${resource}: ${error.message}`,
      };
    }
    services.system.logger.error({ err: error, resourceType, resourceName }, 'altering failed');
    return { errorCode: errorCodes.UNKNOWN_SERVER_ERROR, errorMessage: null };
  }
};

const checkShape = ({ configs }: Alteration): void => {
  if (new Set(configs.map(({ name }) => name)).size < configs.length)
    throw invalidRequest('Error due to duplicate config keys');
  const nulls = configs.filter(
    ({ value, configOperation }) => value === null && configOperation !== operations.delete,
  );
  if (nulls.length > 0)
    throw invalidRequest(
      `Null value not supported for : ${nulls.map(({ name }) => name).join(', ')}`,
    );
};

const alter = (
  services: Services,
  alteration: Alteration,
  options: AlterOptions,
): Promise<void> | void => {
  switch (alteration.resourceType) {
    case resourceTypes.topic:
      return alterTopic(services, alteration, options);
    case resourceTypes.broker:
      return alterBroker(services, alteration, options);
    case resourceTypes.brokerLogger:
      if (options.isIncremental) return alterLoggers(services, alteration, options);
      break;
    case resourceTypes.clientMetrics:
      throw invalidRequest(
        'AlterConfigs is only supported for topics and brokers, ' +
          'but resource type is CLIENT_METRICS',
      );
  }
  throw invalidRequest(`Unknown resource type ${alteration.resourceType}`);
};

const alterTopic = async (
  { zookeeper, metadata, dynamicConfig }: Services,
  alteration: Alteration,
  options: AlterOptions,
): Promise<void> => {
  const topic = alteration.resourceName;
  if (topic === '') throw invalidRequest('Default topic resources are not allowed.');
  if (!metadata.hasTopic(topic))
    throw new ProtocolError(
      errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
      `The topic '${topic}' does not exist.`,
    );
  const entityPath = `topics/${topic}`;
  const stored = options.isIncremental ? await readConfig(zookeeper, entityPath) : new Map();
  const next = altered(alteration, stored, topicSettings);
  checkTopicConfigs(next, dynamicConfig.current.values);
  if (!options.validateOnly) await writeConfig(zookeeper, entityPath, next);
};

/** A broker takes settings for itself, and with the empty name those of the whole cluster. */
const alterBroker = async (
  { zookeeper, dynamicConfig }: Services,
  alteration: Alteration,
  options: AlterOptions,
): Promise<void> => {
  const isForOneBroker = alteration.resourceName !== '';
  if (isForOneBroker) checkOwnId(alteration.resourceName, dynamicConfig.brokerId);
  const entity = isForOneBroker ? String(dynamicConfig.brokerId) : DEFAULT_ENTITY;
  const stored = options.isIncremental ? await dynamicConfig.stored(entity) : new Map();
  const next = altered(alteration, stored, brokerSettings);
  try {
    dynamicConfig.check(next, isForOneBroker);
  } catch (error) {
    if (error instanceof ConfigError) throw invalidRequest(error.message);
    throw error;
  }
  if (options.validateOnly) return;
  await writeConfig(zookeeper, `brokers/${entity}`, dynamicConfig.toStored(next));
};

const alterLoggers = (
  { dynamicConfig: { brokerId, loggers } }: Services,
  { resourceName, configs }: Alteration,
  { validateOnly }: AlterOptions,
): void => {
  checkOwnId(resourceName, brokerId);
  const levels = configs.map(({ name, value, configOperation }) => {
    switch (configOperation) {
      case operations.set:
        return { name, level: value };
      case operations.delete:
        return { name, level: null };
      case operations.append:
      case operations.subtract: {
        const operation = configOperation === operations.append ? 'APPEND' : 'SUBTRACT';
        throw invalidRequest(
          `${operation} operation is not allowed for the BROKER_LOGGER resource`,
        );
      }
      default:
        throw unknownOperation(configOperation);
    }
  });
  for (const { name, level } of levels) loggers.check(name, level);
  if (!validateOnly) for (const { name, level } of levels) loggers.set(name, level);
};

const checkOwnId = (name: string, brokerId: number): void => {
  if (!/^[+-]?\d{1,10}$/.test(name))
    throw invalidRequest(`Node id must be an integer, but it is: ${name}`);
  if (Number(name) !== brokerId)
    throw invalidRequest(`Unexpected broker id, expected ${brokerId}, but received ${name}`);
};

const unknownOperation = (code: number | undefined): ProtocolError =>
  invalidRequest(`Unknown operations type ${code}`);

/** The settings after the alteration; `stored` is empty when all are replaced. */
export const altered = (
  { configs }: Alteration,
  stored: ReadonlyMap<string, string>,
  settings: ReadonlyMap<string, Setting>,
): Map<string, string> => {
  const next = new Map(stored);
  for (const { name, value, configOperation = operations.set } of configs) {
    const given = value ?? '';
    switch (configOperation) {
      case operations.set:
        next.set(name, given);
        break;
      case operations.delete:
        next.delete(name);
        break;
      case operations.append: {
        const before = listBefore(name, next, settings, 'append');
        const added = splitList(given).filter((item) => !before.includes(item));
        next.set(name, [...before, ...added].join(','));
        break;
      }
      case operations.subtract: {
        const removed = splitList(given);
        const before = listBefore(name, next, settings, 'subtract');
        next.set(name, before.filter((item) => !removed.includes(item)).join(','));
        break;
      }
      default:
        throw unknownOperation(configOperation);
    }
  }
  return next;
};

/** The stored list, else the default of the table; what the broker's file says does not count. */
const listBefore = (
  name: string,
  stored: ReadonlyMap<string, string>,
  settings: ReadonlyMap<string, Setting>,
  operation: string,
): string[] => {
  const setting = settings.get(name);
  if (setting === undefined) throw new ProtocolError(errorCodes.UNKNOWN_SERVER_ERROR);
  if (setting.type !== 'list')
    throw new ProtocolError(
      errorCodes.INVALID_CONFIG,
      `Config value ${operation} is not allowed for config key: ${name}`,
    );
  return splitList(stored.get(name) ?? setting.defaultText ?? '').filter((item) => item !== '');
};
