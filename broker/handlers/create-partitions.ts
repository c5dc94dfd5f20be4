/**
 * CreatePartitions: on the active controller alone; adds partitions to topics and waits until this
 * broker's metadata cache shows them with leaders (requests sheet §12.3).
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { handler } from './handler.ts';
import { awaitTopics, hasLeaders } from './topic-outcomes.ts';

type RequestedTopic = RequestOf<typeof apis.createPartitions>['topics'][number];
type CreatePartitionsResponse = ResponseOf<typeof apis.createPartitions>;

export const createPartitionsHandler = handler(
  apis.createPartitions,
  async (services, request): Promise<CreatePartitionsResponse> => {
    const { timeoutMs, validateOnly } = request;
    const byName = new Map<string, RequestedTopic>();
    const repeated = new Set<string>();
    for (const topic of request.topics) {
      if (byName.has(topic.name)) repeated.add(topic.name);
      byName.set(topic.name, topic);
    }
    if (!services.controller.isActive) {
      const errorCode = errorCodes.NOT_CONTROLLER;
      return {
        throttleTimeMs: 0,
        results: [...byName.keys()].map((name) => ({ name, errorCode })),
      };
    }
    const accepted = [...byName.values()].filter(({ name }) => !repeated.has(name));
    const results = await services.controller.createPartitions(accepted, { validateOnly });
    const outcomes = await awaitTopics(services, results, {
      timeoutMs: validateOnly ? null : timeoutMs,
      isDone: ({ name }) => hasLeaders(services, name, byName.get(name)?.count ?? 0),
    });
    return {
      throttleTimeMs: 0,
      results: [
        ...Array.from(repeated, (name) => ({
          name,
          errorCode: errorCodes.INVALID_REQUEST,
          errorMessage: 'Duplicate topic in request.',
        })),
        ...outcomes.map(({ name, errorCode, errorMessage }) => ({ name, errorCode, errorMessage })),
      ],
    };
  },
);
