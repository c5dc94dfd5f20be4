/**
 * DescribeCluster: cluster id, controller and brokers on the listener that was asked (KIP-700,
 * requests sheet §11.1).
 */
import { apis } from '../../protocol/apis.ts';
import { errorCodes, ProtocolError } from '../../protocol/errors.ts';
import { CLUSTER_OPERATIONS, NOT_REQUESTED } from './authorized-operations.ts';
import { handler } from './handler.ts';

const BROKERS = 1;
const CONTROLLERS = 2;

export const describeClusterHandler = handler(
  apis.describeCluster,
  (services, request, context) => {
    checkEndpointType(request.endpointType, context.apiVersion);
    const { metadata, clusterId } = services;
    const brokers = metadata.aliveBrokers(context.listenerName);
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      clusterId,
      controllerId: brokers.some(({ id }) => id === metadata.controllerId)
        ? metadata.controllerId
        : -1,
      brokers: brokers.map(({ id, host, port, rack }) => ({ brokerId: id, host, port, rack })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : NOT_REQUESTED,
    };
  },
);

const checkEndpointType = (endpointType: number, apiVersion: number): void => {
  if (endpointType === BROKERS) return;
  if (apiVersion === 0) throw new ProtocolError(errorCodes.INVALID_REQUEST);
  if (endpointType === CONTROLLERS)
    throw new ProtocolError(
      errorCodes.MISMATCHED_ENDPOINT_TYPE,
      'The request was sent to an endpoint of type BROKER, ' +
        'but we wanted an endpoint of type CONTROLLER',
    );
  throw new ProtocolError(
    errorCodes.UNSUPPORTED_ENDPOINT_TYPE,
    `Unsupported endpoint type ${endpointType}`,
  );
};
