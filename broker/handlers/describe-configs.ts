/**
 * DescribeConfigs: the settings of topics, of this broker, of all brokers, and log levels (KIP-133,
 * KIP-226, KIP-412, KIP-569). What an entry says is decided in config/config-entries.ts.
 */
import { apis, type RequestOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { topicNameProblem } from '../../protocol/topic-names.ts';
import { resourceTypes } from '../config/alterations.ts';
import {
  brokerEntries,
  type ConfigEntry,
  clusterEntries,
  configSources,
  topicEntries,
} from '../config/config-entries.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';

type DescribeConfigsRequest = RequestOf<typeof apis.describeConfigs>;
type Resource = DescribeConfigsRequest['resources'][number];

export const describeConfigsHandler = handler(apis.describeConfigs, async (services, request) => {
  for (const { resourceType, resourceName } of request.resources)
    if (!Object.values<number>(resourceTypes).includes(resourceType))
      throw invalidRequest(`Unexpected resource type ${resourceType} for resource ${resourceName}`);
  return {
    throttleTimeMs: 0,
    results: await Promise.all(
      distinct(request.resources).map((resource) => describe(services, request, resource)),
    ),
  };
});

/**
 * Deviation: what is asked for twice is answered once. Kafka answers each, so that a small request, which names a broker many
 * thousand times, can take all its memory.
 */
const distinct = (resources: readonly Resource[]): Resource[] => [
  ...new Map(resources.map((resource) => [JSON.stringify(resource), resource])).values(),
];

const invalidRequest = (message: string): ProtocolError =>
  new ProtocolError(errorCodes.INVALID_REQUEST, message);

const describe = async (
  services: Services,
  request: DescribeConfigsRequest,
  resource: Resource,
) => {
  const { resourceType, resourceName } = resource;
  const answer = (errorCode: number, errorMessage: string, configs: readonly ConfigEntry[]) => ({
    errorCode,
    errorMessage,
    resourceType,
    resourceName,
    configs,
  });
  try {
    const entries = await entriesOf(services, resource);
    return answer(errorCodes.NONE, '', entries.filter(isWanted(resource)).map(shaped(request)));
  } catch (error) {
    if (error instanceof ProtocolError) return answer(error.code, error.message, []);
    services.system.logger.error({ err: error, resourceName }, 'describing configs failed');
    const failure = new ProtocolError(errorCodes.UNKNOWN_SERVER_ERROR);
    return answer(failure.code, failure.message, []);
  }
};

/** No names, or an empty list of them, ask for all; a name that does not exist is passed over. */
const isWanted =
  ({ configurationKeys }: Resource) =>
  ({ name }: ConfigEntry): boolean =>
    configurationKeys === null ||
    configurationKeys.length === 0 ||
    configurationKeys.includes(name);

const shaped =
  ({ includeSynonyms, includeDocumentation }: DescribeConfigsRequest) =>
  (entry: ConfigEntry): ConfigEntry => ({
    ...entry,
    synonyms: includeSynonyms ? entry.synonyms : [],
    documentation: includeDocumentation ? entry.documentation : null,
  });

const entriesOf = (
  services: Services,
  { resourceType, resourceName }: Resource,
): ConfigEntry[] | Promise<ConfigEntry[]> => {
  const { dynamicConfig } = services;
  switch (resourceType) {
    case resourceTypes.topic:
      return describeTopic(services, resourceName);
    case resourceTypes.broker:
      if (resourceName === '') return clusterEntries(dynamicConfig);
      checkOwnId(resourceName, dynamicConfig.brokerId, ' or empty string,');
      return brokerEntries(dynamicConfig);
    case resourceTypes.brokerLogger:
      if (resourceName === '') throw invalidRequest('Broker id must not be empty');
      checkOwnId(resourceName, dynamicConfig.brokerId, '');
      return dynamicConfig.loggers.all().map(([name, level]) => loggerEntry(name, level));
    default:
      throw invalidRequest('Config type client-metrics is only supported on KRaft clusters');
  }
};

const describeTopic = async (
  { metadata, topicConfigs, dynamicConfig }: Services,
  topic: string,
): Promise<ConfigEntry[]> => {
  const problem = topicNameProblem(topic);
  if (problem !== null) throw new ProtocolError(errorCodes.INVALID_TOPIC_EXCEPTION, problem);
  if (!metadata.hasTopic(topic)) throw new ProtocolError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, '');
  return topicEntries(dynamicConfig, await topicConfigs.overrides(topic));
};

const checkOwnId = (name: string, brokerId: number, alternative: string): void => {
  if (!/^[+-]?\d{1,10}$/.test(name))
    throw invalidRequest(`Broker id must be an integer, but it is: ${name}`);
  if (Number(name) !== brokerId)
    throw invalidRequest(
      `Unexpected broker id, expected ${brokerId}${alternative} but received ${name}`,
    );
};

const loggerEntry = (name: string, level: string): ConfigEntry => ({
  name,
  value: level,
  readOnly: false,
  isDefault: false,
  configSource: configSources.brokerLogger,
  isSensitive: false,
  synonyms: [],
  configType: 0,
  documentation: null,
});
