/**
 * InitProducerId: an id for an idempotent producer. Transactional ids have no coordinator in this
 * release yet: their producers are told that it is not available, and give up at their own time
 * limit.
 */
import { apis, type ResponseOf } from '../../protocol/apis.ts';
import { errorCodes } from '../../protocol/errors.ts';
import { handler } from './handler.ts';

type InitProducerIdResponse = ResponseOf<typeof apis.initProducerId>;

export const initProducerIdHandler = handler(apis.initProducerId, (services, request) => {
  const { transactionalId, producerId, producerEpoch } = request;
  if ((producerId === -1) !== (producerEpoch === -1)) return refusal(errorCodes.INVALID_REQUEST);
  if (transactionalId === '') return refusal(errorCodes.INVALID_REQUEST);
  if (transactionalId !== null) return refusal(errorCodes.COORDINATOR_NOT_AVAILABLE);
  // Whatever the producer had before: a new id is always right.
  const id = services.producerIds.next();
  if (id === null) return refusal(errorCodes.COORDINATOR_LOAD_IN_PROGRESS);
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, producerId: id, producerEpoch: 0 };
});

const refusal = (errorCode: number): InitProducerIdResponse => ({
  throttleTimeMs: 0,
  errorCode,
  producerId: -1,
  producerEpoch: -1,
});
