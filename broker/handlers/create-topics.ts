/**
 * CreateTopics: on the active controller alone. Checks that need no ZooKeeper, then the controller
 * makes the topics, then the request waits until this broker's metadata cache shows leaders for all
 * of them (requests sheet §12.1).
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { topicEntries } from '../config/config-entries.ts';
import type { TopicResult, TopicToCreate } from '../controller-api.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';
import { awaitTopics, hasLeaders } from './topic-outcomes.ts';

type CreateTopicsRequest = RequestOf<typeof apis.createTopics>;
type RequestedTopic = CreateTopicsRequest['topics'][number];
type CreateTopicsResponse = ResponseOf<typeof apis.createTopics>;
type TopicResponse = CreateTopicsResponse['topics'][number];

const CLUSTER_METADATA = '__cluster_metadata';

export const createTopicsHandler = handler(
  apis.createTopics,
  async (services, request): Promise<CreateTopicsResponse> => {
    const { topics, timeoutMs, validateOnly } = request;
    if (!services.controller.isActive)
      return { topics: topics.map(({ name }) => refusal(name, errorCodes.NOT_CONTROLLER, '')) };
    const counts = new Map<string, number>();
    for (const { name } of topics) counts.set(name, (counts.get(name) ?? 0) + 1);
    const refusals = new Map<RequestedTopic, TopicResponse>();
    for (const topic of topics) {
      const refused = judge(services, topic, (counts.get(topic.name) ?? 0) > 1);
      if (refused !== null) refusals.set(topic, refused);
    }
    const accepted = topics.filter((topic) => !refusals.has(topic));
    const results = await services.controller.createTopics(accepted.map(toCreate), {
      validateOnly,
    });
    const outcomes = await awaitTopics(services, results, {
      timeoutMs: validateOnly ? null : timeoutMs,
      isDone: ({ name, numPartitions }) => hasLeaders(services, name, numPartitions ?? 1),
    });
    const byName = new Map(outcomes.map((result) => [result.name, result]));
    return {
      topics: topics.map(
        (topic) => refusals.get(topic) ?? respond(services, topic, byName.get(topic.name)),
      ),
    };
  },
);

const refusal = (name: string, errorCode: number, errorMessage: string | null): TopicResponse => ({
  name,
  errorCode,
  errorMessage,
  configs: [],
});

/** Why a topic is refused without asking ZooKeeper, or null. */
const judge = (
  { metadata }: Services,
  { name, configs }: RequestedTopic,
  isRepeated: boolean,
): TopicResponse | null => {
  if (name === CLUSTER_METADATA) {
    const message = `Creation of internal topic ${CLUSTER_METADATA} is prohibited.`;
    return refusal(name, errorCodes.INVALID_REQUEST, message);
  }
  if (isRepeated)
    return refusal(name, errorCodes.INVALID_REQUEST, 'Found multiple entries for this topic.');
  if (metadata.hasTopic(name))
    return refusal(name, errorCodes.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  const withoutValue = configs.filter(({ value }) => value === null);
  if (withoutValue.length === 0) return null;
  const names = withoutValue.map((config) => config.name).join(',');
  const message = `Null value not supported for topic configs: ${names}`;
  return refusal(name, errorCodes.INVALID_CONFIG, message);
};

const toCreate = (topic: RequestedTopic): TopicToCreate => ({
  name: topic.name,
  numPartitions: topic.numPartitions,
  replicationFactor: topic.replicationFactor,
  assignments: topic.assignments,
  configs: new Map(topic.configs.map(({ name, value }) => [name, value ?? ''])),
});

const respond = (
  services: Services,
  topic: RequestedTopic,
  result: TopicResult | undefined,
): TopicResponse => {
  if (result === undefined) return refusal(topic.name, errorCodes.UNKNOWN_SERVER_ERROR, null);
  const { name, errorCode, errorMessage, topicId, numPartitions, replicationFactor } = result;
  if (errorCode !== errorCodes.NONE) return refusal(name, errorCode, errorMessage);
  return {
    name,
    ...(topicId === undefined ? {} : { topicId }),
    errorCode,
    errorMessage: null,
    numPartitions: numPartitions ?? -1,
    replicationFactor: replicationFactor ?? -1,
    configs: configsOf(services, topic),
  };
};

/** All settings of the new topic, with the level each comes from. */
const configsOf = (
  { dynamicConfig }: Services,
  topic: RequestedTopic,
): NonNullable<TopicResponse['configs']> =>
  topicEntries(dynamicConfig, toCreate(topic).configs).map(
    ({ name, value, readOnly, configSource, isSensitive }) => ({
      name,
      value,
      readOnly,
      configSource,
      isSensitive,
    }),
  );
