/**
 * FindCoordinator: which broker serves a group or a transactional id, by the leader of its
 * partition. Creates the internal topic when it is missing, whatever auto.create.topics.enable
 * says. Share groups (KIP-932) have no coordinator in this release.
 */
import { apis, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes, errorOf } from '../../protocol/errors.ts';
import { coordinatorPartition } from '../groups/partition-for.ts';
import { CONSUMER_OFFSETS, TRANSACTION_STATE } from '../internal-topics.ts';
import type { Services } from '../services.ts';
import { handler, type RequestContext } from './handler.ts';

const KEY_TYPE_GROUP = 0;
const KEY_TYPE_TRANSACTION = 1;
const KEY_TYPE_SHARE = 2;
/** The first version with several keys in one request. */
const BATCHED_VERSION = 4;
const SHARE_VERSION = 6;

interface Found {
  readonly errorCode: number;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

type FindCoordinatorResponse = ResponseOf<typeof apis.findCoordinator>;

const notFound = (errorCode: number): Found => ({ errorCode, nodeId: -1, host: '', port: -1 });

export const findCoordinatorHandler = handler(
  apis.findCoordinator,
  async (services, request, context): Promise<FindCoordinatorResponse> => {
    const isBatched = context.apiVersion >= BATCHED_VERSION;
    const keys = isBatched ? request.coordinatorKeys : [request.key];
    const found: Found[] = [];
    for (const key of keys) found.push(await find(services, context, request.keyType, key));
    if (isBatched) {
      return {
        coordinators: found.map((answer, index) => ({
          ...answer,
          key: keys[index] ?? '',
          errorMessage: isUnknownType(request.keyType) ? messageOf(answer.errorCode) : '',
        })),
      };
    }
    const [answer = notFound(errorCodes.INVALID_REQUEST)] = found;
    return { ...answer, errorMessage: messageOf(answer.errorCode) };
  },
);

const messageOf = (errorCode: number): string =>
  errorCode === errorCodes.NONE ? 'NONE' : errorOf(errorCode).message;

const isUnknownType = (keyType: number): boolean =>
  keyType !== KEY_TYPE_GROUP && keyType !== KEY_TYPE_TRANSACTION && keyType !== KEY_TYPE_SHARE;

const find = async (
  services: Services,
  context: RequestContext,
  keyType: number,
  key: string,
): Promise<Found> => {
  if (isUnknownType(keyType)) return notFound(errorCodes.INVALID_REQUEST);
  if (keyType === KEY_TYPE_SHARE) {
    return notFound(
      context.apiVersion < SHARE_VERSION
        ? errorCodes.INVALID_REQUEST
        : errorCodes.COORDINATOR_NOT_AVAILABLE,
    );
  }
  const { metadata } = services;
  const topic = keyType === KEY_TYPE_GROUP ? CONSUMER_OFFSETS : TRANSACTION_STATE;
  const partitionCount = metadata.partitionCount(topic);
  if (partitionCount === undefined) {
    // Clients ask again until the topic stands, so its creation need not be waited for.
    void ensureTopic(services, topic);
    return notFound(errorCodes.COORDINATOR_NOT_AVAILABLE);
  }
  const partition =
    keyType === KEY_TYPE_GROUP
      ? services.groups.partitionFor(key)
      : coordinatorPartition(key, partitionCount);
  const broker = metadata.aliveBroker(metadata.leaderOf(topic, partition), context.listenerName);
  if (broker === undefined) return notFound(errorCodes.COORDINATOR_NOT_AVAILABLE);
  const { id, host, port } = broker;
  return { errorCode: errorCodes.NONE, nodeId: id, host, port };
};

const ensureTopic = async ({ system, topics }: Services, topic: string): Promise<void> => {
  try {
    const errorCode = await topics.ensureInternalTopic(topic);
    if (errorCode !== errorCodes.NONE)
      system.logger.warn({ topic, errorCode }, 'an internal topic could not be created');
  } catch (error) {
    system.logger.warn({ err: error, topic }, 'an internal topic could not be created');
  }
};
