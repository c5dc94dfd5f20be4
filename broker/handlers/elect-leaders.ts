/**
 * ElectLeaders: on the active controller alone; for each partition elected the request waits until
 * this broker's metadata cache shows the new leader (requests sheet §14, KIP-183, KIP-460).
 */
import { apis, type RequestOf, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import type { Services } from '../services.ts';
import { handler } from './handler.ts';

type ElectLeadersRequest = RequestOf<typeof apis.electLeaders>;
type ElectLeadersResponse = ResponseOf<typeof apis.electLeaders>;

const PREFERRED = 0;
const UNCLEAN = 1;

export const electLeadersHandler = handler(
  apis.electLeaders,
  async (services, request, context): Promise<ElectLeadersResponse> => {
    const electionType = context.apiVersion === 0 ? PREFERRED : request.electionType;
    if (electionType !== PREFERRED && electionType !== UNCLEAN)
      throw new ProtocolError(errorCodes.UNKNOWN_SERVER_ERROR);
    if (!services.controller.isActive) return notController(services, request);
    const response = await services.controller.electLeaders(request, context.apiVersion);
    return awaitLeaders(services, response, {
      isUnclean: electionType === UNCLEAN,
      timeoutMs: request.timeoutMs,
    });
  },
);

/** The top level says nothing of it: each partition does. */
const notController = (
  { metadata }: Services,
  request: ElectLeadersRequest,
): ElectLeadersResponse => {
  const everything = (): NonNullable<ElectLeadersRequest['topicPartitions']> =>
    Array.from(metadata.topicNames(), (topic) => ({
      topic,
      partitions: [...(metadata.partitions(topic)?.keys() ?? [])],
    }));
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    replicaElectionResults: (request.topicPartitions ?? everything()).map(
      ({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map((partitionId) => ({
          partitionId,
          errorCode: errorCodes.NOT_CONTROLLER,
          errorMessage: null,
        })),
      }),
    ),
  };
};

const awaitLeaders = async (
  services: Services,
  response: ElectLeadersResponse,
  options: { readonly isUnclean: boolean; readonly timeoutMs: number },
): Promise<ElectLeadersResponse> => {
  const elected = response.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult
      .filter(({ errorCode }) => errorCode === errorCodes.NONE)
      .map(({ partitionId }) => ({ topic, partition: partitionId })),
  );
  const isElected = (topic: string, partition: number): boolean => {
    const known = services.metadata.partition(topic, partition);
    if (known === undefined) return false;
    return options.isUnclean ? known.leader >= 0 : known.leader === known.replicas[0];
  };
  const isDone = await services.topicWaits.wait(
    elected.map(({ topic }) => topic),
    () => elected.every(({ topic, partition }) => isElected(topic, partition)),
    options.timeoutMs,
  );
  if (isDone) return response;
  return {
    ...response,
    replicaElectionResults: response.replicaElectionResults.map(({ topic, partitionResult }) => ({
      topic,
      partitionResult: partitionResult.map((result) =>
        result.errorCode !== errorCodes.NONE || isElected(topic, result.partitionId)
          ? result
          : { ...result, errorCode: errorCodes.REQUEST_TIMED_OUT },
      ),
    })),
  };
};
