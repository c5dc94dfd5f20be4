/**
 * DeleteTopics: on the active controller alone; marks topics, by name or by id, for deletion and
 * waits until they have gone from this broker's metadata cache (requests sheet §12.2).
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { ZERO_UUID } from '../../protocol/uuid.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';
import { awaitTopics } from './topic-outcomes.ts';

type DeleteTopicsRequest = RequestOf<typeof apis.deleteTopics>;
type TopicResponse = ResponseOf<typeof apis.deleteTopics>['responses'][number];

/** The first versions with … */
const WITH_TOPIC_IDS = 6;
const WITH_DELETION_DISABLED = 3;

interface Asked {
  /** Null: the id is not known. */
  readonly name: string | null;
  readonly topicId: string;
}

export const deleteTopicsHandler = handler(
  apis.deleteTopics,
  async (services, request, context) => {
    const asked = askedTopics(request, context.apiVersion);
    const refused = refusesAll(services, context.apiVersion);
    if (refused !== null) return { responses: asked.map((topic) => response(topic, refused)) };
    for (const { name, topicId } of asked) {
      if (name !== null && topicId !== ZERO_UUID)
        throw new ProtocolError(
          errorCodes.INVALID_REQUEST,
          'Topic name and topic ID can not both be specified.',
        );
    }
    const topics = asked.map((topic) => resolved(services, topic));
    const names = new Set<string>();
    for (const { name } of topics)
      if (name !== null && services.metadata.hasTopic(name)) names.add(name);
    const results = await services.controller.deleteTopics([...names]);
    const outcomes = await awaitTopics(services, results, {
      timeoutMs: request.timeoutMs,
      isDone: ({ name }) => !services.metadata.hasTopic(name),
    });
    const codes = new Map(outcomes.map(({ name, errorCode }) => [name, errorCode]));
    return { responses: topics.map((topic) => response(topic, codeFor(topic, codes))) };
  },
);

const askedTopics = (request: DeleteTopicsRequest, apiVersion: number): readonly Asked[] =>
  apiVersion >= WITH_TOPIC_IDS
    ? request.topics
    : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));

const refusesAll = ({ controller, config }: Services, apiVersion: number): number | null => {
  if (!controller.isActive) return errorCodes.NOT_CONTROLLER;
  if (config.deleteTopicEnable) return null;
  return apiVersion < WITH_DELETION_DISABLED
    ? errorCodes.INVALID_REQUEST
    : errorCodes.TOPIC_DELETION_DISABLED;
};

const resolved = ({ metadata }: Services, { name, topicId }: Asked): Asked => ({
  name: topicId === ZERO_UUID ? name : (metadata.topicName(topicId) ?? null),
  topicId,
});

const codeFor = ({ name, topicId }: Asked, codes: ReadonlyMap<string, number>): number => {
  if (name === null && topicId !== ZERO_UUID) return errorCodes.UNKNOWN_TOPIC_ID;
  return codes.get(name ?? '') ?? errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
};

const response = ({ name, topicId }: Asked, errorCode: number): TopicResponse => ({
  name,
  topicId,
  errorCode,
});
